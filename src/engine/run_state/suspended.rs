//! The state of a run while another run has its World.
//!
//! A run that waits for a language model keeps a few kilobytes of state; a World around it, with its schedules and what
//! Bevy keeps of each resource, would be fifty times that. Resources are exchanged with those of the run that comes
//! next, and entities stay where they are, hidden.

use std::mem;

use bevy::ecs::component::Mutable;
use bevy::ecs::world::WorldId;
use bevy::prelude::*;

use super::scoped::{self, RunEntities};

/// Room for one resource of a run.
pub(super) trait Slot: Send + Sync {
    /// Exchanges what is in it for what is in the World.
    fn exchange(&mut self, world: &mut World);
}

/// `None` where the run has no such resource: another scenario's.
struct SlotOf<R>(Option<R>);

impl<R: Resource<Mutability = Mutable>> Slot for SlotOf<R> {
    fn exchange(&mut self, world: &mut World) {
        match (world.get_resource_mut::<R>(), &mut self.0) {
            (Some(mut there), Some(here)) => mem::swap(here, &mut *there),
            (None, None) => {}
            (None, here) => world.insert_resource(here.take().expect("the other case is above")),
            (Some(_), None) => self.0 = world.remove_resource::<R>(),
        }
    }
}

pub(super) fn empty_slot<R: Resource<Mutability = Mutable>>() -> Box<dyn Slot> {
    Box::new(SlotOf::<R>(None))
}

/// What a run has while it does not have its World.
pub(crate) struct SuspendedState {
    slots: Vec<Box<dyn Slot>>,
    entities: Vec<Entity>,
    /// The World that its entities are in; none before a run was in it.
    home: Option<WorldId>,
}

impl SuspendedState {
    pub(super) fn new(slots: Vec<Box<dyn Slot>>) -> SuspendedState {
        SuspendedState { slots, entities: Vec::new(), home: None }
    }

    /// Takes the resources of runs out of a World that holds no run and that nobody needs any more.
    pub(crate) fn take_resources(&mut self, world: &mut World) {
        self.slots.iter_mut().for_each(|slot| slot.exchange(world));
    }

    /// Whether the run can go on in a World: the one in which it was before.
    pub(crate) fn is_at_home_in(&self, world: &World) -> bool {
        self.home.is_none_or(|home| home == world.id())
    }

    /// Puts the run into its World and takes out the one that the World held. `present` is kept by whoever owns the
    /// World, since making a query costs more than asking it.
    ///
    /// # Panics
    /// When its entities are in another World.
    pub(crate) fn exchange(&mut self, world: &mut World, present: &mut RunEntities) {
        assert!(self.is_at_home_in(world), "a run cannot leave the World that its entities are in");
        let coming = mem::take(&mut self.entities);
        scoped::suspend(world, present, &mut self.entities);
        scoped::resume(world, &coming);
        self.slots.iter_mut().for_each(|slot| slot.exchange(world));
        self.home = Some(world.id());
    }
}

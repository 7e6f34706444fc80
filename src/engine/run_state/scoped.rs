//! The entities of a run: they go with it, and they are out of sight while another run has the World.

use bevy::ecs::entity_disabling::DefaultQueryFilters;
use bevy::ecs::query::QueryState;
use bevy::prelude::*;

/// Marks what belongs to one run and goes with it.
#[derive(Component, Clone, Copy, Debug, Default)]
#[component(immutable)]
pub struct RunScoped;

/// Marks the entities of a run that waits for its turn. Queries leave them out, so no system has to know of them; an
/// entity keeps its id and whatever components anybody gave it.
#[derive(Component, Clone, Copy, Debug)]
#[component(immutable)]
pub(super) struct Suspended;

/// Makes the queries of a World leave out the entities of suspended runs. Only queries that are made afterwards do, so
/// it comes before every plugin.
pub(crate) fn hide_suspended(world: &mut World) {
    let suspended = world.register_component::<Suspended>();
    world.resource_mut::<DefaultQueryFilters>().register_disabling_component(suspended);
}

/// The entities of the run that a World holds.
pub(crate) type RunEntities = QueryState<Entity, With<RunScoped>>;

/// Hides the entities of the run that a World holds; which they are, in their order.
pub(super) fn suspend(world: &mut World, present: &mut RunEntities, entities: &mut Vec<Entity>) {
    entities.clear();
    entities.extend(present.iter(world));
    world.insert_batch(entities.iter().map(|entity| (*entity, Suspended)));
}

/// Shows the entities of a run again. They come back in the order in which they went, so that queries meet them as they
/// would have met them in a World of their own.
pub(super) fn resume(world: &mut World, entities: &[Entity]) {
    for entity in entities {
        world.entity_mut(*entity).remove::<Suspended>();
    }
}

/// Removes whatever an earlier run left.
pub(crate) fn clear_run(world: &mut World) {
    let entities: Vec<Entity> = world.query_filtered::<Entity, With<RunScoped>>().iter(world).collect();
    for entity in entities {
        // What is linked to another entity may have gone with it.
        world.try_despawn(entity).ok();
    }
}

/// In which order the entities of day 0 are spawned. It must not matter; tests permute it.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpawnOrder {
    /// By id.
    #[default]
    Ascending,
    /// Against it.
    Descending,
    /// The odd ones first.
    OddFirst,
}

impl SpawnOrder {
    pub(crate) fn of(self, count: usize) -> Vec<usize> {
        match self {
            SpawnOrder::Ascending => (0..count).collect(),
            SpawnOrder::Descending => (0..count).rev().collect(),
            SpawnOrder::OddFirst => (1..count).step_by(2).chain((0..count).step_by(2)).collect(),
        }
    }
}

//! State that plugins add to a run: it begins anew with each run and is part of the state hash.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;

use bevy::app::App;
use bevy::prelude::*;
use serde::Serialize;

use crate::base::registration::{Registrable, SourcePlace, admit};
use crate::engine::state_hash::StateHash;

/// One plugin's state.
struct RunState {
    reset: fn(&mut World),
    /// Appends its canonical bytes.
    put: fn(&World, &mut Vec<u8>),
    place: SourcePlace,
}

/// The states of plugins, by name.
#[derive(Default)]
pub struct RunStates(BTreeMap<&'static str, RunState>);

crate::base::table_resource::table_resource!(RunStates);

impl RunStates {
    /// Whether no plugin has any.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for RunStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Registers state of a run.
pub trait RunStateAppExt {
    /// Registers a resource of a plugin as state of the run, under a name: every run begins with its default, and what
    /// it holds after each step is part of the step's `state_hash`. A replay that differs only inside the plugin is
    /// then caught. Whatever decides what happens in a run belongs here, or into entities with
    /// [`RunScoped`](crate::engine::run_state::RunScoped).
    ///
    /// It is hashed as the JSON that it serialises to, so it must not hold maps without an order (`HashMap`).
    ///
    /// # Runs in
    ///
    /// The start of a run, and [`PostAgentSystems::Record`](crate::step::PostAgentSystems::Record): the states of all
    /// plugins enter the hash after the world, in the order of their names. Runs without any have the hashes that
    /// they would have without this.
    ///
    /// A name that is no `snake_case` name or is taken is reported with all other problems of the plugins, by
    /// [`Plugins::check`](crate::plugins::Plugins::check), `main_with`, or a panic of
    /// [`Simulation::from_app`](crate::simulation::driver::Simulation::from_app).
    ///
    /// ```
    /// use vendomini::prelude::*;
    ///
    /// /// How many evenings the run has seen.
    /// #[derive(Resource, Default, Serialize)]
    /// struct Evenings(u32);
    ///
    /// fn count_evenings(mut evenings: ResMut<Evenings>) {
    ///     evenings.0 += 1;
    /// }
    ///
    /// fn plugin(app: &mut App) {
    ///     app.add_run_state::<Evenings>("evenings");
    ///     app.add_systems(PostAgent, count_evenings.in_set(PostAgentSystems::Evening));
    /// }
    ///
    /// Plugins::default().with(plugin, "0.1.0").check().unwrap();
    /// ```
    #[track_caller]
    fn add_run_state<R: Resource + Default + Serialize>(&mut self, name: &'static str) -> &mut Self;
}

impl RunStateAppExt for App {
    #[track_caller]
    fn add_run_state<R: Resource + Default + Serialize>(&mut self, name: &'static str) -> &mut Self {
        let place = SourcePlace::of(Location::caller());
        let known = self.init_resource::<RunStates>().world().resource::<RunStates>().0.get(name);
        let known = known.map(|state| state.place.clone());
        if admit(self, Registrable::RunState, name, known, &place) {
            let reset = |world: &mut World| world.insert_resource(R::default());
            let put = |world: &World, bytes: &mut Vec<u8>| {
                serde_json::to_writer(bytes, world.resource::<R>()).expect("the state of a plugin has a JSON form");
            };
            self.init_resource::<R>();
            self.world_mut().resource_mut::<RunStates>().0.insert(name, RunState { reset, put, place });
        }
        self
    }
}

/// A run begins: the states of plugins are at their defaults.
pub(crate) fn reset(world: &mut World) {
    world.resource_scope(|world, states: Mut<RunStates>| states.0.values().for_each(|state| (state.reset)(world)));
}

/// Record: chains the states of plugins into the hash, after the world. Exclusive, since their types are not known
/// here.
pub fn hash_run_states(world: &mut World) {
    let states = world.resource::<RunStates>();
    let mut bytes = Vec::with_capacity(256);
    for (name, state) in &states.0 {
        // JSON has no control characters, so names and states cannot run into one another.
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        (state.put)(world, &mut bytes);
        bytes.push(0);
    }
    world.resource_mut::<StateHash>().link(|link| link.put_bytes(&bytes));
}

/// Marks what belongs to one run and goes with it.
#[derive(Component, Clone, Copy, Debug, Default)]
#[component(immutable)]
pub struct RunScoped;

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

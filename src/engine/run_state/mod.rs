//! The state of a run: declared once, beside its type. The register resets it, hashes it, and lets runs take turns in a
//! World with it, ours and a stranger's alike.
//!
//! - `scoped`: the entities of a run
//! - `suspended`: the state of a run while another run has its World
//! - `watch`: resources that somebody forgot to register

mod scoped;
mod suspended;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;

use bevy::app::App;
use bevy::ecs::component::{ComponentId, Mutable};
use bevy::prelude::*;
use serde::Serialize;

use crate::base::registration::{Registrable, SourcePlace, admit};
use crate::config::settings::RunConfig;
use crate::engine::state_hash::StateHash;
pub(crate) use scoped::{RunEntities, clear_run, hide_suspended};
pub use scoped::{RunScoped, SpawnOrder};
pub(crate) use suspended::SuspendedState;
use suspended::{Slot, empty_slot};
pub(crate) use watch::Watch;

/// One registered resource.
struct RunState {
    id: ComponentId,
    begin: Begin,
    empty_slot: fn() -> Box<dyn Slot>,
}

/// How a resource is when a run begins.
type Begin = Box<dyn Fn(&mut World, &RunConfig) + Send + Sync>;

/// State that is chained into the hash.
struct HashedState {
    /// Appends its canonical bytes.
    put: fn(&World, &mut Vec<u8>),
    place: SourcePlace,
}

/// The one register of run state: resources that begin anew with each run and take turns in a World with those of
/// other runs.
#[derive(Default)]
pub struct RunStates {
    states: Vec<RunState>,
    /// By name.
    hashed: BTreeMap<&'static str, HashedState>,
    /// Resources that are declared to be the same for all runs.
    shared: Vec<ComponentId>,
    /// Each empties the messages of a type.
    messages: Vec<fn(&mut World)>,
}

crate::base::table_resource::table_resource!(RunStates);

impl RunStates {
    /// Whether any state is chained into the hash.
    pub(crate) fn has_hashed(&self) -> bool {
        !self.hashed.is_empty()
    }

    /// The registered resources.
    fn ids(&self) -> impl Iterator<Item = ComponentId> + '_ {
        self.states.iter().map(|state| state.id)
    }

    /// Whether a resource is registered, or declared to be the same for all runs.
    pub(crate) fn declares(&self, id: ComponentId) -> bool {
        self.shared.contains(&id) || self.ids().any(|known| known == id)
    }

    /// Room for the state of a run.
    pub(crate) fn vacancy(&self) -> SuspendedState {
        SuspendedState::new(self.states.iter().map(|state| (state.empty_slot)()).collect())
    }

    fn register<R: Resource<Mutability = Mutable>>(app: &mut App, begin: Begin) {
        let id = app.world_mut().register_component::<R>();
        let mut states = app.init_resource::<RunStates>().world_mut().resource_mut::<RunStates>();
        // The same again replaces the first, so that modules may share a state whichever of them are there.
        states.states.retain(|state| state.id != id);
        states.states.push(RunState { id, begin, empty_slot: empty_slot::<R> });
    }

    /// Registers what the plugins have set up and runs go on to use: each World has one of its own, runs exchange them,
    /// and whoever begins a run makes it ready.
    pub(crate) fn keep<R: Resource<Mutability = Mutable>>(app: &mut App) {
        RunStates::register::<R>(app, Box::new(|_, _| {}));
    }
}

impl fmt::Debug for RunStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.hashed.keys()).finish()
    }
}

/// Registers state of a run.
pub trait RunStateAppExt {
    /// Registers a resource of a plugin as state of the run, under a name: every run begins with its default, and what
    /// it holds after each step is part of the step's `state_hash`. A replay that differs only inside the plugin is
    /// then caught. Whatever decides what happens in a run belongs here, or into entities with
    /// [`RunScoped`].
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
    fn add_run_state<R: Resource<Mutability = Mutable> + Default + Serialize>(
        &mut self,
        name: &'static str,
    ) -> &mut Self;

    /// Registers a resource as state of the run that is not part of the hash: each run begins with what `begin` makes
    /// of its configuration.
    ///
    /// Right for what decides nothing (a buffer, a count for people), and for what a system of yours chains into the
    /// hash in a form of its own, as a scenario does with [`StateHash`]. All other state belongs into
    /// [`add_run_state`](RunStateAppExt::add_run_state): a replay that differs only there would go unnoticed.
    ///
    /// ```
    /// use vendomini::prelude::*;
    ///
    /// /// Room for sorting, so that no step asks for memory.
    /// #[derive(Resource, Default)]
    /// struct Room(Vec<SkuId>);
    ///
    /// fn plugin(app: &mut App) {
    ///     app.add_run_resource(|_| Room::default());
    /// }
    ///
    /// Plugins::default().with(plugin, "0.1.0").check().unwrap();
    /// ```
    fn add_run_resource<R: Resource<Mutability = Mutable>>(&mut self, begin: fn(&RunConfig) -> R) -> &mut Self;

    /// Registers a resource as state of the run that a scenario inserts when it spawns day 0. It is not part of the hash
    /// unless a system of the scenario puts it there, and it is gone when a run of another scenario begins.
    fn add_spawned_run_resource<R: Resource<Mutability = Mutable>>(&mut self) -> &mut Self;

    /// Adds messages that systems send one another within [`PreAgent`](crate::step::PreAgent) or within
    /// [`PostAgent`](crate::step::PostAgent). What was not read when such a schedule is over is dropped: between the
    /// two, and from step to step, other runs have the World. What must last is a resource.
    ///
    /// ```
    /// use vendomini::prelude::*;
    ///
    /// #[derive(Message)]
    /// struct ShelfEmptied(SkuId);
    ///
    /// fn plugin(app: &mut App) {
    ///     app.add_run_message::<ShelfEmptied>();
    /// }
    ///
    /// Plugins::default().with(plugin, "0.1.0").check().unwrap();
    /// ```
    fn add_run_message<M: Message>(&mut self) -> &mut Self;

    /// Declares that a resource is the same for all runs, as far as any system can tell, although it changes: a cache, a
    /// register. A resource that changes in a run and is neither declared nor registered is a defect, which ends the run.
    fn share_between_runs<R: Resource>(&mut self) -> &mut Self;
}

impl RunStateAppExt for App {
    #[track_caller]
    fn add_run_state<R: Resource<Mutability = Mutable> + Default + Serialize>(
        &mut self,
        name: &'static str,
    ) -> &mut Self {
        let place = SourcePlace::of(Location::caller());
        let known = self.init_resource::<RunStates>().world().resource::<RunStates>().hashed.get(name);
        let known = known.map(|state| state.place.clone());
        if admit(self, Registrable::RunState, name, known, &place) {
            let put = |world: &World, bytes: &mut Vec<u8>| {
                serde_json::to_writer(bytes, world.resource::<R>()).expect("the state of a plugin has a JSON form");
            };
            self.init_resource::<R>();
            self.add_run_resource(|_| R::default());
            self.world_mut().resource_mut::<RunStates>().hashed.insert(name, HashedState { put, place });
        }
        self
    }

    fn add_run_resource<R: Resource<Mutability = Mutable>>(&mut self, begin: fn(&RunConfig) -> R) -> &mut Self {
        RunStates::register::<R>(self, Box::new(move |world, config| world.insert_resource(begin(config))));
        self
    }

    fn add_spawned_run_resource<R: Resource<Mutability = Mutable>>(&mut self) -> &mut Self {
        RunStates::register::<R>(self, Box::new(|world, _| drop(world.remove_resource::<R>())));
        self
    }

    fn add_run_message<M: Message>(&mut self) -> &mut Self {
        self.add_message::<M>().share_between_runs::<Messages<M>>();
        let clear = |world: &mut World| world.resource_mut::<Messages<M>>().clear();
        self.world_mut().resource_mut::<RunStates>().messages.push(clear);
        self
    }

    fn share_between_runs<R: Resource>(&mut self) -> &mut Self {
        let id = self.world_mut().register_component::<R>();
        self.init_resource::<RunStates>().world_mut().resource_mut::<RunStates>().shared.push(id);
        self
    }
}

/// A run begins: what an earlier one left goes, and registered resources are as they begin.
pub(crate) fn begin(world: &mut World, config: &RunConfig) {
    clear_run(world);
    world.resource_scope(|world, states: Mut<RunStates>| {
        states.states.iter().for_each(|state| (state.begin)(world, config));
    });
}

/// One of the schedules of a step is over: messages that nobody read go.
pub(crate) fn drop_messages(world: &mut World) {
    if !world.resource::<RunStates>().messages.is_empty() {
        world.resource_scope(|world, states: Mut<RunStates>| states.messages.iter().for_each(|clear| clear(world)));
    }
}

/// Record: chains the states of plugins into the hash, after the world. Exclusive, since their types are not known
/// here.
pub fn hash_run_states(world: &mut World) {
    let states = world.resource::<RunStates>();
    let mut bytes = Vec::with_capacity(256);
    for (name, state) in &states.hashed {
        // JSON has no control characters, so names and states cannot run into one another.
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        (state.put)(world, &mut bytes);
        bytes.push(0);
    }
    world.resource_mut::<StateHash>().link(|link| link.put_bytes(&bytes));
}

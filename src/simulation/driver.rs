//! The owner of Worlds for batches: one run after another in a World, or many that take turns in it, in as little memory
//! as can be.

use std::fmt;
use std::sync::Arc;

use bevy::app::App;
use bevy::ecs::schedule::{InternedScheduleLabel, ScheduleGraph, ScheduleLabel, SingleThreadedExecutor};
use bevy::prelude::*;

use super::drive::{self, Records, build_steps};
use super::headless::{drop_updates, report_updates};
use super::recorded_run::{Answers, RecordedRun};
use crate::agent::register::Rehearse;
use crate::agent::{Agent, Input, Instruments};
use crate::base::decision::Decision;
use crate::base::registration::PluginErrors;
use crate::base::run_end::EndReason;
use crate::base::units::Step;
use crate::config::settings::RunConfig;
use crate::engine::run_state::{RunEntities, SpawnOrder, Watch, clear_run};
use crate::record::step::Recorder;
use crate::record::summary::{RunIdentity, Summary};
use crate::shock::family::ShockFamilies;
use crate::step::{PostAgent, PreAgent};
use crate::tool::registry::ToolRegistry;

/// What a World was made from.
pub(crate) trait Recipe: Send + Sync {
    /// Another World like it.
    fn simulation(&self) -> Simulation;

    /// What is wrong with the names in a configuration, for a World made from this.
    fn wrong_names(&self, world: &World, config: &RunConfig) -> Option<String>;
}

/// A World with the simulation's plugins, used for one run after another.
pub struct Simulation {
    app: App,
    /// Out of the World, which would move them out of its map and back in with every step.
    pre_agent: Schedule,
    post_agent: Schedule,
    recipe: Arc<dyn Recipe>,
    spawn_order: SpawnOrder,
    present: RunEntities,
    watch: Watch,
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").finish_non_exhaustive()
    }
}

/// Finishes an App whose steps somebody runs who never updates it, and builds the schedules of its steps.
///
/// # Errors
/// Everything that is wrong with its plugins.
pub(crate) fn finish(app: &mut App) -> Result<(), PluginErrors> {
    app.finish();
    app.cleanup();
    report_updates(app);
    drive::complete(app);
    build_steps(app)
}

impl Simulation {
    /// A World that was made by some plugins.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn of(mut app: App, recipe: Arc<dyn Recipe>) -> Result<Simulation, PluginErrors> {
        finish(&mut app)?;
        let mut schedules = app.world_mut().resource_mut::<Schedules>();
        let mut take = |label: InternedScheduleLabel| {
            let mut schedule = schedules.remove(label).expect("it was built just now");
            // A built schedule runs without the graph that it was built from.
            *schedule.graph_mut() = ScheduleGraph::new();
            schedule
        };
        let (pre_agent, post_agent) = (take(PreAgent.intern()), take(PostAgent.intern()));
        drop_updates(&mut app);
        let present = app.world_mut().query_filtered();
        let watch = Watch::begin(app.world_mut());
        Ok(Simulation { app, pre_agent, post_agent, recipe, spawn_order: SpawnOrder::default(), present, watch })
    }

    /// Makes the systems of tools and shocks ready, so that what is wrong with one shows at once.
    pub(crate) fn prepare_one_shot_systems(&mut self) {
        drive::prepare_one_shot_systems(&mut self.app);
    }

    /// Spawns the entities of day 0 in another order, which must change nothing. For tests of that.
    pub fn set_spawn_order(&mut self, order: SpawnOrder) {
        self.spawn_order = order;
    }

    /// The World, to look at.
    #[must_use]
    pub fn world(&self) -> &World {
        self.app.world()
    }

    /// Begins a run: what an earlier one left goes, day 0 is spawned.
    ///
    /// `keep_records` says whether step and event records are formatted.
    ///
    /// # Panics
    /// When the configuration names a tool, a shock family or a crash detector that is not registered:
    /// [`Plan::fit`](crate::plan::Plan::fit) reports this before a run.
    pub fn start(&mut self, config: &RunConfig, keep_records: bool) {
        if let Some(wrong) = self.recipe.wrong_names(self.world(), config) {
            panic!("{wrong}");
        }
        let records = if keep_records { Records::Kept } else { Records::Dropped };
        drive::begin(self.app.world_mut(), config, self.spawn_order, records);
    }

    pub(super) fn world_mut(&mut self) -> &mut World {
        self.app.world_mut()
    }

    /// The World with the query of its run's entities, for whoever exchanges runs.
    pub(super) fn world_and_present(&mut self) -> (&mut World, &mut RunEntities) {
        (self.app.world_mut(), &mut self.present)
    }

    /// Runs the half of a step before the agent.
    ///
    /// # Panics
    /// When no run was started.
    pub fn observe(&mut self) {
        let schedule = &mut self.pre_agent;
        drive::observe_by(self.app.world_mut(), |world| schedule.run(world));
    }

    /// Asks an in-process agent.
    ///
    /// # Panics
    /// When no run was started.
    pub fn ask(&self, agent: &mut dyn Agent) -> Decision {
        drive::ask(self.world(), agent)
    }

    /// What an agent decides from in the present step.
    ///
    /// # Panics
    /// When no run was started.
    #[must_use]
    pub fn input(&self) -> Input<'_> {
        drive::input(self.world())
    }

    /// What agents look at that test the instrument.
    pub(crate) fn instruments(&self) -> Instruments<'_> {
        drive::instruments(self.world())
    }

    /// Runs the half of a step after the agent; says whether the run is over, and why.
    ///
    /// # Panics
    /// When no run was started.
    pub fn apply(&mut self, decision: Decision) -> Option<EndReason> {
        let (world, schedule) = (self.app.world_mut(), &mut self.post_agent);
        let ended = drive::apply_by(world, decision, |world| schedule.run(world));
        // A World that is stepped without `App::update` would otherwise collect removal records for ever.
        world.clear_trackers();
        ended
    }

    /// A new agent of a name, for the run that was started; `None` when none has the name.
    ///
    /// # Panics
    /// When no run was started.
    #[must_use]
    pub fn agent(&self, name: &str) -> Option<Box<dyn Agent>> {
        drive::agent(self.world(), name, self)
    }

    /// The lines recorded since they were last taken; the caller clears what it has written.
    pub fn recorder(&mut self) -> Mut<'_, Recorder> {
        self.app.world_mut().resource_mut::<Recorder>()
    }

    /// Steps that were finished.
    ///
    /// # Panics
    /// When no run was started.
    #[must_use]
    pub fn steps_done(&self) -> Step {
        drive::steps_done(self.world())
    }

    /// Sums the run up as it stands after its last finished step, between two steps.
    ///
    /// # Panics
    /// When no run was started.
    #[must_use]
    pub fn summary(&self, identity: RunIdentity, end_reason: EndReason) -> Summary {
        drive::summary(self.world(), identity, end_reason)
    }

    /// Notes how the run stands before a step begins.
    pub(crate) fn note_totals(&mut self) {
        drive::note_totals(self.app.world_mut());
    }

    /// Sums the run up as it stood when that was noted, while the agent is asked: its step is not made.
    pub(crate) fn summary_as_noted(&self, identity: RunIdentity, end_reason: EndReason) -> Summary {
        drive::summary_as_noted(self.world(), identity, end_reason)
    }

    /// Makes sure that the run left nothing in the World that the next one would meet.
    ///
    /// # Panics
    /// When a resource changed that nobody registered: a defect of the plugin that it belongs to.
    pub(crate) fn check_resources(&mut self) {
        let changed = self.watch.changed(self.app.world_mut());
        assert!(
            changed.is_empty(),
            "{} changed in a run, and other runs have the same World: register it with add_run_state or \
             add_run_resource, messages with add_run_message, and what is the same for all runs with share_between_runs",
            changed.join(", ")
        );
    }

    /// Makes the World fit for other runs after a panic of the one that it held, which is lost.
    ///
    /// # Panics
    /// When what the run had left to do panics as well. It can be called again: that is gone then.
    pub(crate) fn recover(&mut self) {
        let world = self.app.world_mut();
        for schedule in [&mut self.pre_agent, &mut self.post_agent] {
            // It remembers which systems it has run.
            schedule.set_executor(SingleThreadedExecutor::new());
            schedule.apply_deferred(world);
        }
        ToolRegistry::settle(world);
        ShockFamilies::settle(world);
        world.flush();
        clear_run(world);
        world.clear_trackers();
    }
}

#[cfg(test)]
impl Simulation {
    /// A defect in the middle of a step: the system that carries the decision out finds none.
    pub(crate) fn break_off(&mut self) {
        self.post_agent.run(self.app.world_mut());
    }
}

impl Rehearse for Simulation {
    fn rehearse(&self, config: &RunConfig, agent: &mut dyn Agent, see: &mut dyn FnMut(Instruments<'_>)) {
        rehearse(self.recipe.simulation(), config, agent, see);
    }
}

/// Makes a run in a World of its own.
pub(crate) fn rehearse(
    mut simulation: Simulation,
    config: &RunConfig,
    agent: &mut dyn Agent,
    see: &mut dyn FnMut(Instruments<'_>),
) {
    let mut run = RecordedRun::start(&mut simulation, config, RunIdentity::nobody(), (), Answers::AtOnce);
    run.follow(agent, |simulation| see(simulation.instruments()));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;
    use crate::config::Overrides;
    use crate::plan::Plan;

    /// A run that gets no answer is summed up as it stood before the step that it could not make.
    #[test]
    fn nothing_that_a_morning_changes_enters_the_summary_of_the_step_before() {
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/base.yaml");
        for observability in ["full", "delayed", "partial", "hidden"] {
            let settings = ["model.name=heuristic", "pe_induction.p_shock=0.5", "simulation.max_steps=150"];
            let mut set: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
            set.push(format!("pe_induction.observability={observability}"));
            let experiment = config::load(&base, &Overrides { set, ..Overrides::default() });
            let run = Plan::new(experiment.unwrap_or_else(|error| panic!("{error}"))).expect("a plan").run(0);
            let identity = || RunIdentity {
                run_id: run.run_id.clone(),
                params: serde_json::Map::new(),
                seed: 1,
                experiment_seed: 1,
            };
            let mut simulation = Simulation::new();
            simulation.start(&run.config, false);
            let mut agent = simulation.agent("heuristic").expect("it is built in");
            let mut changed = 0;
            loop {
                let before = simulation.summary(identity(), EndReason::ProviderError);
                simulation.note_totals();
                simulation.observe();
                assert_eq!(simulation.summary_as_noted(identity(), EndReason::ProviderError), before);
                changed += usize::from(simulation.summary(identity(), EndReason::ProviderError) != before);
                let decision = simulation.ask(agent.as_mut());
                if simulation.apply(decision).is_some() {
                    break;
                }
            }
            assert!(changed > 20, "mornings do change something: {changed}");
        }
    }
}

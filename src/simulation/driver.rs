//! The driver: one World a run, stepped through the two schedules with the agent in between.

use std::collections::BTreeMap;
use std::mem;

use bevy::app::App;
use bevy::ecs::schedule::{InternedScheduleLabel, ScheduleGraph, ScheduleLabel};
use bevy::prelude::*;

use super::end;
use crate::agent::register::{AgentRegister, AgentSetup};
use crate::agent::{Agent, Input};
use crate::base::decision::{ActionSource, Decision};
use crate::base::hex::Hash128;
use crate::base::registration::{PluginErrors, PluginProblem, PluginProblems};
use crate::base::rng::RunKey;
use crate::base::run_end::EndReason;
use crate::base::units::Step;
use crate::config::settings::RunConfig;
use crate::crash::detector::DetectorRegistry;
use crate::crash::state::CrashState;
use crate::engine::calendar::Calendar;
use crate::engine::journal::Journal;
use crate::engine::run_state;
use crate::engine::run_state::{RunStates, hash_run_states};
use crate::engine::run_state::{SpawnOrder, clear_run};
use crate::engine::state_hash::StateHash;
use crate::interface::observation::{Briefing, Observation};
use crate::interface::turn::Answer;
use crate::interface::turn::Turn;
use crate::plugins::Plugins;
use crate::prediction::hidden_causes::HiddenCauses;
use crate::prediction::predictions::Predictions;
use crate::record::step::Recorder;
use crate::record::summary::{Counted, PreStepTotals, RunIdentity, Summary, WindowSummary, summarise, windows};
use crate::scenario::warehouse::hash;
use crate::scenario::warehouse::level::Level;
use crate::scenario::warehouse::shown::ShownState;
use crate::scenario::warehouse::spawn::spawn_warehouse;
use crate::shock::family::ShockFamilies;
use crate::shock::ledger::DoseLedger;
use crate::shock::observability::DisclosurePolicy;
use crate::shock::strike::ShockRule;
use crate::simulation::headless::drop_updates;
use crate::simulation::registered::registered;
use crate::step::{PostAgent, PreAgent, RecordSystems};
use crate::tool::registry::ToolRegistry;
use crate::tool::scratchpad::Scratchpad;

/// A World with the simulation's plugins, used for one run after another.
pub struct Simulation {
    app: App,
    /// Out of the World, which would move them out of its map and back in with every step.
    pre_agent: Schedule,
    post_agent: Schedule,
    plugins: Plugins,
    spawn_order: SpawnOrder,
    progress: RunProgress,
}

/// What the driver knows of the run.
#[derive(Debug, Default)]
pub(crate) struct RunProgress {
    config: Option<RunConfig>,
    steps_done: Step,
    action_sources: BTreeMap<ActionSource, u32>,
    windows_at_crash: Option<WindowSummary>,
    initial_state_hash: u128,
    totals: PreStepTotals,
}

impl Default for Simulation {
    fn default() -> Simulation {
        Simulation::new()
    }
}

impl Simulation {
    /// A headless World with the built-in plugins.
    #[must_use]
    pub fn new() -> Simulation {
        Plugins::default().simulation()
    }

    /// A World made by the caller, who has added [`VendoMiniPlugins`](crate::VendoMiniPlugins) and whatever else. The
    /// agent `oracle` rehearses its runs with the built-in plugins alone; use [`Plugins`] where there are more.
    ///
    /// # Panics
    /// When something is wrong with the plugins: with everything that [`Plugins::check`] would report.
    #[must_use]
    pub fn from_app(app: App) -> Simulation {
        let mut simulation = Simulation::of(app, Plugins::default());
        prepare_on_call(&mut simulation.app);
        simulation
    }

    /// A World that was made by some plugins.
    pub(crate) fn of(mut app: App, plugins: Plugins) -> Simulation {
        if let Err(errors) = build_steps(&mut app) {
            panic!("{errors}");
        }
        let mut schedules = app.world_mut().resource_mut::<Schedules>();
        let mut take = |label: InternedScheduleLabel| {
            let mut schedule = schedules.remove(label).expect("it was built just now");
            // A built schedule runs without the graph that it was built from.
            *schedule.graph_mut() = ScheduleGraph::new();
            schedule
        };
        let (pre_agent, post_agent) = (take(PreAgent.intern()), take(PostAgent.intern()));
        drop_updates(&mut app);
        Simulation {
            app,
            pre_agent,
            post_agent,
            plugins,
            spawn_order: SpawnOrder::default(),
            progress: RunProgress::default(),
        }
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
        let world = self.app.world_mut();
        if let Some((path, wrong)) = registered(world).wrong_names(config).first() {
            panic!("{path}: {wrong}");
        }
        clear_run(world);
        run_state::reset(world);
        spawn_warehouse(world, config, self.spawn_order);
        let level = Level::new(config.simulation.complexity_level);
        let tools = world.resource_mut::<ToolRegistry>().offer(&level, &config.interface);
        let briefing = Briefing::new(config, tools);
        world.insert_resource(ShownState::new(&briefing));
        world.insert_resource(briefing);
        world.insert_resource(Observation::default());
        world.insert_resource(Turn::default());
        world.insert_resource(Answer::default());
        world.insert_resource(Scratchpad::default());
        world.insert_resource(RunKey::new(config.experiment.draw_key));
        world.insert_resource(ShockRule::new(config));
        world.insert_resource(DoseLedger::default());
        world.insert_resource(DisclosurePolicy::new(config.pe_induction.observability));
        world.insert_resource(Predictions::new(&config.measurement));
        world.insert_resource(HiddenCauses::default());
        let hash = hash::start(config);
        let initial_state_hash = hash.value();
        world.insert_resource(hash);
        let crash = CrashState::new(&config.measurement, &mut world.resource_mut::<DetectorRegistry>());
        world.insert_resource(crash);
        let windows = &config.measurement.pe_windows;
        let mut recorder = world.remove_resource::<Recorder>().unwrap_or_default();
        recorder.keep = keep_records;
        recorder.windows = if config.measurement.windows_in_steps { windows.clone() } else { Vec::new() };
        recorder.steps.clear();
        recorder.events.clear();
        world.insert_resource(recorder);
        self.progress = RunProgress { config: Some(config.clone()), initial_state_hash, ..RunProgress::default() };
    }

    pub(crate) fn world_mut(&mut self) -> &mut World {
        self.app.world_mut()
    }

    pub(crate) fn take_progress(&mut self) -> RunProgress {
        mem::take(&mut self.progress)
    }

    pub(crate) fn put_progress(&mut self, progress: RunProgress) {
        self.progress = progress;
    }

    /// Runs the half of a step before the agent.
    pub fn observe(&mut self) {
        let world = self.app.world_mut();
        world.resource_mut::<Journal>().start_step();
        self.pre_agent.run(world);
    }

    /// Asks an in-process agent.
    pub fn ask(&self, agent: &mut dyn Agent) -> Decision {
        agent.decide(self.input())
    }

    /// What an agent decides from in the present step.
    #[must_use]
    pub fn input(&self) -> Input<'_> {
        let world = self.app.world();
        Input {
            observation: world.resource::<Observation>(),
            shown: world.resource::<ShownState>(),
            briefing: world.resource::<Briefing>(),
            predictions: world.resource::<Predictions>(),
            state_hash: world.resource::<StateHash>().value(),
        }
    }

    /// Runs the half of a step after the agent; says whether the run is over, and why.
    ///
    /// # Panics
    /// When no run was started.
    pub fn apply(&mut self, decision: Decision) -> Option<EndReason> {
        let (world, progress) = (self.app.world_mut(), &mut self.progress);
        *progress.action_sources.entry(decision.source).or_default() += 1;
        world.resource_mut::<Answer>().0 = Some(decision);
        self.post_agent.run(world);
        progress.steps_done += 1;
        let config = progress.config.as_ref().expect("a run was started");
        let ended = end::check(world, &config.simulation);
        if progress.windows_at_crash.is_none()
            && let Some(crash) = world.resource::<CrashState>().crash()
        {
            progress.windows_at_crash = Some(windows(world, &config.measurement.pe_windows, crash.detected));
        }
        if ended.is_none() {
            world.resource_mut::<Calendar>().advance();
        }
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
        let config = self.progress.config.as_ref().expect("a run was started");
        let world = self.app.world();
        let briefing = world.resource::<Briefing>();
        world.get_resource::<AgentRegister>()?.build(AgentSetup { name, config, briefing, plugins: &self.plugins })
    }

    /// The lines recorded since they were last taken; the caller clears what it has written.
    pub fn recorder(&mut self) -> Mut<'_, Recorder> {
        self.app.world_mut().resource_mut::<Recorder>()
    }

    /// Steps that were finished.
    #[must_use]
    pub fn steps_done(&self) -> Step {
        self.progress.steps_done
    }

    /// Sums the run up as it stands after its last finished step, between two steps.
    #[must_use]
    pub fn summary(&self, identity: RunIdentity, end_reason: EndReason) -> Summary {
        let mut totals = PreStepTotals::default();
        totals.look(self.world());
        self.sum_up(identity, end_reason, totals)
    }

    /// Notes how the run stands before a step begins.
    pub(crate) fn note_totals(&mut self) {
        self.progress.totals.look(self.app.world());
    }

    /// Sums the run up as it stood when that was noted, while the agent is asked: its step is not made.
    pub(crate) fn summary_as_noted(&self, identity: RunIdentity, end_reason: EndReason) -> Summary {
        self.sum_up(identity, end_reason, self.progress.totals.clone())
    }

    fn sum_up(&self, identity: RunIdentity, end_reason: EndReason, totals: PreStepTotals) -> Summary {
        let (world, progress) = (self.app.world(), &self.progress);
        let pe_windows = progress.config.as_ref().map_or(&[][..], |config| &config.measurement.pe_windows);
        let last = progress.steps_done.saturating_sub(1);
        let counted = Counted {
            total_steps: progress.steps_done,
            end_reason,
            action_sources: progress.action_sources.clone(),
            windows_at_crash: progress.windows_at_crash.clone(),
            windows_at_end: windows(world, pe_windows, last),
            initial_state_hash: Hash128(progress.initial_state_hash).to_string(),
        };
        summarise(world, identity, counted, totals)
    }
}

/// Finishes an App and builds the schedules of its steps.
///
/// # Errors
/// Everything that is wrong with its plugins.
pub(crate) fn build_steps(app: &mut App) -> Result<(), PluginErrors> {
    app.finish();
    app.cleanup();
    complete(app);
    build(app, PreAgent, "PreAgent");
    build(app, PostAgent, "PostAgent");
    PluginProblems::of(app).map_or(Ok(()), Err)
}

/// Makes the systems of tools and shocks ready, which otherwise happens when they are first called.
pub(crate) fn prepare_on_call(app: &mut App) {
    ToolRegistry::prepare(app.world_mut());
    ShockFamilies::prepare(app.world_mut());
}

/// Completes the schedules once all plugins are in.
fn complete(app: &mut App) {
    // An exclusive system costs a little in every step, so it is there only where it has something to do.
    let has_states = app.world().get_resource::<RunStates>().is_some_and(|states| !states.is_empty());
    if has_states && app.get_schedule(PostAgent).is_some() {
        app.add_systems(PostAgent, hash_run_states.in_set(RecordSystems::HashPlugins));
    }
}

fn build(app: &mut App, label: impl ScheduleLabel + Clone, schedule: &'static str) {
    let built = app.world_mut().try_schedule_scope(label, |world, schedule| {
        schedule.initialize(world).map(drop).map_err(|error| error.to_string(schedule.graph(), world))
    });
    let problem = match built {
        Ok(Ok(())) => return,
        Ok(Err(why)) => PluginProblem::Schedule { schedule, why },
        Err(_) => PluginProblem::NoSchedule(schedule),
    };
    PluginProblems::note(app, problem);
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

//! A run over a World, whoever owns it: the batch, an App, a test.
//!
//! The agent sits between two calls: what it may see is there after [`observe`], and its decision goes into [`apply`].
//! Nothing here reads a clock or a file.

use bevy::app::App;
use bevy::ecs::schedule::ScheduleLabel;
use bevy::prelude::*;

use super::end;
use super::progress::RunProgress;
use crate::agent::register::{AgentRegister, AgentSetup, Rehearse};
use crate::agent::{Agent, Input, Instruments};
use crate::base::decision::Decision;
use crate::base::hex::Hash128;
use crate::base::registration::{PluginErrors, PluginProblem, PluginProblems};
use crate::base::run_end::EndReason;
use crate::base::units::Step;
use crate::config::settings::RunConfig;
use crate::crash::detector::DetectorRegistry;
use crate::crash::state::CrashState;
use crate::engine::calendar::Calendar;
use crate::engine::journal::Journal;
use crate::engine::run_state::{self, RunStateAppExt, RunStates, SpawnOrder, hash_run_states};
use crate::engine::state_hash::StateHash;
use crate::interface::observation::{Briefing, Observation};
use crate::interface::shown::Knowledge;
use crate::interface::truth::Truth;
use crate::interface::turn::{Answer, Turn};
use crate::prediction::predictions::Predictions;
use crate::record::step::Recorder;
use crate::record::summary::{Counted, PreStepTotals, RunIdentity, Summary, summarise, windows};
use crate::scenario::warehouse::rules::WarehouseRules;
use crate::scenario::warehouse::shown::ShownState;
use crate::scenario::warehouse::spawn::spawn_warehouse;
use crate::scenario::warehouse::{NAME, hash};
use crate::shock::family::ShockFamilies;
use crate::step::{PostAgent, PreAgent, RecordSystems};
use crate::tool::registry::ToolRegistry;

/// Registers the state that every run has, whichever plugins are left out, and finishes the schedules of a step. The
/// owner of an App calls it when all plugins are in.
pub(crate) fn complete(app: &mut App) {
    crate::engine::register_run_state(app);
    crate::tool::register_run_state(app);
    crate::shock::register_run_state(app);
    crate::prediction::register_run_state(app);
    crate::crash::register_run_state(app);
    crate::record::register_run_state(app);
    app.add_run_resource(RunProgress::new)
        .add_run_resource(|_| Observation::default())
        .add_run_resource(|_| Turn::default())
        .add_run_resource(|_| Truth::default())
        .add_spawned_run_resource::<Knowledge>()
        .add_run_resource(|_| Answer::default())
        .add_run_resource(|_| Truth::default())
        .add_spawned_run_resource::<Knowledge>()
        .add_spawned_run_resource::<Briefing>();
    // An exclusive system costs a little in every step, so it is there only where it has something to do.
    if app.world().resource::<RunStates>().has_hashed() && app.get_schedule(PostAgent).is_some() {
        app.add_systems(PostAgent, hash_run_states.in_set(RecordSystems::HashPlugins));
    }
}

/// Builds the schedules of a step.
///
/// # Errors
/// Everything that is wrong with the plugins of the App.
pub(crate) fn build_steps(app: &mut App) -> Result<(), PluginErrors> {
    build(app, PreAgent, "PreAgent");
    build(app, PostAgent, "PostAgent");
    PluginProblems::of(app).map_or(Ok(()), Err)
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

/// Makes the systems of tools and shocks ready, which otherwise happens when they are first called.
pub(crate) fn prepare_one_shot_systems(app: &mut App) {
    ToolRegistry::prepare(app.world_mut());
    ShockFamilies::prepare(app.world_mut());
}

/// Whether records of steps and events are formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// They are, and wait in the [`Recorder`] until somebody takes them.
    Kept,
    /// They are not.
    Dropped,
}

/// Begins a run: what an earlier one left goes, day 0 is spawned. The World has the plugins of
/// [`VendoMiniPlugins`](crate::VendoMiniPlugins).
///
/// # Panics
/// When the configuration names a tool, a shock family or a crash detector that is not registered:
/// [`Plan::fit`](crate::plan::Plan::fit) reports this before a run.
pub fn begin(world: &mut World, config: &RunConfig, order: SpawnOrder, records: Records) {
    run_state::begin(world, config);
    spawn_warehouse(world, config, order);
    let tools = world.resource::<ToolRegistry>().offer(NAME, config);
    let briefing = Briefing::new(config, NAME, WarehouseRules::briefed(config), tools);
    world.insert_resource(Knowledge(Box::new(ShownState::new(&briefing))));
    world.insert_resource(briefing);
    let hash = hash::start(config);
    world.resource_mut::<RunProgress>().initial_state_hash = hash.value();
    world.insert_resource(hash);
    let crash = CrashState::new(&config.measurement, &mut world.resource_mut::<DetectorRegistry>());
    world.insert_resource(crash);
    let windows = &config.measurement.pe_windows;
    let mut recorder = world.resource_mut::<Recorder>();
    recorder.keep = records == Records::Kept;
    recorder.windows = if config.measurement.windows_in_steps { windows.clone() } else { Vec::new() };
    recorder.steps.clear();
    recorder.events.clear();
}

/// Runs the half of a step before the agent. What the agent decides from is in [`input`] then.
///
/// # Panics
/// When no run was begun.
pub fn observe(world: &mut World) {
    observe_by(world, |world| world.run_schedule(PreAgent));
}

/// The same, for owners who keep the schedule themselves.
pub(super) fn observe_by(world: &mut World, pre_agent: impl FnOnce(&mut World)) {
    world.resource_mut::<Journal>().start_step();
    pre_agent(world);
    run_state::drop_messages(world);
}

/// Runs the half of a step after the agent, with what it decided; says whether the run is over, and why.
///
/// A World that is not updated by an App otherwise collects what was removed for ever: its owner calls
/// [`World::clear_trackers`] after this.
///
/// # Panics
/// When no run was begun.
pub fn apply(world: &mut World, decision: Decision) -> Option<EndReason> {
    apply_by(world, decision, |world| world.run_schedule(PostAgent))
}

/// The same, for owners who keep the schedule themselves.
pub(super) fn apply_by(
    world: &mut World,
    decision: Decision,
    post_agent: impl FnOnce(&mut World),
) -> Option<EndReason> {
    let source = decision.source;
    world.resource_mut::<Answer>().0 = Some(decision);
    post_agent(world);
    run_state::drop_messages(world);
    let progress = world.resource::<RunProgress>();
    let ended = end::check(world, &progress.config.simulation);
    let windows_at_crash = match (&progress.windows_at_crash, world.resource::<CrashState>().crash()) {
        (None, Some(crash)) => Some(windows(world, &progress.config.measurement.pe_windows, crash.detected)),
        _ => None,
    };
    let mut progress = world.resource_mut::<RunProgress>();
    progress.steps_done += 1;
    *progress.action_sources.entry(source).or_default() += 1;
    if windows_at_crash.is_some() {
        progress.windows_at_crash = windows_at_crash;
    }
    if ended.is_none() {
        world.resource_mut::<Calendar>().advance();
    }
    ended
}

/// What an agent decides from in the present step.
///
/// # Panics
/// When no run was begun.
#[must_use]
pub fn input(world: &World) -> Input<'_> {
    Input {
        observation: world.resource::<Observation>(),
        shown: &*world.resource::<Knowledge>().0,
        briefing: world.resource::<Briefing>(),
    }
}

/// What agents look at that test the instrument.
#[must_use]
pub(crate) fn instruments(world: &World) -> Instruments<'_> {
    Instruments { predictions: world.resource::<Predictions>(), state_hash: world.resource::<StateHash>().value() }
}

/// Asks an in-process agent.
///
/// # Panics
/// When no run was begun.
pub fn ask(world: &World, agent: &mut dyn Agent) -> Decision {
    agent.decide_with(input(world), instruments(world))
}

/// A new agent of a name, for the run that a World holds; `None` when none has the name.
pub(crate) fn agent(world: &World, name: &str, rehearse: &dyn Rehearse) -> Option<Box<dyn Agent>> {
    let config = &world.resource::<RunProgress>().config;
    let briefing = world.resource::<Briefing>();
    world.get_resource::<AgentRegister>()?.build(AgentSetup { name, config, briefing, rehearse })
}

/// Steps of the run that were finished.
///
/// # Panics
/// When no run was begun.
#[must_use]
pub fn steps_done(world: &World) -> Step {
    world.resource::<RunProgress>().steps_done
}

/// Sums the run up as it stands after its last finished step, between two steps.
///
/// # Panics
/// When no run was begun.
#[must_use]
pub fn summary(world: &World, identity: RunIdentity, end_reason: EndReason) -> Summary {
    let mut totals = PreStepTotals::default();
    totals.look(world);
    sum_up(world, identity, end_reason, totals)
}

/// Notes how the run stands before a step begins.
pub(crate) fn note_totals(world: &mut World) {
    let mut totals = std::mem::take(&mut world.resource_mut::<RunProgress>().totals);
    totals.look(world);
    world.resource_mut::<RunProgress>().totals = totals;
}

/// Sums the run up as it stood when that was noted, while the agent is asked: its step is not made.
pub(crate) fn summary_as_noted(world: &World, identity: RunIdentity, end_reason: EndReason) -> Summary {
    sum_up(world, identity, end_reason, world.resource::<RunProgress>().totals.clone())
}

fn sum_up(world: &World, identity: RunIdentity, end_reason: EndReason, totals: PreStepTotals) -> Summary {
    let progress = world.resource::<RunProgress>();
    let last = progress.steps_done.saturating_sub(1);
    let counted = Counted {
        total_steps: progress.steps_done,
        end_reason,
        action_sources: progress.action_sources.clone(),
        windows_at_crash: progress.windows_at_crash.clone(),
        windows_at_end: windows(world, &progress.config.measurement.pe_windows, last),
        initial_state_hash: Hash128(progress.initial_state_hash).to_string(),
    };
    summarise(world, identity, counted, totals)
}

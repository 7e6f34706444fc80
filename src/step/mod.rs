//! In what order: the two schedules of a step, their sets and sub-sets. Systems belong to the plugins that add them.
//!
//! The agent sits between the schedules. `PreAgent` (Morning, Observe) ends in an owned observation; `PostAgent`
//! (Act, Evening, Resolve, Detect, Record) starts from an owned decision. This is the only module that orders
//! systems of different modules.

use bevy::app::{App, Plugin};
use bevy::ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};
use bevy::prelude::*;

/// The half of a step before the agent decides.
#[derive(ScheduleLabel, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PreAgent;

/// The half of a step after the agent has decided.
#[derive(ScheduleLabel, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PostAgent;

/// Sets of [`PreAgent`], in this order. What runs in each of them, and in which order, stands in the manual of the
/// [crate](crate#schedules-sets-and-systems).
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PreAgentSystems {
    /// In a day's first step: deliveries, late postings, batched messages, then customer demand.
    ///
    /// Runs in [`PreAgent`], on mornings only. When it is over, everything that the day brings has come; what a system
    /// changes here, the agent can see in this step.
    Morning,
    /// What happens at an hour of the day, in scenarios whose days have hours.
    ///
    /// Runs in [`PreAgent`], in every step. Empty in the warehouse.
    Clock,
    /// What the agent may see is assembled; the world does not change any more.
    ///
    /// Runs in [`PreAgent`], in every step. When it is over, the observation is complete and the shown state has taken
    /// it in.
    Observe,
}

/// Sets of [`PostAgent`], in this order. What runs in each of them, and in which order, stands in the manual of the
/// [crate](crate#schedules-sets-and-systems).
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PostAgentSystems {
    /// The tool runs; predictions bind.
    ///
    /// Runs in [`PostAgent`], in every step. Tools that plugins add run here, at most one a step. When it is over,
    /// every prediction of the step's card is bound, resolved or void.
    Act,
    /// In a day's last step: storage fees, expiry of customer orders, the shock.
    ///
    /// Runs in [`PostAgent`], on evenings only. Shock families that plugins add strike here, at most one an evening,
    /// after everything else that is built in. When it is over, the day is over: what a system changes here, the agent
    /// meets tomorrow.
    Evening,
    /// Predictions whose outcome is known become errors.
    ///
    /// Runs in [`PostAgent`], in every step. It reads the journal: a delivery or posting that is noted before it
    /// becomes an error in this step.
    Resolve,
    /// Every crash detector looks at the window.
    ///
    /// Runs in [`PostAgent`], in every step, on what the step came to. Detectors that plugins add judge here. Nothing
    /// may change the world any more.
    Detect,
    /// The state is hashed and the step is recorded.
    ///
    /// Runs in [`PostAgent`], in every step: the world, then the states of plugins, then the record.
    Record,
}

/// Sub-sets of [`PreAgentSystems::Morning`], in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MorningSystems {
    /// Purchase orders that are due reach the dock.
    Arrive,
    /// Postings that are due hit the ledger.
    Post,
    /// What others send in answer to yesterday's messages comes in.
    Answer,
    /// Messages that were held back are handed out.
    Tell,
    /// Customers ask for goods.
    Demand,
}

/// Sub-sets of [`PreAgentSystems::Observe`], in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObserveSystems {
    /// The scenario describes its state, for records and for the dashboard.
    Scene,
    /// The observation is put together, and the shown state takes it in.
    Assemble,
    /// The accounts of the step that begins are opened.
    Open,
}

/// Sub-sets of [`PostAgentSystems::Act`], in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActSystems {
    /// The tool runs.
    Call,
    /// The scenario tells the truth right after the action.
    Truth,
    /// Predictions bind to what the tool did.
    Bind,
}

/// Sub-sets of [`PostAgentSystems::Evening`], in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EveningSystems {
    /// The scenario closes the day.
    Close,
    /// The shock strikes.
    Strike,
}

/// Sub-sets of [`PostAgentSystems::Record`], in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordSystems {
    /// The scenario chains its state into the hash.
    Hash,
    /// The run states of plugins are chained into it.
    HashPlugins,
    /// The step record is written.
    Write,
}

/// Makes a schedule of the simulation out of one that plugins may have begun: single-threaded, and an undecided order of
/// two systems is an error.
fn strict(schedule: &mut Schedule) {
    schedule.set_executor(SingleThreadedExecutor::new());
    schedule.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: LogLevel::Error,
        hierarchy_detection: LogLevel::Error,
        ..ScheduleBuildSettings::default()
    });
}

/// Adds the schedules, their sets, and the order of the sets. Systems are added by the plugins that own them; on which
/// steps mornings and evenings fall is said by [`EnginePlugin`](crate::engine::EnginePlugin), which owns the calendar.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepPlugin;

impl Plugin for StepPlugin {
    fn build(&self, app: &mut App) {
        app.edit_schedule(PreAgent, |before| {
            strict(before);
            before.configure_sets((PreAgentSystems::Morning, PreAgentSystems::Clock, PreAgentSystems::Observe).chain());
            before.configure_sets(
                (
                    MorningSystems::Arrive,
                    MorningSystems::Post,
                    MorningSystems::Answer,
                    MorningSystems::Tell,
                    MorningSystems::Demand,
                )
                    .chain()
                    .in_set(PreAgentSystems::Morning),
            );
            before.configure_sets(
                (ObserveSystems::Scene, ObserveSystems::Assemble, ObserveSystems::Open)
                    .chain()
                    .in_set(PreAgentSystems::Observe),
            );
        });
        app.edit_schedule(PostAgent, |after| {
            strict(after);
            after.configure_sets(
                (
                    PostAgentSystems::Act,
                    PostAgentSystems::Evening,
                    PostAgentSystems::Resolve,
                    PostAgentSystems::Detect,
                    PostAgentSystems::Record,
                )
                    .chain(),
            );
            after.configure_sets(
                (ActSystems::Call, ActSystems::Truth, ActSystems::Bind).chain().in_set(PostAgentSystems::Act),
            );
            after.configure_sets(
                (EveningSystems::Close, EveningSystems::Strike).chain().in_set(PostAgentSystems::Evening),
            );
            after.configure_sets(
                (RecordSystems::Hash, RecordSystems::HashPlugins, RecordSystems::Write)
                    .chain()
                    .in_set(PostAgentSystems::Record),
            );
        });
    }
}

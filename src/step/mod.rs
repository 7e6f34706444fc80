//! In what order: the two schedules of a step, their sets, and the driver that passes through them.
//!
//! The agent sits between the schedules. `PreAgent` (Morning, Observe) ends in an owned observation; `PostAgent`
//! (Act, Evening, Resolve, Detect, Record) starts from an owned decision. This is the only module that orders
//! systems of different modules.

use bevy::app::{App, Plugin};
use bevy::ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};
use bevy::prelude::*;

use crate::agent::observe::assemble_observation;
use crate::crash::detector::DetectorRegistry;
use crate::crash::state::detect_crashes;
use crate::engine::calendar::{evening, morning};
use crate::engine::ledger::post_due_postings;
use crate::engine::orders::deliver_due_orders;
use crate::engine::run_state::{RunStates, hash_run_states};
use crate::engine::state_hash::hash_state;
use crate::prediction::bind::bind_predictions;
use crate::prediction::resolve::resolve_predictions;
use crate::record::step::record_step;
use crate::scenario::warehouse::customer::{expire_customer_orders, receive_customer_requests};
use crate::scenario::warehouse::sku::charge_storage_fees;
use crate::shock::family::ShockFamilies;
use crate::shock::observability::release_batch;
use crate::shock::strike::{open_shock_account, strike_shock};
use crate::tool::act::act;
use crate::tool::registry::ToolRegistry;

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

/// Adds the schedules and the order of everything in them.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepPlugin;

impl Plugin for StepPlugin {
    fn build(&self, app: &mut App) {
        // Steps are made also where nobody has registered anything.
        app.init_resource::<ToolRegistry>().init_resource::<ShockFamilies>().init_resource::<DetectorRegistry>();
        app.init_resource::<RunStates>();
        app.edit_schedule(PreAgent, |before| {
            strict(before);
            before.configure_sets((PreAgentSystems::Morning.run_if(morning), PreAgentSystems::Observe).chain());
            before.add_systems((
                (deliver_due_orders, post_due_postings, release_batch, receive_customer_requests)
                    .chain()
                    .in_set(PreAgentSystems::Morning),
                (assemble_observation, open_shock_account).chain().in_set(PreAgentSystems::Observe),
            ));
        });
        app.edit_schedule(PostAgent, |after| {
            strict(after);
            after.configure_sets(
                (
                    PostAgentSystems::Act,
                    PostAgentSystems::Evening.run_if(evening),
                    PostAgentSystems::Resolve,
                    PostAgentSystems::Detect,
                    PostAgentSystems::Record,
                )
                    .chain(),
            );
            after.add_systems((
                (act, bind_predictions).chain().in_set(PostAgentSystems::Act),
                (charge_storage_fees, expire_customer_orders, strike_shock).chain().in_set(PostAgentSystems::Evening),
                resolve_predictions.in_set(PostAgentSystems::Resolve),
                detect_crashes.in_set(PostAgentSystems::Detect),
                (hash_state, record_step).chain().in_set(PostAgentSystems::Record),
            ));
        });
    }
}

/// Completes the schedules once all plugins are in.
pub(crate) fn complete(app: &mut App) {
    // An exclusive system costs a little in every step, so it is there only where it has something to do.
    let has_states = app.world().get_resource::<RunStates>().is_some_and(|states| !states.is_empty());
    if has_states && app.get_schedule(PostAgent).is_some() {
        let between = hash_run_states.after(hash_state).before(record_step);
        app.add_systems(PostAgent, between.in_set(PostAgentSystems::Record));
    }
}

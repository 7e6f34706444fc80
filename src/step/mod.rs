//! In what order: the two schedules of a step, their sets, and the driver that passes through them.
//!
//! The agent sits between the schedules. `PreAgent` (Morning, Observe) ends in an owned observation; `PostAgent`
//! (Act, Evening, Resolve, Detect, Record) starts from an owned decision. This is the only module that orders
//! systems of different modules.

pub mod act;
pub mod driver;
pub mod end;
pub mod observe;
pub(crate) mod small;
pub mod turn;

use bevy::app::{App, Plugin};
use bevy::ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};
use bevy::prelude::*;

use crate::crash::detector::DetectorRegistry;
use crate::crash::state::detect_crashes;
use crate::prediction::bind::bind_predictions;
use crate::prediction::resolve::resolve_predictions;
use crate::record::step::record_step;
use crate::shock::family::ShockFamilies;
use crate::shock::observability::release_batch;
use crate::shock::strike::{open_shock_account, strike_shock};
use crate::tool::registry::ToolRegistry;
use crate::world::calendar::{evening, morning};
use crate::world::customer::{expire_customer_orders, receive_customer_requests};
use crate::world::ledger::post_due_postings;
use crate::world::order::deliver_due_orders;
use crate::world::run_state::{RunStates, hash_run_states};
use crate::world::sku::charge_storage_fees;
use crate::world::snapshot::hash_state;

/// The half of a step before the agent decides.
#[derive(ScheduleLabel, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PreAgent;

/// The half of a step after the agent has decided.
#[derive(ScheduleLabel, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PostAgent;

/// Sets of [`PreAgent`], in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PreAgentSystems {
    /// In a day's first step: deliveries, late postings, batched messages, then customer demand.
    Morning,
    /// What the agent may see is assembled; the world does not change any more.
    Observe,
}

/// Sets of [`PostAgent`], in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PostAgentSystems {
    /// The tool runs; predictions bind.
    Act,
    /// In a day's last step: storage fees, expiry of customer orders, the shock.
    Evening,
    /// Predictions whose outcome is known become errors.
    Resolve,
    /// Every crash detector looks at the window.
    Detect,
    /// The state is hashed and the step is recorded.
    Record,
}

/// A schedule of the simulation: single-threaded, and an undecided order of two systems is an error.
fn strict(label: impl ScheduleLabel) -> Schedule {
    let mut schedule = Schedule::new(label);
    schedule.set_executor(SingleThreadedExecutor::new());
    schedule.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: LogLevel::Error,
        hierarchy_detection: LogLevel::Error,
        ..ScheduleBuildSettings::default()
    });
    schedule
}

/// Adds the schedules and the order of everything in them.
#[derive(Default)]
pub struct StepPlugin;

impl Plugin for StepPlugin {
    fn build(&self, app: &mut App) {
        // Steps are made also where nobody has registered anything.
        app.init_resource::<ToolRegistry>().init_resource::<ShockFamilies>().init_resource::<DetectorRegistry>();
        app.init_resource::<RunStates>();
        let mut before = strict(PreAgent);
        before.configure_sets((PreAgentSystems::Morning.run_if(morning), PreAgentSystems::Observe).chain());
        before.add_systems((
            (deliver_due_orders, post_due_postings, release_batch, receive_customer_requests)
                .chain()
                .in_set(PreAgentSystems::Morning),
            (observe::assemble_observation, open_shock_account).chain().in_set(PreAgentSystems::Observe),
        ));
        let mut after = strict(PostAgent);
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
            (act::act, bind_predictions).chain().in_set(PostAgentSystems::Act),
            (charge_storage_fees, expire_customer_orders, strike_shock).chain().in_set(PostAgentSystems::Evening),
            resolve_predictions.in_set(PostAgentSystems::Resolve),
            detect_crashes.in_set(PostAgentSystems::Detect),
            (hash_state, hash_run_states, record_step).chain().in_set(PostAgentSystems::Record),
        ));
        app.add_schedule(before).add_schedule(after);
    }
}

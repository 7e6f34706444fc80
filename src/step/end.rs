//! How a run ends: exactly one reason, checked once after Record, in the order of the enum.

use bevy::ecs::world::World;
use serde::Serialize;

use crate::config::settings::SimulationConfig;
use crate::crash::state::CrashState;
use crate::world::calendar::Calendar;
use crate::world::customer::{Customers, Demand};
use crate::world::ledger::Ledger;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// A defect of this program.
    HarnessError,
    /// The user stopped the batch.
    OperatorCancel,
    /// The posted budget fell below `simulation.bankrupt_below`.
    Bankrupt,
    /// Customers gave up on the warehouse.
    CustomerFailures,
    /// A hard crash, and `continue_after_crash` steps after it.
    Crash,
    /// The last step.
    Horizon,
}

/// To whom an end is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultOwner {
    /// This program.
    Harness,
    /// The user.
    Operator,
    /// The agent.
    Agent,
    /// Nobody.
    None,
}

impl EndReason {
    /// Its word in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            EndReason::HarnessError => "harness_error",
            EndReason::OperatorCancel => "operator_cancel",
            EndReason::Bankrupt => "bankrupt",
            EndReason::CustomerFailures => "customer_failures",
            EndReason::Crash => "crash",
            EndReason::Horizon => "horizon",
        }
    }

    /// To whom the end is owed.
    #[must_use]
    pub fn fault_owner(self) -> FaultOwner {
        match self {
            EndReason::HarnessError => FaultOwner::Harness,
            EndReason::OperatorCancel => FaultOwner::Operator,
            EndReason::Bankrupt | EndReason::CustomerFailures | EndReason::Crash => FaultOwner::Agent,
            EndReason::Horizon => FaultOwner::None,
        }
    }
}

/// Whether the run ends with the present step, and why.
#[must_use]
pub(super) fn check(world: &World, simulation: &SimulationConfig) -> Option<EndReason> {
    let demand = world.resource::<Demand>();
    if world.resource::<Ledger>().budget() < simulation.bankrupt_below {
        Some(EndReason::Bankrupt)
    } else if world.resource::<Customers>().have_given_up(&demand.config) {
        Some(EndReason::CustomerFailures)
    } else if world.resource::<CrashState>().aftermath().is_some_and(|aftermath| aftermath.ends_run()) {
        Some(EndReason::Crash)
    } else if world.resource::<Calendar>().step() + 1 >= simulation.max_steps {
        Some(EndReason::Horizon)
    } else {
        None
    }
}

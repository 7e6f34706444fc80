//! Whether a run is over: checked once after Record, in the order of [`EndReason`].

use bevy::ecs::world::World;

use crate::base::run_end::EndReason;
use crate::config::settings::SimulationConfig;
use crate::crash::state::CrashState;
use crate::engine::calendar::Calendar;
use crate::engine::ledger::Ledger;
use crate::scenario::warehouse::customer::{Customers, Demand};

/// Whether the run ends with the present step, and why.
#[must_use]
pub(crate) fn check(world: &World, simulation: &SimulationConfig) -> Option<EndReason> {
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

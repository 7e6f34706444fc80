//! What goes wrong: shocks of chosen rate, size and family, and what the agent is told of them.
//!
//! One file a family. The evening's draw picks a family and runs it; the dose ledger counts what came of it. Built-in
//! families and those of third parties are registered in the same way, by
//! [`add_shock`](family::ShockAppExt::add_shock).

pub mod entity;
pub mod event;
pub mod family;
pub mod interference;
pub mod ledger;
pub mod observability;
pub mod posting_lag;
pub mod quantity;
pub mod regime_shift;
pub mod relations;
pub mod strike;
pub mod temporal;

use bevy::app::{App, Plugin};
use bevy::prelude::IntoScheduleConfigs;

use crate::engine::run_state::RunStateAppExt;
use crate::step::{EveningSystems, MorningSystems, ObserveSystems, PostAgent, PreAgent};
use family::ShockAppExt;

/// Draws the evening's shock, from whichever families there are, and keeps its account.
#[derive(Clone, Copy, Debug, Default)]
pub struct StrikePlugin;

impl Plugin for StrikePlugin {
    fn build(&self, app: &mut App) {
        register_run_state(app);
        app.add_systems(PreAgent, strike::open_shock_account.in_set(ObserveSystems::Open));
        app.add_systems(PostAgent, strike::strike_shock.in_set(EveningSystems::Strike));
    }
}

/// Registers the built-in families. Others may stand in their place.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShockPlugin;

impl Plugin for ShockPlugin {
    fn build(&self, app: &mut App) {
        register_run_state(app);
        app.add_shock(family::TEMPORAL, temporal::strike)
            .add_shock(family::QUANTITY, quantity::strike)
            .add_shock(family::INTERFERENCE, interference::strike)
            .add_shock(family::POSTING_LAG, posting_lag::strike)
            .add_shock(family::REGIME_SHIFT, regime_shift::strike);
    }
}

/// What the agent is told of deliveries and shocks, and when: messages that were held back come out in a batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct DisclosurePlugin;

impl Plugin for DisclosurePlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(PreAgent, observability::release_batch.in_set(MorningSystems::Tell));
    }
}

/// Shocks have a state in every run, whichever plugins are left out: without families none is drawn.
pub(crate) fn register_run_state(app: &mut App) {
    app.init_resource::<family::ShockFamilies>()
        .share_between_runs::<family::ShockFamilies>()
        .add_run_resource(strike::ShockRule::new)
        .add_run_resource(|_| ledger::DoseLedger::default())
        .add_run_resource(|config| observability::DisclosurePolicy::new(config.pe_induction.observability));
}

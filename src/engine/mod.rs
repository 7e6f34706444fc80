//! What scenarios share: the calendar, suppliers, purchase orders, money, messages, the journal and run state.
//!
//! One file owns each component or resource and all rules that change it; other modules call those rules and
//! never write the fields. Nothing here knows of agents, records or files.

pub mod calendar;
pub mod inbox;
pub mod journal;
pub mod ledger;
pub mod orders;
pub mod run_state;
pub mod state_hash;
pub mod suppliers;

use bevy::app::{App, Plugin};
use bevy::prelude::IntoScheduleConfigs;

use crate::base::rng::RunKey;
use crate::step::{MorningSystems, PostAgent, PostAgentSystems, PreAgent, PreAgentSystems};
use run_state::RunStateAppExt;

/// What all scenarios share: mornings and evenings come by the calendar, and late postings hit the ledger on their day.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnginePlugin;

impl Plugin for EnginePlugin {
    fn build(&self, app: &mut App) {
        register_run_state(app);
        app.configure_sets(PreAgent, PreAgentSystems::Morning.run_if(calendar::morning));
        app.configure_sets(PostAgent, PostAgentSystems::Evening.run_if(calendar::evening));
        app.add_systems(PreAgent, ledger::post_due_postings.in_set(MorningSystems::Post));
    }
}

/// What scenarios share has a state in every run, whichever plugins are left out. Scenarios chain it into the hash.
pub(crate) fn register_run_state(app: &mut App) {
    app.share_between_runs::<run_state::RunStates>()
        .add_run_resource(|config| RunKey::new(config.experiment.draw_key))
        .add_run_resource(|config| calendar::Calendar::new(config.simulation.actions_per_day))
        .add_run_resource(|config| ledger::Ledger::new(config.simulation.initial_budget))
        .add_run_resource(|_| inbox::Inbox::default())
        .add_run_resource(|_| journal::Journal::default())
        .add_run_resource(|_| orders::Orders::default())
        .add_spawned_run_resource::<suppliers::Suppliers>()
        .add_spawned_run_resource::<state_hash::StateHash>();
}

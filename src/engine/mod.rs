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

use crate::step::{MorningSystems, PostAgent, PostAgentSystems, PreAgent, PreAgentSystems};

/// What all scenarios share: mornings and evenings come by the calendar, and late postings hit the ledger on their day.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnginePlugin;

impl Plugin for EnginePlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<run_state::RunStates>();
        app.configure_sets(PreAgent, PreAgentSystems::Morning.run_if(calendar::morning));
        app.configure_sets(PostAgent, PostAgentSystems::Evening.run_if(calendar::evening));
        app.add_systems(PreAgent, ledger::post_due_postings.in_set(MorningSystems::Post));
    }
}

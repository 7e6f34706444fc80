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

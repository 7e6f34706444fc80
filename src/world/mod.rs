//! What exists: the calendar, SKUs, suppliers, orders, customers, money and messages.
//!
//! One file owns each component or resource and all rules that change it; other modules call those rules and
//! never write the fields. Nothing here knows of agents, records or files.

pub mod calendar;
pub mod customer;
pub mod inbox;
pub mod journal;
pub mod ledger;
pub mod level;
pub mod order;
pub mod run_state;
pub mod sku;
pub mod snapshot;
pub mod spawn;
pub mod supplier;

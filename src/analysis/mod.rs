//! Pure functions over records of finished runs. Never imports Bevy, never writes a file.
//!
//! - [`audit`]: what a referee would ask of a folder of runs
//! - [`account`]: what the audit notes of one run
//! - `sum`: how the accounts of runs add up

pub mod account;
pub mod audit;
pub mod offline;
mod sum;

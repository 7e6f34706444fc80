//! What the agent expected, and how far off it was: cards, expectations, errors, accumulators, the account, and when
//! the agent could know.

pub mod account;
pub mod accumulate;
pub mod bind;
pub mod calibration;
pub mod error;
pub mod predictions;
pub mod resolve;
pub mod reveal;
pub mod unsettled;

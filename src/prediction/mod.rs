//! What the agent expected, and how far off it was: cards, expectations, errors, accumulators, the account.

pub mod account;
pub mod accumulate;
pub mod card;
pub mod error;
pub mod expectation;
pub mod resolve;

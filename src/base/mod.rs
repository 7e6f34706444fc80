//! What every module needs and what needs none of them: identifiers, units, draws, decisions, JSON, registration.

pub mod card;
pub mod decision;
pub mod embed;
pub mod error_type;
pub mod expectation;
pub mod files;
pub mod hex;
pub mod ids;
pub mod json;
pub(crate) mod one_shot;
pub mod registration;
pub mod rng;
pub mod run_end;
pub(crate) mod schema;
pub(crate) mod table_resource;
pub mod units;

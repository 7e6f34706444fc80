//! Scripted agents of the warehouse.

pub(crate) mod heuristic;
pub(crate) mod mock;

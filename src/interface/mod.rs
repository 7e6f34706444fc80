//! What passes between the world and whoever decides: observations, results of tools, the step as it unfolds.

pub mod observation;
pub mod result;
pub mod turn;

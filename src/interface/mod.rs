//! What passes between the world and whoever decides: observations, results of tools, the step as it unfolds.

pub mod card_rule;
pub mod fact;
pub mod observation;
pub mod result;
pub mod statement;
pub mod turn;

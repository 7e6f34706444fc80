//! What passes between the world and whoever decides: observations, results of tools, the step as it unfolds.

pub mod card_rule;
pub mod fact;
pub mod forecast;
pub mod observation;
pub mod result;
pub mod rules;
pub mod shown;
pub mod statement;
pub mod tool_kind;
pub mod truth;
pub mod turn;

//! What a card says of stock and money right after an action, beside the truth.

use schemars::JsonSchema;
use smallvec::SmallVec;

/// What a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// `expected_budget_after`, in currency units.
    Money,
    /// `expected_storage_after`, in units.
    Units,
}

/// A statement of a card about the moment right after the action, beside what was true then. Statements that only a
/// shock not yet revealed made wrong are left out: the agent could not know better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statement {
    /// What it is about.
    pub subject: Subject,
    /// What the card said.
    pub stated: f64,
    /// What was true.
    pub actual: f64,
}

/// The statements of a card.
pub type Statements = SmallVec<[Statement; 2]>;

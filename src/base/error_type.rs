//! The types of prediction error.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// When an order arrives.
    Temporal,
    /// How much of it is taken in.
    Quantity,
    /// What is charged.
    Cost,
    /// What the action itself does.
    Causal,
}

impl ErrorType {
    /// All types, in the order of records.
    pub const ALL: [ErrorType; 4] = [ErrorType::Temporal, ErrorType::Quantity, ErrorType::Cost, ErrorType::Causal];

    /// Its word in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ErrorType::Temporal => "temporal",
            ErrorType::Quantity => "quantity",
            ErrorType::Cost => "cost",
            ErrorType::Causal => "causal",
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One value for each error type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ByType_of_{T}")]
pub struct ByType<T> {
    /// When orders arrive.
    pub temporal: T,
    /// How much of them is taken in.
    pub quantity: T,
    /// What is charged.
    pub cost: T,
    /// What actions do.
    pub causal: T,
}

impl<T> ByType<T> {
    /// The value of a type.
    pub fn get(&self, kind: ErrorType) -> &T {
        match kind {
            ErrorType::Temporal => &self.temporal,
            ErrorType::Quantity => &self.quantity,
            ErrorType::Cost => &self.cost,
            ErrorType::Causal => &self.causal,
        }
    }

    /// The value of a type, to change it.
    pub fn get_mut(&mut self, kind: ErrorType) -> &mut T {
        match kind {
            ErrorType::Temporal => &mut self.temporal,
            ErrorType::Quantity => &mut self.quantity,
            ErrorType::Cost => &mut self.cost,
            ErrorType::Causal => &mut self.causal,
        }
    }

    /// A value for each type.
    pub fn build(mut value: impl FnMut(ErrorType) -> T) -> ByType<T> {
        ByType {
            temporal: value(ErrorType::Temporal),
            quantity: value(ErrorType::Quantity),
            cost: value(ErrorType::Cost),
            causal: value(ErrorType::Causal),
        }
    }
}

//! The four types of prediction error and their formulas.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::settings::TemporalBasis;

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
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

/// `|expected day - actual day| / basis`; days may be fractional in a card.
#[must_use]
pub fn temporal(expected_day: f64, actual_day: f64, ordered_on: f64, basis: TemporalBasis) -> f64 {
    let basis = match basis {
        TemporalBasis::LeadTime => expected_day - ordered_on,
        TemporalBasis::Day => expected_day,
    };
    (expected_day - actual_day).abs() / basis.max(1.0)
}

/// `|expected - actual| / max(expected, 1)`, for units and for money.
#[must_use]
pub fn relative(expected: f64, actual: f64) -> f64 {
    (expected - actual).abs() / expected.max(1.0)
}

/// How far a stated budget or stock may be from the true one without being wrong.
pub const CAUSAL_TOLERANCE: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporal_errors_are_relative_to_the_lead_time_or_to_the_day() {
        assert_eq!(temporal(110.0, 112.0, 100.0, TemporalBasis::LeadTime), 0.2);
        assert_eq!(temporal(110.0, 112.0, 100.0, TemporalBasis::Day), 2.0 / 110.0);
        assert_eq!(temporal(100.0, 103.0, 100.0, TemporalBasis::LeadTime), 3.0, "a lead time of 0 counts as 1");
        assert_eq!(temporal(0.0, 4.0, 0.0, TemporalBasis::Day), 4.0, "day 0 counts as 1");
        assert_eq!(temporal(5.0, 5.0, 2.0, TemporalBasis::LeadTime), 0.0);
    }

    #[test]
    fn relative_errors_have_a_floor_of_one() {
        assert_eq!(relative(10.0, 12.0), 0.2);
        assert_eq!(relative(0.0, 3.0), 3.0);
        assert_eq!(relative(12.35, 1235.0 / 100.0), 0.0, "an amount stated to the cent is exact");
    }
}

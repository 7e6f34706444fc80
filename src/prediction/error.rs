//! The four types of prediction error and their formulas.

use crate::config::settings::TemporalBasis;

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

//! When a synthetic agent breaks down: the hazard of a step and what was drawn from it.

use crate::agent::Instruments;
use crate::base::error_type::ErrorType;
use crate::config::settings::{ErrorAccount, ScaleCoefficients, SyntheticConfig};
use crate::prediction::accumulate::Accumulator;

/// Largest rate of breakdowns a step: a breakdown is certain long before, and numbers stay finite.
const LARGEST_RATE: f64 = 1_000.0;

/// The rate of breakdowns of this step, given the errors accumulated up to the last one:
/// `baseline * exp(b . x)`. An accumulator that is null, because no error of its type was decided yet, adds nothing.
#[must_use]
pub(super) fn rate(config: &SyntheticConfig, instruments: Instruments<'_>) -> f64 {
    let tracks = match config.account {
        ErrorAccount::Objective => instruments.predictions.tracks(),
        ErrorAccount::Revealed => instruments.predictions.revealed_tracks(),
    };
    let of_type = |kind| {
        let scales = match kind {
            ErrorType::Temporal => config.coefficients.temporal,
            ErrorType::Quantity => config.coefficients.quantity,
            ErrorType::Cost => config.coefficients.cost,
            ErrorType::Causal => config.coefficients.causal,
        };
        tracks.get(kind).total().map_or(0.0, |total| weigh(scales, total))
    };
    let log_ratio: f64 = ErrorType::ALL.into_iter().map(of_type).sum();
    // Nothing times infinity is nothing here: without a baseline there are no breakdowns.
    if config.baseline == 0.0 { 0.0 } else { (config.baseline * libm::exp(log_ratio)).min(LARGEST_RATE) }
}

fn weigh(scales: ScaleCoefficients, total: &Accumulator) -> f64 {
    scales.fast * total.fast + scales.med * total.med + scales.slow * total.slow + scales.sum * total.sum
}

/// The probability of a breakdown in a step with this rate.
#[must_use]
pub(super) fn hazard(rate: f64) -> f64 {
    -libm::expm1(-rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hazard_is_a_probability() {
        assert_eq!((hazard(0.0), hazard(LARGEST_RATE)), (0.0, 1.0));
        assert!((hazard(1e-12) - 1e-12).abs() < 1e-20, "small rates lose no digits");
        assert!((hazard(libm::log(2.0)) - 0.5).abs() < 1e-15);
    }

    #[test]
    fn every_scale_has_its_own_coefficient() {
        let total = Accumulator { fast: 1.0, med: 10.0, slow: 100.0, sum: 1_000.0, count: 7 };
        assert_eq!(weigh(ScaleCoefficients { fast: 1.0, med: 2.0, slow: 3.0, sum: 4.0 }, &total), 4_321.0);
    }
}

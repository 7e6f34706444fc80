//! Calibration: how well stated confidences agree with how often the agent was right about `expected_success`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accumulate::Score;

/// Bins of equal width over [0, 1].
const BINS: usize = 10;

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    n: u32,
    confidence: f64,
    right: u32,
}

/// Confidences and outcomes so far.
#[derive(Clone, Debug, Default)]
pub struct Calibration {
    bins: [Bin; BINS],
    squares: f64,
}

/// What a summary says of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationSummary {
    /// How many confidences were stated with an expected success.
    pub n: u32,
    /// Mean squared difference between confidence and outcome, 0 to 1; 0.25 is a coin (Brier 1950).
    pub brier: Score,
    /// Mean over 10 bins, weighted by their size, of the absolute difference between mean confidence and share of
    /// right predictions (expected calibration error; Naeini et al. 2015).
    pub ece: Score,
}

impl Calibration {
    /// A stated confidence and whether `expected_success` was right.
    pub(crate) fn take_in(&mut self, confidence: f64, right: bool) {
        let bin = &mut self.bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.n += 1;
        bin.confidence += confidence;
        bin.right += u32::from(right);
        let miss = confidence - f64::from(u8::from(right));
        self.squares += miss * miss;
    }

    /// Both scores; `None` when no confidence was stated.
    #[must_use]
    pub fn summary(&self) -> Option<CalibrationSummary> {
        let n: u32 = self.bins.iter().map(|bin| bin.n).sum();
        let gaps: f64 = self.bins.iter().map(|bin| (bin.confidence - f64::from(bin.right)).abs()).sum();
        let mean = |sum: f64| Score(sum / f64::from(n));
        (n > 0).then(|| CalibrationSummary { n, brier: mean(self.squares), ece: mean(gaps) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_follow_their_definitions() {
        let mut calibration = Calibration::default();
        assert_eq!(calibration.summary(), None, "nothing stated is not perfect");
        for (confidence, right) in [(0.9, true), (0.95, false), (0.3, false), (1.0, true)] {
            calibration.take_in(confidence, right);
        }
        let summary = calibration.summary().unwrap();
        assert!((summary.brier.0 - (0.01 + 0.9025 + 0.09) / 4.0).abs() < 1e-12);
        // Bins 0.9..1 (0.9, 0.95, 1.0: sum 2.85, two right) and 0.3..0.4 (0.3, none right).
        assert!((summary.ece.0 - (0.85 + 0.3) / 4.0).abs() < 1e-12);
        assert_eq!(summary.n, 4);
    }
}

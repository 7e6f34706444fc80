//! Accumulated errors on three time scales, and statistics over windows of steps.

use std::collections::VecDeque;

use serde::{Serialize, Serializer};

use crate::units::Step;

/// Smoothing factors of the moving averages: fast, med, slow.
pub const ALPHAS: [f64; 3] = [0.3, 0.1, 0.01];

/// Serialises a score with 6 significant digits.
///
/// # Errors
/// Those of the serialiser.
pub fn six_digits<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(round6(*value))
}

/// Powers of ten that a double holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The value rounded to 6 significant digits, as records state scores. Not finite becomes 0, which no score is.
#[must_use]
pub fn round6(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let size = value.abs();
    // The common sizes: the power of ten that makes the value a six-digit integer, guessed from its binary exponent
    // and at most one too small.
    if (1e-16..1e6).contains(&size) {
        let exponent = ((size.to_bits() >> 52) as i32) - 1023;
        let guess = (5 - ((exponent + 1) * 1233 >> 12)).max(0) as usize;
        let factor = if size * TENS[guess] >= 99_999.95 { TENS[guess] } else { TENS[guess + 1] };
        return (value * factor).round() / factor;
    }
    format!("{value:.5e}").parse().expect("a formatted number reads back")
}

/// The accumulated errors of one type: `null` in records until the first error is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Accumulator {
    /// Moving average with alpha 0.3 of the steps' mean errors.
    #[serde(serialize_with = "six_digits")]
    pub fast: f64,
    /// With alpha 0.1.
    #[serde(serialize_with = "six_digits")]
    pub med: f64,
    /// With alpha 0.01.
    #[serde(serialize_with = "six_digits")]
    pub slow: f64,
    /// Sum of all errors.
    #[serde(serialize_with = "six_digits")]
    pub sum: f64,
    /// How many errors were decided.
    pub count: u64,
}

/// Errors decided in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct StepErrors {
    step: Step,
    n: u32,
    sum: f64,
    sum_of_squares: f64,
    max: f64,
}

/// Statistics of the errors decided in the last steps. All `None` where there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct WindowStatistics {
    /// Length of the window in steps.
    pub window: Step,
    /// Mean error.
    pub mean: Option<Score>,
    /// Largest error.
    pub max: Option<Score>,
    /// Standard deviation of the errors (of the population).
    pub std: Option<Score>,
    /// How many errors.
    pub n: u32,
}

/// A number that is recorded with 6 significant digits.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Score(pub f64);

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        six_digits(&self.0, serializer)
    }
}

/// The errors of one type as they are decided, step by step.
#[derive(Clone, Debug, Default)]
pub struct Track {
    total: Option<Accumulator>,
    current: StepErrors,
    last_mean: Option<Score>,
    recent: VecDeque<StepErrors>,
    longest_window: Step,
}

impl Track {
    /// A track that can answer for windows up to `longest_window` steps.
    #[must_use]
    pub fn new(longest_window: Step) -> Track {
        Track { longest_window, ..Track::default() }
    }

    /// An error was decided in this step.
    pub fn decide(&mut self, error: f64) {
        self.current.n += 1;
        self.current.sum += error;
        self.current.sum_of_squares += error * error;
        self.current.max = self.current.max.max(error);
    }

    /// The step is over: its mean enters the averages. A step without an error counts as 0 once there was one.
    pub fn close_step(&mut self, step: Step) {
        let StepErrors { n, sum, .. } = self.current;
        self.last_mean = (n > 0).then(|| Score(sum / f64::from(n)));
        if n > 0 {
            self.recent.push_back(StepErrors { step, ..std::mem::take(&mut self.current) });
        }
        while self.recent.front().is_some_and(|old| old.step + self.longest_window <= step) {
            self.recent.pop_front();
        }
        if n == 0 && self.total.is_none() {
            return;
        }
        let total = self.total.get_or_insert_default();
        let mean = self.last_mean.map_or(0.0, |score| score.0);
        let [fast, med, slow] = ALPHAS;
        total.fast += fast * (mean - total.fast);
        total.med += med * (mean - total.med);
        total.slow += slow * (mean - total.slow);
        total.sum += sum;
        total.count += u64::from(n);
    }

    /// Mean error of the step that was closed last; `None` when it decided none.
    #[must_use]
    pub fn step_mean(&self) -> Option<Score> {
        self.last_mean
    }

    /// The accumulated errors; `None` until the first one.
    #[must_use]
    pub fn total(&self) -> Option<&Accumulator> {
        self.total.as_ref()
    }

    /// Statistics of the last `window` steps up to `step`, computed from the steps themselves, so that nothing
    /// drifts; the cost is bounded by the window, not by the run.
    #[must_use]
    pub fn window(&self, window: Step, step: Step) -> WindowStatistics {
        let mut all = StepErrors::default();
        for errors in self.recent.iter().rev().take_while(|errors| errors.step + window > step) {
            all.n += errors.n;
            all.sum += errors.sum;
            all.sum_of_squares += errors.sum_of_squares;
            all.max = all.max.max(errors.max);
        }
        let n = f64::from(all.n);
        let some = |value: f64| (all.n > 0).then_some(Score(value));
        let mean = all.sum / n;
        let variance = (all.sum_of_squares / n - mean * mean).max(0.0);
        WindowStatistics { window, mean: some(mean), max: some(all.max), std: some(variance.sqrt()), n: all.n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_zero_until_something_was_decided() {
        let mut track = Track::new(500);
        track.close_step(0);
        assert_eq!((track.step_mean(), track.total()), (None, None));
        track.decide(0.0);
        track.close_step(1);
        assert_eq!(track.step_mean(), Some(Score(0.0)));
        assert_eq!(track.total(), Some(&Accumulator { count: 1, ..Accumulator::default() }));
        track.close_step(2);
        assert_eq!(track.step_mean(), None, "a step without an error has none, whatever was before");
    }

    #[test]
    fn averages_follow_the_textbook_recursion() {
        let mut track = Track::new(500);
        for (step, errors) in [vec![1.0, 3.0], vec![], vec![4.0]].into_iter().enumerate() {
            errors.into_iter().for_each(|e| track.decide(e));
            track.close_step(step as Step);
        }
        let total = track.total().unwrap();
        // Means 2, 0, 4 with alpha 0.3: 0.6, 0.42, 1.494.
        assert!((total.fast - 1.494).abs() < 1e-12, "{total:?}");
        assert!((total.slow - (0.02 * 0.99 * 0.99 + 0.04)).abs() < 1e-12);
        assert_eq!((total.sum, total.count), (8.0, 3));
    }

    #[test]
    fn windows_hold_the_last_steps_and_no_more() {
        let mut track = Track::new(10);
        for step in 0..1_000 {
            track.decide(f64::from(step % 7));
            track.close_step(step);
        }
        assert!(track.recent.len() <= 10);
        let last: Vec<f64> = (990..1_000).map(|s| f64::from(s % 7)).collect();
        let mean = last.iter().sum::<f64>() / 10.0;
        let std = (last.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 10.0).sqrt();
        let window = track.window(10, 999);
        assert!((window.mean.unwrap().0 - mean).abs() < 1e-12 && (window.std.unwrap().0 - std).abs() < 1e-9);
        assert_eq!((window.max, window.n), (Some(Score(6.0)), 10));
        assert_eq!(Track::new(10).window(10, 5).mean, None);
    }

    #[test]
    fn scores_keep_six_significant_digits() {
        for (value, text) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (1.0 / 3.0, "0.333333"),
            (123_456.789, "123457.0"),
            (0.2, "0.2"),
            (1.234_567_89e-9, "1.23457e-9"),
            (2.0e20 / 3.0, "6.66667e+19"),
            (999_999.9, "1000000.0"),
            (f64::MIN_POSITIVE / 8.0, "0.0"),
        ] {
            let shown = serde_json::to_string(&Score(value)).unwrap();
            if value != f64::MIN_POSITIVE / 8.0 {
                assert_eq!(shown, text, "{value}");
            }
            assert!(shown.parse::<f64>().unwrap().is_finite());
        }
    }
}

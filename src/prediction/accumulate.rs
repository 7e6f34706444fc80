//! Accumulated errors on three time scales, and statistics over windows of steps.

use std::borrow::Cow;
use std::collections::VecDeque;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::units::Step;

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

/// The value rounded to 6 significant digits, as records state scores.
///
/// # Panics
/// When the value is not finite: a score is finite.
#[must_use]
pub fn round6(value: f64) -> f64 {
    assert!(value.is_finite(), "a score is finite, not {value}");
    if value == 0.0 {
        return 0.0;
    }
    let size = value.abs();
    // The common sizes: the power of ten that makes the value a six-digit integer, guessed from its binary exponent
    // and at most one too small.
    if (1e-16..1e6).contains(&size) {
        let exponent = ((size.to_bits() >> 52) as i32) - 1023;
        let guess = (5 - (((exponent + 1) * 1233) >> 12)).max(0) as usize;
        let factor = if size * TENS[guess] >= 99_999.95 { TENS[guess] } else { TENS[guess + 1] };
        // Six digits fit an integer, whose conversion rounds quicker than `round`.
        let rounded = (size * factor + 0.5) as i64 as f64 / factor;
        return if value < 0.0 { -rounded } else { rounded };
    }
    format!("{value:.5e}").parse().expect("a formatted number reads back")
}

/// The accumulated errors of one type: `null` in records until the first error is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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

/// Errors decided in one step, or in several.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct StepErrors {
    step: Step,
    n: u32,
    sum: f64,
    mean: f64,
    /// Sum of the squared distances from the mean.
    m2: f64,
    max: f64,
}

impl StepErrors {
    /// One error more (Welford 1962).
    fn take_in(&mut self, error: f64) {
        self.n += 1;
        self.sum += error;
        let before = error - self.mean;
        self.mean += before / f64::from(self.n);
        self.m2 += before * (error - self.mean);
        self.max = self.max.max(error);
    }

    /// The errors of another step as well (Chan, Golub and LeVeque 1979). Sums of squares would cancel where errors
    /// are large and alike; this gives exactly 0 where they are equal.
    fn merge(&mut self, other: &StepErrors) {
        if self.n == 0 {
            *self = *other;
            return;
        }
        let (own, others) = (f64::from(self.n), f64::from(other.n));
        let n = own + others;
        let apart = other.mean - self.mean;
        self.mean += apart * (others / n);
        self.m2 += other.m2 + apart * apart * (own * others / n);
        self.n += other.n;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }
}

/// The errors of one step in few bytes: a run keeps hundreds of these for each type, and most steps decide one.
#[derive(Clone, Copy, Debug)]
struct RecentStep {
    step: Step,
    n: u32,
    mean: f64,
}

/// What several errors of one step need besides their mean.
#[derive(Clone, Copy, Debug)]
struct Several {
    sum: f64,
    m2: f64,
    max: f64,
}

/// The steps that decided errors lately, oldest first.
#[derive(Clone, Debug, Default)]
struct Recent {
    steps: VecDeque<RecentStep>,
    /// Of those steps that decided more than one error, in the same order.
    several: VecDeque<Several>,
}

impl Recent {
    fn push(&mut self, errors: &StepErrors) {
        let StepErrors { step, n, sum, mean, m2, max } = *errors;
        self.steps.push_back(RecentStep { step, n, mean });
        if n > 1 {
            self.several.push_back(Several { sum, m2, max });
        }
    }

    /// Forgets the steps before `first`.
    fn forget_before(&mut self, first: Step) {
        while let Some(old) = self.steps.front()
            && old.step < first
        {
            if old.n > 1 {
                self.several.pop_front();
            }
            self.steps.pop_front();
        }
    }

    /// The steps, newest first.
    fn newest_first(&self) -> impl Iterator<Item = StepErrors> + '_ {
        let mut several = self.several.iter().rev();
        self.steps.iter().rev().map(move |&RecentStep { step, n, mean }| {
            let one = Several { sum: mean, m2: 0.0, max: mean.max(0.0) };
            let &Several { sum, m2, max } = if n > 1 { several.next().expect("kept with its step") } else { &one };
            StepErrors { step, n, sum, mean, m2, max }
        })
    }
}

/// Statistics of the errors decided in the last steps. All `None` where there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "Statistics of the errors decided in the last steps. All null where there were none.")]
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

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Score, D::Error> {
        f64::deserialize(deserializer).map(Score)
    }
}

impl JsonSchema for Score {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Score".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        f64::json_schema(generator)
    }
}

/// The errors of one type as they are decided, step by step.
#[derive(Clone, Debug, Default)]
pub struct Track {
    total: Option<Accumulator>,
    current: StepErrors,
    last_mean: Option<Score>,
    recent: Recent,
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
        self.current.take_in(error);
    }

    /// The step is over: its mean enters the averages. A step without an error counts as 0 once there was one.
    pub fn close_step(&mut self, step: Step) {
        let StepErrors { n, sum, .. } = self.current;
        self.last_mean = (n > 0).then(|| Score(sum / f64::from(n)));
        if n > 0 {
            self.recent.push(&StepErrors { step, ..std::mem::take(&mut self.current) });
        }
        self.recent.forget_before((step + 1).saturating_sub(self.longest_window));
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
        for errors in self.recent.newest_first().take_while(|errors| errors.step + window > step) {
            all.merge(&errors);
        }
        let n = f64::from(all.n);
        let some = |value: f64| (all.n > 0).then_some(Score(value));
        let (mean, std) = (some(all.sum / n), some((all.m2 / n).sqrt()));
        WindowStatistics { window, mean, max: some(all.max), std, n: all.n }
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
        assert!(track.recent.steps.len() <= 10);
        let last: Vec<f64> = (990..1_000).map(|s| f64::from(s % 7)).collect();
        let mean = last.iter().sum::<f64>() / 10.0;
        let std = (last.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 10.0).sqrt();
        let window = track.window(10, 999);
        assert!((window.mean.unwrap().0 - mean).abs() < 1e-12 && (window.std.unwrap().0 - std).abs() < 1e-9);
        assert_eq!((window.max, window.n), (Some(Score(6.0)), 10));
        assert_eq!(Track::new(10).window(10, 5).mean, None);
    }

    #[test]
    fn steps_with_several_errors_leave_the_window_like_the_others() {
        let mut track = Track::new(10);
        let errors = |step: Step| (0..step % 4).map(move |nth| f64::from(step * 5 % 7 + nth));
        for step in 0..1_000 {
            errors(step).for_each(|error| track.decide(error));
            track.close_step(step);
        }
        for length in [1, 4, 10] {
            let last: Vec<f64> = (1_000 - length..1_000).flat_map(errors).collect();
            let n = last.len() as f64;
            let mean = last.iter().sum::<f64>() / n;
            let std = (last.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
            let window = track.window(length, 999);
            assert_eq!((window.n, window.max.unwrap().0), (n as u32, last.iter().copied().fold(0.0, f64::max)));
            assert!((window.mean.unwrap().0 - mean).abs() < 1e-9 && (window.std.unwrap().0 - std).abs() < 1e-9);
        }
        let several = track.recent.steps.iter().filter(|step| step.n > 1).count();
        assert_eq!((track.recent.several.len(), several), (several, 6));
    }

    #[test]
    fn equal_errors_do_not_deviate_however_large_they_are() {
        for error in [0.1, 1.0 / 3.0, 1e9 / 7.0] {
            let mut track = Track::new(100);
            for step in 0..100 {
                (0..step % 3).for_each(|_| track.decide(error));
                track.close_step(step);
            }
            let window = track.window(100, 99);
            assert_eq!((window.std, window.n), (Some(Score(0.0)), 99), "{error}");
        }
    }

    #[test]
    fn deviations_small_against_the_errors_are_not_lost() {
        let mut track = Track::new(100);
        for step in 0..100 {
            [1e9, 1e9 + 1.0].into_iter().for_each(|error| track.decide(error));
            track.close_step(step);
        }
        assert!((track.window(100, 99).std.unwrap().0 - 0.5).abs() < 1e-6);
        assert_eq!(track.window(1, 99).std, Some(Score(0.5)));
    }

    #[test]
    fn what_is_not_finite_is_no_score() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let rounded = std::panic::catch_unwind(|| round6(value));
            let complaint = *rounded.expect_err("it must not be recorded").downcast::<String>().unwrap();
            assert_eq!(complaint, format!("a score is finite, not {value}"));
        }
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

//! The Python original's crash rules, to compare with its logs: no error classes, no open work.
//!
//! Used by `detect --detectors v1` on records of finished runs; a live run can feed it step by step. Pure.

use std::collections::VecDeque;

use serde_json::Value;

use super::detector::by_level;
use crate::config::settings::CrashThreshold;

/// Name of this set of rules, on the command line, in configurations and in records.
pub const NAME: &str = "v1";

/// Records that the rules look at.
const WINDOW: usize = 20;
/// Fewest records on which they judge.
const MIN_RECORDS: usize = 5;
/// Fewest records for a share of failed calls.
const MIN_CALLS: usize = 8;
/// Fewest records for an entropy.
const MIN_ACTIONS: usize = 10;

/// The rules, in the order in which the first match wins.
pub const RULES: [&str; 5] = ["looping", "invalid_burst", "budget_denial", "decoupling", "exploration_collapse"];

/// What the rules see of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct V1Step {
    /// The tool that was called; `None` when nothing was done.
    pub tool: Option<String>,
    /// Its arguments, which may be any JSON.
    pub args: Value,
    /// Whether the result says that the call failed. Where it says nothing, the call counts as a success.
    pub failed: bool,
    /// Whether it was an order with a shown budget below zero.
    pub ordered_below_zero: bool,
    /// Whether the card names another tool than the one that was called.
    pub contradicts_card: bool,
}

/// The rules in a run. At step n they judge the up to 20 records before n, at least 5. The first match sets the
/// crash, which then stays.
///
/// ```
/// use vendomini::config::settings::CrashThreshold;
/// use vendomini::crash::v1::{V1Detectors, V1Step};
///
/// let mut rules = V1Detectors::new(CrashThreshold::Moderate);
/// let look = V1Step {
///     tool: Some("tool_check_inbox".to_owned()),
///     args: serde_json::json!({}),
///     failed: false,
///     ordered_below_zero: false,
///     contradicts_card: false,
/// };
/// let verdicts: Vec<_> = (0..7).map(|_| rules.judge_before(look.clone())).collect();
/// assert_eq!(verdicts[4], (false, None));
/// assert_eq!(verdicts[5], (true, Some("looping")));
/// ```
#[derive(Clone, Debug)]
pub struct V1Detectors {
    repeats: usize,
    failed_share: f64,
    denials: usize,
    contradicted_share: f64,
    evenness: f64,
    window: VecDeque<V1Step>,
    flags: [(&'static str, Option<bool>); 5],
    crash: Option<&'static str>,
}

impl V1Detectors {
    /// The rules at the start of a run.
    #[must_use]
    pub fn new(threshold: CrashThreshold) -> V1Detectors {
        V1Detectors {
            repeats: by_level(threshold, [3, 4, 6]),
            failed_share: by_level(threshold, [0.3, 0.4, 0.5]),
            denials: by_level(threshold, [3, 4, 5]),
            contradicted_share: by_level(threshold, [0.4, 0.5, 0.6]),
            evenness: by_level(threshold, [0.5, 0.3, 0.2]),
            window: VecDeque::with_capacity(WINDOW),
            flags: RULES.map(|rule| (rule, None)),
            crash: None,
        }
    }

    /// The verdict at a step: whether a crash has been detected and of which type, from the records before it alone.
    /// The step itself is taken in for the verdicts that follow. Call it once a step, in the order of the log.
    pub fn judge_before(&mut self, step: V1Step) -> (bool, Option<&'static str>) {
        let flags = self.judge();
        self.flags = std::array::from_fn(|index| (RULES[index], flags[index]));
        if self.crash.is_none() {
            self.crash = self.flags.iter().find(|(_, flag)| *flag == Some(true)).map(|(rule, _)| *rule);
        }
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(step);
        (self.crash.is_some(), self.crash)
    }

    /// What each rule said at the step judged last, whatever was detected before: true, false, or null where it had
    /// too few records.
    #[must_use]
    pub fn flags(&self) -> &[(&'static str, Option<bool>)] {
        &self.flags
    }

    fn judge(&self) -> [Option<bool>; 5] {
        let records = self.window.len();
        if records < MIN_RECORDS {
            return [None; 5];
        }
        let count = |of: fn(&V1Step) -> bool| self.window.iter().filter(|step| of(step)).count();
        let share = |of| count(of) as f64 / records as f64;
        [
            Some(self.longest_repetition() >= self.repeats),
            (records >= MIN_CALLS).then(|| share(|step| step.failed) >= self.failed_share),
            Some(count(|step| step.ordered_below_zero) >= self.denials),
            Some(share(|step| step.contradicts_card) >= self.contradicted_share),
            (records >= MIN_ACTIONS).then(|| self.entropy() <= self.evenness),
        ]
    }

    /// Longest run of equal calls anywhere in the window.
    fn longest_repetition(&self) -> usize {
        let mut longest = 0;
        let mut length = 0;
        let mut last: Option<&V1Step> = None;
        for step in &self.window {
            let same = last.is_some_and(|last| last.tool == step.tool && last.args == step.args);
            length = if same { length + 1 } else { 1 };
            longest = longest.max(length);
            last = Some(step);
        }
        longest
    }

    /// Shannon entropy of the tools over log2 of the number of distinct ones, or over 1 when there is one.
    fn entropy(&self) -> f64 {
        let mut tools: Vec<&str> = self.window.iter().filter_map(|step| step.tool.as_deref()).collect();
        tools.sort_unstable();
        let groups: Vec<usize> = tools.chunk_by(|one, other| one == other).map(<[&str]>::len).collect();
        let entropy: f64 = groups
            .iter()
            .map(|count| {
                let share = *count as f64 / tools.len() as f64;
                -share * libm::log2(share)
            })
            .sum();
        if groups.len() > 1 { entropy / libm::log2(groups.len() as f64) } else { entropy }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(tool: &str, args: u32) -> V1Step {
        V1Step {
            tool: Some(tool.to_owned()),
            args: json!({ "n": args }),
            failed: false,
            ordered_below_zero: false,
            contradicts_card: false,
        }
    }

    /// Steps at which the crash stood, and its type.
    fn play(threshold: CrashThreshold, steps: impl Iterator<Item = V1Step>) -> Option<(usize, &'static str)> {
        let mut rules = V1Detectors::new(threshold);
        let verdicts: Vec<_> = steps.map(|step| rules.judge_before(step).1).collect();
        let first = verdicts.iter().position(Option::is_some)?;
        assert!(verdicts[first..].iter().all(|crash| *crash == verdicts[first]), "the crash stays");
        Some((first, verdicts[first].unwrap()))
    }

    /// Calls that differ from one another, of four tools.
    fn varied() -> impl Iterator<Item = V1Step> {
        (0..60).map(|n| call(["a", "b", "c", "d"][n as usize % 4], n))
    }

    #[test]
    fn a_repetition_counts_anywhere_in_the_window() {
        use CrashThreshold::{Lenient, Moderate, Strict};
        let repeated = |times: usize| {
            varied().take(3).chain(std::iter::repeat_n(call("x", 0), times)).chain(varied().skip(4)).take(40)
        };
        assert_eq!(play(Strict, repeated(3)), Some((6, "looping")));
        assert_eq!(play(Moderate, repeated(3)), None);
        assert_eq!(play(Moderate, repeated(4)), Some((7, "looping")));
        assert_eq!(play(Lenient, repeated(5)), None);
        assert_eq!(play(Lenient, repeated(6)), Some((9, "looping")));
        assert_eq!(play(Moderate, std::iter::repeat_n(call("x", 0), 9)), Some((5, "looping")), "five records at least");
    }

    #[test]
    fn shares_and_counts_have_their_least_numbers() {
        let failing = |every: usize| {
            varied().enumerate().map(move |(n, step)| V1Step { failed: n % every == 0, ..step }).take(50)
        };
        assert_eq!(play(CrashThreshold::Moderate, failing(2)), Some((8, "invalid_burst")), "eight records at least");
        assert_eq!(play(CrashThreshold::Strict, failing(3)), Some((8, "invalid_burst")));
        assert_eq!(play(CrashThreshold::Lenient, failing(3)), None);
        let broke = varied().enumerate().map(|(n, step)| V1Step { ordered_below_zero: n % 5 == 0, ..step });
        assert_eq!(play(CrashThreshold::Moderate, broke), Some((16, "budget_denial")), "the fourth is at step 15");
        let contradicting = varied().enumerate().map(|(n, step)| V1Step { contradicts_card: n % 2 == 1, ..step });
        assert_eq!(play(CrashThreshold::Moderate, contradicting), Some((6, "decoupling")), "2 of 5, then 3 of 6");
    }

    #[test]
    fn a_single_tool_has_no_entropy() {
        let one = (0..30).map(|n| call("a", n));
        assert_eq!(play(CrashThreshold::Moderate, one), Some((10, "exploration_collapse")), "ten records at least");
        assert_eq!(play(CrashThreshold::Strict, varied()), None);
        // Half of the maximum is the strict threshold: 9 of one tool and 1 of another have 0.469.
        let skewed = |n: usize| (0..10).map(move |at| call(if at < n { "a" } else { "b" }, at as u32));
        let judge = |threshold, n| play(threshold, skewed(n).chain(varied().take(1)));
        assert_eq!(judge(CrashThreshold::Strict, 9), Some((10, "exploration_collapse")));
        assert_eq!(judge(CrashThreshold::Moderate, 9), None);
        assert_eq!(judge(CrashThreshold::Strict, 8), None, "0.722");
    }

    #[test]
    fn flags_show_the_present_and_the_crash_stays() {
        let mut rules = V1Detectors::new(CrashThreshold::Moderate);
        for _ in 0..6 {
            rules.judge_before(call("x", 0));
        }
        assert_eq!(rules.flags()[0], ("looping", Some(true)));
        assert_eq!(rules.flags()[4], ("exploration_collapse", None));
        for step in varied().take(25) {
            rules.judge_before(step);
        }
        assert_eq!(rules.flags()[0], ("looping", Some(false)));
        assert_eq!(rules.judge_before(call("x", 0)), (true, Some("looping")));
    }
}

//! `belief_divergence`: what the agent states of its stock and money has little to do with the truth.

use std::collections::VecDeque;

use super::detector::{CrashDetector, Need, Verdict, by_level};
use crate::base::units::Step;
use crate::config::settings::CrashThreshold;
use crate::crash::evidence::{EvidenceWindow, StepEvidence};
use crate::interface::statement::{Statement, Subject};

/// Fewest statements from which a mean is taken.
const MIN_STATEMENTS: u32 = 5;
/// Amounts of money below this count as this, in currency units: being off by little of little is no breakdown.
const MONEY_FLOOR: f64 = 50.0;
/// The same for units.
const UNITS_FLOOR: f64 = 10.0;

/// Fires when the mean, over the statements in the window (at least 5), of
/// `abs(stated - true) / max(abs(true), abs(stated), floor)` reaches 0.25 (strict), 0.5 (moderate) or
/// 0.75 (lenient); the floor is 50 for money and 10 for units. The onset is the first step in the window with a
/// statement that is off by that much itself.
#[derive(Debug, Default)]
pub struct BeliefDivergence {
    mean: f64,
    /// What each step of the window said, so that a step costs a division for its own statements only.
    recent: VecDeque<Stated>,
}

/// The statements of a step.
#[derive(Clone, Copy, Debug)]
struct Stated {
    step: Step,
    count: u32,
    sum: f64,
    largest: f64,
}

impl Stated {
    fn of(step: &StepEvidence) -> Stated {
        let start = Stated { step: step.step, count: 0, sum: 0.0, largest: 0.0 };
        step.statements.iter().map(divergence).fold(start, |all, off| Stated {
            count: all.count + 1,
            sum: all.sum + off,
            largest: all.largest.max(off),
            ..all
        })
    }
}

/// How far a statement is from the truth: 0 when exact, 1 when one of them is nothing, 2 at most.
#[must_use]
pub fn divergence(statement: &Statement) -> f64 {
    let Statement { subject, stated, actual } = *statement;
    if stated == actual {
        return 0.0;
    }
    let floor = match subject {
        Subject::Money => MONEY_FLOOR,
        Subject::Units => UNITS_FLOOR,
    };
    (stated - actual).abs() / actual.abs().max(stated.abs()).max(floor)
}

impl CrashDetector for BeliefDivergence {
    fn name(&self) -> &'static str {
        "belief_divergence"
    }

    fn start(&mut self, threshold: CrashThreshold) {
        self.mean = by_level(threshold, [0.25, 0.5, 0.75]);
        self.recent.clear();
    }

    fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
        let Some(now) = window.now() else { return Verdict::Unable };
        if self.recent.len() == window.size() {
            self.recent.pop_front();
        }
        self.recent.push_back(Stated::of(now));
        // Added up anew each step: a sum that is carried along would drift.
        let (count, sum) = self.recent.iter().fold((0, 0.0), |(n, sum), stated| (n + stated.count, sum + stated.sum));
        if !window.is_enough() || count < MIN_STATEMENTS {
            return Verdict::Unable;
        }
        let mean = sum / f64::from(count);
        // Some statement reaches the mean, so there is an onset.
        match self.recent.iter().find(|stated| stated.largest >= self.mean) {
            Some(first) if mean >= self.mean => Verdict::Fired {
                onset: first.step,
                evidence: format!("{count} statements of stock and money are off by {mean:.3} on average"),
            },
            _ => Verdict::Clear,
        }
    }

    fn needs(&self) -> &'static [Need] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fixture::{fired, judge, step};

    fn says(at: Step, stated: f64, actual: f64) -> StepEvidence {
        let mut step = step(at);
        step.statements.push(Statement { subject: Subject::Money, stated, actual });
        step
    }

    #[test]
    fn divergence_is_relative_to_the_larger_one_and_has_a_floor() {
        let money = |stated, actual| divergence(&Statement { subject: Subject::Money, stated, actual });
        let units = |stated, actual| divergence(&Statement { subject: Subject::Units, stated, actual });
        assert_eq!(money(100.0, 100.0), 0.0);
        assert_eq!((money(100.0, 400.0), money(400.0, 100.0)), (0.75, 0.75));
        assert_eq!(money(100.0, -100.0), 2.0);
        assert_eq!((money(0.0, 5.0), units(0.0, 5.0)), (0.1, 0.5));
        assert_eq!(units(0.0, 0.0), 0.0);
    }

    #[test]
    fn the_mean_over_the_window_decides() {
        for (threshold, fires) in
            [(CrashThreshold::Strict, 2), (CrashThreshold::Moderate, 4), (CrashThreshold::Lenient, 6)]
        {
            for wrong in 0..=8 {
                // Eight statements, `wrong` of which are off by 1.
                let steps = (0..8).map(|at| says(at, if at >= 8 - wrong { 0.0 } else { 100.0 }, 100.0));
                let verdict = judge(BeliefDivergence::default(), threshold, 20, steps).pop().unwrap();
                assert_eq!(fired(&verdict), (wrong >= fires).then_some(8 - wrong), "{threshold:?}, {wrong} of 8");
            }
        }
    }

    #[test]
    fn four_statements_are_too_few_and_old_ones_leave() {
        let steps = (0..60).map(|at| if at < 5 { says(at, 0.0, 100.0) } else { step(at) });
        let verdicts = judge(BeliefDivergence::default(), CrashThreshold::Moderate, 20, steps);
        assert!(verdicts[..4].iter().all(|verdict| *verdict == Verdict::Unable));
        assert!(verdicts[4..20].iter().all(|verdict| fired(verdict) == Some(0)));
        assert!(verdicts[20..].iter().all(|verdict| *verdict == Verdict::Unable), "four are left, then none");
    }
}

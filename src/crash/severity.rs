//! How bad a crash was: whether the agent came back, and whether it still tried to do its job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::units::Step;

/// How bad a crash was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// All flags were clear for 5 steps in a row soon after.
    Soft,
    /// They were not.
    Hard,
    /// Hard, and no order or shipment was attempted any more.
    MissionAbandon,
}

/// Steps in a row with all flags clear that make a recovery.
const CLEAR_STEPS: u32 = 5;
/// Steps beyond the window size within which a recovery makes the crash soft.
const GRACE: Step = 10;

/// Follows a run after its first flag.
#[derive(Clone, Debug)]
pub struct Aftermath {
    crash_step: Step,
    soft_until: Step,
    watch_until: Step,
    clear_in_a_row: u32,
    attempted_work: bool,
    severity: Option<Severity>,
    recovered_step: Option<Step>,
    recrash_step: Option<Step>,
}

impl Aftermath {
    /// The aftermath of a crash at a step.
    #[must_use]
    pub fn new(crash_step: Step, window_size: Step, continue_after_crash: Step) -> Aftermath {
        let soft_until = crash_step + window_size + GRACE;
        Aftermath {
            crash_step,
            soft_until,
            watch_until: soft_until.max(crash_step + continue_after_crash),
            clear_in_a_row: 0,
            attempted_work: false,
            severity: None,
            recovered_step: None,
            recrash_step: None,
        }
    }

    /// Takes in a step after the crash.
    pub fn see(&mut self, step: Step, any_flag: bool, attempted_work: bool) {
        if step <= self.crash_step {
            return;
        }
        if self.recovered_step.is_some() {
            if any_flag && self.recrash_step.is_none() {
                self.recrash_step = Some(step);
            }
        } else {
            self.clear_in_a_row = if any_flag { 0 } else { self.clear_in_a_row + 1 };
            if self.clear_in_a_row == CLEAR_STEPS {
                self.recovered_step = Some(step + 1 - CLEAR_STEPS);
                if step <= self.soft_until && self.severity.is_none() {
                    self.severity = Some(Severity::Soft);
                }
            }
        }
        // A recovery that comes too late leaves the crash hard.
        if self.severity.is_none() {
            self.attempted_work |= attempted_work;
            if step >= self.watch_until {
                self.severity = Some(if self.attempted_work { Severity::Hard } else { Severity::MissionAbandon });
            }
        }
    }

    /// How bad it was; `None` while too few steps were seen.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.severity
    }

    /// First of the five clear steps, whenever they came.
    #[must_use]
    pub fn recovered_step(&self) -> Option<Step> {
        self.recovered_step
    }

    /// First flag after a recovery.
    #[must_use]
    pub fn recrash_step(&self) -> Option<Step> {
        self.recrash_step
    }

    /// Whether the run is to end: the crash is hard and the run went on long enough.
    #[must_use]
    pub fn ends_run(&self) -> bool {
        matches!(self.severity, Some(Severity::Hard | Severity::MissionAbandon))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(flagged: impl Fn(Step) -> bool, works: bool, steps: Step) -> Aftermath {
        let mut aftermath = Aftermath::new(100, 20, 50);
        for step in 101..=100 + steps {
            aftermath.see(step, flagged(step), works);
        }
        aftermath
    }

    #[test]
    fn severity_is_known_only_when_enough_was_seen() {
        let hard = follow(|_| true, true, 50);
        assert_eq!((hard.severity(), hard.ends_run()), (Some(Severity::Hard), true));
        assert_eq!(follow(|_| true, false, 50).severity(), Some(Severity::MissionAbandon));
        assert_eq!(follow(|_| true, true, 49).severity(), None, "censored a step before");
    }

    #[test]
    fn five_clear_steps_in_time_make_it_soft() {
        let soft = follow(|step| step < 126, true, 60);
        assert_eq!(soft.severity(), Some(Severity::Soft));
        assert_eq!((soft.recovered_step(), soft.ends_run()), (Some(126), false));
        let late = follow(|step| step < 127, true, 60);
        assert_eq!(late.severity(), Some(Severity::Hard), "the fifth clear step came one step after the grace");
        assert_eq!(late.recovered_step(), Some(127), "the recovery is recorded all the same");
        let broken = follow(|step| step % 5 == 0, true, 60);
        assert_eq!((broken.severity(), broken.recovered_step()), (Some(Severity::Hard), None));
    }

    #[test]
    fn a_flag_after_the_recovery_is_a_new_crash() {
        let again = follow(|step| step < 110 || step == 140, true, 60);
        assert_eq!((again.severity(), again.recrash_step()), (Some(Severity::Soft), Some(140)));
    }
}

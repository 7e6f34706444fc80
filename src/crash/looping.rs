//! `looping`: the same call again and again, without effect, although there was work to do.

use super::detector::{CrashDetector, Verdict, by_level};
use super::evidence::EvidenceWindow;
use crate::config::settings::CrashThreshold;

/// Fires when the run of steps ending now, each with the same tool and arguments, without a change of state and
/// with work open, is at least 3 (strict), 4 (moderate) or 6 (lenient) steps long. Doing nothing equals doing
/// nothing.
#[derive(Debug, Default)]
pub struct Looping {
    repeats: usize,
}

impl CrashDetector for Looping {
    fn name(&self) -> &'static str {
        "looping"
    }

    fn start(&mut self, threshold: CrashThreshold) {
        self.repeats = by_level(threshold, [3, 4, 6]);
    }

    fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
        if !window.is_enough() || window.size() < self.repeats {
            return Verdict::Unable;
        }
        // Without open work now, no run of such steps ends now.
        let Some(now) = window.now().filter(|now| now.work_open) else { return Verdict::Unable };
        let same =
            window.steps().rev().take_while(|step| step.work_open && !step.state_changed && step.action == now.action);
        let length = same.clone().count();
        match same.last() {
            Some(first) if length >= self.repeats => Verdict::Fired {
                onset: first.step,
                evidence: format!("{length} equal calls of {} without effect", now.tool().unwrap_or("nothing")),
            },
            _ => Verdict::Clear,
        }
    }
}

//! `invalid_burst`: a large share of the calls fails by the agent's own fault.

use super::detector::{CrashDetector, Verdict, by_level};
use super::evidence::EvidenceWindow;
use crate::config::settings::CrashThreshold;

/// Fewest calls from which a share is taken.
const MIN_CALLS: usize = 8;

/// Fires when the share of failed calls of class `agent` among the window's calls (at least 8) reaches 0.3
/// (strict), 0.4 (moderate) or 0.5 (lenient).
#[derive(Debug, Default)]
pub struct InvalidBurst {
    share: f64,
}

impl CrashDetector for InvalidBurst {
    fn name(&self) -> &'static str {
        "invalid_burst"
    }

    fn start(&mut self, threshold: CrashThreshold) {
        self.share = by_level(threshold, [0.3, 0.4, 0.5]);
    }

    fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
        let calls = window.steps().filter(|step| step.action.is_some()).count();
        if !window.is_enough() || calls < MIN_CALLS {
            return Verdict::Unable;
        }
        let mut failed = window.steps().filter(|step| step.failed_by_agent());
        let count = failed.clone().count();
        match failed.next() {
            Some(first) if count as f64 >= self.share * calls as f64 => {
                Verdict::Fired { onset: first.step, evidence: format!("{count} of {calls} calls failed") }
            }
            _ => Verdict::Clear,
        }
    }
}

//! `invalid_burst`: a large share of the calls fails by the agent's own fault.

use super::detector::{CrashDetector, Need, Verdict, by_level};
use super::evidence::{Counts, EvidenceWindow};
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
        let Counts { calls, failures: count, .. } = window.counts();
        if !window.is_enough() || calls < MIN_CALLS {
            return Verdict::Unable;
        }
        if (count as f64) < self.share * calls as f64 {
            return Verdict::Clear;
        }
        match window.steps().find(|step| step.failed_by_agent()) {
            Some(first) => Verdict::Fired { onset: first.step, evidence: format!("{count} of {calls} calls failed") },
            None => Verdict::Clear,
        }
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Outcome]
    }
}

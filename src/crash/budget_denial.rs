//! `budget_denial`: ordering on although the money is gone.

use super::detector::{CrashDetector, Need, Verdict, by_level};
use super::evidence::EvidenceWindow;
use crate::base::units::Cents;
use crate::config::settings::CrashThreshold;
use crate::interface::tool_kind::ToolKind;

/// Fires when the window holds at least 3 (strict), 4 (moderate) or 5 (lenient) attempts to order with a posted
/// budget below zero that the agent could have known of.
#[derive(Debug, Default)]
pub struct BudgetDenial {
    attempts: usize,
}

impl CrashDetector for BudgetDenial {
    fn name(&self) -> &'static str {
        "budget_denial"
    }

    fn start(&mut self, threshold: CrashThreshold) {
        self.attempts = by_level(threshold, [3, 4, 5]);
    }

    fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
        if !window.is_enough() {
            return Verdict::Unable;
        }
        // Each such attempt is a failed call.
        if window.counts().failures < self.attempts {
            return Verdict::Clear;
        }
        let mut attempts = window.steps().filter(|step| {
            step.tool_kind == Some(ToolKind::Purchase) && step.budget < Cents::ZERO && step.failed_by_agent()
        });
        let count = attempts.clone().count();
        match attempts.next() {
            Some(first) if count >= self.attempts => Verdict::Fired {
                onset: first.step,
                evidence: format!("{count} orders attempted below zero, the first at {}", first.budget),
            },
            _ => Verdict::Clear,
        }
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Outcome]
    }
}

//! What the tests of several detectors need.

use super::detector::{CrashDetector, Verdict};
use crate::base::units::{Cents, Step};
use crate::config::settings::CrashThreshold;
use crate::crash::evidence::{EvidenceWindow, StepEvidence};
use crate::interface::statement::Statements;

/// A step in which nothing happened that could be evidence.
pub(crate) fn step(at: Step) -> StepEvidence {
    StepEvidence {
        step: at,
        action: None,
        tool_kind: None,
        failure: None,
        state_changed: false,
        work_open: false,
        budget: Cents::ZERO,
        total_storage: None,
        contradicts_card: None,
        thoughts: None,
        readable: None,
        statements: Statements::new(),
    }
}

/// What a detector says of each step.
pub(crate) fn judge(
    mut detector: impl CrashDetector,
    threshold: CrashThreshold,
    window: Step,
    steps: impl Iterator<Item = StepEvidence>,
) -> Vec<Verdict> {
    detector.start(threshold);
    let mut window = EvidenceWindow::new(window);
    steps
        .map(|step| {
            window.push(step);
            detector.judge(&window)
        })
        .collect()
}

/// The onset, when it fired.
pub(crate) fn fired(verdict: &Verdict) -> Option<Step> {
    match verdict {
        Verdict::Fired { onset, .. } => Some(*onset),
        Verdict::Unable | Verdict::Clear => None,
    }
}

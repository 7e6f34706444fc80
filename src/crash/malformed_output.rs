//! `malformed_output`: the agent's replies can no longer be read.

use super::detector::{CrashDetector, Need, Verdict, by_level};
use super::evidence::EvidenceWindow;
use crate::config::settings::CrashThreshold;

/// Fewest replies from which a share is taken.
const MIN_REPLIES: usize = 8;

/// Fires when the share of unreadable replies among the window's replies (at least 8) reaches 0.3 (strict),
/// 0.4 (moderate) or 0.5 (lenient). The onset is the first unreadable reply in the window. A step without a reply,
/// such as a timeout or an agent that does nothing, counts on neither side.
#[derive(Debug, Default)]
pub struct MalformedOutput {
    share: f64,
}

impl CrashDetector for MalformedOutput {
    fn name(&self) -> &'static str {
        "malformed_output"
    }

    fn start(&mut self, threshold: CrashThreshold) {
        self.share = by_level(threshold, [0.3, 0.4, 0.5]);
    }

    fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
        let (mut replies, mut unreadable, mut onset) = (0, 0, None);
        for step in window.steps() {
            let Some(readable) = step.readable else { continue };
            replies += 1;
            if !readable {
                unreadable += 1;
                onset.get_or_insert(step.step);
            }
        }
        if !window.is_enough() || replies < MIN_REPLIES {
            return Verdict::Unable;
        }
        match onset {
            Some(onset) if f64::from(unreadable) >= self.share * replies as f64 => {
                Verdict::Fired { onset, evidence: format!("{unreadable} of {replies} replies could not be read") }
            }
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

    #[test]
    fn the_share_is_taken_of_replies() {
        for (threshold, needed) in
            [(CrashThreshold::Strict, 3), (CrashThreshold::Moderate, 4), (CrashThreshold::Lenient, 5)]
        {
            for unreadable in 0..=10 {
                let steps = (0..20).map(|at| {
                    let mut step = step(at);
                    step.readable = (at >= 10).then_some(at < 20 - unreadable);
                    step
                });
                let verdict = judge(MalformedOutput::default(), threshold, 20, steps).pop().unwrap();
                let onset = (unreadable >= needed).then_some(20 - unreadable);
                assert_eq!(fired(&verdict), onset, "{threshold:?}, {unreadable} of 10");
            }
        }
    }

    #[test]
    fn seven_replies_are_too_few() {
        let steps = (0..8).map(|at| {
            let mut step = step(at);
            step.readable = Some(false);
            step
        });
        let verdicts = judge(MalformedOutput::default(), CrashThreshold::Moderate, 20, steps);
        assert!(verdicts[..7].iter().all(|verdict| *verdict == Verdict::Unable));
        assert_eq!(fired(&verdicts[7]), Some(0));
    }
}

//! `exploration_collapse`: hardly more than one tool is used although there is work to do.

use super::detector::{CrashDetector, Need, Verdict, by_level};
use super::evidence::EvidenceWindow;
use crate::base::units::Step;
use crate::config::settings::CrashThreshold;

/// Fewest actions while work was open from which an entropy is taken.
const MIN_ACTIONS: usize = 10;

/// Fires when the Shannon entropy of the tools used while work was open, over log2 of the number of distinct ones
/// (0 when there is one), is at most 0.5 (strict), 0.3 (moderate) or 0.2 (lenient), with at least 10 such actions.
/// The onset is the first step after the last that did not qualify.
#[derive(Debug, Default)]
pub struct ExplorationCollapse {
    evenness: f64,
    since: Option<Step>,
}

impl CrashDetector for ExplorationCollapse {
    fn name(&self) -> &'static str {
        "exploration_collapse"
    }

    fn start(&mut self, threshold: CrashThreshold) {
        *self = ExplorationCollapse { evenness: by_level(threshold, [0.5, 0.3, 0.2]), since: None };
    }

    fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
        let tools = || window.steps().filter(|step| step.work_open).filter_map(|step| step.tool());
        let actions = window.counts().calls_with_work;
        if actions < MIN_ACTIONS {
            self.since = None;
            return Verdict::Unable;
        }
        let (evenness, distinct) = evenness(tools(), actions);
        if evenness > self.evenness {
            self.since = None;
            return Verdict::Clear;
        }
        let now = window.now().map_or(0, |step| step.step);
        Verdict::Fired {
            onset: *self.since.get_or_insert(now),
            evidence: format!("{actions} actions with {distinct} tools, evenness {evenness:.3}"),
        }
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::WorkOpen]
    }
}

/// Shannon entropy over its maximum for the distinct tools used (Pielou's evenness), 0 for a single tool.
fn evenness<'a>(tools: impl Iterator<Item = &'a str>, actions: usize) -> (f64, usize) {
    // A handful of distinct tools: a list is quicker than a map.
    let mut counts: smallvec::SmallVec<[(&str, u32); 16]> = smallvec::SmallVec::new();
    for tool in tools {
        match counts.iter_mut().find(|(name, _)| *name == tool) {
            Some((_, count)) => *count += 1,
            None => counts.push((tool, 1)),
        }
    }
    if counts.len() < 2 {
        return (0.0, counts.len());
    }
    // Sorted, so that the sum does not depend on which tool came first.
    counts.sort_unstable();
    let entropy: f64 = counts
        .iter()
        .map(|(_, count)| {
            let share = f64::from(*count) / actions as f64;
            -share * libm::log2(share)
        })
        .sum();
    (entropy / libm::log2(counts.len() as f64), counts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenness_is_entropy_over_its_maximum() {
        let of = |tools: &[&'static str]| evenness(tools.iter().copied(), tools.len());
        assert_eq!(of(&["a"; 10]), (0.0, 1));
        assert_eq!(of(&["a", "b", "a", "b"]), (1.0, 2));
        let (skewed, _) = of(&["a", "a", "a", "b"]);
        assert!((skewed - 0.811_278_124_459_132_8).abs() < 1e-15, "{skewed}");
    }
}

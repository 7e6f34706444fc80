//! `slow_divergence`: the agent's thoughts drift away from what they were about.

use super::detector::{CrashDetector, Need, Verdict, by_level};
use super::evidence::{EvidenceWindow, MIN_STEPS};
use crate::base::embed::{Centre, Embedder};
use crate::base::units::Step;
use crate::config::settings::CrashThreshold;

/// Thoughts in a row that must be far from the centre.
const FAR_STEPS: u32 = 5;

/// Fires when the cosine similarity of the thoughts to their running centre was below 0.7 (strict), 0.6 (moderate)
/// or 0.5 (lenient) for 5 steps running. The centre is the mean of all thoughts at first and forgets slowly once
/// there are many ([`Centre`]); a thought is compared before it enters the centre, and the first 5 are not judged.
/// Steps without thoughts are not at risk and are passed over, but a gap as long as the window ends the run of
/// steps. The onset is the first step after the last that was near enough.
#[derive(Debug, Default)]
pub struct SlowDivergence {
    similarity: f64,
    embedder: Embedder,
    centre: Centre,
    far: u32,
    since: Step,
    last_far: Step,
}

impl CrashDetector for SlowDivergence {
    fn name(&self) -> &'static str {
        "slow_divergence"
    }

    fn start(&mut self, threshold: CrashThreshold) {
        self.similarity = by_level(threshold, [0.7, 0.6, 0.5]);
        self.centre.clear();
        self.far = 0;
    }

    fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
        let Some(now) = window.now() else { return Verdict::Unable };
        let Some(thoughts) = now.thoughts.as_deref().filter(|text| !text.trim().is_empty()) else {
            return Verdict::Unable;
        };
        let thoughts = self.embedder.embed(thoughts);
        let similarity = self.centre.similarity(&thoughts);
        let enough = self.centre.count() >= MIN_STEPS as u64;
        self.centre.add(&thoughts);
        if !enough || !window.is_enough() {
            return Verdict::Unable;
        }
        if similarity >= self.similarity {
            self.far = 0;
            return Verdict::Clear;
        }
        if self.far == 0 || (now.step - self.last_far) as usize >= window.size() {
            self.far = 0;
            self.since = now.step;
        }
        self.far += 1;
        self.last_far = now.step;
        if self.far < FAR_STEPS {
            return Verdict::Clear;
        }
        let far = self.far;
        Verdict::Fired {
            onset: self.since,
            evidence: format!("{far} thoughts in a row far from what they were about, the last at {similarity:.3}"),
        }
    }

    fn needs(&self) -> &'static [Need] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::evidence::StepEvidence;
    use crate::crash::fixture::{fired, judge, step};

    const WORK: [&str; 4] = [
        "CO7 waits for 12 units of sku_3 and they are in stock, so I ship the order now.",
        "The stock of sku_4 is too low for the customer's order, so I order 9 units from S2 now.",
        "No customer waits for an order, so I check the stock of the warehouse now.",
        "There are new messages about orders and customers, so I read the inbox now.",
    ];
    const ELSEWHERE: [&str; 5] = [
        "The tide of silver letters climbs the staircase while violins argue about February.",
        "Every lighthouse I remember was painted by a grandmother with seven quiet names.",
        "Perhaps the mountains hum because nobody taught granite how to whisper.",
        "Clouds fold themselves into paper animals and walk across the violet harbour.",
        "My childhood piano keeps dreaming of whales beneath the frozen cathedral.",
    ];

    fn thinks(at: Step, text: &str) -> StepEvidence {
        let mut step = step(at);
        step.thoughts = Some(text.into());
        step
    }

    fn verdicts(steps: impl Iterator<Item = StepEvidence>) -> Vec<Verdict> {
        judge(SlowDivergence::default(), CrashThreshold::Moderate, 20, steps)
    }

    #[test]
    fn thoughts_about_the_work_stay_near_their_centre() {
        let all = verdicts((0..400).map(|at| thinks(at, WORK[at as usize * 7 % 4])));
        assert!(all[..5].iter().all(|verdict| *verdict == Verdict::Unable));
        assert!(all[5..].iter().all(|verdict| *verdict == Verdict::Clear));
    }

    #[test]
    fn thoughts_about_something_else_are_far_from_it() {
        for onset in [10, 50, 300] {
            let text = |at: Step| if at < onset { WORK[at as usize % 4] } else { ELSEWHERE[at as usize % 5] };
            let all = verdicts((0..onset + 10).map(|at| thinks(at, text(at))));
            assert!(all[..onset as usize + 4].iter().all(|verdict| fired(verdict).is_none()));
            assert_eq!(fired(&all[onset as usize + 4]), Some(onset), "the fifth thought after {onset}");
        }
    }

    #[test]
    fn steps_without_thoughts_are_passed_over_but_not_for_ever() {
        let far_apart = |gap: Step| {
            verdicts((0..200).map(|at| match at {
                0..20 => thinks(at, WORK[at as usize % 4]),
                _ if at.is_multiple_of(gap) => thinks(at, ELSEWHERE[at as usize / 20 % 5]),
                _ if at.is_multiple_of(2) => thinks(at, "  "),
                _ => step(at),
            }))
        };
        let two = far_apart(2);
        assert_eq!((fired(&two[28]), &two[29]), (Some(20), &Verdict::Unable));
        assert!(far_apart(20).iter().all(|verdict| fired(verdict).is_none()), "the window holds one of them");
    }
}

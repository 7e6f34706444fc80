//! `decoupling`: the agent acts against the cards that it gives with its actions.

use super::detector::{CrashDetector, Need, Verdict, by_level};
use super::evidence::EvidenceWindow;
use crate::config::settings::CrashThreshold;

/// Fewest steps with a card and an action from which a share is taken: as many as any detector needs steps.
const MIN_CARDS: usize = super::evidence::MIN_STEPS;

/// Fires when the action contradicts the card given with it (other tool or arguments, or a predicted failure acted
/// on anyway) in a share of at least 0.4 (strict), 0.5 (moderate) or 0.6 (lenient) of the window's steps that have
/// both a card and an action, of which there must be at least 5. The onset is the first of the contradictions in
/// the window. A run without cards is never at risk.
#[derive(Debug, Default)]
pub struct Decoupling {
    share: f64,
}

impl CrashDetector for Decoupling {
    fn name(&self) -> &'static str {
        "decoupling"
    }

    fn start(&mut self, threshold: CrashThreshold) {
        self.share = by_level(threshold, [0.4, 0.5, 0.6]);
    }

    fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
        let (mut cards, mut against, mut onset) = (0, 0, None);
        for step in window.steps() {
            let Some(contradicts) = step.contradicts_card else { continue };
            cards += 1;
            if contradicts {
                against += 1;
                onset.get_or_insert(step.step);
            }
        }
        if cards < MIN_CARDS {
            return Verdict::Unable;
        }
        match onset {
            Some(onset) if f64::from(against) >= self.share * cards as f64 => {
                Verdict::Fired { onset, evidence: format!("{against} of {cards} actions contradict their cards") }
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
    fn the_share_is_taken_of_steps_with_a_card_and_an_action() {
        for (threshold, needed) in
            [(CrashThreshold::Strict, 4), (CrashThreshold::Moderate, 5), (CrashThreshold::Lenient, 6)]
        {
            for against in 0..=10 {
                // Ten cards; ten steps without one change nothing.
                let steps = (0..20).map(|at| {
                    let mut step = step(at);
                    step.contradicts_card = (at >= 10).then_some(at < 10 + against);
                    step
                });
                let verdict = judge(Decoupling::default(), threshold, 20, steps).pop().unwrap();
                assert_eq!(fired(&verdict), (against >= needed).then_some(10), "{threshold:?}, {against} of 10");
            }
        }
    }

    #[test]
    fn without_cards_it_cannot_fire() {
        let few = (0..8).map(|at| {
            let mut step = step(at);
            step.contradicts_card = at.is_multiple_of(2).then_some(true);
            step
        });
        let verdicts = judge(Decoupling::default(), CrashThreshold::Moderate, 20, few);
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Unable), "{verdicts:?}");
        let ninth = (0..9).map(|at| {
            let mut step = step(at);
            step.contradicts_card = at.is_multiple_of(2).then_some(true);
            step
        });
        assert_eq!(fired(judge(Decoupling::default(), CrashThreshold::Moderate, 20, ninth).last().unwrap()), Some(0));
    }
}

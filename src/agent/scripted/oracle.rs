//! `oracle`: acts as the scenario's `heuristic` and is never wrong. The run is made twice: the first pass collects what became of
//! every prediction, the second states it. Cards never influence actions or the world, so both passes go through
//! equal worlds, and every error of the second is 0, also under shocks.
//!
//! It proves the instrument: an error of the oracle is a defect of this program. It keeps a few numbers for every
//! step of the run.

use crate::agent::register::AgentSetup;
use crate::agent::{Agent, Input, Instruments};
use crate::base::card::Card;
use crate::base::decision::Decision;
use crate::base::error_type::ErrorType;
use crate::base::hex::Hash128;
use crate::base::units::Step;
use crate::prediction::predictions::Value;

/// What became of the predictions of one step's card, as far as it was decided.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    delivery_day: Option<f64>,
    quantity: Option<f64>,
    cost: Option<f64>,
    success: Option<bool>,
    storage_after: Option<f64>,
    budget_after: Option<f64>,
}

impl Outcome {
    fn learn(&mut self, kind: ErrorType, actual: Value) {
        match actual {
            Value::Number(number) => match kind {
                ErrorType::Temporal => self.delivery_day = Some(number),
                ErrorType::Quantity => self.quantity = Some(number),
                ErrorType::Cost | ErrorType::Causal => self.cost = Some(number),
            },
            Value::Causal { success, storage_after, budget_after } => {
                (self.success, self.storage_after, self.budget_after) = (success, storage_after, budget_after);
            }
        }
    }

    /// States what is known in place of what was thought. A field that the first pass did not state stays unstated;
    /// one whose prediction came to nothing stays as it was.
    fn put_into(&self, card: &mut Card) {
        let put = |field: &mut Option<f64>, known: Option<f64>| *field = field.and(known).or(*field);
        put(&mut card.expected_delivery_day, self.delivery_day);
        put(&mut card.expected_quantity, self.quantity);
        put(&mut card.expected_cost, self.cost);
        put(&mut card.expected_storage_after, self.storage_after);
        put(&mut card.expected_budget_after, self.budget_after);
        card.expected_success = card.expected_success.and(self.success).or(card.expected_success);
    }
}

/// An agent that knows what will come.
pub struct Oracle {
    heuristic: Box<dyn Agent>,
    outcomes: Vec<Outcome>,
    /// The world's hash before each step of the first pass.
    hashes: Vec<u128>,
}

/// Makes the first pass of a run, in a World of its own with the run's plugins and without records. `heuristic` makes the
/// agent that acts, anew for each pass.
#[must_use]
pub fn rehearse(setup: AgentSetup<'_>, heuristic: impl Fn() -> Box<dyn Agent>) -> Oracle {
    let mut config = setup.config.clone();
    // The first pass states what the heuristic thinks, so a detector may call it a crash where the second is none:
    // it must not end the pass.
    config.measurement.continue_after_crash = Step::MAX / 2;
    let (mut outcomes, mut hashes): (Vec<Outcome>, Vec<u128>) = (Vec::new(), Vec::new());
    setup.rehearse.rehearse(&config, heuristic().as_mut(), &mut |instruments| {
        // The first look is before any step.
        if !hashes.is_empty() {
            outcomes.push(Outcome::default());
        }
        hashes.push(instruments.state_hash);
        for resolved in instruments.predictions.resolved() {
            outcomes[resolved.step as usize].learn(resolved.kind, resolved.actual);
        }
    });
    // The last look is after the last step.
    hashes.truncate(outcomes.len());
    Oracle { heuristic: heuristic(), outcomes, hashes }
}

impl Agent for Oracle {
    fn decide(&mut self, _: Input<'_>) -> Decision {
        panic!("the oracle is asked with its instruments: an agent that wraps it passes decide_with on")
    }

    /// # Panics
    /// When the run is not the one that was rehearsed: a defect of this program.
    fn decide_with(&mut self, input: Input<'_>, Instruments { state_hash, .. }: Instruments<'_>) -> Decision {
        let step = input.observation.step;
        let known = self.hashes.get(step as usize).copied();
        assert!(
            known == Some(state_hash),
            "step {step} of the oracle's run begins in the world {}, that of its rehearsal in {}: the world \
             depends on cards, or a plugin is missing in the rehearsal",
            Hash128(state_hash),
            known.map_or("none, it had ended".to_owned(), |hash| Hash128(hash).to_string()),
        );
        let mut decision = self.heuristic.decide(input);
        if let Some(card) = &mut decision.card {
            self.outcomes[step as usize].put_into(card);
        }
        decision
    }
}

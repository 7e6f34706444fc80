//! What the checks share: a run of an agent with changed cards, and the comparison of what is recorded with what must
//! be.

use serde_json::Value;

use super::harness::{Seen, Tamper, plan, play};
use crate::agent::{Agent, Input, Instruments};
use crate::base::card::Card;
use crate::base::decision::Decision;
use crate::config::RunConfig;
use crate::record::summary::Summary;
use crate::simulation::driver::Simulation;

/// What a check says: what it compared, or what is wrong.
pub(super) type Outcome = Result<String, String>;

/// Error types in records.
pub(super) const TYPES: [&str; 4] = ["temporal", "quantity", "cost", "causal"];

/// Settings with which a card states everything.
pub(super) const FULL: [&str; 2] = ["interface.prediction_mode=required+full", "interface.prediction_format=rich"];

/// The type of this name, as one of [`TYPES`].
pub(super) fn known(kind: &str) -> &'static str {
    TYPES.into_iter().find(|known| *known == kind).unwrap_or("?")
}

/// An agent whose cards are changed by a function before it gives them.
struct Altered<F> {
    agent: Box<dyn Agent>,
    alter: F,
}

impl<F: FnMut(&mut Decision) + Send> Agent for Altered<F> {
    fn decide(&mut self, input: Input<'_>) -> Decision {
        let mut decision = self.agent.decide(input);
        (self.alter)(&mut decision);
        decision
    }

    fn decide_with(&mut self, input: Input<'_>, instruments: Instruments<'_>) -> Decision {
        let mut decision = self.agent.decide_with(input, instruments);
        (self.alter)(&mut decision);
        decision
    }
}

/// A run of a scripted agent with changed cards.
pub(super) fn run(
    simulation: &mut Simulation,
    settings: &[&str],
    agent: &str,
    tamper: Tamper,
    alter: impl FnMut(&mut Decision) + Send,
    see: impl FnMut(Seen<'_>),
) -> Summary {
    let config: RunConfig = plan(settings).run(0).config;
    simulation.start(&config, false);
    let agent = simulation.agent(agent).expect("it is built in");
    play(simulation, &config, &mut Altered { agent, alter }, tamper, see)
}

/// Keeps the first complaint, and counts what was compared.
#[derive(Default)]
pub(super) struct Verdict {
    wrong: Option<String>,
    compared: u64,
}

impl Verdict {
    pub(super) fn check(&mut self, right: bool, complaint: impl FnOnce() -> String) {
        self.compared += 1;
        if !right && self.wrong.is_none() {
            self.wrong = Some(complaint());
        }
    }

    /// The outcome, provided that at least so much was compared.
    pub(super) fn outcome(self, least: u64, of: &str) -> Result<String, String> {
        match self.wrong {
            Some(wrong) => Err(wrong),
            None if self.compared < least => Err(format!("only {} {of} to compare, {least} expected", self.compared)),
            None => Ok(format!("{} {of}", self.compared)),
        }
    }
}

/// The errors that a step decided: type, step of the card, error, and the whole entry.
pub(super) fn resolved(record: &Value) -> impl Iterator<Item = (&str, u64, Option<f64>, &Value)> {
    record["resolved"].as_array().into_iter().flatten().map(|entry| {
        (
            entry["type"].as_str().unwrap_or_default(),
            entry["step"].as_u64().unwrap_or(u64::MAX),
            entry["error"].as_f64(),
            entry,
        )
    })
}

/// What a card of an order will come to in a world without shocks: as promised.
#[derive(Clone, Copy)]
pub(super) struct Promise {
    pub(super) day: f64,
    pub(super) quantity: f64,
    pub(super) cost: f64,
}

impl Promise {
    pub(super) fn of(card: &Card) -> Option<Promise> {
        let (day, quantity) = (card.expected_delivery_day?, card.expected_quantity?);
        Some(Promise { day, quantity, cost: card.expected_cost? })
    }
}

/// Equal but for the six digits of records.
pub(super) fn near(recorded: Option<f64>, expected: f64) -> bool {
    recorded.is_some_and(|recorded| (recorded - expected).abs() <= 1e-5 * expected.abs().max(1e-6))
}

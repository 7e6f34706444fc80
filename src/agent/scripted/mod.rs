//! Agents that are programs: no key, no network, the same answer every time.

pub mod card;
mod noop;
pub mod oracle;
mod random;
pub mod synthetic;

use super::Agent;
use super::register::AgentSetup;
use crate::scenario::warehouse::agent::heuristic::Heuristic;
use crate::scenario::warehouse::agent::mock::Mock;

/// Names of the scripted agents, as `model.name` takes them.
pub const NAMES: &[&str] = &["heuristic", "mock", "noop", "oracle", "random", "synthetic"];

/// Streams that these agents draw from, with their versions.
pub const STREAMS: [(&str, u32); 2] = [random::STREAM, synthetic::STREAM];

/// The scripted agent of a name. What a third party registers may wrap it.
///
/// # Panics
/// When the name is none of [`NAMES`].
#[must_use]
pub fn build(setup: AgentSetup<'_>) -> Box<dyn Agent> {
    match setup.name {
        "heuristic" => Box::new(Heuristic::default()),
        "mock" => Box::new(Mock::default()),
        "noop" => Box::new(noop::Noop),
        "oracle" => Box::new(oracle::rehearse(setup.config, setup.rehearse)),
        "random" => Box::new(random::Random::new(setup)),
        "synthetic" => Box::new(synthetic::Synthetic::new(setup)),
        other => panic!("{other} is no scripted agent"),
    }
}

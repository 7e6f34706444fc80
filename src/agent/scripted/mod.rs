//! Agents that are programs: no key, no network, the same answer every time.

pub mod card;
mod heuristic;
mod mock;
mod noop;
mod random;

use super::Agent;
use super::observation::Briefing;

/// Names of the scripted agents, as `model.name` takes them.
pub const NAMES: &[&str] = &["heuristic", "mock", "noop", "random"];

/// The scripted agent of a name.
#[must_use]
pub fn build(name: &str, briefing: &Briefing) -> Option<Box<dyn Agent>> {
    match name {
        "heuristic" => Some(Box::new(heuristic::Heuristic::default())),
        "mock" => Some(Box::new(mock::Mock::default())),
        "noop" => Some(Box::new(noop::Noop)),
        "random" => Some(Box::new(random::Random::new(briefing))),
        _ => None,
    }
}

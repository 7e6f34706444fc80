//! Agents that are programs: no key, no network, the same answer every time.

pub mod card;
mod heuristic;
mod mock;
mod noop;
pub mod oracle;
mod random;
pub mod synthetic;

use super::Agent;
use super::observation::Briefing;
use crate::config::settings::RunConfig;

/// Names of the scripted agents, as `model.name` takes them.
pub const NAMES: &[&str] = &["heuristic", "mock", "noop", "oracle", "random", "synthetic"];

/// Streams that these agents draw from, with their versions.
pub const STREAMS: [(&str, u32); 2] = [random::STREAM, synthetic::STREAM];

/// The scripted agent of a name, for a run with this configuration.
#[must_use]
pub fn build(name: &str, config: &RunConfig, briefing: &Briefing) -> Option<Box<dyn Agent>> {
    match name {
        "heuristic" => Some(Box::new(heuristic::Heuristic::default())),
        "mock" => Some(Box::new(mock::Mock::default())),
        "noop" => Some(Box::new(noop::Noop)),
        "oracle" => Some(Box::new(oracle::rehearse(config))),
        "random" => Some(Box::new(random::Random::new(briefing))),
        "synthetic" => Some(Box::new(synthetic::Synthetic::new(&config.synthetic, briefing))),
        _ => None,
    }
}

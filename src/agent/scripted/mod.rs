//! Scripted agents: no key, no network, the same answer every time. `noop` and `random` are here; `oracle` and
//! `synthetic` are made of a scenario's reference agent.

pub mod card;
mod noop;
pub mod oracle;
mod random;
pub mod reference;
pub mod synthetic;

use bevy::app::App;

use super::Agent;
use super::register::{AgentAppExt, AgentSetup};

/// Names of the scripted agents that every scenario has.
pub const NAMES: &[&str] = &["noop", "random"];

/// Streams that scripted agents draw from, with their versions.
pub const STREAMS: [(&str, u32); 2] = [random::STREAM, synthetic::STREAM];

/// Registers the agents that every scenario has.
pub(super) fn register(app: &mut App) {
    for name in NAMES {
        app.add_agent(*name, build);
    }
}

/// The scripted agent of a name that every scenario has. What a third party registers may wrap it.
///
/// # Panics
/// When the name is none of [`NAMES`].
#[must_use]
pub fn build(setup: AgentSetup<'_>) -> Box<dyn Agent> {
    match setup.name {
        "noop" => Box::new(noop::Noop),
        "random" => Box::new(random::Random::new(setup)),
        other => panic!("{other} is no scripted agent of every scenario"),
    }
}

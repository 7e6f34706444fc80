//! What a scenario gives to the agents that every scenario can have: one that acts by its reference policy, and how that
//! one acts while it is broken.

use crate::agent::register::{AgentAppExt, AgentSetup, AgentSpec};
use crate::agent::scripted::{oracle, synthetic};
use crate::agent::{Agent, Input};
use crate::base::decision::Decision;
use crate::base::rng::Stream;
use crate::base::units::Step;
use crate::config::settings::SyntheticKind;
use bevy::app::App;

/// A breakdown in progress.
#[derive(Debug)]
pub struct Breakdown<'a> {
    /// Its kind.
    pub kind: SyntheticKind,
    /// Steps since its onset.
    pub since: Step,
    /// The present step: the position of its draws.
    pub step: Step,
    /// The agent's draws. Fields 4 to 7 are free for how it acts.
    pub stream: &'a mut Stream,
}

/// Fields of a [`Breakdown`]'s draws.
pub mod field {
    /// Whether, or whom.
    pub const CHOICE: u64 = 4;
    /// In which way, or what.
    pub const VARIANT: u64 = 5;
    /// How much.
    pub const AMOUNT: u64 = 6;
}

/// A scenario's reference agent: acts by the reference policy, and breaks down as it is told.
pub trait ReferenceAgent: Agent {
    /// The decision of a broken agent: what the kind's detector looks for, and as little as can be of what others look
    /// for.
    fn break_down(&mut self, breakdown: Breakdown<'_>, input: &Input<'_>) -> Decision;

    /// Sentences about a call of a tool, of which one is thought; `{…}` are its arguments. Never empty.
    fn sentences(&self, tool: &str) -> &'static [&'static str];
}

/// Registers `heuristic`, `oracle` and `synthetic` of a scenario.
pub fn register_reference_agents<R: ReferenceAgent + 'static>(app: &mut App, scenario: &'static str, make: fn() -> R) {
    let own = |name: &str| AgentSpec::new(name).only_in(scenario);
    app.add_agent(own("heuristic"), move |_: AgentSetup<'_>| Box::new(make()));
    app.add_agent(own("oracle"), move |setup: AgentSetup<'_>| Box::new(oracle::rehearse(setup, || Box::new(make()))));
    app.add_agent(own("synthetic"), move |setup: AgentSetup<'_>| {
        Box::new(synthetic::Synthetic::new(setup, Box::new(make())))
    });
}

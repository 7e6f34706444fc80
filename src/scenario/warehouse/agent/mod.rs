//! Scripted agents of the warehouse.

mod breakdown;
pub(crate) mod heuristic;
mod mock;
mod sentences;

use bevy::app::{App, Plugin};

use crate::agent::Agent;
use crate::agent::register::{AgentAppExt, AgentSetup, AgentSpec};
use crate::agent::scripted;
use crate::agent::scripted::oracle::rehearse;
use crate::agent::scripted::reference::register_reference_agents;
use crate::agent::scripted::synthetic::Synthetic;
use crate::scenario::warehouse::NAME;
use heuristic::Heuristic;
use mock::Mock;

/// Names of the scripted agents that runs in the warehouse can have.
pub const NAMES: &[&str] = &["heuristic", "mock", "noop", "oracle", "random", "synthetic"];

/// Registers the agents `heuristic`, `mock`, `oracle` and `synthetic` of the warehouse.
#[derive(Clone, Copy, Debug, Default)]
pub struct WarehouseAgentPlugin;

impl Plugin for WarehouseAgentPlugin {
    fn build(&self, app: &mut App) {
        register_reference_agents(app, NAME, Heuristic::default);
        app.add_agent(AgentSpec::new("mock").only_in(NAME), build);
    }
}

/// The scripted agent of a name. What a third party registers may wrap it.
///
/// # Panics
/// When the name is none of [`NAMES`].
#[must_use]
pub fn build(setup: AgentSetup<'_>) -> Box<dyn Agent> {
    match setup.name {
        "heuristic" => Box::new(Heuristic::default()),
        "mock" => Box::new(Mock::default()),
        "oracle" => Box::new(rehearse(setup, || Box::new(Heuristic::default()))),
        "synthetic" => Box::new(Synthetic::new(setup, Box::new(Heuristic::default()))),
        _ => scripted::build(setup),
    }
}

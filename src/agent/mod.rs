//! Who decides: the seam between the simulation and an agent, and the scripted agents.
//!
//! An agent is given what it may see and answers with a decision. It never touches the World.

pub mod observe;
pub mod register;
pub mod scripted;

use bevy::app::{App, Plugin};
use bevy::prelude::IntoScheduleConfigs;

use crate::engine::run_state::RunStateAppExt;
use crate::step::{ObserveSystems, PreAgent};

use crate::base::decision::Decision;
use crate::interface::observation::{Briefing, Observation};
use crate::interface::shown::Shown;
use crate::prediction::predictions::Predictions;

/// Assembles what agents are shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObservationPlugin;

impl Plugin for ObservationPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(PreAgent, observe::assemble_observation.in_set(ObserveSystems::Assemble));
    }
}

/// Registers the scripted agents that every scenario has.
#[derive(Clone, Copy, Debug, Default)]
pub struct AgentPlugin;

impl Plugin for AgentPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<register::AgentRegister>().share_between_runs::<register::AgentRegister>();
        scripted::register(app);
    }
}

/// What an agent decides from, inside the process or elsewhere: all of it may leave the program.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What this step's input contains.
    pub observation: &'a Observation,
    /// What this agent's inputs have contained so far, kept by the harness: a memory that forgets nothing and
    /// knows nothing more. An agent may ignore it.
    pub shown: &'a dyn Shown,
    /// The rules of the agent's world.
    pub briefing: &'a Briefing,
}

/// The hidden truth of a run: what only agents look at that test the instrument, and only those of this program can.
#[derive(Clone, Copy, Debug)]
pub struct Instruments<'a> {
    /// The errors decided up to the last step.
    pub(crate) predictions: &'a Predictions,
    /// The hash of the world after the last step.
    pub(crate) state_hash: u128,
}

/// An agent that runs inside the process.
pub trait Agent: Send {
    /// Decides on the action of a step.
    fn decide(&mut self, input: Input<'_>) -> Decision;

    /// The same, for agents that test the instrument. An agent that wraps another one passes this on; nobody else
    /// implements it.
    fn decide_with(&mut self, input: Input<'_>, _instruments: Instruments<'_>) -> Decision {
        self.decide(input)
    }

    /// What the agent knows of itself that a summary must state under `truth`: an agent made to break down says when
    /// and how. `None` for all others.
    fn truth(&self) -> Option<serde_json::Value> {
        None
    }
}

//! Who decides: the seam between the simulation and an agent, and the scripted agents.
//!
//! An agent is given what it may see and answers with a decision. It never touches the World.

pub mod action;
pub mod observation;
pub mod policy;
pub mod scripted;
pub mod shown;

use action::Decision;
use observation::{Briefing, Observation};
use shown::ShownState;

/// An agent that runs inside the process.
pub trait Agent: Send {
    /// Decides on the action of a step.
    ///
    /// `shown` is what this agent's inputs have contained so far, kept by the harness: a memory that forgets
    /// nothing and knows nothing more. An agent may ignore it.
    fn decide(&mut self, observation: &Observation, shown: &ShownState, briefing: &Briefing) -> Decision;
}

//! What detectors look at: the last steps, as far as they can be evidence of a breakdown.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::agent::action::Action;
use crate::units::{Cents, Step};

/// Whose fault a failed call was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// A bad argument, or a precondition that the shown state contradicts.
    Agent,
    /// Only hidden truth made it fail.
    World,
}

/// One step as evidence.
#[derive(Clone, Debug)]
pub struct StepEvidence {
    /// Which step.
    pub step: Step,
    /// What the agent did; `None` when it did nothing.
    pub action: Option<Arc<Action>>,
    /// Whose fault it was, when the call failed.
    pub failure: Option<ErrorClass>,
    /// Whether the call changed anything.
    pub state_changed: bool,
    /// Whether work was open.
    pub work_open: bool,
    /// Posted budget before the action.
    pub budget: Cents,
}

impl StepEvidence {
    /// Whether a call failed by the agent's fault.
    #[must_use]
    pub fn failed_by_agent(&self) -> bool {
        self.failure == Some(ErrorClass::Agent)
    }

    /// The tool that was called.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        self.action.as_deref().map(|action| action.tool.as_str())
    }
}

/// The last steps, oldest first.
#[derive(Clone, Debug)]
pub struct EvidenceWindow {
    steps: VecDeque<StepEvidence>,
    size: usize,
}

/// Fewest steps on which any detector judges.
pub const MIN_STEPS: usize = 5;

impl EvidenceWindow {
    /// An empty window of `size` steps.
    #[must_use]
    pub fn new(size: Step) -> EvidenceWindow {
        EvidenceWindow { steps: VecDeque::with_capacity(size as usize), size: size as usize }
    }

    /// Takes in a step; the oldest one leaves when the window is full.
    pub fn push(&mut self, step: StepEvidence) {
        if self.steps.len() == self.size {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }

    /// Most steps that the window holds.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The steps, oldest first.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &StepEvidence> + Clone + '_ {
        self.steps.iter()
    }

    /// The present step.
    #[must_use]
    pub fn now(&self) -> Option<&StepEvidence> {
        self.steps.back()
    }

    /// Whether there are enough steps to judge at all.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.steps.len() >= MIN_STEPS
    }
}

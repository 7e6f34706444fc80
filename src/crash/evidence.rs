//! What detectors look at: the last steps, as far as they can be evidence of a breakdown.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::card::Card;
use crate::base::decision::{Action, ActionSource};
use crate::base::units::{Cents, Step, Units};
use crate::interface::result::ErrorClass;
use crate::interface::statement::Statements;
use crate::interface::tool_kind::ToolKind;

/// One step as evidence.
#[derive(Clone, Debug)]
pub struct StepEvidence {
    /// Which step.
    pub step: Step,
    /// What the agent did; `None` when it did nothing.
    pub action: Option<Arc<Action>>,
    /// What the called tool is for; `None` without a call, or of a tool that is not known.
    pub tool_kind: Option<ToolKind>,
    /// Whose fault it was, when the call failed.
    pub failure: Option<ErrorClass>,
    /// Whether the call changed anything.
    pub state_changed: bool,
    /// Whether work was open.
    pub work_open: bool,
    /// Posted budget before the action.
    pub budget: Cents,
    /// Units in stock over all SKUs before the action; `None` where a record does not tell.
    pub total_storage: Option<Units>,
    /// Whether the action contradicts the card given with it: other tool or arguments, or a predicted failure acted
    /// on anyway; `None` without an action or a card.
    pub contradicts_card: Option<bool>,
    /// What the agent was thinking.
    pub thoughts: Option<Arc<str>>,
    /// Whether the agent's reply could be read; `None` when there was none.
    pub readable: Option<bool>,
    /// What the card said of stock and money, beside the truth.
    pub statements: Statements,
}

/// Whether an action contradicts the card given with it; `None` without an action or a card.
#[must_use]
pub fn contradicts(action: Option<&Action>, card: Option<&Card>) -> Option<bool> {
    let (action, card) = (action?, card?);
    let other_tool = card.tool.as_deref().is_some_and(|tool| tool != action.tool);
    let other_args = card.args.as_ref().is_some_and(|args| *args != action.args);
    Some(other_tool || other_args || card.expected_success == Some(false))
}

/// Whether a step's reply could be read; `None` when there was none.
#[must_use]
pub fn readable(source: ActionSource, acted: bool) -> Option<bool> {
    match source {
        ActionSource::Rejected => Some(false),
        ActionSource::Timeout => None,
        _ => acted.then_some(true),
    }
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
    counts: Counts,
}

/// What the window holds, kept and not counted anew every step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Steps with a call.
    pub calls: usize,
    /// Calls that failed by the agent's fault.
    pub failures: usize,
    /// Calls while work was open.
    pub calls_with_work: usize,
}

impl Counts {
    fn of(step: &StepEvidence) -> Counts {
        let call = usize::from(step.action.is_some());
        Counts {
            calls: call,
            failures: usize::from(step.failed_by_agent()),
            calls_with_work: if step.work_open { call } else { 0 },
        }
    }
}

/// Fewest steps on which any detector judges.
pub const MIN_STEPS: usize = 5;

impl EvidenceWindow {
    /// An empty window of `size` steps.
    #[must_use]
    pub fn new(size: Step) -> EvidenceWindow {
        let steps = VecDeque::with_capacity(size as usize);
        EvidenceWindow { steps, size: size as usize, counts: Counts::default() }
    }

    /// Takes in a step; the oldest one leaves when the window is full.
    pub fn push(&mut self, step: StepEvidence) {
        let counts = &mut self.counts;
        if self.steps.len() == self.size
            && let Some(left) = self.steps.pop_front().as_ref().map(Counts::of)
        {
            counts.calls -= left.calls;
            counts.failures -= left.failures;
            counts.calls_with_work -= left.calls_with_work;
        }
        let came = Counts::of(&step);
        counts.calls += came.calls;
        counts.failures += came.failures;
        counts.calls_with_work += came.calls_with_work;
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

    /// What the window holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
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

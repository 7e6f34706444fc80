//! Step records as evidence for crash detectors: the offline counterpart of what a run feeds them.
//!
//! Called by `detect`. The one place where offline detection learns what a record of this program means; a new input of
//! a detector is read back here. Pure.

use std::sync::Arc;

use crate::base::decision::ActionSource;
use crate::base::error_type::ErrorType;
use crate::crash::detector::Need;
use crate::crash::evidence::{StepEvidence, contradicts};
use crate::interface::statement::{Statement, Statements, Subject};
use crate::prediction::predictions::Value;
use crate::record::step_record::StepRecord;

/// What detectors need and a record does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    /// Whether work was open.
    pub work_open: bool,
    /// Whether the call worked, and whether it changed anything.
    pub outcome: bool,
}

impl Unknown {
    /// Whether it is this that the record does not tell.
    #[must_use]
    pub fn lacks(self, need: Need) -> bool {
        match need {
            Need::WorkOpen => self.work_open,
            Need::Outcome => self.outcome,
        }
    }
}

/// A step record as evidence. The live counterpart is [`detect_crashes`](crate::crash::state::detect_crashes).
#[must_use]
pub fn evidence(record: &StepRecord) -> (StepEvidence, Unknown) {
    let action = record.action.clone().map(Arc::new);
    let readable = match record.action_source {
        ActionSource::Rejected => Some(false),
        ActionSource::Timeout => None,
        _ => action.is_some().then_some(true),
    };
    let unknown = Unknown { work_open: false, outcome: action.is_some() && record.result.success.is_none() };
    let evidence = StepEvidence {
        step: record.step,
        contradicts_card: contradicts(action.as_deref(), record.prediction.as_ref()),
        action,
        // Who judges knows the tools.
        tool_kind: None,
        failure: record.error_class,
        state_changed: record.result.state_changed,
        work_open: record.work_open,
        budget: record.state.budget,
        total_storage: Some(record.state.total_storage),
        thoughts: record.thoughts.clone(),
        readable,
        statements: statements_of(record),
    };
    (evidence, unknown)
}

/// What the card said of stock and money, beside the truth, without the statements that the record says are excused.
fn statements_of(record: &StepRecord) -> Statements {
    let own = record.resolved.iter().filter(|entry| entry.kind == ErrorType::Causal && entry.step == record.step);
    own.flat_map(|entry| {
        let beside = |side: fn(&Value) -> Option<f64>| Some((side(&entry.expected)?, side(&entry.actual)?));
        [(Subject::Money, beside(Value::budget_after)), (Subject::Units, beside(Value::storage_after))]
    })
    .filter(|(subject, _)| !record.excused.contains(subject))
    .filter_map(|(subject, beside)| beside.map(|(stated, actual)| Statement { subject, stated, actual }))
    .collect()
}

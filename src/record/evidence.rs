//! Step records as evidence for crash detectors: the offline counterpart of what a run feeds them.
//!
//! Called by `detect`, for our own records and those of the Python original. The one place where offline detection
//! learns what a record means; a new input of a detector is read back here. Pure.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::base::card::Card;
use crate::base::decision::Action;
use crate::base::error_type::ErrorType;
use crate::base::units::{Cents, Step};
use crate::crash::detector::Need;
use crate::crash::evidence::{StepEvidence, contradicts};
use crate::interface::result::ErrorClass;
use crate::interface::statement::{Statement, Statements, Subject};
use crate::legacy::v1;

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

/// A step record as evidence, and what it does not tell. The live counterpart is [`detect_crashes`](crate::crash::state::detect_crashes).
///
/// The original's records, imported or not, tell neither open work nor outcomes, and an action that its harness
/// chose is not the agent's: the agent did nothing then.
#[must_use]
pub fn evidence(step: Step, record: &Value) -> (StepEvidence, Unknown) {
    if let Some(original) = v1::original(record) {
        return v1::evidence(step, &original);
    }
    let flag = |name: &str| record.get(name).and_then(Value::as_bool);
    let action = record.get("action").and_then(action_of);
    let card = record.get("prediction").and_then(card_of);
    let result = record.get("result").unwrap_or(&Value::Null);
    let readable = match record.get("action_source").and_then(Value::as_str) {
        Some("rejected") => Some(false),
        Some("timeout") => None,
        _ => action.is_some().then_some(true),
    };
    let failure = match record.get("error_class").and_then(Value::as_str) {
        Some("agent") => Some(ErrorClass::Agent),
        Some("world") => Some(ErrorClass::World),
        _ => None,
    };
    let state_changed = result.get("state_changed").and_then(Value::as_bool);
    let work_open = flag("work_open");
    let called_without_outcome = action.is_some() && !result.get("success").is_some_and(Value::is_boolean);
    let unknown =
        Unknown { work_open: work_open.is_none(), outcome: called_without_outcome || state_changed.is_none() };
    let evidence = StepEvidence {
        step,
        contradicts_card: contradicts(action.as_deref(), card.as_ref()),
        action,
        // Who judges knows the tools.
        tool_kind: None,
        failure,
        state_changed: state_changed.unwrap_or(false),
        work_open: work_open.unwrap_or(false),
        budget: record.pointer("/state/budget").and_then(Value::as_f64).map_or(Cents::ZERO, Cents::from_units),
        total_storage: record.pointer("/state/total_storage").and_then(Value::as_u64).and_then(|n| n.try_into().ok()),
        thoughts: record.get("thoughts").and_then(Value::as_str).map(Arc::from),
        readable,
        statements: statements_of(step, record),
    };
    (evidence, unknown)
}

fn action_of(action: &Value) -> Option<Arc<Action>> {
    let tool = action.get("tool")?.as_str()?.to_owned();
    let args = action.get("args").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    Some(Arc::new(Action { tool, args }))
}

fn card_of(card: &Value) -> Option<Card> {
    let card = card.as_object()?;
    Some(Card {
        tool: card.get("tool").and_then(Value::as_str).map(ToOwned::to_owned),
        args: card.get("args").and_then(Value::as_object).cloned(),
        expected_success: card.get("expected_success").and_then(Value::as_bool),
        ..Card::default()
    })
}

/// What the card said of stock and money, beside the truth, without the statements that the record says are excused.
fn statements_of(step: Step, record: &Value) -> Statements {
    let list = |key: &str| record.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_excused = |subject: &str| list("excused").iter().any(|excused| excused.as_str() == Some(subject));
    let own = list("resolved").iter().filter(|entry| {
        entry.get("type").and_then(Value::as_str) == Some(ErrorType::Causal.word())
            && entry.get("step").and_then(Value::as_u64) == Some(u64::from(step))
    });
    let subjects = [("budget_after", "money", Subject::Money), ("storage_after", "units", Subject::Units)];
    own.flat_map(|entry| {
        subjects.into_iter().filter(|(_, word, _)| !is_excused(word)).filter_map(move |(key, _, subject)| {
            let of = |side: &str| entry.get(side)?.get(key)?.as_f64();
            Some(Statement { subject, stated: of("expected")?, actual: of("actual")? })
        })
    })
    .collect()
}

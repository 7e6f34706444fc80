//! The Python original's step records as they are read: which tool a reply asked for, and what its rules saw.
//!
//! Used by `audit`, `detect` and `import`. Reads its records as they lie in its logs, and the same records inside
//! ours after an import (`imported.record`). Knows nothing of files. Its logs tell little: prediction errors are
//! always 0, `result` has no `success`, and most actions are the harness's own and were never asked for.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::base::decision::Action;
use crate::base::error_type::ErrorType;
use crate::base::units::{Cents, Step};
use crate::crash::evidence::StepEvidence;
use crate::crash::v1::V1Step;
use crate::llm::reply::text::{Marker, last_line};
use crate::record::evidence::Unknown;
use crate::record::lenient;
use crate::record::step_record::StepRecord;
use crate::tool::name;

/// Name of the format, on the command line and in imported records.
pub const FORMAT: &str = "vendomini-v1";

/// The tools that its agents had.
pub const TOOLS: [&str; 7] =
    [name::CHECK_INBOX, name::CHECK_STORAGE, name::CHECK_BUDGET, name::ORDER, name::QUOTE, name::CANCEL, name::SHIP];

/// The tool that its harness called when it could not use a reply.
pub const FALLBACK: &str = name::CHECK_INBOX;

/// The first step at which its detector could fire: on the five records before it.
pub const FIRST_DETECTION: Step = 5;

/// The original's record behind a record: an imported one's, or the record itself when it is one. `None` for ours.
#[must_use]
pub fn original(record: &Value) -> Option<Cow<'_, Value>> {
    if let Some(imported) = record.get("imported") {
        return match (imported.get("record"), imported.get("line").and_then(Value::as_str)) {
            (Some(original), _) => Some(Cow::Borrowed(original)),
            (None, Some(line)) => lenient::parse(line.as_bytes()).ok().map(|(value, _)| Cow::Owned(value)),
            (None, None) => None,
        };
    }
    record.get("action_source").is_none().then_some(Cow::Borrowed(record))
}

/// How the reply of a step and the action of that step go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// The reply asked for an available tool, and that tool ran.
    AsAsked,
    /// The reply has no line that asks for an action.
    WithoutAction,
    /// It asks for something that is no available tool.
    UnknownTool,
    /// It asks for an available tool, and another one ran.
    Replaced,
    /// The record has no reply.
    NoReply,
}

impl Answer {
    /// Its word in imported records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Answer::AsAsked => "as_asked",
            Answer::WithoutAction => "without_action",
            Answer::UnknownTool => "unknown_tool",
            Answer::Replaced => "replaced",
            Answer::NoReply => "no_reply",
        }
    }

    /// Where the action came from, as imported records say it: the model's text, or the harness, which acted in the
    /// model's name. No run of this program has an action of the latter kind.
    #[must_use]
    pub fn action_source(self) -> &'static str {
        match self {
            Answer::AsAsked => "model_text",
            _ => HARNESS_FALLBACK,
        }
    }
}

/// `action_source` of an action that nobody asked for.
pub const HARNESS_FALLBACK: &str = "harness_fallback";

/// What a reply asks for: the rest of its last line that starts with `ACTION:`, up to a `#`, without spaces and
/// quotes around it. `None` when there is no such line.
#[must_use]
pub fn asked(reply: &str) -> Option<&str> {
    let rest = last_line(reply, Marker::Action)?.split('#').next().unwrap_or_default();
    Some(rest.trim_matches(|letter: char| letter.is_whitespace() || letter == '"' || letter == '\''))
}

/// Whether a reply says that the action will succeed: its last line that starts with `SUCCESS:`, where that says
/// `true` or `false` and not both.
#[must_use]
pub fn stated_success(reply: &str) -> Option<bool> {
    match last_line(reply, Marker::Success)?.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The id that a summary states.
#[must_use]
pub fn run_id(summary: &Value) -> Option<&str> {
    summary.get("run_id")?.as_str()
}

/// The raw reply of a step.
#[must_use]
pub fn reply(original: &Value) -> Option<&str> {
    original.get("prediction")?.get("scratchpad_raw")?.as_str()
}

/// Whether a record came here by an import.
#[must_use]
pub fn is_imported(record: &Value) -> bool {
    record.get("imported").is_some()
}

/// Whether an import kept the original's record as text, since it is no strict JSON.
#[must_use]
pub fn is_kept_as_text(record: &Value) -> bool {
    record.get("imported").is_some_and(|imported| imported.get("line").is_some())
}

/// The action of a record, imported or not: what ran.
#[must_use]
pub fn action(record: &Value) -> Option<&Value> {
    record.get("action").filter(|action| action.is_object())
}

/// Whether a record states that a crash was detected.
#[must_use]
pub fn crash_detected(original: &Value) -> bool {
    original.get("crash_detected") == Some(&Value::Bool(true))
}

/// Whether a record has a prediction card.
#[must_use]
pub fn has_card(original: &Value) -> bool {
    original.get("prediction").is_some_and(Value::is_object)
}

/// The prediction error of a type that a record states.
#[must_use]
pub fn error(original: &Value, kind: ErrorType) -> Option<f64> {
    original.get("pe")?.get(kind.word())?.as_f64()
}

/// The tool that ran.
#[must_use]
pub fn tool(original: &Value) -> Option<&str> {
    original.get("action")?.get("tool")?.as_str()
}

/// How the reply and the action of a step go together.
#[must_use]
pub fn answer(original: &Value) -> Answer {
    let Some(reply) = reply(original) else { return Answer::NoReply };
    match asked(reply) {
        None => Answer::WithoutAction,
        Some(asked) if !TOOLS.contains(&asked) => Answer::UnknownTool,
        Some(asked) if tool(original) == Some(asked) => Answer::AsAsked,
        Some(_) => Answer::Replaced,
    }
}

/// What the original's detectors see of a record of this program.
#[must_use]
pub fn step_of_ours(record: &StepRecord) -> V1Step {
    let tool = record.action.as_ref().map(|action| action.tool.clone());
    let card_tool = record.prediction.as_ref().and_then(|card| card.tool.as_ref());
    V1Step {
        failed: record.result.success == Some(false),
        ordered_below_zero: tool.as_deref() == Some(name::ORDER) && record.state.budget < Cents::ZERO,
        contradicts_card: matches!((&tool, card_tool), (Some(tool), Some(card)) if tool != card),
        args: record.action.as_ref().map_or(Value::Null, |action| Value::Object(action.args.clone())),
        tool,
    }
}

/// What the original's detectors see of one of its records, imported or not. A `success` that is missing counts as
/// one, as it did there.
#[must_use]
pub fn step(record: &Value) -> V1Step {
    let original = original(record);
    let record = original.as_deref().unwrap_or(record);
    let tool = tool(record).map(ToOwned::to_owned);
    let card_tool = record.get("prediction").and_then(|card| card.get("tool")).and_then(Value::as_str);
    let budget = record.pointer("/observation/budget");
    V1Step {
        failed: record.get("result").and_then(|result| result.get("success")) == Some(&Value::Bool(false)),
        ordered_below_zero: tool.as_deref() == Some(name::ORDER)
            && budget.and_then(Value::as_f64).is_some_and(|budget| budget < 0.0),
        contradicts_card: matches!((&tool, card_tool), (Some(tool), Some(card)) if tool != card),
        args: record.get("action").and_then(|action| action.get("args")).cloned().unwrap_or(Value::Null),
        tool,
    }
}

/// A record, imported or not, as evidence for our own detectors: what the agent asked for and got, and its reply as its
/// thoughts. It tells neither open work nor outcomes, and an action that its harness chose is not the agent's: the
/// agent did nothing then.
#[must_use]
pub fn evidence(step: Step, record: &Value) -> (StepEvidence, Unknown) {
    let original = original(record);
    let original = original.as_deref().unwrap_or(record);
    let answer = answer(original);
    let args = || match original.get("action").and_then(|action| action.get("args")) {
        Some(Value::Object(args)) => args.clone(),
        Some(Value::Null) | None => Map::new(),
        Some(other) => Map::from_iter([("args".to_owned(), other.clone())]),
    };
    let action = match (answer, tool(original)) {
        (Answer::AsAsked, Some(tool)) => Some(Arc::new(Action { tool: tool.to_owned(), args: args() })),
        _ => None,
    };
    let evidence = StepEvidence {
        step,
        contradicts_card: None,
        action,
        tool_kind: None,
        failure: None,
        state_changed: false,
        work_open: false,
        budget: original.pointer("/observation/budget").and_then(Value::as_f64).map_or(Cents::ZERO, Cents::from_units),
        total_storage: None,
        thoughts: reply(original).map(Arc::from),
        readable: match answer {
            Answer::NoReply => None,
            Answer::WithoutAction => Some(false),
            Answer::AsAsked | Answer::UnknownTool | Answer::Replaced => Some(true),
        },
        statements: Default::default(),
    };
    (evidence, Unknown { work_open: true, outcome: true })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reply_asks_in_its_last_action_line() {
        for (reply, expected) in [
            ("ACTION: tool_order", Some("tool_order")),
            ("THOUGHTS: x\n  ACTION:tool_quote \nACTION: \"tool_order\" # now\nARGS: {}", Some("tool_order")),
            ("ACTION: ' tool_check_inbox'\r\nSUCCESS: true", Some("tool_check_inbox")),
            ("ACTION: <tool_name>", Some("<tool_name>")),
            ("ACTION: # nothing", Some("")),
            ("**ACTION: tool_order**", None),
            ("Action: tool_order", None),
            ("", None),
        ] {
            assert_eq!(asked(reply), expected, "{reply:?}");
        }
    }

    #[test]
    fn an_answer_is_as_asked_or_says_why_not() {
        let of =
            |reply: &str, ran: &str| answer(&json!({"action": {"tool": ran}, "prediction": {"scratchpad_raw": reply}}));
        assert_eq!(of("ACTION: tool_order", "tool_order"), Answer::AsAsked);
        assert_eq!(of("ACTION: tool_order", "tool_check_inbox"), Answer::Replaced);
        assert_eq!(of("ACTION: tool_wait", "tool_wait"), Answer::UnknownTool, "there was no such tool then");
        assert_eq!(of("I order.", "tool_check_inbox"), Answer::WithoutAction);
        assert_eq!(answer(&json!({"action": {"tool": "tool_order"}, "prediction": null})), Answer::NoReply);
    }

    #[test]
    fn a_template_states_no_success() {
        assert_eq!(stated_success("SUCCESS: <true/false>"), None);
        assert_eq!(stated_success("SUCCESS: false\nSUCCESS: True \n"), Some(true));
        assert_eq!(stated_success("I think so"), None);
    }

    #[test]
    fn a_missing_success_is_no_failure() {
        let record = json!({
            "step": 3, "observation": {"budget": -0.5}, "action": {"tool": "tool_order", "args": [1]},
            "prediction": {"tool": "tool_quote"}, "result": [{"day": 4}, false],
        });
        let seen = step(&record);
        assert!(!seen.failed && seen.ordered_below_zero && seen.contradicts_card);
        let imported = json!({"action_source": "model_text", "imported": {"record": record}});
        assert_eq!(step(&imported), seen);
    }
}

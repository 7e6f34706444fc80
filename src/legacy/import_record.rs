//! The step records that an import writes: our keys in our order, null wherever the original's logs do not tell.
//!
//! Made by [`import`](crate::legacy::import). Values that are carried over are the original's text, byte by byte.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::base::error_type::ByType;
use crate::base::units::Step;
use crate::legacy::v1;
use crate::legacy::v1::Answer;
use crate::record::lenient;
use crate::record::reader::StepLine;

/// Not known; null in JSON.
pub(crate) type Unknown = ();

/// What is carried over of an original's record as it stands there.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Carried {
    observation: Option<Box<RawValue>>,
    action: Option<Box<RawValue>>,
    crash_detected: Option<bool>,
    crash_type: Option<String>,
}

/// A line of `steps.jsonl`.
#[derive(Serialize)]
pub(crate) struct ImportedStep<'a> {
    step: Step,
    day: Option<&'a Value>,
    observation: Option<Box<RawValue>>,
    action: Option<Box<RawValue>>,
    prediction: Option<ImportedCard<'a>>,
    result: ImportedResult,
    pe: ByType<Unknown>,
    cumulative_pe: ByType<Unknown>,
    crash_detected: Option<bool>,
    crash_type: Option<String>,
    state: ImportedState<'a>,
    state_after: ImportedStateAfter<'a>,
    action_source: &'static str,
    error_class: Unknown,
    work_open: Unknown,
    shock_candidates: Unknown,
    shocks: Unknown,
    resolved: Unknown,
    revealed: Unknown,
    pe_revealed: ByType<Unknown>,
    cumulative_pe_revealed: ByType<Unknown>,
    flags: Unknown,
    severity: Unknown,
    state_hash: Unknown,
    imported: Source<'a>,
}

/// The card of a reply that was carried out; of another one there is none.
#[derive(Serialize)]
struct ImportedCard<'a> {
    tool: Option<&'a Value>,
    args: Option<&'a Value>,
    /// As the reply states it; the original's own reading takes an echoed template for a prediction.
    expected_success: Option<bool>,
}

#[derive(Default, Serialize)]
struct ImportedResult {
    success: Unknown,
    state_changed: Unknown,
}

#[derive(Serialize)]
struct ImportedState<'a> {
    day: Option<&'a Value>,
    budget: Option<&'a Value>,
    storage: Option<&'a Value>,
    total_storage: Option<&'a Value>,
    pending_orders: Option<&'a Value>,
    open_customer_orders: Unknown,
    inbox_count: Option<&'a Value>,
    revenue: Unknown,
}

#[derive(Serialize)]
struct ImportedStateAfter<'a> {
    budget: Option<&'a Value>,
    total_storage: Option<&'a Value>,
}

/// Where a record came from.
#[derive(Serialize)]
struct Source<'a> {
    from: &'static str,
    /// What the reply asked for; null where it asked for nothing.
    asked: Option<&'a str>,
    /// How that and the action go together.
    answer: &'static str,
    /// The original's line.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a RawValue>,
    /// The same as text, where it is not strict JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<&'a str>,
}

impl<'a> ImportedStep<'a> {
    /// Makes the record of a line. `text` is the line itself.
    pub(crate) fn new(line: &'a StepLine, original: &'a Value, text: &'a str) -> ImportedStep<'a> {
        let strict = if line.strict { Cow::Borrowed(text) } else { Cow::Owned(lenient::strict(text)) };
        let carried: Carried = serde_json::from_str(&strict).unwrap_or_default();
        let answer = v1::answer(original);
        let seen = |key: &str| original.get("observation")?.get(key);
        let after = |key: &str| original.get("result")?.get(0)?.get(key);
        let reply = v1::reply(original);
        let action = |key: &str| original.get("action")?.get(key);
        ImportedStep {
            step: line.step,
            day: seen("day"),
            observation: carried.observation,
            action: carried.action,
            prediction: (answer == Answer::AsAsked).then(|| ImportedCard {
                tool: action("tool"),
                args: action("args"),
                expected_success: reply.and_then(v1::stated_success),
            }),
            result: ImportedResult::default(),
            pe: ByType::default(),
            cumulative_pe: ByType::default(),
            crash_detected: carried.crash_detected,
            crash_type: carried.crash_type,
            state: ImportedState {
                day: seen("day"),
                budget: seen("budget"),
                storage: seen("storage"),
                total_storage: seen("total_storage"),
                pending_orders: seen("pending_orders"),
                open_customer_orders: (),
                inbox_count: seen("inbox_count"),
                revenue: (),
            },
            state_after: ImportedStateAfter { budget: after("budget"), total_storage: after("total_storage") },
            action_source: answer.action_source(),
            error_class: (),
            work_open: (),
            shock_candidates: (),
            shocks: (),
            resolved: (),
            revealed: (),
            pe_revealed: ByType::default(),
            cumulative_pe_revealed: ByType::default(),
            flags: (),
            severity: (),
            state_hash: (),
            imported: Source {
                from: v1::FORMAT,
                asked: reply.and_then(v1::asked),
                answer: answer.word(),
                record: line.strict.then(|| serde_json::from_str(text).expect("strict JSON is JSON")),
                line: (!line.strict).then_some(text),
            },
        }
    }
}

/// A line of `deliberations.jsonl`.
#[derive(Serialize)]
pub(crate) struct Deliberation<'a> {
    step: Step,
    rationale: Unknown,
    /// The reply as it came.
    pub(crate) raw_reply: Option<&'a str>,
    parse: Parse<'a>,
}

#[derive(Serialize)]
struct Parse<'a> {
    result: &'static str,
    asked: Option<&'a str>,
}

impl<'a> Deliberation<'a> {
    pub(crate) fn new(step: Step, original: &'a Value) -> Deliberation<'a> {
        let reply = v1::reply(original);
        let parse = Parse { result: v1::answer(original).word(), asked: reply.and_then(v1::asked) };
        Deliberation { step, rationale: (), raw_reply: reply, parse }
    }
}

//! A provider that answers inside the process: `kind: mock`. Every part of the way from prompt to record can be tried
//! with it, without a key, a network or a model.
//!
//! It goes through the cycle of five calls that the scripted agent `mock` goes through, in the form that the
//! interface asks for, and expects all of them to succeed.

use serde_json::{Value, json};

use crate::base::units::Step;
use crate::config::settings::ReplyFormat;
use crate::llm::provider::attempt::{Attempt, Outcome};
use crate::tool::name;

/// What the mock provider answers in a step.
#[must_use]
pub fn answer(model: &str, format: ReplyFormat, step: Step, request_bytes: usize) -> Attempt {
    let (tool, args) = call(step);
    let message = match format {
        ReplyFormat::Text => {
            let text = format!(
                "THOUGHTS: Step {} of my round.\nACTION: {tool}\nARGS: {args}\nPREDICTION: {{\"expected_success\": \
                 true}}\nSUCCESS: true",
                step + 1
            );
            json!({ "role": "assistant", "content": text })
        }
        ReplyFormat::ToolCalls => {
            let mut args = args;
            args["prediction"] = json!({ "expected_success": true });
            let call = json!({
                "id": format!("call_{step}"),
                "type": "function",
                "function": { "name": tool, "arguments": args.to_string() },
            });
            json!({ "role": "assistant", "content": format!("Step {} of my round.", step + 1), "tool_calls": [call] })
        }
    };
    let finish = if format == ReplyFormat::Text { "stop" } else { "tool_calls" };
    let tokens = |bytes: usize| bytes.div_ceil(4);
    let (read, written) = (tokens(request_bytes), tokens(message.to_string().len()));
    let body = json!({
        "object": "chat.completion",
        "model": model,
        "choices": [{ "index": 0, "message": message, "finish_reason": finish }],
        "usage": { "prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written },
    });
    Attempt {
        attempt: 1,
        outcome: Outcome::Reply,
        last: true,
        status: Some(200),
        body: Some(body.to_string()),
        error: None,
        queued_ms: 0.0,
        latency_ms: 0.0,
        first_byte_ms: Some(0.0),
        retry_after_ms: None,
        in_flight: 1,
        limit: 1,
        request_id: None,
    }
}

fn call(step: Step) -> (&'static str, Value) {
    let cycle = step / 5;
    match step % 5 {
        0 => (name::CHECK_INBOX, json!({})),
        1 => (name::CHECK_STORAGE, json!({})),
        2 => (name::SHIP, json!({ "customer_order_id": format!("CO{}", 5 * cycle + 1) })),
        3 => (name::ORDER, json!({ "supplier_id": "S1", "sku": "sku_0", "quantity": 10 })),
        _ => (name::CHECK_BUDGET, json!({})),
    }
}

//! A model that knows what it wants: what it does depends on the step alone.

use serde_json::{Value, json};

use crate::mock_server::{Answer, Request};

/// What it does in a step, and with which arguments.
pub(super) fn action(step: u64) -> (&'static str, Value) {
    match step % 5 {
        0 => ("tool_check_inbox", json!({})),
        1 => ("tool_order", json!({"quantity": 5, "sku": "sku_0", "supplier_id": "S1"})),
        2 => ("tool_check_storage", json!({})),
        3 => ("tool_quote", json!({"qty": 3, "sku": "sku_1", "supplier_id": "S2"})),
        _ => ("tool_check_budget", json!({})),
    }
}

/// The step that a request asks about, from 0: the last one that its messages name.
pub(super) fn step(request: &Request) -> u64 {
    let body = String::from_utf8_lossy(&request.body);
    let steps = body.match_indices("STEP ").filter_map(|(at, word)| {
        let (number, rest) = body[at + word.len()..].split_once(' ')?;
        rest.starts_with("of ").then(|| number.parse::<u64>().ok())?
    });
    steps.last().expect("every request names its step") - 1
}

/// Whether a request is a call of a model. Before the first run the program asks the server about itself.
pub(super) fn is_call(request: &Request) -> bool {
    request.method == "POST"
}

/// Whether the model is to call tools natively.
pub(super) fn has_tools(request: &Request) -> bool {
    !request.json()["tools"].is_null()
}

/// The answer of a server that is in order.
pub(super) fn answer(request: &Request) -> Answer {
    if !is_call(request) {
        return Answer::error(404, "not_found");
    }
    let (tool, args) = action(step(request));
    call(request, tool, &args)
}

/// A call of a tool that expects to succeed, in the form and the dialect in which the request asks for it.
pub(super) fn call(request: &Request, tool: &str, args: &Value) -> Answer {
    if !has_tools(request) {
        let text = format!(
            "THOUGHTS: It is time.\nACTION: {tool}\nARGS: {args}\nPREDICTION: {{\"expected_success\": true}}\n\
             SUCCESS: true"
        );
        return say(request, &text);
    }
    let mut args = args.clone();
    args["prediction"] = json!({"expected_success": true});
    if request.path.ends_with("/messages") {
        Answer::messages_tools(&[(tool, args)])
    } else {
        Answer::chat_tools(&[(tool, &args.to_string())])
    }
}

/// A text in the dialect of the request.
pub(super) fn say(request: &Request, text: &str) -> Answer {
    if request.path.ends_with("/messages") { Answer::messages(text) } else { Answer::chat(text) }
}

/// A reply that nobody can read.
pub(super) fn babble(request: &Request) -> Answer {
    say(request, "Well, let me think about it.")
}

/// The same answer with other tokens.
pub(super) fn using(answer: Answer, input: u64, output: u64) -> Answer {
    answer.edited(|body| {
        let [read, written] = if body["choices"].is_null() {
            ["input_tokens", "output_tokens"]
        } else {
            ["prompt_tokens", "completion_tokens"]
        };
        body["usage"] = json!({read: input, written: output});
    })
}

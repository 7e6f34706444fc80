//! What a mock server answers: replies in both dialects, errors, and everything that can go wrong on the way.

use std::time::Duration;

use serde_json::{Value, json};

use super::Request;

/// The model that answers where no other is asked for.
const MODEL: &str = "mock-model";

/// What to do with a request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(super) latency: Duration,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) manner: Manner,
}

/// How an answer gets to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// All at once, with its length.
    Whole,
    /// In chunks, without a length.
    Chunked,
    /// So many bytes at a time.
    Drip { bytes: usize, pause: Duration },
    /// The connection is reset after so many bytes of the body.
    Reset { after: usize },
    /// The connection is closed in good order after so many bytes of the body, which is longer.
    Cut { after: usize },
    /// Nothing more comes after so many bytes of the body.
    Stall { after: usize },
    /// The connection is reset instead of an answer.
    ResetAtOnce,
    /// Nothing ever comes.
    Hang,
}

/// Replies.
impl Answer {
    /// A reply of chat completions.
    pub(crate) fn chat(text: &str) -> Self {
        Self::chat_message(json!({"role": "assistant", "content": text}), "stop")
    }

    /// A reply of chat completions with native tool calls: names, and arguments as text, which may be broken JSON.
    pub(crate) fn chat_tools(calls: &[(&str, &str)]) -> Self {
        let calls: Vec<Value> = calls
            .iter()
            .enumerate()
            .map(|(i, (name, arguments))| {
                let function = json!({"name": name, "arguments": arguments});
                json!({"id": format!("call_{i}"), "type": "function", "function": function})
            })
            .collect();
        Self::chat_message(json!({"role": "assistant", "content": null, "tool_calls": calls}), "tool_calls")
    }

    /// A refusal of chat completions.
    pub(crate) fn chat_refusal(text: &str) -> Self {
        Self::chat_message(json!({"role": "assistant", "content": null, "refusal": text}), "stop")
    }

    /// A reply of chat completions of any message and reason to finish.
    pub(crate) fn chat_message(message: Value, finish: &str) -> Self {
        Self::chat_of(MODEL, message, finish)
    }

    fn chat_of(model: &str, message: Value, finish: &str) -> Self {
        Self::json(&json!({
            "id": "chatcmpl-mock",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        }))
    }

    /// A reply of Anthropic messages.
    pub(crate) fn messages(text: &str) -> Self {
        Self::messages_content(json!([{"type": "text", "text": text}]), "end_turn")
    }

    /// A reply of Anthropic messages with tool calls: names and inputs.
    pub(crate) fn messages_tools(calls: &[(&str, Value)]) -> Self {
        let blocks: Vec<Value> = calls
            .iter()
            .enumerate()
            .map(|(i, (name, input))| json!({"type": "tool_use", "id": format!("toolu_{i}"), "name": name, "input": input}))
            .collect();
        Self::messages_content(Value::Array(blocks), "tool_use")
    }

    /// A refusal of Anthropic messages.
    pub(crate) fn messages_refusal() -> Self {
        Self::messages_content(json!([]), "refusal")
    }

    /// A reply of Anthropic messages of any content and reason to stop.
    pub(crate) fn messages_content(content: Value, stop: &str) -> Self {
        Self::messages_of(MODEL, content, stop)
    }

    fn messages_of(model: &str, content: Value, stop: &str) -> Self {
        Self::json(&json!({
            "id": "msg_mock",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": null,
            "usage": {
                "input_tokens": 100,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 10,
            },
        }))
    }

    /// A reply by the model that was asked, in the dialect of the path: Anthropic messages where it ends in
    /// `/messages`. Reads the request, so it costs more than [`Answer::chat`].
    pub(crate) fn reply(request: &Request, text: &str) -> Self {
        let asked = request.json();
        let model = asked["model"].as_str().unwrap_or(MODEL);
        if request.path.ends_with("/messages") {
            Self::messages_of(model, json!([{"type": "text", "text": text}]), "end_turn")
        } else {
            Self::chat_of(model, json!({"role": "assistant", "content": text}), "stop")
        }
    }

    /// Status 200 and this JSON.
    pub(crate) fn json(body: &Value) -> Self {
        Self::text(200, "application/json", &body.to_string())
    }

    /// Any status, content type and body.
    pub(crate) fn text(status: u16, content_type: &str, body: &str) -> Self {
        Self {
            latency: Duration::ZERO,
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.as_bytes().to_vec(),
            manner: Manner::Whole,
        }
    }
}

/// Faults.
impl Answer {
    /// An error status with the body that providers give.
    pub(crate) fn error(status: u16, code: &str) -> Self {
        let body = json!({"error": {"message": format!("mock error {code}"), "type": code, "code": code}});
        Self { status, ..Self::json(&body) }
    }

    /// 429. Add `retry-after-ms` or `retry-after` with [`Answer::header`].
    pub(crate) fn throttled() -> Self {
        Self::error(429, "rate_limit_exceeded")
    }

    /// 400, since the conversation is too long.
    pub(crate) fn context_overflow() -> Self {
        Self::error(400, "context_length_exceeded")
    }

    /// An error inside a body of status 200.
    pub(crate) fn provider_error() -> Self {
        Self::json(&json!({"error": {"code": 502, "message": "the upstream failed"}}))
    }

    /// Status 200 and no choice in it.
    pub(crate) fn empty_choices() -> Self {
        Self::json(&json!({"id": "chatcmpl-mock", "object": "chat.completion", "model": "mock-model", "choices": []}))
    }

    /// Status 200 and a page of HTML.
    pub(crate) fn wrong_content_type() -> Self {
        Self::text(200, "text/html; charset=utf-8", "<html><body>It works!</body></html>")
    }

    /// Status 200 and JSON that ends too early, though the length is right.
    pub(crate) fn truncated_json() -> Self {
        let mut answer = Self::chat("hello");
        answer.body.truncate(answer.body.len() / 2);
        answer
    }

    /// Status 200 and a body of so many bytes, which is JSON.
    pub(crate) fn huge(bytes: usize) -> Self {
        let mut answer = Self::chat("hello");
        answer.body.resize(bytes.max(answer.body.len()), b' ');
        answer
    }

    /// No answer, ever.
    pub(crate) fn hang() -> Self {
        Self { manner: Manner::Hang, ..Self::chat("") }
    }

    /// The connection is reset instead of an answer.
    pub(crate) fn reset() -> Self {
        Self { manner: Manner::ResetAtOnce, ..Self::chat("") }
    }
}

/// How an answer gets there.
impl Answer {
    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Changes the body, which is JSON.
    pub(crate) fn edited(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        let mut body = serde_json::from_slice(&self.body).expect("the body is JSON");
        edit(&mut body);
        self.body = body.to_string().into_bytes();
        self
    }

    /// Begins after this time.
    pub(crate) fn after(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// Sends the body in chunks, without its length.
    pub(crate) fn chunked(self) -> Self {
        Self { manner: Manner::Chunked, ..self }
    }

    /// Sends the body byte by byte.
    pub(crate) fn drip(self, pause: Duration) -> Self {
        Self { manner: Manner::Drip { bytes: 1, pause }, ..self }
    }

    /// Resets the connection after so many bytes of the body.
    pub(crate) fn reset_after(self, after: usize) -> Self {
        Self { manner: Manner::Reset { after }, ..self }
    }

    /// Closes the connection in good order after so many bytes of the body, which the header says is longer.
    pub(crate) fn cut_after(self, after: usize) -> Self {
        Self { manner: Manner::Cut { after }, ..self }
    }

    /// Sends nothing more after so many bytes of the body.
    pub(crate) fn stall_after(self, after: usize) -> Self {
        Self { manner: Manner::Stall { after }, ..self }
    }
}

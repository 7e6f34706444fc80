//! Anthropic's messages.
//!
//! Two places of a request are marked for the provider's cache: the end of the system prompt, after which all runs of a
//! cell agree, and the end of the conversation, which the next request of the run repeats. Writing into the cache costs
//! a quarter more than not, reading a tenth, so a conversation that grows at its end gains with its second request.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

use crate::base::decision::Usage;
use crate::config::settings::RequestField;
use crate::llm::provider::dialect::judge::{complaint, is_something};
use crate::llm::provider::dialect::{
    Bill, Fields, Head, ReadError, RequestHead, Said, ToolResult, are_sayable, arguments_object, as_text, call_id,
    write,
};
use crate::llm::provider::lenient::{Count, List, Object, Text, object};
use crate::llm::provider::reply::{Finish, ModelReply, RawToolCall};

/// See [`Dialect::head`](crate::llm::provider::dialect::Dialect::head).
pub(super) fn head(request: &RequestHead<'_>) -> Head {
    let mut fields = Fields::default();
    let marks = request.sends(RequestField::CacheControl);
    fields.put("model", request.model);
    fields.put("max_tokens", &request.max_tokens);
    if let Some(temperature) = request.temperature.filter(|_| request.sends(RequestField::Temperature)) {
        fields.put("temperature", &temperature);
    }
    if let Some(top_p) = request.top_p.filter(|_| request.sends(RequestField::TopP)) {
        fields.put("top_p", &top_p);
    }
    if !request.tools.is_empty() {
        let tool = |tool: &crate::llm::provider::dialect::ToolSpec| json!({"name": tool.name, "description": tool.description, "input_schema": tool.schema});
        fields.put("tools", &request.tools.iter().map(tool).collect::<Vec<_>>());
        let (forces, one) = (request.sends(RequestField::ToolChoice), request.sends(RequestField::ParallelToolCalls));
        // A call cannot be forced of a model that thinks, but one call at a time can be asked of it.
        let mut choice = json!({"type": if forces { "any" } else { "auto" }});
        if one {
            choice["disable_parallel_tool_use"] = Json::from(true);
        }
        if forces || one {
            fields.put("tool_choice", &choice);
        }
    }
    if !request.system.is_empty() {
        let mut block = json!({"type": "text", "text": request.system});
        if marks {
            block["cache_control"] = json!({"type": "ephemeral"});
        }
        fields.put("system", &[block]);
    }
    for (name, value) in request.extra_body {
        fields.put(name, value);
    }
    Head { before: fields.open(), has_message: false, sends_seed: false, marks_last: marks }
}

/// See [`Dialect::turn`](crate::llm::provider::dialect::Dialect::turn): one message, in which results come first, as they must.
pub(super) fn turn(results: &[ToolResult<'_>], text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 64);
    out.extend_from_slice(b"{\"role\":\"user\",\"content\":[");
    for result in results {
        out.extend_from_slice(b"{\"type\":\"tool_result\",\"tool_use_id\":");
        write(&mut out, result.call_id);
        out.extend_from_slice(b",\"content\":");
        write(&mut out, result.text);
        out.extend_from_slice(if result.is_error { b",\"is_error\":true}," } else { b"}," });
    }
    if text.is_empty() && !results.is_empty() {
        out.pop();
    } else {
        text_block(&mut out, text);
    }
    out.extend_from_slice(b"]}");
    out
}

fn text_block(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"{\"type\":\"text\",\"text\":");
    write(out, text);
    out.push(b'}');
}

/// See [`Dialect::assistant`](crate::llm::provider::dialect::Dialect::assistant).
pub(super) fn assistant(reply: &ModelReply) -> Said {
    let are_calls = are_sayable(&reply.tool_calls);
    let mut out = b"{\"role\":\"assistant\",\"content\":".to_vec();
    let calls = if are_calls { reply.tool_calls.as_slice() } else { &[] };
    let ids: Vec<String> = calls.iter().enumerate().map(|(position, call)| call_id(position, call)).collect();
    if let Some(echo) = reply.echo.as_ref().filter(|_| are_calls) {
        echoed(&mut out, echo, calls.iter().zip(&ids));
        return Said { message: Some(out), calls: ids };
    }
    let text = if are_calls { reply.content.clone() } else { as_text(reply) };
    // Blocks of nothing are refused.
    let has_text = !text.trim().is_empty();
    if !has_text && calls.is_empty() {
        return Said { message: None, calls: ids };
    }
    out.push(b'[');
    if has_text {
        text_block(&mut out, &text);
    }
    for (position, (call, id)) in calls.iter().zip(&ids).enumerate() {
        if has_text || position > 0 {
            out.push(b',');
        }
        tool_use(&mut out, call, id);
    }
    out.extend_from_slice(b"]}");
    Said { message: Some(out), calls: ids }
}

fn tool_use(out: &mut Vec<u8>, call: &RawToolCall, id: &str) {
    out.extend_from_slice(b"{\"type\":\"tool_use\",\"id\":");
    write(out, id);
    out.extend_from_slice(b",\"name\":");
    write(out, &call.name);
    out.extend_from_slice(b",\"input\":");
    out.extend_from_slice(arguments_object(call).expect("only such calls are said as calls").as_bytes());
    out.push(b'}');
}

/// The blocks of a reply as they came, but with these calls alone: one that stands there without a result, or without a
/// name that a result could give, is refused. Nor may a text be empty.
fn echoed<'a>(out: &mut Vec<u8>, echo: &str, calls: impl Iterator<Item = (&'a RawToolCall, &'a String)>) {
    let blocks: Vec<&RawValue> = serde_json::from_str(echo).expect("an echo is the list of blocks that was read");
    let mut calls = calls;
    out.push(b'[');
    for raw in blocks {
        let Ok(Some(block)) = object::<Block<'_>>(raw.get()) else { continue };
        let start = out.len();
        match block.kind.0.as_deref() {
            Some("tool_use") => match calls.next() {
                Some((call, id)) if block.id.filled().is_none() => tool_use(out, call, id),
                Some(_) => out.extend_from_slice(raw.get().as_bytes()),
                None => {}
            },
            Some("text") if block.text.0.is_none_or(|text| text.trim().is_empty()) => {}
            _ => out.extend_from_slice(raw.get().as_bytes()),
        }
        if out.len() > start {
            out.push(b',');
        }
    }
    if out.ends_with(b",") {
        out.pop();
    }
    out.extend_from_slice(b"]}");
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(default)]
    stop_reason: Text,
    #[serde(default)]
    usage: Object<RawUsage>,
    #[serde(default)]
    model: Text,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    text: Text,
    #[serde(default)]
    thinking: Text,
    #[serde(default)]
    id: Text,
    #[serde(default)]
    name: Text,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct RawUsage {
    /// Without what goes into the cache or comes out of it.
    #[serde(default)]
    input_tokens: Count,
    #[serde(default)]
    cache_creation_input_tokens: Count,
    #[serde(default)]
    cache_read_input_tokens: Count,
    #[serde(default)]
    output_tokens: Count,
}

/// The answer and its content, a list of blocks.
fn open(body: &str) -> Result<(Answer<'_>, &str), ReadError> {
    let answer: Option<Answer<'_>> = object(body).map_err(|error| ReadError::NotJson(error.to_string()))?;
    let answer = answer.ok_or(ReadError::NoReply)?;
    let failed = answer.error.is_some_and(|raw| is_something(raw.get())) || answer.kind.0.as_deref() == Some("error");
    if failed {
        return Err(ReadError::Provider(complaint(body)));
    }
    let content = answer.content.map(RawValue::get).filter(|raw| raw.starts_with('[')).ok_or(ReadError::NoReply)?;
    let generated = answer.usage.0.as_ref().and_then(|usage| usage.output_tokens.0);
    let is_refused = finish(answer.stop_reason.0.as_deref()) == Finish::Refusal;
    if content[1..].trim_start() == "]" && generated == Some(0) && !is_refused {
        return Err(ReadError::NoReply);
    }
    Ok((answer, content))
}

/// Whether there is a reply in an answer.
pub(super) fn look(body: &str) -> Result<(), ReadError> {
    open(body).map(drop)
}

/// See [`Dialect::read`](crate::llm::provider::dialect::Dialect::read).
pub(super) fn read(body: &str) -> Result<ModelReply, ReadError> {
    let (answer, content) = open(body)?;
    let List(blocks) = serde_json::from_str::<List<Block<'_>>>(content).map_err(|_| ReadError::NoReply)?;
    let mut reply = ModelReply {
        finish: finish(answer.stop_reason.0.as_deref()),
        usage: answer.usage.0.map(|usage| tokens(&usage)).unwrap_or_default(),
        served_model: answer.model.filled(),
        ..ModelReply::default()
    };
    let mut reasoning = String::new();
    for block in blocks {
        match block.kind.0.as_deref() {
            Some("text") => reply.content.extend(block.text.0),
            Some("tool_use") => reply.tool_calls.push(RawToolCall {
                id: block.id.0.unwrap_or_default(),
                name: block.name.0.unwrap_or_default(),
                arguments: block.input.map_or("", RawValue::get).to_owned(),
            }),
            // The provider wants to see its reasoning again, signed, or refuses what follows on it.
            Some("thinking" | "redacted_thinking") => {
                reasoning.extend(block.thinking.0);
                reply.echo = Some(content.to_owned());
            }
            _ => {}
        }
    }
    reply.reasoning = Some(reasoning).filter(|text| !text.is_empty());
    Ok(reply)
}

fn finish(reason: Option<&str>) -> Finish {
    match reason {
        Some("end_turn" | "stop_sequence") => Finish::Stop,
        Some("tool_use") => Finish::ToolCalls,
        Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
        Some("refusal") => Finish::Refusal,
        _ => Finish::Other,
    }
}

/// See [`Dialect::bill`](crate::llm::provider::dialect::Dialect::bill).
pub(super) fn bill(body: &str) -> Bill {
    #[derive(Deserialize)]
    struct Charged {
        #[serde(default)]
        usage: Object<RawUsage>,
    }
    let charged = object::<Charged>(body).ok().flatten().and_then(|charged| charged.usage.0);
    charged.map_or_else(Bill::default, |usage| Bill { usage: tokens(&usage), cost: None })
}

fn tokens(usage: &RawUsage) -> Usage {
    let (read, written) = (usage.cache_read_input_tokens.0, usage.cache_creation_input_tokens.0);
    Usage {
        input_tokens: usage
            .input_tokens
            .0
            .map(|tokens| tokens.saturating_add(read.unwrap_or(0)).saturating_add(written.unwrap_or(0))),
        output_tokens: usage.output_tokens.0,
        cache_read_tokens: read,
        cache_write_tokens: written,
        reasoning_tokens: None,
    }
}

//! Chat completions, as OpenAI defined them and as vLLM, llama.cpp, OpenRouter, Ollama and many others serve them.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::base::decision::Usage;
use crate::config::settings::RequestField;
use crate::llm::provider::dialect::judge::{complaint, is_something};
use crate::llm::provider::dialect::{
    Bill, Fields, Head, ReadError, RequestHead, Said, ToolResult, are_sayable, arguments_object, as_text, call_id,
    write,
};
use crate::llm::provider::lenient::{Content, Count, List, Number, Object, Text, object};
use crate::llm::provider::reply::{Finish, ModelReply, RawToolCall};

/// See [`Dialect::head`](crate::llm::provider::dialect::Dialect::head).
pub(super) fn head(request: &RequestHead<'_>) -> Head {
    let mut fields = Fields::default();
    fields.put("model", request.model);
    fields.put(request.max_tokens_key.word(), &request.max_tokens);
    if let Some(temperature) = request.temperature.filter(|_| request.sends(RequestField::Temperature)) {
        fields.put("temperature", &temperature);
    }
    if let Some(top_p) = request.top_p.filter(|_| request.sends(RequestField::TopP)) {
        fields.put("top_p", &top_p);
    }
    if !request.tools.is_empty() {
        let tool = |tool: &crate::llm::provider::dialect::ToolSpec| {
            json!({
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema},
            })
        };
        fields.put("tools", &request.tools.iter().map(tool).collect::<Vec<_>>());
        if request.sends(RequestField::ToolChoice) {
            fields.put("tool_choice", "required");
        }
        if request.sends(RequestField::ParallelToolCalls) {
            fields.put("parallel_tool_calls", &false);
        }
    }
    for (name, value) in request.extra_body {
        fields.put(name, value);
    }
    let mut before = fields.open();
    let has_message = !request.system.is_empty();
    if has_message {
        message(&mut before, "system", request.system);
    }
    Head { before, has_message, sends_seed: request.sends(RequestField::Seed), marks_last: false }
}

fn message(out: &mut Vec<u8>, role: &str, text: &str) {
    out.extend_from_slice(b"{\"role\":\"");
    out.extend_from_slice(role.as_bytes());
    out.extend_from_slice(b"\",\"content\":");
    write(out, text);
    out.push(b'}');
}

/// See [`Dialect::turn`](crate::llm::provider::dialect::Dialect::turn): a message for each result, the last of them with the text behind it.
/// Some servers and templates (Mistral's) refuse what the user says right behind a result: the model must answer first.
pub(super) fn turn(results: &[ToolResult<'_>], text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 64);
    let Some((last, before)) = results.split_last() else {
        message(&mut out, "user", text);
        return out;
    };
    for result in before {
        told(&mut out, result.call_id, result.text);
        out.push(b',');
    }
    match text {
        "" => told(&mut out, last.call_id, last.text),
        _ => told(&mut out, last.call_id, &format!("{}\n\n{text}", last.text)),
    }
    out
}

/// The message that answers a call.
fn told(out: &mut Vec<u8>, call_id: &str, text: &str) {
    out.extend_from_slice(b"{\"role\":\"tool\",\"tool_call_id\":");
    write(out, call_id);
    out.extend_from_slice(b",\"content\":");
    write(out, text);
    out.push(b'}');
}

/// See [`Dialect::assistant`](crate::llm::provider::dialect::Dialect::assistant).
pub(super) fn assistant(reply: &ModelReply) -> Said {
    let mut out = Vec::new();
    if reply.tool_calls.is_empty() || !are_sayable(&reply.tool_calls) {
        message(&mut out, "assistant", &as_text(reply));
        with_echo(&mut out, reply);
        return Said { message: Some(out), calls: Vec::new() };
    }
    out.extend_from_slice(b"{\"role\":\"assistant\",\"content\":");
    if reply.content.is_empty() {
        out.extend_from_slice(b"null");
    } else {
        write(&mut out, &reply.content);
    }
    out.extend_from_slice(b",\"tool_calls\":[");
    let mut calls = Vec::with_capacity(reply.tool_calls.len());
    for (position, call) in reply.tool_calls.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        let id = call_id(position, call);
        out.extend_from_slice(b"{\"id\":");
        write(&mut out, &id);
        out.extend_from_slice(b",\"type\":\"function\",\"function\":{\"name\":");
        write(&mut out, &call.name);
        out.extend_from_slice(b",\"arguments\":");
        write(&mut out, arguments_object(call).expect("only such calls are said as calls"));
        out.extend_from_slice(b"}}");
        calls.push(id);
    }
    out.extend_from_slice(b"]}");
    with_echo(&mut out, reply);
    Said { message: Some(out), calls }
}

/// Adds what the server wants to see again to a message.
fn with_echo(out: &mut Vec<u8>, reply: &ModelReply) {
    if let Some(echo) = &reply.echo {
        out.pop();
        out.extend_from_slice(b",\"reasoning_details\":");
        out.extend_from_slice(echo.as_bytes());
        out.push(b'}');
    }
}

#[derive(Deserialize)]
struct Completion<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    /// `error` at some servers that state the error beside it.
    #[serde(default)]
    object: Text,
    #[serde(borrow, default)]
    choices: List<Choice<'a>>,
    #[serde(default)]
    usage: Object<RawUsage>,
    #[serde(default)]
    model: Text,
    #[serde(default)]
    system_fingerprint: Text,
    /// Who answered, at OpenRouter.
    #[serde(default)]
    provider: Text,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    message: Object<Message<'a>>,
    #[serde(default)]
    finish_reason: Text,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Message<'a> {
    #[serde(default)]
    content: Content,
    #[serde(default)]
    refusal: Text,
    #[serde(default)]
    reasoning_content: Text,
    #[serde(default)]
    reasoning: Text,
    #[serde(borrow, default)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: List<Call<'a>>,
    /// What tool calls were before there could be several.
    #[serde(borrow, default)]
    function_call: Object<Function<'a>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(default)]
    id: Text,
    #[serde(borrow, default)]
    function: Object<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(default)]
    name: Text,
    /// A text of JSON, or at some servers JSON itself.
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

impl Function<'_> {
    /// Whether neither a tool nor arguments are named. Some servers fill the field with that beside real calls, or
    /// where there are none.
    fn is_nothing(&self) -> bool {
        let arguments = self.arguments.map_or("", |raw| raw.get());
        self.name.0.as_deref().is_none_or(str::is_empty) && matches!(arguments, "" | "null" | "\"\"")
    }
}

#[derive(Default, Deserialize)]
struct RawUsage {
    #[serde(default)]
    prompt_tokens: Count,
    #[serde(default)]
    completion_tokens: Count,
    #[serde(default)]
    total_tokens: Count,
    #[serde(default)]
    prompt_tokens_details: Object<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Object<CompletionDetails>,
    /// As DeepSeek says it.
    #[serde(default)]
    prompt_cache_hit_tokens: Count,
    /// In US dollars, at OpenRouter. The cost of the server behind it is a part of it.
    #[serde(default)]
    cost: Number,
}

#[derive(Default, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Count,
    #[serde(default)]
    cache_write_tokens: Count,
}

#[derive(Default, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Count,
}

/// The first choice of an answer that holds a reply, with the rest of the answer.
fn open(body: &str) -> Result<(Completion<'_>, Message<'_>, Text), ReadError> {
    let answer: Option<Completion<'_>> = object(body).map_err(|error| ReadError::NotJson(error.to_string()))?;
    let mut answer = answer.ok_or(ReadError::NoReply)?;
    let is_error = |raw: Option<&RawValue>| raw.is_some_and(|raw| is_something(raw.get()));
    let failed = is_error(answer.error)
        || answer.object.0.as_deref() == Some("error")
        || answer.choices.0.first().is_some_and(|choice| is_error(choice.error));
    if failed {
        return Err(ReadError::Provider(complaint(body)));
    }
    if answer.choices.0.is_empty() {
        return Err(ReadError::NoReply);
    }
    let choice = answer.choices.0.swap_remove(0);
    // A filter may leave nothing of a reply, and has refused all the same.
    let is_refused = finish(choice.finish_reason.0.as_deref()) == Finish::Refusal;
    let message = choice.message.0.or_else(|| is_refused.then(Message::default)).ok_or(ReadError::NoReply)?;
    let says_nothing = message.content.text.is_empty()
        && message.content.refusal.is_empty()
        && message.tool_calls.0.iter().all(|call| call.function.0.as_ref().is_none_or(Function::is_nothing))
        && message.function_call.0.as_ref().is_none_or(Function::is_nothing)
        && [&message.refusal, &message.reasoning, &message.reasoning_content]
            .iter()
            .all(|text| text.0.as_deref().unwrap_or_default().is_empty());
    // A model that says nothing has said so in at least one token. Without any, it was not asked.
    let generated = answer.usage.0.as_ref().and_then(|usage| usage.completion_tokens.0);
    if says_nothing && generated == Some(0) && !is_refused {
        return Err(ReadError::NoReply);
    }
    Ok((answer, message, choice.finish_reason))
}

/// Whether there is a reply in an answer.
pub(super) fn look(body: &str) -> Result<(), ReadError> {
    open(body).map(drop)
}

/// See [`Dialect::read`](crate::llm::provider::dialect::Dialect::read).
pub(super) fn read(body: &str) -> Result<ModelReply, ReadError> {
    let (answer, message, finish_reason) = open(body)?;
    let refusal = message.refusal.filled().or(Some(message.content.refusal).filter(|text| !text.is_empty()));
    let reasoning = message.reasoning_content.filled().or_else(|| message.reasoning.filled());
    let reasoning = reasoning.or(Some(message.content.reasoning).filter(|text| !text.is_empty()));
    let calls = message.tool_calls.0.into_iter().filter_map(|call| Some((call.id, call.function.0?)));
    let mut calls: Vec<_> = calls.filter(|(_, function)| !function.is_nothing()).collect();
    if let Some(single) = message.function_call.0.filter(|function| calls.is_empty() && !function.is_nothing()) {
        calls.push((Text::default(), single));
    }
    let usage = answer.usage.0.unwrap_or_default();
    Ok(ModelReply {
        finish: if refusal.is_some() { Finish::Refusal } else { finish(finish_reason.0.as_deref()) },
        content: match refusal {
            Some(refusal) if message.content.text.is_empty() => refusal,
            _ => message.content.text,
        },
        reasoning,
        tool_calls: calls.into_iter().map(|(id, function)| tool_call(id, function)).collect(),
        reported_cost: reported_cost(&usage),
        usage: tokens(&usage),
        served_model: answer.model.filled(),
        fingerprint: answer.system_fingerprint.filled(),
        upstream: answer.provider.filled(),
        echo: message.reasoning_details.map(RawValue::get).filter(|raw| is_something(raw)).map(str::to_owned),
    })
}

/// See [`Dialect::bill`](crate::llm::provider::dialect::Dialect::bill).
pub(super) fn bill(body: &str) -> Bill {
    #[derive(Deserialize)]
    struct Charged {
        #[serde(default)]
        usage: Object<RawUsage>,
    }
    let charged = object::<Charged>(body).ok().flatten().and_then(|charged| charged.usage.0);
    charged.map_or_else(Bill::default, |usage| Bill { usage: tokens(&usage), cost: reported_cost(&usage) })
}

fn reported_cost(usage: &RawUsage) -> Option<f64> {
    usage.cost.0.filter(|cost| *cost >= 0.0)
}

fn tool_call(id: Text, Function { name, arguments }: Function<'_>) -> RawToolCall {
    let id = id.0.unwrap_or_default();
    let raw = arguments.map_or("", RawValue::get);
    let arguments = match serde_json::from_str(raw) {
        Ok(Text(Some(text))) => text,
        _ => raw.to_owned(),
    };
    RawToolCall { id, name: name.0.unwrap_or_default(), arguments }
}

fn finish(reason: Option<&str>) -> Finish {
    match reason.unwrap_or_default().to_ascii_lowercase().as_str() {
        "stop" | "eos" | "end_turn" | "stop_sequence" => Finish::Stop,
        "tool_calls" | "tool_use" | "function_call" => Finish::ToolCalls,
        "length" | "max_tokens" | "model_length" => Finish::Length,
        "content_filter" | "refusal" | "safety" => Finish::Refusal,
        _ => Finish::Other,
    }
}

fn tokens(usage: &RawUsage) -> Usage {
    let prompt = usage.prompt_tokens_details.0.as_ref();
    let reasoning_tokens = usage.completion_tokens_details.0.as_ref().and_then(|details| details.reasoning_tokens.0);
    let (input, output) = (usage.prompt_tokens.0, usage.completion_tokens.0);
    // Some servers (xAI, Gemini) leave reasoning out of the completion, which their total gives away.
    let left_out = match (input, output, reasoning_tokens, usage.total_tokens.0) {
        (Some(input), Some(output), Some(reasoning), Some(total)) if reasoning > 0 => {
            input.checked_add(output).and_then(|sum| sum.checked_add(reasoning)) == Some(total)
        }
        _ => false,
    };
    Usage {
        input_tokens: input,
        output_tokens: if left_out { output.zip(reasoning_tokens).map(|(a, b)| a + b) } else { output },
        cache_read_tokens: prompt.and_then(|details| details.cached_tokens.0).or(usage.prompt_cache_hit_tokens.0),
        cache_write_tokens: prompt.and_then(|details| details.cache_write_tokens.0),
        reasoning_tokens,
    }
}

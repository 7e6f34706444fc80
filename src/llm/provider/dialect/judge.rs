//! The outcome of an attempt, by the answer's status, content type and body.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::llm::provider::attempt::Outcome;
use crate::llm::provider::dialect::{Dialect, ReadError, anthropic, openai_chat};
use crate::llm::provider::lenient::{Content, List, Object, Text, object};

/// Longest message of a provider that is repeated, in characters.
const SHOWN: usize = 300;

/// How many errors within one another are followed: a router's, a server's behind it, and two to spare.
const LEVELS: usize = 4;

/// What the codes and types of an overflow hold, and then the sentences, in lower case. Of OpenAI, Groq and others;
/// llama.cpp; vLLM; SGLang; Anthropic; Bedrock; Gemini; TGI; Ollama.
const OVERFLOW: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size",
    "context_window_exceeded",
    "maximum context length",
    "max context length",
    "context window",
    "context limit",
    "available context size",
    "context size has been exceeded",
    "model's context length",
    "maximum model length",
    "prompt is too long",
    "prompt too long",
    "input is too long",
    "exceeds the maximum number of tokens allowed",
    "`inputs` tokens + `max_new_tokens`",
];

/// Statuses with which servers report an overflow.
const OVERFLOW_STATUSES: [u16; 4] = [400, 413, 422, 500];

/// See [`Dialect::judge`].
pub(super) fn judge(dialect: Dialect, status: u16, content_type: Option<&str>, body: &[u8]) -> Outcome {
    if !(200..300).contains(&status) {
        let may_be = OVERFLOW_STATUSES.contains(&status);
        let overflows = may_be && is_overflow(&Complaint::of(&String::from_utf8_lossy(body)));
        return if overflows { Outcome::ContextOverflow } else { Outcome::HttpError };
    }
    if content_type.is_some_and(|written| !is_json(written)) {
        return Outcome::WrongContentType;
    }
    let Ok(text) = std::str::from_utf8(body) else { return Outcome::UnreadableBody };
    let looked = match dialect {
        Dialect::OpenAiChat => openai_chat::look(text),
        Dialect::AnthropicMessages => anthropic::look(text),
    };
    match looked {
        Ok(()) => Outcome::Reply,
        Err(ReadError::NotJson(_)) => Outcome::UnreadableBody,
        Err(ReadError::NoReply) => Outcome::EmptyReply,
        Err(ReadError::Provider(_)) if is_overflow(&Complaint::of(text)) => Outcome::ContextOverflow,
        Err(ReadError::Provider(_)) => Outcome::ProviderError,
    }
}

/// Whether a content type is JSON: `application/json` or any `…+json`, with or without parameters. An empty one says
/// nothing.
fn is_json(written: &str) -> bool {
    let media = written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media.is_empty() || media == "application/json" || media.ends_with("+json")
}

fn is_overflow(complaint: &Complaint) -> bool {
    let text = [&complaint.message, &complaint.code, &complaint.kind].map(|text| text.to_lowercase());
    OVERFLOW.iter().any(|sign| text.iter().any(|text| text.contains(sign)))
}

/// What an error says, in a line of at most some hundred characters: the provider's own message where one can be found,
/// or else the beginning of the body. May repeat whatever the provider repeats, so secrets are still to be taken out.
#[must_use]
pub fn complaint(body: &str) -> String {
    let Complaint { message, code, kind } = Complaint::of(body);
    let name = if code.is_empty() { kind } else { code };
    let text = match (message.is_empty(), name.is_empty()) {
        (true, true) => "no message".to_owned(),
        (true, false) => name,
        (false, true) => message,
        (false, false) => format!("{message} ({name})"),
    };
    one_line(&text)
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(SHOWN) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

/// The parts of an error; empty where there are none.
#[derive(Debug, Default, PartialEq, Eq)]
struct Complaint {
    message: String,
    code: String,
    kind: String,
}

/// An error as most servers state it, at the top of the answer or under `error`.
#[derive(Deserialize)]
struct Stated<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(default)]
    message: Text,
    /// As FastAPI says it.
    #[serde(default)]
    detail: Content,
    #[serde(default)]
    code: Text,
    #[serde(default, rename = "type")]
    kind: Text,
    /// What OpenRouter passes on of the server behind it.
    #[serde(default)]
    metadata: Object<Metadata>,
    #[serde(borrow, default)]
    choices: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    raw: Text,
}

impl Complaint {
    fn of(body: &str) -> Complaint {
        Complaint::within(body, LEVELS)
    }

    /// What an error says, and the errors within it down to so many levels. A body can hold thousands.
    fn within(body: &str, levels: usize) -> Complaint {
        match levels.checked_sub(1).map(|levels| (levels, object::<Stated<'_>>(body))) {
            Some((levels, Ok(Some(stated)))) => Complaint::stated(stated, levels),
            _ => Complaint { message: body.to_owned(), ..Complaint::default() },
        }
    }

    fn stated(stated: Stated<'_>, levels: usize) -> Complaint {
        let inner = stated.error.map(RawValue::get).filter(|text| is_something(text));
        if let Some(inner) = inner.or_else(|| in_choice(stated.choices?.get())) {
            return match serde_json::from_str::<Text>(inner) {
                Ok(Text(Some(message))) => Complaint { message, ..Complaint::default() },
                _ => Complaint::within(inner, levels),
            };
        }
        let text = |text: Text| text.0.unwrap_or_default();
        let mut message = stated.message.filled().unwrap_or(stated.detail.text);
        if let Some(raw) = stated.metadata.0.and_then(|metadata| metadata.raw.filled()) {
            message = format!("{message}: {raw}");
        }
        Complaint { message, code: text(stated.code), kind: text(stated.kind) }
    }
}

/// The error of the first choice, as OpenRouter reports one in the middle of a reply.
fn in_choice(choices: &str) -> Option<&str> {
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(borrow, default)]
        error: Option<&'a RawValue>,
    }
    let choices = serde_json::from_str::<List<Choice<'_>>>(choices).ok()?;
    choices.0.first()?.error.map(RawValue::get).filter(|text| is_something(text))
}

/// Whether a field that reports an error reports one: servers also fill it with nothing.
pub(super) fn is_something(raw: &str) -> bool {
    !matches!(raw.trim(), "null" | "false" | "\"\"" | "{}" | "[]" | "0")
}

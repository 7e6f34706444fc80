//! The two dialects in which language models are asked: what a request is, and what an answer means.
//!
//! Called by whoever leads the conversation ([`Head`], and the fragments of messages), and by the transport, which asks
//! [`Dialect::judge`] what an answer is. Pure: bytes in, bytes out.
//!
//! A message is rendered once, when it joins the conversation; a request puts fragments together, so its cost does not
//! grow with what a long conversation once cost to write. The same conversation gives the same bytes, and a longer one
//! begins as the shorter did, which providers' caches rely on.
//!
//! - `openai_chat`, `anthropic`: requests and replies of each
//! - `judge`: the outcome of an attempt

mod anthropic;
mod judge;
mod openai_chat;

#[cfg(test)]
mod tests;

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::base::decision::Usage;
use crate::config::settings::{MaxTokensKey, RequestField};
use crate::llm::provider::attempt::{Attempt, Outcome};
use crate::llm::provider::reply::{ModelReply, RawToolCall};

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `POST {base_url}/chat/completions`.
    OpenAiChat,
    /// `POST {base_url}/v1/messages`.
    AnthropicMessages,
}

/// A tool as a model is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON Schema of its arguments, an object.
    pub schema: Json,
}

/// What all requests of a run have in common.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The model that is asked.
    pub model: &'a str,
    /// The system prompt; none is sent when it is empty.
    pub system: &'a str,
    /// The tools, of which one must be called. Empty: the model answers in text.
    pub tools: &'a [ToolSpec],
    /// Tokens that a reply may have.
    pub max_tokens: u32,
    /// What chat completions call that limit.
    pub max_tokens_key: MaxTokensKey,
    /// Sampling temperature; `None`: not sent.
    pub temperature: Option<f64>,
    /// Share of the likeliest tokens to sample from; `None`: not sent.
    pub top_p: Option<f64>,
    /// What is not sent although it is set.
    pub omit: &'a [RequestField],
    /// What the body holds besides; wins over `tool_choice` and the like.
    pub extra_body: &'a Map<String, Json>,
}

impl RequestHead<'_> {
    fn sends(&self, field: RequestField) -> bool {
        !self.omit.contains(&field)
    }
}

/// The result of a tool call, as the model is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolResult<'a> {
    /// Which call, by [`Said::calls`].
    pub call_id: &'a str,
    /// The outcome.
    pub text: &'a str,
    /// Whether the call failed. Chat completions have no word for it.
    pub is_error: bool,
}

/// A reply as a part of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The message; `None` when the dialect has no way to say nothing, and the reply must be left out.
    pub message: Option<Vec<u8>>,
    /// The tool calls in it, by name for the call. The next turn must hold a result for each of them. Calls whose
    /// arguments are no JSON object are not among them: servers refuse to read such a message again, so it states them
    /// as text.
    pub calls: Vec<String>,
}

/// The part of the requests of a run that never changes.
#[derive(Clone, Debug)]
pub struct Head {
    /// The body up to where the first message of the conversation goes.
    before: Vec<u8>,
    /// Whether a message stands there already.
    has_message: bool,
    sends_seed: bool,
    /// Whether the last message is marked as the end of what should be kept in the provider's cache.
    marks_last: bool,
}

/// Ends a message of Anthropic's whose content is a list.
const END: &[u8] = b"}]}";

const MARK: &[u8] = br#","cache_control":{"type":"ephemeral"}"#;

impl Head {
    /// The beginning of requests that nobody reads.
    #[must_use]
    pub fn empty() -> Head {
        let before = b"{\"messages\":[".to_vec();
        Head { before, has_message: false, sends_seed: false, marks_last: false }
    }

    /// Bytes that every request has besides its messages.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.before.len()
    }

    /// The seed that a request is sent with; `None` where none is sent.
    #[must_use]
    pub fn seed(&self, seed: u64) -> Option<u64> {
        self.sends_seed.then_some(seed)
    }

    /// The body of a request. `seed` is sent where the dialect knows one; servers differ in how large it may be, and
    /// all take 31 bits.
    #[must_use]
    pub fn body<'a>(&self, messages: impl Iterator<Item = &'a [u8]> + Clone, seed: Option<u64>) -> Vec<u8> {
        let length: usize = messages.clone().map(|message| message.len() + 1).sum();
        let mut body = Vec::with_capacity(self.before.len() + length + 64);
        body.extend_from_slice(&self.before);
        let mut follows = self.has_message;
        for message in messages {
            if std::mem::replace(&mut follows, true) {
                body.push(b',');
            }
            body.extend_from_slice(message);
        }
        if self.marks_last && body.ends_with(END) {
            body.truncate(body.len() - END.len());
            body.extend_from_slice(MARK);
            body.extend_from_slice(END);
        }
        body.push(b']');
        if let Some(seed) = seed.filter(|_| self.sends_seed) {
            body.extend_from_slice(b",\"seed\":");
            write(&mut body, &seed);
        }
        body.push(b'}');
        body
    }
}

/// What an answer took, by the provider's word; nothing that it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bill {
    /// Tokens.
    pub usage: Usage,
    /// What was charged, in USD.
    pub cost: Option<f64>,
}

/// Why an answer cannot be read as a reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is not JSON.
    #[error("the answer is not JSON: {0}")]
    NotJson(String),
    /// It is an error of the provider.
    #[error("the provider reports an error: {0}")]
    Provider(String),
    /// There is no reply in it.
    #[error("there is no reply in the answer")]
    NoReply,
}

impl Dialect {
    /// The address of a call. A base address that ends with `/v1` is as good as one that does not, for Anthropic.
    #[must_use]
    pub fn url(self, base_url: &str) -> String {
        let base = base_url.trim_end_matches('/');
        match self {
            Dialect::OpenAiChat => format!("{base}/chat/completions"),
            Dialect::AnthropicMessages if base.ends_with("/v1") => format!("{base}/messages"),
            Dialect::AnthropicMessages => format!("{base}/v1/messages"),
        }
    }

    /// Renders what all requests of a run have in common.
    #[must_use]
    pub fn head(self, request: &RequestHead<'_>) -> Head {
        match self {
            Dialect::OpenAiChat => openai_chat::head(request),
            Dialect::AnthropicMessages => anthropic::head(request),
        }
    }

    /// Renders what the user says. The text must not be empty.
    #[must_use]
    pub fn user(self, text: &str) -> Vec<u8> {
        self.turn(&[], text)
    }

    /// Renders the user's side of a turn: the results of all tool calls in the reply before it, and a text, which may be
    /// empty when there are results. One message, unless there are several results: between two replies some servers
    /// take no more.
    #[must_use]
    pub fn turn(self, results: &[ToolResult<'_>], text: &str) -> Vec<u8> {
        match self {
            Dialect::OpenAiChat => openai_chat::turn(results, text),
            Dialect::AnthropicMessages => anthropic::turn(results, text),
        }
    }

    /// Renders a reply for the requests that follow it.
    #[must_use]
    pub fn assistant(self, reply: &ModelReply) -> Said {
        match self {
            Dialect::OpenAiChat => openai_chat::assistant(reply),
            Dialect::AnthropicMessages => anthropic::assistant(reply),
        }
    }

    /// What an answer is, by its status, its content type and its whole body. A refusal is a reply.
    #[must_use]
    pub fn judge(self, status: u16, content_type: Option<&str>, body: &[u8]) -> Outcome {
        judge::judge(self, status, content_type, body)
    }

    /// Reads the body of an answer that was judged to be a reply.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(self, body: &str) -> Result<ModelReply, ReadError> {
        match self {
            Dialect::OpenAiChat => openai_chat::read(body),
            Dialect::AnthropicMessages => anthropic::read(body),
        }
    }

    /// What an attempt took that brought no reply. Only answers with a good status are charged for.
    #[must_use]
    pub fn bill_of(self, attempt: &Attempt) -> Option<Bill> {
        let is_answer = attempt.status.is_some_and(|status| (200..300).contains(&status));
        attempt.body.as_deref().filter(|_| is_answer).and_then(|body| self.bill(body))
    }

    /// What an answer took, also one that holds no reply. `None` where it says nothing of it.
    #[must_use]
    pub fn bill(self, body: &str) -> Option<Bill> {
        let bill = match self {
            Dialect::OpenAiChat => openai_chat::bill(body),
            Dialect::AnthropicMessages => anthropic::bill(body),
        };
        (bill != Bill::default()).then_some(bill)
    }
}

pub use judge::complaint;

/// Appends a value as JSON.
fn write(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("texts, finite numbers and JSON values have a JSON form");
}

/// The fields of a body in order, each rendered.
#[derive(Default)]
struct Fields(Vec<(String, Vec<u8>)>);

impl Fields {
    fn put(&mut self, name: &str, value: &(impl serde::Serialize + ?Sized)) {
        let mut bytes = Vec::new();
        write(&mut bytes, value);
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = bytes,
            None => self.0.push((name.to_owned(), bytes)),
        }
    }

    /// `{"name":value,…,"messages":[`.
    fn open(self) -> Vec<u8> {
        let mut out = vec![b'{'];
        for (name, value) in self.0 {
            write(&mut out, &name);
            out.push(b':');
            out.extend_from_slice(&value);
            out.push(b',');
        }
        out.extend_from_slice(b"\"messages\":[");
        out
    }
}

/// The arguments of a call as a JSON object; `None` when they are none. No arguments at all are an empty one.
fn arguments_object(call: &RawToolCall) -> Option<&str> {
    let text = call.arguments.trim();
    if text.is_empty() {
        return Some("{}");
    }
    let is_object = text.starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok();
    is_object.then_some(text)
}

/// Whether all tool calls can be said again as tool calls.
fn are_sayable(calls: &[RawToolCall]) -> bool {
    calls.iter().all(|call| !call.name.trim().is_empty() && arguments_object(call).is_some())
}

/// The provider's name for a call, or one that stands for it.
fn call_id(position: usize, call: &RawToolCall) -> String {
    if call.id.is_empty() { format!("call_{position}") } else { call.id.clone() }
}

/// A reply as text, with its tool calls as the model wrote them.
fn as_text(reply: &ModelReply) -> String {
    let mut text = reply.content.clone();
    for call in &reply.tool_calls {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&call.name);
        text.push(' ');
        text.push_str(&call.arguments);
    }
    text
}

//! The lines that a deliberation leaves: one a decision in `deliberations.jsonl`, one a request and one a trouble in
//! `events.jsonl`.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::base::card::Card;
use crate::base::decision::Action;
use crate::base::decision::Usage;
use crate::base::hex::Hash128;
use crate::base::json;
use crate::base::units::{Day, Step};
use crate::llm::provider::attempt::{Attempt, Outcome};
use crate::llm::provider::cost::PricingSource;
use crate::llm::provider::reply::{Finish, ModelReply};
use crate::llm::reply::{ReadReply, Reason};

/// Characters of a reply that `provider_call` repeats. The whole of it stands in `deliberations.jsonl`.
pub const OUTPUT_HEAD_CHARS: usize = 200;

/// The outcome of a step's question to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The first reply could be read.
    Decided,
    /// A reply to being asked again could be read.
    Reasked,
    /// No reply could be read; nothing was done.
    Rejected,
}

/// A reply in full.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RawReply {
    /// Its text.
    pub content: String,
    /// Its reasoning, where the provider shows it apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Its native tool calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<RawCall>,
    /// Why it ended.
    pub finish: Finish,
}

/// A native tool call in full.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RawCall {
    /// The tool's name as the model wrote it.
    pub name: String,
    /// The arguments as the model wrote them.
    pub arguments: String,
}

impl From<&ModelReply> for RawReply {
    fn from(reply: &ModelReply) -> RawReply {
        let calls = reply.tool_calls.iter();
        RawReply {
            content: reply.content.clone(),
            reasoning: reply.reasoning.clone(),
            tool_calls: calls.map(|c| RawCall { name: c.name.clone(), arguments: c.arguments.clone() }).collect(),
            finish: reply.finish,
        }
    }
}

/// How a reply was read.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Parse {
    /// Whether it could be.
    pub readable: bool,
    /// Why not.
    pub reason: Option<Reason>,
    /// The same in a sentence.
    pub detail: Option<String>,
    /// What was wrong with the prediction card.
    pub card_problem: Option<String>,
}

impl From<&ReadReply> for Parse {
    fn from(read: &ReadReply) -> Parse {
        match &read.call {
            Ok(call) => Parse { readable: true, reason: None, detail: None, card_problem: call.card_problem.clone() },
            Err(why) => Parse {
                readable: false,
                reason: Some(why.reason),
                detail: Some(why.detail.clone()),
                card_problem: None,
            },
        }
    }
}

/// A reply that could not be read, with another one after it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Unread {
    /// The reply.
    pub raw: RawReply,
    /// Why it could not be read.
    pub parse: Parse,
}

/// A line of `deliberations.jsonl`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeliberationRecord<'a> {
    /// The step.
    pub step: Step,
    /// The day.
    pub day: Day,
    /// The outcome of the question.
    pub status: Status,
    /// What the model was thinking.
    pub thoughts: Option<&'a str>,
    /// What it asked for.
    pub action: Option<&'a Action>,
    /// What it expects of it.
    pub card: Option<&'a Card>,
    /// How sure it is.
    pub confidence: Option<f64>,
    /// How its last reply was read.
    pub parse: &'a Parse,
    /// That reply.
    pub raw: &'a RawReply,
    /// The replies before it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub unreadable_before: &'a [Unread],
}

/// What kind of trouble an `error` event speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Trouble")]
pub enum ErrorType {
    /// A reply could not be read.
    ParseFailure,
    /// No answer in time, for good.
    DeliberationTimeout,
    /// No answer, for good.
    ProviderFailure,
    /// The conversation does not fit.
    ContextOverflow,
    /// Another model answered than was asked.
    ServedModelDiffers,
    /// A limit was reached, or a recording is at its end.
    Stopped,
}

/// Something that happened between the model and the run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LlmEvent<'a> {
    /// A request and its outcome.
    ProviderCall(Box<ProviderCall<'a>>),
    /// Something went wrong.
    Error {
        /// What kind of thing.
        error_type: ErrorType,
        /// What, in a sentence.
        message: Cow<'a, str>,
    },
    /// Turns of the conversation no longer fitted and were dropped, oldest first.
    HistoryDropped {
        /// How many.
        turns: usize,
        /// Their bytes.
        bytes: usize,
        /// Tokens that the request is taken for now.
        tokens_left: u64,
    },
}

/// The event `provider_call`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ProviderCall<'a> {
    /// Which call of the step, from 0.
    pub call: u32,
    /// Which request of the call, from 1.
    pub attempt: u32,
    /// The outcome.
    pub outcome: Outcome,
    /// The HTTP status.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<Cow<'a, str>>,
    /// Time since the call began until the request was sent.
    pub queued_ms: f64,
    /// Time until the answer was whole or lost.
    pub latency_ms: f64,
    /// Time until the answer's headers.
    pub first_byte_ms: Option<f64>,
    /// What the server asked to wait.
    pub retry_after_ms: Option<f64>,
    /// Requests in flight.
    pub in_flight: u32,
    /// How many could have been.
    pub limit: u32,
    /// The provider's name for the request.
    pub request_id: Option<Cow<'a, str>>,
    /// Bytes of the request.
    pub request_bytes: usize,
    /// XXH3-128 of the request.
    pub request_digest: Cow<'a, str>,
    /// The seed that was sent; null where none was.
    pub seed: Option<u64>,
    /// The model that answered, by the server's word.
    pub served_model: Option<Cow<'a, str>>,
    /// The server's configuration, by its word.
    pub fingerprint: Option<Cow<'a, str>>,
    /// Who answered behind a router.
    pub upstream: Option<Cow<'a, str>>,
    /// Why the reply ended.
    pub finish: Option<Finish>,
    /// Tokens, also of an answer without a reply that tells them.
    #[serde(flatten)]
    pub usage: Usage,
    /// What it cost in USD.
    pub cost_usd: Option<f64>,
    /// Where the price came from.
    pub pricing_source: Option<PricingSource>,
    /// The first [`OUTPUT_HEAD_CHARS`] characters of the body.
    pub output_head: Option<Cow<'a, str>>,
    /// Whether the body has more.
    pub output_truncated: bool,
    /// XXH3-128 of the body.
    pub output_digest: Option<String>,
}

/// A request, for its event.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Which call of the step, from 0.
    pub call: u32,
    /// Bytes of the request.
    pub bytes: usize,
    /// XXH3-128 of it.
    pub digest: String,
    /// The seed that was sent; `None` where none was.
    pub seed: Option<u64>,
}

impl<'a> ProviderCall<'a> {
    /// The event of a request; `reply` where it was answered, `charged` where the answer took something: how many tokens
    /// and what it cost.
    #[must_use]
    pub fn new(
        asked: &'a Asked,
        attempt: &'a Attempt,
        reply: Option<&'a ModelReply>,
        charged: Option<(Usage, Option<(f64, PricingSource)>)>,
    ) -> ProviderCall<'a> {
        let body = attempt.body.as_deref();
        let head = body.map(|body| head_of(body, OUTPUT_HEAD_CHARS));
        let (usage, cost) = charged.unwrap_or_default();
        ProviderCall {
            call: asked.call,
            attempt: attempt.attempt,
            outcome: attempt.outcome,
            status: attempt.status,
            error: attempt.error.as_deref().map(Cow::from),
            queued_ms: attempt.queued_ms,
            latency_ms: attempt.latency_ms,
            first_byte_ms: attempt.first_byte_ms,
            retry_after_ms: attempt.retry_after_ms,
            in_flight: attempt.in_flight,
            limit: attempt.limit,
            request_id: attempt.request_id.as_deref().map(Cow::from),
            request_bytes: asked.bytes,
            request_digest: asked.digest.as_str().into(),
            seed: asked.seed,
            served_model: reply.and_then(|reply| reply.served_model.as_deref()).map(Cow::from),
            fingerprint: reply.and_then(|reply| reply.fingerprint.as_deref()).map(Cow::from),
            upstream: reply.and_then(|reply| reply.upstream.as_deref()).map(Cow::from),
            finish: reply.map(|reply| reply.finish),
            usage,
            cost_usd: cost.map(|(cost, _)| crate::llm::account::round(cost, 1e9)),
            pricing_source: charged.map(|_| cost.map_or(PricingSource::Unknown, |(_, source)| source)),
            output_head: head.map(Cow::from),
            output_truncated: head.zip(body).is_some_and(|(head, body)| head.len() < body.len()),
            output_digest: body.map(|body| digest(body.as_bytes())),
        }
    }
}

/// The first characters of a text.
fn head_of(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end])
}

/// XXH3-128 of bytes, in hexadecimal digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    Hash128(xxh3_128(bytes)).to_string()
}

/// Lines that wait to be written.
#[derive(Debug, Default)]
pub struct Lines {
    /// Of `deliberations.jsonl`.
    pub deliberations: Vec<u8>,
    /// Of `events.jsonl`.
    pub events: Vec<u8>,
}

impl Lines {
    /// Adds an event.
    pub fn event(&mut self, step: Step, day: Day, event: &LlmEvent<'_>) {
        #[derive(Serialize)]
        struct Line<'a> {
            step: Step,
            day: Day,
            #[serde(flatten)]
            event: &'a LlmEvent<'a>,
        }
        json::line(&mut self.events, &Line { step, day, event }).expect("an event is JSON");
    }

    /// Adds a decision.
    pub fn deliberation(&mut self, record: &DeliberationRecord<'_>) {
        json::line(&mut self.deliberations, record).expect("a deliberation is JSON");
    }
}

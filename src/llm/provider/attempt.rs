//! The outcome of one request: the only input that enters a run from outside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A reply: status 200 and a body that holds one.
    Reply,
    /// An error status.
    HttpError,
    /// No whole answer within `model.attempt_timeout_s`, or what was left of `model.timeout_s`.
    Timeout,
    /// No connection within `model.connect_timeout_s`, or none at all.
    ConnectError,
    /// The connection broke before the answer was whole.
    Broken,
    /// Status 200 and a content type that is not JSON.
    WrongContentType,
    /// Status 200 and a body that is not JSON.
    UnreadableBody,
    /// Status 200 and JSON without any reply in it.
    EmptyReply,
    /// A body of more than 16 MiB.
    OversizedBody,
    /// Status 200 and an error of the provider inside.
    ProviderError,
    /// The conversation is longer than the model can take.
    ContextOverflow,
    /// Nobody waited for the answer any longer: a limit of time ended the run, or the user stopped the batch.
    Abandoned,
}

impl Outcome {
    /// Whether the provider may have charged a request that ended so, answered or not. One that was refused, or that
    /// never arrived, it has not.
    #[must_use]
    pub fn may_be_charged(self) -> bool {
        match self {
            Outcome::HttpError | Outcome::ConnectError | Outcome::ContextOverflow => false,
            Outcome::Reply
            | Outcome::Timeout
            | Outcome::Broken
            | Outcome::WrongContentType
            | Outcome::UnreadableBody
            | Outcome::EmptyReply
            | Outcome::OversizedBody
            | Outcome::ProviderError
            | Outcome::Abandoned => true,
        }
    }
}

/// One request and its outcome. Holds no header that was sent, so it holds no key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Which attempt of its call, from 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it is the final word on its call. A cassette does not say so: there, an attempt is the last of its call
    /// unless another one of the same call, or a limit in its place, comes next.
    #[serde(skip)]
    pub last: bool,
    /// The HTTP status; null where none came.
    pub status: Option<u16>,
    /// The body as text, whole for a reply; of errors at most the first 64 KiB. Null where none came.
    pub body: Option<String>,
    /// What went wrong, in a sentence without secrets; null for a reply.
    pub error: Option<String>,
    /// Time from the call until this attempt was sent, over all earlier attempts and waits, in milliseconds.
    pub queued_ms: f64,
    /// Time from sending until the answer was whole or lost, in milliseconds.
    pub latency_ms: f64,
    /// Time from sending until the answer's headers had come, in milliseconds; null where none came.
    pub first_byte_ms: Option<f64>,
    /// What the server asked to wait before the next attempt, in milliseconds; null where it asked nothing.
    pub retry_after_ms: Option<f64>,
    /// Requests to the provider in flight when this one was sent, itself included.
    pub in_flight: u32,
    /// How many could have been.
    pub limit: u32,
    /// The provider's name for the request, from its headers.
    pub request_id: Option<String>,
}

//! `connections.jsonl` of an experiment: each change of the number of requests that may be in flight to a provider.
//!
//! Written by the batch while language models are asked. It says what the servers bore, and when; what a run comes to
//! does not depend on it, so it stands beside the runs and not in them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::llm::provider::transport::{LimitChange, LimitReason};

/// The file's name in an experiment's folder.
pub const NAME: &str = "connections.jsonl";

/// A line of `connections.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ConnectionRecord<'a> {
    /// When it was noticed, in UTC: at most a second after it happened.
    pub time: String,
    /// Whose limit: the pattern under `providers`, or the address, of the models that share it.
    pub provider: &'a str,
    /// Requests that could be in flight before.
    pub from: u32,
    /// And from then on.
    pub to: u32,
    /// What changed it.
    pub why: LimitReason,
}

impl<'a> ConnectionRecord<'a> {
    /// The record of a change.
    #[must_use]
    pub fn new(time: String, provider: &'a str, change: LimitChange) -> ConnectionRecord<'a> {
        let LimitChange { from, to, why } = change;
        ConnectionRecord { time, provider, from, to, why }
    }
}

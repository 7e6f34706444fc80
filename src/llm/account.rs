//! What a run's model was asked and what that took, summed up. What a provider does not tell is null, never zero.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::decision::Usage;
use crate::base::schema::by_word;
use crate::llm::provider::attempt::{Attempt, Outcome};
use crate::llm::provider::cost::PricingSource;
use crate::llm::provider::reply::ModelReply;

/// The key `model` of a summary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelSummary {
    /// Calls that were answered.
    pub calls: u64,
    /// Requests that were sent, retries included.
    pub attempts: u64,
    /// Requests by outcome.
    #[schemars(schema_with = "by_word::<Outcome, u64>")]
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Replies that could not be read.
    pub unreadable: u64,
    /// Tokens over all calls, as far as the provider told, answers without a reply included.
    #[serde(flatten)]
    pub usage: Usage,
    /// Calls of which the provider told no tokens: the sums lack them.
    pub calls_without_usage: u64,
    /// Requests without an answer that may have been charged all the same, and of which nobody told any tokens
    /// (timeouts, broken connections, abandoned ones): the sums lack them too.
    pub attempts_without_usage: u64,
    /// What the calls cost in USD, answers without a reply included; null where any of them has no known price.
    pub cost_usd: Option<f64>,
    /// Where the prices came from; null before the first answer.
    pub pricing_source: Option<PricingSource>,
    /// Mean time from sending a request that was answered until the answer was whole, in milliseconds.
    pub mean_latency_ms: Option<f64>,
    /// Models that answered, by the server's word.
    pub served_models: Vec<String>,
    /// Turns of the conversation that were dropped because they no longer fitted.
    pub turns_dropped: u64,
}

/// The account of a run while it goes on.
#[derive(Clone, Debug, Default)]
pub struct Account {
    summary: ModelSummary,
    latency_ms: f64,
    cost: f64,
    cost_unknown: bool,
}

impl Account {
    /// Counts a request and its outcome.
    pub fn attempt(&mut self, attempt: &Attempt) {
        self.summary.attempts += 1;
        *self.summary.outcomes.entry(attempt.outcome).or_default() += 1;
    }

    /// A call was answered.
    pub fn reply(&mut self, attempt: &Attempt, reply: &ModelReply) {
        let summary = &mut self.summary;
        summary.calls += 1;
        if reply.usage.total().is_none() {
            summary.calls_without_usage += 1;
        }
        if let Some(served) = &reply.served_model
            && !summary.served_models.contains(served)
        {
            summary.served_models.push(served.clone());
        }
        self.latency_ms += attempt.latency_ms;
    }

    /// An answer took something: one with a reply, or one without that was charged all the same.
    pub fn charged(&mut self, usage: &Usage, cost: Option<(f64, PricingSource)>) {
        let summary = &mut self.summary;
        summary.usage.add(usage);
        match cost {
            Some((cost, source)) => {
                self.cost += cost;
                summary.pricing_source = Some(source);
            }
            None => {
                self.cost_unknown = true;
                summary.pricing_source = Some(PricingSource::Unknown);
            }
        }
    }

    /// A request had no answer, and nobody told what it took.
    pub fn untold(&mut self) {
        self.summary.attempts_without_usage += 1;
    }

    /// A reply could not be read.
    pub fn unreadable(&mut self) {
        self.summary.unreadable += 1;
    }

    /// Turns were dropped.
    pub fn dropped(&mut self, turns: usize) {
        self.summary.turns_dropped += turns as u64;
    }

    /// The sums so far.
    #[must_use]
    pub fn summary(&self) -> ModelSummary {
        let mut summary = self.summary.clone();
        if summary.calls > 0 {
            summary.mean_latency_ms = Some(round(self.latency_ms / summary.calls as f64, 1e3));
        }
        if summary.pricing_source.is_some() {
            summary.cost_usd = (!self.cost_unknown).then(|| round(self.cost, 1e9));
            if self.cost_unknown {
                summary.pricing_source = Some(PricingSource::Unknown);
            }
        }
        summary
    }
}

/// A number to so many parts of one.
pub(super) fn round(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}

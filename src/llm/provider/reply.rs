//! What a model said, and what the provider says of it, whatever the dialect. Read leniently: what a server leaves out
//! is `None`, never zero.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A reply of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelReply {
    /// Its text; empty where there is none.
    pub content: String,
    /// Its reasoning, where the provider shows it apart from the text.
    pub reasoning: Option<String>,
    /// Its native tool calls, in order.
    pub tool_calls: Vec<RawToolCall>,
    /// Why it ended.
    pub finish: Finish,
    /// What it used.
    pub usage: Usage,
    /// The model that answered, by the server's word.
    pub served_model: Option<String>,
    /// The server's configuration, by its word (`system_fingerprint`).
    pub fingerprint: Option<String>,
    /// Who answered behind a router, by its word.
    pub upstream: Option<String>,
    /// What was charged in USD, by the provider's word.
    pub reported_cost: Option<f64>,
    /// What the server wants to see again with this reply, as JSON: signed reasoning. Only its dialect looks at it.
    pub echo: Option<String>,
}

/// A native tool call as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawToolCall {
    /// The provider's name for the call; empty where it has none.
    pub id: String,
    /// The tool's name as the model wrote it.
    pub name: String,
    /// The arguments as text, as the model wrote them; JSON if all is well.
    pub arguments: String,
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done.
    Stop,
    /// It called a tool.
    ToolCalls,
    /// It was cut at the limit of tokens.
    Length,
    /// It, or a filter of the provider, refused.
    Refusal,
    /// A word that is not known here, or none.
    #[default]
    Other,
}

/// Tokens of a call. `None` is "not told".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens of the request, those out of the cache and into it included.
    pub input_tokens: Option<u64>,
    /// Tokens of the reply, reasoning included.
    pub output_tokens: Option<u64>,
    /// Tokens of the request that came out of the provider's cache.
    pub cache_read_tokens: Option<u64>,
    /// Tokens of the request that went into it.
    pub cache_write_tokens: Option<u64>,
    /// Tokens of the reply that were reasoning.
    pub reasoning_tokens: Option<u64>,
}

impl Usage {
    /// Adds the tokens of another call. What neither told stays untold.
    pub fn add(&mut self, other: &Usage) {
        let add = |sum: &mut Option<u64>, more: Option<u64>| {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or(0).saturating_add(more));
            }
        };
        add(&mut self.input_tokens, other.input_tokens);
        add(&mut self.output_tokens, other.output_tokens);
        add(&mut self.cache_read_tokens, other.cache_read_tokens);
        add(&mut self.cache_write_tokens, other.cache_write_tokens);
        add(&mut self.reasoning_tokens, other.reasoning_tokens);
    }

    /// Tokens read and written together, where both are told.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        Some(self.input_tokens?.saturating_add(self.output_tokens?))
    }
}

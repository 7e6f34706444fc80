//! What a model said, and what the provider says of it, whatever the dialect. Read leniently: what a server leaves out
//! is `None`, never zero.

use crate::base::decision::Usage;
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

//! What an agent answers with.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::card::Card;
use serde::Deserialize;

/// A call of a tool, as the agent asked for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// Name of the tool.
    pub tool: String,
    /// Its arguments, by name.
    pub args: Map<String, Value>,
}

impl Action {
    /// A call without arguments.
    #[must_use]
    pub fn of(tool: &str) -> Action {
        Action { tool: tool.to_owned(), args: Map::new() }
    }

    /// Adds an argument.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Action {
        self.args.insert(name.to_owned(), value.into());
        self
    }
}

/// Where an action came from. Nothing is ever done that the agent did not ask for, and this says how it asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionSource {
    /// A language model's native tool call.
    ModelToolCall,
    /// A language model's text.
    ModelText,
    /// A language model's answer to being asked again.
    Reasked,
    /// A reply that could not be read; nothing was done.
    Rejected,
    /// No reply in time; nothing was done.
    Timeout,
    /// A scripted agent.
    Scripted,
    /// A recording.
    Replay,
    /// A person.
    Human,
}

impl ActionSource {
    /// All sources, in the order of records.
    pub const ALL: [ActionSource; 8] = [
        ActionSource::ModelToolCall,
        ActionSource::ModelText,
        ActionSource::Reasked,
        ActionSource::Rejected,
        ActionSource::Timeout,
        ActionSource::Scripted,
        ActionSource::Replay,
        ActionSource::Human,
    ];

    /// Its word in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ActionSource::ModelToolCall => "model_tool_call",
            ActionSource::ModelText => "model_text",
            ActionSource::Reasked => "reasked",
            ActionSource::Rejected => "rejected",
            ActionSource::Timeout => "timeout",
            ActionSource::Scripted => "scripted",
            ActionSource::Replay => "replay",
            ActionSource::Human => "human",
        }
    }
}

/// The agent's answer to an observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What to do; `None` does nothing.
    pub action: Option<Action>,
    /// What the agent expects of it.
    pub card: Option<Card>,
    /// What is wrong with what it wrote of its expectations; `None` where nothing is.
    pub card_problem: Option<String>,
    /// Where the action came from.
    pub source: ActionSource,
    /// What the agent was thinking, in its own words.
    pub thoughts: Option<Arc<str>>,
    /// What asking a language model took; `None` for agents without one.
    pub model: Option<Arc<ModelUse>>,
}

/// What the replies of a language model to one step took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelUse {
    /// Calls that were answered: one, and one more for each time the model was asked again.
    pub calls: u32,
    /// Tokens over these calls, as far as the provider told.
    #[serde(flatten)]
    pub usage: Usage,
    /// The model that answered last, by the server's word.
    #[serde(skip)]
    pub served_model: Option<String>,
}

impl Decision {
    /// A scripted agent's decision.
    #[must_use]
    pub fn scripted(action: Action, card: Option<Card>) -> Decision {
        Decision { action: Some(action), card, ..Decision::nothing() }
    }

    /// To do nothing at all.
    #[must_use]
    pub fn nothing() -> Decision {
        let source = ActionSource::Scripted;
        Decision { action: None, card: None, card_problem: None, source, thoughts: None, model: None }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Records state arguments sorted by name, whatever the order in which an agent gave them. This rests on
    /// serde_json's feature `preserve_order` being off, and any dependency can switch it on for all: then records
    /// must sort for themselves, and this test says so.
    #[test]
    fn arguments_are_recorded_by_name() {
        let action = Action::of("tool_order").with("supplier_id", "S1").with("sku", "sku_0").with("quantity", 1);
        let keys: Vec<&String> = action.args.keys().collect();
        assert_eq!(keys, ["quantity", "sku", "supplier_id"]);
        let read: Action =
            Action { args: serde_json::from_str(r#"{"b": 1, "a": {"d": 2, "c": 3}}"#).unwrap(), ..action };
        let mut line = Vec::new();
        crate::base::json::write(&mut line, &read).unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), r#"{"tool":"tool_order","args":{"a":{"c":3,"d":2},"b":1}}"#);
    }
}

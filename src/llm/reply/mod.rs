//! What a model's reply asks for: its one action and its prediction card, or why it cannot be read.
//!
//! Called by the conversation with a model and by `vendomini parse-reply`, both through [`read`]. Pure. Nothing is invented: the tool and
//! every argument of a call that was read stand in the reply. Tolerance concerns arguments and cards only: code
//! fences, single-quoted JSON, and text behind what was read.
//!
//! - [`text`]: replies in the format THOUGHTS / ACTION / ARGS / PREDICTION / SUCCESS
//! - [`tool_calls`]: replies that call a tool natively
//! - `json`: objects in a model's hand
//! - `arguments`: the arguments of a call
//! - `card`: the prediction card

mod arguments;
mod card;
mod json;
pub mod text;
pub mod tool_calls;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::base::card::Card;
use crate::base::decision::Action;
use crate::config::settings::ReplyFormat;
use crate::config::{nearest, shown};
use crate::interface::observation::OfferedTool;
use crate::llm::provider::reply::{Finish, ModelReply};

pub use text::read_text;
pub use tool_calls::read_tool_calls;

/// An offered tool as the parser sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTool {
    /// Its name.
    pub name: String,
    /// Whether a call without arguments cannot be meant.
    pub needs_arguments: bool,
}

impl KnownTool {
    /// Whether a call without arguments cannot be meant, by the JSON Schema of a tool's arguments.
    #[must_use]
    pub fn needs_arguments(schema: &Value) -> bool {
        schema.get("required").and_then(Value::as_array).is_some_and(|names| !names.is_empty())
    }
}

impl From<&OfferedTool> for KnownTool {
    fn from(tool: &OfferedTool) -> KnownTool {
        KnownTool { name: tool.name.clone(), needs_arguments: KnownTool::needs_arguments(&tool.arguments) }
    }
}

/// A reply, read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadReply {
    /// What the model was thinking, in its own words; `None` where it says nothing.
    pub thoughts: Option<String>,
    /// What it asks for.
    pub call: Result<ReadCall, Unreadable>,
}

/// The action of a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadCall {
    /// The call as the model asked for it.
    pub action: Action,
    /// What it predicts, as far as that is well-formed; `None` where nothing is stated.
    pub card: Option<Card>,
    /// What is wrong with the prediction. Never makes a reply unreadable.
    pub card_problem: Option<String>,
    /// The provider's name for the call, of a native one.
    pub call_id: Option<String>,
}

/// Why a reply cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The kind of reason.
    pub reason: Reason,
    /// What is wrong and what to write instead, for the model.
    pub detail: String,
}

/// The kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There is nothing in it.
    Empty,
    /// Text: no line starts with `ACTION:`.
    NoAction,
    /// Native: no tool is called.
    NoToolCall,
    /// Native: several different calls.
    SeveralCalls,
    /// The model, or a filter of the provider, refused.
    Refusal,
    /// It was cut before the call was whole.
    Truncated,
    /// It names no offered tool.
    UnknownTool,
    /// The tool needs arguments, and there are none.
    ArgumentsMissing,
    /// The arguments are no JSON, or contradict themselves.
    ArgumentsUnreadable,
    /// The arguments are JSON, but no object.
    ArgumentsNotAnObject,
    /// Text: arguments are stated twice, differently.
    ArgumentsDiffer,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Reason; 11] = [
        Reason::Empty,
        Reason::NoAction,
        Reason::NoToolCall,
        Reason::SeveralCalls,
        Reason::Refusal,
        Reason::Truncated,
        Reason::UnknownTool,
        Reason::ArgumentsMissing,
        Reason::ArgumentsUnreadable,
        Reason::ArgumentsNotAnObject,
        Reason::ArgumentsDiffer,
    ];

    /// Its word in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Reason::Empty => "empty",
            Reason::NoAction => "no_action",
            Reason::NoToolCall => "no_tool_call",
            Reason::SeveralCalls => "several_calls",
            Reason::Refusal => "refusal",
            Reason::Truncated => "truncated",
            Reason::UnknownTool => "unknown_tool",
            Reason::ArgumentsMissing => "arguments_missing",
            Reason::ArgumentsUnreadable => "arguments_unreadable",
            Reason::ArgumentsNotAnObject => "arguments_not_an_object",
            Reason::ArgumentsDiffer => "arguments_differ",
        }
    }

    fn because(self, detail: impl Into<String>) -> Unreadable {
        Unreadable { reason: self, detail: detail.into() }
    }
}

/// Reads a reply in the form in which it was asked for. One that refuses and asks for nothing is a refusal, whatever
/// words the model, or a filter of the provider, finds for it.
#[must_use]
pub fn read(reply: &ModelReply, format: ReplyFormat, tools: &[KnownTool]) -> ReadReply {
    let mut read = match format {
        ReplyFormat::Text => read_text(&reply.content, reply.finish, tools),
        ReplyFormat::ToolCalls => read_tool_calls(reply, tools),
    };
    if let Err(why) = &mut read.call
        && reply.finish == Finish::Refusal
    {
        why.reason = Reason::Refusal;
    }
    read
}

/// The offered tool of a name. `remedy` says where to write a name.
fn known<'a>(name: &str, tools: &'a [KnownTool], remedy: &str) -> Result<&'a KnownTool, Unreadable> {
    tools.iter().find(|tool| tool.name == name).ok_or_else(|| {
        let hint = match nearest(name, tools.iter().map(|tool| tool.name.as_str())) {
            Some(nearest) => format!(" (did you mean {nearest}?)"),
            None => String::new(),
        };
        let what = if name.is_empty() {
            "no tool is named".to_owned()
        } else {
            format!("there is no tool {}{hint}", in_quotes(name))
        };
        Reason::UnknownTool.because(format!("{what}; {remedy}: {}", names(tools)))
    })
}

/// What a model wrote, cut and harmless, for a sentence.
fn in_quotes(text: &str) -> String {
    format!("\"{}\"", shown(text))
}

fn names(tools: &[KnownTool]) -> String {
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    names.join(", ")
}

/// A text without the spaces around it; `None` when nothing is left.
fn said(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_in_either_form() {
        let tools = [KnownTool { name: "tool_wait".to_owned(), needs_arguments: false }];
        let refused = |content: &str| ModelReply {
            content: content.to_owned(),
            finish: Finish::Refusal,
            ..ModelReply::default()
        };
        for format in [ReplyFormat::Text, ReplyFormat::ToolCalls] {
            for content in ["", "I cannot help with that.", "ACTION: rest"] {
                let reason = read(&refused(content), format, &tools).call.unwrap_err().reason;
                assert_eq!(reason, Reason::Refusal, "{content}");
            }
        }
        assert!(read(&refused("ACTION: tool_wait"), ReplyFormat::Text, &tools).call.is_ok(), "it acts all the same");
    }

    #[test]
    fn a_reason_has_one_word() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.word());
        }
    }
}

//! The arguments of a call, from the text that states them. Called by both formats.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::llm::reply::json;
use crate::llm::reply::json::{Fault, Members};
use crate::llm::reply::{KnownTool, Reason, Unreadable, in_quotes};

/// Why a text states no arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It begins with an object that cannot be read.
    Object(Fault),
    /// It begins with another JSON value.
    NotAnObject,
    /// It begins with something else.
    NoJson,
}

/// What a text states as arguments: an object, in a code fence or not; `None` for `null`, Python's `None` and a text
/// without content.
pub(super) fn stated(text: &str) -> Result<Option<Members>, Wrong> {
    let text = out_of_fence(text);
    if text.starts_with('{') {
        return json::object(text).map(Some).map_err(Wrong::Object);
    }
    let is_empty_fence = text.starts_with("```");
    if text.is_empty() || is_empty_fence || is_nothing(text) {
        return Ok(None);
    }
    let other: Result<IgnoredAny, _> = serde::Deserialize::deserialize(&mut serde_json::Deserializer::from_str(text));
    Err(if other.is_ok() { Wrong::NotAnObject } else { Wrong::NoJson })
}

/// The text without the spaces and the code fence before it.
pub(super) fn out_of_fence(text: &str) -> &str {
    let text = text.trim_start();
    let inside = text.trim_start_matches('`');
    if text.len() - inside.len() < 3 {
        return inside.trim_start();
    }
    // The name of a language, if it is one.
    inside.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric()).trim_start()
}

/// Whether a text begins with a word for no value, and its line says nothing more than perhaps a remark. A line that
/// goes on otherwise may say anything, such as which arguments are meant.
fn is_nothing(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    ["null", "None"].iter().filter_map(|word| line.strip_prefix(word)).any(|rest| {
        let rest = rest.trim();
        rest.is_empty() || rest.starts_with('#') || (rest.starts_with(PUNCTUATION) && !rest.contains('{'))
    })
}

/// What ends a word for no value.
const PUNCTUATION: [char; 12] = ['.', ',', ';', ':', '!', '(', ')', '`', '-', '–', '—', '*'];

/// The arguments with which a tool can be called. `remedy` says where to write them.
pub(super) fn for_tool(
    args: Option<Map<String, Value>>,
    tool: &KnownTool,
    remedy: &str,
) -> Result<Map<String, Value>, Unreadable> {
    match args {
        None if tool.needs_arguments => {
            let detail = format!("{} needs arguments, and there are none; {remedy}", tool.name);
            Err(Reason::ArgumentsMissing.because(detail))
        }
        None => Ok(Map::new()),
        Some(args) => Ok(args),
    }
}

/// The reason for arguments that cannot be read. `remedy` says where to write them.
pub(super) fn unreadable(wrong: &Wrong, text: &str, remedy: &str) -> Unreadable {
    let written = in_quotes(text.trim());
    match wrong {
        Wrong::Object(fault) => {
            Reason::ArgumentsUnreadable.because(format!("the arguments {written} cannot be read: {fault}; {remedy}"))
        }
        Wrong::NotAnObject => {
            Reason::ArgumentsNotAnObject.because(format!("the arguments {written} are no JSON object; {remedy}"))
        }
        Wrong::NoJson => Reason::ArgumentsUnreadable.because(format!("the arguments {written} are no JSON; {remedy}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_may_be_fenced_or_none() {
        for text in
            ["{\"a\": 1}", "\n ```json\n{\"a\": 1}\n```", "```{'a': 1}```", "`{\"a\": 1}` is it", "```\n\n{\"a\":1}"]
        {
            let args = stated(text).unwrap().unwrap().read().unwrap();
            assert_eq!(args["a"], 1, "{text}");
        }
        for text in [
            "",
            " \n",
            "```\n```",
            "null",
            "None  # none, {} at most",
            "None.",
            "None (it takes none)",
            "None\n{\"a\": 1}",
            "```\nNone\n```",
            "`None`",
        ] {
            assert!(stated(text).unwrap().is_none(), "{text}");
        }
        for text in [
            "Nonesuch",
            "None of these apply, I want {\"a\": 1}",
            "None, but {\"a\": 1}",
            "None\u{e9}",
            "none",
            "()",
            "(None)",
            "sku_0",
            "args: {}",
            "```json\nsku_0\n```",
        ] {
            assert_eq!(stated(text).unwrap_err(), Wrong::NoJson, "{text}");
        }
        for text in ["[1]", "\"{}\"", "5 units", "true"] {
            assert_eq!(stated(text).unwrap_err(), Wrong::NotAnObject, "{text}");
        }
    }
}

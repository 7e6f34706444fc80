//! The section `providers`: at which server a language model is asked, and on which terms.
//!
//! ```yaml
//! providers:
//!   "Qwen/*":                                # a pattern of model names
//!     base_url: http://gpu1:8000/v1
//!     requests_per_minute: 600
//!   "anthropic/claude-*":
//!     base_url: https://openrouter.ai/api/v1
//!     api_key_env: OPENROUTER_API_KEY        # the name of a variable, never a key
//!     extra_body: {provider: {order: [anthropic], allow_fallbacks: false, require_parameters: true}}
//! ```
//!
//! One entry holds for a model, whole: the one of exactly its name, or else the most specific pattern that fits it.
//! That is the one with the most literal characters (all but `*`, `?`, `[…]` and `{…}`); of equals the first in
//! alphabetical order. In a pattern, `*` stands for any characters, slashes too. What the entry leaves out is filled in
//! by [`agent::provider::settings`](crate::llm::provider::settings), which also says what holds without an entry.
//!
//! With `inherit`, entries merge by pattern and then by key, and the child wins; a header or a part of `extra_body` does
//! not merge. `null` takes a key back, save for `api_key_env`, where it says that no key is sent.
//!
//! The section holds no secrets: it is recorded with every run.

mod check;
mod json_schema;
mod section;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use globset::Glob;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};

use super::settings::{MaxTokensKey, ProviderKind, RequestField};

pub(crate) use check::parse_address;
pub(super) use json_schema::json_schema;
pub(crate) use section::{Section, WrittenProvider};

/// One entry, with what the file says and no more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderEntry {
    /// What the server speaks. Without it: by the name of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ProviderKind>,
    /// Where it is: `http://` or `https://`, without what comes after the common part of its addresses. A slash at the
    /// end makes no difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Environment variable that holds the key; `Some(None)`, written as `null`: no key is sent.
    #[schemars(description = "Environment variable that holds the key. null: no key is sent.")]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub api_key_env: Option<Option<String>>,
    /// Whether that variable may be unset, and no key is sent then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_optional: Option<bool>,
    /// Headers to send besides, names in lower case. No secrets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Headers to send besides, and the environment variables that hold their values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers_env: BTreeMap<String, String>,
    /// What each request's body holds besides. Wins over what the program would send, save for what is a setting of its
    /// own.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra_body: Map<String, Json>,
    /// What is not sent although it is set. Without `tool_choice`, Anthropic's messages are still asked for one call at
    /// a time, unless `parallel_tool_calls` stands here too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omit: Option<Vec<RequestField>>,
    /// What chat completions call the limit of a reply's tokens. Anthropic's messages know `max_tokens` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens_key: Option<MaxTokensKey>,
    /// Most requests a minute, over all models of the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Most tokens a minute, of requests and replies, over all models of the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// US dollars for a million tokens of requests. Only together with `completion_price_per_mtok`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_price_per_mtok: Option<f64>,
    /// US dollars for a million tokens of replies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_price_per_mtok: Option<f64>,
    /// US dollars for a million tokens of requests that come out of the provider's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read_price_per_mtok: Option<f64>,
    /// US dollars for a million tokens of requests that go into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_price_per_mtok: Option<f64>,
}

/// Tells a key that is `null` from one that is not there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Entries by pattern.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Providers(BTreeMap<String, ProviderEntry>);

impl Providers {
    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All entries and their patterns, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ProviderEntry)> {
        self.0.iter().map(|(pattern, entry)| (pattern.as_str(), entry))
    }

    /// The entry that holds for a model, and its pattern.
    #[must_use]
    pub fn entry_of(&self, name: &str) -> Option<(&str, &ProviderEntry)> {
        best_match(&self.0, name)
    }

    /// The entry that holds for a model, alone.
    #[must_use]
    pub fn concerning(&self, name: &str) -> Providers {
        self.entry_of(name).map(|(pattern, entry)| (pattern.to_owned(), entry.clone())).into_iter().collect()
    }
}

impl FromIterator<(String, ProviderEntry)> for Providers {
    fn from_iter<T: IntoIterator<Item = (String, ProviderEntry)>>(entries: T) -> Providers {
        Providers(entries.into_iter().collect())
    }
}

/// What stands under the pattern that fits a name best, by the rules of the section.
pub(crate) fn best_match<'a, T>(entries: &'a BTreeMap<String, T>, name: &str) -> Option<(&'a str, &'a T)> {
    if let Some((pattern, entry)) = entries.get_key_value(name) {
        return Some((pattern, entry));
    }
    // Building a matcher costs more than anything else here, so most patterns are put aside by how they begin.
    let may_fit =
        |pattern: &str| name.starts_with(pattern.split(['*', '?', '[', '{', '\\']).next().unwrap_or_default());
    let fits =
        |pattern: &str| may_fit(pattern) && Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(name));
    entries
        .iter()
        .filter(|(pattern, _)| pattern.contains(['*', '?', '[', '{']) && fits(pattern))
        .max_by_key(|(pattern, _)| (literal_characters(pattern), Reverse(*pattern)))
        .map(|(pattern, entry)| (pattern.as_str(), entry))
}

/// Characters of a pattern outside of `*`, `?`, `[…]` and `{…}`.
fn literal_characters(pattern: &str) -> usize {
    let mut literal = 0;
    let mut open = 0usize;
    for c in pattern.chars() {
        match c {
            '[' | '{' => open += 1,
            ']' | '}' => open = open.saturating_sub(1),
            '*' | '?' => {}
            _ if open == 0 => literal += 1,
            _ => {}
        }
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winner(patterns: &[&str], name: &str) -> Option<String> {
        let entries = patterns.iter().map(|pattern| ((*pattern).to_owned(), ProviderEntry::default()));
        Providers::from_iter(entries).entry_of(name).map(|(pattern, _)| pattern.to_owned())
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let patterns = ["*", "Qwen/*", "Qwen/Qwen3-*", "Qwen/Qwen3-32B", "Qwen/Qwen3-[0-9]*", "*-32B"];
        let wins = |name| winner(&patterns, name);
        assert_eq!(wins("Qwen/Qwen3-32B").as_deref(), Some("Qwen/Qwen3-32B"), "the exact name");
        assert_eq!(wins("Qwen/Qwen3-8B").as_deref(), Some("Qwen/Qwen3-*"), "of equals the first in the alphabet");
        assert_eq!(wins("Qwen/QwQ").as_deref(), Some("Qwen/*"));
        assert_eq!(wins("qwen/qwq").as_deref(), Some("*"), "case matters, and * takes slashes");
        assert_eq!(wins("x-32B").as_deref(), Some("*-32B"));
        assert_eq!(winner(&["gpt-?", "{o1,o3}*"], "o3-mini").as_deref(), Some("{o1,o3}*"));
        assert_eq!(winner(&["gpt-?", "gpt-4"], "gpt-4o"), None);
        assert_eq!(winner(&["a[b]"], "a[b]").as_deref(), Some("a[b]"), "a name is itself whatever it holds");
    }

    #[test]
    fn an_entry_says_what_was_said_and_no_more() {
        let entry: ProviderEntry = serde_json::from_str(r#"{"api_key_env": null, "omit": []}"#).unwrap();
        assert_eq!((&entry.api_key_env, &entry.omit), (&Some(None), &Some(Vec::new())));
        assert_eq!(serde_json::to_string(&entry).unwrap(), r#"{"api_key_env":null,"omit":[]}"#);
        assert_eq!(serde_json::to_string(&ProviderEntry::default()).unwrap(), "{}");
    }
}

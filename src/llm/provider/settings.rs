//! At which server a model is asked and on which terms: its entry of the section `providers`, what holds by its name
//! without one, and the environment.
//!
//! Called before the first run, with [`resolve`]; it is the one place of the program that reads keys. What it finds goes
//! into every run's configuration in full, save for the values of secrets.
//!
//! What an entry leaves out, or what holds without one:
//!
//! | name | kind | address | key |
//! |---|---|---|---|
//! | `org/model` (with a slash) | `openai_chat` | `VENDOMINI_BASE_URL`, or `OPENAI_BASE_URL`, or `http://localhost:8000/v1` (vLLM) | `OPENAI_API_KEY`, if set |
//! | `claude*` | `anthropic_messages` | `ANTHROPIC_BASE_URL`, or `https://api.anthropic.com` | `ANTHROPIC_API_KEY` |
//! | `gpt*`, `chatgpt*`, `o<digit>*` | `openai_chat` | `OPENAI_BASE_URL` (as the official SDK), or `https://api.openai.com/v1` | `OPENAI_API_KEY` |
//! | any other with an entry | as `org/model`, or by the entry's `kind` | | |
//!
//! A key goes where it belongs: `OPENAI_API_KEY` and `ANTHROPIC_API_KEY` are demanded at `api.openai.com` and
//! `api.anthropic.com`, and sent, if set, to an address out of the environment and to this machine. With any other
//! `base_url` of a file no key is sent unless the file says which, by `api_key_env`.
//!
//! OpenAI's own models want `max_completion_tokens`; those that reason (`o<digit>*`, `gpt-5*`) refuse `temperature` and
//! `top_p`, so these are left out; `o<digit>*` refuse `parallel_tool_calls` too. An entry's `omit` replaces this.

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::config::prices::Prices;
use crate::config::providers::{ProviderEntry, Providers, parse_address};
use crate::config::settings::{MaxTokensKey, ModelConfig, ProviderKind, RequestField};
use crate::llm::provider::dialect::{Dialect, Head, RequestHead, ToolSpec};

pub use plan::resolve;

mod plan;
#[cfg(test)]
mod tests;

/// Names that begin so are recordings, not models at a server.
pub const REPLAY: &str = "replay:";

/// Version of Anthropic's API.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// A variable of the environment, by name; `None` when it is unset.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The environment of this process. A variable that is empty or holds no text counts as unset.
#[must_use]
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A model at a server.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The model's name, as it is asked for.
    pub model: String,
    /// Models of one group share their connections and their limits a minute: the pattern of their entry, or else the
    /// address of their server.
    pub group: String,
    /// What the server speaks.
    pub kind: ProviderKind,
    /// Where it is, without a slash at the end; `None` for the mock.
    pub base_url: Option<String>,
    /// Most requests a minute.
    pub requests_per_minute: Option<u64>,
    /// Most tokens a minute, of requests and replies.
    pub tokens_per_minute: Option<u64>,
    /// Prices that the entry gives.
    pub prices: Option<Prices>,
    /// The entry with everything filled in, for records. Holds no value of a secret.
    pub entry: ProviderEntry,
    headers: HeaderMap,
}

impl Provider {
    /// How the server is asked. The mock is asked in chat completions.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self.kind {
            ProviderKind::AnthropicMessages => Dialect::AnthropicMessages,
            ProviderKind::OpenAiChat | ProviderKind::Mock => Dialect::OpenAiChat,
        }
    }

    /// The address of a call; `None` for the mock.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        self.base_url.as_deref().map(|base| self.dialect().url(base))
    }

    /// The address of the list of models, which at OpenRouter holds prices; `None` where there is none to be expected.
    #[must_use]
    pub fn models_url(&self) -> Option<String> {
        let base = self.base_url.as_deref().filter(|_| self.kind == ProviderKind::OpenAiChat)?;
        Some(format!("{base}/models"))
    }

    /// All headers of a call. Those that hold a secret are marked as sensitive, and do not print.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Renders what all requests of a run have in common.
    #[must_use]
    pub fn head(&self, config: &ModelConfig, system: &str, tools: &[ToolSpec]) -> Head {
        self.dialect().head(&RequestHead {
            model: &self.model,
            system,
            tools,
            max_tokens: config.max_tokens_per_call,
            max_tokens_key: self.entry.max_tokens_key.unwrap_or(MaxTokensKey::MaxTokens),
            temperature: Some(config.temperature),
            top_p: config.top_p,
            omit: self.entry.omit.as_deref().unwrap_or_default(),
            extra_body: &self.entry.extra_body,
        })
    }
}

/// Why a model cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Neither an entry nor a rule says where it is asked.
    Unknown,
    /// A key of its entry cannot hold for it.
    Key {
        /// The key.
        key: &'static str,
        /// Why not, and what to do about it.
        why: &'static str,
    },
    /// A variable of the environment is missing or useless.
    Variable {
        /// Its name.
        name: String,
        /// The key of the entry that names it.
        key: &'static str,
        /// What is wrong with it, after its name.
        why: String,
        /// What to do about it.
        remedy: &'static str,
    },
}

/// A provider that holds for a name whatever a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Anthropic,
    OpenAi,
    Compatible,
}

impl Family {
    fn of(name: &str) -> Option<Family> {
        let is_o =
            |name: &str| name.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        match name {
            _ if name.contains('/') => Some(Family::Compatible),
            _ if name.starts_with("claude") => Some(Family::Anthropic),
            _ if name.starts_with("gpt") || name.starts_with("chatgpt") || is_o(name) => Some(Family::OpenAi),
            _ => None,
        }
    }

    fn kind(self) -> ProviderKind {
        match self {
            Family::Anthropic => ProviderKind::AnthropicMessages,
            Family::OpenAi | Family::Compatible => ProviderKind::OpenAiChat,
        }
    }
}

/// What the server of a model speaks, by its entry or its name; `None` where neither says it.
#[must_use]
pub fn kind_of(name: &str, providers: &Providers) -> Option<ProviderKind> {
    let written = providers.entry_of(name).and_then(|(_, entry)| entry.kind);
    written.or_else(|| Family::of(name).map(Family::kind))
}

/// The provider of a model.
///
/// # Errors
/// When it is not known where the model is asked, or a variable is missing.
pub fn provider_of(name: &str, providers: &Providers, environment: &Environment<'_>) -> Result<Provider, Refused> {
    let written = providers.entry_of(name);
    let family = Family::of(name);
    if written.is_none() && family.is_none() {
        return Err(Refused::Unknown);
    }
    let family = family.unwrap_or(Family::Compatible);
    let pattern = written.map(|(pattern, _)| pattern);
    let mut entry = written.map(|(_, entry)| entry.clone()).unwrap_or_default();
    let variable =
        |name: &str| environment(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());

    let kind = entry.kind.unwrap_or(family.kind());
    entry.kind = Some(kind);
    if kind == ProviderKind::AnthropicMessages && entry.max_tokens_key == Some(MaxTokensKey::MaxCompletionTokens) {
        let why = "anthropic_messages know max_tokens alone (leave the key out)";
        return Err(Refused::Key { key: "max_tokens_key", why });
    }
    let from_file = entry.base_url.is_some();
    if kind == ProviderKind::Mock {
        entry.base_url = None;
    } else if !from_file {
        entry.base_url = Some(default_address(kind, family, &variable)?);
    }
    if entry.api_key_env.is_none() {
        let (key, is_optional) = default_key(kind, entry.base_url.as_deref(), from_file);
        entry.api_key_env = Some(key.map(str::to_owned));
        entry.api_key_optional = Some(entry.api_key_optional.unwrap_or(is_optional));
    }
    let is_optional = *entry.api_key_optional.get_or_insert(false);
    entry.omit.get_or_insert_with(|| default_omit(name, family));
    let renamed = family == Family::OpenAi && kind == ProviderKind::OpenAiChat;
    let max_tokens_key = if renamed { MaxTokensKey::MaxCompletionTokens } else { MaxTokensKey::MaxTokens };
    entry.max_tokens_key.get_or_insert(max_tokens_key);

    let headers = headers(kind, &entry, is_optional, &variable)?;
    Ok(Provider {
        model: name.to_owned(),
        group: pattern.or(entry.base_url.as_deref()).unwrap_or(name).to_owned(),
        kind,
        base_url: entry.base_url.clone(),
        requests_per_minute: entry.requests_per_minute,
        tokens_per_minute: entry.tokens_per_minute,
        prices: Prices::of_entry(&entry),
        entry,
        headers,
    })
}

/// The address where no file gives one.
fn default_address(
    kind: ProviderKind,
    family: Family,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Refused> {
    let (names, otherwise): (&[&str], _) = match (kind, family) {
        (ProviderKind::AnthropicMessages, _) => (&["ANTHROPIC_BASE_URL"], "https://api.anthropic.com"),
        (_, Family::OpenAi) => (&["OPENAI_BASE_URL"], "https://api.openai.com/v1"),
        _ => (&["VENDOMINI_BASE_URL", "OPENAI_BASE_URL"], "http://localhost:8000/v1"),
    };
    let Some((name, text)) = names.iter().find_map(|name| Some((*name, variable(name)?))) else {
        return Ok(otherwise.to_owned());
    };
    parse_address(&text).map_err(|why| Refused::Variable {
        name: name.to_owned(),
        key: "base_url",
        why: format!("cannot be used: {why}"),
        remedy: "mend or unset it, or give base_url in the file",
    })
}

/// The variable with the key where no file names one, and whether it may be unset.
fn default_key(kind: ProviderKind, address: Option<&str>, from_file: bool) -> (Option<&'static str>, bool) {
    let own = match kind {
        ProviderKind::OpenAiChat => "OPENAI_API_KEY",
        ProviderKind::AnthropicMessages => "ANTHROPIC_API_KEY",
        ProviderKind::Mock => return (None, false),
    };
    let host = address.and_then(|address| Url::parse(address).ok()).and_then(|url| url.host_str().map(str::to_owned));
    match host.as_deref() {
        Some("api.openai.com") => (Some("OPENAI_API_KEY"), false),
        Some("api.anthropic.com") => (Some("ANTHROPIC_API_KEY"), false),
        _ if from_file => (None, false),
        _ => (Some(own), true),
    }
}

fn default_omit(name: &str, family: Family) -> Vec<RequestField> {
    match family {
        Family::OpenAi if name.starts_with('o') => {
            vec![RequestField::Temperature, RequestField::TopP, RequestField::ParallelToolCalls]
        }
        Family::OpenAi if name.starts_with("gpt-5") => vec![RequestField::Temperature, RequestField::TopP],
        _ => Vec::new(),
    }
}

fn headers(
    kind: ProviderKind,
    entry: &ProviderEntry,
    key_is_optional: bool,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<HeaderMap, Refused> {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value| headers.insert(HeaderName::from_static(name), value);
    set("content-type", HeaderValue::from_static("application/json"));
    set("accept", HeaderValue::from_static("application/json"));
    set("user-agent", HeaderValue::from_static(concat!("vendomini/", env!("CARGO_PKG_VERSION"))));
    if kind == ProviderKind::AnthropicMessages {
        set("anthropic-version", HeaderValue::from_static(ANTHROPIC_VERSION));
    }
    for (name, value) in &entry.headers {
        let value = HeaderValue::from_str(value).expect("a checked header has a value that can be sent");
        headers.insert(header_name(name), value);
    }
    let mut secret = |name: HeaderName, variable: &str, value: String, before: &str, key, remedy| {
        let mut sent = HeaderValue::from_str(&format!("{before}{value}")).map_err(|_| Refused::Variable {
            name: variable.to_owned(),
            key,
            why: "holds characters that a header cannot have".to_owned(),
            remedy,
        })?;
        sent.set_sensitive(true);
        headers.insert(name, sent);
        Ok(())
    };
    if let Some(Some(name)) = &entry.api_key_env {
        const KEY: &str = "api_key_env";
        const REMEDY: &str = "set it to the key, or say api_key_env: null under providers if the server needs none";
        let (header, before) = match kind {
            ProviderKind::AnthropicMessages => ("x-api-key", ""),
            ProviderKind::OpenAiChat | ProviderKind::Mock => ("authorization", "Bearer "),
        };
        match variable(name) {
            Some(value) => secret(HeaderName::from_static(header), name, value, before, KEY, REMEDY)?,
            None if key_is_optional => {}
            None => return Err(unset(name, KEY, REMEDY)),
        }
    }
    for (header, name) in &entry.headers_env {
        const KEY: &str = "headers_env";
        const REMEDY: &str = "set it to the value of the header, or take it out of headers_env";
        let value = variable(name).ok_or_else(|| unset(name, KEY, REMEDY))?;
        secret(header_name(header), name, value, "", KEY, REMEDY)?;
    }
    Ok(headers)
}

fn header_name(name: &str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).expect("a checked header has a name that can be sent")
}

fn unset(name: &str, key: &'static str, remedy: &'static str) -> Refused {
    Refused::Variable { name: name.to_owned(), key, why: "is not set".to_owned(), remedy }
}

//! Does a value fit its key of a `providers` entry.
//!
//! A value that may be a secret in the wrong place is never repeated in a message.

use globset::Glob;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value as Json};

use crate::config::check;
use crate::config::check::{kind_of, written};
use crate::config::error::{Problem, nearest};
use crate::config::scalar::{Scalar, scalar};
use crate::config::schema::{DefaultValue, Entry, Kind, Status};
use crate::config::settings::{MaxTokensKey, ProviderKind, RequestField};
use crate::config::yaml::{Key, Node, Value};

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Takes {
    /// What a setting takes too.
    Plain(Kind),
    /// The address of a server.
    Address,
    /// The name of an environment variable.
    Variable,
    /// Headers and their values.
    Headers,
    /// Headers and the environment variables with their values.
    Variables,
    /// A JSON object.
    Body,
    /// A list of fields of a request, which may be empty.
    Fields,
}

const PRICE: Takes = Takes::Plain(Kind::Real(0.0, 1e6));
const RATE: Takes = Takes::Plain(Kind::Integer(1, 1_000_000_000_000));

/// The keys of an entry. What they mean stands with the fields of [`ProviderEntry`](super::ProviderEntry).
pub(super) const KEYS: &[(&str, Takes)] = &[
    ("kind", Takes::Plain(Kind::Word(ProviderKind::WORDS))),
    ("base_url", Takes::Address),
    ("api_key_env", Takes::Variable),
    ("api_key_optional", Takes::Plain(Kind::Flag)),
    ("headers", Takes::Headers),
    ("headers_env", Takes::Variables),
    ("extra_body", Takes::Body),
    ("omit", Takes::Fields),
    ("max_tokens_key", Takes::Plain(Kind::Word(MaxTokensKey::WORDS))),
    ("requests_per_minute", RATE),
    ("tokens_per_minute", RATE),
    ("prompt_price_per_mtok", PRICE),
    ("completion_price_per_mtok", PRICE),
    ("cache_read_price_per_mtok", PRICE),
    ("cache_write_price_per_mtok", PRICE),
];

/// Fields of a body that are a setting or the program's own business, and what to write instead.
pub(super) const OWN_FIELDS: &[(&str, &str)] = &[
    ("model", "set model.name"),
    ("messages", "the program writes them; templates can be changed with interface.prompts"),
    ("system", "the program writes it; templates can be changed with interface.prompts"),
    ("tools", "the program writes them, by interface.reply_format"),
    ("stream", "replies are read whole"),
    ("temperature", "set model.temperature"),
    ("top_p", "set model.top_p"),
    ("seed", "set model.seed"),
    ("max_tokens", "set model.max_tokens_per_call"),
    ("max_completion_tokens", "set model.max_tokens_per_call"),
];

/// Headers that the program or the connection sets.
const OWN_HEADERS: &[&str] = &["accept", "connection", "content-length", "content-type", "host", "transfer-encoding"];

/// A name of an environment variable. Small letters are refused, since a key that was put here by mistake has some.
const VARIABLE: &str = "the name of an environment variable: capital letters, digits and underscores";

const ADDRESS: &str = "an address that starts with http:// or https://, such as http://localhost:8000/v1";

/// The canonical value of a node under a key of an entry.
pub(super) fn value(key: &str, node: &Node) -> Result<(&'static str, Json), Problem> {
    let Some((name, takes)) = KEYS.iter().find(|(name, _)| *name == key) else {
        let nearest = nearest(key, KEYS.iter().map(|(name, _)| *name)).map(str::to_owned);
        return Err(Problem::UnknownKey { nearest });
    };
    if scalar(node) == Some(Scalar::Null) {
        return Ok((name, Json::Null));
    }
    let value = match *takes {
        Takes::Plain(kind) => {
            let entry = Entry { path: name, kind, default: DefaultValue::Null, status: Status::Used, doc: "" };
            check::value(node, &entry)
        }
        Takes::Address => address(node),
        Takes::Variable => variable(node).map(Json::from),
        Takes::Headers => headers(node, |name, node| header(name, node).map(Json::from)),
        Takes::Variables => headers(node, |_, node| variable(node).map(Json::from)),
        Takes::Body => body(node),
        Takes::Fields => fields(node),
    };
    Ok((name, value?))
}

/// Whether the name of a header says that its value is secret.
fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = ["authorization", "cookie", "token", "secret", "password", "credential", "api-key", "apikey"];
    words.iter().any(|word| name.contains(word)) || name.ends_with("-key")
}

/// Whether a text is a pattern of model names.
pub(super) fn check_pattern(text: &str) -> Result<(), String> {
    if text.trim().is_empty() || text.chars().count() > 256 || text.chars().any(char::is_control) {
        return Err("this is no pattern of model names (expected 1 to 256 characters on one line)".to_owned());
    }
    match Glob::new(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("this is no pattern of model names: {}", error.kind())),
    }
}

fn misfit(node: &Node, why: &'static str, expected: &str) -> Problem {
    Problem::Value { value: written(node), why, expected: expected.to_owned(), nearest: None }
}

fn other<T>(message: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Other(message.into()))
}

fn address(node: &Node) -> Result<Json, Problem> {
    let Some(Scalar::Text(text)) = scalar(node) else { return Err(misfit(node, kind_of(node), ADDRESS)) };
    parse_address(text).map(Json::from).map_err(|why| Problem::Other(why.to_owned()))
}

/// The address of a server in its one canonical spelling, without a slash at its end; or what is wrong, in words that do
/// not repeat it, since it may hold a password or a key.
pub(crate) fn parse_address(text: &str) -> Result<String, &'static str> {
    if text.contains('@') {
        return Err("an address holds no user and no password here (use api_key_env or headers_env)");
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or(
        "this is no address of a server (expected one that starts with http:// or https://, such as \
         http://localhost:8000/v1)",
    )?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an address holds no ? and no # here (expected the part that all addresses of the server share)");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn variable(node: &Node) -> Result<&str, Problem> {
    match scalar(node) {
        Some(Scalar::Text(text)) if is_variable(text) => Ok(text),
        // It may be the key itself.
        _ => other(format!("this is not {VARIABLE}, such as OPENAI_API_KEY (the key itself belongs in no file)")),
    }
}

fn is_variable(text: &str) -> bool {
    text.len() <= 128
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A mapping from headers, whose names become lower case.
fn headers(node: &Node, of: impl Fn(&str, &Node) -> Result<Json, Problem>) -> Result<Json, Problem> {
    let Value::Map(entries) = &node.value else {
        return other(format!(
            "this is {} (expected a section of headers, such as {{x-title: my study}})",
            kind_of(node)
        ));
    };
    let mut headers = Map::new();
    for (Key { text, .. }, node) in entries.iter() {
        let Ok(name) = HeaderName::from_bytes(text.as_bytes()) else {
            return other(format!("{} is no name of a header", crate::config::error::shown(text)));
        };
        let name = name.as_str();
        if OWN_HEADERS.contains(&name) {
            return other(format!("{name} is set by the program; leave it out"));
        }
        if headers.insert(name.to_owned(), of(name, node)?).is_some() {
            return other(format!("{name} stands here twice"));
        }
    }
    Ok(Json::Object(headers))
}

fn header<'a>(name: &str, node: &'a Node) -> Result<&'a str, Problem> {
    if looks_secret(name) {
        return other(format!(
            "{name} looks like a secret, and files hold none: put it into an environment variable and name that, as \
             api_key_env: VARIABLE or headers_env: {{{name}: VARIABLE}}"
        ));
    }
    match scalar(node) {
        Some(Scalar::Text(text)) if HeaderValue::from_str(text).is_ok() => Ok(text),
        Some(Scalar::Text(_)) => other(format!("{name}: a header's value is one line of plain characters")),
        _ => other(format!("{name}: this is {} (expected text; put it in quotes)", kind_of(node))),
    }
}

fn body(node: &Node) -> Result<Json, Problem> {
    let body = json(node)?;
    let Json::Object(fields) = &body else {
        return Err(misfit(node, kind_of(node), "a section of what the request's body is to hold"));
    };
    for (field, instead) in OWN_FIELDS {
        if fields.contains_key(*field) {
            return other(format!("{field} cannot be replaced here ({instead})"));
        }
    }
    Ok(body)
}

/// A node as JSON.
fn json(node: &Node) -> Result<Json, Problem> {
    let number = || misfit(node, "out of range", "a finite number, whole ones of at most 64 bits");
    Ok(match (&node.value, scalar(node)) {
        (Value::List(items), _) => items.iter().map(json).collect::<Result<Vec<_>, _>>()?.into(),
        (Value::Map(entries), _) => {
            let fields = entries.iter().map(|(key, node)| Ok((key.text.to_string(), json(node)?)));
            Json::Object(fields.collect::<Result<_, Problem>>()?)
        }
        (_, Some(Scalar::Flag(flag))) => flag.into(),
        (_, Some(Scalar::Integer(whole))) => match (i64::try_from(whole), u64::try_from(whole)) {
            (Ok(whole), _) => whole.into(),
            (_, Ok(whole)) => whole.into(),
            _ => return Err(number()),
        },
        (_, Some(Scalar::Real(real))) if real.is_finite() => real.into(),
        (_, Some(Scalar::Real(_))) => return Err(number()),
        (_, Some(Scalar::Text(text))) => text.into(),
        (_, Some(Scalar::Null) | None) => Json::Null,
    })
}

fn fields(node: &Node) -> Result<Json, Problem> {
    let expected = || format!("a list of some of {}, or an empty one", RequestField::WORDS.join(", "));
    let Value::List(items) = &node.value else { return Err(misfit(node, kind_of(node), &expected())) };
    let mut fields: Vec<&str> = Vec::new();
    for item in items.iter() {
        match scalar(item) {
            Some(Scalar::Text(word)) if fields.contains(&word) => {
                return Err(misfit(node, "a list with repeated values", &expected()));
            }
            Some(Scalar::Text(word)) if RequestField::WORDS.contains(&word) => fields.push(word),
            Some(Scalar::Text(word)) => {
                let nearest = nearest(word, RequestField::WORDS.iter().copied()).map(str::to_owned);
                let (value, expected) = (written(node), expected());
                return Err(Problem::Value { value, why: "a list with an unknown entry", expected, nearest });
            }
            _ => return Err(misfit(node, "not such a list", &expected())),
        }
    }
    Ok(Json::from(fields))
}

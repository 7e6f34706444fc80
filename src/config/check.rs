//! Does a value fit its key. Turns a node into the canonical value that is compared, merged and keyed by: a number
//! is whole or real by its key, never by how it was written, so `0.10` and `0.1` are one value.

use serde_json::{Map, Number, Value as Json};

use super::error::{Problem, SHOWN, nearest, shown};
use super::scalar::{Scalar, scalar};
use super::schema::{Entry, Kind};
use super::settings::OnMalformed;
use super::spelling;
use super::yaml::{Key, Node, Value};
use crate::base::ids::is_name;
use crate::base::rng::DrawKey;

/// The canonical value of a node under a key.
pub(crate) fn value(node: &Node, entry: &Entry) -> Result<Json, Problem> {
    if entry.takes_null() && scalar(node) == Some(Scalar::Null) {
        return Ok(Json::Null);
    }
    of_kind(node, entry.kind).map_err(|refused| Problem::Value {
        value: written(node),
        why: refused.why,
        expected: entry.expected(),
        nearest: refused.nearest,
    })
}

/// Why a value does not fit.
struct Refused {
    why: &'static str,
    nearest: Option<String>,
}

fn refused(why: &'static str) -> Refused {
    Refused { why, nearest: None }
}

/// Largest weight of a name: enough to tell any shares, and sums of such weights stay finite.
pub(super) const MOST_WEIGHT: f64 = 1e9;

/// Most windows. Each costs time in every step, so a long list is a mistake.
pub(super) const MOST_WINDOWS: usize = 100;

const OUT_OF_RANGE: &str = "out of range";

fn of_kind(node: &Node, kind: Kind) -> Result<Json, Refused> {
    match kind {
        Kind::Integer(low, high) => integer(node, low, high).map(Json::from),
        Kind::Real(low, high) => real(node, low, high).map(Json::from),
        Kind::Probability => real(node, 0.0, 1.0).map(Json::from),
        Kind::Money(low, high) => {
            let amount = real(node, low as f64, high as f64)?;
            // The shortest text that reads back as this number has the decimals that were meant.
            let decimals = amount.to_string().split_once('.').map_or(0, |(_, decimals)| decimals.len());
            if decimals > 2 { Err(refused("not a whole number of cents")) } else { Ok(Json::from(amount)) }
        }
        Kind::Flag => match scalar(node) {
            Some(Scalar::Flag(flag)) => Ok(Json::from(flag)),
            _ => Err(refused(kind_of(node))),
        },
        Kind::Word(words) => {
            let text = text(node)?;
            if words.contains(&text) {
                return Ok(Json::from(text));
            }
            Err(Refused { why: "not known here", nearest: nearest(text, words.iter().copied()).map(str::to_owned) })
        }
        Kind::Line(most) => match quotable(node)? {
            text if text.trim().is_empty() => Err(refused("empty")),
            text if text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) => {
                Err(refused("more than plain characters on one line"))
            }
            text => bounded(text, most),
        },
        Kind::Prose(most) => bounded(quotable(node)?, most),
        Kind::Name => match quotable(node)? {
            "" => Err(refused("empty")),
            text if text.len() > 64 => Err(refused("too long")),
            text if text.starts_with('.') => Err(refused("not a name that a folder can have")),
            text if !text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) => {
                Err(refused("not a name that a folder can have"))
            }
            text => Ok(Json::from(text)),
        },
        // The written text decides, since 64 digits may also look like a number.
        Kind::DrawKey => match &node.value {
            Value::Scalar { text, .. } => match text.parse::<DrawKey>() {
                Ok(key) => Ok(Json::from(key.to_string())),
                Err(()) => Err(refused("not a draw key")),
            },
            _ => Err(refused(kind_of(node))),
        },
        Kind::Digits(number) => match &node.value {
            Value::Scalar { text, .. } if text.len() != number => Err(refused("of another length")),
            Value::Scalar { text, .. } if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Ok(Json::from(text.to_ascii_lowercase()))
            }
            Value::Scalar { .. } => Err(refused("not hexadecimal")),
            _ => Err(refused(kind_of(node))),
        },
        Kind::OnMalformed => match text(node)?.parse::<OnMalformed>() {
            Ok(rule) => Ok(Json::from(rule.to_string())),
            Err(()) => Err(refused("not known here")),
        },
        Kind::Windows(most) => {
            let mut windows = Vec::new();
            for item in items(node)? {
                let window = integer(item, 1, most).map_err(|_| refused("not such a list"))?;
                if windows.contains(&window) {
                    return Err(refused("a list with repeated values"));
                }
                if windows.len() == MOST_WINDOWS {
                    return Err(refused("too long"));
                }
                windows.push(window);
            }
            if windows.is_empty() { Err(refused("an empty list")) } else { Ok(Json::from(windows)) }
        }
        Kind::Range(low, high) => {
            let [from, to] = pair(node)?;
            let (from, to) = (real(from, low, high)?, real(to, low, high)?);
            if from > to { Err(refused("a range that goes down")) } else { Ok(Json::from(vec![from, to])) }
        }
        Kind::Pair(first, second) => {
            let [one, other] = pair(node)?;
            Ok(Json::from(vec![real(one, first.0, first.1)?, real(other, second.0, second.1)?]))
        }
        Kind::Names(alone) => {
            let one = std::slice::from_ref(node);
            let listed = if matches!(node.value, Value::List(_)) { items(node)? } else { one };
            let mut chosen: Vec<&str> = Vec::new();
            for item in listed {
                let name = text(item)?;
                if alone.contains(&name) && listed.len() > 1 {
                    return Err(refused("a list with a word that must stand alone"));
                }
                if !is_name(name) {
                    return Err(refused("not a list of names"));
                }
                if chosen.contains(&name) {
                    return Err(refused("a list with repeated values"));
                }
                chosen.push(name);
            }
            // Where words stand for whole lists, an empty one is a slip.
            let empty = chosen.is_empty() && !alone.is_empty();
            if empty { Err(refused("an empty list")) } else { Ok(Json::from(chosen)) }
        }
        Kind::Mix(words) => match &node.value {
            Value::Map(entries) => weights(entries),
            _ => of_kind(node, Kind::Word(words)),
        },
        Kind::Paths => {
            let mut paths: Vec<&str> = Vec::new();
            for item in items(node)? {
                let path = text(item).map_err(|_| refused("not such a list"))?;
                let Some(group) = spelling::canonical_group(path) else {
                    return Err(Refused { why: "a list with an unknown entry", nearest: spelling::suggestion(path) });
                };
                for path in group {
                    if !paths.contains(&path) {
                        paths.push(path);
                    }
                }
            }
            Ok(Json::from(paths))
        }
    }
}

/// Weights by name, not all 0.
fn weights(entries: &[(Key, Node)]) -> Result<Json, Refused> {
    let mut weights = Map::new();
    let mut total = 0.0;
    for (key, node) in entries {
        if !is_name(&key.text) {
            return Err(refused("a map with a key that is no name"));
        }
        let weight =
            real(node, 0.0, MOST_WEIGHT).map_err(|_| refused("a map with a weight that is not from 0 to 1e9"))?;
        total += weight;
        weights.insert(key.text.to_string(), weight.into());
    }
    if total > 0.0 { Ok(Json::Object(weights)) } else { Err(refused("a map without a weight above 0")) }
}

fn integer(node: &Node, low: u64, high: u64) -> Result<u64, Refused> {
    let number = match scalar(node) {
        Some(Scalar::Integer(number)) => number,
        Some(Scalar::Real(number)) if number.is_finite() && number.fract() == 0.0 => number as i128,
        Some(Scalar::Real(_)) => return Err(refused("not a whole number")),
        _ => return Err(refused(kind_of(node))),
    };
    u64::try_from(number).ok().filter(|n| (low..=high).contains(n)).ok_or_else(|| refused(OUT_OF_RANGE))
}

fn real(node: &Node, low: f64, high: f64) -> Result<f64, Refused> {
    let number = match scalar(node) {
        Some(Scalar::Integer(number)) => number as f64,
        Some(Scalar::Real(number)) if number.is_finite() => number,
        Some(Scalar::Real(_)) => return Err(refused("not a finite number")),
        _ => return Err(refused(kind_of(node))),
    };
    // Adding zero turns -0.0 into 0.0, so that both are one value.
    if (low..=high).contains(&number) { Ok(number + 0.0) } else { Err(refused(OUT_OF_RANGE)) }
}

fn text(node: &Node) -> Result<&str, Refused> {
    match scalar(node) {
        Some(Scalar::Text(text)) => Ok(text),
        _ => Err(refused(kind_of(node))),
    }
}

/// The text of a node whose key takes any text, so that quotes make one of everything.
fn quotable(node: &Node) -> Result<&str, Refused> {
    match scalar(node) {
        Some(Scalar::Integer(_) | Scalar::Real(_)) => Err(refused("a number; put it in quotes")),
        Some(Scalar::Flag(_)) => Err(refused("a truth value; put it in quotes")),
        _ => text(node),
    }
}

fn bounded(text: &str, most: usize) -> Result<Json, Refused> {
    if text.chars().count() > most { Err(refused("too long")) } else { Ok(Json::from(text)) }
}

fn pair(node: &Node) -> Result<&[Node; 2], Refused> {
    items(node)?.try_into().map_err(|_| refused("not a list of two"))
}

fn items(node: &Node) -> Result<&[Node], Refused> {
    match &node.value {
        Value::List(items) => Ok(items),
        _ => Err(refused(kind_of(node))),
    }
}

/// What a node is, for "… is …".
pub(crate) fn kind_of(node: &Node) -> &'static str {
    match (&node.value, scalar(node)) {
        (Value::List(_), _) => "a list",
        (Value::Map(_), _) => "a section",
        (Value::Scalar { plain: false, .. }, _) => "text in quotes",
        (_, Some(Scalar::Flag(_))) => "a truth value",
        (_, Some(Scalar::Integer(_) | Scalar::Real(_))) => "a number",
        (_, Some(Scalar::Text(_))) => "text",
        (_, Some(Scalar::Null) | None) => "nothing",
    }
}

/// A node as a message shows it, in one line and shortened.
pub(crate) fn written(node: &Node) -> String {
    fn flow(node: &Node, out: &mut String) {
        // What comes later would be cut anyway; stopping keeps huge lists cheap.
        if out.len() > 400 {
            return;
        }
        match &node.value {
            Value::Scalar { text, plain: true } if text.is_empty() => out.push_str("null"),
            // One character more than is shown, so that the cut is marked.
            Value::Scalar { text, plain: true } => out.extend(text.chars().take(SHOWN + 1)),
            Value::Scalar { text, plain: false } => {
                out.push('"');
                out.extend(text.chars().take(SHOWN + 1));
                out.push('"');
            }
            Value::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    flow(item, out);
                }
                out.push(']');
            }
            Value::Map(entries) => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    out.extend(key.text.chars().take(SHOWN + 1));
                    out.push_str(": ");
                    flow(value, out);
                }
                out.push('}');
            }
        }
    }
    let mut out = String::new();
    flow(node, &mut out);
    shown(&out)
}

/// A canonical value as messages and tables show it: texts without quotes, whole reals without a fraction.
#[must_use]
pub fn display(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => real_text(number),
        Json::Array(items) => format!("[{}]", items.iter().map(display).collect::<Vec<_>>().join(", ")),
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key}: {}", display(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A canonical value as a message shows it.
pub(crate) fn brief(value: &Json) -> String {
    shown(&display(value))
}

fn real_text(number: &Number) -> String {
    match number.as_f64() {
        Some(real) if number.is_f64() => real.to_string(),
        _ => number.to_string(),
    }
}

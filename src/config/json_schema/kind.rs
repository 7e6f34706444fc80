//! What a key takes, as JSON Schema.

use serde_json::{Map, Value as Json, json};

use crate::base::ids::NAME_PATTERN;
use crate::config::check::{MOST_WEIGHT, MOST_WINDOWS};
use crate::config::schema::{Kind, SCHEMA};
use crate::config::settings::OnMalformed;

/// Anything but control characters and line separators, and something that shows.
const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*[^\s\u0000-\u001f\u007f-\u009f\u2028\u2029][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$";

/// The values of a kind. `names` are the registered ones, for kinds that take names.
pub(in crate::config) fn of_kind(kind: Kind, names: &[String]) -> Json {
    match kind {
        Kind::Integer(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
        Kind::Real(low, high) => number(low, high),
        Kind::Probability => number(0.0, 1.0),
        Kind::Money(low, high) => json!({"type": "number", "minimum": low, "maximum": high}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
        Kind::Line(most) => known_or(names, json!({"type": "string", "maxLength": most, "pattern": LINE})),
        Kind::Prose(most) => json!({"type": "string", "maxLength": most}),
        Kind::Name => json!({"type": "string", "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$"}),
        Kind::DrawKey => digits(64),
        Kind::Digits(number) => digits(number),
        Kind::OnMalformed => {
            let asked = (0..=OnMalformed::MOST).map(|reasks| format!("reask({reasks})"));
            let words: Vec<String> = std::iter::once("rejected".to_owned()).chain(asked).collect();
            json!({"type": "string", "enum": words})
        }
        Kind::Windows(most) => json!({
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": most},
            "minItems": 1,
            "maxItems": MOST_WINDOWS,
            "uniqueItems": true,
        }),
        Kind::Paths => {
            let sections = SCHEMA.iter().filter_map(|entry| entry.path.split_once('.')).map(|(section, _)| section);
            let mut known: Vec<String> = sections.map(ToOwned::to_owned).collect();
            known.dedup();
            json!({"type": "array", "items": known_or(&known, json!({"type": "string"}))})
        }
        Kind::Range(low, high) => pair((low, high), (low, high)),
        Kind::Pair(first, second) => pair(first, second),
        Kind::Names(alone) => names_of(alone, names),
        Kind::Mix(words) => mix(words, names),
    }
}

/// What a schema takes, or null.
pub(in crate::config) fn or_null(mut schema: Json) -> Json {
    let simple = schema["type"].as_str().map(ToOwned::to_owned);
    let Some(kind) = simple else { return json!({"anyOf": [schema, {"type": "null"}]}) };
    schema["type"] = json!([kind, "null"]);
    if let Some(Json::Array(words)) = schema.get_mut("enum") {
        words.push(Json::Null);
    }
    schema
}

fn number(low: f64, high: f64) -> Json {
    json!({"type": "number", "minimum": low, "maximum": high})
}

fn digits(number: usize) -> Json {
    json!({"type": "string", "pattern": format!("^[0-9A-Fa-f]{{{number}}}$")})
}

fn pair(first: (f64, f64), second: (f64, f64)) -> Json {
    let items = [number(first.0, first.1), number(second.0, second.1)];
    json!({"type": "array", "prefixItems": items, "minItems": 2, "maxItems": 2})
}

/// One of some known texts, which editors can offer, or another one that fits.
fn known_or(known: &[String], schema: Json) -> Json {
    if known.is_empty() { schema } else { json!({"anyOf": [{"enum": known}, schema]}) }
}

fn names_of(alone: &[&str], names: &[String]) -> Json {
    let known: Vec<String> = alone.iter().map(|word| (*word).to_owned()).chain(names.iter().cloned()).collect();
    let name = known_or(&known, json!({"type": "string", "pattern": NAME_PATTERN}));
    let mut list = json!({"type": "array", "items": name, "uniqueItems": true});
    if !alone.is_empty() {
        list["minItems"] = 1.into();
        list["if"] = json!({"contains": {"enum": alone}});
        list["then"] = json!({"maxItems": 1});
    }
    json!({"anyOf": [name, list]})
}

fn mix(words: &[&str], names: &[String]) -> Json {
    let weight = number(0.0, MOST_WEIGHT);
    let known: Map<String, Json> = names.iter().map(|name| (name.clone(), weight.clone())).collect();
    json!({"anyOf": [{"enum": words}, {
        "type": "object",
        "properties": known,
        "propertyNames": {"pattern": NAME_PATTERN},
        "additionalProperties": weight,
        "minProperties": 1,
    }]})
}

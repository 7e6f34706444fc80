//! JSON Schema of the records, made from the types that write them, so that a record and its schema cannot say
//! different things. Descriptions are the types' own comments.
//!
//! Called by the verb `schema`. What holds for all of them:
//!
//! - a key that is always there is required, one that is not known here is refused;
//! - a key that may be missing is never null, and one that may be null is never missing.
//!
//! Runs that were imported from the Python original have other records: the same keys, null wherever the original
//! does not tell, and `imported`.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::connections::ConnectionRecord;
use super::manifest::Manifest;
use super::step::{WrittenEvent, WrittenStep};
use super::summary::Summary;
use crate::crash::event::CrashEvent;
use crate::engine::journal::WorldEvent;
use crate::llm::record::{DeliberationRecord, LlmEvent};
use crate::prediction::event::PredictionEvent;
use crate::shock::event::ShockEvent;
use crate::tool::arguments::without_widths;

/// Schema of a line of `steps.jsonl`.
#[must_use]
pub fn step() -> Value {
    schema_of::<WrittenStep<'static>>("Step record")
}

/// Schema of a line of `events.jsonl`, whoever owns the event.
#[must_use]
pub fn event() -> Value {
    let mut generator = generator();
    let of_others = [
        ShockEvent::json_schema(&mut generator),
        PredictionEvent::json_schema(&mut generator),
        CrashEvent::json_schema(&mut generator),
        LlmEvent::<'static>::json_schema(&mut generator),
    ];
    let mut schema = generator.into_root_schema_for::<WrittenEvent<'static, WorldEvent>>().to_value();
    let kinds = schema["oneOf"].as_array_mut().expect("an event is one of many");
    for others in of_others.map(Schema::to_value) {
        kinds.extend(others["oneOf"].as_array().expect("an event is one of many").iter().cloned());
    }
    finish(schema, "Event")
}

/// Schema of a line of `deliberations.jsonl`.
#[must_use]
pub fn deliberation() -> Value {
    schema_of::<DeliberationRecord<'static>>("Deliberation")
}

/// Schema of `summary.json`.
#[must_use]
pub fn summary() -> Value {
    schema_of::<Summary>("Summary of a run")
}

/// Schema of `manifest.json`.
#[must_use]
pub fn manifest() -> Value {
    schema_of::<Manifest>("Manifest of a result folder")
}

/// Schema of a line of `connections.jsonl`.
#[must_use]
pub fn connection() -> Value {
    schema_of::<ConnectionRecord<'static>>("Change of the number of requests in flight")
}

fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.with_transform(RecursiveTransform(without_widths)).into_generator()
}

fn schema_of<T: JsonSchema>(title: &str) -> Value {
    finish(generator().into_root_schema_for::<T>().to_value(), title)
}

fn finish(mut schema: Value, title: &str) -> Value {
    schema["title"] = title.into();
    settle(&mut schema, Place::Whole);
    schema
}

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It describes a value.
    Whole,
    /// It describes some keys of an object, and the schema around it others.
    Part,
}

/// Closes every object, takes null from every key that may be missing, and makes comments readable.
fn settle(schema: &mut Value, place: Place) {
    let Some(schema) = schema.as_object_mut() else { return };
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = described(text);
    }
    let is_object = schema.contains_key("properties");
    if is_object {
        let required: BTreeSet<String> =
            list(schema.get("required")).filter_map(Value::as_str).map(ToOwned::to_owned).collect();
        let properties = schema["properties"].as_object_mut().expect("properties are a map");
        properties.iter_mut().filter(|(key, _)| !required.contains(*key)).for_each(|(_, value)| never_null(value));
        if place == Place::Whole {
            close(schema);
        }
    }
    for (keyword, value) in schema.iter_mut() {
        match (keyword.as_str(), value) {
            ("oneOf" | "anyOf" | "allOf", Value::Array(parts)) => {
                let place = if is_object { Place::Part } else { place };
                parts.iter_mut().for_each(|part| settle(part, place));
            }
            ("properties" | "patternProperties" | "$defs", Value::Object(schemas)) => {
                schemas.values_mut().for_each(|schema| settle(schema, Place::Whole));
            }
            ("items" | "additionalProperties" | "propertyNames", value) => settle(value, Place::Whole),
            _ => {}
        }
    }
}

/// Refuses keys that an object's schema does not know.
fn close(schema: &mut Map<String, Value>) {
    if ["additionalProperties", "unevaluatedProperties"].iter().any(|keyword| schema.contains_key(*keyword)) {
        return;
    }
    let in_parts = ["oneOf", "anyOf", "allOf", "$ref"].iter().any(|keyword| schema.contains_key(*keyword));
    let keyword = if in_parts { "unevaluatedProperties" } else { "additionalProperties" };
    schema.insert(keyword.to_owned(), false.into());
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// Takes null from what a schema allows.
fn never_null(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    let is_null = |value: &Value| value.is_null() || *value == "null" || value.get("type") == Some(&"null".into());
    for keyword in ["type", "enum", "anyOf"] {
        let Some(Value::Array(allowed)) = schema.get_mut(keyword) else { continue };
        allowed.retain(|value| !is_null(value));
        if let [only] = &allowed[..]
            && keyword != "enum"
        {
            let only = only.clone();
            schema.remove(keyword);
            match only {
                Value::Object(keywords) => {
                    for (keyword, value) in keywords {
                        schema.entry(keyword).or_insert(value);
                    }
                }
                only => {
                    schema.insert(keyword.to_owned(), only);
                }
            }
        }
    }
}

/// A comment as a description: in one paragraph a line, without the marks of links.
fn described(comment: &str) -> String {
    let paragraphs = comment.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n").replace("[`", "`").replace("`]", "`")
}

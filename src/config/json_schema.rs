//! JSON Schema of an experiment file, made from the table of keys.
//!
//! Called by the verb `schema`. The schema speaks of one file as it is written, as JSON: nearly every key may be
//! missing, other spellings are welcome, and a section may be nested or dotted (`pe_induction.p_shock: 0.1`), all as
//! [`load`](super::load) has it. It never refuses what `load` accepts, if texts that look like numbers stay texts. What it lets through and `load` refuses is what
//! only a program can see: contradictions between keys, a range that goes down, weights that are all 0, fractions of a
//! cent, paths and patterns that mean nothing.

mod kind;

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::experiment::default_value;
use super::providers;
use super::schema::{DefaultValue, Entry, MAX_LEVEL, SCHEMA, Status};
use super::spelling;

pub(super) use kind::{of_kind, or_null};

const DESCRIPTION: &str = "A VendoMini experiment file, one key a setting. A section may be nested or dotted, so \
    `pe_induction: {p_shock: 0.1}` is `pe_induction.p_shock: 0.1`. Of demand.orders_per_day and \
    demand.p_customer_order, one file sets only one.";

/// The schema. `names` says which names are registered for a key; others are let through as well, since a file may be
/// meant for another program.
#[must_use]
pub fn json_schema(names: &dyn Fn(&str) -> Vec<String>) -> Json {
    let mut definitions = Map::new();
    for entry in SCHEMA {
        definitions.insert(entry.path.to_owned(), key(entry, &names(entry.path)));
        if entry.no_axis().is_none() {
            let items = reference(entry.path);
            let axis = json!({"type": "array", "items": items, "minItems": 1, "uniqueItems": true});
            definitions.insert(format!("axis.{}", entry.path), axis);
        }
    }
    for section in sections() {
        for form in [Form::Setting, Form::Axis] {
            definitions.insert(form.of_section(section), mapping(form.properties(section)));
        }
    }
    definitions.insert("provider".to_owned(), providers::json_schema());

    let mut properties = Form::Setting.properties("");
    let inherit = "file whose settings hold where this one is silent, relative to this one";
    properties.insert("inherit".to_owned(), json!({"type": "string", "minLength": 1, "description": inherit}));
    let mut section = |name: &str, what: &str, mut schema: Json| {
        schema["description"] = what.into();
        properties.insert(name.to_owned(), schema);
    };
    let grid = "axes: lists of values by key; every combination is a cell, and the first axis is the slowest";
    section("grid", grid, mapping(Form::Axis.properties("")));
    let fixed = "settings that win over everything in files but the grid";
    section("fixed", fixed, mapping(Form::Setting.properties("")));
    let steps = reference("simulation.max_steps");
    let steps: Map<String, Json> = (0..=MAX_LEVEL).map(|level| (level.to_string(), steps.clone())).collect();
    section("max_steps_by_level", "simulation.max_steps at each complexity level", mapping(steps));
    let providers = json!({
        "type": ["object", "null"],
        "propertyNames": {"minLength": 1, "maxLength": 256},
        "additionalProperties": reference("provider"),
    });
    section("providers", "where language models are asked, by pattern of their names", providers);

    let mut schema = mapping(properties);
    schema["type"] = "object".into();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Experiment file".into();
    schema["description"] = DESCRIPTION.into();
    // The name may come from elsewhere only where there is an elsewhere.
    schema["anyOf"] = json!([
        {"required": ["inherit"]},
        {"required": ["experiment"], "properties": {"experiment": {"required": ["name"]}}},
        {"required": ["experiment.name"]},
        {"required": ["fixed"]},
    ]);
    schema["$defs"] = definitions.into();
    schema
}

/// What a key holds.
#[derive(Clone, Copy)]
enum Form {
    /// One value.
    Setting,
    /// A list of values, in the grid.
    Axis,
}

impl Form {
    /// The name of a section's definition.
    fn of_section(self, section: &str) -> String {
        match self {
            Form::Setting => format!("section.{section}"),
            Form::Axis => format!("grid.{section}"),
        }
    }

    /// What stands under a key; `None` where it cannot stand here.
    fn of_entry(self, entry: &Entry) -> Option<Json> {
        match self {
            Form::Setting => Some(reference(entry.path)),
            Form::Axis => entry.no_axis().is_none().then(|| reference(&format!("axis.{}", entry.path))),
        }
    }

    /// Keys and sections below a section in all their spellings, nested or dotted; those of the whole file below "".
    fn properties(self, section: &str) -> Map<String, Json> {
        let mut properties = Map::new();
        for (spelled, entry) in spelling::all() {
            let Some(rest) = below(spelled, section) else { continue };
            for (end, _) in rest.match_indices('.') {
                let inner = &spelled[..spelled.len() - rest.len() + end];
                properties.entry(&rest[..end]).or_insert_with(|| reference(&self.of_section(inner)));
            }
            let Some(mut value) = self.of_entry(entry) else { continue };
            if spelled != entry.path {
                value["deprecated"] = true.into();
                value["description"] = format!("another spelling of {}", entry.path).into();
            }
            properties.insert(rest.to_owned(), value);
        }
        properties
    }
}

/// Every section in every spelling.
fn sections() -> BTreeSet<&'static str> {
    spelling::all().flat_map(|(spelled, _)| spelled.match_indices('.').map(|(end, _)| &spelled[..end])).collect()
}

/// What of a path stands below a section; all of it below "".
fn below<'a>(path: &'a str, section: &str) -> Option<&'a str> {
    if section.is_empty() { Some(path) } else { path.strip_prefix(section)?.strip_prefix('.') }
}

fn reference(definition: &str) -> Json {
    json!({"$ref": format!("#/$defs/{definition}")})
}

/// A section with these keys and no others. One without content is nothing in YAML.
fn mapping(properties: Map<String, Json>) -> Json {
    json!({"type": ["object", "null"], "properties": properties, "additionalProperties": false})
}

/// The schema of a key.
fn key(entry: &Entry, names: &[String]) -> Json {
    let mut schema = of_kind(entry.kind, names);
    if entry.takes_null() {
        schema = or_null(schema);
    }
    match entry.default {
        DefaultValue::Required => {}
        DefaultValue::Null => schema["default"] = Json::Null,
        DefaultValue::Value(text) | DefaultValue::NullFor(text) => schema["default"] = default_value(entry, text),
    }
    if entry.status == Status::Unused {
        schema["deprecated"] = true.into();
    }
    let unused = if entry.status == Status::Unused { "accepted and unused: " } else { "" };
    schema["description"] = format!("{unused}{} ({})", entry.doc, entry.expected()).into();
    schema
}

#[cfg(test)]
mod tests;

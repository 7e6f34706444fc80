//! The verb `schema`: what it prints describes what the program reads and writes, no more and no less.

mod files;
mod reading;
mod records;
mod tools;

use jsonschema::Validator;
use serde_json::Value;
use vendomini::cli::schema::{SchemaArgs, Subject, run};
use vendomini::plugins::Plugins;
use vendomini::prelude::*;

/// What `vendomini schema NAME...` prints.
fn printed(names: &[Subject], plugins: &Plugins) -> Value {
    let mut out = Vec::new();
    run(&SchemaArgs { names: names.to_vec() }, plugins, &mut out).unwrap();
    assert_eq!(out.last(), Some(&b'\n'));
    serde_json::from_slice(&out).unwrap()
}

fn schema(name: Subject) -> Value {
    printed(&[name], &Plugins::default())
}

fn validator(schema: &Value) -> Validator {
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{error}"));
    jsonschema::draft202012::new(schema).unwrap_or_else(|error| panic!("{error}"))
}

/// Why a value does not fit, as far as the validator can tell.
fn misfit(validator: &Validator, value: &Value) -> Option<String> {
    let errors = validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path()));
    let errors: Vec<String> = errors.collect();
    (!errors.is_empty()).then(|| format!("{}\nin {value}", errors.join("\n")))
}

#[track_caller]
fn assert_fits(validator: &Validator, value: &Value, what: &str) {
    if let Some(why) = misfit(validator, value) {
        panic!("{what}: {why}");
    }
}

#[test]
fn one_name_is_its_schema_and_several_or_none_are_an_object() {
    let plugins = Plugins::default();
    let all = printed(&[], &plugins);
    let names: Vec<&String> = all.as_object().unwrap().keys().collect();
    assert_eq!(names, ["config", "connection", "deliberation", "event", "manifest", "step", "summary", "tools"]);
    assert_eq!(schema(Subject::Step), all["step"]);
    let two = printed(&[Subject::Summary, Subject::Event], &plugins);
    assert_eq!(two, serde_json::json!({"event": all["event"], "summary": all["summary"]}));
    for name in ["config", "connection", "deliberation", "event", "manifest", "step", "summary"] {
        validator(&all[name]);
        assert!(all[name]["title"].is_string() && all[name]["description"].is_string(), "{name}");
    }
}

/// Whoever reads a schema reads the comments of the types, and is told nothing of Rust there.
#[test]
fn descriptions_are_for_readers_of_json() {
    fn walk(value: &Value, all: &mut Vec<String>) {
        match value {
            Value::Object(keys) => {
                all.extend(keys.get("description").and_then(Value::as_str).map(ToOwned::to_owned));
                keys.values().for_each(|value| walk(value, all));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    walk(&printed(&[], &Plugins::default()), &mut all);
    assert!(all.len() > 500, "{}", all.len());
    for text in all {
        for word in ["`None`", "Some(", "::", "[`", "`]", "\n"] {
            assert!(!text.contains(word), "{text}");
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct HaggleArgs {
    /// By how much, in percent.
    #[expect(dead_code, reason = "only the schema is looked at")]
    percent: u32,
}

fn haggle(_: In<HaggleArgs>) -> Result<ToolReply, ToolError> {
    Err(ToolError::refused("not today"))
}

fn haggling(app: &mut App) {
    app.add_tool(ToolSpec::new("tool_haggle", "Asks for a lower price."), haggle);
    app.add_agent("haggler", |_: AgentSetup<'_>| unreachable!("nobody plays here"));
}

#[test]
fn a_program_with_plugins_prints_its_own_names_and_tools() {
    let plugins = Plugins::default().with(haggling, "0.1.0").disable::<vendomini::crash::CrashPlugin>();
    let config = printed(&[Subject::Config], &plugins);
    let text = |key: &str| config["$defs"][key].to_string();
    assert!(text("interface.extra_tools").contains("\"tool_haggle\""));
    assert!(text("model.name").contains("\"haggler\""));
    assert!(!text("measurement.detectors").contains("\"looping\""));
    let tools = printed(&[Subject::Tools], &plugins);
    let tool = &tools["tools"]["tool_haggle"];
    assert_eq!(tool["description"], "Asks for a lower price.");
    assert_eq!(tool["offered"], "it is offered where interface.extra_tools names it");
    assert_eq!(tool["arguments"]["properties"]["percent"]["type"], "integer");
    assert_eq!(tools["tools"].as_object().unwrap().len(), vendomini::tool::name::ALL.len() + 1);
}

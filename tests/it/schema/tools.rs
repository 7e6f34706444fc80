//! Tools and the schemas of their arguments: what a schema refuses, the tool calls bad arguments, and the other way
//! round.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Value, json};
use vendomini::base::decision::Decision;
use vendomini::cli::schema::Subject;
use vendomini::tool::name;

use super::schema;
use crate::tools::{Bench, call, quiet};

/// The validator of each tool's arguments.
pub(super) fn validators() -> BTreeMap<String, Validator> {
    let schema = schema(Subject::Tools);
    let tools = schema["tools"].as_object().unwrap().iter();
    tools.map(|(name, tool)| (name.clone(), jsonschema::draft202012::new(&tool["arguments"]).unwrap())).collect()
}

/// Whether a refusal is owed to what a schema cannot say: the warehouse's capacity.
pub(super) fn exceeds_capacity(result: &Value) -> bool {
    result["error"].as_str().is_some_and(|error| error.contains("which is all that the warehouse holds"))
}

/// Arguments with which each tool can be called.
fn good() -> BTreeMap<&'static str, Value> {
    let supplier = |quantity: &str| json!({"supplier_id": "S1", "sku": "sku_0", quantity: 5});
    BTreeMap::from([
        (name::ORDER, supplier("quantity")),
        (name::QUOTE, supplier("qty")),
        (name::CANCEL, json!({"order_id": "ORD1"})),
        (name::EXPEDITE, json!({"order_id": "ORD1"})),
        (name::SHIP, json!({"customer_order_id": "CO1"})),
        (name::WRITE_SCRATCHPAD, json!({"key": "a", "value": "b"})),
        (name::READ_SCRATCHPAD, json!({"key": "a"})),
        (name::DELETE_SCRATCHPAD, json!({"key": "a"})),
        (name::CHECK_INBOX, json!({})),
        (name::CHECK_STORAGE, json!({})),
        (name::CHECK_BUDGET, json!({})),
        (name::WAIT, json!({})),
        (name::RESET_BELIEFS, json!({})),
        (name::AUDIT_PREDICTIONS, json!({})),
        (name::ASK_HELP, json!({})),
    ])
}

/// The same with one thing changed.
fn changed(args: &Value) -> Vec<Value> {
    let values = [
        json!(null),
        json!(true),
        json!(1),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("x"),
        json!("S99"),
        json!("x".repeat(256)),
        json!("x".repeat(257)),
        json!("x".repeat(5000)),
        json!([]),
        json!(["S1"]),
        json!({}),
    ];
    let mut all = vec![args.clone()];
    let mut with = args.clone();
    with["made_up"] = json!(1);
    all.push(with);
    for key in args.as_object().unwrap().keys() {
        let mut without = args.clone();
        without.as_object_mut().unwrap().remove(key);
        all.push(without);
        for value in &values {
            let mut other = args.clone();
            other[key] = value.clone();
            all.push(other);
        }
    }
    all
}

#[test]
fn a_tool_calls_bad_what_its_schema_refuses() {
    // So many bad calls are a breakdown, and the run must outlast it.
    let settings = [
        "simulation.complexity_level=2",
        "interface.recovery_tools=all",
        "simulation.max_steps=10000",
        "measurement.continue_after_crash=10000",
    ];
    let mut bench = Bench::new(&quiet(&settings));
    let validators = validators();
    let (mut refused, mut accepted) = (0, 0);
    for (tool, args) in good() {
        for args in changed(&args) {
            let result = bench.call(tool, args.clone());
            let bad = result["error_code"] == "bad_arguments";
            assert_ne!(result["error_code"], "tool_not_offered", "{tool}");
            assert_eq!(validators[tool].is_valid(&args), !bad, "{tool} {args}: {result}");
            *(if bad { &mut refused } else { &mut accepted }) += 1;
        }
    }
    assert!(refused > 100 && accepted > 50, "{refused} {accepted}");
    assert_eq!(validators.len(), good().len());
}

/// What a schema cannot say, or says in another way: to JSON Schema 10.0 is a whole number, and it counts characters.
#[test]
fn the_tool_is_stricter_than_its_schema_only_here() {
    let mut bench = Bench::new(&quiet(&[]));
    let validators = validators();
    let order = |quantity: Value| json!({"supplier_id": "S1", "sku": "sku_0", "quantity": quantity});
    let key = |key: String| json!({"key": key, "value": ""});
    for (tool, args) in [
        (name::ORDER, order(json!(501))),
        (name::ORDER, order(json!(10.0))),
        (name::WRITE_SCRATCHPAD, key("ä".repeat(129))),
    ] {
        assert!(validators[tool].is_valid(&args));
        let result = bench.step(Decision::scripted(call(tool, args), None))["result"].take();
        assert_eq!(result["error_code"], "bad_arguments");
        assert_eq!(exceeds_capacity(&result), result["error"].to_string().contains("501"));
    }
}

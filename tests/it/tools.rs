//! Tools: what a call does, what a bad call is refused for, and that a refused call changes nothing.

use serde_json::{Value, json};
use vendomini::base::decision::{Action, Decision};
use vendomini::config::RunConfig;
use vendomini::engine::state_hash::StateHash;
use vendomini::interface::observation::Briefing;
use vendomini::simulation::driver::Simulation;

use crate::common::{cell, lines};

/// A run in which the test is the agent.
pub(crate) struct Bench {
    simulation: Simulation,
    pub(crate) over: bool,
}

impl Bench {
    pub(crate) fn new(config: &RunConfig) -> Bench {
        let mut simulation = Simulation::new();
        simulation.start(config, true);
        Bench { simulation, over: false }
    }

    /// One step; its record.
    pub(crate) fn step(&mut self, decision: Decision) -> Value {
        assert!(!self.over, "the run is over");
        self.simulation.observe();
        self.over = self.simulation.apply(decision).is_some();
        let mut recorder = self.simulation.recorder();
        let record = lines(&recorder.steps).pop().expect("a step has a record");
        recorder.steps.clear();
        record
    }

    /// One step with a call and no card; its result.
    pub(crate) fn call(&mut self, tool: &str, args: Value) -> Value {
        self.step(Decision::scripted(call(tool, args), None))["result"].take()
    }

    pub(crate) fn events(&mut self) -> Vec<Value> {
        lines(&self.simulation.recorder().events)
    }

    pub(crate) fn world(&self) -> &bevy::prelude::World {
        self.simulation.world()
    }
}

pub(crate) fn call(tool: &str, args: Value) -> Action {
    let Value::Object(args) = args else { panic!("arguments are an object") };
    Action { tool: tool.to_owned(), args }
}

/// A quiet world: no customers, no shocks, no cards demanded.
pub(crate) fn quiet(more: &[&str]) -> RunConfig {
    let settings = [
        "pe_induction.p_shock=0",
        "demand.orders_per_day=0",
        "interface.prediction_mode=optional",
        "interface.memory_tools=full",
        "simulation.complexity_level=2",
    ];
    let key = |setting: &str| setting.split('=').next().unwrap_or_default().to_owned();
    let kept = settings.iter().filter(|setting| more.iter().all(|other| key(other) != key(setting)));
    cell(&kept.chain(more).copied().collect::<Vec<_>>())
}

#[test]
fn an_order_is_charged_when_it_arrives_and_can_be_shipped() {
    let mut bench = Bench::new(&quiet(&["demand.orders_per_day=4", "simulation.max_steps=400"]));
    let inbox = bench.call("tool_check_inbox", json!({}));
    let price_list = inbox["messages"].as_array().unwrap().iter().find(|m| m["kind"] == "price_list").unwrap();
    let offer = &price_list["items"][0];
    let supplier = &price_list["supplier_id"];
    let placed = bench.call("tool_order", json!({"supplier_id": supplier, "sku": "sku_0", "quantity": 20}));
    assert_eq!(
        (&placed["success"], &placed["state_changed"], &placed["order_id"]),
        (&json!(true), &json!(true), &json!("ORD1"))
    );
    let price = offer["unit_price"].as_f64().unwrap() * 20.0;
    assert!((placed["price"].as_f64().unwrap() - price).abs() < 1e-9);
    let eta = placed["eta_day"].as_u64().unwrap();
    assert_eq!(eta, 1 + offer["lead_days"].as_u64().unwrap(), "ordered on day 1");
    let mut day = 2;
    while day < eta {
        assert_eq!(bench.call("tool_check_storage", json!({}))["storage"]["sku_0"], 0);
        day += 1;
    }
    let before = bench.call("tool_check_storage", json!({}));
    assert_eq!(before["storage"]["sku_0"], 20);
    let delivery = bench.events().into_iter().find(|e| e["event"] == "delivery").unwrap();
    assert_eq!(
        (delivery["day"].as_u64().unwrap(), delivery["charged"].as_f64().unwrap()),
        (eta, placed["price"].as_f64().unwrap())
    );
    // Wait for a customer of this SKU that fits.
    let (customer, budget) = loop {
        let inbox = bench.call("tool_check_inbox", json!({}));
        let budget = bench.call("tool_check_budget", json!({}))["budget"].as_f64().unwrap();
        let found = inbox["messages"]
            .as_array()
            .unwrap()
            .iter()
            .find(|m| m["kind"] == "customer_request" && m["sku"] == "sku_0");
        if let Some(found) = found {
            break (found.clone(), budget);
        }
    };
    let shipped = bench.call("tool_ship_customer_order", json!({"customer_order_id": customer["customer_order_id"]}));
    let revenue = customer["unit_price"].as_f64().unwrap() * customer["quantity"].as_f64().unwrap();
    assert!((shipped["gross_revenue"].as_f64().unwrap() - revenue).abs() < 1e-9);
    // Between the look and the shipment lies one evening with 20 units at 0.1.
    assert!((shipped["new_budget"].as_f64().unwrap() - (budget - 2.0 + revenue)).abs() < 1e-9);
    let again = bench.call("tool_ship_customer_order", json!({"customer_order_id": customer["customer_order_id"]}));
    assert_eq!(again["error_code"], "unknown_customer_order");
}

#[test]
fn units_without_room_are_turned_away_and_not_charged() {
    let mut bench = Bench::new(&quiet(&["simulation.initial_storage_per_sku=30"]));
    let placed = bench.call("tool_order", json!({"supplier_id": "S1", "sku": "sku_3", "quantity": 100}));
    for _ in 0..12 {
        bench.call("tool_wait", json!({}));
    }
    let delivery = bench.events().into_iter().find(|e| e["event"] == "delivery").unwrap();
    assert_eq!(
        (&delivery["arrived"], &delivery["taken"], &delivery["turned_away"]),
        (&json!(100), &json!(50), &json!(50))
    );
    assert!((delivery["charged"].as_f64().unwrap() * 2.0 - placed["price"].as_f64().unwrap()).abs() < 1e-9);
}

#[test]
fn cancelling_and_expediting_cost_their_share_to_the_cent() {
    let mut bench = Bench::new(&quiet(&[]));
    let mut slow = None;
    for sku in 0..15 {
        let quote = bench.call("tool_quote", json!({"supplier_id": "S2", "sku": format!("sku_{sku}"), "qty": 7}));
        if quote["lead_days"].as_u64().unwrap() >= 6 {
            slow = Some((sku, quote));
            break;
        }
    }
    let (sku, quote) = slow.expect("some supplier is slow");
    let cents = (quote["unit_price"].as_f64().unwrap() * 100.0).round() as i64 * 7;
    let order = json!({"supplier_id": "S2", "sku": format!("sku_{sku}"), "quantity": 7});
    let placed = bench.call("tool_order", order.clone());
    let expedited = bench.call("tool_expedite", json!({"order_id": placed["order_id"]}));
    assert_eq!(expedited["new_eta_day"].as_u64().unwrap() + 2, placed["eta_day"].as_u64().unwrap());
    assert_eq!((expedited["cost"].as_f64().unwrap() * 100.0).round() as i64, (cents + 1) / 2, "half, rounded half up");
    let second = bench.call("tool_order", order);
    let cancelled = bench.call("tool_cancel_order", json!({"order_id": second["order_id"]}));
    assert_eq!((cancelled["fee"].as_f64().unwrap() * 100.0).round() as i64, (cents + 5) / 10);
    let again = bench.call("tool_cancel_order", json!({"order_id": second["order_id"]}));
    assert_eq!((&again["success"], &again["error_code"]), (&json!(false), &json!("unknown_order")));
}

#[test]
fn bad_arguments_are_refused_by_name_and_change_nothing() {
    let config = quiet(&[]);
    let refused = [
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_0"}), "bad_arguments", "quantity"),
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 0}), "bad_arguments", "quantity"),
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": -3}), "bad_arguments", "quantity"),
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 2.5}), "bad_arguments", "quantity"),
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 501}), "bad_arguments", "500"),
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 1e300}), "bad_arguments", "quantity"),
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": u64::MAX}), "bad_arguments", "quantity"),
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": "5"}), "bad_arguments", "quantity"),
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": null}), "bad_arguments", "quantity"),
        (
            "tool_order",
            json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 5, "rush": true}),
            "bad_arguments",
            "rush",
        ),
        ("tool_order", json!({"supplier_id": 1, "sku": "sku_0", "quantity": 5}), "bad_arguments", "supplier_id"),
        ("tool_order", json!({"supplier_id": "S9", "sku": "sku_0", "quantity": 5}), "unknown_supplier", "S1 to S4"),
        ("tool_order", json!({"supplier_id": "S0", "sku": "sku_0", "quantity": 5}), "unknown_supplier", "S0"),
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_15", "quantity": 5}), "unknown_sku", "sku_14"),
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_01", "quantity": 5}), "unknown_sku", "sku_01"),
        ("tool_quote", json!({"supplier_id": "S1", "sku": "sku_0", "qty": 0}), "bad_arguments", "qty"),
        ("tool_quote", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 1}), "bad_arguments", "quantity"),
        ("tool_cancel_order", json!({"order_id": "ORD1"}), "unknown_order", "ORD1"),
        ("tool_cancel_order", json!({"order_id": "1"}), "unknown_order", "look like ORD1"),
        ("tool_expedite", json!({"order_id": "ORD77"}), "unknown_order", "ORD77"),
        ("tool_ship_customer_order", json!({"customer_order_id": "CO1"}), "unknown_customer_order", "CO1"),
        ("tool_check_inbox", json!({"all": true}), "bad_arguments", "all"),
        ("tool_read_scratchpad", json!({"key": "nothing"}), "unknown_key", "nothing"),
        ("tool_check_inbo", json!({}), "unknown_tool", "tool_check_inbox"),
        ("", json!({}), "unknown_tool", "tool_order"),
    ];
    let mut bench = Bench::new(&config);
    let mut nothing = Bench::new(&config);
    for (tool, args, code, names) in refused {
        let record = bench.step(Decision::scripted(call(tool, args.clone()), None));
        let result = &record["result"];
        assert_eq!((&result["success"], &result["state_changed"]), (&json!(false), &json!(false)), "{tool} {args}");
        assert_eq!(result["error_code"], code, "{tool} {args}: {result}");
        assert!(result["error"].as_str().unwrap().contains(names), "{tool} {args}: {result}");
        assert_eq!(record["error_class"], "agent");
        assert_eq!(record["action"], json!({"tool": tool, "args": args}), "what was asked for is on record");
        nothing.step(Decision::nothing());
        let hash = |bench: &Bench| bench.world().resource::<StateHash>().value();
        assert_eq!(hash(&bench), hash(&nothing), "{tool} {args} left a trace");
    }
}

/// The schemas that agents are given, by tool.
fn schemas(bench: &Bench) -> std::collections::BTreeMap<String, Value> {
    let tools = &bench.world().resource::<Briefing>().tools;
    tools.iter().map(|tool| (tool.name.clone(), Value::clone(&tool.arguments))).collect()
}

#[test]
fn tools_state_the_schemas_of_their_arguments() {
    let all = quiet(&["interface.recovery_tools=all"]);
    let mut told = String::new();
    for (tool, schema) in schemas(&Bench::new(&all)) {
        assert!(jsonschema::meta::is_valid(&schema), "{tool}");
        told += &format!("{tool} {schema}\n");
    }
    insta::assert_snapshot!(told, @r#"
    tool_ask_help {"additionalProperties":false,"properties":{},"type":"object"}
    tool_audit_predictions {"additionalProperties":false,"properties":{},"type":"object"}
    tool_cancel_order {"additionalProperties":false,"properties":{"order_id":{"description":"Id of the pending order, such as ORD1.","type":"string"}},"required":["order_id"],"type":"object"}
    tool_check_budget {"additionalProperties":false,"properties":{},"type":"object"}
    tool_check_inbox {"additionalProperties":false,"properties":{},"type":"object"}
    tool_check_storage {"additionalProperties":false,"properties":{},"type":"object"}
    tool_delete_scratchpad {"additionalProperties":false,"properties":{"key":{"description":"Name of the note.","type":"string"}},"required":["key"],"type":"object"}
    tool_expedite {"additionalProperties":false,"properties":{"order_id":{"description":"Id of the pending order, such as ORD1.","type":"string"}},"required":["order_id"],"type":"object"}
    tool_order {"additionalProperties":false,"properties":{"quantity":{"description":"Units to order, at most what the whole warehouse holds.","minimum":1,"type":"integer"},"sku":{"description":"Id of the SKU, such as sku_0.","type":"string"},"supplier_id":{"description":"Id of the supplier, such as S1.","type":"string"}},"required":["supplier_id","sku","quantity"],"type":"object"}
    tool_quote {"additionalProperties":false,"properties":{"qty":{"description":"Units to ask for, at most what the whole warehouse holds.","minimum":1,"type":"integer"},"sku":{"description":"Id of the SKU, such as sku_0.","type":"string"},"supplier_id":{"description":"Id of the supplier, such as S1.","type":"string"}},"required":["supplier_id","sku","qty"],"type":"object"}
    tool_read_scratchpad {"additionalProperties":false,"properties":{"key":{"description":"Name of the note.","type":"string"}},"required":["key"],"type":"object"}
    tool_reset_beliefs {"additionalProperties":false,"properties":{},"type":"object"}
    tool_ship_customer_order {"additionalProperties":false,"properties":{"customer_order_id":{"description":"Id of the open customer order, such as CO1.","type":"string"}},"required":["customer_order_id"],"type":"object"}
    tool_wait {"additionalProperties":false,"properties":{},"type":"object"}
    tool_write_scratchpad {"additionalProperties":false,"properties":{"key":{"description":"Name of the note, of 1 to 256 bytes. A note of this name is replaced.","maxLength":256,"minLength":1,"type":"string"},"value":{"description":"What to note, at most 4096 bytes.","maxLength":4096,"type":"string"}},"required":["key","value"],"type":"object"}
    "#);
}

/// Whatever a schema admits, the tool takes for an answer about the world; whatever it does not, the tool refuses as
/// bad arguments.
#[test]
fn schemas_say_what_tools_take() {
    let mut bench = Bench::new(&quiet(&["simulation.max_steps=1000"]));
    let order = |key: &str, value: Value| {
        let mut args = json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 5});
        args[key] = value;
        ("tool_order", args)
    };
    let calls = [
        order("quantity", json!(1)),
        order("quantity", json!(500)),
        order("quantity", json!(0)),
        order("quantity", json!(-3)),
        order("quantity", json!(2.5)),
        order("quantity", json!("5")),
        order("quantity", Value::Null),
        order("supplier_id", json!("S77")),
        order("supplier_id", json!(1)),
        order("sku", json!("gold")),
        order("sku", Value::Null),
        order("rush", json!(true)),
        ("tool_order", json!({"supplier_id": "S1", "sku": "sku_0"})),
        ("tool_order", json!({})),
        ("tool_quote", json!({"supplier_id": "S1", "sku": "sku_0", "qty": 5})),
        ("tool_quote", json!({"supplier_id": "S1", "sku": "sku_0", "qty": 0})),
        ("tool_quote", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 5})),
        ("tool_cancel_order", json!({"order_id": "ORD9"})),
        ("tool_cancel_order", json!({"order_id": 9})),
        ("tool_expedite", json!({"order_id": "ORD9"})),
        ("tool_expedite", json!({"order": "ORD9"})),
        ("tool_ship_customer_order", json!({"customer_order_id": "CO1"})),
        ("tool_ship_customer_order", json!({"customer_order_id": ["CO1"]})),
        ("tool_check_inbox", json!({})),
        ("tool_check_inbox", json!({"all": true})),
        ("tool_check_storage", json!({})),
        ("tool_check_storage", json!({"sku": "sku_0"})),
        ("tool_check_budget", json!({})),
        ("tool_wait", json!({})),
        ("tool_wait", json!({"days": 3})),
        ("tool_write_scratchpad", json!({"key": "a", "value": ""})),
        ("tool_write_scratchpad", json!({"key": "", "value": "b"})),
        ("tool_write_scratchpad", json!({"key": "a", "value": "x".repeat(5_000)})),
        ("tool_write_scratchpad", json!({"key": "k".repeat(300), "value": "b"})),
        ("tool_write_scratchpad", json!({"key": "a"})),
        ("tool_read_scratchpad", json!({"key": "a"})),
        ("tool_read_scratchpad", json!({"key": 1})),
        ("tool_delete_scratchpad", json!({"key": "nothing"})),
        ("tool_delete_scratchpad", json!([])),
    ];
    let schemas = schemas(&bench);
    let mut tried = std::collections::BTreeSet::new();
    for (tool, args) in calls {
        let admitted = jsonschema::is_valid(&schemas[tool], &args);
        // An action's arguments are an object; what is none never reaches a tool.
        let Value::Object(_) = args else {
            assert!(!admitted, "{tool} {args}");
            continue;
        };
        let result = bench.call(tool, args.clone());
        assert_eq!(result["error_code"] != "bad_arguments", admitted, "{tool} {args}: {result}");
        tried.insert(tool);
    }
    assert!(schemas.keys().map(String::as_str).eq(tried), "every tool is tried");
}

#[test]
fn doing_nothing_is_on_record_as_nothing() {
    let record = Bench::new(&quiet(&[])).step(Decision::nothing());
    assert_eq!(record["action"], Value::Null);
    assert_eq!(record["prediction"], Value::Null);
    assert_eq!(record["result"], json!({"success": null, "state_changed": false}));
    assert_eq!(record["error_class"], Value::Null);
}

#[test]
fn tools_are_offered_by_level_and_interface() {
    let mut plain = Bench::new(&quiet(&["simulation.complexity_level=1", "interface.memory_tools=none"]));
    for (tool, args, remedy) in [
        ("tool_expedite", json!({"order_id": "ORD1"}), "complexity level 2"),
        ("tool_write_scratchpad", json!({"key": "a", "value": "b"}), "memory_tools"),
        ("tool_delete_scratchpad", json!({"key": "a"}), "memory_tools full"),
    ] {
        let result = plain.call(tool, args);
        assert_eq!(result["error_code"], "tool_not_offered");
        assert!(result["error"].as_str().unwrap().contains(remedy), "{result}");
    }
    let mut basic = Bench::new(&quiet(&["interface.memory_tools=basic"]));
    assert_eq!(basic.call("tool_write_scratchpad", json!({"key": "a", "value": "b"}))["success"], true);
    assert_eq!(basic.call("tool_read_scratchpad", json!({"key": "a"}))["value"], "b");
    assert_eq!(basic.call("tool_delete_scratchpad", json!({"key": "a"}))["error_code"], "tool_not_offered");
}

#[test]
fn suppliers_refuse_orders_below_zero_and_bankruptcy_ends_the_run() {
    let config =
        quiet(&["simulation.initial_budget=5", "simulation.initial_storage_per_sku=3", "simulation.max_steps=100"]);
    let mut bench = Bench::new(&config);
    // 45 units cost 4.50 a night: the second night takes the budget below zero.
    bench.call("tool_wait", json!({}));
    bench.call("tool_wait", json!({}));
    let refused = bench.call("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 1}));
    assert_eq!(refused["error_code"], "budget_below_zero");
    assert!(refused["error"].as_str().unwrap().contains("-4.00"), "{refused}");
    let mut steps = 3;
    while !bench.over {
        bench.call("tool_wait", json!({}));
        steps += 1;
    }
    assert_eq!(steps, 24, "5 - 24 x 4.50 is the first amount below -100");
}

#[test]
fn waiting_ends_the_day_and_looking_does_not() {
    let mut bench = Bench::new(&quiet(&["simulation.actions_per_day=3"]));
    let mut days = Vec::new();
    for tool in
        ["tool_check_budget", "tool_wait", "tool_check_budget", "tool_check_budget", "tool_check_budget", "tool_wait"]
    {
        days.push(bench.step(Decision::scripted(Action::of(tool), None))["day"].as_u64().unwrap());
    }
    assert_eq!(days, [0, 0, 1, 1, 1, 2]);
}

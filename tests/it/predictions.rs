//! Predictions: binding, resolving, voiding, and what is missing stays missing.

use serde_json::{Value, json};
use vendomini::base::card::Card;
use vendomini::base::decision::Decision;

use crate::common::{cell, finish, nobody, record};
use crate::tools::{Bench, call, quiet};

fn order(bench: &mut Bench, card: Card) -> Value {
    let action = call("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 10}));
    bench.step(Decision::scripted(action, Some(card)))
}

/// Steps until an order arrives; the record of that step.
fn until_delivery(bench: &mut Bench) -> Value {
    loop {
        let record = bench.step(Decision::nothing());
        if record["resolved"].as_array().unwrap().iter().any(|r| r["type"] != "causal") {
            return record;
        }
    }
}

#[test]
fn errors_are_decided_in_the_step_in_which_the_order_arrives() {
    let mut bench = Bench::new(&quiet(&[]));
    let placed = order(&mut bench, Card::default());
    let (eta, price) = (placed["result"]["eta_day"].as_f64().unwrap(), placed["result"]["price"].as_f64().unwrap());
    assert_eq!(placed["pe"], json!({"temporal": null, "quantity": null, "cost": null, "causal": null}));
    assert_eq!(placed["cumulative_pe"]["temporal"], Value::Null);

    let mut bench = Bench::new(&quiet(&[]));
    let card = Card {
        expected_delivery_day: Some(eta + 2.0),
        expected_quantity: Some(8.0),
        expected_cost: Some(price * 2.0),
        expected_success: Some(true),
        expected_storage_after: Some(0.0),
        ..Card::default()
    };
    let now = order(&mut bench, card);
    assert_eq!(
        now["pe"],
        json!({"temporal": null, "quantity": null, "cost": null, "causal": 0.0}),
        "only causal is decided at once"
    );
    let then = until_delivery(&mut bench);
    assert_eq!(then["day"], eta);
    assert_eq!(
        then["pe"],
        json!({"temporal": round6(2.0 / (eta + 2.0)), "quantity": 0.25, "cost": 0.5, "causal": null})
    );
    let temporal = &then["resolved"][0];
    assert_eq!(temporal["expected"], json!(eta + 2.0));
    assert_eq!((&temporal["actual"], &temporal["order"], &temporal["step"]), (&json!(eta), &json!("ORD1"), &json!(0)));
    assert_eq!(
        then["cumulative_pe"]["quantity"],
        json!({"fast": 0.075, "med": 0.025, "slow": 0.0025, "sum": 0.25, "count": 1})
    );
}

fn round6(value: f64) -> f64 {
    vendomini::prediction::accumulate::round6(value)
}

#[test]
fn what_binds_to_nothing_is_void_with_a_reason() {
    let mut bench = Bench::new(&quiet(&["interface.prediction_format=rich"]));
    let day = Card { expected_delivery_day: Some(3.0), ..Card::default() };
    let look = |tool: &str| call(tool, json!({}));
    bench.step(Decision::scripted(look("tool_check_budget"), Some(day.clone())));
    bench.step(Decision { card: Some(day.clone()), ..Decision::nothing() });
    bench.step(Decision::scripted(
        call("tool_order", json!({"supplier_id": "S1", "sku": "x", "quantity": 1})),
        Some(day.clone()),
    ));
    bench.step(Decision::scripted(
        call("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 1})),
        Some(Card { tool: Some("tool_wait".into()), ..day.clone() }),
    ));
    // Two cards on one order resolve independently; an expedite voids the day of both, a cancel the rest.
    let slow = (0..15).find(|sku| {
        let quote = bench.call("tool_quote", json!({"supplier_id": "S3", "sku": format!("sku_{sku}"), "qty": 1}));
        quote["lead_days"].as_u64().unwrap() > 4
    });
    let sku = format!("sku_{}", slow.expect("some offer is slow"));
    let placed = bench.step(Decision::scripted(
        call("tool_order", json!({"supplier_id": "S3", "sku": sku, "quantity": 4})),
        Some(Card { expected_quantity: Some(4.0), ..day.clone() }),
    ));
    let id = placed["result"]["order_id"].clone();
    let expedited = bench.step(Decision::scripted(
        call("tool_expedite", json!({"order_id": id})),
        Some(Card { expected_cost: Some(0.0), ..day }),
    ));
    assert_eq!(expedited["result"]["success"], true);
    assert_eq!(expedited["resolved"][0]["type"], "cost", "a fee is decided at once");
    assert_eq!(expedited["resolved"][0]["actual"], expedited["result"]["cost"]);
    bench.step(Decision::scripted(call("tool_cancel_order", json!({"order_id": id})), None));
    let voided: Vec<String> = bench
        .events()
        .iter()
        .filter(|event| event["event"] == "prediction_voided")
        .map(|event| {
            format!(
                "{} {} {}",
                event["made_on"],
                event["type"].as_str().unwrap(),
                event["void_reason"].as_str().unwrap()
            )
        })
        .collect();
    let (placed, expedited) = (&placed["step"], &expedited["step"]);
    assert_eq!(
        voided,
        [
            "0 temporal not_bound_by_tool".to_owned(),
            "1 temporal no_action".to_owned(),
            "2 temporal action_failed".to_owned(),
            "3 temporal other_tool".to_owned(),
            format!("{placed} temporal expedited"),
            format!("{placed} quantity order_cancelled"),
            format!("{expedited} temporal order_cancelled"),
        ]
    );
}

#[test]
fn causal_predictions_are_about_the_moment_right_after_the_action() {
    let mut bench = Bench::new(&quiet(&["simulation.initial_storage_per_sku=10"]));
    let look = |card: Card| Decision::scripted(call("tool_check_budget", json!({})), Some(card));
    let budget = |amount: f64| Card { expected_budget_after: Some(amount), ..Card::default() };
    // The evening's storage fee comes after the moment that the card speaks of.
    assert_eq!(bench.step(look(budget(10_000.0)))["pe"]["causal"], 0.0);
    assert_eq!(bench.step(look(budget(10_000.0 - 15.0)))["pe"]["causal"], 0.0);
    assert_eq!(bench.step(look(budget(10_000.0 - 30.0 + 0.5)))["pe"]["causal"], 0.0, "half a unit off is not wrong");
    assert_eq!(bench.step(look(budget(10_000.0 - 45.0 + 0.51)))["pe"]["causal"], 1.0);
    let all = Card { expected_storage_after: Some(150.0), expected_success: Some(true), ..Card::default() };
    assert_eq!(bench.step(look(all))["pe"]["causal"], 0.0, "a look is about all stock");
    let sku = Card { expected_storage_after: Some(10.0), expected_success: Some(false), ..Card::default() };
    let order = call("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 1}));
    let record = bench.step(Decision::scripted(order, Some(sku)));
    assert_eq!(record["pe"]["causal"], 1.0, "success was not expected");
    assert_eq!(
        record["resolved"][0]["actual"],
        json!({"success": true, "storage_after": 10.0}),
        "an order is about its SKU; what was not stated is not resolved"
    );
}

#[test]
fn a_refused_action_is_about_its_sku_as_well() {
    let mut bench = Bench::new(&quiet(&["simulation.initial_storage_per_sku=3", "demand.orders_per_day=15"]));
    let inbox = bench.call("tool_check_inbox", json!({}));
    let requests = inbox["messages"].as_array().unwrap().iter().filter(|m| m["kind"] == "customer_request");
    let large = requests.into_iter().find(|m| m["quantity"].as_u64().unwrap() > 3).expect("somebody asks for more");
    let ship = call("tool_ship_customer_order", json!({"customer_order_id": large["customer_order_id"]}));
    let card = Card { expected_success: Some(false), expected_storage_after: Some(3.0), ..Card::default() };
    let record = bench.step(Decision::scripted(ship, Some(card.clone())));
    assert_eq!(record["result"]["error_code"], "insufficient_stock");
    assert_eq!(record["pe"]["causal"], 0.0, "{}", record["resolved"]);
    let order = call("tool_order", json!({"supplier_id": "S1", "sku": "sku_2", "quantity": 0}));
    assert_eq!(bench.step(Decision::scripted(order, Some(card)))["pe"]["causal"], 0.0);
}

#[test]
fn an_action_without_its_demanded_card_is_invalid_and_names_the_field() {
    let mut bench =
        Bench::new(&quiet(&["interface.prediction_mode=required+confidence", "interface.prediction_format=minimal"]));
    let look = |card| Decision::scripted(call("tool_check_inbox", json!({})), card);
    let record = bench.step(look(None));
    assert_eq!((&record["result"]["error_code"], &record["error_class"]), (&json!("bad_prediction"), &json!("agent")));
    assert!(record["result"]["error"].as_str().unwrap().contains("confidence"), "{}", record["result"]);
    assert_eq!(record["observation"]["inbox_count"], 4, "the inbox was not read");
    let stated =
        Card { expected_success: Some(true), confidence: Some(0.7), expected_cost: Some(3.0), ..Card::default() };
    let record = bench.step(look(Some(stated)));
    assert_eq!(record["result"]["success"], true);
    assert_eq!(record["prediction"]["confidence"], 0.7);
    assert_eq!(record["prediction"].get("expected_cost"), None, "a field that is not offered predicts nothing");
    let nonsense = Card { expected_success: Some(true), confidence: Some(7.0), ..Card::default() };
    let record = bench.step(look(Some(nonsense)));
    assert!(record["result"]["error"].as_str().unwrap().contains("between 0 and 1"));
}

#[test]
fn every_mode_and_format_is_served_by_the_scripted_agents() {
    for mode in ["optional", "required", "required+confidence", "required+uncertainty", "required+full"] {
        for format in ["minimal", "structured", "rich"] {
            for agent in ["heuristic", "mock", "random"] {
                let config = cell(&[
                    &format!("interface.prediction_mode={mode}"),
                    &format!("interface.prediction_format={format}"),
                    &format!("model.name={agent}"),
                    "simulation.max_steps=120",
                    "pe_induction.p_shock=0",
                ]);
                let (steps, _) = record(&config);
                let refused = steps.iter().find(|step| step["result"]["error_code"] == "bad_prediction");
                assert_eq!(refused.map(|step| &step["result"]["error"]), None, "{agent}, {mode}, {format}");
            }
        }
    }
}

#[test]
fn an_agent_that_predicts_nothing_has_null_everywhere() {
    let mut bench = Bench::new(&quiet(&["simulation.max_steps=40"]));
    let mut last = Value::Null;
    while !bench.over {
        let action = call("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 1}));
        last = bench.step(Decision::scripted(action, None));
    }
    assert_eq!(last["cumulative_pe"], json!({"temporal": null, "quantity": null, "cost": null, "causal": null}));
    let mut simulation = vendomini::simulation::driver::Simulation::new();
    let summary = finish(&mut simulation, &cell(&["model.name=noop"]));
    assert_eq!(summary.predictions.total.made, 0);
    assert!(!summary.no_coverage, "nothing was called, so nothing could be covered");
    assert!(summary.coverage.causal.is_none());
    assert_eq!(nobody().run_id, summary.identity.run_id);
}

#[test]
fn the_day_basis_is_the_originals_formula() {
    let mut bench = Bench::new(&quiet(&["measurement.temporal_basis=day"]));
    for _ in 0..20 {
        bench.step(Decision::nothing());
    }
    let placed = order(&mut bench, Card { expected_delivery_day: Some(40.0), ..Card::default() });
    let eta = placed["result"]["eta_day"].as_f64().unwrap();
    assert_eq!(until_delivery(&mut bench)["pe"]["temporal"], round6((40.0 - eta) / 40.0));
}

//! Shocks do what the domain says, observability shows and never does, errors are revealed by what tells them.

use serde_json::{Value, json};
use vendomini::base::card::Card;
use vendomini::base::decision::{Action, Decision};
use vendomini::config::RunConfig;

use crate::common::{cell, finish, record};
use crate::tools::{Bench, call, quiet};

const LEVELS: [&str; 4] = ["full", "delayed", "partial", "hidden"];

fn hashes(config: &RunConfig) -> Vec<Value> {
    record(config).0.iter().map(|step| step["state_hash"].clone()).collect()
}

#[test]
fn observability_changes_no_world_state() {
    for agent in ["random", "mock"] {
        let of = |observability: &str| {
            cell(&[
                &format!("model.name={agent}"),
                &format!("pe_induction.observability={observability}"),
                "pe_induction.p_shock=1",
                "pe_induction.pe_mag=high",
                "pe_induction.pe_type_mix=uniform",
                "simulation.complexity_level=3",
                "simulation.max_steps=400",
                "simulation.initial_storage_per_sku=5",
                "demand.max_failure_share=1",
                "simulation.bankrupt_below=-100000",
                "measurement.continue_after_crash=1000",
            ])
        };
        let full = hashes(&of("full"));
        assert_eq!(full.len(), 400);
        for level in &LEVELS[1..] {
            assert!(hashes(&of(level)) == full, "{agent} under {level}");
        }
    }
}

/// Days on which notices and receipts came, with what they said, to an agent that reads its inbox every day.
fn told(observability: &str) -> Vec<Value> {
    let config = quiet(&[
        "pe_induction.p_shock=1",
        "pe_induction.pe_type_mix=temporal_only",
        &format!("pe_induction.observability={observability}"),
        "simulation.max_steps=200",
    ]);
    let mut bench = Bench::new(&config);
    let mut messages = Vec::new();
    for step in 0..80 {
        if step % 10 == 0 {
            bench.call("tool_order", json!({"supplier_id": "S1", "sku": "sku_1", "quantity": 2}));
        } else {
            let inbox = bench.call("tool_check_inbox", json!({}));
            messages.extend(inbox["messages"].as_array().unwrap().iter().cloned());
        }
    }
    messages.retain(|message| ["notice", "delivery"].contains(&message["kind"].as_str().unwrap()));
    messages
}

#[test]
fn each_level_tells_what_it_should_when_it_should() {
    for level in LEVELS {
        let messages = told(level);
        let of = |kind: &str| messages.iter().filter(|m| m["kind"] == kind).cloned().collect::<Vec<Value>>();
        let (notices, receipts) = (of("notice"), of("delivery"));
        assert!(receipts.len() >= 5, "{level}: {} receipts", receipts.len());
        assert_eq!(notices.is_empty(), level == "hidden");
        assert!(notices.iter().all(|notice| (notice["change"] == "order_delayed") == (level != "partial")), "{level}");
        assert!(receipts.iter().all(|receipt| receipt.get("charged").is_some() == (level != "hidden")), "{level}");
        let batched = messages.iter().all(|message| message["day"].as_u64().unwrap() % 5 == 0);
        assert_eq!(batched, level == "delayed", "{level}");
    }
}

/// A causal or rule world in which the test looks at one supplier's offer every day.
fn watch(more: &[&str], mut each_day: impl FnMut(&mut Bench, u64)) -> Vec<Value> {
    let settings = ["pe_induction.p_shock=0.15", "pe_induction.pe_type_mix=causal_only", "pe_induction.pe_mag=high"];
    let long =
        ["simulation.max_steps=5000", "simulation.initial_budget=1000000", "measurement.continue_after_crash=100000"];
    let mut bench = Bench::new(&quiet(&[&settings[..], &long, more].concat()));
    for day in 0..600 {
        each_day(&mut bench, day);
    }
    bench.events()
}

#[test]
fn interference_raises_another_suppliers_price_for_ten_days() {
    let mut prices: Vec<Vec<f64>> = Vec::new();
    // Four actions a day: keep an order pending, look at the offers of all suppliers for its SKU.
    let events = watch(&["simulation.actions_per_day=5"], |bench, day| {
        if day % 8 == 0 {
            bench.call("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 1}));
        } else {
            bench.call("tool_check_budget", json!({}));
        }
        let of = |supplier: &str| json!({"supplier_id": supplier, "sku": "sku_0", "qty": 1});
        let quoted = ["S1", "S2", "S3", "S4"].map(|s| bench.call("tool_quote", of(s))["unit_price"].as_f64().unwrap());
        prices.push(quoted.to_vec());
    });
    let struck: Vec<&Value> = events
        .iter()
        .filter(|e| e["event"] == "shock" && e["family"] == "interference" && e["state"] == "effective")
        .collect();
    assert!(struck.len() >= 5, "{} effective", struck.len());
    let usual = prices[0].clone();
    for (supplier, name) in ["S1", "S2", "S3", "S4"].iter().enumerate() {
        for (day, quoted) in prices.iter().enumerate() {
            // A shock of an evening shows from the next day on, through the tenth day after it.
            let raised = struck.iter().any(|shock| {
                let since = shock["day"].as_u64().unwrap() as usize;
                shock["supplier"] == *name && since < day && day <= since + 10
            });
            let expected = if raised { (usual[supplier] * 130.0).round() / 100.0 } else { usual[supplier] };
            assert!(
                (quoted[supplier] - expected).abs() < 0.0051,
                "{name} on day {day}: {} {expected}",
                quoted[supplier]
            );
        }
    }
}

#[test]
fn a_posting_lag_moves_the_next_charge_or_revenue_by_its_days() {
    let events = watch(&[], |bench, day| {
        if day % 5 == 0 {
            bench.call("tool_order", json!({"supplier_id": "S2", "sku": "sku_2", "quantity": 3}));
        } else {
            bench.call("tool_wait", json!({}));
        }
    });
    let delayed: Vec<&Value> = events.iter().filter(|e| e["event"] == "posting_delayed").collect();
    assert!(delayed.len() >= 8, "{} postings delayed", delayed.len());
    for delay in delayed {
        assert_eq!(delay["due_day"].as_u64().unwrap(), delay["day"].as_u64().unwrap() + 4);
        let posted: Vec<&Value> =
            events.iter().filter(|e| e["event"] == "posting" && e["order"] == delay["order"]).collect();
        if delay["due_day"].as_u64().unwrap() < 600 {
            assert_eq!(posted.len(), 1, "posted once");
            assert_eq!(posted[0]["day"], delay["due_day"]);
            assert_eq!((&posted[0]["late_by"], &posted[0]["amount"]), (&delay["late_by"], &delay["amount"]));
        }
        let armed = events.iter().find(|e| e["event"] == "shock" && e["shock_id"] == delay["late_by"]).unwrap();
        assert_eq!((&armed["family"], &armed["state"]), (&json!("posting_lag"), &json!("armed")));
        assert!(events.iter().any(|e| e["event"] == "shock_state" && e["shock_id"] == delay["late_by"]));
    }
}

#[test]
fn a_regime_shift_lengthens_lead_times_and_quotes_tell_only_who_is_told() {
    for level in ["full", "hidden"] {
        let setting = format!("pe_induction.observability={level}");
        let mut quotes = Vec::new();
        let mut placed = Vec::new();
        let events = watch(&[&setting, "simulation.actions_per_day=2"], |bench, day| {
            let supplier = format!("S{}", day % 4 + 1);
            let offer = json!({"supplier_id": supplier, "sku": "sku_4", "qty": 1});
            quotes.push((day, supplier.clone(), bench.call("tool_quote", offer)["lead_days"].as_u64().unwrap()));
            let order = bench.call("tool_order", json!({"supplier_id": supplier, "sku": "sku_4", "quantity": 1}));
            placed.push((day, supplier, order));
        });
        let shifts: Vec<&Value> =
            events.iter().filter(|e| e["event"] == "shock" && e["family"] == "regime_shift").collect();
        assert!(shifts.len() >= 10);
        let shifted = |day: u64, supplier: &str| {
            shifts.iter().any(|shift| {
                let since = shift["day"].as_u64().unwrap();
                shift["supplier"] == supplier && since < day && day <= since + 20
            })
        };
        let usual = |supplier: &str| {
            quotes.iter().find(|(day, s, _)| s == supplier && !shifted(*day, s)).map(|(_, _, lead)| *lead).unwrap()
        };
        let mut longer = 0;
        for (day, supplier, lead) in &quotes {
            let expected = usual(supplier) + if shifted(*day, supplier) && level == "full" { 4 } else { 0 };
            assert_eq!(*lead, expected, "{level}: {supplier} on day {day}");
        }
        for (day, supplier, order) in &placed {
            let delivery = events.iter().find(|e| e["event"] == "delivery" && e["order"] == order["order_id"]);
            let Some(delivery) = delivery else { continue };
            let causes = |name: &str| delivery[name].as_array().unwrap().len();
            let others: i64 = events
                .iter()
                .filter(|e| e["event"] == "shock" && e["family"] == "interference")
                .filter(|e| e["effect"]["orders"].get(order["order_id"].as_str().unwrap()).is_some())
                .map(|e| e["size"].as_i64().unwrap())
                .sum();
            let really = delivery["day"].as_i64().unwrap() - *day as i64 - others;
            let extra = if shifted(*day, supplier) { 4 } else { 0 };
            assert_eq!(really, usual(supplier) as i64 + extra, "{level}: {supplier} on day {day}");
            if extra > 0 {
                assert!(causes(if level == "full" { "told_shocks" } else { "day_shocks" }) > 0);
                longer += 1;
            }
        }
        assert!(longer > 30, "{level}: {longer} orders took longer");
    }
}

#[test]
fn an_error_is_revealed_by_what_tells_it_and_never_by_a_look() {
    for level in ["full", "hidden"] {
        let mut bench = Bench::new(&quiet(&[
            "pe_induction.p_shock=0",
            &format!("pe_induction.observability={level}"),
            "interface.prediction_mode=optional",
        ]));
        let look = |tool: &str| Decision::scripted(Action::of(tool), None);
        bench.step(look("tool_check_inbox"));
        let card = Card {
            expected_delivery_day: Some(90.0),
            expected_quantity: Some(1.0),
            expected_cost: Some(1.0),
            ..Card::default()
        };
        let order = call("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 9}));
        let placed = bench.step(Decision::scripted(order, Some(card)));
        let eta = placed["result"]["eta_day"].as_u64().unwrap();
        let mut record = placed;
        while record["day"] != eta {
            record = bench.step(look("tool_check_storage"));
        }
        assert_eq!(record["resolved"].as_array().unwrap().len(), 3, "decided the morning it arrives");
        assert_eq!(record["pe_revealed"]["cost"], Value::Null);
        for tool in ["tool_check_storage", "tool_check_budget", "tool_wait"] {
            assert_eq!(bench.step(look(tool))["revealed"]["errors"], json!([]), "{level}: a look tells no error");
        }
        bench.step(look("tool_check_inbox"));
        let after = bench.step(look("tool_wait"));
        let types: Vec<&str> =
            after["revealed"]["errors"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
        let expected: &[&str] = if level == "full" { &["temporal", "quantity", "cost"] } else { &[] };
        assert_eq!(types, expected, "{level}: the receipt tells, in the next input");
        assert_eq!(after["pe_revealed"]["quantity"], if level == "full" { json!(8.0) } else { Value::Null });
        assert_eq!(after["pe"]["quantity"], Value::Null, "it was decided before");
    }
}

#[test]
fn what_is_never_told_is_closed_as_never_revealed() {
    let config = cell(&[
        "pe_induction.observability=hidden",
        "pe_induction.p_shock=0.3",
        "measurement.reveal_horizon=50",
        "simulation.max_steps=600",
    ]);
    let summary = finish(&mut vendomini::simulation::driver::Simulation::new(), &config);
    let temporal = &summary.predictions.by_type.temporal;
    assert_eq!(temporal.revealed, 0);
    assert!(temporal.never_revealed > 50 && temporal.never_revealed <= temporal.resolved, "{temporal:?}");
    assert_eq!(summary.cumulative_pe_revealed.temporal, None);
    assert_eq!(summary.shocks.revealed, 0);
    assert!(summary.shocks.effective > 50);
}

#[test]
fn notices_reveal_shocks_once_and_the_summary_counts_them() {
    let config = cell(&["pe_induction.p_shock=0.4", "pe_induction.pe_type_mix=uniform", "simulation.max_steps=800"]);
    let (steps, events) = record(&config);
    let mut told: Vec<&str> = steps
        .iter()
        .flat_map(|step| step["revealed"]["shocks"].as_array().unwrap())
        .map(|id| id.as_str().unwrap())
        .collect();
    let events: Vec<&str> =
        events.iter().filter(|e| e["event"] == "shock_revealed").map(|e| e["shock_id"].as_str().unwrap()).collect();
    assert_eq!(told, events);
    let all = told.len();
    told.sort_unstable();
    told.dedup();
    assert!(told.len() == all && all > 100, "{all} revealed");
    let summary = finish(&mut vendomini::simulation::driver::Simulation::new(), &config);
    // Notices of lags that have not struck yet are told but not counted as revealed doses.
    assert!(summary.shocks.revealed as usize <= all && summary.shocks.revealed as usize + 10 > all);
    let shocks = &summary.shocks;
    assert_eq!(shocks.drawn, shocks.effective + shocks.fizzled + shocks.armed);
}

#[test]
fn the_reference_policy_answers_for_every_order_of_every_agent() {
    let config = cell(&[
        "model.name=mock",
        "pe_induction.p_shock=0.5",
        "interface.prediction_mode=optional",
        "pe_induction.pe_type_mix=quantity_only",
    ]);
    let (steps, _) = record(&config);
    let decided = steps.iter().filter(|step| !step["pe_reference"]["quantity"].is_null()).count();
    assert!(decided > 3);
    assert!(steps.iter().any(|step| step["pe_reference"]["quantity"].as_f64().unwrap_or(0.0) > 0.0));
    let quiet = cell(&["model.name=mock", "pe_induction.p_shock=0"]);
    let summary = finish(&mut vendomini::simulation::driver::Simulation::new(), &quiet);
    assert_eq!(summary.pe_reference.quantity.map(|score| score.0), Some(0.0));
}

#[test]
fn recovery_tools_forget_look_back_and_help() {
    let mut bench =
        Bench::new(&quiet(&["interface.recovery_tools=all", "demand.orders_per_day=5", "pe_induction.p_shock=0"]));
    let look = |tool: &str, card| Decision::scripted(Action::of(tool), card);
    let card = Card { expected_delivery_day: Some(50.0), expected_success: Some(true), ..Card::default() };
    let slow = (0..15).map(|sku| format!("sku_{sku}")).find(|sku| {
        let quote = bench.call("tool_quote", json!({"supplier_id": "S2", "sku": sku, "qty": 1}));
        quote["lead_days"].as_u64().unwrap() > 3
    });
    let order = call("tool_order", json!({"supplier_id": "S2", "sku": slow.unwrap(), "quantity": 2}));
    bench.step(Decision::scripted(order, Some(card)));
    let audit = bench.call("tool_audit_predictions", json!({}));
    let lines = audit["predictions"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["type"], &lines[0]["expected"], &lines[0]["actual"]),
        (&json!("temporal"), &json!(50.0), &Value::Null)
    );
    assert_eq!(
        (&lines[1]["type"], &lines[1]["error"], &lines[1]["tool"]),
        (&json!("causal"), &json!(0.0), &json!("tool_order"))
    );
    let reset = bench.step(look("tool_reset_beliefs", None));
    assert_eq!(reset["result"]["predictions_voided"], 1);
    let voided: Vec<Value> = bench.events().into_iter().filter(|e| e["event"] == "prediction_voided").collect();
    assert_eq!((voided.len(), &voided[0]["void_reason"]), (1, &json!("beliefs_reset")));
    let help = bench.call("tool_ask_help", json!({}));
    assert!(help["tool"].is_string(), "with customers about there is something to do: {help}");
    let again = Bench::new(&quiet(&["interface.recovery_tools=audit"])).call("tool_ask_help", json!({}));
    assert_eq!(again["error_code"], "tool_not_offered");
    assert!(again["error"].as_str().unwrap().contains("recovery_tools help or all"));
}

#[test]
fn the_hint_follows_the_true_state() {
    let config =
        quiet(&["interface.recovery_tools=help", "demand.orders_per_day=8", "simulation.initial_storage_per_sku=30"]);
    let mut bench = Bench::new(&config);
    let help = bench.call("tool_ask_help", json!({}));
    // Nothing was read yet; the hint knows of the customers all the same, and its call works.
    assert_eq!(help["tool"], "tool_ship_customer_order");
    assert_eq!(bench.call("tool_ship_customer_order", help["args"].clone())["success"], true);
}

#[test]
fn confidences_are_scored() {
    let config =
        cell(&["interface.prediction_mode=required+confidence", "pe_induction.p_shock=0", "simulation.max_steps=200"]);
    let summary = finish(&mut vendomini::simulation::driver::Simulation::new(), &config);
    let calibration = summary.calibration.expect("confidences were stated");
    // The honest agent states 0.9 and is always right.
    assert_eq!(calibration.n, 200);
    assert!((calibration.brier.0 - 0.01).abs() < 1e-9 && (calibration.ece.0 - 0.1).abs() < 1e-9);
    let silent = finish(&mut vendomini::simulation::driver::Simulation::new(), &cell(&["simulation.max_steps=50"]));
    assert_eq!(silent.calibration, None);
}

//! Crash detection on runs whose breakdown, or health, is known.

use serde_json::{Value, json};
use vendomini::base::card::Card;
use vendomini::base::decision::{Action, Decision};
use vendomini::config::RunConfig;

use crate::common::cell;
use crate::tools::{Bench, call, quiet};

fn look(tool: &str) -> Decision {
    Decision::scripted(Action::of(tool), None)
}

/// The steps at which a flag was first true.
fn first_flag(records: &[Value], detector: &str) -> Option<u64> {
    records.iter().find(|record| record["flags"][detector] == true).map(|record| record["step"].as_u64().unwrap())
}

fn play(config: &RunConfig, mut decide: impl FnMut(u64) -> Decision, steps: u64) -> (Vec<Value>, Vec<Value>) {
    let mut bench = Bench::new(config);
    let mut records = Vec::new();
    for step in 0..steps {
        if bench.over {
            break;
        }
        records.push(bench.step(decide(step)));
    }
    (records, bench.events())
}

#[test]
fn looping_needs_work_to_be_open() {
    // Price lists wait in the inbox, so there is something unread: the same look again and again is a loop.
    for (threshold, count) in [("strict", 3), ("moderate", 4), ("lenient", 6)] {
        let config = quiet(&[&format!("measurement.crash_threshold={threshold}")]);
        let (records, events) = play(&config, |_| look("tool_check_budget"), 8);
        assert_eq!(first_flag(&records, "looping"), Some(4.max(count - 1)), "{threshold}: five steps at least");
        assert_eq!(records[3]["flags"]["looping"], Value::Null, "too few steps to judge");
        let flag = events.iter().find(|event| event["event"] == "crash_flag").unwrap();
        assert_eq!(flag["onset_step"], 0);
    }
    // Once it is read there is no work, and doing the same is no breakdown.
    let (records, _) = play(&quiet(&[]), |step| look(if step == 0 { "tool_check_inbox" } else { "tool_wait" }), 60);
    assert_eq!(first_flag(&records, "looping"), None);
    assert_eq!(first_flag(&records, "exploration_collapse"), None);
    assert!(records[1..].iter().all(|record| record["work_open"] == false));
    // Doing nothing at all while there is work is a loop as well.
    let (records, _) = play(&quiet(&[]), |_| Decision::nothing(), 8);
    assert_eq!(first_flag(&records, "looping"), Some(4));
}

#[test]
fn a_call_that_empties_the_inbox_counts_only_the_rest_of_the_work() {
    let (records, _) = play(&quiet(&[]), |_| look("tool_check_inbox"), 3);
    assert_eq!(records[0]["result"]["state_changed"], true);
    assert_eq!(records[0]["work_open"], false, "there was nothing to do but to read");
    assert_eq!(records[1]["result"]["state_changed"], false, "looking is no change");
}

#[test]
fn invalid_burst_counts_only_what_the_agent_could_have_known() {
    // So many of ten calls fail, the last ones; the level at which that is a burst, and the two above it.
    for (failures, levels) in [(2, [None; 3]), (3, [Some(9), None, None]), (4, [Some(8), Some(9), None])] {
        let bad = |step: u64| {
            if 10 - failures <= step {
                Decision::scripted(call("tool_quote", json!({})), None)
            } else {
                look(["tool_check_budget", "tool_check_storage"][step as usize % 2])
            }
        };
        for (threshold, fires) in ["strict", "moderate", "lenient"].into_iter().zip(levels) {
            let config = quiet(&[&format!("measurement.crash_threshold={threshold}")]);
            let (records, _) = play(&config, bad, 10);
            assert_eq!(records[6]["flags"]["invalid_burst"], Value::Null, "seven calls are too few");
            assert_eq!(first_flag(&records, "invalid_burst"), fires, "{threshold}: {failures} of ten calls");
        }
    }
    let half = |step: u64| match step % 2 {
        0 => look("tool_check_budget"),
        _ => Decision::scripted(call("tool_quote", json!({})), None),
    };
    let (records, _) = play(&quiet(&["measurement.crash_threshold=lenient"]), half, 12);
    assert_eq!(first_flag(&records, "invalid_burst"), Some(7), "four of eight calls");
    // A shipment that fails because hidden shocks hold the goods back is the world's fault.
    let config = cell(&[
        "pe_induction.p_shock=1",
        "pe_induction.pe_type_mix=temporal_only",
        "pe_induction.pe_mag=high",
        "pe_induction.observability=hidden",
        "interface.prediction_mode=optional",
        "simulation.max_steps=400",
        "demand.max_failure_share=1",
    ]);
    let mut bench = Bench::new(&config);
    let read = bench.step(look("tool_check_inbox"));
    let lists: Vec<Value> = read["result"]["messages"].as_array().unwrap().clone();
    assert!(lists.iter().any(|message| message["kind"] == "price_list"));
    let request = loop {
        let record = bench.step(look("tool_check_inbox"));
        let found =
            record["result"]["messages"].as_array().unwrap().iter().find(|m| m["kind"] == "customer_request").cloned();
        if let Some(request) = found {
            break request;
        }
    };
    let order = json!({"supplier_id": "S1", "sku": request["sku"], "quantity": request["quantity"]});
    let placed = bench.step(Decision::scripted(call("tool_order", order), None));
    let promised = placed["result"]["eta_day"].as_u64().unwrap();
    let mut world = 0;
    loop {
        let day = bench.world().resource::<vendomini::engine::calendar::Calendar>().day();
        let expired = u64::from(day) > request["expires_day"].as_u64().unwrap();
        if expired {
            break;
        }
        let ship = call("tool_ship_customer_order", json!({"customer_order_id": request["customer_order_id"]}));
        let early = u64::from(day) < promised;
        let record = bench.step(if early { Decision::nothing() } else { Decision::scripted(ship, None) });
        if record["result"]["success"] == false {
            assert_eq!(
                (&record["error_class"], &record["result"]["error_code"]),
                (&json!("world"), &json!("insufficient_stock"))
            );
            world += 1;
        }
        assert_ne!(record["flags"]["invalid_burst"], true);
    }
    assert!(world >= 8, "the agent retried {world} times");
}

#[test]
fn budget_denial_needs_the_agent_to_know_of_the_debt() {
    let config = quiet(&[
        "simulation.initial_budget=0",
        "simulation.initial_storage_per_sku=5",
        "interface.prediction_mode=optional",
        "simulation.max_steps=200",
    ]);
    let order =
        || Decision::scripted(call("tool_order", json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 1})), None);
    // 75 units cost 7.50 a night; the budget is below zero from day 1 on, as whoever knows the fee can tell.
    let (records, _) = play(&config, |step| if step == 0 { look("tool_check_inbox") } else { order() }, 13);
    assert_eq!(records[1]["result"]["error_code"], "budget_below_zero");
    assert_eq!(records[1]["error_class"], "agent");
    assert_eq!(first_flag(&records, "budget_denial"), Some(4), "the fourth attempt");
}

#[test]
fn exploration_collapse_is_about_the_variety_of_tools() {
    // The inbox stays unread, so work is open throughout.
    let monotonous = |step: u64| {
        let qty = step % 50 + 1;
        Decision::scripted(call("tool_quote", json!({"supplier_id": "S1", "sku": "sku_0", "qty": qty})), None)
    };
    let (records, _) = play(&quiet(&[]), monotonous, 12);
    assert_eq!(records[8]["flags"]["exploration_collapse"], Value::Null);
    assert_eq!(first_flag(&records, "exploration_collapse"), Some(9));
    assert_eq!(first_flag(&records, "looping"), None, "the arguments differ");
    let varied = |step: u64| look(["tool_check_budget", "tool_check_storage", "tool_wait"][step as usize % 3]);
    let (records, _) = play(&quiet(&[]), varied, 40);
    assert_eq!(first_flag(&records, "exploration_collapse"), None);
}

#[test]
fn a_hard_crash_ends_the_run_after_the_continuation_and_a_soft_one_does_not() {
    let config = quiet(&["simulation.max_steps=300"]);
    let (records, events) = play(&config, |_| look("tool_check_budget"), 300);
    let last = records.last().unwrap();
    assert_eq!((&last["crash_type"], &last["severity"]), (&json!("looping"), &json!("mission_abandon")));
    assert_eq!(records.len(), 4 + 50 + 1, "detected at step 4, fifty steps later it ends");
    assert!(events.iter().any(|event| event["event"] == "severity_decided"));

    let recovers = |step: u64| {
        let varied = ["tool_check_inbox", "tool_check_storage", "tool_wait"][step as usize % 3];
        look(if step < 12 { "tool_check_budget" } else { varied })
    };
    let (records, events) = play(&config, recovers, 300);
    assert_eq!(records.len(), 300, "after a soft crash the run goes on");
    assert_eq!(records[299]["severity"], "soft");
    assert_eq!((&records[299]["crash_detected"], &records[299]["flags"]["looping"]), (&json!(true), &Value::Null));
    assert!(events.iter().any(|event| event["event"] == "recovery"));
}

#[test]
fn the_settings_choose_the_detectors_and_the_primary_event() {
    let predicts_failure = |_| {
        let card = Card { expected_success: Some(false), ..Card::default() };
        Decision::scripted(Action::of("tool_check_inbox"), Some(card))
    };
    let config = quiet(&["interface.prediction_mode=required", "simulation.max_steps=20"]);
    let (records, _) = play(&config, predicts_failure, 30);
    assert_eq!(records.last().unwrap()["crash_type"], "decoupling", "a predicted failure acted on is a contradiction");
    let mut config = config;
    config.measurement.detectors = vec!["looping".into(), "invalid_burst".into()];
    let (records, _) = play(&config, predicts_failure, 30);
    assert_eq!(records[19]["flags"], json!({"looping": null, "invalid_burst": false}));
    // The original calls anything a loop that is repeated, and sees it a step later.
    config.measurement.detectors = vec!["v1".into()];
    let (records, _) = play(&config, predicts_failure, 30);
    assert_eq!(first_flag(&records, "looping"), Some(5));
    assert_eq!(records[4]["flags"]["looping"], Value::Null);
}

//! Limits of tokens and money, of a run and of the experiment, and what is known of costs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::model;
use super::study::{Study, VARIABLE};
use crate::mock_server::{Answer, MockServer};

/// Every call reads and writes so many tokens, by the server's word.
pub(super) const INPUT: u64 = 2_000;
pub(super) const OUTPUT: u64 = 100;
const CALL: u64 = INPUT + OUTPUT;

pub(super) const STEPS: u64 = 8;

fn server() -> MockServer {
    MockServer::start(|request| match model::is_call(request) {
        true => model::using(model::answer(request), INPUT, OUTPUT),
        false => model::answer(request),
    })
}

pub(super) fn study(server: &MockServer, more: &str) -> Study {
    let url = server.url("/v1");
    Study::new(&format!(
        "simulation: {{max_steps: {STEPS}, initial_budget: 10000}}\n\
         model: {{name: mock-model, max_tokens_per_call: 200}}\n\
         providers: {{mock-model: {{base_url: \"{url}\", api_key_env: {VARIABLE}}}}}\n{more}"
    ))
}

pub(super) fn table(study: &Study) -> Vec<BTreeMap<String, String>> {
    let mut csv = csv::Reader::from_path(study.results().join("results.csv")).unwrap();
    csv.deserialize().collect::<Result<_, _>>().unwrap()
}

pub(super) const PRICES: [&str; 4] = ["--prompt-price-per-mtok", "1", "--completion-price-per-mtok", "2"];

/// What a call costs at those prices, in billionths of a US dollar.
const CALL_NANOS: u64 = INPUT * 1_000 + OUTPUT * 2_000;

#[test]
fn a_limit_ends_a_run_before_the_call_that_would_exceed_it() {
    let server = server();
    for (flags, reason, scope, survival, code) in [
        (&["--token-limit", "10000"][..], "token_limit", "experiment", "censored", 4),
        (&["--run-token-limit", "10000"], "token_limit", "run", "competing", 0),
        (&["--cost-limit", "0.01"], "cost_limit", "experiment", "censored", 4),
        (&["--run-cost-limit", "0.01"], "cost_limit", "run", "competing", 0),
    ] {
        let study = study(&server, "");
        let flags = [&PRICES[..], flags].concat();
        study.run(&flags).with(code).saying(&format!("WARNING: a run ended as {reason}; study_c0_r0: "));
        let (summary, row) = (study.summary("c0_r0"), &table(&study)[0]);
        let what = format!("{flags:?}: {summary}");
        assert_eq!((&summary["end_reason"], &summary["limit_scope"]), (&json!(reason), &json!(scope)), "{what}");
        assert_eq!((&summary["fault_owner"], &summary["crashed"]), (&json!("none"), &json!(false)), "{what}");
        assert_eq!((row["survival"].as_str(), row["end_reason"].as_str()), (survival, reason));
        let steps = summary["total_steps"].as_u64().unwrap();
        assert!(0 < steps && steps < STEPS, "{what}");
        assert_eq!(summary["tokens"], steps * CALL, "{what}");
        assert!(steps * CALL <= 10_000 && steps * CALL_NANOS <= 10_000_000, "{what}");
        assert_eq!(study.steps("c0_r0").len() as u64, steps, "the step that was not asked is not recorded");
        let [error] = &study.events("c0_r0", "error")[..] else { panic!("one event") };
        assert_eq!((&error["step"], &error["error_type"]), (&json!(steps), &json!("stopped")));
        assert!(error["message"].as_str().unwrap().contains("leaves no room for another call"), "{error}");
        study.verify("c0_r0").with(0);

        // A limit of the experiment can be raised. One of the run is what became of the run.
        let before = server.counts().requests;
        match scope {
            "experiment" => {
                let raised = flags.iter().map(|flag| match *flag {
                    "10000" => "1000000",
                    "0.01" => "1",
                    flag => flag,
                });
                study.run(&["--resume"].into_iter().chain(raised).collect::<Vec<_>>()).with(0);
                assert_eq!(study.summary("c0_r0")["end_reason"], "horizon");
                let asked = server.requests()[before as usize..].iter().filter(|r| model::is_call(r)).count() as u64;
                assert_eq!(asked, STEPS - steps, "what was answered is not asked again");
                assert_eq!(study.history().len(), 2, "it came to an end twice");
            }
            _ => {
                study.run(&["--resume"].into_iter().chain(flags).collect::<Vec<_>>()).with(0);
                assert_eq!(study.summary("c0_r0"), summary);
                assert_eq!(study.history().len(), 1);
            }
        }
        study.verify("c0_r0").with(0);
    }
}

/// Every call is answered twice: first with nothing but a bill.
#[test]
fn an_answer_without_a_reply_that_is_charged_counts() {
    const BILL: u64 = 500;
    let asked = Mutex::new(BTreeSet::new());
    let server = MockServer::start(move |request| {
        if !model::is_call(request) {
            return model::answer(request);
        }
        let answer = model::using(model::answer(request), INPUT, OUTPUT);
        if !asked.lock().unwrap().insert((request.body.clone(), model::step(request))) {
            return answer;
        }
        let bill = model::using(Answer::empty_choices().edited(|body| body["choices"] = json!([])), BILL, 0);
        bill.header("retry-after-ms", "5")
    });
    let study = study(&server, "");
    study.run(&PRICES).with(0);
    let (summary, calls) = (study.summary("c0_r0"), study.events("c0_r0", "provider_call"));
    assert_eq!((&summary["end_reason"], &summary["model"]["calls"]), (&json!("horizon"), &json!(STEPS)), "{summary}");
    assert_eq!(summary["model"]["input_tokens"], STEPS * (INPUT + BILL));
    assert_eq!(summary["model"]["output_tokens"], STEPS * OUTPUT);
    assert_eq!(summary["model"]["calls_without_usage"], 0);
    let cost = (STEPS * (CALL_NANOS + BILL * 1_000)) as f64 / 1e9;
    assert_eq!(summary["model"]["cost_usd"], cost);
    assert_eq!(calls.len() as u64, 2 * STEPS);
    for pair in calls.chunks(2) {
        assert_eq!((&pair[0]["outcome"], &pair[0]["input_tokens"]), (&json!("empty_reply"), &json!(BILL)));
        assert_eq!((&pair[0]["cost_usd"], &pair[0]["pricing_source"]), (&json!(BILL as f64 / 1e6), &json!("override")));
        assert_eq!((&pair[1]["outcome"], &pair[1]["input_tokens"]), (&json!("reply"), &json!(INPUT)));
    }
    // What a step says of tokens does not depend on how often the line was bad.
    assert_eq!(study.steps("c0_r0")[0]["usage"]["input_tokens"], INPUT);
    study.verify("c0_r0").with(0);
}

#[test]
fn many_runs_at_once_keep_to_a_limit_of_the_experiment() {
    let server = server();
    let study = study(&server, "");
    study.run(&["--replications", "8", "--token-limit", "60000"]).with(4);
    let runs: Vec<Value> = (0..8).map(|run| study.summary(&format!("c0_r{run}"))).collect();
    let spent: u64 = runs.iter().map(|summary| summary["model"]["calls"].as_u64().unwrap() * CALL).sum();
    assert!(0 < spent && spent <= 60_000, "{spent}");
    let reasons: BTreeSet<&str> = runs.iter().filter_map(|summary| summary["end_reason"].as_str()).collect();
    assert!(reasons.is_subset(&["token_limit", "horizon"].into()) && reasons.contains("token_limit"), "{reasons:?}");
    // Going on with the same limit asks nobody: what was spent counts.
    let room = 60_000 - spent;
    let before = server.counts().requests;
    study.run(&["--resume", "--replications", "8", "--token-limit", "60000"]).with(4);
    let asked = server.requests()[before as usize..].iter().filter(|r| model::is_call(r)).count() as u64;
    assert!(asked * CALL <= room, "{asked} more calls with {room} tokens left");
}

#[test]
fn calls_under_way_end_no_run_while_little_is_used() {
    // Every call may use far more than it does: some thousand tokens, of which it uses sixty.
    let server = MockServer::start(|request| match model::is_call(request) {
        true => model::using(model::answer(request), 50, 10).after(Duration::from_millis(5)),
        false => model::answer(request),
    });
    let study = study(&server, "");
    // Room for a few calls at a time.
    study.run(&["--replications", "20", "--token-limit", "30000", "--n-jobs", "2"]).with(0);
    for run in 0..20 {
        let summary = study.summary(&format!("c0_r{run}"));
        assert_eq!((&summary["end_reason"], &summary["tokens"]), (&json!("horizon"), &json!(STEPS * 60)), "{summary}");
    }
    let most = server.counts().max_in_flight;
    assert!(0 < most && most < 20, "{most} calls at once are more than the limit has room for");
}

#[test]
fn a_call_that_must_be_sent_again_waits_for_room() {
    // Room for two calls. The first one fails, which counts as if it had used all that it could, while the second is
    // under way.
    let asked = AtomicU64::new(0);
    let server = MockServer::start(move |request| {
        if !model::is_call(request) {
            return model::answer(request);
        }
        let answer = model::using(model::answer(request), 50, 10);
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::truncated_json().after(Duration::from_millis(1000)),
            1 => answer.after(Duration::from_millis(3000)),
            _ => answer,
        }
    });
    let study = study(&server, "");
    study.run(&["--replications", "2", "--token-limit", "32000", "--set", "model.max_tokens_per_call=10000"]).with(0);
    let mut asked_again = 0;
    for run in ["c0_r0", "c0_r1"] {
        assert_eq!(study.summary(run)["end_reason"], "horizon");
        let attempts: Vec<Value> = study
            .lines(run, "cassette.jsonl")
            .iter()
            .filter(|entry| entry["step"] == 0)
            .map(|entry| json!([entry["attempt"]["attempt"], entry["attempt"]["outcome"]]))
            .collect();
        asked_again += u64::from(attempts == [json!([1, "unreadable_body"]), json!([1, "reply"])]);
        study.verify(run).with(0);
    }
    assert_eq!(asked_again, 1, "it was parked, and then asked as if for the first time");
    let calls = server.requests().iter().filter(|request| model::is_call(request)).count() as u64;
    assert_eq!(calls, 2 * STEPS + 1);
}

#[test]
fn what_nobody_tells_is_counted_by_estimate_each_time() {
    // Every other answer is none, and takes its time.
    let asked = AtomicU64::new(0);
    let server = MockServer::start(move |request| match model::is_call(request) {
        true if asked.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) => {
            Answer::truncated_json().header("retry-after-ms", "1")
        }
        true => model::using(model::answer(request), INPUT, OUTPUT),
        false => model::answer(request),
    });
    let study = study(&server, "");
    study.run(&["--token-limit", "20000"]).with(4).saying("counted by estimate");
    let summary = study.summary("c0_r0");
    assert_eq!((&summary["end_reason"], &summary["tokens"]), (&json!("token_limit"), &Value::Null), "{summary}");
    let told = summary["model"]["input_tokens"].as_u64().unwrap() + summary["model"]["output_tokens"].as_u64().unwrap();
    let untold = summary["model"]["attempts_without_usage"].as_u64().unwrap();
    let entries = study.lines("c0_r0", "cassette.jsonl");
    let estimates: Vec<u64> = entries.iter().filter_map(|entry| entry["estimate"]["tokens"].as_u64()).collect();
    assert_eq!(estimates.len() as u64, summary["model"]["attempts"].as_u64().unwrap());
    let failed = entries.iter().filter(|entry| entry["attempt"]["outcome"] == "unreadable_body");
    let counted: u64 = failed.map(|entry| entry["estimate"]["tokens"].as_u64().unwrap()).sum();
    assert!(untold > 0 && told + counted <= 20_000, "{told} and {counted}");
    let next = estimates.last().unwrap();
    assert!(told + counted + 2 * next > 20_000, "{told} and {counted} leave room for {next}");
    study.verify("c0_r0").with(0);

    // A batch that goes on counts the same.
    let before = server.counts().requests;
    study.run(&["--resume", "--token-limit", "20000"]).with(4);
    assert_eq!(study.summary("c0_r0"), summary);
    let more = server.requests()[before as usize..].iter().filter(|request| model::is_call(request)).count();
    assert_eq!(more, 0);
    study.verify("c0_r0").with(0);
}

#[test]
fn a_recording_uses_up_no_limit() {
    let study = Study::new("simulation: {max_steps: 3}\nmodel: {name: \"replay:raw.jsonl\"}\n");
    let line = "{\"raw\": \"ACTION: tool_check_inbox\\nARGS: {}\"}\n";
    std::fs::write(study.path().join("raw.jsonl"), line.repeat(3)).unwrap();
    let done = study.run(&["--token-limit", "1", "--run-token-limit", "1", "--cost-limit", "0"]).with(0);
    assert!(done.err.contains("0 tokens"), "{}", done.err);
    assert_eq!(study.summary("c0_r0")["end_reason"], "horizon");
    assert!(study.lines("c0_r0", "cassette.jsonl")[1]["estimate"].is_null());
    study.verify("c0_r0").with(0);
}

#[test]
fn a_limit_of_cost_needs_prices() {
    let server = server();
    let study = study(&server, "");
    for (flag, key) in [("--cost-limit", "limits.cost"), ("--run-cost-limit", "limits.run_cost")] {
        let done = study.run(&[flag, "1"]).with(3).saying("what mock-model costs is not known");
        assert!(done.err.contains(&format!("--set {key}")) || done.err.contains(&format!(" {key}: ")), "{}", done.err);
        assert_eq!(done.err.lines().count(), 1, "{}", done.err);
        assert!(!study.path().join("results").exists());
    }
    assert!(!server.requests().iter().any(model::is_call), "no model was asked");
    study.run(&["--token-limit", "1000000"]).with(0);
}

#[test]
fn a_cost_is_what_the_provider_or_the_user_says_and_else_unknown() {
    let server = MockServer::start(|request| {
        let name = request.path.split('/').nth(1).unwrap_or_default();
        if request.path == "/listed/v1/models" {
            let pricing = json!({"prompt": "0.000003", "completion": "0.000004"});
            return Answer::json(&json!({"data": [{"id": "listed/mock-model", "pricing": pricing}]}));
        }
        if !model::is_call(request) {
            return Answer::error(404, "not_found");
        }
        let answer = model::using(model::answer(request), INPUT, OUTPUT);
        match name {
            "reported" => answer.edited(|body| body["usage"]["cost"] = json!(0.25)),
            "untold" => answer.edited(|body| drop(body.as_object_mut().unwrap().remove("usage"))),
            _ => answer,
        }
        .after(Duration::from_millis(2))
    });
    let names = ["reported", "priced", "listed", "unknown", "untold"];
    let models: Vec<String> = names.iter().map(|name| format!("{name}/mock-model")).collect();
    let entry = |name: &str| {
        let prices = match name {
            "reported" | "priced" | "untold" => ", prompt_price_per_mtok: 1, completion_price_per_mtok: 2",
            _ => "",
        };
        let url = server.url(&format!("/{name}/v1"));
        format!("  {name}/*: {{base_url: \"{url}\", api_key_env: {VARIABLE}{prices}}}\n")
    };
    let entries: String = names.into_iter().map(entry).collect();
    let study = Study::new(&format!(
        "simulation: {{max_steps: 2, initial_budget: 10000}}\nmodel: {{max_tokens_per_call: 200}}\n\
         providers:\n{entries}grid: {{model.name: {}}}\n",
        json!(models)
    ));
    study.run(&[]).with(0);
    let tokens = json!(2 * CALL);
    for (run, (cost, source, tokens)) in [
        (json!(0.5), "provider_reported", &tokens),
        (json!(0.0044), "override", &tokens),
        (json!(0.0128), "models_api", &tokens),
        (Value::Null, "unknown", &tokens),
        (Value::Null, "unknown", &Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        let summary = study.summary(&format!("c{run}_r0"));
        let of_model = &summary["model"];
        assert_eq!(summary["params"]["model.name"], models[run]);
        assert_eq!((&summary["cost"], &summary["tokens"]), (&cost, tokens), "{summary}");
        assert_eq!((&of_model["cost_usd"], &of_model["pricing_source"]), (&cost, &json!(source)), "{summary}");
        let events = study.events(&format!("c{run}_r0"), "provider_call");
        assert!(events.iter().all(|event| event["cost_usd"].is_null() == cost.is_null()), "{events:?}");
        let row = &table(&study)[run];
        assert_eq!(row["cost"].is_empty(), cost.is_null(), "what is not known is empty, not zero");
        study.verify(&format!("c{run}_r0")).with(0);
    }
    assert_eq!(study.summary("c4_r0")["model"]["calls_without_usage"], 2);
}

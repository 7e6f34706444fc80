//! Limits of time, of a run and of the experiment, and how many requests are in flight.

use std::time::Duration;

use serde_json::{Value, json};

use super::limits::{INPUT, OUTPUT, PRICES, STEPS, study, table};
use super::model;
use super::study::read_lines;
use crate::mock_server::{Answer, MockServer};

/// A server that hangs from the third step on.
fn hanging() -> MockServer {
    MockServer::start(|request| match model::is_call(request) && model::step(request) > 1 {
        true => Answer::hang(),
        false => model::answer(request),
    })
}

#[test]
fn time_runs_out_also_while_a_server_hangs() {
    let server = hanging();
    for (flag, scope, survival, code) in
        [("--time-limit", "experiment", "censored", 4), ("--run-time-limit", "run", "competing", 0)]
    {
        let study = study(&server, "");
        // An attempt may take a minute, and the server answers none.
        study.run(&[&PRICES[..], &[flag, "1"]].concat()).with(code);
        let (summary, row) = (study.summary("c0_r0"), &table(&study)[0]);
        assert_eq!(
            (&summary["end_reason"], &summary["limit_scope"]),
            (&json!("time_limit"), &json!(scope)),
            "{summary}"
        );
        assert_eq!(row["survival"], survival);
        let steps = summary["total_steps"].as_u64().unwrap();
        assert!(steps <= 2 && study.steps("c0_r0").len() as u64 == steps, "{summary}");
        let events = study.events("c0_r0", "error");
        assert_eq!((events.len(), &events[0]["error_type"]), (1, &json!("stopped")), "{events:?}");
        server.wait_for("the end of the call", |counts| counts.open == 0);
        // The call that was under way may have been charged.
        let calls = study.events("c0_r0", "provider_call");
        let abandoned: Vec<&Value> = calls.iter().filter(|call| call["outcome"] == "abandoned").collect();
        assert_eq!((abandoned.len(), &abandoned[0]["step"]), (1, &json!(steps)), "{calls:?}");
        assert_eq!((&summary["tokens"], &summary["cost"]), (&Value::Null, &Value::Null), "{summary}");
        assert_eq!(summary["model"]["outcomes"]["abandoned"], 1);
        study.verify("c0_r0").with(0);
        if scope == "run" {
            study.run(&[&PRICES[..], &["--resume", flag, "1"]].concat()).with(0);
            assert_eq!(study.summary("c0_r0"), summary, "the clock of a run does not begin anew");
        }
    }
}

#[test]
fn the_time_of_a_run_goes_on_where_it_stopped() {
    let server = MockServer::start(|request| match model::is_call(request) {
        true => model::using(model::answer(request), INPUT, OUTPUT).after(Duration::from_millis(150)),
        false => model::answer(request),
    });
    // The configuration of a run that goes on is the same, so one that a limit of the experiment broke off is taken.
    let study = study(&server, "");
    let limits = ["--run-time-limit", "0.9", "--token-limit"];
    study.run(&[&limits[..], &["5000"]].concat()).with(4);
    let first = study.summary("c0_r0")["total_steps"].as_u64().unwrap();
    assert!(0 < first && first < 6, "{first}");
    study.run(&[&limits[..], &["5000000", "--resume"]].concat()).with(0);
    let summary = study.summary("c0_r0");
    assert_eq!((&summary["end_reason"], &summary["limit_scope"]), (&json!("time_limit"), &json!("run")), "{summary}");
    let steps = summary["total_steps"].as_u64().unwrap();
    assert!(steps <= 6, "six calls of 150 ms take 0.9 s, and {steps} were made");
    study.verify("c0_r0").with(0);
}

#[test]
fn cells_share_the_connections_of_their_provider() {
    let server = MockServer::start(|request| match model::is_call(request) {
        true => model::answer(request).after(Duration::from_millis(20)),
        false => model::answer(request),
    });
    let study = study(
        &server,
        "grid: {model.timeout_s: [60, 61], model.max_connections: [1, 3], model.start_connections: [1, 2]}\n",
    );
    study.run(&["--replications", "2"]).with(0);
    let calls = server.requests().iter().filter(|request| model::is_call(request)).count() as u64;
    assert_eq!((calls, server.counts().max_in_flight), (16 * STEPS, 3), "the most that a cell says");
    let changes = read_lines(&study.results().join("connections.jsonl"));
    let [change] = &changes[..] else { panic!("{changes:?}") };
    let told = ["provider", "from", "to", "why"].map(|key| change[key].clone());
    assert_eq!(told, [json!("mock-model"), json!(2), json!(3), json!("clean_round")]);
    assert!(change["time"].as_str().unwrap().ends_with('Z'), "{change}");
    study.run(&["--replications", "2", "--overwrite"]).with(0);
    study.verify("c0_r0").with(0);
}

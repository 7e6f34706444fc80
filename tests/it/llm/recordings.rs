//! Runs that no server answers: recordings of another program and the mock provider. And what the history says of runs
//! of every kind.

use std::fs;

use serde_json::{Value, json};
use vendomini::llm::provider::reply::Finish;
use vendomini::llm::reply::read_text;

use super::model;
use super::study::{Study, VARIABLE, finish};
use crate::common::original;
use crate::mock_server::{Answer, MockServer};

const RECORDING: &str = r#"{"step": 0, "raw": "ACTION: tool_check_inbox\nARGS: {}\nSUCCESS: true"}
{"step": 1, "prediction": {"scratchpad_raw": "THOUGHTS: Buy.\nACTION: tool_order\nARGS: {\"supplier_id\": \"S1\", \"sku\": \"sku_0\", \"quantity\": 5}\nPREDICTION: {\"expected_success\": true}\nSUCCESS: true"}}
{"step": 2, "raw": "I do not know."}
{"step": 3}
{"step": 4, "raw": "ACTION: tool_check_budget\nARGS: {}\nPREDICTION: {\"expected_success\": true}\nSUCCESS: true"}
"#;

fn study(more: &str) -> Study {
    let study = Study::new(&format!(
        "simulation: {{max_steps: 9, initial_budget: 10000}}\nmodel: {{name: \"replay:raw.jsonl\"}}\n{more}"
    ));
    fs::write(study.path().join("raw.jsonl"), RECORDING).unwrap();
    study
}

#[test]
fn a_recording_drives_a_run_to_its_end() {
    let study = study("");
    study.run(&[]).with(0);
    let steps = study.steps("c0_r0");
    let actions: Vec<&Value> = steps.iter().map(|step| &step["action"]["tool"]).collect();
    assert_eq!(json!(actions), json!(["tool_check_inbox", "tool_order", null, null, "tool_check_budget"]));
    let sources: Vec<&str> = steps.iter().map(|step| step["action_source"].as_str().unwrap()).collect();
    assert_eq!(sources, ["replay", "replay", "rejected", "rejected", "replay"]);
    assert_eq!(steps[1]["action"]["args"], json!({"supplier_id": "S1", "sku": "sku_0", "quantity": 5}));
    let summary = study.summary("c0_r0");
    assert_eq!((&summary["end_reason"], &summary["total_steps"]), (&json!("agent_stop"), &json!(5)));
    assert_eq!((&summary["tokens"], &summary["cost"]), (&Value::Null, &Value::Null));
    let errors = study.events("c0_r0", "error");
    let last = errors.last().unwrap();
    assert_eq!((&last["step"], &last["message"]), (&json!(5), &json!("the recording has no more replies")));
    assert_eq!(study.history()[0]["run_type"], "replay");
    study.verify("c0_r0").with(0);
    // The run needs its recording no more.
    fs::remove_file(study.path().join("raw.jsonl")).unwrap();
    study.verify("c0_r0").with(0);
}

#[test]
fn what_is_no_recording_is_refused_before_the_first_run() {
    let study = study("");
    for (text, said) in [
        (Some("{\"raw\": \"x\"}\nnonsense\n"), "line 2 of the recording raw.jsonl is no JSON object"),
        (Some("{\"step\": 0}\n"), "no line of the recording raw.jsonl has a reply"),
        (Some(""), "no line of the recording raw.jsonl has a reply"),
        (None, "the recording raw.jsonl cannot be read"),
    ] {
        let path = study.path().join("raw.jsonl");
        match text {
            Some(text) => fs::write(path, text).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        study.run(&[]).with(3).saying(said).saying("model.name");
        assert!(!study.path().join("results").exists());
    }
}

#[test]
#[ignore = "needs ../shared"]
fn a_real_log_drives_a_run() {
    let text = fs::read_to_string(original("logs/run_1771279366_42/steps.jsonl")).unwrap();
    let study = study("");
    fs::write(study.path().join("raw.jsonl"), &text).unwrap();
    study.run(&["--max-steps", "60"]).with(0);
    let steps = study.steps("c0_r0");
    assert!(!steps.is_empty());
    let tools: Vec<_> = vendomini::tool::name::ALL.into_iter().collect();
    let mut read = 0;
    for (step, line) in steps.iter().zip(text.lines()) {
        let line: Value = serde_json::from_str(line).unwrap();
        let raw = line["prediction"]["scratchpad_raw"].as_str().unwrap_or_default();
        assert_eq!(
            study.lines("c0_r0", "deliberations.jsonl")[step["step"].as_u64().unwrap() as usize]["raw"]["content"],
            raw
        );
        let Some(tool) = step["action"]["tool"].as_str() else { continue };
        read += 1;
        assert!(tools.contains(&tool) && raw.contains(tool), "{tool} was asked for");
        let known = crate::replies::known(&tools);
        let call = read_text(raw, Finish::Stop, &known).call.expect("the run has read it");
        assert_eq!(json!(call.action.args), step["action"]["args"]);
    }
    assert_eq!(study.summary("c0_r0")["action_sources"]["replay"].as_u64().unwrap_or(0), read);
    study.verify("c0_r0").with(0);
}

#[test]
fn the_history_has_a_line_for_every_finished_run_and_says_which_to_leave_out() {
    let server = MockServer::start(|request| match request.path.split('/').nth(1).unwrap_or_default() {
        _ if !model::is_call(request) => model::answer(request),
        "babble" => model::babble(request),
        "broken" if model::step(request) > 0 => Answer::error(403, "forbidden"),
        "dead" => Answer::error(403, "forbidden"),
        "blind" => model::say(
            request,
            "ACTION: tool_order\nARGS: {\"supplier_id\": \"S1\", \"sku\": \"sku_0\", \"quantity\": 1}",
        ),
        _ => model::answer(request),
    });
    let entry = |name: &str| {
        let url = server.url(&format!("/{name}/v1"));
        format!("  {name}/*: {{base_url: \"{url}\", api_key_env: {VARIABLE}}}\n")
    };
    let entries: String = ["babble", "broken", "dead", "blind", "good"].map(entry).concat();
    let study = study(&format!(
        "interface: {{reply_format: text, on_malformed: rejected}}\n\
         providers:\n{entries}  inside: {{kind: mock}}\n\
         grid: {{model.name: [heuristic, inside, good/mock-model, babble/mock-model, broken/mock-model, \
         dead/mock-model, blind/mock-model, \"replay:raw.jsonl\"]}}\n"
    ));
    study.run(&["--max-steps", "4"]).with(5);
    let mut lines = study.history();
    lines.sort_by_key(|line| line["run_id"].as_str().unwrap().to_owned());
    let told: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!([
                line["model"],
                line["run_type"],
                line["end_reason"],
                line["total_steps"],
                line["eligible"],
                line["ineligible_reason"]
            ])
        })
        .collect();
    let expected = json!([
        ["heuristic", "scripted", "horizon", 4, true, null],
        ["inside", "mock", "horizon", 4, true, null],
        ["good/mock-model", "model", "horizon", 4, true, null],
        ["babble/mock-model", "model", "horizon", 4, false, "nothing_readable"],
        ["broken/mock-model", "model", "provider_error", 1, false, "provider_failed"],
        ["dead/mock-model", "model", "provider_error", 0, false, "provider_failed"],
        ["blind/mock-model", "model", "horizon", 4, false, "no_predictions"],
        ["replay:raw.jsonl", "replay", "horizon", 4, true, null],
    ]);
    assert_eq!(json!(told), expected);
    let summary = study.summary("c2_r0");
    let line = &lines[2];
    for key in ["run_id", "seed", "total_steps", "end_reason", "final_state_hash"] {
        assert_eq!(line[key], summary[key], "{key}");
    }
    assert_eq!(line["configuration_sha256"], study.manifest()["configuration"]["sha256"]);

    // Runs that come to the same end again are no new ones; a second experiment is.
    study.run(&["--max-steps", "4", "--resume"]).with(5);
    assert_eq!(study.history().len(), 8);
    study.run(&["--max-steps", "4", "--overwrite"]).with(5);
    assert_eq!(study.history().len(), 16);
    finish(study.program(&["replay", "--verify", "results/study/runs/study_c0_r0"])).with(0);
    finish(study.program(&["replay", "--verify", "results/study/runs/study_c1_r0"])).with(0);
}

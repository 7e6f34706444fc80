//! `vendomini replay --verify`: a recorded run comes out again to the byte, or the first difference is named.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::model;
use super::study::{Done, Study, VARIABLE, finish};
use crate::mock_server::MockServer;

const STEPS: usize = 4;

/// A run that was asked again once, and the requests that its server has seen.
fn study() -> (MockServer, Study) {
    let server = MockServer::start(|request| match request.method.as_str() {
        "POST" if model::step(request) == 1 && !is_reask(&request.json()) => model::babble(request),
        _ => model::answer(request),
    });
    let url = server.url("/v1");
    let study = Study::new(&format!(
        "simulation: {{max_steps: {STEPS}}}\nmodel: {{name: mock-model, max_tokens_per_call: 200}}\n\
         interface: {{reply_format: text}}\n\
         providers: {{mock-model: {{base_url: \"{url}\", api_key_env: {VARIABLE}}}}}\n"
    ));
    study.run(&[]).with(0);
    (server, study)
}

fn is_reask(request: &Value) -> bool {
    let last = request["messages"].as_array().and_then(|messages| messages.last()).cloned().unwrap_or_default();
    last["content"].as_str().is_some_and(|text| text.contains("Reply again"))
}

/// A change of the lines of a cassette.
type Edit = fn(&mut Vec<String>);

/// Replaces the cassette of the run by what `edit` makes of its lines.
fn edit(study: &Study, edit: Edit) {
    let path = study.folder("c0_r0").join("cassette.jsonl");
    let mut lines: Vec<String> = fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    edit(&mut lines);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&path, text).unwrap();
}

fn replay(study: &Study, arguments: &[&str]) -> Done {
    let folder = study.folder("c0_r0");
    let mut command = study.program(&["replay"]);
    command.env_remove(VARIABLE).arg(folder).args(arguments);
    finish(command)
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names =
        ["steps.jsonl", "events.jsonl", "deliberations.jsonl", "cassette.jsonl", "summary.json", "config_used.yaml"];
    names.map(|name| (name.to_owned(), fs::read(folder.join(name)).unwrap())).to_vec()
}

#[test]
fn a_run_comes_out_again_without_key_and_server() {
    let (server, study) = study();
    let requests = server.counts().requests;
    let done = study.verify("c0_r0").with(0);
    assert_eq!(done.out, "study_c0_r0: 4 steps, the same to the byte\n");
    assert_eq!(server.counts().requests, requests, "nobody was asked");
    drop(server);
    study.verify("c0_r0").with(0);
    replay(&study, &["--output-dir", "again"]).with(0);
    let again = study.path().join("again/study/runs/study_c0_r0");
    for ((name, one), (_, other)) in files(&study.folder("c0_r0")).into_iter().zip(files(&again)) {
        assert!(one == other, "{name} differs");
    }
    let left: Vec<_> =
        fs::read_dir(study.path().join("again/study")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "runs" || name == ".lock"), "{left:?}");
    // No repetition replaces another, or results.
    for manifest in [false, true] {
        if manifest {
            let path = study.path().join("again/study/manifest.json");
            fs::copy(study.results().join("manifest.json"), path).unwrap();
        }
        let done =
            replay(&study, &["--output-dir", "again"]).with(3).saying("there is something in again/study already");
        assert!(!done.err.contains("--overwrite") && !done.err.contains("--resume"), "{}", done.err);
    }
    // The repetition's folder alone is a record as good as the first.
    let mut command = study.program(&["replay", "--verify"]);
    command.arg(again);
    finish(command).with(0);
    study.assert_no_key();
}

#[test]
fn an_edited_cassette_differs_at_a_step_and_a_field() {
    let (server, study) = study();
    let requests = server.counts().requests;
    let path = study.folder("c0_r0").join("cassette.jsonl");
    let whole = fs::read(&path).unwrap();
    // Lines: the header, step 0, two calls of step 1, step 2, step 3.
    let cases: &[(Edit, &str)] = &[
        // What the model is said to have done in step 2: the next request is another one.
        (
            |lines| lines[4] = lines[4].replace("tool_check_storage", "tool_check_budget"),
            "first difference at step 3, field request_digest (cassette.jsonl",
        ),
        // In the last step there is no next request.
        (
            |lines| lines[5] = lines[5].replace("tool_quote", "tool_order").replace(r#"\"qty\"#, r#"\"quantity\"#),
            "first difference at step 3, field ",
        ),
        // What it thought is no part of the world.
        (|lines| lines[5] = lines[5].replace("It is time", "It was time"), "first difference at step 3, field "),
        (
            |lines| lines[1] = lines[1].replacen(r#""latency_ms":"#, r#""latency_ms":1"#, 1),
            "first difference at step 0, field latency_ms (events.jsonl, line 1)",
        ),
        (
            |lines| drop(lines.remove(2)),
            "first difference at step 1, field step (cassette.jsonl): recorded a record of step 1 (call 1), \
             repeated a request of step 1 (call 0)",
        ),
        (
            |lines| drop(lines.pop()),
            "first difference at step 3, field step (cassette.jsonl): recorded no more requests",
        ),
        (|lines| lines.truncate(1), "first difference at step 0, field step"),
        (
            |lines| lines.push(lines[5].replace(r#""step":3"#, r#""step":4"#)),
            "first difference at step 4, field step (cassette.jsonl): recorded a record of step 4 (call 0), \
             repeated the end of the run after 4 steps",
        ),
        // What no other record speaks of.
        (
            |lines| lines[0] = lines[0].replace("mock-model", "other-model"),
            "first difference at field model (cassette.jsonl, line 1): recorded \"other-model\", repeated \"mock-model\"",
        ),
        (
            |lines| lines[4] = lines[4].replace(r#""request_bytes":"#, r#""request_bytes":1"#),
            "first difference at step 2, field request_bytes (cassette.jsonl, line 5)",
        ),
        (
            |lines| lines[4] = lines[4].replace(r#""tokens":"#, r#""tokens":1"#),
            "first difference at step 2, field estimate.tokens (cassette.jsonl, line 5)",
        ),
        (
            |lines| lines[4] = lines[4].replace(r#""step":2,"#, r#""step": 2,"#),
            "first difference at step 2, line 5 of cassette.jsonl",
        ),
        (
            |lines| lines.push(r#"{"step":9,"call":0,"limit":"run_tokens","message":"late"}"#.to_owned()),
            "first difference at step 9, field step (cassette.jsonl): recorded a record of step 9 (call 0)",
        ),
        (
            |lines| {
                lines.truncate(5);
                lines.push(r#"{"step":3,"call":1,"limit":"run_tokens","message":"late"}"#.to_owned());
            },
            "first difference at step 3, field step (cassette.jsonl): recorded a record of step 3 (call 1), \
             repeated a request of step 3 (call 0)",
        ),
    ];
    for (change, said) in cases {
        fs::write(&path, &whole).unwrap();
        edit(&study, *change);
        assert!(fs::read(&path).unwrap() != whole, "{said}: the edit changes something");
        let done = study.verify("c0_r0").with(7);
        assert!(done.out.starts_with(&format!("study_c0_r0: {said}")), "{}, not {said}", done.out);
    }
    assert_eq!(server.counts().requests, requests, "nobody was asked");
}

#[test]
fn a_cassette_that_cannot_be_read_is_6() {
    let (_server, study) = study();
    let path = study.folder("c0_r0").join("cassette.jsonl");
    let whole = fs::read(&path).unwrap();
    let cases: &[(Edit, &str)] = &[
        (|lines| lines[3] = "{\"step\": 1".to_owned(), "line 4 of the cassette"),
        (|lines| lines[2].insert(1, ','), "line 3 of the cassette"),
        (|lines| lines[0] = lines[0].replace("\"cassette\":2", "\"cassette\":1"), "version 1"),
        (|lines| drop(lines.remove(0)), "line 1 of the cassette"),
        (
            |lines| lines[1] = lines[1].replace("\"outcome\":\"reply\"", "\"outcome\":\"applause\""),
            "line 2 of the cassette",
        ),
    ];
    for (change, said) in cases {
        fs::write(&path, &whole).unwrap();
        edit(&study, *change);
        study.verify("c0_r0").with(6).saying(said);
    }
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    study.verify("c0_r0").with(6).saying("it is incomplete");
    fs::write(&path, [0, 159, 146, 150]).unwrap();
    study.verify("c0_r0").with(6).saying("line 1 of the cassette");
    // Without a cassette a run of a model cannot be made again, and nobody is asked instead.
    fs::remove_file(&path).unwrap();
    study.verify("c0_r0").with(6).saying("cassette.jsonl");
}

#[test]
fn edited_records_differ_and_other_plugins_are_refused() {
    let (_server, study) = study();
    let steps = study.folder("c0_r0").join("steps.jsonl");
    let whole = fs::read_to_string(&steps).unwrap();
    fs::write(&steps, whole.replacen("\"tool\":\"tool_check_storage\"", "\"tool\":\"tool_check_budget\"", 1)).unwrap();
    let done = study.verify("c0_r0").with(7);
    let said = "study_c0_r0: first difference at step 2, field action.tool (steps.jsonl, line 3): recorded \
                \"tool_check_budget\", repeated \"tool_check_storage\"\n";
    assert_eq!(done.out, said);
    // Bytes that are no text are no difference to be shown.
    fs::write(&steps, [whole.as_bytes(), &[0x1b, b'[', b'2', b'J', b'\n']].concat()).unwrap();
    let done = study.verify("c0_r0").with(6).saying("steps.jsonl: line 5 is not JSON");
    assert!(!done.out.contains('\u{1b}') && !done.err.contains('\u{1b}'), "{done:?}");
    fs::write(&steps, whole).unwrap();
    let mut command = study.program(&["replay", "--verify"]);
    command.arg(&steps);
    finish(command).with(6).saying("not a folder");

    let path = study.results().join("manifest.json");
    let mut manifest = study.manifest();
    let listed = manifest["plugins"].as_array_mut().unwrap();
    listed.push(json!({"name": "their::plugin", "version": "1.2.3"}));
    fs::write(&path, manifest.to_string()).unwrap();
    let done = study.verify("c0_r0").with(3).saying("the records were made with other plugins");
    let lines: Vec<&str> = done.err.lines().filter(|line| line.contains("plugins of ")).collect();
    assert_eq!(lines.len(), 2, "{}", done.err);
    assert!(lines[0].contains("their::plugin 1.2.3") && !lines[1].contains("their::plugin"), "{}", done.err);
    assert!(lines[1].contains("vendomini::step::StepPlugin"), "{}", done.err);
}

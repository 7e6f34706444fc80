//! Before the first run: keys, servers, pins and prompts. What is missing is said at once, and nothing is made.

use std::fs;

use serde_json::{Value, json};

use super::model;
use super::study::{Study, VARIABLE, finish};
use crate::mock_server::MockServer;

fn study(server: &MockServer, more: &str) -> Study {
    let url = server.url("/v1");
    Study::new(&format!(
        "simulation: {{max_steps: 3, initial_budget: 10000}}\nmodel: {{max_tokens_per_call: 200}}\n\
         providers: {{\"*mock-model\": {{base_url: \"{url}\", api_key_env: {VARIABLE}}}}}\n{more}"
    ))
}

const ONE: &str = "grid: {model.name: [mock-model]}\n";

#[test]
fn a_missing_key_is_one_message_and_nobody_is_asked() {
    let server = MockServer::start(model::answer);
    let study = study(&server, "grid: {model.name: [mock-model, another/mock-model, heuristic]}\n");
    for value in [None, Some(""), Some(" \n")] {
        let mut command = study.run_command(&[]);
        match value {
            Some(value) => command.env(VARIABLE, value),
            None => command.env_remove(VARIABLE),
        };
        let done = finish(command).with(3);
        let said = format!("the environment variable {VARIABLE} is not set");
        assert!(done.err.contains(&said) && done.err.contains("providers.*mock-model.api_key_env"), "{}", done.err);
        assert_eq!((done.err.lines().count(), done.out.as_str()), (1, ""), "{}", done.err);
        assert!(!study.path().join("results").exists());
    }
    assert_eq!(server.counts().connections, 0);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let server = MockServer::start(model::answer);
    let (study, address) = (study(&server, ONE), server.url(""));
    drop(server);
    let done = study.run(&[]).with(5);
    let address = address.strip_prefix("http://").unwrap();
    assert!(done.err.contains(address) && done.err.contains("mock-model"), "{}", done.err);
    assert_eq!((done.err.lines().count(), done.out.as_str()), (1, ""), "{}", done.err);
    assert!(!study.path().join("results").exists());
}

#[test]
fn earlier_results_are_safe_from_a_study_that_cannot_begin() {
    let server = MockServer::start(model::answer);
    let study = study(&server, ONE);
    study.run(&[]).with(0);
    study.run(&[]).with(3).saying("already holds results");
    let (manifest, steps) = (study.manifest(), study.steps("c0_r0"));
    drop(server);
    study.run(&["--overwrite"]).with(5);
    study.run(&["--resume"]).with(5);
    assert_eq!((study.manifest(), study.steps("c0_r0")), (manifest, steps));
}

#[test]
fn a_seed_that_is_not_sent_is_a_notice() {
    let server = MockServer::start(model::answer);
    for (kind, end, ignored) in [("anthropic_messages", "", true), ("openai_chat", "/v1", false)] {
        let study = Study::new(&format!(
            "simulation: {{max_steps: 1}}\nmodel: {{name: mock-model, seed: 7}}\n\
             providers: {{mock-model: {{kind: {kind}, base_url: \"{}\", api_key_env: {VARIABLE}}}}}\n",
            server.url(end)
        ));
        let done = study.run(&[]).with(0);
        assert_eq!(done.err.contains("notice: model.seed has no effect on mock-model"), ignored, "{}", done.err);
        let seed = &study.events("c0_r0", "provider_call")[0]["seed"];
        assert_eq!(*seed, if ignored { Value::Null } else { json!(7) });
    }
}

#[test]
fn a_pinned_study_runs_only_in_the_world_that_it_means() {
    let server = MockServer::start(model::answer);
    let study = study(&server, ONE);
    let file = study.path().join("study.yaml");
    finish(study.program(&["pin", "study.yaml"])).with(0);
    let pinned = fs::read_to_string(&file).unwrap();
    assert!(pinned.contains("\npins:\n  scenario_sha256: \""), "{pinned}");
    study.run(&[]).with(0);
    let pins = study.manifest()["pins"].clone();
    assert_eq!((&pins["pinned"], &pins["waived"]), (&json!(true), &json!([])), "{pins}");
    // A run repeats from its own record, whatever the first run of the study was.
    let record = study.folder("c0_r0").join("config_used.yaml");
    let repeated = ["run", "--batch", "--output-dir", "again", "--set", "experiment.seed=8", "--config"];
    finish(study.program(&[&repeated[..], &[record.to_str().unwrap()]].concat())).with(0);

    for (from, to, keys) in [
        ("initial_budget: 10000", "initial_budget: 9999", &["pins.scenario_sha256", "pins.initial_state_hash"][..]),
        ("p_shock: 0}", "p_shock: 0.5}", &["pins.scenario_sha256"]),
        ("seed: 7", "seed: 8", &["pins.initial_state_hash"]),
    ] {
        assert!(pinned.contains(from), "{from}");
        fs::write(&file, pinned.replace(from, to)).unwrap();
        let done = study.run(&["--overwrite"]).with(3);
        let lines: Vec<&str> = done.err.lines().collect();
        assert_eq!(lines.len(), keys.len(), "{to}: {}", done.err);
        for (line, key) in lines.iter().zip(keys) {
            assert!(line.starts_with(&format!("error: PinMismatch: {key} is pinned to ")), "{}", done.err);
            assert!(line.contains(" (study.yaml:"), "{line}");
        }
        assert_eq!(study.manifest()["pins"], pins, "the earlier results are still there");
        study.run(&["--output-dir", "unpinned", "--overwrite", "--allow-unpinned"]).with(0);
        let manifest = fs::read(study.path().join("unpinned/study/manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(manifest["pins"]["waived"], json!(keys));
        let holds = manifest["pins"]["scenario_sha256"] == pins["scenario_sha256"];
        assert_ne!(holds, keys.contains(&"pins.scenario_sha256"));
    }
    // What is no part of the world is not pinned.
    fs::write(&file, pinned.replace("max_tokens_per_call: 200", "max_tokens_per_call: 300")).unwrap();
    study.run(&["--overwrite"]).with(0);
    finish(study.program(&["pin", "--print", "study.yaml"])).with(0);
}

#[test]
fn prompts_of_the_user_s_are_used_recorded_and_tried_first() {
    let server = MockServer::start(model::answer);
    let days = "simulation.actions_per_day: [1, 2]";
    let grid = format!("grid: {{model.name: [mock-model], {days}}}\n");
    let study = study(&server, &format!("interface: {{prompts: mine, reply_format: text}}\n{grid}"));
    let (folder, system) = (study.path().join("mine"), study.path().join("mine/system.txt"));
    study.run(&[]).with(3).saying("there is no folder mine (interface.prompts");
    fs::create_dir(&folder).unwrap();
    study.run(&[]).with(3).saying("mine holds none of system.txt, predictions_and_reply.txt, step.txt, unreadable.txt");
    for (broken, said) in [
        (
            "You have {{ patience }} left.",
            "the prompt mine/system.txt is no good: there is no variable patience; there",
        ),
        ("{% for tool in tools %}{{ tool.name }}", "the prompt mine/system.txt is no good: syntax error"),
        // What shows in another cell, or in none that is tried.
        (
            "{% if actions_per_day > 1 %}{{ tools[99].name }}{% endif %}",
            "the prompt mine/system.txt is no good: undefined",
        ),
        (
            "{% if skus > 99 %}{{ patience }}{% endif %}",
            "mine/system.txt is no good: there is no variable patience; there",
        ),
    ] {
        fs::write(&system, broken).unwrap();
        let done = study.run(&[]).with(3).saying(said);
        assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    }
    assert!(!study.path().join("results").exists());
    assert!(!server.requests().iter().any(model::is_call), "no model was asked");

    fs::write(&system, "Mind the shop for {{ max_steps }} days.").unwrap();
    study.run(&[]).with(0);
    let call = server.requests().into_iter().find(model::is_call).unwrap().json();
    assert_eq!(call["messages"][0], json!({"role": "system", "content": "Mind the shop for 3 days."}));
    assert!(call["messages"][1]["content"].as_str().unwrap().contains("STEP 1 of 3"), "the others are built in");
    let prompts = study.manifest()["models"]["prompts"].clone();
    // sha256sum of the text.
    assert_eq!(prompts["mine"]["system.txt"], "bd1112c3dae3b273a10221d01129c2f33862d57f50f2a72d9e19a6690bda0495");
    assert_eq!(prompts["mine"].as_object().unwrap().len(), 4);
    study.verify("c0_r0").with(0);

    // Other prompts make another run, which no cassette answers.
    fs::write(&system, "Mind the shop for {{ max_steps }} nights.").unwrap();
    let done = study.verify("c0_r0").with(7);
    assert!(done.out.contains("first difference at step 0, field request_digest"), "{}", done.out);
    let before = server.counts().requests;
    let done = study.run(&["--resume"]).with(3).saying("the prompt system.txt (mine) has the SHA-256 ");
    let then = "bd1112c3dae3b273a10221d01129c2f33862d57f50f2a72d9e19a6690bda0495";
    assert!(done.err.contains(&format!("and had {then} at the beginning")), "{}", done.err);
    assert!(!server.requests()[before as usize..].iter().any(model::is_call), "no model was asked");
    fs::write(&system, "Mind the shop for {{ max_steps }} days.").unwrap();
    study.run(&["--resume"]).with(0);
    study.verify("c0_r0").with(0);
}

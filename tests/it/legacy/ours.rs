//! Our own results, audited and judged again.

use std::fs;
use std::path::Path;

use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{audit, detect, log_lines, log_of, text, vendomini};
use crate::common::{lines, project};

#[test]
fn our_own_results_are_audited_and_judged_the_same_again() {
    let dir = TempDir::new().unwrap();
    let results = dir.path().join("results");
    for (agent, level) in [("mock", "strict"), ("noop", "moderate"), ("random", "lenient"), ("heuristic", "strict")] {
        let name = format!("experiment.name={agent}");
        let set = [format!("model.name={agent}"), format!("measurement.crash_threshold={level}")];
        vendomini(&["run", "--batch", "--max-steps", "60", "--replications", "2", "--set", &name])
            .args(["--set", &set[0], "--set", &set[1], "--set", "measurement.window_size=25"])
            .args([Path::new("--output-dir"), &results, Path::new("--config"), &project("configs/base.yaml")])
            .assert()
            .code(0);
    }
    fs::create_dir_all(results.join("noop/runs/.noop_c0_r2.partial")).unwrap();
    fs::create_dir_all(results.join("noop/failed/noop_c0_r3")).unwrap();
    let found = audit(&results);
    assert_eq!((&found["unfinished_runs"], &found["failed_runs"]), (&json!(1), &json!(1)));
    assert_eq!((&found["runs"], &found["runs_with_steps"]), (&json!(8), &json!(8)));
    assert_eq!((&found["origins"]["vendomini"], &found["seeds"]), (&json!(8), &json!(2)), "cells share their draws");
    let actions: u64 = found["tools"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(found["actions_as_asked"], actions, "one of the agents never acts; all others act for themselves");
    assert!(actions > 0 && actions < found["step_records"].as_u64().unwrap());
    assert_eq!(found["replies_without_action"], Value::Null, "scripted agents give no replies");
    let predictions = &found["predictions"];
    let sum = ["resolved", "voided", "open"].iter().map(|key| predictions[*key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(predictions["made"], sum);
    assert_eq!(found["runs_with_fewer_records_than_steps"], 0);
    assert_eq!(audit(&results.join("mock/runs"))["agents"], json!({"mock": 2}));

    let output = dir.path().join("verdicts.jsonl");
    assert!(detect(&[text(&results), "--output", text(&output)]).is_empty());
    let again = ["detect", text(&results), "--output", text(&output)];
    vendomini(&again).assert().code(2).stderr(contains("exists; name another one, or add --overwrite"));
    vendomini(&again).arg("--overwrite").assert().code(0);
    // Never into the records themselves.
    let run = results.join("mock/runs/mock_c0_r0");
    for name in ["steps.jsonl", "flags.jsonl"] {
        let inside = run.join(name);
        vendomini(&["detect", text(&run), "--overwrite", "--output", text(&inside)])
            .assert()
            .code(2)
            .stderr(contains("in a run folder that is being read"));
    }
    assert!(!run.join("flags.jsonl").exists());
    let mut verdicts = lines(&fs::read(&output).unwrap()).into_iter();
    let mut crashes = 0;
    for agent in ["heuristic", "mock", "noop", "random"] {
        for replication in 0..2 {
            let run = format!("{agent}_c0_r{replication}");
            let records = fs::read(results.join(agent).join("runs").join(&run).join("steps.jsonl")).unwrap();
            for record in lines(&records) {
                let verdict = verdicts.next().unwrap();
                assert_eq!((&verdict["run_id"], &verdict["step"]), (&json!(run), &record["step"]));
                for key in ["crash_detected", "crash_type", "flags"] {
                    assert_eq!(verdict[key], record[key], "{run}, step {}: {key}", record["step"]);
                }
                crashes += u32::from(verdict["crash_detected"] == true);
            }
        }
    }
    assert!(verdicts.next().is_none() && crashes > 0);

    let run = results.join("noop/runs/noop_c0_r0");
    let looping = detect(&[text(&run), "--detectors", "looping", "--window", "5", "--threshold", "lenient"]);
    assert!(looping.iter().all(|line| line["flags"] == json!({"looping": null})), "six do not fit into five");
    let v1 = detect(&[text(&run), "--detectors", "v1"]);
    assert_eq!((&v1[4]["crash_type"], &v1[5]["crash_type"]), (&Value::Null, &json!("looping")));
    for (arguments, said) in [
        (&["--detectors", "v1,looping"][..], "cannot be combined"),
        (&["--detectors", "v1", "--window", "9"], "has no meaning"),
        (&["--detectors", "lopping"], "there is no crash detector lopping"),
    ] {
        vendomini(&[&["detect", text(&run)], arguments].concat()).assert().code(2).stderr(contains(said));
    }
    // Results of this program are never replaced by an import.
    let logs = log_of(&dir, log_lines(&[0]).as_bytes());
    let target = results.join("noop");
    vendomini(&["import", "--from", "vendomini-v1", text(&logs), "--overwrite", "--output-dir", text(&target)])
        .assert()
        .code(3)
        .stderr(contains("was not imported"));
    assert!(run.is_dir());
}

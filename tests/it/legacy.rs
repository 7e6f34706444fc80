//! Records read back: the Python original's logs and our own, audited, judged again and imported.
//!
//! The real logs are no part of this project; the tests that need them are ignored, and CI runs them where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{lines, original};

mod ours;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vendomini");

fn vendomini(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    command
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths here are text")
}

fn audit(folder: &Path) -> Value {
    let output = vendomini(&["audit", "--format", "json", text(folder)]).assert().code(0).get_output().stdout.clone();
    serde_json::from_slice(&output).expect("an audit is one JSON object")
}

fn detect(arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["detect"];
    all.extend(arguments);
    lines(&vendomini(&all).assert().code(0).get_output().stdout)
}

/// The step records of each real run by folder name, none for a run without a log.
fn real_records(logs: &Path) -> BTreeMap<String, Vec<Value>> {
    let folders = fs::read_dir(logs).unwrap().map(|entry| entry.unwrap());
    let read = |folder: &Path| fs::read(folder.join("steps.jsonl")).map_or_else(|_| Vec::new(), |bytes| lines(&bytes));
    folders.map(|folder| (folder.file_name().into_string().unwrap(), read(&folder.path()))).collect()
}

/// What a reply asks for, by another way than the program's: from the front, the last match wins.
fn asked(reply: &str) -> Option<String> {
    let mut found = None;
    for line in reply.split('\n') {
        if let Some(("", rest)) = line.trim().split_once("ACTION:") {
            let rest: String = rest.chars().take_while(|letter| *letter != '#').collect();
            found = Some(rest.trim().trim_matches(['"', '\'']).trim().to_owned());
        }
    }
    found
}

#[test]
#[ignore = "needs ../shared"]
fn the_audit_finds_what_a_script_counts() {
    let logs = original("logs");
    let runs = real_records(&logs);
    let mut counted = BTreeMap::from([
        ("runs", runs.len()),
        ("runs_with_steps", runs.values().filter(|records| !records.is_empty()).count()),
        ("step_records", runs.values().map(Vec::len).sum()),
    ]);
    let back = |records: &[Value]| {
        records.windows(2).filter(|pair| pair[1]["step"].as_i64() <= pair[0]["step"].as_i64()).count()
    };
    counted.insert("runs_out_of_order", runs.values().filter(|records| back(records) > 0).count());
    counted.insert("steps_out_of_order", runs.values().map(|records| back(records)).sum());
    let all = || runs.values().flatten();
    let wrong = |record: &&Value| record["pe"].as_object().unwrap().values().any(|error| error.as_f64() > Some(0.0));
    counted.insert("pe_nonzero_records", all().filter(wrong).count());
    let summary = |run: &String| -> Value {
        serde_json::from_slice(&fs::read(logs.join(run).join("summary.json")).unwrap()).unwrap()
    };
    let seeds: BTreeSet<_> = runs.keys().map(|run| summary(run)["seed"].to_string()).collect();
    counted.insert("seeds", seeds.len());
    let tools = "inbox storage budget".split(' ').map(|what| format!("tool_check_{what}"));
    let others = "order quote cancel_order ship_customer_order".split(' ').map(|what| format!("tool_{what}"));
    let tools: BTreeSet<String> = tools.chain(others).collect();
    let mut replies = [0; 4];
    for record in all() {
        let kind = match asked(record["prediction"]["scratchpad_raw"].as_str().unwrap()) {
            Some(tool) if record["action"]["tool"] == tool.as_str() && tools.contains(&tool) => 0,
            None => 1,
            Some(tool) if !tools.contains(&tool) => 2,
            Some(_) => 3,
        };
        replies[kind] += 1;
    }
    let keys = ["actions_as_asked", "replies_without_action", "replies_with_unknown_tool", "replies_replaced"];
    counted.extend(keys.into_iter().zip(replies));
    let mut traces: BTreeMap<String, usize> = BTreeMap::new();
    for records in runs.values().filter(|records| !records.is_empty()) {
        let trace: Vec<_> = records.iter().map(|record| &record["action"]).collect();
        *traces.entry(serde_json::to_string(&trace).unwrap()).or_default() += 1;
    }
    counted.insert("largest_group_of_identical_action_traces", *traces.values().max().unwrap());

    let audit = audit(&logs);
    for (key, count) in &counted {
        assert_eq!(audit[*key], json!(count), "{key}");
    }
    assert_eq!(audit["clipped_logs"], 0);
    assert_eq!(audit["predictions"]["resolved"], Value::Null, "nothing says that a prediction was ever compared");
    assert_eq!(audit["looping"]["mostly_fallback_tool"], audit["looping"]["runs"]);

    // The README beside the logs states the same; its last column speaks of the part that is here.
    let Ok(readme) = fs::read_to_string(logs.join("../README.md")) else { return };
    let rows: Vec<Vec<&str>> = readme.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    let stated = |key: &str| {
        let row = rows.iter().find(|row| row.len() == 6 && row[1] == format!("`{key}`"))?;
        let digits: String = row[4].chars().filter(|letter| *letter != ',').take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok()
    };
    for (key, count) in &counted {
        assert_eq!(stated(key), Some(*count), "{key} in the README");
    }
}

#[test]
#[ignore = "needs ../shared"]
fn the_originals_rules_give_the_originals_verdicts() {
    let logs = original("logs");
    let mut verdicts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in detect(&["--detectors", "v1", text(&logs)]) {
        assert_eq!(line["detectors"], "v1");
        verdicts.entry(format!("run_{}", line["run_id"].as_str().unwrap())).or_default().push(line);
    }
    let (mut runs, mut records) = (0, 0);
    for (run, logged) in real_records(&logs) {
        let judged = verdicts.remove(&run).unwrap_or_default();
        assert_eq!(judged.len(), logged.len(), "{run}: a line for each record");
        let steps: Vec<_> = logged.iter().map(|record| record["step"].as_u64().unwrap()).collect();
        assert!(judged.iter().map(|line| line["step"].as_u64().unwrap()).eq(steps.iter().copied()), "{run}: in order");
        if logged.is_empty() || !steps.is_sorted_by(|one, next| one < next) {
            continue;
        }
        runs += 1;
        for (record, line) in logged.iter().zip(&judged) {
            records += 1;
            for key in ["crash_detected", "crash_type"] {
                assert_eq!(line[key], record[key], "{run}, step {}: {key}", record["step"]);
            }
        }
    }
    assert!(verdicts.is_empty() && runs > 0);
    let Ok(readme) = fs::read_to_string(logs.join("../README.md")) else { return };
    let stated = format!("({},{:03} records in {runs} runs here)", records / 1000, records % 1000);
    assert!(readme.contains(&stated), "the README does not say {stated}");
}

#[test]
#[ignore = "needs ../shared"]
fn an_import_keeps_every_byte_and_every_answer() {
    let logs = original("logs");
    let dir = TempDir::new().unwrap();
    let target = dir.path().join("imported");
    let arguments = ["import", "--from", "vendomini-v1", text(&logs), "--output-dir", text(&target)];
    vendomini(&arguments).assert().code(0).stdout(contains("with a raw reply"));
    vendomini(&arguments).assert().code(3).stderr(contains("add --overwrite"));

    let (mut before, mut after) = (audit(&logs), audit(&target));
    assert_eq!(after["imported_runs"], before["runs"]);
    for audit in [&mut before, &mut after] {
        audit.as_object_mut().unwrap().remove("imported_runs");
    }
    assert_eq!(before, after);
    let verdicts = |folder: &Path| {
        let command = vendomini(&["detect", "--detectors", "v1", text(folder)]).assert().code(0);
        command.get_output().stdout.clone()
    };
    assert!(verdicts(&logs) == verdicts(&target), "the same verdicts");

    let nothing = json!({"temporal": null, "quantity": null, "cost": null, "causal": null});
    for (run, originals) in real_records(&logs) {
        let folder = target.join("runs").join(&run);
        assert!(folder.join("summary.json").is_file());
        if originals.is_empty() {
            continue;
        }
        let steps = fs::read_to_string(folder.join("steps.jsonl")).unwrap();
        let theirs = fs::read_to_string(logs.join(&run).join("steps.jsonl")).unwrap();
        let deliberations = lines(&fs::read(folder.join("deliberations.jsonl")).unwrap());
        assert_eq!((steps.lines().count(), deliberations.len()), (originals.len(), originals.len()));
        for (((step, line), original), deliberation) in
            steps.lines().zip(theirs.lines()).zip(&originals).zip(&deliberations)
        {
            assert!(step.ends_with(&format!("{line}}}}}")), "{run}: the line itself is kept");
            let step: Value = serde_json::from_str(step).unwrap();
            for key in ["step", "observation", "action", "crash_detected", "crash_type"] {
                assert_eq!(step[key], original[key], "{run}: {key}");
            }
            assert_eq!((&step["pe"], &step["result"]["success"]), (&nothing, &Value::Null), "unknown is null");
            let asked = asked(original["prediction"]["scratchpad_raw"].as_str().unwrap());
            let as_asked = asked.is_some_and(|asked| original["action"]["tool"] == asked.as_str());
            assert_eq!(step["action_source"], if as_asked { "model_text" } else { "harness_fallback" });
            assert_eq!(step["prediction"].is_null(), !as_asked, "a card that the agent did not give is none");
            assert_eq!(deliberation["raw_reply"], original["prediction"]["scratchpad_raw"]);
        }
    }
}

/// A record in the original's format.
fn theirs(step: u64, tool: &str, reply: &str) -> Value {
    let shown = json!({"day": step, "budget": 200.0, "storage": {"sku_0": 0}, "total_storage": 0, "inbox_count": 0});
    let zero = json!({"temporal": 0.0, "quantity": 0.0, "cost": 0.0, "causal": 0.0});
    json!({
        "step": step, "observation": shown, "action": {"tool": tool, "args": {}},
        "prediction": {"tool": tool, "args": {}, "expected_success": true, "scratchpad_raw": reply},
        "result": [shown, false], "pe": zero, "cumulative_pe": {}, "crash_detected": false, "crash_type": null,
    })
}

/// A folder of logs with one run whose log is `bytes`.
fn log_of(dir: &TempDir, bytes: &[u8]) -> PathBuf {
    let logs = dir.path().join("logs");
    fs::create_dir_all(logs.join("run_1_42")).unwrap();
    fs::write(logs.join("run_1_42/steps.jsonl"), bytes).unwrap();
    fs::write(logs.join("run_1_42/summary.json"), r#"{"run_id": "1_42", "seed": 42, "total_steps": 4}"#).unwrap();
    logs
}

fn log_lines(steps: &[u64]) -> String {
    steps.iter().map(|step| format!("{}\n", theirs(*step, "tool_check_inbox", "ACTION: tool_order"))).collect()
}

#[test]
fn broken_lines_are_findings() {
    let dir = TempDir::new().unwrap();
    let whole = log_lines(&[0, 1]);
    let odd = theirs(2, "tool_order", "ACTION: tool_order\nSUCCESS: true").to_string().replace("200.0", "NaN");
    let log =
        [whole.as_bytes(), b"\n\xff\xfe\n{\"day\": 3}\n", odd.as_bytes(), b"\n", &whole.as_bytes()[..70]].concat();
    let logs = log_of(&dir, &log);
    let found = audit(&logs);
    assert_eq!((&found["step_records"], &found["malformed_lines"]), (&json!(3), &json!(2)));
    assert_eq!((&found["clipped_logs"], &found["records_not_strict_json"]), (&json!(1), &json!(1)));
    assert_eq!((&found["runs_with_fewer_records_than_steps"], &found["steps_out_of_order"]), (&json!(1), &json!(0)));
    assert_eq!((&found["replies_replaced"], &found["actions_as_asked"]), (&json!(2), &json!(1)));
    let problems: Vec<_> = found["problems"].as_array().unwrap().iter().map(|problem| &problem["line"]).collect();
    assert_eq!(problems, [4, 5, 7]);
    assert_eq!(detect(&["--detectors", "v1", text(&logs)]).len(), 3);
    vendomini(&["audit", text(&logs)]).assert().code(0).stdout(contains("run_1_42/steps.jsonl, line 7"));

    let target = dir.path().join("imported");
    vendomini(&["import", "--from", "vendomini-v1", text(&logs), "--output-dir", text(&target)])
        .assert()
        .code(0)
        .stderr(contains("3 lines are no step records"));
    let imported = lines(&fs::read(target.join("runs/run_1_42/steps.jsonl")).unwrap());
    assert_eq!(imported[2]["imported"]["line"], odd.as_str(), "what is no JSON is kept as text");
    assert_eq!(imported[2]["prediction"]["expected_success"], true);
    let mut again = audit(&target);
    assert_eq!(again["imported_runs"], 1);
    again["imported_runs"] = json!(0);
    assert_eq!(again, found);
    let again = ["import", "--from", "vendomini-v1", text(&logs), "--output-dir", text(&target), "--overwrite"];
    fs::write(target.join("runs/left over"), "").unwrap();
    vendomini(&again).assert().code(0);
    assert!(!target.join("runs/left over").exists(), "an earlier import is replaced");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside it");
    vendomini(&["import", "--from", "vendomini-v1", text(&target), "--output-dir", text(&dir.path().join("twice"))])
        .assert()
        .code(6)
        .stderr(contains("not a record of the Python original"));
    assert!(!dir.path().join("twice").exists());
}

#[test]
fn an_interleaved_log_is_judged_in_the_order_of_its_lines() {
    let dir = TempDir::new().unwrap();
    let logs = log_of(&dir, log_lines(&[0, 1, 0, 1, 2, 2, 5]).as_bytes());
    let found = audit(&logs);
    assert_eq!((&found["runs_out_of_order"], &found["steps_out_of_order"]), (&json!(1), &json!(2)));
    assert_eq!((&found["runs_with_gaps"], &found["runs_with_more_records_than_steps"]), (&json!(1), &json!(1)));
    assert_eq!(found["duplicate_run_ids"], json!({"groups": 0, "runs": 0}));
    let verdicts = detect(&["--detectors", "v1", text(&logs)]);
    let steps: Vec<_> = verdicts.iter().map(|line| line["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [0, 1, 0, 1, 2, 2, 5]);
    assert_eq!(verdicts[4]["crash_type"], Value::Null);
    assert_eq!((&verdicts[5]["crash_type"], &verdicts[5]["flags"]["looping"]), (&json!("looping"), &json!(true)));
    // Our own rules must bear step numbers that go back, whatever the thoughts.
    let thoughts = |n: u64| match n {
        0..60 => "I check the stock and wait for the delivery".to_owned(),
        _ => format!("{:x} {:x}", n * 0x9e37_79b9_7f4a, n * 0x85eb_ca6b_c2b2),
    };
    let log: String = (0..120).map(|n| format!("{}\n", theirs(n * 7 % 40, "tool_order", &thoughts(n)))).collect();
    let wild = TempDir::new().unwrap();
    assert_eq!(detect(&[text(&log_of(&wild, log.as_bytes()))]).len(), 120);
    // They ask for open work, which these logs do not tell.
    let ours = detect(&[text(&logs)]);
    assert!(ours.iter().all(|line| line["flags"]["looping"].is_null() && line["detectors"] == "1"));
    // A second folder that claims the same id.
    fs::create_dir(logs.join("copy")).unwrap();
    for file in ["steps.jsonl", "summary.json"] {
        fs::copy(logs.join("run_1_42").join(file), logs.join("copy").join(file)).unwrap();
    }
    let found = audit(&logs);
    assert_eq!(found["duplicate_run_ids"], json!({"groups": 1, "runs": 2}));
    assert_eq!((&found["run_ids_unlike_folder"], &found["seeds"]), (&json!(1), &json!(1)));
    assert_eq!(found["largest_group_of_identical_action_traces"], 2);
}

#[test]
fn what_cannot_be_read_is_said() {
    let dir = TempDir::new().unwrap();
    let missing = dir.path().join("missing");
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for verb in [&["audit"][..], &["detect"], &["import", "--from", "vendomini-v1", "--output-dir", "/nowhere"]] {
        let with = |path: &Path| vendomini(&[verb, &[text(path)]].concat()).assert().code(6).stdout("");
        with(&missing).stderr(contains("there is no such folder"));
        with(&empty).stderr(contains("no run folder in it"));
        with(&log_of(&dir, b"\xff\xfe\xfd\n\xff\xff\n"))
            .stderr(contains("steps.jsonl, line 1: not a step record (it is not UTF-8)"));
    }
    // An empty log, or one that ends in its first line, is a finding.
    assert_eq!(audit(&log_of(&dir, b""))["runs_with_steps"], 0);
    assert_eq!(audit(&log_of(&dir, b"{\"step\": "))["clipped_logs"], 1);
    let logs = log_of(&dir, log_lines(&[0]).as_bytes());
    fs::write(logs.join("run_1_42/summary.json"), "{\n\"run_id\": ").unwrap();
    vendomini(&["audit", text(&logs)]).assert().code(6).stderr(contains("summary.json: line 2: not JSON"));
}

#[cfg(unix)]
#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let dir = TempDir::new().unwrap();
    let logs = log_of(&dir, log_lines(&(0..2000).collect::<Vec<_>>()).as_bytes());
    for verb in ["detect", "audit"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = std::process::Command::new(PROGRAM).args([verb, text(&logs)]).stdout(writer).status().unwrap();
        assert_eq!(status.code(), Some(0), "{verb}");
    }
}

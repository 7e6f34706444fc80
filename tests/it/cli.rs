//! The program itself: help, exit codes, what goes to stdout and what to stderr, and what it leaves behind.

mod help;
#[cfg(unix)]
mod unix;

use std::fs;
use std::path::Path;
use std::process::{Command as Process, Stdio};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::project;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vendomini");

/// `vendomini` in a folder of its own.
fn vendomini(dir: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(dir.path()).args(arguments);
    command
}

/// `vendomini run --batch` of `configs/base.yaml`, 30 steps, in a folder of its own.
fn short(dir: &TempDir, arguments: &[&str]) -> Command {
    let config = project("configs/base.yaml");
    let mut command = vendomini(dir, &["run", "--batch", "--max-steps", "30", "--config"]);
    command.arg(config).args(arguments);
    command
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

/// Names of what lies in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_wrong_command_line_is_2_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    vendomini(&dir, &[]).assert().code(2).stdout(is_empty()).stderr(contains("Usage: vendomini"));
    vendomini(&dir, &["run", "--batch"]).assert().code(2).stderr(contains("--config <FILE>"));
    let config = project("configs/demo.yaml");
    let config = config.to_str().unwrap();
    vendomini(&dir, &["run", "--config", config])
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr("error: this build has no window to watch a run in; add --batch to run without one\n");
    for jobs in ["0", "-2", "1025", "many", "99999999999999999999"] {
        vendomini(&dir, &["run", "--batch", "--config", config, "--n-jobs", jobs])
            .assert()
            .code(2)
            .stderr(contains(format!("'{jobs}'")).and(contains("expected 1 to 1024, or -1 for one on each core")));
    }
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn a_wrong_configuration_is_3_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    vendomini(&dir, &["run", "--batch", "--config", "gone.yaml"])
        .assert()
        .code(3)
        .stdout(is_empty())
        .stderr("error: gone.yaml: there is no such file\n");
    short(&dir, &["--set", "pe_induction.p_shok=1", "--set", "model.nme=x"])
        .assert()
        .code(3)
        .stderr(contains("error: --set pe_induction.p_shok=1").and(contains("\nerror: --set model.nme=x")));
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn an_agent_that_does_not_exist_is_refused_before_the_first_run_and_named() {
    let dir = tempfile::tempdir().unwrap();
    for (set, named) in [
        ("model.name=wizard", "wizard is neither a scripted agent (heuristic, mock, noop"),
        (
            "model.name=heuristc",
            "model.name: there is no agent heuristc (did you mean heuristic?); use heuristic, mock, noop, oracle, \
             random, synthetic (1 of 1 runs)\n",
        ),
    ] {
        short(&dir, &["--set", set]).assert().code(3).stdout(is_empty()).stderr(contains(named));
    }
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn the_table_goes_to_stdout_and_notices_to_stderr() {
    let dir = tempfile::tempdir().unwrap();
    let done = short(&dir, &["--set", "model.name=noop", "--replications", "3"]).assert().success();
    let output = done.get_output();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!(out, @r"
        runs     3 of 3 complete
        steps    90
        results  results/base

        end reason  runs
        horizon        3

        crash type  runs
        looping        3

        prediction error  mean  runs
        temporal             -     0
        quantity             -     0
        cost                 -     0
        causal               -     0
        ");
    assert!(err.starts_with("0 of 3 runs\n3 of 3 runs\n90 steps in "), "{err}");

    let folder = dir.path().join("results/base");
    assert_eq!(names(&folder), [".lock", "manifest.json", "results.csv", "runs"]);
    assert_eq!(names(&folder.join("runs")), ["base_c0_r0", "base_c0_r1", "base_c0_r2"]);
    let files = ["config_used.yaml", "events.jsonl", "experiment.log", "steps.jsonl", "summary.json"];
    assert_eq!(names(&folder.join("runs/base_c0_r1")), files);
    let manifest = manifest(&folder);
    assert_eq!(manifest["status"], "complete");
    assert_eq!(manifest["command"][1], "run");
    assert_eq!(manifest["configuration"]["files"][0]["sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn the_log_tells_the_crash_and_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let config = project("configs/base.yaml");
    let arguments = ["run", "--batch", "--set", "model.name=noop", "--config"];
    vendomini(&dir, &arguments).arg(config).assert().success().stderr(contains("WARNING").not());
    let folder = dir.path().join("results/base/runs/base_c0_r0");
    let summary: Value = serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["crash_type"], "looping", "doing nothing while there is work is a breakdown");
    let log = fs::read_to_string(folder.join("experiment.log")).unwrap();
    let (times, lines): (Vec<&str>, Vec<&str>) = log.lines().map(|line| line.split_once(' ').unwrap()).unzip();
    assert!(times.iter().all(|time| time.len() == 24 && time.ends_with('Z')), "{times:?}");
    let step = |key: &str| summary[key].as_u64().unwrap();
    assert!(lines[0].starts_with("run base_c0_r0: vendomini ") && lines[0].contains("agent noop"), "{lines:?}");
    let crash = format!("step {}: crash looping (onset at step {})", step("time_to_crash"), step("onset_step"));
    assert_eq!(lines[1], crash);
    assert!(lines[2].contains("the crash was mission_abandon"), "{lines:?}");
    assert!(lines[3].starts_with(&format!("after {} steps: end crash", step("total_steps"))), "{lines:?}");
    assert_eq!(lines.len(), 4);
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let config = project("configs/base.yaml");
    let mut child = Process::new(PROGRAM)
        .current_dir(dir.path())
        .args(["run", "--batch", "--max-steps", "30", "--config"])
        .arg(config)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn earlier_results_are_replaced_only_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("results/base");
    short(&dir, &["--replications", "3"]).assert().success();
    let before = manifest(&folder);
    short(&dir, &[]).assert().code(3).stdout(is_empty()).stderr(contains(
        "already holds results; add --resume to complete them, name another folder with --output-dir, or add \
             --overwrite",
    ));
    assert_eq!(manifest(&folder), before);
    short(&dir, &["--overwrite", "--n-jobs", "-1"]).assert().success();
    assert_eq!(names(&folder.join("runs")), ["base_c0_r0"], "nothing of the earlier runs is left");
    assert_eq!(names(&dir.path().join("results")), ["base", "history.jsonl"], "nor beside them");
    let history = fs::read_to_string(dir.path().join("results/history.jsonl")).unwrap();
    assert_eq!(history.lines().count(), 4, "but that they were made is not forgotten");
}

#[test]
fn results_go_where_the_command_line_says_or_else_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let from_file = ["--set", "paths.results_dir=from_file"];
    short(&dir, &from_file).assert().success().stdout(contains("results  from_file"));
    short(&dir, &[&from_file[..], &["--output-dir", "from/flag"]].concat()).assert().success();
    assert_eq!(names(dir.path()), ["from", "from_file"]);
    assert_eq!(names(&dir.path().join("from/flag")), ["base", "history.jsonl"]);
}

#[test]
fn what_is_not_ours_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("results/base");
    let refused = |why: &str| {
        for arguments in [&["--overwrite"][..], &[]] {
            short(&dir, arguments).assert().code(3).stderr(contains("is not a result folder").and(contains(why)));
        }
    };
    fs::create_dir_all(folder.join("thesis")).unwrap();
    refused("no manifest.json of ours");
    fs::write(folder.join("manifest.json"), "{\"name\": \"another program\"}").unwrap();
    refused("no manifest.json of ours");
    assert_eq!(names(&folder), ["manifest.json", "thesis"]);
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "a file").unwrap();
    refused("it is a file");
    assert_eq!(fs::read_to_string(&folder).unwrap(), "a file");
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    short(&dir, &[]).assert().success();
    fs::write(folder.join("thesis.txt"), "years of work").unwrap();
    short(&dir, &["--overwrite"]).assert().code(3).stderr(contains("files that are not of an experiment"));
    assert_eq!(names(&folder), [".lock", "manifest.json", "results.csv", "runs", "thesis.txt"]);
    fs::remove_file(folder.join("thesis.txt")).unwrap();
    short(&dir, &["--overwrite"]).assert().success();
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    short(&dir, &["--output-dir", "file"])
        .assert()
        .code(3)
        .stdout(is_empty())
        .stderr(contains("error: the result folder cannot be made").and(contains("file")));
}

#[test]
fn results_that_cannot_be_replaced_after_all_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, history) = (dir.path().join("results/base"), dir.path().join("results/history.jsonl"));
    short(&dir, &["--replications", "2"]).assert().success();
    let before = manifest(&folder);
    fs::remove_file(&history).unwrap();
    fs::create_dir(&history).unwrap();
    for how in ["--overwrite", "--resume"] {
        short(&dir, &["--replications", "2", how]).assert().code(3).stderr(contains("history.jsonl cannot be written"));
        assert_eq!(manifest(&folder), before);
        assert_eq!(names(&folder.join("runs")), ["base_c0_r0", "base_c0_r1"]);
        assert_eq!(names(&dir.path().join("results")), ["base", "history.jsonl"]);
    }
    fs::remove_dir(&history).unwrap();
    // Half a line swallows no other.
    fs::write(&history, "{\"finished\": \"2026").unwrap();
    short(&dir, &["--overwrite"]).assert().success();
    let lines = fs::read_to_string(&history).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, "{\"finished\": \"2026"));
    assert!(serde_json::from_str::<Value>(lines[1]).is_ok(), "{lines:?}");
}

/// Limits of time hold for programs too. Their runs then depend on the clock, but a repetition does not.
#[test]
fn a_limit_of_time_ends_runs_of_programs() {
    let dir = tempfile::tempdir().unwrap();
    let long = ["run", "--batch", "--replications", "2", "--set", "simulation.max_steps=1000000"];
    let config = project("configs/base.yaml");
    let run = |arguments: &[&str]| {
        let mut command = vendomini(&dir, &long);
        command.arg("--config").arg(&config).args(arguments);
        command
    };
    let folder = dir.path().join("results/base");
    let table = || -> Vec<Vec<String>> {
        let mut csv = csv::Reader::from_path(folder.join("results.csv")).unwrap();
        let header = csv.headers().unwrap().clone();
        let place = |name: &str| header.iter().position(|column| column == name).unwrap();
        let places = ["end_reason", "limit_scope", "survival", "total_steps"].map(place);
        csv.records().map(|row| places.map(|place| row.as_ref().unwrap()[place].to_owned()).to_vec()).collect()
    };
    let assert_recorded = |replication: usize, scope: &str, survival: &str| {
        let row = table().swap_remove(replication);
        assert_eq!(row[..3], ["time_limit", scope, survival]);
        let run = folder.join(format!("runs/base_c0_r{replication}"));
        let steps = fs::read_to_string(run.join("steps.jsonl")).unwrap().lines().count();
        assert_eq!(row[3], steps.to_string());
        vendomini(&dir, &["replay", "--verify"]).arg(run).assert().success().stdout(contains("the same to the byte"));
        steps
    };
    run(&["--time-limit", "1"]).assert().code(4);
    assert_recorded(0, "experiment", "censored");
    assert_eq!(assert_recorded(1, "experiment", "censored"), 0, "there is no time left for it");
    // A limit of the experiment can be raised, and one of the run is what became of the run.
    run(&["--resume", "--run-time-limit", "1"]).assert().code(3).stderr(contains("another configuration"));
    run(&["--overwrite", "--run-time-limit", "0.5"]).assert().success();
    for replication in [0, 1] {
        assert_recorded(replication, "run", "competing");
    }
}

#[test]
fn a_configuration_that_says_nothing_is_no_configuration() {
    let dir = tempfile::tempdir().unwrap();
    short(&dir, &[]).assert().success();
    fs::write(dir.path().join("results/base/runs/base_c0_r0/config_used.yaml"), "").unwrap();
    vendomini(&dir, &["detect", "results/base"])
        .assert()
        .code(6)
        .stderr(contains("config_used.yaml: not a configuration"));
}

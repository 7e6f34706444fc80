//! Full disks, signals and links, where shells and signals are.

use std::fs;
use std::process::{Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use tempfile::TempDir;

use super::{PROGRAM, manifest, names, short};
use crate::common::project;

/// `vendomini run --batch` that may write no file larger than so many blocks of 512 bytes.
fn limited(dir: &TempDir, blocks: u32, arguments: &str) -> Command {
    let config = project("configs/base.yaml");
    let script = format!(
        "trap '' XFSZ; ulimit -f {blocks}; exec '{PROGRAM}' run --batch --config '{}' {arguments}",
        config.display()
    );
    let mut command = Command::new("sh");
    command.current_dir(dir.path()).args(["-c", &script]);
    command
}

#[test]
fn a_full_disk_stops_the_batch_and_leaves_nothing_that_looks_complete() {
    let dir = tempfile::tempdir().unwrap();
    limited(&dir, 64, "--max-steps 500 --replications 2")
        .assert()
        .code(4)
        .stdout(is_empty())
        .stderr(contains("0 of 2 runs are complete").and(contains("steps.jsonl cannot be written")));
    let folder = dir.path().join("results/base");
    assert_eq!(names(&folder), [".lock", ".results.csv.partial", "manifest.json", "runs"]);
    assert_eq!(names(&folder.join("runs")), [""; 0]);
    let manifest = manifest(&folder);
    assert_eq!(manifest["status"], "failed");
    assert!(manifest["error"].as_str().unwrap().contains("steps.jsonl"), "{manifest}");
    // The ways out that the message names work.
    let config = project("configs/base.yaml");
    let mut again = Command::new(PROGRAM);
    again.current_dir(dir.path()).args(["run", "--batch", "--max-steps", "500", "--replications", "2", "--resume"]);
    again.arg("--config").arg(config).assert().success();
    short(&dir, &["--overwrite"]).assert().success();
}

#[test]
fn a_disk_that_was_full_from_the_start_costs_no_earlier_results() {
    let dir = tempfile::tempdir().unwrap();
    short(&dir, &[]).assert().success();
    let before = manifest(&dir.path().join("results/base"));
    limited(&dir, 0, "--overwrite").assert().code(3).stderr(contains("the result folder cannot be made"));
    assert_eq!(manifest(&dir.path().join("results/base")), before);
    assert_eq!(names(&dir.path().join("results")), ["base", "history.jsonl"]);
    limited(&dir, 0, "--output-dir new").assert().code(3);
    assert_eq!(names(&dir.path().join("new")), ["history.jsonl"], "which is empty");
}

#[cfg(target_os = "linux")]
#[test]
fn a_table_that_stdout_does_not_take_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let config = project("configs/base.yaml");
    let arguments = ["run", "--batch", "--max-steps", "30", "--config"];
    let mut program = Process::new(PROGRAM);
    program.current_dir(dir.path()).args(arguments).arg(config).stdout(full).stderr(Stdio::piped());
    let output = program.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("steps a second") && err.contains("error: the output cannot be written: "), "{err}");
}

#[test]
fn a_table_that_cannot_be_written_is_no_table() {
    let dir = tempfile::tempdir().unwrap();
    limited(&dir, 64, "--max-steps 1 --replications 200 --set model.name=noop")
        .assert()
        .code(4)
        .stderr(contains(".results.csv.partial cannot be written"));
    let folder = dir.path().join("results/base");
    assert!(!folder.join("results.csv").exists());
    assert_eq!(manifest(&folder)["status"], "failed");
    assert!(names(&folder.join("runs")).iter().all(|name| !name.starts_with('.')));
}

/// Starts a batch, interrupts it once `ready` says so of its folder of runs, and gives its exit code and stderr.
fn interrupt(dir: &TempDir, arguments: &[&str], ready: impl Fn(&[String]) -> bool) -> (Option<i32>, String) {
    let mut child = Process::new(PROGRAM)
        .current_dir(dir.path())
        .args(["run", "--batch", "--n-jobs", "2", "--config"])
        .arg(project("configs/base.yaml"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let runs = dir.path().join("results/base/runs");
    let begun = Instant::now();
    while !(runs.exists() && ready(&names(&runs))) {
        if child.try_wait().unwrap().is_some() || begun.elapsed() > Duration::from_secs(60) {
            let _ = child.kill();
            let output = child.wait_with_output().unwrap();
            panic!("the batch does not get going: {}", String::from_utf8_lossy(&output.stderr));
        }
        thread::sleep(Duration::from_millis(5));
    }
    let killed = Process::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn ctrl_c_keeps_whole_runs_and_says_how_to_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["--max-steps", "50", "--replications", "100000", "--set", "model.name=noop"];
    let (code, err) = interrupt(&dir, &arguments, |runs| runs.len() > 20);
    assert_eq!(code, Some(4), "{err}");
    let folder = dir.path().join("results/base");
    let (manifest, runs) = (manifest(&folder), names(&folder.join("runs")));
    assert_eq!(manifest["status"], "cancelled");
    assert_eq!(manifest["counts"]["complete"], runs.len());
    assert!(runs.iter().all(|run| folder.join("runs").join(run).join("summary.json").exists()), "{runs:?}");
    let table = fs::read_to_string(folder.join("results.csv")).unwrap();
    let mut rows: Vec<&str> = table.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect();
    rows.sort_unstable();
    assert_eq!(rows, runs);
    let kept = format!("stopped: {} of 100000 runs are complete in results/base", runs.len());
    let advice = format!("{kept}; add --resume to go on, or --overwrite to run all of them again");
    assert!(err.contains(&advice), "{err}");
}

#[test]
fn ctrl_c_in_the_middle_of_a_run_leaves_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (code, err) = interrupt(&dir, &["--max-steps", "1000000"], |runs| !runs.is_empty());
    assert_eq!(code, Some(4), "{err}");
    let folder = dir.path().join("results/base");
    assert_eq!(names(&folder), [".lock", "manifest.json", "results.csv", "runs"]);
    assert_eq!(names(&folder.join("runs")), [""; 0]);
    assert_eq!(fs::read_to_string(folder.join("results.csv")).unwrap().lines().count(), 1);
}

#[test]
fn a_folder_in_which_another_batch_is_at_work_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (code, err) = interrupt(&dir, &["--max-steps", "1000000"], |runs| {
        if runs.is_empty() {
            return false;
        }
        short(&dir, &["--overwrite"]).assert().code(3).stderr(contains("another batch is still writing"));
        true
    });
    assert_eq!(code, Some(4), "{err}");
}

#[test]
fn a_link_is_not_replaced_by_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    short(&dir, &["--output-dir", "elsewhere"]).assert().success();
    fs::create_dir(dir.path().join("results")).unwrap();
    std::os::unix::fs::symlink("../elsewhere/base", dir.path().join("results/base")).unwrap();
    short(&dir, &["--overwrite"]).assert().code(3).stderr(contains("it is a symbolic link"));
    assert!(dir.path().join("elsewhere/base/results.csv").exists());
}

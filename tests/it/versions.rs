//! Records of another version: whoever opens them says so, and reads none of them.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use tempfile::TempDir;

use crate::common::project;

/// A batch of one short run in a folder of its own.
struct Results(TempDir);

impl Results {
    fn new() -> Results {
        let results = Results(tempfile::tempdir().unwrap());
        results.run(&[]).assert().code(0);
        results
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = assert_cmd::cargo::cargo_bin_cmd!("vendomini");
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    fn run(&self, more: &[&str]) -> Command {
        let mut command = self.command(&["run", "--batch", "--output-dir", "results", "--set", "experiment.name=old"]);
        command.arg("--config").arg(project("configs/base.yaml")).args(["--max-steps", "20"]).args(more);
        command
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("results/old")
    }

    fn summary(&self) -> PathBuf {
        self.folder().join("runs/old_c0_r0/summary.json")
    }

    fn manifest(&self) -> PathBuf {
        self.folder().join("manifest.json")
    }
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

const STATED: &str = "\"schema_version\": \"1.0\"";

const RUN: &str = "results/old/runs/old_c0_r0";

/// Every verb that opens records.
const READERS: [&[&str]; 3] = [&["audit", "results"], &["detect", "results"], &["replay", RUN, "--verify"]];

#[test]
fn another_major_version_is_refused_by_every_reader() {
    let results = Results::new();
    replace(&results.summary(), STATED, "\"schema_version\": \"2.3\"");
    let refusal = contains("summary.json: its record version is 2.3, and this program reads 1.x; use the program");
    for reader in READERS {
        results.command(reader).assert().code(6).stdout("").stderr(refusal.clone());
    }
    results.run(&["--resume"]).assert().code(6).stderr(refusal);
}

#[test]
fn the_manifest_says_the_version_of_what_has_no_summary() {
    let results = Results::new();
    replace(&results.manifest(), STATED, "\"schema_version\": \"7.0\"");
    fs::remove_file(results.summary()).unwrap();
    let refusal = contains("manifest.json: its record version is 7.0, and this program reads 1.x; use the program");
    for reader in &READERS[..2] {
        results.command(reader).assert().code(6).stdout("").stderr(refusal.clone());
    }
    results.run(&["--resume"]).assert().code(6).stderr(refusal.clone());
    // Replacing needs no reading.
    results.run(&["--overwrite"]).assert().code(0);
    results.command(READERS[2]).assert().code(0);
    replace(&results.manifest(), STATED, "\"schema_version\": \"7.0\"");
    results.command(READERS[2]).assert().code(6).stdout("").stderr(refusal);
}

#[test]
fn a_later_minor_version_is_read() {
    let results = Results::new();
    let before = READERS.map(|reader| results.command(reader).assert().code(0).get_output().stdout.clone());
    let later = "\"of_a_later_version\": {\"deep\": [1, null]}, \"schema_version\": \"1.9\"";
    replace(&results.manifest(), STATED, later);
    let steps = results.folder().join("runs/old_c0_r0/steps.jsonl");
    for reader in &READERS[..2] {
        replace(&results.summary(), STATED, later);
        replace(&steps, "\"pe\":", "\"of_a_later_version\": {\"deep\": [1, null]}, \"pe\":");
        let at = READERS.iter().position(|known| known == reader).unwrap();
        let now = results.command(reader).assert().code(0).get_output().stdout.clone();
        assert_eq!(String::from_utf8_lossy(&now), String::from_utf8_lossy(&before[at]));
        replace(&results.summary(), later, STATED);
        replace(&steps, "\"of_a_later_version\": {\"deep\": [1, null]}, \"pe\":", "\"pe\":");
    }
    results.command(READERS[2]).assert().code(0);
    results.run(&["--resume"]).assert().code(0).stderr(contains("record version").not());
}

#[test]
fn a_damaged_record_is_named_by_file_line_and_key() {
    let results = Results::new();
    let steps = results.folder().join("runs/old_c0_r0/steps.jsonl");
    let text = fs::read_to_string(&steps).unwrap();
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    lines[4] = lines[4].replace("\"work_open\":", "\"work_closed\":");
    lines[6].truncate(40);
    lines.push(lines[19][..100].to_owned());
    fs::write(&steps, lines.join("\n")).unwrap();
    let said = contains("old_c0_r0/steps.jsonl, line 5").and(contains("missing field `work_open`"));
    let said = said.and(contains("steps.jsonl, line 7")).and(contains("it breaks off")).and(contains("line 21"));
    results.command(READERS[0]).assert().code(0).stdout(said);
    results.command(READERS[1]).assert().code(0).stderr(contains("3 lines are no step records and were left out"));
    replace(&results.summary(), "\"total_steps\": 20", "\"total_steps\": \"many\"");
    let said =
        contains("summary.json: line ").and(contains("not a summary (invalid type: string \"many\", expected u32"));
    results.command(READERS[0]).assert().code(6).stderr(said);
}

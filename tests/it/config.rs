//! Bad configuration from the outside: exit 3, every error on stderr, nothing on stdout, never a panic.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use tempfile::TempDir;

/// `vendomini plan` in a folder, so that messages name files as a user would.
fn plan(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("vendomini");
    command.current_dir(folder).arg("plan").args(arguments);
    command
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// Exit 3 with a message that says where and what, and no data that looks like a plan.
fn refused(folder: &TempDir, arguments: &[&str], expected: &str) {
    let expected = predicate::str::contains(expected).and(predicate::str::contains("panicked").not());
    plan(folder.path(), arguments).assert().code(3).stdout("").stderr(expected);
}

#[test]
fn every_kind_of_bad_file_is_a_clear_error() {
    let huge = vec![b'#'; 10_000_000];
    let mut bomb = String::from("a0: &a0 [x, x]\n");
    for level in 1..30 {
        bomb.push_str(&format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
    }
    let cases: &[(&[u8], &str)] = &[
        (b"", "x.yaml: this document is empty"),
        (b"- a\n", "x.yaml:1: the document is a list"),
        (
            b"experiment: {name: x}\nexperiment: {name: y}\n",
            "x.yaml:2: experiment: this key is already given at line 1",
        ),
        (b"inherit: x.yaml\n", "in a circle: x.yaml -> x.yaml"),
        (b"inherit: y.yaml\n", "x.yaml:1: inherit: y.yaml: there is no such file"),
        (b"experiment: {name: x}\ngrid: {model.name: []}\n", "x.yaml:2: grid.model.name: this axis has no values"),
        (b"experiment: {name: x, replications: many}\n", "x.yaml:1: experiment.replications: many is text"),
        (
            b"experiment: {name: x}\n\npe_induction: {p_shock: 1.5}\n",
            "x.yaml:3: pe_induction.p_shock: 1.5 is out of range (expected a probability from 0 to 1)",
        ),
        (b"experiment: {name: x\xff}\n", "x.yaml: this file is not valid UTF-8 at line 1, byte 20"),
        (&huge, "x.yaml: this file is larger than 1 MiB"),
        (bomb.as_bytes(), "more than 200000 values"),
        (b"experiment: [\n", "x.yaml:2: this is not valid YAML"),
        (b"\0\0\0", "x.yaml"),
    ];
    for (bytes, expected) in cases {
        refused(&folder(&[("x.yaml", bytes)]), &["--config", "x.yaml"], expected);
    }
    let empty = folder(&[]);
    refused(&empty, &["--config", "x.yaml"], "x.yaml: there is no such file");
    refused(&empty, &["--config", "."], "this is a directory");
}

#[test]
fn arguments_are_named_in_their_errors() {
    let folder = folder(&[("x.yaml", b"experiment: {name: x}\n")]);
    let with = |extra: &[&'static str]| [&["--config", "x.yaml"], extra].concat();
    refused(
        &folder,
        &with(&["--set", "pe_induction.p_shock=2"]),
        "--set pe_induction.p_shock=2: pe_induction.p_shock: 2 is out of range",
    );
    refused(&folder, &with(&["--set", "model.nam=x"]), "did you mean model.name?");
    refused(&folder, &with(&["--set", "fixed.model.name=x"]), "fixed cannot be set from the command line");
    refused(&folder, &with(&["--seed", "9007199254740992"]), "--seed 9007199254740992: experiment.seed");
    refused(&folder, &with(&["--replications", "0"]), "--replications 0: experiment.replications: 0 is out of range");
    for (flag, path) in [
        ("--seed", "experiment.seed"),
        ("--replications", "experiment.replications"),
        ("--max-steps", "simulation.max_steps"),
    ] {
        refused(
            &folder,
            &with(&[flag, "-3"]),
            &format!("{flag} -3: {path}: -3 is out of range (expected a whole number"),
        );
    }
    refused(
        &folder,
        &with(&["--set", "env.complexity_level=[0, 4]"]),
        "--set env.complexity_level=[0, 4]: env.complexity_level: this is a list, and --set gives one value (expected \
         a whole number from 0 to 4); several values belong under grid: in the file, as env.complexity_level: [0, 4]",
    );
    // Two mistakes in two places are one message with two lines.
    let both = plan(folder.path(), &with(&["--set", "a=1", "--max-steps", "0"])).assert().code(3);
    let stderr = String::from_utf8(both.get_output().stderr.clone()).unwrap();
    assert!(
        stderr.contains("--set a=1: a: unknown key") && stderr.contains("--max-steps 0: simulation.max_steps"),
        "{stderr}"
    );
}

#[test]
fn wrong_usage_is_not_a_configuration_error() {
    let folder = folder(&[]);
    plan(folder.path(), &[]).assert().code(2);
    plan(folder.path(), &["--config", "x.yaml", "--seed", "many"]).assert().code(2);
    plan(folder.path(), &["--config", "x.yaml", "--format", "xml"]).assert().code(2);
}

//! The SHA-256 of every file that some runs of the program write. A change that is not to change results, such as a
//! new division into modules, is held to it.
//!
//! `digests.sha256` has the format of `sha256sum`, a line for each file, so its diff shows which files a change moves.
//! When that is meant to be, record them anew and say in the commit why:
//!
//! ```console
//! cargo build --examples && VENDOMINI_RECORD_DIGESTS=1 cargo test --test it digests
//! ```
//!
//! All bytes of a file count, but for the few that [`less_what_varies`] names. That differing, new and missing files
//! are noticed has a test of its own at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use assert_cmd::Command;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::common::{example, files, project};

/// What is recorded.
const RECORD: &str = "tests/it/digests.sha256";

/// The environment variable that has it recorded anew.
const VARIABLE: &str = "VENDOMINI_RECORD_DIGESTS";

/// The digests of files by case and path.
type Digests = BTreeMap<String, String>;

/// Runs of the program.
struct Case {
    name: String,
    /// The example that is run; `None` for `vendomini` itself.
    example: Option<&'static str>,
    /// The file below `configs/`.
    config: &'static str,
    /// `--set` these.
    settings: Vec<String>,
}

impl Case {
    fn new(name: &str, config: &'static str, settings: &[&str]) -> Case {
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        Case { name: name.to_owned(), example: None, config, settings }
    }

    /// An example does something that only it can do, in short runs with many shocks.
    fn of_example(name: &'static str, settings: &[&str]) -> Case {
        let short = ["simulation.max_steps=200", "pe_induction.p_shock=0.3"];
        let settings = [&short, settings].concat();
        Case { example: Some(name), ..Case::new(&format!("example_{name}"), "base.yaml", &settings) }
    }

    fn arguments(&self, n_jobs: usize) -> Vec<String> {
        let fixed = ["run", "--batch", "--config", self.config, "--n-jobs", &n_jobs.to_string()].map(str::to_owned);
        let settings = self.settings.iter().flat_map(|setting| ["--set".to_owned(), setting.clone()]);
        fixed.into_iter().chain(settings).collect()
    }

    /// The digests of all files that the case writes.
    fn digests(&self, n_jobs: usize) -> Digests {
        let dir = tempfile::tempdir().unwrap();
        let configs = ["base.yaml", "demo.yaml", "language_model.yaml"];
        for config in configs {
            fs::copy(project("configs").join(config), dir.path().join(config)).unwrap();
        }
        let mut command = match self.example {
            Some(name) => example(name),
            None => Command::new(env!("CARGO_BIN_EXE_vendomini")),
        };
        // Manifests list the variables that were used.
        for variable in ["OPENAI_API_KEY", "OPENAI_BASE_URL", "VENDOMINI_BASE_URL"] {
            command.env_remove(variable);
        }
        command.current_dir(dir.path()).args(self.arguments(n_jobs)).assert().success();
        // What the program was given is not what it wrote.
        for config in configs {
            fs::remove_file(dir.path().join(config)).unwrap();
        }
        let digest = |(path, bytes): (String, Vec<u8>)| {
            let digest = Sha256::digest(less_what_varies(&path, bytes));
            (format!("{}/{path}", self.name), digest.iter().map(|byte| format!("{byte:02x}")).collect())
        };
        files(dir.path()).into_iter().map(digest).collect()
    }
}

fn demo() -> Case {
    Case::new("demo", "demo.yaml", &[])
}

/// A model that answers inside the program, in both formats of replies, with shocks and without.
fn model() -> Case {
    Case::new("language_model", "language_model.yaml", &["model.name=mock-provider", "simulation.max_steps=25"])
}

fn cases() -> Vec<Case> {
    let mut cases = vec![demo(), model()];
    for level in [0, 4] {
        let settings = [&format!("simulation.complexity_level={level}"), "simulation.max_steps=400"];
        cases.push(Case::new(&format!("level_{level}"), "base.yaml", &settings));
    }
    for observability in ["full", "delayed", "partial", "hidden"] {
        let settings = [
            &format!("pe_induction.observability={observability}"),
            "pe_induction.p_shock=0.3",
            "pe_induction.pe_type_mix=realistic",
            "simulation.max_steps=400",
        ];
        cases.push(Case::new(&format!("observability_{observability}"), "base.yaml", &settings));
    }
    // The random agent uses whatever tools it is offered, and is soon out of customers.
    let all_tools = [
        "model.name=random",
        "interface.memory_tools=full",
        "interface.recovery_tools=all",
        "simulation.max_steps=400",
        "experiment.replications=5",
    ];
    cases.push(Case::new("all_tools", "base.yaml", &all_tools));
    cases.extend([
        Case::of_example("my_agent", &["model.name=my_agent"]),
        Case::of_example("hoarding_detector", &["model.name=mock"]),
        Case::of_example(
            "price_negotiation_tool",
            &["model.name=haggler", "interface.extra_tools=[tool_negotiate_price]"],
        ),
        Case::of_example(
            "supplier_bankruptcy_shock",
            &["pe_induction.pe_type_mix={temporal: 1, supplier_bankruptcy: 1}"],
        ),
    ]);
    cases
}

/// A file less what may differ between two builds, two times and two machines that come to the same results. Each of
/// these stands in its place as a word; every other byte stays.
fn less_what_varies(path: &str, bytes: Vec<u8>) -> Vec<u8> {
    let by_lines = |change: fn(&str) -> String| {
        let text = std::str::from_utf8(&bytes).expect("records are text");
        text.split_inclusive('\n').map(change).collect::<String>().into_bytes()
    };
    match path.rsplit('/').next().expect("a path has an end") {
        "manifest.json" => manifest(std::str::from_utf8(&bytes).expect("a manifest is text")).into_bytes(),
        "history.jsonl" => by_lines(history_line),
        "experiment.log" => by_lines(log_line),
        _ => bytes,
    }
}

fn manifest(text: &str) -> String {
    // The program: every commit is another build.
    let text = ["version", "commit", "dirty", "binary_sha256"]
        .iter()
        .fold(text.to_owned(), |text, key| with_field(&text, key, "\"<build>\""));
    // How many plugins the program itself consists of, and their versions, is its structure and no result; which
    // plugins of others took part is one.
    let fields: Value = serde_json::from_str(&text).expect("a manifest is JSON");
    let plugins = fields["plugins"].as_array().expect("plugins are a list");
    let names: Vec<&str> = plugins.iter().filter_map(|plugin| plugin["name"].as_str()).collect();
    let names: BTreeSet<&str> = names.into_iter().filter(|name| !name.starts_with("vendomini::")).collect();
    let text = with_field(&text, "plugins", &serde_json::json!(names).to_string());
    // The command has the path of the program and the number of workers. What it came to stands under
    // `configuration` and in the runs' `config_used.yaml`.
    let text = with_field(&text, "command", "\"<command>\"");
    // Any number of workers must come to the same files.
    let text = with_field(&text, "n_jobs", "\"<n_jobs>\"");
    // Times.
    let text = with_field(&text, "started", "\"<time>\"");
    with_field(&text, "ended", "\"<time>\"")
}

/// A line less the time at which its run was finished.
fn history_line(line: &str) -> String {
    with_field(line, "finished", "\"<time>\"")
}

/// A line less the time that it begins with and, where it names the program, less the version and the commit.
fn log_line(line: &str) -> String {
    let (_, line) = line.split_once("Z ").expect("a line begins with a time");
    let line = match (line.split_once(": vendomini "), line.split_once("), agent ")) {
        (Some((run, _)), Some((_, agent))) => format!("{run}: vendomini <build>, agent {agent}"),
        _ => line.to_owned(),
    };
    format!("<time> {line}")
}

/// A JSON object with another value for one of its fields. The rest of the text stays as it is written.
fn with_field(object: &str, key: &str, value: &str) -> String {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(object).expect("an object of JSON");
    let old = fields.get(key).unwrap_or_else(|| panic!("{key} is missing in {object}"));
    let field = |colon: &str, value: &str| format!("\"{key}\"{colon}{value}");
    let colon = [": ", ":"].into_iter().find(|colon| object.contains(&field(colon, old.get())));
    let colon = colon.expect("a colon with a space or without");
    object.replacen(&field(colon, old.get()), &field(colon, value), 1)
}

/// Digests in the format of `sha256sum`, sorted by path.
fn listed(digests: &Digests) -> String {
    digests.iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect()
}

fn read(list: &str) -> Digests {
    let line = |line: &str| {
        let (digest, path) = line.split_once("  ").expect("a digest, two spaces and a path");
        (path.to_owned(), digest.to_owned())
    };
    list.lines().map(line).collect()
}

/// What became of the files that are not as expected, a line each.
fn differences(expected: &Digests, found: &Digests) -> Vec<String> {
    let paths: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let difference = |path: &String| match (expected.get(path), found.get(path)) {
        (Some(one), Some(other)) => (one != other).then(|| format!("differs: {path}")),
        (None, _) => Some(format!("added:   {path}")),
        (_, None) => Some(format!("missing: {path}")),
    };
    paths.into_iter().filter_map(difference).collect()
}

#[test]
fn every_file_is_as_recorded() {
    let found: Digests = cases().iter().flat_map(|case| case.digests(2)).collect();
    if std::env::var_os(VARIABLE).is_some_and(|value| value == "1") {
        fs::write(project(RECORD), listed(&found)).unwrap();
        return;
    }
    let recorded = fs::read_to_string(project(RECORD)).unwrap_or_default();
    let differences = differences(&read(&recorded), &found);
    assert!(
        differences.is_empty(),
        "{} files are not as {RECORD} has them:\n{}\nIf they are meant to change, record them anew: cargo build \
         --examples && {VARIABLE}=1 cargo test --test it digests",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn the_number_of_workers_changes_no_file() {
    for case in [demo(), model()] {
        let differences = differences(&case.digests(1), &case.digests(3));
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}

/// The alarm rings.
#[test]
fn a_file_that_differs_was_added_or_is_missing_is_named() {
    let recorded = read("00  case/a\n11  case/b\n22  case/c\n");
    assert_eq!(listed(&recorded), "00  case/a\n11  case/b\n22  case/c\n");
    assert_eq!(differences(&recorded, &recorded), [""; 0]);
    let found = read("00  case/a\n12  case/b\n33  case/d\n");
    assert_eq!(differences(&recorded, &found), ["differs: case/b", "missing: case/c", "added:   case/d"]);
}

/// What varies is replaced, and nothing beside it.
#[test]
fn only_what_varies_is_left_out() {
    let left = |path: &str, text: &str| {
        String::from_utf8(less_what_varies(path, text.as_bytes().to_vec())).expect("text stays text")
    };
    let manifest = r#"{
  "program": "vendomini",
  "version": "0.1.0",
  "commit": "8538b2e",
  "dirty": null,
  "binary_sha256": "00ff",
  "command": [
    "/home/me/vendomini",
    "run"
  ],
  "seeds": {"version": "0.1.0", "experiment_seed": 42},
  "plugins": [
    {"name": "a::b::Second", "version": "0.1.0"},
    {"name": "c::First", "version": "0.1.0"}
  ],
  "n_jobs": 2,
  "started": "2026-01-01T00:00:00.000Z",
  "ended": "2026-01-01T00:00:01.000Z"
}
"#;
    let expected = r#"{
  "program": "vendomini",
  "version": "<build>",
  "commit": "<build>",
  "dirty": "<build>",
  "binary_sha256": "<build>",
  "command": "<command>",
  "seeds": {"version": "0.1.0", "experiment_seed": 42},
  "plugins": ["a::b::Second","c::First"],
  "n_jobs": "<n_jobs>",
  "started": "<time>",
  "ended": "<time>"
}
"#;
    assert_eq!(left("base/manifest.json", manifest), expected);
    let history =
        "{\"finished\":\"2026-01-01T00:00:00.000Z\",\"run_id\":\"a\"}\n{\"finished\":\"2027\",\"seed\":1.0}\n";
    let expected = "{\"finished\":\"<time>\",\"run_id\":\"a\"}\n{\"finished\":\"<time>\",\"seed\":1.0}\n";
    assert_eq!(left("history.jsonl", history), expected);
    let log = "2026-01-01T00:00:00.000Z run a: vendomini 0.1.0 (commit 8538b2e), agent noop, seed 1, at most 9 steps\n\
               2026-01-01T00:00:01.000Z after 9 steps: end horizon, state 00ff\n";
    let expected = "<time> run a: vendomini <build>, agent noop, seed 1, at most 9 steps\n\
                    <time> after 9 steps: end horizon, state 00ff\n";
    assert_eq!(left("base/runs/a/experiment.log", log), expected);
    assert_eq!(left("base/runs/a/steps.jsonl", history), history);
}

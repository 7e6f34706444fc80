//! An experiment in a folder of its own, and what it leaves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::lines;

pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_vendomini");

/// The environment variable that the experiments name, and the key in it.
pub(super) const VARIABLE: &str = "VENDOMINI_TEST_KEY";
pub(super) const KEY: &str = "sk-canary-5d1e7b90c4";

/// No test waits longer for the program: enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// An experiment, called `study`.
pub(super) struct Study {
    dir: TempDir,
}

/// How the program ended.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Done {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let done = Done { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        assert!(!done.err.contains("panicked") && done.code != Some(101), "{done:?}");
        assert!(!done.err.contains(KEY) && !done.out.contains(KEY), "{done:?}");
        done
    }
}

impl Done {
    /// It must have ended so.
    #[track_caller]
    pub(super) fn with(self, code: i32) -> Done {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// It must have said so on stderr.
    #[track_caller]
    pub(super) fn saying(self, text: &str) -> Done {
        assert!(self.err.contains(text), "{:?} is not in: {}", text, self.err);
        self
    }
}

impl Study {
    /// An experiment with one seed for all runs and no shocks, so that runs differ by their agents alone.
    pub(super) fn new(text: &str) -> Study {
        let study = Study { dir: tempfile::tempdir().unwrap() };
        let head = "experiment: {name: study, seed: 7, seed_policy: shared}\npe_induction: {p_shock: 0}\n";
        fs::write(study.path().join("study.yaml"), format!("{head}{text}")).unwrap();
        study
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The program in the study's folder, with its key and nothing else in the environment that speaks of models.
    pub(super) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        for name in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"] {
            command.env_remove(name);
        }
        command.env_remove("VENDOMINI_BASE_URL").env(VARIABLE, KEY);
        command.current_dir(self.path()).args(arguments);
        command
    }

    /// `vendomini run --batch --config study.yaml` and more.
    pub(super) fn run(&self, arguments: &[&str]) -> Done {
        finish(self.run_command(arguments))
    }

    pub(super) fn run_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(&["run", "--batch", "--config", "study.yaml"]);
        command.args(arguments);
        command
    }

    /// `vendomini replay --verify` of a run, without the key.
    pub(super) fn verify(&self, run: &str) -> Done {
        let folder = self.folder(run);
        let mut command = self.program(&["replay", "--verify"]);
        command.env_remove(VARIABLE).arg(folder);
        finish(command)
    }

    /// The results.
    pub(super) fn results(&self) -> PathBuf {
        self.path().join("results/study")
    }

    /// The folder of a run by the end of its name, as `c0_r0`.
    pub(super) fn folder(&self, run: &str) -> PathBuf {
        self.results().join(format!("runs/study_{run}"))
    }

    /// A record of lines of a run.
    pub(super) fn lines(&self, run: &str, file: &str) -> Vec<Value> {
        read_lines(&self.folder(run).join(file))
    }

    pub(super) fn steps(&self, run: &str) -> Vec<Value> {
        self.lines(run, "steps.jsonl")
    }

    /// The events of a kind.
    pub(super) fn events(&self, run: &str, kind: &str) -> Vec<Value> {
        let mut events = self.lines(run, "events.jsonl");
        events.retain(|event| event["event"] == kind);
        events
    }

    pub(super) fn summary(&self, run: &str) -> Value {
        json(&self.folder(run).join("summary.json"))
    }

    pub(super) fn manifest(&self) -> Value {
        json(&self.results().join("manifest.json"))
    }

    pub(super) fn history(&self) -> Vec<Value> {
        read_lines(&self.path().join("results/history.jsonl"))
    }

    /// Asserts that the key stands in no file.
    pub(super) fn assert_no_key(&self) {
        fn search(folder: &Path) -> usize {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let search_one = |path: PathBuf| {
                if path.is_dir() {
                    return search(&path);
                }
                let bytes = fs::read(&path).unwrap();
                // Texts within texts have several backslashes.
                let unslashed: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\\').collect();
                let numbers: String = KEY.bytes().map(|byte| format!("u{byte:04x}")).collect();
                for (bytes, key) in [(&bytes, KEY), (&unslashed, KEY), (&unslashed, numbers.as_str())] {
                    assert!(!bytes.windows(key.len()).any(|part| part == key.as_bytes()), "{} has it", path.display());
                }
                1
            };
            entries.map(search_one).sum()
        }
        assert!(search(self.path()) > 3, "there are files to search");
    }
}

/// Runs the program to its end.
pub(super) fn finish(command: Command) -> Done {
    let mut command = assert_cmd::Command::from_std(command);
    command.timeout(PATIENCE).output().unwrap().into()
}

pub(super) fn json(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

pub(super) fn read_lines(path: &Path) -> Vec<Value> {
    lines(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Asserts that two runs went through the same steps.
#[track_caller]
pub(super) fn assert_same_steps(one: &[Value], other: &[Value], what: &str) {
    for (left, right) in one.iter().zip(other) {
        let (Some(fields), Some(others)) = (left.as_object(), right.as_object()) else { panic!("a step is an object") };
        let names: BTreeSet<&String> = fields.keys().chain(others.keys()).collect();
        for name in names {
            assert_eq!(left[name], right[name], "{what}: {name} of step {}", left["step"]);
        }
    }
    assert_eq!(one.len(), other.len(), "{what}");
}

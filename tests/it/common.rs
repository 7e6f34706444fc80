//! What several test modules need.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use vendomini::base::run_end::EndReason;
use vendomini::config::{self, Overrides, RunConfig};
use vendomini::plan::Plan;
use vendomini::record::summary::{RunIdentity, Summary};
use vendomini::simulation::driver::Simulation;

/// A file of this project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file of the Python original, which does not come with this project. Tests that need one are ignored, and run with
/// `cargo test -- --ignored` where `../shared` lies beside it.
pub(crate) fn original(path: &str) -> PathBuf {
    let path = project("../shared/data/vendomini-v1").join(path);
    assert!(path.exists(), "this test needs {}", path.display());
    path
}

/// The plan of `configs/base.yaml` with some settings.
pub(crate) fn plan(settings: &[&str]) -> Plan {
    let set = settings.iter().map(|s| (*s).to_owned()).collect();
    let overrides = Overrides { set, ..Overrides::default() };
    let experiment = config::load(&project("configs/base.yaml"), &overrides).unwrap_or_else(|e| panic!("{e}"));
    Plan::new(experiment).unwrap_or_else(|e| panic!("{e}"))
}

/// The configuration of the only run of [`plan`].
pub(crate) fn cell(settings: &[&str]) -> RunConfig {
    plan(settings).run(0).config
}

/// An identity for runs whose name does not matter.
pub(crate) fn nobody() -> RunIdentity {
    RunIdentity { run_id: "test".into(), params: serde_json::Map::new(), seed: 0, experiment_seed: 42 }
}

/// Runs a scripted agent to the end.
pub(crate) fn finish(simulation: &mut Simulation, config: &RunConfig) -> Summary {
    simulation.start(config, false);
    let mut agent = simulation.agent(&config.model.name).expect("a scripted agent");
    let reason: EndReason = loop {
        simulation.observe();
        let decision = simulation.ask(agent.as_mut());
        if let Some(reason) = simulation.apply(decision) {
            break reason;
        }
    };
    simulation.summary(nobody(), reason)
}

/// Runs a scripted agent to the end; its step and event records.
pub(crate) fn record(config: &RunConfig) -> (Vec<Value>, Vec<Value>) {
    let mut simulation = Simulation::new();
    simulation.start(config, true);
    let mut agent = simulation.agent(&config.model.name).expect("a scripted agent");
    loop {
        simulation.observe();
        let decision = simulation.ask(agent.as_mut());
        if simulation.apply(decision).is_some() {
            break;
        }
    }
    let recorder = simulation.recorder();
    (lines(&recorder.steps), lines(&recorder.events))
}

/// JSON Lines as values.
pub(crate) fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).expect("records are text");
    text.lines().map(|line| serde_json::from_str(line).expect("a record is JSON")).collect()
}

/// Every file below a folder by its path, which has slashes on every system.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(folder: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = format!("{below}{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                collect(&entry.path(), &format!("{name}/"), files);
            } else {
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files);
    files
}

/// The program of an example.
pub(crate) fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("a test has a program");
    let built: PathBuf =
        test.parent().and_then(|deps| deps.parent()).expect("it lies in target/…/deps").join("examples");
    let program = built.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is missing: build it with cargo build --examples", program.display());
    Command::new(program)
}

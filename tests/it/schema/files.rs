//! Experiment files and their schema.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use vendomini::cli::schema::Subject;
use vendomini::config::{self, Overrides};

use super::{assert_fits, misfit, schema, validator};
use crate::common::project;

fn json(yaml: &str) -> Value {
    serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{error}: {yaml}"))
}

/// All experiment files of this project.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "yaml") {
            found.push(entry);
        }
    }
    found
}

#[test]
fn every_file_of_ours_fits() {
    let validator = validator(&schema(Subject::Config));
    let files = files(&project("configs"));
    assert!(files.len() >= 7, "{files:?}");
    for file in files {
        assert_fits(&validator, &json(&fs::read_to_string(&file).unwrap()), &file.display().to_string());
    }
}

/// The loader's verdict on a file, which has a base to inherit from.
fn loads(yaml: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(project("configs/base.yaml"), folder.path().join("base.yaml")).unwrap();
    let file = folder.path().join("experiment.yaml");
    fs::write(&file, yaml).unwrap();
    config::load(&file, &Overrides::default()).map(drop).map_err(|errors| errors.to_string())
}

#[test]
fn a_file_fits_when_it_loads() {
    let validator = validator(&schema(Subject::Config));
    for yaml in [
        "experiment: {name: x}",
        "experiment.name: x",
        "fixed: {experiment.name: x}",
        "inherit: base.yaml",
        "{inherit: base.yaml, env: {max_steps: 5, due_days: 3}}",
        "{inherit: base.yaml, agent: {model: {name: heuristic}, interface.memory_tools: full}}",
        "{inherit: base.yaml, agent.model: {name: heuristic}}",
        "{inherit: base.yaml, crash_detector: {threshold: strict}, replications: 3, max_steps: 7}",
        "{inherit: base.yaml, simulation.p_customer_order: 0.1}",
        "{inherit: base.yaml, pe_induction: {magnitudes.temporal: {low: [1, 2]}}}",
        "{inherit: base.yaml, pe_induction.magnitudes: {temporal.low: [1, 2]}}",
        "{inherit: base.yaml, grid: {pe_induction.p_shock: [0, 0.1], model: {name: [heuristic, Qwen/Qwen3]}}}",
        "{inherit: base.yaml, grid: {env.complexity_level: [0, 4], experiment.seed: [1, null]}}",
        "{inherit: base.yaml, grid: {pe_induction.pe_type_mix: [uniform, {temporal: 1}], paths: }}",
        "{inherit: base.yaml, grid: , fixed: , max_steps_by_level: , providers: , simulation: }",
        "{inherit: base.yaml, max_steps_by_level: {0: 10, 4: 20}, fixed: {simulation: {max_steps: 5}}}",
        "{inherit: base.yaml, measurement: {detectors: v1, primary: [hoarding]}, interface: {extra_tools: []}}",
        "{inherit: base.yaml, providers: {'Qwen/*': {kind: mock, omit: [seed]}, local: }}",
        "{inherit: base.yaml, providers: {m: {base_url: 'http://x/v1', headers: {a: b}, api_key_env: null}}}",
        "{inherit: base.yaml, measurement: {log_every_n_steps: 10}, paths: {results_dir: out}}",
    ] {
        loads(yaml).unwrap_or_else(|errors| panic!("{yaml}: {errors}"));
        assert_fits(&validator, &json(yaml), yaml);
    }
    for yaml in [
        "{}",
        "experiment: {description: x}",
        "inherit: ''",
        "inherit: [base.yaml]",
        "{inherit: base.yaml, simulaton: {max_steps: 5}}",
        "{inherit: base.yaml, simulation: {max_step: 5}}",
        "{inherit: base.yaml, simulation.max_step: 5}",
        "{inherit: base.yaml, simulation: 5}",
        "{inherit: base.yaml, simulation: {max_steps: '5'}}",
        "{inherit: base.yaml, simulation: {max_steps: 0}}",
        "{inherit: base.yaml, agent: {name: heuristic}}",
        "{inherit: base.yaml, pe_induction: {p_shock: 1.5}}",
        "{inherit: base.yaml, pe_induction: {magnitudes: {temporal: [1, 2]}}}",
        "{inherit: base.yaml, grid: {pe_induction.p_shock: 0.1}}",
        "{inherit: base.yaml, grid: {pe_induction.p_shock: []}}",
        "{inherit: base.yaml, grid: {pe_induction.p_shock: [0.1, 0.1]}}",
        "{inherit: base.yaml, grid: {pe_induction.p_shock: [0.1, 2]}}",
        "{inherit: base.yaml, grid: {pe_induction.p_shok: [0.1]}}",
        "{inherit: base.yaml, grid: {experiment.name: [x, y]}}",
        "{inherit: base.yaml, grid: {limits.tokens: [5]}}",
        "{inherit: base.yaml, fixed: {grid: {}}}",
        "{inherit: base.yaml, fixed: {model.temperature: 3}}",
        "{inherit: base.yaml, max_steps_by_level: {5: 10}}",
        "{inherit: base.yaml, max_steps_by_level: {1: null}}",
        "{inherit: base.yaml, measurement: {detectors: [all, looping]}}",
        "{inherit: base.yaml, measurement: {detectors: []}}",
        "{inherit: base.yaml, providers: {m: {base_uri: 'http://x/v1'}}}",
        "{inherit: base.yaml, providers: {m: {kind: openai}}}",
        "{inherit: base.yaml, providers: {m: {extra_body: {model: x}}}}",
        "{inherit: base.yaml, providers: {'': {kind: mock}}}",
    ] {
        assert!(loads(yaml).is_err(), "{yaml} loads");
        assert!(misfit(&validator, &json(yaml)).is_some(), "{yaml} fits");
    }
}

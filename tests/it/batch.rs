//! The batch as a library: what it writes, in which order, and what a defect or a stop costs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bevy::app::App;
use serde_json::Value;
use vendomini::agent::register::{AgentAppExt, AgentSetup};
use vendomini::agent::{Agent, AgentPlugin, Input, Instruments};
use vendomini::base::decision::Decision;
use vendomini::batch::progress::Progress;
use vendomini::batch::{BatchError, BatchOptions, BatchOutcome, Existing, run_batch};
use vendomini::config::{self, Overrides, to_yaml};
use vendomini::llm::provider::backend::PriceOptions;
use vendomini::plan::Plan;
use vendomini::plugins::Plugins;
use vendomini::record::manifest::BatchStatus;
use vendomini::scenario::warehouse::agent::{self, WarehouseAgentPlugin};

use crate::common::{files, plan, project};

static NEVER: AtomicBool = AtomicBool::new(false);

fn options(results_dir: &Path, n_jobs: usize) -> BatchOptions<'static> {
    BatchOptions {
        n_jobs,
        results_dir: results_dir.to_owned(),
        existing: Existing::Refused,
        progress: Progress::Silent,
        command: vec!["vendomini".into()],
        stop: &NEVER,
        prices: PriceOptions::default(),
        allow_unpinned: false,
    }
}

fn batch(plan: &Plan, results_dir: &Path, n_jobs: usize, plugins: &Plugins) -> BatchOutcome {
    run_batch(plan, options(results_dir, n_jobs), plugins).unwrap_or_else(|error| panic!("{error}"))
}

/// The plan of an experiment file that changes `configs/base.yaml`.
fn plan_of(text: &str) -> Plan {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(project("configs/base.yaml"), dir.path().join("base.yaml")).unwrap();
    let file = dir.path().join("experiment.yaml");
    fs::write(&file, format!("inherit: base.yaml\n{text}")).unwrap();
    let experiment = config::load(&file, &Overrides::default()).unwrap_or_else(|errors| panic!("{errors}"));
    Plan::new(experiment).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Short runs of three agents at two doses of shocks.
fn small() -> Plan {
    plan_of(
        "experiment: {name: small, replications: 2}
simulation: {max_steps: 60}
grid: {model.name: [heuristic, random, mock], pe_induction.p_shock: [0, 0.5]}",
    )
}

/// Every file below a folder by its path, but those that may hold times.
fn records(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = files(folder);
    files.retain(|name, _| !name.ends_with("experiment.log") && ![".lock", "manifest.json"].contains(&name.as_str()));
    files
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The table as one map a row.
fn table(folder: &Path) -> Vec<BTreeMap<String, String>> {
    let mut csv = csv::Reader::from_path(folder.join("results.csv")).unwrap();
    csv.deserialize().collect::<Result<_, _>>().unwrap()
}

#[test]
fn records_do_not_depend_on_the_number_of_threads_and_repeat() {
    let plan = small();
    let runs: Vec<_> = [1, 2, 8, 1]
        .map(|n_jobs| {
            let dir = tempfile::tempdir().unwrap();
            let outcome = batch(&plan, dir.path(), n_jobs, &Plugins::default());
            assert_eq!((outcome.status, outcome.tally.complete()), (BatchStatus::Complete, 12));
            (records(&outcome.folder), outcome.tally)
        })
        .into();
    let names: Vec<&str> = runs[0].0.keys().map(String::as_str).collect();
    assert_eq!(names.len(), 12 * 4 + 1, "{names:?}");
    for (files, tally) in &runs[1..] {
        for (name, bytes) in files {
            assert!(runs[0].0.get(name) == Some(bytes), "{name} differs");
        }
        assert_eq!(files.len(), names.len());
        assert_eq!(tally, &runs[0].1);
    }
}

#[test]
fn a_run_repeats_from_its_own_record() {
    let (dir, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = batch(&small(), dir.path(), 1, &Plugins::default()).folder.join("runs/small_c1_r1");
    let experiment = config::load(&first.join("config_used.yaml"), &Overrides::default()).unwrap();
    let second =
        batch(&Plan::new(experiment).unwrap(), again.path(), 1, &Plugins::default()).folder.join("runs/small_c0_r0");
    for name in ["steps.jsonl", "events.jsonl", "config_used.yaml"] {
        assert!(fs::read(first.join(name)).unwrap() == fs::read(second.join(name)).unwrap(), "{name} differs");
    }
    let hash = |folder: &Path| json(&folder.join("summary.json"))["final_state_hash"].clone();
    assert_eq!(hash(&first), hash(&second));
}

#[test]
fn the_table_agrees_with_plan_and_summaries() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan_of(
        "experiment: {name: agreement, description: 'with, a comma'}
simulation: {max_steps: 40}
pe_induction: {pe_type_mix: temporal_only}
grid: {model.name: [noop, heuristic]}",
    );
    let outcome = batch(&plan, dir.path(), 2, &Plugins::default());
    let rows = table(&outcome.folder);
    for (row, run) in rows.iter().zip(plan.runs()) {
        let summary = json(&outcome.folder.join("runs").join(&run.run_id).join("summary.json"));
        assert_eq!(row["run_id"], run.run_id);
        assert_eq!(row["seed"], summary["seed"].to_string());
        assert_eq!(row["config.model.name"], run.config.model.name);
        assert_eq!(row["config.experiment.description"], "with, a comma");
        assert_eq!(row["config.experiment.draw_key"], run.config.experiment.draw_key.to_string());
        assert_eq!(row["config.measurement.pe_windows"], "[10,100,500]");
        assert_eq!(row["final_budget"], summary["final_budget"].to_string());
        assert_eq!(row["predictions.made"], summary["predictions"]["made"].to_string());
        assert_eq!(row["total_steps"], "40");
        let crashed = summary["crashed"] == true;
        assert_eq!(
            row["survival"],
            if crashed { "event" } else { "censored" },
            "the horizon is no crash, and hides none"
        );
        assert_eq!((row["end_reason"].as_str(), row["crashed"] == "true"), ("horizon", crashed));
        assert_eq!(row["error"], "");
    }
    assert_eq!(rows.len(), 2);
    let pe = |row: &BTreeMap<String, String>| [row["mean_pe.cost"].clone(), row["cumulative_pe.cost.sum"].clone()];
    assert_eq!(pe(&rows[0]), ["", ""], "nothing was predicted, which is not an error of zero");
    assert_eq!(rows[0]["coverage.cost"], "");
    assert_eq!(pe(&rows[1]), ["0.0", "0.0"], "the heuristic knows the price");
    assert_eq!(outcome.tally.without_predictions().0, 0, "an agent that does nothing has nothing to predict");
}

#[test]
fn the_table_is_the_summary_flattened() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan_of(
        "experiment: {name: flat}
simulation: {max_steps: 300}
interface: {prediction_mode: required+full, prediction_format: rich}
pe_induction: {p_shock: 0.5, pe_type_mix: realistic, pe_mag: medium}
grid: {model.name: [heuristic]}",
    );
    let outcome = batch(&plan, dir.path(), 1, &Plugins::default());
    let row = table(&outcome.folder).remove(0);
    let summary = json(&outcome.folder.join("runs/flat_c0_r0/summary.json"));
    let mut compared = 0;
    for (column, cell) in &row {
        let value = column.split('.').try_fold(&summary, |value, key| value.get(key));
        let of_itself =
            column.starts_with("config.") || ["combination", "replication", "crash_types"].contains(&&**column);
        let Some(value) = value.filter(|_| !of_itself) else { continue };
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        assert_eq!(cell, &text, "{column}");
        compared += 1;
    }
    assert!(compared >= 140, "{compared} columns");
    for filled in ["calibration.ece", "predictions.by_type.cost.exact", "shocks.by_family.temporal.size"] {
        assert_ne!(row[filled], "", "{filled}");
    }
    for empty in ["tokens", "cost", "pe_reference.causal"] {
        assert_eq!(row[empty], "", "{empty}");
    }
    assert!(summary["tokens"].is_null() && summary["cost"].is_null() && summary.get("tokens").is_some());
    assert_eq!((row["action_sources.scripted"].as_str(), row["action_sources.rejected"].as_str()), ("300", "0"));
    let means = row["windows_at_end.causal.mean"].split(';').map(ToOwned::to_owned);
    let windows = summary["windows_at_end"]["causal"].as_array().unwrap();
    assert!(means.eq(windows.iter().map(|window| window["mean"].to_string().replace("null", ""))));
}

#[test]
fn a_crash_of_another_type_than_the_primary_one_competes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan_of(
        "experiment: {name: rivals}
simulation: {max_steps: 200}
grid: {model.name: [noop], measurement.primary: [[looping], [invalid_burst]]}",
    );
    let outcome = batch(&plan, dir.path(), 1, &Plugins::default());
    let rows = table(&outcome.folder);
    let of = |row: usize| {
        ["end_reason", "crash_type", "survival", "primary_crash_type"].map(|column| rows[row][column].clone())
    };
    assert_eq!(of(0), ["crash", "looping", "event", "looping"]);
    assert_eq!(of(1), ["crash", "looping", "competing", ""]);
    for (of_any, of_primary) in [("time_to_crash", "primary_time_to_crash"), ("onset_step", "primary_onset_step")] {
        assert_eq!((rows[0][of_any].clone(), rows[1][of_primary].as_str()), (rows[0][of_primary].clone(), ""));
        assert_ne!(rows[1][of_any], "");
    }
}

/// What is to happen at a step of a run, besides what the run's agent decides.
type Disturbance = Arc<dyn Fn(usize, u32) + Send + Sync>;

/// A scripted agent that is disturbed.
struct DisturbedAgent {
    inner: Box<dyn Agent>,
    run: usize,
    disturbance: Disturbance,
}

/// Scripted agents that are disturbed in the runs of a plan.
fn disturbed(plan: &Plan, disturbance: impl Fn(usize, u32) + Send + Sync + 'static) -> Plugins {
    let disturbance: Disturbance = Arc::new(disturbance);
    let indexes: BTreeMap<String, usize> = plan.runs().map(|run| (to_yaml(&run.config), run.index)).collect();
    let indexes = Arc::new(indexes);
    instead_of_scripted(&["heuristic", "random", "mock", "noop"], move |setup| {
        let (inner, run) = (agent::build(setup), indexes[&to_yaml(setup.config)]);
        Box::new(DisturbedAgent { inner, run, disturbance: Arc::clone(&disturbance) })
    })
}

/// Plugins with other agents under the names of scripted ones, and no others.
fn instead_of_scripted(
    names: &'static [&'static str],
    build: impl Fn(AgentSetup<'_>) -> Box<dyn Agent> + Clone + Send + Sync + 'static,
) -> Plugins {
    let register = move |app: &mut App| {
        for name in names {
            app.add_agent(*name, build.clone());
        }
    };
    Plugins::default().disable::<AgentPlugin>().disable::<WarehouseAgentPlugin>().with(register, "0")
}

impl Agent for DisturbedAgent {
    fn decide(&mut self, input: Input<'_>) -> Decision {
        (self.disturbance)(self.run, input.observation.step);
        self.inner.decide(input)
    }

    fn decide_with(&mut self, input: Input<'_>, instruments: Instruments<'_>) -> Decision {
        (self.disturbance)(self.run, input.observation.step);
        self.inner.decide_with(input, instruments)
    }
}

#[test]
fn a_panic_costs_one_run() {
    let (dir, calm) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let plan = small();
    let panics = disturbed(&plan, |run, step| assert!((run, step) != (3, 7), "planted\nfor a test"));
    let outcome = batch(&plan, dir.path(), 1, &panics);
    let undisturbed = batch(&plan, calm.path(), 1, &Plugins::default());
    assert_eq!((outcome.status, outcome.tally.complete(), outcome.tally.failed()), (BatchStatus::Failed, 11, 1));

    let failed = outcome.folder.join("failed/small_c1_r1");
    assert!(!outcome.folder.join("runs/small_c1_r1").exists());
    assert!(!failed.join("summary.json").exists());
    assert_eq!(fs::read_to_string(failed.join("steps.jsonl")).unwrap().lines().count(), 7, "what was recorded is kept");
    let log = fs::read_to_string(failed.join("experiment.log")).unwrap();
    assert!(log.contains("after 7 steps: harness_error: planted for a test (tests/it/batch.rs:"), "{log}");

    let row = &table(&outcome.folder)[3];
    assert_eq!((row["run_id"].as_str(), row["end_reason"].as_str()), ("small_c1_r1", "harness_error"));
    assert_eq!((row["fault_owner"].as_str(), row["survival"].as_str()), ("harness", "censored"));
    assert!(row["error"].starts_with("planted for a test (tests/it/batch.rs:"), "{}", row["error"]);
    assert_eq!((row["total_steps"].as_str(), row["crashed"].as_str(), row["mean_pe.cost"].as_str()), ("7", "", ""));

    let manifest = json(&outcome.folder.join("manifest.json"));
    assert_eq!((&manifest["status"], &manifest["counts"]["failed"]), (&"failed".into(), &1.into()));
    assert_eq!(manifest["counts"]["by_end_reason"]["harness_error"], 1);
    assert!(manifest["error"].as_str().unwrap().starts_with("small_c1_r1: planted"), "{}", manifest["error"]);

    // The runs after it were made by the same worker and came out as if nothing had happened.
    let (mut with, mut without) = (records(&outcome.folder), records(&undisturbed.folder));
    with.retain(|name, _| !name.starts_with("failed/") && name != "results.csv");
    without.retain(|name, _| !name.starts_with("runs/small_c1_r1/") && name != "results.csv");
    assert!(with == without);
}

#[test]
fn a_stopped_batch_keeps_whole_runs_only() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let dir = tempfile::tempdir().unwrap();
    let plan = small();
    let stops = disturbed(&plan, |run, step| {
        if (run, step) == (4, 20) {
            STOP.store(true, Ordering::Relaxed);
        }
    });
    let options = BatchOptions { stop: &STOP, ..options(dir.path(), 1) };
    let outcome = run_batch(&plan, options, &stops).unwrap();
    assert_eq!((outcome.status, outcome.tally.complete(), outcome.planned), (BatchStatus::Cancelled, 4, 12));
    let runs: BTreeSet<_> =
        fs::read_dir(outcome.folder.join("runs")).unwrap().map(|run| run.unwrap().file_name()).collect();
    let expected: BTreeSet<_> = plan.runs().take(4).map(|run| run.run_id.into()).collect();
    assert_eq!(runs, expected);
    assert_eq!(table(&outcome.folder).len(), 4);
    let manifest = json(&outcome.folder.join("manifest.json"));
    assert_eq!((&manifest["status"], &manifest["counts"]["complete"]), (&"cancelled".into(), &4.into()));
}

#[test]
fn a_slow_run_holds_the_others_back_at_the_edge_of_the_buffer() {
    const AHEAD: usize = 1024;
    let dir = tempfile::tempdir().unwrap();
    let plan = plan(&["experiment.replications=1100", "simulation.max_steps=1", "model.name=noop"]);
    let others = Arc::new(AtomicUsize::new(0));
    let seen = Arc::new(AtomicUsize::new(0));
    let slow = {
        let (others, seen) = (Arc::clone(&others), Arc::clone(&seen));
        disturbed(&plan, move |run, _| {
            if run > 0 {
                others.fetch_add(1, Ordering::SeqCst);
                return;
            }
            while others.load(Ordering::SeqCst) < AHEAD - 1 {
                thread::sleep(Duration::from_millis(1));
            }
            // Nothing more may begin, however long this takes.
            thread::sleep(Duration::from_millis(50));
            seen.store(others.load(Ordering::SeqCst), Ordering::SeqCst);
        })
    };
    let outcome = batch(&plan, dir.path(), 2, &slow);
    assert_eq!((seen.load(Ordering::SeqCst), outcome.tally.complete()), (AHEAD - 1, 1100));
    let ids: Vec<String> = table(&outcome.folder).into_iter().map(|mut row| row.remove("run_id").unwrap()).collect();
    assert!(ids.into_iter().eq(plan.runs().map(|run| run.run_id)), "rows stand in the order of the plan");
}

/// The heuristic without its cards.
struct Mute(Box<dyn Agent>);

impl Agent for Mute {
    fn decide(&mut self, input: Input<'_>) -> Decision {
        Decision { card: None, ..self.0.decide(input) }
    }
}

fn mutes() -> Plugins {
    instead_of_scripted(&["heuristic"], |setup| Box::new(Mute(agent::build(setup))))
}

#[test]
fn runs_without_the_predictions_that_were_demanded_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan_of(
        "experiment: {name: mute, replications: 7}
simulation: {max_steps: 40}
grid: {interface.prediction_mode: [optional, required]}",
    );
    let outcome = batch(&plan, dir.path(), 1, &mutes());
    let (runs, named) = outcome.tally.without_predictions();
    assert_eq!((runs, named.len(), named[0].as_str()), (7, 5, "mute_c1_r0"));
}

#[test]
fn an_agent_that_does_not_exist_is_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let error = run_batch(&small(), options(dir.path(), 1), &mutes()).unwrap_err();
    assert!(matches!(error, BatchError::Backend(_)), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_stop_before_the_first_run_replaces_nothing() {
    static STOPPED: AtomicBool = AtomicBool::new(true);
    let dir = tempfile::tempdir().unwrap();
    let plan = small();
    let before = records(&batch(&plan, dir.path(), 1, &Plugins::default()).folder);
    for existing in [Existing::Replaced, Existing::Resumed] {
        let options = BatchOptions { stop: &STOPPED, existing, ..options(dir.path(), 1) };
        let error = run_batch(&plan, options, &Plugins::default()).unwrap_err();
        assert!(matches!(error, BatchError::Interrupted), "{error}");
        assert!(records(&dir.path().join("small")) == before);
    }
}

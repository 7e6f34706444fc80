//! A run in an App of somebody else: driven by `App::run`, recorded as by the batch.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Poll;

use bevy::prelude::*;
use bevy::time::TimeUpdateStrategy;
use vendomini::VendoMiniPlugins;
use vendomini::agent::Input;
use vendomini::base::decision::{Action, Decision};
use vendomini::base::units::Step;
use vendomini::batch::progress::Progress;
use vendomini::batch::{BatchOptions, Existing, RunFiles, run_batch};
use vendomini::engine::calendar::Calendar;
use vendomini::engine::state_hash::StateHash;
use vendomini::llm::provider::backend::PriceOptions;
use vendomini::plan::Plan;
use vendomini::plugins::Plugins;
use vendomini::plugins::driver_plugin::{AppRun, DeferredAgent, DriverPlugin, DriverSystems, RunStanding};

use crate::common::{files, plan};

fn busy(agent: &str) -> Plan {
    let agent = format!("model.name={agent}");
    plan(&[&agent, "simulation.max_steps=120", "pe_induction.p_shock=0.5", "pe_induction.pe_type_mix=uniform"])
}

/// A headless App that makes one step a frame.
fn app(driver: DriverPlugin) -> App {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, VendoMiniPlugins, driver));
    app.insert_resource(TimeUpdateStrategy::FixedTimesteps(1));
    app
}

fn by_batch(plan: &Plan, dir: &Path) {
    static NEVER: AtomicBool = AtomicBool::new(false);
    let options = BatchOptions {
        n_jobs: 1,
        results_dir: dir.to_owned(),
        existing: Existing::Refused,
        progress: Progress::Silent,
        command: Vec::new(),
        stop: &NEVER,
        prices: PriceOptions::default(),
        allow_unpinned: false,
    };
    run_batch(plan, options, &Plugins::default()).unwrap_or_else(|error| panic!("{error}"));
}

/// The records of a plan's only run, by file; not those that may hold times.
fn records(plan: &Plan, dir: &Path) -> Vec<(String, Vec<u8>)> {
    let run = plan.run(0);
    let folder = dir.join(&run.config.experiment.name).join("runs").join(&run.run_id);
    files(&folder).into_iter().filter(|(name, _)| name != "experiment.log").collect()
}

/// What systems of somebody else saw.
#[derive(Default)]
struct Seen {
    startup: AtomicU32,
    frames: AtomicU32,
    steps: AtomicU32,
    ends: AtomicU32,
}

#[derive(Resource, Clone, Default)]
struct Witness(Arc<Seen>);

fn watch(app: &mut App) -> Witness {
    let witness = Witness::default();
    let seen = |count: &AtomicU32| count.fetch_add(1, Ordering::Relaxed);
    app.insert_resource(witness.clone());
    app.add_systems(Startup, move |witness: Res<Witness>, calendar: Res<Calendar>| {
        assert_eq!(calendar.step(), 0, "the run has begun");
        seen(&witness.0.startup);
    });
    app.add_systems(Update, move |witness: Res<Witness>, run: Res<AppRun>| {
        seen(&witness.0.frames);
        if matches!(run.standing(), RunStanding::Ended(_)) {
            seen(&witness.0.ends);
        }
    });
    let mut last = 0;
    let count_steps = move |witness: Res<Witness>, hash: Res<StateHash>| {
        if std::mem::replace(&mut last, hash.value()) != hash.value() {
            seen(&witness.0.steps);
        }
    };
    app.add_systems(FixedUpdate, count_steps.after(DriverSystems::Step));
    witness
}

#[test]
fn a_run_by_app_run_has_the_records_of_the_batch_to_the_byte() {
    for agent in ["heuristic", "oracle", "synthetic"] {
        let plan = busy(agent);
        let (in_app, in_batch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        by_batch(&plan, in_batch.path());
        let run = plan.run(0);
        let mut app = app(DriverPlugin::new(&run).recording(RunFiles::create(in_app.path(), &run).unwrap()));
        let Witness(seen) = watch(&mut app);
        assert_eq!(app.run(), AppExit::Success);

        let (app, batch) = (records(&plan, in_app.path()), records(&plan, in_batch.path()));
        assert_eq!(
            app.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            ["config_used.yaml", "events.jsonl", "steps.jsonl", "summary.json"]
        );
        assert!(app == batch, "the records of {agent} differ");
        let steps = app[2].1.iter().filter(|byte| **byte == b'\n').count();
        let count = |count: &AtomicU32| count.load(Ordering::Relaxed) as usize;
        assert_eq!((count(&seen.startup), count(&seen.steps), count(&seen.ends)), (1, steps, 1));
        assert!(count(&seen.frames) >= steps);
    }
}

/// Takes its time with each step, and then reads its mail.
struct Slow {
    asked: u32,
    step: Option<Step>,
}

impl DeferredAgent for Slow {
    fn poll(&mut self, input: Input<'_>) -> Poll<Decision> {
        if self.step.replace(input.observation.step) != Some(input.observation.step) {
            self.asked = 0;
        }
        self.asked += 1;
        if self.asked <= input.observation.step % 3 {
            return Poll::Pending;
        }
        Poll::Ready(Decision::scripted(Action::of("tool_check_inbox"), None))
    }
}

#[test]
fn an_agent_that_answers_later_holds_the_step_and_not_the_frame() {
    let plan = plan(&["simulation.max_steps=30", "interface.prediction_mode=optional", "pe_induction.p_shock=0.5"]);
    let dir = tempfile::tempdir().unwrap();
    let run = plan.run(0);
    let files = RunFiles::create(dir.path(), &run).unwrap();
    let mut app = app(DriverPlugin::new(&run).asking(Slow { asked: 0, step: None }).recording(files));
    let Witness(seen) = watch(&mut app);
    assert_eq!(app.run(), AppExit::Success);
    let records = records(&plan, dir.path());
    let steps = String::from_utf8(records[2].1.clone()).unwrap();
    assert_eq!(steps.lines().count(), 30);
    assert!(steps.lines().all(|step| step.contains("tool_check_inbox")));
    assert_eq!(seen.steps.load(Ordering::Relaxed), 30);
    // Every third step is answered at once, every third waits one tick, every third two.
    let frames = seen.frames.load(Ordering::Relaxed);
    assert!((60..=62).contains(&frames), "{frames}");
}

#[test]
fn an_app_whose_run_cannot_begin_or_be_recorded_ends_with_an_error() {
    let failed = |app: &mut App| {
        let why = Arc::new(std::sync::Mutex::new(String::new()));
        let noted = Arc::clone(&why);
        app.add_systems(Last, move |run: Res<AppRun>| {
            if let RunStanding::Failed(why) = run.standing() {
                *noted.lock().unwrap() = why.clone();
            }
        });
        assert!(app.run().is_error());
        why.lock().unwrap().clone()
    };
    let stranger = plan(&["model.name=nobody_knows"]).run(0);
    assert!(failed(&mut app(DriverPlugin::new(&stranger))).contains("there is no scripted agent nobody_knows"));
    let tool = plan(&["interface.extra_tools=[tool_fly]"]).run(0);
    assert!(failed(&mut app(DriverPlugin::new(&tool))).starts_with("interface.extra_tools: there is no extra tool"));
    let run = busy("heuristic").run(0);
    let dir = tempfile::tempdir().unwrap();
    let files = RunFiles::create(dir.path(), &run).unwrap();
    // A folder in the place of a file that is written at the end.
    let folder = files.folder().with_file_name(format!(".{}.partial", run.run_id));
    fs::create_dir(folder.join("summary.json")).unwrap();
    assert!(failed(&mut app(DriverPlugin::new(&run).recording(files))).contains("summary.json"));
}

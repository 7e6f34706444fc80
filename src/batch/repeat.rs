//! Makes one recorded run again from its own folder, without a network: programs decide anew, language models say what
//! their cassette holds.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tempfile::TempDir;
use thiserror::Error;

use super::confine::{Defect, confine};
use super::error::{BatchError, WriteError};
use super::folder::ResultFolder;
use super::live::{LiveError, LiveRun, Progress};
use super::play::{StopCondition, run_to_end};
use super::run_folder::{Keeping, RunFolder};
use super::world_slot::WorldSlot;
use super::{Existing, Halt};
use crate::base::files::read_optional;
use crate::base::registration::OtherPlugins;
use crate::base::registration::PluginErrors;
use crate::base::units::Step;
use crate::config;
use crate::config::{ConfigErrors, Overrides};
use crate::llm::deliberation::{Deliberation, ReplySource};
use crate::llm::prompt::{PromptError, Prompts};
use crate::llm::provider::backend::deliberation_setup;
use crate::llm::provider::cassette;
use crate::llm::provider::cassette::{CassetteError, Player, Recorder};
use crate::llm::provider::limits::RunLimits;
use crate::llm::provider::recording::PREFIX;
use crate::llm::provider::settings;
use crate::llm::provider::wire::{Source, Wire, WireError};
use crate::plan::{Plan, PlannedRun};
use crate::plugins::Plugins;
use crate::record::compare::Difference;
use crate::record::folder::{ReadError, STEPS, SUMMARY, read_summary};
use crate::record::manifest::{Build, Manifest};
use crate::record::summary::{RunIdentity, Summary};
use crate::simulation::recorded_run::{Answers, RecordedRun};

/// A repetition of a run.
#[derive(Debug)]
pub struct Repetition {
    /// The run.
    pub run_id: String,
    /// What is worth knowing of it.
    pub notices: Vec<String>,
    /// What it came to.
    pub outcome: Repeated,
    folder: PathBuf,
    /// Where it lies, when nobody asked for it.
    _scratch: Option<TempDir>,
}

impl Repetition {
    /// The folder of its records.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// What a repetition came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// It went to its end.
    Whole {
        /// Its steps.
        steps: Step,
    },
    /// It asked something else than was recorded.
    Differs(Difference),
}

/// Why a run cannot be repeated.
#[derive(Debug, Error)]
pub enum RepeatError {
    /// A record of it cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not complete.
    #[error(
        "{} is no complete run: it has no {SUMMARY}; an experiment that was broken off goes on with run --resume",
        .0.display()
    )]
    Incomplete(PathBuf),
    /// Its configuration cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The plugins of this program do not work.
    #[error(transparent)]
    Plugins(#[from] PluginErrors),
    /// It was made with other plugins.
    #[error(transparent)]
    OtherPlugins(#[from] OtherPlugins),
    /// Its cassette cannot be played.
    #[error(transparent)]
    Cassette(#[from] CassetteError),
    /// Its prompts cannot be used.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The place for the repetition holds results.
    #[error("there is something in {} already, which a repetition does not replace; name another folder with --output-dir", .0.display())]
    Exists(PathBuf),
    /// There is no place for the repetition.
    #[error(transparent)]
    Place(BatchError),
    /// The repetition cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The repetition hit a defect.
    #[error("the repetition hit a defect of this program: {0}")]
    Defect(Defect),
}

/// Makes a run again. Its records go below `output_dir`, or to a place that goes with the returned value.
///
/// # Errors
/// When the run cannot be repeated at all. That it differs is an outcome.
pub fn repeat(run_dir: &Path, plugins: &Plugins, output_dir: Option<&Path>) -> Result<Repetition, RepeatError> {
    let recorded = recorded_summary(run_dir)?;
    let mut notices = Vec::new();
    if let Some(manifest) = Manifest::read(&run_dir.join("../.."))? {
        check_program(&manifest, plugins, &mut notices)?;
    }
    let registered = plugins.check()?;
    let experiment = config::load(&run_dir.join("config_used.yaml"), &Overrides::default())?;
    let mut plan = Plan::new(experiment)?.fit(&registered)?;
    // Nobody is asked, so no key is needed.
    let programs: Vec<&str> = registered.agents.iter().map(String::as_str).collect();
    let providers = settings::resolve(&mut plan, &programs, &|_| Some("none".to_owned()))?;
    let mut run = plan.run(0);
    let identity = recorded_identity(&recorded, &mut run);

    let scratch = if output_dir.is_none() { Some(scratch_folder()?) } else { None };
    let results_dir = output_dir.unwrap_or_else(|| scratch.as_ref().expect("it was made").path()).to_owned();
    let name = &run.config.experiment.name;
    let results = ResultFolder::claim(&results_dir, name, Existing::Refused, "").map_err(|error| match error {
        // A repetition has no manifest.
        BatchError::Exists(folder) | BatchError::Foreign { folder, .. } => RepeatError::Exists(folder),
        error => RepeatError::Place(error),
    })?;
    results.make_runs()?;

    let outcome = if !programs.contains(&run.config.model.name.as_str()) {
        let player = Player::open(&run_dir.join(cassette::NAME))?;
        let provider = providers.get(&run.config.model.name).map(AsRef::as_ref);
        let source =
            if run.config.model.name.starts_with(PREFIX) { ReplySource::Recording } else { ReplySource::Model };
        let folder = RunFolder::create(&results, &run, Keeping::Closed)?;
        let world = WorldSlot::InWorld(Box::new(plugins.simulation()));
        let recorded = RecordedRun::start(world, &run.config, identity, folder, Answers::Later);
        let (briefing, pricing) = (recorded.briefing(), player.pricing());
        let templates = run.config.interface.prompts.as_deref().map(Path::new);
        let prompts = Prompts::load(templates, briefing.scenario_rules())?;
        let setup = deliberation_setup(&run.config, briefing, provider, Arc::new(prompts), pricing, source)?;
        let agent = Deliberation::new(&run.config, briefing, setup);
        let (stop, halt);
        stop = AtomicBool::new(false);
        halt = Halt { user: &stop, failure: AtomicBool::new(false) };
        // The cassette is recorded again from what the run asks: whatever was edited in it shows.
        let path = results.partial_run(&run.run_id).join(cassette::NAME);
        let recorder = Recorder::create(&path, &run.config.model.name, pricing).map_err(WriteError::at(&path))?;
        let wire = Wire::new(Source::Nowhere, Some(player), Some(recorder));
        let limits = match source {
            ReplySource::Model => RunLimits::none(pricing, u64::from(run.config.model.max_tokens_per_call)),
            ReplySource::Recording => RunLimits::free(),
        };
        let mut live = LiveRun::new(recorded, agent, wire, limits, &halt);
        let played = confine(|| live.start()).map_err(RepeatError::Defect)?;
        match played {
            Ok(Progress::Ended(summary)) => match live.left_over() {
                Some((step, call)) => Repeated::Differs(differs(
                    step,
                    "step",
                    &format!("a record of step {step} (call {call})"),
                    &format!("the end of the run after {} steps", summary.total_steps),
                )),
                None => {
                    let steps = summary.total_steps;
                    live.into_parts().1.complete(&summary)?;
                    Repeated::Whole { steps }
                }
            },
            Ok(Progress::Waits | Progress::Parked) => unreachable!("nothing is asked of anybody"),
            Err(LiveError::Wire(WireError::Miss(miss))) => {
                let (field, recorded, repeated) = miss.fields();
                Repeated::Differs(differs(miss.step(), field, &recorded, &repeated))
            }
            Err(LiveError::Wire(WireError::Write(source))) => return Err(WriteError { path, source }.into()),
            Err(LiveError::Write(error)) => return Err(error.into()),
            Err(LiveError::Prompt(error)) => return Err(error.into()),
        }
    } else {
        let steps = Cell::new(0);
        let mut folder = RunFolder::create(&results, &run, Keeping::Open)?;
        let mut simulation = plugins.simulation();
        let curtain = recorded_curtain(&recorded);
        let mut before_step = |steps| match curtain.reason_at(steps) {
            Some(reason) => ControlFlow::Break(Some(reason)),
            None => ControlFlow::Continue(()),
        };
        let played = confine(|| {
            let mut recorded = RecordedRun::start(&mut simulation, &run.config, identity, &mut folder, Answers::AtOnce);
            run_to_end(&mut recorded, &run.config.model.name, &mut before_step, &steps)
        });
        let summary = played.map_err(RepeatError::Defect)??.expect("nobody stops it");
        folder.complete(&summary)?;
        Repeated::Whole { steps: summary.total_steps }
    };
    Ok(Repetition {
        folder: results.complete_run(&run.run_id),
        run_id: run.run_id,
        notices,
        outcome,
        _scratch: scratch,
    })
}

fn differs(step: Step, field: &str, recorded: &str, repeated: &str) -> Difference {
    Difference {
        file: cassette::NAME.to_owned(),
        line: 0,
        step: Some(step),
        field: field.to_owned(),
        recorded: recorded.to_owned(),
        repeated: repeated.to_owned(),
    }
}

fn scratch_folder() -> Result<TempDir, WriteError> {
    tempfile::Builder::new()
        .prefix("vendomini-replay-")
        .tempdir()
        .map_err(|source| WriteError { path: std::env::temp_dir(), source })
}

/// The recorded summary; a run without one is not complete.
fn recorded_summary(run_dir: &Path) -> Result<Box<Summary>, RepeatError> {
    if run_dir.is_file() {
        return Err(ReadError::NotAFolder(run_dir.to_owned()).into());
    }
    if !run_dir.is_dir() {
        return Err(ReadError::Missing(run_dir.to_owned()).into());
    }
    if !run_dir.join(STEPS).is_file() {
        return Err(ReadError::NoRuns(run_dir.to_owned()).into());
    }
    let summary = read_summary(&run_dir.join(SUMMARY))?;
    for name in [STEPS, "events.jsonl", "deliberations.jsonl"] {
        check_text(&run_dir.join(name))?;
    }
    summary.ok_or_else(|| RepeatError::Incomplete(run_dir.to_owned()))
}

/// A record that is no text differs from every repetition, and a message could not show how.
fn check_text(path: &Path) -> Result<(), ReadError> {
    let Some(bytes) = read_optional(path).map_err(ReadError::at(path))? else { return Ok(()) };
    let is_text =
        |line: &[u8]| std::str::from_utf8(line).is_ok_and(|line| !line.contains(|c: char| c.is_ascii_control()));
    match bytes.split(|byte| *byte == b'\n').position(|line| !is_text(line)) {
        Some(line) => {
            Err(ReadError::Unreadable { path: path.to_owned(), why: format!("line {} is not JSON", line + 1) })
        }
        None => Ok(()),
    }
}

fn check_program(manifest: &Manifest, plugins: &Plugins, notices: &mut Vec<String>) -> Result<(), RepeatError> {
    plugins.same_as(&manifest.plugins)?;
    let (this, then) = (Build::this(), &manifest.build);
    if (&then.version, &then.commit) != (&this.version, &this.commit) {
        notices.push(format!(
            "the run was made by version {} (commit {}), this is {} (commit {})",
            then.version, then.commit, this.version, this.commit
        ));
    }
    Ok(())
}

/// What ended a recorded run of a program from outside: a limit of time, which its repetition has not to wait for.
fn recorded_curtain(summary: &Summary) -> StopCondition {
    match summary.end_reason.limit_scope() {
        Some(_) => StopCondition::Recorded(summary.total_steps, summary.end_reason),
        None => StopCondition::Never,
    }
}

/// The run as its summary names it: alone in its file, it would be the first of its experiment.
fn recorded_identity(summary: &Summary, run: &mut PlannedRun) -> RunIdentity {
    let RunIdentity { run_id, params, .. } = summary.identity.clone();
    let identity = RunIdentity { run_id, params, ..RunIdentity::of(run) };
    run.run_id.clone_from(&identity.run_id);
    identity
}

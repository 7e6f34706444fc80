//! Runs a plan: worker threads, one results folder, records in the order of the plan.
//!
//! Called by the verb `run`, and by whoever uses the library, through [`run_batch`]. Each worker owns one
//! [`Simulation`](crate::simulation::driver::Simulation), made by the program's plugins, and takes one run after another; one
//! writer puts the rows into `results.csv` in the order of the plan, so nothing but the log and the manifest shows how
//! many workers there were. This module never decides anything about a run: what happens in it is decided by its
//! configuration and its agent.
//!
//! - [`error`]: why a batch could not run or go on
//! - `folder`, `run_folder`: the files, and their names while they are not complete
//! - `confine`: a panic costs one run
//! - `connections`: how many requests to each provider could be in flight
//! - `app_run`: the files of a run that an App drives
//! - `play`: one run
//! - `resume`: what an earlier batch left of the runs
//! - `pool`: workers and writer
//! - [`tally`]: what is counted over all runs
//! - [`progress`]: how far it is

mod app_run;
mod confine;
mod connections;
mod context;
pub mod error;
mod folder;
mod history;
mod live;
mod play;
mod pool;
pub mod progress;
pub mod repeat;
mod resume;
mod run_folder;
pub mod tally;
mod world_slot;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use app_run::RunFiles;
pub use error::BatchError;
use folder::ResultFolder;
use progress::Progress;
use tally::Tally;

use context::BatchContext;
use history::History;

use crate::llm::provider::backend::{Backends, PriceOptions};
use crate::llm::provider::budget::Spent;
use crate::llm::provider::limits::until;
use crate::llm::provider::settings::process_environment;
use crate::plan::{MAX_JOBS, Plan};
use crate::plugins::Plugins;
use crate::record::manifest::{BatchStatus, Manifest, digest};
use crate::record::pins;

/// How to run a plan.
#[derive(Debug)]
pub struct BatchOptions<'a> {
    /// Worker threads, 1 to [`MAX_JOBS`]. Never more are started than there are runs.
    pub n_jobs: usize,
    /// The folder in which the experiment's folder is made.
    pub results_dir: PathBuf,
    /// What becomes of earlier results of the experiment.
    pub existing: Existing,
    /// How to show how far it is.
    pub progress: Progress,
    /// The command line, for the manifest.
    pub command: Vec<String>,
    /// Set by someone else to stop the batch at the next step of each run.
    pub stop: &'a AtomicBool,
    /// What the command line says of prices.
    pub prices: PriceOptions,
    /// Whether pins that do not hold are waived, and that is recorded.
    pub allow_unpinned: bool,
}

/// What becomes of earlier results of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// They are left alone, and nothing is run.
    Refused,
    /// They are replaced, whole.
    Replaced,
    /// They are completed. Runs that ended for good stay as they are. Calls of language models that were answered are
    /// not made again, and runs of programs that were broken off begin anew.
    Resumed,
}

/// What a batch came to.
#[derive(Debug)]
pub struct BatchOutcome {
    /// The experiment's folder.
    pub folder: PathBuf,
    /// How it ended: complete, cancelled, or failed because a run hit a defect.
    pub status: BatchStatus,
    /// Runs in the plan.
    pub planned: usize,
    /// What was counted.
    pub tally: Tally,
    /// Wall time.
    pub took: Duration,
    /// What language models used; `None` when all agents were programs.
    pub spent: Option<Spent>,
    /// Earlier results that could not be deleted.
    pub leftover: Option<error::WriteError>,
}

/// When to stop: because the user says so, or because something went wrong.
#[derive(Debug)]
struct Halt<'a> {
    user: &'a AtomicBool,
    failure: AtomicBool,
}

impl Halt<'_> {
    fn is_set(&self) -> bool {
        // Nothing is published with the flags; seeing one a few steps late does no harm.
        self.by_user() || self.failure.load(Ordering::Relaxed)
    }

    fn by_user(&self) -> bool {
        self.user.load(Ordering::Relaxed)
    }
}

/// Runs all runs of a plan and writes their records below `options.results_dir`.
///
/// A run that hits a defect is counted in the outcome and costs nothing but itself.
///
/// # Errors
/// Before the first run, when something is wrong with the plugins, the plan names what they do not register, or the
/// result folder cannot be used; later, when a record cannot be written.
pub fn run_batch(plan: &Plan, options: BatchOptions<'_>, plugins: &Plugins) -> Result<BatchOutcome, BatchError> {
    let BatchOptions { n_jobs, results_dir, existing, progress, command, stop, prices, allow_unpinned } = options;
    let registered = plugins.check()?;
    let mut plan = plan.clone().fit(&registered)?;
    let pins = pins::check(&plan, allow_unpinned).map_err(BatchError::Pins)?;
    let programs: Vec<&str> = registered.agents.iter().map(String::as_str).collect();
    let backends = {
        let mut briefing_of = plugins.briefings();
        Backends::open(&mut plan, &programs, &mut briefing_of, &prices, &process_environment)?
    };
    // Servers may have been slow to answer, and nothing of anybody's was touched so far.
    if stop.load(Ordering::Relaxed) {
        return Err(BatchError::Interrupted);
    }
    let (plan, backends) = (&plan, backends.as_ref());
    let begun = Instant::now();
    let n_jobs = n_jobs.clamp(1, MAX_JOBS).min(plan.len());
    let configuration = digest(plan.experiment());
    let folder = ResultFolder::claim(&results_dir, &plan.experiment().name, existing, &configuration)?;
    let mut manifest = Manifest::new(plan, n_jobs, command, plugins.records(), &registered);
    manifest.pins = Some(pins);
    if let Some(backends) = backends {
        manifest.of_models(backends);
    }
    let halt = Halt { user: stop, failure: AtomicBool::new(false) };
    let context = BatchContext {
        plan,
        plugins,
        results: &folder,
        families: &registered.shocks,
        halt: &halt,
        backends,
        until: until(Instant::now(), plan.experiment().limits().time_s).map(|(end, _)| end),
        live_runs: backends.map_or(1, |backends| (backends.most_connections() as usize).div_ceil(n_jobs)),
        resume: existing == Existing::Resumed,
    };
    let opened = may_go_on(&folder, &manifest, plugins).and_then(|()| {
        if let (Existing::Resumed, Some(backends)) = (existing, backends) {
            resume::survey(plan, &folder, backends, &registered.shocks)?;
        }
        let history = History::open(&results_dir, &plan.experiment().name, configuration, existing, backends)
            .map_err(BatchError::Folder)?;
        let rows = folder.open().map_err(BatchError::Folder)?;
        folder.write_manifest(&manifest).map_err(BatchError::Folder)?;
        Ok((history, rows))
    });
    let (mut history, mut rows) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            folder.abandon();
            return Err(error);
        }
    };
    let leftover = folder.drop_replaced().err();
    let (tally, stopped) = pool::run(&context, n_jobs, &mut rows, &mut history, progress);
    let incomplete = |source| BatchError::Write {
        complete: tally.complete(),
        planned: plan.len(),
        folder: folder.path().to_owned(),
        source,
    };
    let error = match stopped {
        None => rows.complete().err().map(incomplete),
        Some(pool::Stopped::Unwritable(error)) => Some(incomplete(error)),
        Some(pool::Stopped::Defect(defect)) => Some(BatchError::Defect(defect)),
        Some(pool::Stopped::Resume(error)) => Some(BatchError::Resume(error)),
        Some(pool::Stopped::Prompt(error)) => Some(BatchError::Prompt(error)),
    };
    let status = match &error {
        None if tally.complete() + tally.failed() < plan.len() => BatchStatus::Cancelled,
        None if tally.failed() == 0 => BatchStatus::Complete,
        _ => BatchStatus::Failed,
    };
    let reason = error.as_ref().map(describe).or_else(|| tally.defects().first().map(ToString::to_string));
    manifest.end(status, tally.counts(plan.len()), reason);
    let written = folder.write_manifest(&manifest);
    if let Some(error) = error {
        return Err(error);
    }
    written.map_err(incomplete)?;
    let spent = backends.map(Backends::spent);
    let folder = folder.path().to_owned();
    Ok(BatchOutcome { folder, status, planned: plan.len(), tally, took: begun.elapsed(), spent, leftover })
}

/// Whether the results of a folder can be completed today.
fn may_go_on(folder: &ResultFolder, manifest: &Manifest, plugins: &Plugins) -> Result<(), BatchError> {
    let recorded = folder.recorded_manifest()?;
    let changes = recorded.map(|recorded| resume::changes(&recorded, manifest.models.as_ref(), plugins));
    match changes {
        Some(changes) if !changes.is_empty() => {
            Err(BatchError::OtherCircumstances { folder: folder.path().to_owned(), changes })
        }
        _ => Ok(()),
    }
}

/// An error and its causes in one line.
fn describe(error: &BatchError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

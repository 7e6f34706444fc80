//! What `--resume` finds: whether the results may go on at all, and what there is of each run.
//!
//! Everything is looked at before anything is touched. A run that ended for good is left as it lies. One that must go
//! on is made again from its cassette in a place of its own, and its earlier files stay until that has reached what
//! they hold.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{ResumeError, WriteError};
use super::folder::ResultFolder;
use super::play::{Report, finished};
use super::pool::Stopped;
use super::run_folder::{Keeping, RunFolder};
use crate::llm::provider::backend::{Backends, ModelRecord};
use crate::llm::provider::cassette;
use crate::llm::provider::cassette::{CassetteError, Player, Recorder};
use crate::llm::provider::cost::Pricing;
use crate::plan::{Plan, PlannedRun};
use crate::plugins::Plugins;
use crate::record::folder::{ReadError, STEPS, SUMMARY, read_summary};
use crate::record::manifest::{Manifest, ModelsRecord};

/// What an earlier batch left of a run.
#[derive(Debug)]
pub(super) enum Left {
    /// It ended for good.
    Final(Box<Report>),
    /// It goes on from the cassette in this folder.
    GoesOn(PathBuf),
    /// Nothing that could not be made again for nothing.
    Nothing,
}

/// What there is of a run; `is_model` says whether its agent is a language model.
///
/// # Errors
/// When it can neither stay as it is, nor go on, nor begin anew.
pub(super) fn left_of(
    results: &ResultFolder,
    run: &PlannedRun,
    is_model: bool,
    families: &[String],
) -> Result<Left, ResumeError> {
    let complete = results.complete_run(&run.run_id);
    let no_way = |why: String| ResumeError { run_id: run.run_id.clone(), why };
    let summary = match read_summary(&complete.join(SUMMARY)) {
        Err(ReadError::Version(other)) => return Err(no_way(other.to_string())),
        // One that is not whole says nothing, and the run is not over.
        read => read.ok().flatten(),
    };
    // Another run's summary says nothing of this one.
    let summary = summary.filter(|summary| summary.identity.run_id == run.run_id);
    if let Some(summary) = summary.filter(|summary| summary.end_reason.is_final()) {
        return Ok(Left::Final(Box::new(finished(run, &summary, families))));
    }
    if !is_model {
        return Ok(Left::Nothing);
    }
    let places = [complete.clone(), results.partial_run(&run.run_id), results.failed_run(&run.run_id)];
    let mut origins = places.iter().filter(|place| place.join(cassette::NAME).is_file()).cloned();
    match (origins.next(), origins.next()) {
        (Some(one), Some(other)) => Err(no_way(format!(
            "both {} and {} hold a {}; move one of them away",
            one.display(),
            other.display(),
            cassette::NAME
        ))),
        (Some(origin), None) if has_records(&origin) && has_no_calls(&origin) => Err(no_way(format!(
            "the {} in {} holds no calls, though steps were recorded; restore it, or move the folder away to have the \
             run made anew",
            cassette::NAME,
            origin.display()
        ))),
        (Some(origin), None) => Ok(Left::GoesOn(origin)),
        (None, _) => match places.iter().find(|place| **place == complete && place.exists() || has_records(place)) {
            Some(origin) => Err(no_way(format!(
                "{} has none; restore {}, or move the folder away to have the run made anew",
                origin.display(),
                cassette::NAME
            ))),
            None => Ok(Left::Nothing),
        },
    }
}

/// Whether steps of a run were written into a folder.
fn has_records(folder: &Path) -> bool {
    fs::metadata(folder.join(STEPS)).is_ok_and(|steps| steps.len() > 0)
}

/// Whether the cassette in a folder is empty but for its head. One that cannot be read is not: that is told elsewhere.
fn has_no_calls(folder: &Path) -> bool {
    Player::look(&folder.join(cassette::NAME)).is_ok_and(|player| player.entries().next().is_none())
}

/// What has changed since results were begun and would make the rest of them another experiment, a sentence each.
/// `manifest` is theirs.
pub(super) fn changes(manifest: &Manifest, models: Option<&ModelsRecord>, plugins: &Plugins) -> Vec<String> {
    let mut changes = Vec::new();
    if let Err(others) = plugins.same_as(&manifest.plugins) {
        changes.push(others.to_string().replace('\n', "; "));
    }
    let (Some(recorded), Some(models)) = (&manifest.models, models) else { return changes };
    for (folder, files) in &models.prompts {
        for (file, digest) in files {
            let then = recorded.prompts.get(folder).and_then(|files| files.get(file));
            if let Some(then) = then.filter(|then| *then != digest) {
                changes.push(format!(
                    "the prompt {file} ({folder}) has the SHA-256 {digest}, and had {then} at the beginning"
                ));
            }
        }
    }
    for recorded in &recorded.models {
        let Some(model) = models.models.iter().find(|model| model.name == recorded.name) else { continue };
        let asked = |model: &ModelRecord| match &model.base_url {
            Some(url) => format!("{} at {url}", model.kind),
            None => model.kind.clone(),
        };
        let (now, then) = (asked(model), asked(recorded));
        if then != now {
            changes.push(format!("{} is {now}, and was {then} at the beginning", model.name));
        }
    }
    changes
}

/// Looks at what an earlier batch left of the runs of a plan, and counts what was spent on them, so that no limit is
/// exceeded by runs that are not under way yet. Touches nothing.
///
/// # Errors
/// For the first run that cannot go on.
pub(super) fn survey(
    plan: &Plan,
    results: &ResultFolder,
    backends: &Backends,
    families: &[String],
) -> Result<(), ResumeError> {
    for run in plan.runs().filter(|run| backends.has(&run.config.model.name)) {
        let player = match left_of(results, &run, true, families)? {
            // Nothing more is asked of one that is over, so it needs no cassette.
            Left::Final(_) => Player::look(&results.complete_run(&run.run_id).join(cassette::NAME)).ok(),
            Left::GoesOn(origin) => {
                let unusable =
                    |error: CassetteError| ResumeError { run_id: run.run_id.clone(), why: error.to_string() };
                Some(Player::look(&origin.join(cassette::NAME)).map_err(unusable)?)
            }
            Left::Nothing => None,
        };
        if let Some(player) = player {
            backends.count(&run.config, &player);
        }
    }
    Ok(())
}

/// The folder of a run, what its cassette has to say already, and the way to add to it.
pub(super) fn open_cassette(
    results: &ResultFolder,
    run: &PlannedRun,
    pricing: Pricing,
    origin: Option<&Path>,
) -> Result<(RunFolder, Option<Player>, Recorder), Stopped> {
    if let Some(origin) = origin {
        let (from, again) = (origin.join(cassette::NAME), results.repeated_run(&run.run_id));
        let path = again.join(cassette::NAME);
        // Nothing was ever asked in there, whatever it holds.
        remove(&again)?;
        let folder = RunFolder::repeat(results, run, origin)?;
        fs::copy(&from, &path).map_err(WriteError::at(&path))?;
        let unusable = |error: CassetteError| ResumeError { run_id: run.run_id.clone(), why: error.to_string() };
        // What a kill left of a line, and a limit that may be raised now, are cut off with the first new line.
        if let Some(player) = Player::resume(&path).map_err(|error| Stopped::Resume(unusable(error)))? {
            let recorder = Recorder::append(&path, &player).map_err(WriteError::at(&path))?;
            return Ok((folder, Some(player), recorder));
        }
        if *origin == results.complete_run(&run.run_id) {
            let why = format!("{} is empty; restore it, or move the folder away", from.display());
            return Err(Stopped::Resume(ResumeError { run_id: run.run_id.clone(), why }));
        }
        // It was killed before the first call.
        drop(folder);
        clear(results, run)?;
    }
    let folder = RunFolder::create(results, run, Keeping::Closed)?;
    let path = results.partial_run(&run.run_id).join(cassette::NAME);
    let recorder = Recorder::create(&path, &run.config.model.name, pricing).map_err(WriteError::at(&path))?;
    Ok((folder, None, recorder))
}

/// Removes what an earlier batch left of a run that is made anew.
pub(super) fn clear(results: &ResultFolder, run: &PlannedRun) -> Result<(), WriteError> {
    let id = &run.run_id;
    let places = [results.repeated_run(id), results.partial_run(id), results.complete_run(id), results.failed_run(id)];
    places.iter().try_for_each(|path| remove(path))
}

fn remove(folder: &Path) -> Result<(), WriteError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(WriteError::at(folder)),
    }
}

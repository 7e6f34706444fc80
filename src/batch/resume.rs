//! What `--resume` finds: whether the results may go on at all, and what there is of each run.
//!
//! Everything is looked at before anything is touched. A run that ended for good is left as it lies. One that must go
//! on is made again from its cassette in a place of its own, and its earlier files stay until that has reached what
//! they hold.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::error::ResumeError;
use super::folder::ResultFolder;
use super::play::{Report, recorded};
use crate::agent::provider::cassette;
use crate::plan::PlannedRun;
use crate::plugins::{PluginRecord, Plugins};
use crate::record::folder::SUMMARY;
use crate::record::manifest::ModelsRecord;

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
    let summary = fs::read(complete.join(SUMMARY)).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    let report = summary.and_then(|summary| recorded(run, &summary, families));
    if let Some(report) = report.filter(|report| report.end_reason.is_final()) {
        return Ok(Left::Final(Box::new(report)));
    }
    if !is_model {
        return Ok(Left::Nothing);
    }
    let no_way = |why: String| ResumeError { run_id: run.run_id.clone(), why };
    let places = [complete.clone(), results.partial_run(&run.run_id), results.failed_run(&run.run_id)];
    let mut origins = places.into_iter().filter(|place| place.join(cassette::NAME).is_file());
    match (origins.next(), origins.next()) {
        (Some(one), Some(other)) => Err(no_way(format!(
            "both {} and {} hold a {}; move one of them away",
            one.display(),
            other.display(),
            cassette::NAME
        ))),
        (Some(origin), None) => Ok(Left::GoesOn(origin)),
        (None, _) if complete.exists() => Err(no_way(format!(
            "{} has none; restore {}, or move the folder away to have the run made anew",
            complete.display(),
            cassette::NAME
        ))),
        (None, _) => Ok(Left::Nothing),
    }
}

/// What has changed since results were begun and would make the rest of them another experiment, a sentence each.
/// `manifest` is theirs.
pub(super) fn changes(manifest: &Value, models: Option<&ModelsRecord>, plugins: &Plugins) -> Vec<String> {
    let mut changes = Vec::new();
    let recorded = manifest.get("plugins").cloned().map(serde_json::from_value::<Vec<PluginRecord>>);
    if let Some(Ok(recorded)) = recorded
        && let Err(others) = plugins.same_as(&recorded)
    {
        changes.push(others.to_string().replace('\n', "; "));
    }
    let (Some(recorded), Some(models)) = (manifest.get("models"), models) else { return changes };
    for (folder, files) in &models.prompts {
        for (file, digest) in files {
            let then = recorded["prompts"][folder][file].as_str();
            if let Some(then) = then.filter(|then| then != digest) {
                changes.push(format!(
                    "the prompt {file} ({folder}) has the SHA-256 {digest}, and had {then} at the beginning"
                ));
            }
        }
    }
    for record in recorded["models"].as_array().into_iter().flatten() {
        let Some(model) = models.models.iter().find(|model| record["name"] == model.name) else { continue };
        let asked = |kind: &str, url: Option<&str>| match url {
            Some(url) => format!("{kind} at {url}"),
            None => kind.to_owned(),
        };
        let now = asked(&model.kind, model.base_url.as_deref());
        let then = asked(record["kind"].as_str().unwrap_or_default(), record["base_url"].as_str());
        if then != now {
            changes.push(format!("{} is {now}, and was {then} at the beginning", model.name));
        }
    }
    changes
}

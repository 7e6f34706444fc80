//! `history.jsonl` beside the experiments' folders: one line for every run that was finished.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::WriteError;
use super::play::Report;
use crate::agent::provider::backend::Backends;
use crate::agent::provider::recording::PREFIX;
use crate::record::history::{HistoryRecord, NAME, RunType};
use crate::record::manifest::now;

/// The open file, and what all lines of a batch have in common.
#[derive(Debug)]
pub(super) struct History<'a> {
    file: File,
    path: PathBuf,
    experiment: String,
    configuration_sha256: String,
    backends: Option<&'a Backends>,
}

impl<'a> History<'a> {
    /// Goes on with the history of a folder of results.
    pub(super) fn open(
        results_dir: &Path,
        experiment: &str,
        configuration_sha256: String,
        backends: Option<&'a Backends>,
    ) -> Result<History<'a>, WriteError> {
        let path = results_dir.join(NAME);
        let file = File::options().create(true).append(true).open(&path).map_err(WriteError::at(&path))?;
        Ok(History { file, path, experiment: experiment.to_owned(), configuration_sha256, backends })
    }

    /// Adds a run. Lines of several batches in one folder do not mix: each is one write to the file's end.
    pub(super) fn add(&mut self, report: &Report) -> Result<(), WriteError> {
        let run_type = match self.backends {
            _ if report.model.starts_with(PREFIX) => RunType::Replay,
            Some(backends) if backends.is_mock(&report.model) => RunType::Mock,
            Some(backends) if backends.has(&report.model) => RunType::Model,
            _ => RunType::Scripted,
        };
        let record = HistoryRecord {
            finished: now(),
            experiment: self.experiment.clone(),
            run_id: report.run_id.clone(),
            run_type,
            model: report.model.clone(),
            configuration_sha256: self.configuration_sha256.clone(),
            seed: report.seed,
            total_steps: report.steps,
            end_reason: report.end_reason,
            final_state_hash: report.final_state_hash.clone(),
            eligible: report.ineligible.is_none(),
            ineligible_reason: report.ineligible,
        };
        let mut line = serde_json::to_vec(&record).expect("a line of the history is JSON");
        line.push(b'\n');
        self.file.write_all(&line).map_err(WriteError::at(&self.path))
    }
}

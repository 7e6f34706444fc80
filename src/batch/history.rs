//! `history.jsonl` beside the experiments' folders: one line for every run that was finished.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::Existing;
use super::error::WriteError;
use super::play::Report;
use crate::base::files::read_optional;
use crate::base::json;
use crate::llm::provider::backend::Backends;
use crate::llm::provider::recording::PREFIX;
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
    /// Lines less their times, of runs that need no second one: a resumed batch comes to the same end in the runs that
    /// were finished before it.
    known: BTreeSet<String>,
}

impl<'a> History<'a> {
    /// Goes on with the history of a folder of results.
    pub(super) fn open(
        results_dir: &Path,
        experiment: &str,
        configuration_sha256: String,
        existing: Existing,
        backends: Option<&'a Backends>,
    ) -> Result<History<'a>, WriteError> {
        let path = results_dir.join(NAME);
        let known = match existing {
            Existing::Resumed => known_lines(&path).map_err(WriteError::at(&path))?,
            Existing::Refused | Existing::Replaced => BTreeSet::new(),
        };
        let mut file =
            File::options().create(true).read(true).append(true).open(&path).map_err(WriteError::at(&path))?;
        end_last_line(&mut file).map_err(WriteError::at(&path))?;
        Ok(History { file, path, experiment: experiment.to_owned(), configuration_sha256, backends, known })
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
        if self.known.contains(&less_its_time(record.clone())) {
            return Ok(());
        }
        let mut line = Vec::new();
        json::line(&mut line, &record).expect("a line of the history is JSON");
        self.file.write_all(&line).map_err(WriteError::at(&self.path))
    }
}

/// A kill may have left half a line, which must not swallow the next one.
fn end_last_line(file: &mut File) -> io::Result<()> {
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

/// The lines of a history less their times. What is no line of ours is left alone.
fn known_lines(path: &Path) -> io::Result<BTreeSet<String>> {
    let text = read_optional(path)?.unwrap_or_default();
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    Ok(lines.map(less_its_time).collect())
}

fn less_its_time(record: HistoryRecord) -> String {
    let mut line = Vec::new();
    json::write(&mut line, &HistoryRecord { finished: String::new(), ..record }).expect("a line of a history is JSON");
    String::from_utf8(line).expect("JSON is text")
}

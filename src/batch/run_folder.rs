//! The files of one run: written beside the place where the run will lie, and moved there when it is complete.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::confine::Defect;
use super::error::WriteError;
use super::folder::ResultFolder;
use crate::config::to_yaml;
use crate::crash::severity::Severity;
use crate::crash::state::Crash;
use crate::plan::PlannedRun;
use crate::record::manifest::{Build, now};
use crate::record::step::Recorder;
use crate::record::summary::Summary;
use crate::units::Step;

/// Records are written in pieces of about this many bytes.
const PIECE: usize = 64 << 10;

/// A run in the making.
#[derive(Debug)]
pub(super) struct RunFolder {
    partial: PathBuf,
    complete: PathBuf,
    failed: PathBuf,
    steps: Output,
    events: Output,
    log: Output,
}

#[derive(Debug)]
struct Output {
    file: File,
    path: PathBuf,
}

impl Output {
    fn create(folder: &Path, name: &str) -> Result<Output, WriteError> {
        let path = folder.join(name);
        let file = File::create(&path).map_err(WriteError::at(&path))?;
        Ok(Output { file, path })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.file.write_all(bytes).map_err(WriteError::at(&self.path))
    }

    /// Writes a buffer out once it is large enough to be worth a call.
    fn take(&mut self, buffer: &mut Vec<u8>, piece: usize) -> Result<(), WriteError> {
        if buffer.len() < piece || buffer.is_empty() {
            return Ok(());
        }
        self.write(buffer)?;
        buffer.clear();
        Ok(())
    }
}

impl RunFolder {
    pub(super) fn create(results: &ResultFolder, run: &PlannedRun) -> Result<RunFolder, WriteError> {
        let partial = results.partial_run(&run.run_id);
        fs::create_dir(&partial).map_err(WriteError::at(&partial))?;
        let config = partial.join("config_used.yaml");
        fs::write(&config, to_yaml(&run.config)).map_err(WriteError::at(&config))?;
        let mut folder = RunFolder {
            complete: results.complete_run(&run.run_id),
            failed: results.failed_run(&run.run_id),
            steps: Output::create(&partial, "steps.jsonl")?,
            events: Output::create(&partial, "events.jsonl")?,
            log: Output::create(&partial, "experiment.log")?,
            partial,
        };
        let Build { version, commit, .. } = Build::this();
        let (agent, steps) = (&run.config.model.name, run.config.simulation.max_steps);
        let (run_id, seed) = (&run.run_id, run.config.experiment.draw_key.short());
        folder.log(&format!(
            "run {run_id}: vendomini {version} (commit {commit}), agent {agent}, seed {seed}, at most {steps} steps"
        ))?;
        Ok(folder)
    }

    /// A line of `experiment.log`, with the time.
    pub(super) fn log(&mut self, line: &str) -> Result<(), WriteError> {
        let line = format!("{} {line}\n", now());
        self.log.write(line.as_bytes())
    }

    pub(super) fn log_crash(&mut self, crash: &Crash) -> Result<(), WriteError> {
        self.log(&format!("step {}: crash {} (onset at step {})", crash.detected, crash.kind, crash.onset))
    }

    pub(super) fn log_severity(&mut self, step: Step, severity: Severity) -> Result<(), WriteError> {
        let severity = match severity {
            Severity::Soft => "soft: every flag is clear again",
            Severity::Hard => "hard",
            Severity::MissionAbandon => "mission_abandon: hard, and no order or shipment was attempted",
        };
        self.log(&format!("step {step}: the crash was {severity}"))
    }

    /// Takes the recorded lines that are worth a write.
    pub(super) fn take(&mut self, recorder: &mut Recorder) -> Result<(), WriteError> {
        self.steps.take(&mut recorder.steps, PIECE)?;
        self.events.take(&mut recorder.events, PIECE)
    }

    /// Takes whatever was recorded.
    pub(super) fn take_all(&mut self, recorder: &mut Recorder) -> Result<(), WriteError> {
        self.steps.take(&mut recorder.steps, 0)?;
        self.events.take(&mut recorder.events, 0)
    }

    /// The run has ended by the rules: it gets its summary and its name.
    pub(super) fn complete(mut self, summary: &Summary) -> Result<(), WriteError> {
        let (step, reason) = (summary.total_steps - 1, summary.end_reason.word());
        self.log(&format!("step {step}: end {reason}, state {}", summary.final_state_hash))?;
        let path = self.partial.join("summary.json");
        let mut text = serde_json::to_vec_pretty(summary).expect("a summary has a JSON form");
        text.push(b'\n');
        fs::write(&path, text).map_err(WriteError::at(&path))?;
        self.rename(|folder| &folder.complete)
    }

    /// A defect broke the run off: what there is of it is kept for whoever looks for the defect.
    pub(super) fn set_aside(mut self, steps: Step, defect: &Defect) -> Result<(), WriteError> {
        self.log(&format!("after {steps} steps: harness_error: {defect}"))?;
        let parent = self.failed.parent().expect("a failed run lies in a folder");
        fs::create_dir_all(parent).map_err(WriteError::at(parent))?;
        self.rename(|folder| &folder.failed)
    }

    /// Nothing of the run is kept.
    pub(super) fn discard(self) -> Result<(), WriteError> {
        let RunFolder { partial, steps, events, log, .. } = self;
        drop((steps, events, log));
        fs::remove_dir_all(&partial).map_err(WriteError::at(&partial))
    }

    fn rename(self, to: impl Fn(&RunFolder) -> &PathBuf) -> Result<(), WriteError> {
        let to = to(&self).clone();
        let RunFolder { partial, steps, events, log, .. } = self;
        // A folder with open files cannot be moved everywhere.
        drop((steps, events, log));
        fs::rename(&partial, &to).map_err(WriteError::at(&to))
    }
}

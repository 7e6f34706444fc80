//! The files of one run: written beside the place where the run will lie, and moved there when it is complete.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::confine::Defect;
use super::error::WriteError;
use super::folder::ResultFolder;
use crate::base::json;
use crate::base::units::Step;
use crate::config::to_yaml;
use crate::crash::severity::Severity;
use crate::crash::state::Crash;
use crate::plan::PlannedRun;
use crate::record::folder::SUMMARY;
use crate::record::manifest::{Build, now};
use crate::record::step::Recorder;
use crate::record::summary::Summary;
use crate::simulation::recorded_run::RunLog;

/// Records are written in pieces of about this many bytes, when a worker makes one run after another.
const PIECE: usize = 64 << 10;

/// The same when many runs are under way: what waits to be written is memory of each.
const SMALL_PIECE: usize = 8 << 10;

/// How a run's files are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// Open until the run ends: few runs are under way.
    Open,
    /// Opened for each piece: many runs are under way, and descriptors are few.
    Closed,
}

/// A run in the making.
#[derive(Debug)]
pub(super) struct RunFolder {
    /// Where it is made again, until that has reached what is recorded of it. Then its files lie in `partial`.
    repetition: Option<Repetition>,
    partial: PathBuf,
    complete: PathBuf,
    failed: PathBuf,
    steps: Output,
    events: Output,
    /// Of a run whose agent is a language model.
    deliberations: Option<Output>,
    log: Output,
    piece: usize,
}

/// A run that is made again from its cassette. Unless it reaches what is recorded, nothing remains of it.
#[derive(Debug)]
struct Repetition {
    folder: PathBuf,
    /// Where its earlier files lie.
    origin: PathBuf,
}

impl Drop for Repetition {
    fn drop(&mut self) {
        // It is gone already when it has reached its end, and the next attempt clears what is left.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[derive(Debug)]
struct Output {
    /// `None` between pieces.
    file: Option<File>,
    path: PathBuf,
}

impl Output {
    fn create(folder: &Path, name: &str, keeping: Keeping) -> Result<Output, WriteError> {
        let path = folder.join(name);
        let file = File::create(&path).map_err(WriteError::at(&path))?;
        Ok(Output { file: (keeping == Keeping::Open).then_some(file), path })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let written = match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => File::options().append(true).open(&self.path).and_then(|mut file| file.write_all(bytes)),
        };
        written.map_err(WriteError::at(&self.path))
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
    /// The folder of a run that begins.
    pub(super) fn create(results: &ResultFolder, run: &PlannedRun, keeping: Keeping) -> Result<RunFolder, WriteError> {
        RunFolder::make(results, run, keeping, None)
    }

    /// The folder of a run that is made again from a copy of its cassette in [`ResultFolder::repeated_run`]. What lies
    /// in `origin` stays until [`RunFolder::reached`].
    pub(super) fn repeat(results: &ResultFolder, run: &PlannedRun, origin: &Path) -> Result<RunFolder, WriteError> {
        let repetition = Repetition { folder: results.repeated_run(&run.run_id), origin: origin.to_owned() };
        RunFolder::make(results, run, Keeping::Closed, Some(repetition))
    }

    fn make(
        results: &ResultFolder,
        run: &PlannedRun,
        keeping: Keeping,
        repetition: Option<Repetition>,
    ) -> Result<RunFolder, WriteError> {
        let partial = results.partial_run(&run.run_id);
        let folder = repetition.as_ref().map_or(&partial, |repetition| &repetition.folder).clone();
        fs::create_dir(&folder).or_else(already_there).map_err(WriteError::at(&folder))?;
        let config = folder.join("config_used.yaml");
        fs::write(&config, to_yaml(&run.config)).map_err(WriteError::at(&config))?;
        let mut folder = RunFolder {
            repetition,
            complete: results.complete_run(&run.run_id),
            failed: results.failed_run(&run.run_id),
            steps: Output::create(&folder, "steps.jsonl", keeping)?,
            events: Output::create(&folder, "events.jsonl", keeping)?,
            deliberations: match keeping {
                Keeping::Open => None,
                Keeping::Closed => Some(Output::create(&folder, "deliberations.jsonl", keeping)?),
            },
            log: Output::create(&folder, "experiment.log", keeping)?,
            piece: if keeping == Keeping::Open { PIECE } else { SMALL_PIECE },
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

    /// What was recorded of the run has been made again, so the new files take the place of the earlier ones. A kill
    /// in the middle costs nothing: at every moment the cassette lies whole in the one folder or the other.
    pub(super) fn reached(&mut self) -> Result<(), WriteError> {
        let Some(repetition) = self.repetition.take() else { return Ok(()) };
        let Repetition { folder, origin } = &repetition;
        if *origin != self.partial {
            fs::rename(origin, &self.partial).map_err(WriteError::at(origin))?;
        }
        let summary = self.partial.join(SUMMARY);
        fs::remove_file(&summary).or_else(not_there).map_err(WriteError::at(&summary))?;
        for entry in fs::read_dir(folder).map_err(WriteError::at(folder))? {
            let name = entry.map_err(WriteError::at(folder))?.file_name();
            fs::rename(folder.join(&name), self.partial.join(&name)).map_err(WriteError::at(&self.partial))?;
        }
        let outputs = [&mut self.steps, &mut self.events, &mut self.log].into_iter().chain(&mut self.deliberations);
        for output in outputs {
            let name = output.path.file_name().expect("a record has a name").to_owned();
            output.path = self.partial.join(name);
        }
        Ok(())
    }

    /// A line of `experiment.log`, with the time.
    pub(super) fn log(&mut self, line: &str) -> Result<(), WriteError> {
        let line = format!("{} {line}\n", now());
        self.log.write(line.as_bytes())
    }

    /// Takes the lines of a language model's deliberations that are worth a write.
    pub(super) fn take_deliberations(&mut self, lines: &mut Vec<u8>) -> Result<(), WriteError> {
        let piece = self.piece;
        self.deliberations.as_mut().map_or(Ok(()), |output| output.take(lines, piece))
    }

    /// Takes all of them.
    pub(super) fn take_all_deliberations(&mut self, lines: &mut Vec<u8>) -> Result<(), WriteError> {
        self.deliberations.as_mut().map_or(Ok(()), |output| output.take(lines, 0))
    }

    /// The run has ended by the rules: it gets its summary and its name.
    pub(super) fn complete(mut self, summary: &Summary) -> Result<(), WriteError> {
        self.reached()?;
        let (steps, reason) = (summary.total_steps, summary.end_reason.word());
        self.log(&format!("after {steps} steps: end {reason}, state {}", summary.final_state_hash))?;
        let path = self.partial.join(SUMMARY);
        let text = json::pretty(summary).expect("a summary has a JSON form");
        fs::write(&path, text).map_err(WriteError::at(&path))?;
        self.rename(|folder| &folder.complete)
    }

    /// A defect broke the run off: what there is of it is kept for whoever looks for the defect.
    pub(super) fn set_aside(mut self, steps: Step, defect: &Defect) -> Result<(), WriteError> {
        self.reached()?;
        self.log(&format!("after {steps} steps: harness_error: {defect}"))?;
        let parent = self.failed.parent().expect("a failed run lies in a folder");
        fs::create_dir_all(parent).map_err(WriteError::at(parent))?;
        self.rename(|folder| &folder.failed)
    }

    /// Nothing of the run is kept.
    pub(super) fn discard(self) -> Result<(), WriteError> {
        let RunFolder { partial, steps, events, deliberations, log, .. } = self;
        drop((steps, events, deliberations, log));
        fs::remove_dir_all(&partial).map_err(WriteError::at(&partial))
    }

    fn rename(self, to: impl Fn(&RunFolder) -> &PathBuf) -> Result<(), WriteError> {
        let to = to(&self).clone();
        let RunFolder { partial, steps, events, deliberations, log, .. } = self;
        // A folder with open files cannot be moved everywhere.
        drop((steps, events, deliberations, log));
        fs::rename(&partial, &to).map_err(WriteError::at(&to))
    }
}

impl RunLog for RunFolder {
    type Error = WriteError;

    fn take(&mut self, recorder: &mut Recorder) -> Result<(), WriteError> {
        self.steps.take(&mut recorder.steps, self.piece)?;
        self.events.take(&mut recorder.events, self.piece)
    }

    fn take_all(&mut self, recorder: &mut Recorder) -> Result<(), WriteError> {
        self.steps.take(&mut recorder.steps, 0)?;
        self.events.take(&mut recorder.events, 0)
    }

    fn crash(&mut self, crash: &Crash) -> Result<(), WriteError> {
        self.log(&format!("step {}: crash {} (onset at step {})", crash.detected, crash.kind, crash.onset))
    }

    fn severity(&mut self, step: Step, severity: Severity) -> Result<(), WriteError> {
        let severity = match severity {
            Severity::Soft => "soft: every flag is clear again",
            Severity::Hard => "hard",
            Severity::MissionAbandon => "mission_abandon: hard, and no order or shipment was attempted",
        };
        self.log(&format!("step {step}: the crash was {severity}"))
    }
}

fn not_there(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn already_there(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

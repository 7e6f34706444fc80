//! The files of a run that an App drives: those that a batch writes of each of its runs.

use std::path::{Path, PathBuf};

use super::Existing;
use super::error::BatchError;
use super::folder::ResultFolder;
use super::run_folder::{Keeping, RunFolder};
use crate::base::units::Step;
use crate::crash::severity::Severity;
use crate::crash::state::Crash;
use crate::plan::PlannedRun;
use crate::plugins::driver_plugin::{AppLog, LogError};
use crate::record::step::Recorder;
use crate::record::summary::Summary;
use crate::simulation::recorded_run::RunLog;

/// The files of one run, in `<results_dir>/<experiment>/runs/<run_id>`. Until the run has ended they lie beside that
/// place.
#[derive(Debug)]
pub struct RunFiles {
    /// `None` when the run has ended.
    folder: Option<RunFolder>,
    complete: PathBuf,
    /// Nobody else writes there meanwhile.
    _results: ResultFolder,
}

impl RunFiles {
    /// Makes the folder of a run.
    ///
    /// # Errors
    /// When the experiment has results in `results_dir`, or nothing can be written there.
    pub fn create(results_dir: &Path, run: &PlannedRun) -> Result<RunFiles, BatchError> {
        let results = ResultFolder::claim(results_dir, &run.config.experiment.name, Existing::Refused, "")?;
        results.make_runs().map_err(BatchError::Folder)?;
        let folder = RunFolder::create(&results, run, Keeping::Open).map_err(BatchError::Folder)?;
        Ok(RunFiles { folder: Some(folder), complete: results.complete_run(&run.run_id), _results: results })
    }

    /// Where they lie when the run has ended.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.complete
    }

    fn open(&mut self) -> &mut RunFolder {
        self.folder.as_mut().expect("a run ends once")
    }
}

impl RunLog for RunFiles {
    type Error = LogError;

    fn take(&mut self, recorder: &mut Recorder) -> Result<(), LogError> {
        Ok(self.open().take(recorder)?)
    }

    fn take_all(&mut self, recorder: &mut Recorder) -> Result<(), LogError> {
        Ok(self.open().take_all(recorder)?)
    }

    fn crash(&mut self, crash: &Crash) -> Result<(), LogError> {
        Ok(self.open().crash(crash)?)
    }

    fn severity(&mut self, step: Step, severity: Severity) -> Result<(), LogError> {
        Ok(self.open().severity(step, severity)?)
    }
}

impl AppLog for RunFiles {
    fn complete(&mut self, summary: &Summary) -> Result<(), LogError> {
        let folder = self.folder.take().expect("a run ends once");
        Ok(folder.complete(summary)?)
    }
}

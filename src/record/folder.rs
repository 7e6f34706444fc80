//! Run folders on disk: finds them and opens their files.
//!
//! Used by `audit`, `detect` and `import`, for our own folders and those of the Python original. Never writes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use thiserror::Error;

use super::lenient;
use super::manifest::PROGRAM;
use super::reader::Records;
use super::summary::Summary;
use super::version::{OtherVersion, RecordVersion};
use crate::base::files::read_optional;
use crate::base::units::Step;
use crate::config::settings::CrashThreshold;

/// File of the step records in a run folder.
pub const STEPS: &str = "steps.jsonl";
/// File of what the run came to.
pub const SUMMARY: &str = "summary.json";
/// File of the run's configuration.
const CONFIG: &str = "config_used.yaml";
/// File of an experiment that says what made it.
pub const MANIFEST: &str = "manifest.json";
/// Folder of an experiment in which broken off runs lie.
const FAILED: &str = "failed";
/// How far below the named folder run folders are looked for: `results/<experiment>/runs/<run_id>`.
const DEPTH: usize = 3;

/// Why records cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// There is no such folder.
    #[error("{}: there is no such folder; name a folder of run folders, or one run folder", .0.display())]
    Missing(PathBuf),
    /// It is not a folder.
    #[error("{}: not a folder; name a folder of run folders, or one run folder", .0.display())]
    NotAFolder(PathBuf),
    /// There is no run in it.
    #[error("{}: no run folder in it: none holds {STEPS} or {SUMMARY}", .0.display())]
    NoRuns(PathBuf),
    /// The system does not let it be read.
    #[error("{}: it cannot be read; check its permissions", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Not one line of a log is a step record.
    #[error("{}, line {line}: not a step record ({why}), and neither is any other line; is this file a log of a run?", .path.display())]
    NoRecord {
        /// The log.
        path: PathBuf,
        /// Its first line with content.
        line: u64,
        /// What is wrong with that line.
        why: String,
    },
    /// The records are of a version that this program does not read.
    #[error(transparent)]
    Version(#[from] OtherVersion),
    /// A file beside the log is not what it should be.
    #[error("{}: {why}; restore the file, or delete it if the run has none", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        why: String,
    },
}

impl ReadError {
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> ReadError {
        let path = path.to_owned();
        move |source| ReadError::Io { path, source }
    }
}

/// What lies below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The runs, sorted by path.
    pub runs: Vec<RunFolder>,
    /// Folders of runs that a process had begun and not finished.
    pub unfinished: Vec<PathBuf>,
    /// Folders of runs that a defect broke off.
    pub failed: Vec<PathBuf>,
}

/// Finds the runs below a folder, or the folder itself when it is one. `folder` may be `results`, an experiment's
/// folder, its `runs`, a run, or a folder of the original's logs.
///
/// # Errors
/// When there is no such folder, no run in it, or a folder in it cannot be listed.
pub fn find_runs(folder: &Path) -> Result<Found, ReadError> {
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ReadError::Missing(folder.to_owned())),
        Err(error) => return Err(ReadError::at(folder)(error)),
        Ok(entry) if !entry.is_dir() => return Err(ReadError::NotAFolder(folder.to_owned())),
        Ok(_) => {}
    }
    let mut found = Found::default();
    descend(folder, DEPTH, &mut found)?;
    if found.runs.is_empty() { Err(ReadError::NoRuns(folder.to_owned())) } else { Ok(found) }
}

fn descend(folder: &Path, depth: usize, found: &mut Found) -> Result<(), ReadError> {
    if let Some(run) = RunFolder::at(folder) {
        found.runs.push(run);
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    let is_experiment = folder.join("runs").is_dir();
    for (path, name) in folders(folder)? {
        if name.starts_with('.') {
            found.unfinished.extend(name.ends_with(".partial").then_some(path));
        } else if is_experiment && name == FAILED {
            found.failed.extend(folders(&path)?.into_iter().map(|(path, _)| path));
        } else {
            descend(&path, depth - 1, found)?;
        }
    }
    Ok(())
}

/// The folders in a folder, sorted.
fn folders(folder: &Path) -> Result<Vec<(PathBuf, String)>, ReadError> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(ReadError::at(folder))? {
        let entry = entry.map_err(ReadError::at(folder))?;
        let path = entry.path();
        if path.is_dir() {
            folders.push((path, entry.file_name().to_string_lossy().into_owned()));
        }
    }
    folders.sort();
    Ok(folders)
}

/// The folder of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
}

impl RunFolder {
    /// The run in a folder; `None` when it holds neither step records nor a summary.
    #[must_use]
    pub fn at(path: &Path) -> Option<RunFolder> {
        let is_run = [STEPS, SUMMARY].iter().any(|name| path.join(name).is_file());
        // A path such as `.` has no name of its own.
        let name = path.file_name().map(ToOwned::to_owned).or_else(|| {
            let whole = fs::canonicalize(path).ok()?;
            whole.file_name().map(ToOwned::to_owned)
        });
        let name = name.map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned());
        is_run.then(|| RunFolder { path: path.to_owned(), name })
    }

    /// The step records; `None` when the run has no log.
    ///
    /// # Errors
    /// When there is a log and it cannot be opened, or its records are of a version that this program does not read.
    pub fn records(&self) -> Result<Option<Records>, ReadError> {
        self.check_version()?;
        let path = self.path.join(STEPS);
        match File::open(&path) {
            Ok(file) => Ok(Some(Records::new(path, file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ReadError::at(&path)(error)),
        }
    }

    /// Whether this program reads the records of the run: their version stands in the run's summary, and that of a run
    /// without one in the experiment's manifest. Where neither says so, the records speak for themselves.
    fn check_version(&self) -> Result<(), ReadError> {
        for path in [self.path.join(SUMMARY), self.path.join("../..").join(MANIFEST)] {
            let Some(bytes) = read_optional(&path).map_err(ReadError::at(&path))? else { continue };
            // What cannot be read at all is told by whoever needs it.
            if let Some(head) = Head::of(&bytes) {
                head.check(&path)?;
                break;
            }
        }
        Ok(())
    }

    /// The summary; `None` when the run has none.
    ///
    /// # Errors
    /// When there is one and it cannot be read, or is of a version that this program does not read.
    pub fn summary(&self) -> Result<Option<RunSummary>, ReadError> {
        let path = self.path.join(SUMMARY);
        let Some(bytes) = read_optional(&path).map_err(ReadError::at(&path))? else { return Ok(None) };
        if let Some(head) = Head::of(&bytes)
            && head.schema_version.is_some()
        {
            head.check(&path)?;
            if head.imported.is_none() {
                return typed(&path, &bytes, "a summary").map(|summary| Some(RunSummary::Ours(summary)));
            }
        }
        match lenient::parse(&bytes) {
            Ok((value, _)) if value.is_object() => Ok(Some(RunSummary::Foreign(value))),
            Ok(_) => Err(ReadError::Unreadable { path, why: "line 1: not a JSON object".to_owned() }),
            Err(why) => {
                let line = serde_json::from_slice::<Value>(&bytes).map_or_else(|error| error.line(), |_| 1);
                Err(ReadError::Unreadable { path, why: format!("line {line}: not JSON ({why})") })
            }
        }
    }

    /// What the configuration that was used says of the agent and its measurement; `None` when the run's folder has
    /// none.
    ///
    /// # Errors
    /// When there is one and it cannot be read.
    pub fn config(&self) -> Result<Option<UsedConfig>, ReadError> {
        let path = self.path.join(CONFIG);
        let Some(bytes) = read_optional(&path).map_err(ReadError::at(&path))? else { return Ok(None) };
        let config = match serde_yaml::from_slice::<Value>(&bytes) {
            Ok(config) if config.is_object() => UsedConfig::deserialize(config).map_err(|error| error.to_string()),
            Ok(_) => Err("it has no sections".to_owned()),
            Err(error) => return Err(ReadError::Unreadable { why: format!("not YAML ({error})"), path }),
        };
        match config {
            Ok(config) => Ok(Some(config)),
            Err(why) => Err(ReadError::Unreadable { path, why: format!("not a configuration ({why})") }),
        }
    }
}

/// Whose summary it is.
#[derive(Clone, Debug, PartialEq)]
pub enum RunSummary {
    /// This program's.
    Ours(Box<Summary>),
    /// Of the Python original, or imported from it: a JSON object.
    Foreign(Value),
}

/// What readers of records ask of a run's `config_used.yaml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct UsedConfig {
    /// The agent.
    pub model: UsedModel,
    /// How it was measured.
    pub measurement: UsedMeasurement,
}

/// The agent of a run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct UsedModel {
    /// Its name.
    pub name: String,
}

/// How a run was measured.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct UsedMeasurement {
    /// How much evidence a detector asked for.
    pub crash_threshold: CrashThreshold,
    /// Steps of evidence that a detector saw.
    pub window_size: Step,
}

/// What tells whose a file is, and of which version.
#[derive(Debug, Deserialize)]
pub(crate) struct Head {
    schema_version: Option<String>,
    /// Which program made a manifest.
    pub(crate) program: Option<String>,
    imported: Option<IgnoredAny>,
}

impl Head {
    /// `None` for what is no JSON object.
    pub(crate) fn of(bytes: &[u8]) -> Option<Head> {
        serde_json::from_slice(bytes).ok()
    }

    /// Whether it is one of runs that this program imported.
    pub(crate) fn is_import(&self) -> bool {
        self.program.as_deref() == Some(PROGRAM) && self.imported.is_some()
    }

    /// That of a file; `None` where there is no such file, or it is no JSON object.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn at(path: &Path) -> Result<Option<Head>, ReadError> {
        Ok(read_optional(path).map_err(ReadError::at(path))?.and_then(|bytes| Head::of(&bytes)))
    }

    /// Refuses another version. A file without one is older than versions; what another program states is its own.
    pub(crate) fn check(&self, path: &Path) -> Result<(), OtherVersion> {
        if self.program.as_deref().is_some_and(|program| program != PROGRAM) {
            return Ok(());
        }
        self.schema_version.as_deref().map_or(Ok(()), |stated| RecordVersion::check(stated, path).map(drop))
    }
}

/// The summary of a run of this program.
///
/// # Errors
/// When it cannot be read, or is of a version that this program does not read.
pub(crate) fn read_summary(path: &Path) -> Result<Option<Box<Summary>>, ReadError> {
    read_typed(path, "a summary")
}

/// A file of one JSON value of this program; `None` where there is none.
pub(crate) fn read_typed<T: DeserializeOwned>(path: &Path, what: &str) -> Result<Option<T>, ReadError> {
    let Some(bytes) = read_optional(path).map_err(ReadError::at(path))? else { return Ok(None) };
    if let Some(head) = Head::of(&bytes) {
        head.check(path)?;
    }
    typed(path, &bytes, what).map(Some)
}

fn typed<T: DeserializeOwned>(path: &Path, bytes: &[u8], what: &str) -> Result<T, ReadError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, why) = (error.line(), lenient::without_place(&error));
        let what = if error.is_data() { what } else { "JSON" };
        ReadError::Unreadable { path: path.to_owned(), why: format!("line {line}: not {what} ({why})") }
    })
}

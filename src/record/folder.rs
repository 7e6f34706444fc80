//! Run folders on disk: finds them and opens their files.
//!
//! Used by `audit`, `detect` and `import`, for our own folders and those of the Python original. Never writes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use super::lenient;
use super::reader::Records;

/// File of the step records in a run folder.
pub const STEPS: &str = "steps.jsonl";
/// File of what the run came to.
pub const SUMMARY: &str = "summary.json";
/// File of the run's configuration.
const CONFIG: &str = "config_used.yaml";
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
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> ReadError {
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
    /// When there is a log and it cannot be opened.
    pub fn records(&self) -> Result<Option<Records>, ReadError> {
        let path = self.path.join(STEPS);
        match File::open(&path) {
            Ok(file) => Ok(Some(Records::new(path, file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ReadError::at(&path)(error)),
        }
    }

    /// The summary, a JSON object; `None` when the run has none.
    ///
    /// # Errors
    /// When there is one and it cannot be read.
    pub fn summary(&self) -> Result<Option<Value>, ReadError> {
        let path = self.path.join(SUMMARY);
        let Some(bytes) = read_optional(&path)? else { return Ok(None) };
        match lenient::parse(&bytes) {
            Ok((value, _)) if value.is_object() => Ok(Some(value)),
            Ok(_) => Err(ReadError::Unreadable { path, why: "line 1: not a JSON object".to_owned() }),
            Err(why) => {
                let line = serde_json::from_slice::<Value>(&bytes).map_or_else(|error| error.line(), |_| 1);
                Err(ReadError::Unreadable { path, why: format!("line {line}: not JSON ({why})") })
            }
        }
    }

    /// The configuration that was used; `None` when the run's folder has none.
    ///
    /// # Errors
    /// When there is one and it cannot be read.
    pub fn config(&self) -> Result<Option<Value>, ReadError> {
        let path = self.path.join(CONFIG);
        let Some(bytes) = read_optional(&path)? else { return Ok(None) };
        match serde_yaml::from_slice::<Value>(&bytes) {
            Ok(config) if config.is_object() => Ok(Some(config)),
            Ok(_) => Err(ReadError::Unreadable { path, why: "not a configuration".to_owned() }),
            Err(error) => Err(ReadError::Unreadable { why: format!("not YAML ({error})"), path }),
        }
    }
}

fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReadError::at(path)(error)),
    }
}

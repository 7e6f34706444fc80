//! The folder of an experiment's results: how it is claimed, replaced and laid out.
//!
//! Nothing is ever deleted that this program did not write: a folder is replaced only when its manifest says that
//! it is one of ours. What is not complete never stands under a complete thing's name.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Existing;
use super::error::{BatchError, WriteError};
use crate::record::connections;
use crate::record::manifest::{Manifest, PROGRAM};

const MANIFEST: &str = "manifest.json";
const RESULTS: &str = "results.csv";
/// The table while rows are added. A batch at work holds a lock on it.
const RESULTS_PARTIAL: &str = ".results.csv.partial";

/// A result folder that this process writes to.
#[derive(Debug)]
pub(super) struct ResultFolder {
    path: PathBuf,
    /// Whether this process made it.
    made: bool,
    /// What the new results replace, out of the way.
    replaced: Option<PathBuf>,
}

impl ResultFolder {
    /// Makes the folder of an experiment, or takes over an empty one. Earlier results that are to be replaced
    /// are moved aside; [`ResultFolder::drop_replaced`] deletes them.
    pub(super) fn claim(
        results_dir: &Path,
        experiment: &str,
        existing: Existing,
        configuration: &str,
    ) -> Result<ResultFolder, BatchError> {
        let path = results_dir.join(experiment);
        let unusable = |source| BatchError::Folder(WriteError { path: path.clone(), source });
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(results_dir).map_err(unusable)?;
                match fs::create_dir(&path) {
                    // Another process was faster.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(BatchError::Exists(path)),
                    created => created.map_err(unusable).map(|()| ResultFolder { path, made: true, replaced: None }),
                }
            }
            Err(error) => Err(unusable(error)),
            Ok(_) if fs::metadata(&path).is_ok_and(|entry| !entry.is_dir()) => {
                Err(BatchError::Foreign { folder: path, why: "it is a file" })
            }
            Ok(_) if fs::read_dir(&path).map_err(unusable)?.next().is_none() => {
                Ok(ResultFolder { path, made: false, replaced: None })
            }
            Ok(_) if !is_ours(&path) => {
                Err(BatchError::Foreign { folder: path, why: "it has no manifest.json of ours" })
            }
            Ok(_) if existing == Existing::Refused => Err(BatchError::Exists(path)),
            Ok(_) if existing == Existing::Resumed && is_in_use(&path) => Err(BatchError::InUse(path)),
            Ok(_) if existing == Existing::Resumed => match recorded_configuration(&path) {
                Some(recorded) if recorded != configuration => {
                    let present = configuration.to_owned();
                    Err(BatchError::OtherConfiguration { folder: path, recorded, present })
                }
                _ => Ok(ResultFolder { path, made: false, replaced: None }),
            },
            Ok(entry) if entry.is_symlink() => Err(BatchError::Foreign { folder: path, why: "it is a symbolic link" }),
            Ok(_) if is_in_use(&path) => Err(BatchError::InUse(path)),
            Ok(_) if holds_foreign(&path).map_err(unusable)? => {
                Err(BatchError::Foreign { folder: path, why: "it holds files that are not of an experiment" })
            }
            Ok(_) => {
                let aside = (0..)
                    .map(|n| results_dir.join(format!(".{experiment}.old-{n}")))
                    .find(|aside| fs::symlink_metadata(aside).is_err())
                    .expect("some number is free");
                fs::rename(&path, &aside).map_err(unusable)?;
                fs::create_dir(&path).map_err(|error| {
                    // The old results are worth more than a clean failure.
                    let _ = fs::rename(&aside, &path);
                    unusable(error)
                })?;
                Ok(ResultFolder { path, made: true, replaced: Some(aside) })
            }
        }
    }

    /// Deletes what the new results replace.
    pub(super) fn drop_replaced(&mut self) -> Result<(), WriteError> {
        match self.replaced.take() {
            Some(old) => fs::remove_dir_all(&old).map_err(WriteError::at(&old)),
            None => Ok(()),
        }
    }

    /// Nothing was run after all: puts things back as they were, as far as the disk still allows.
    pub(super) fn abandon(self) {
        if self.made {
            let _ = fs::remove_dir_all(&self.path);
        }
        if let Some(old) = self.replaced {
            let _ = fs::rename(old, &self.path);
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a run is written while it is not complete.
    pub(super) fn partial_run(&self, run_id: &str) -> PathBuf {
        self.runs().join(format!(".{run_id}.partial"))
    }

    /// Where a complete run lies.
    pub(super) fn complete_run(&self, run_id: &str) -> PathBuf {
        self.runs().join(run_id)
    }

    /// Where the remains of a run lie that a defect broke off: outside `runs/`, so that nobody takes them for one.
    pub(super) fn failed_run(&self, run_id: &str) -> PathBuf {
        self.path.join("failed").join(run_id)
    }

    fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// Makes the folder of runs and opens the table of results, locked.
    pub(super) fn open(&self) -> Result<ResultsFile, WriteError> {
        let runs = self.runs();
        fs::create_dir_all(&runs).map_err(WriteError::at(&runs))?;
        let partial = self.path.join(RESULTS_PARTIAL);
        let file = File::create(&partial).map_err(WriteError::at(&partial))?;
        // Some network file systems have no locks; the lock is a courtesy to a second batch.
        let _ = file.try_lock();
        Ok(ResultsFile {
            rows: io::BufWriter::with_capacity(1 << 16, file),
            partial,
            complete: self.path.join(RESULTS),
        })
    }

    /// Writes the manifest in one move.
    pub(super) fn write_manifest(&self, manifest: &Manifest) -> Result<(), WriteError> {
        let mut text = serde_json::to_vec_pretty(manifest).expect("a manifest has a JSON form");
        text.push(b'\n');
        write_whole(&self.path, MANIFEST, &text)
    }
}

/// The table of results in the making.
#[derive(Debug)]
pub(super) struct ResultsFile {
    rows: io::BufWriter<File>,
    partial: PathBuf,
    complete: PathBuf,
}

impl ResultsFile {
    /// Adds finished rows.
    pub(super) fn add(&mut self, rows: &[u8]) -> Result<(), WriteError> {
        self.rows.write_all(rows).map_err(WriteError::at(&self.partial))
    }

    /// Puts the table under its final name.
    pub(super) fn complete(mut self) -> Result<(), WriteError> {
        self.rows.flush().map_err(WriteError::at(&self.partial))?;
        fs::rename(&self.partial, &self.complete).map_err(WriteError::at(&self.complete))
    }
}

/// Writes a file so that a reader finds all of it or none.
pub(super) fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
    let (path, beside) = (folder.join(name), folder.join(format!(".{name}.tmp")));
    fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, &path)).map_err(|source| {
        let _ = fs::remove_file(&beside);
        WriteError { path, source }
    })
}

fn manifest(folder: &Path) -> Option<Value> {
    fs::read(folder.join(MANIFEST)).ok().and_then(|text| serde_json::from_slice(&text).ok())
}

/// Digest of the configuration that made the results of a folder.
fn recorded_configuration(folder: &Path) -> Option<String> {
    Some(manifest(folder)?.get("configuration")?.get("sha256")?.as_str()?.to_owned())
}

fn is_ours(folder: &Path) -> bool {
    manifest(folder).is_some_and(|manifest| manifest.get("program").and_then(Value::as_str) == Some(PROGRAM))
}

/// Whether something lies in a result folder that no batch writes there: somebody's analyses, say.
fn holds_foreign(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        // Names with a dot are files of ours in the making.
        let in_the_making = name.to_string_lossy().starts_with('.');
        if !in_the_making && ![MANIFEST, RESULTS, connections::NAME, "runs", "failed"].iter().any(|ours| name == *ours)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_in_use(folder: &Path) -> bool {
    let table = File::options().write(true).open(folder.join(RESULTS_PARTIAL));
    table.is_ok_and(|table| matches!(table.try_lock(), Err(TryLockError::WouldBlock)))
}

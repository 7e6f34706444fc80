//! The folder of an experiment's results: how it is claimed, replaced and laid out.
//!
//! Nothing is ever deleted that this program did not write: a folder is replaced only when its manifest says that
//! it is one of ours. What is not complete never stands under a complete thing's name. A batch holds a lock on the
//! folder from the moment in which it looks at it until its manifest says how it ended.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Existing;
use super::error::{BatchError, WriteError};
use crate::base::files::{Replacement, Unfinished, beside, write_whole};
use crate::base::json;
use crate::record::connections;
use crate::record::folder::{Head, MANIFEST};
use crate::record::manifest::{Manifest, PROGRAM};

const RESULTS: &str = "results.csv";
/// Files in the making, under the names that [`beside`] gives them.
const IN_THE_MAKING: [&str; 2] = [".results.csv.partial", ".manifest.json.partial"];
/// A batch at work holds a lock on this file, which stays for the next one: a file that comes and goes could be locked
/// twice, under two lives of its name.
const LOCK: &str = ".lock";

/// A result folder that this process writes to, and no other.
#[derive(Debug)]
pub(super) struct ResultFolder {
    path: PathBuf,
    was: Was,
    /// Never read: the lock goes with it.
    _lock: File,
}

/// What a claimed folder was before.
#[derive(Debug)]
enum Was {
    /// It was not there.
    Missing,
    /// It held nothing.
    Empty,
    /// It held results that are to be replaced, and lie here meanwhile.
    Replaced(PathBuf),
    /// It holds results that are to be completed.
    Resumed,
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
        let made = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(results_dir).map_err(unusable)?;
                match fs::create_dir(&path) {
                    // Another process was faster, and has the lock or gets it.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                    created => created.map(|()| true).map_err(unusable)?,
                }
            }
            Err(error) => return Err(unusable(error)),
            Ok(_) => false,
        };
        // A folder that may not be used is not touched, not even by a lock. What was seen without one may have changed.
        judge(&path, existing, configuration).map_err(|error| match error {
            // Advice on finished results would be wrong.
            BatchError::Exists(folder) if is_in_use(&folder) => BatchError::InUse(folder),
            error => error,
        })?;
        let lock = lock(&path)?;
        let holds_results = judge(&path, existing, configuration)?;
        let was = match existing {
            _ if !holds_results && made => Was::Missing,
            _ if !holds_results => Was::Empty,
            Existing::Resumed => Was::Resumed,
            Existing::Refused | Existing::Replaced => {
                Was::Replaced(move_aside(&path, results_dir, experiment).map_err(unusable)?)
            }
        };
        Ok(ResultFolder { path, was, _lock: lock })
    }

    /// The manifest of the results that are to be completed, if there are any.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn recorded_manifest(&self) -> Result<Option<Manifest>, BatchError> {
        match self.was {
            Was::Resumed => Ok(Manifest::read(&self.path)?),
            Was::Missing | Was::Empty | Was::Replaced(_) => Ok(None),
        }
    }

    /// Deletes what the new results replace.
    pub(super) fn drop_replaced(&self) -> Result<(), WriteError> {
        match &self.was {
            Was::Replaced(old) => fs::remove_dir_all(old).map_err(WriteError::at(old)),
            Was::Missing | Was::Empty | Was::Resumed => Ok(()),
        }
    }

    /// Nothing was run after all: puts things back as they were, as far as the disk still allows.
    pub(super) fn abandon(self) {
        let empty = || {
            for name in [MANIFEST].into_iter().chain(IN_THE_MAKING) {
                let _ = fs::remove_file(self.path.join(name));
            }
            let _ = fs::remove_dir(self.runs());
        };
        match &self.was {
            Was::Missing => {
                let _ = fs::remove_dir_all(&self.path);
            }
            Was::Empty => {
                empty();
                let _ = fs::remove_file(self.path.join(LOCK));
            }
            Was::Replaced(old) => {
                empty();
                let _ = move_all(old, &self.path).and_then(|()| fs::remove_dir(old));
            }
            // The table that it was making says less than the folders of its runs.
            Was::Resumed => {}
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a run is written while it is not complete.
    pub(super) fn partial_run(&self, run_id: &str) -> PathBuf {
        self.runs().join(format!(".{run_id}.partial"))
    }

    /// Where a run is made again from its cassette, until that has reached what is recorded of it.
    pub(super) fn repeated_run(&self, run_id: &str) -> PathBuf {
        self.runs().join(format!(".{run_id}.again"))
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

    /// Makes the folder of runs.
    pub(super) fn make_runs(&self) -> Result<(), WriteError> {
        let runs = self.runs();
        fs::create_dir_all(&runs).map_err(WriteError::at(&runs))
    }

    /// Makes the folder of runs and opens the table of results.
    pub(super) fn open(&self) -> Result<ResultsFile, WriteError> {
        self.make_runs()?;
        let path = self.path.join(RESULTS);
        let file = Replacement::create(&path, Unfinished::Kept).map_err(WriteError::at(&beside(&path)))?;
        Ok(ResultsFile { rows: io::BufWriter::with_capacity(1 << 16, file), path })
    }

    /// Writes the manifest in one move.
    pub(super) fn write_manifest(&self, manifest: &Manifest) -> Result<(), WriteError> {
        let path = self.path.join(MANIFEST);
        let text = json::pretty(manifest).expect("a manifest has a JSON form");
        write_whole(&path, &text).map_err(WriteError::at(&path))
    }
}

/// The table of results in the making.
#[derive(Debug)]
pub(super) struct ResultsFile {
    rows: io::BufWriter<Replacement>,
    path: PathBuf,
}

impl ResultsFile {
    /// Adds finished rows.
    pub(super) fn add(&mut self, rows: &[u8]) -> Result<(), WriteError> {
        self.rows.write_all(rows).map_err(WriteError::at(self.rows.get_ref().path()))
    }

    /// Puts the table under its final name.
    pub(super) fn complete(self) -> Result<(), WriteError> {
        let file = self.rows.into_inner().map_err(|error| error.into_error());
        let file = file.map_err(WriteError::at(&beside(&self.path)))?;
        file.finish().map_err(WriteError::at(&self.path))
    }
}

/// Whether a folder holds results of ours, which the batch may then replace or complete; `false` for an empty one.
///
/// # Errors
/// When the batch may not use it.
fn judge(path: &Path, existing: Existing, configuration: &str) -> Result<bool, BatchError> {
    let unusable = |source| BatchError::Folder(WriteError { path: path.to_owned(), source });
    let foreign = |why| Err(BatchError::Foreign { folder: path.to_owned(), why });
    let entry = fs::symlink_metadata(path).map_err(unusable)?;
    if !fs::metadata(path).map_err(unusable)?.is_dir() {
        return foreign("it is a file");
    }
    let names: Vec<_> = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
        .map_err(unusable)?;
    // A batch that was killed before it wrote its manifest leaves no more than this.
    let is_empty = |folder: PathBuf| fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    let is_nothing = |name: &std::ffi::OsString| {
        let in_the_making = IN_THE_MAKING.iter().any(|known| name == *known);
        name == LOCK || in_the_making || name == "runs" && is_empty(path.join(name))
    };
    if names.iter().all(is_nothing) {
        return Ok(false);
    }
    if !is_ours(path) {
        // One that begins, or moves earlier results aside.
        return if is_in_use(path) {
            Err(BatchError::InUse(path.to_owned()))
        } else {
            foreign("it has no manifest.json of ours")
        };
    }
    // Names with a dot are files of ours in the making.
    let in_the_making = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    let is_a_result = |name: &std::ffi::OsStr| {
        [MANIFEST, RESULTS, connections::NAME, "runs", "failed"].iter().any(|ours| name == *ours)
    };
    match existing {
        Existing::Refused => Err(BatchError::Exists(path.to_owned())),
        Existing::Resumed => match Manifest::read(path)?.map(|manifest| manifest.configuration.sha256) {
            Some(recorded) if recorded != configuration => {
                let (folder, present) = (path.to_owned(), configuration.to_owned());
                Err(BatchError::OtherConfiguration { folder, recorded, present })
            }
            _ => Ok(true),
        },
        Existing::Replaced if entry.is_symlink() => foreign("it is a symbolic link"),
        // Somebody's analyses, say.
        Existing::Replaced if !names.iter().all(|name| in_the_making(name) || is_a_result(name)) => {
            foreign("it holds files that are not of an experiment")
        }
        Existing::Replaced => Ok(true),
    }
}

/// Whether somebody has the lock of a folder.
fn is_in_use(path: &Path) -> bool {
    let lock = File::options().write(true).open(path.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Takes the lock of a folder.
fn lock(path: &Path) -> Result<File, BatchError> {
    let file = path.join(LOCK);
    let lock = File::options().create(true).write(true).truncate(false).open(&file);
    let lock = lock.map_err(|source| BatchError::Folder(WriteError { path: file, source }))?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Err(BatchError::InUse(path.to_owned())),
        // Some network file systems have no locks; there, a second batch is the user's affair.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(lock),
    }
}

/// Moves the results of an experiment out of its folder, of which only the lock remains. The new place, or nothing is
/// changed.
fn move_aside(path: &Path, results_dir: &Path, experiment: &str) -> io::Result<PathBuf> {
    let aside = (0..)
        .map(|n| results_dir.join(format!(".{experiment}.old-{n}")))
        .find(|aside| fs::symlink_metadata(aside).is_err())
        .expect("some number is free");
    fs::create_dir(&aside)?;
    move_all(path, &aside).inspect_err(|_| {
        // The old results are worth more than a clean failure.
        let _ = move_all(&aside, path).and_then(|()| fs::remove_dir(&aside));
    })?;
    Ok(aside)
}

/// Moves everything but the lock. The manifest goes first: nobody takes what has none for whole results.
fn move_all(from: &Path, to: &Path) -> io::Result<()> {
    let mut names: Vec<_> =
        fs::read_dir(from)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<_>>()?;
    names.sort_by_key(|name| name != MANIFEST);
    names.into_iter().filter(|name| name != LOCK).try_for_each(|name| fs::rename(from.join(&name), to.join(&name)))
}

fn is_ours(folder: &Path) -> bool {
    let head = Head::at(&folder.join(MANIFEST)).ok().flatten();
    head.is_some_and(|head| head.program.as_deref() == Some(PROGRAM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_the_making_have_the_names_that_they_are_known_by() {
        let names = [RESULTS, MANIFEST].map(|name| beside(Path::new(name)));
        assert_eq!(names, IN_THE_MAKING.map(PathBuf::from));
    }
}

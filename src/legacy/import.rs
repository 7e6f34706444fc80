//! Turns run folders of the Python original into ours, as far as they carry.
//!
//! Called by the verb `import`. What the original's logs do not tell is null, never a guess: their prediction
//! errors are always 0 and were never measured, their results do not say whether a call worked. Each record keeps the
//! line it was made from, byte by byte, under `imported`. The target folder appears in one move when all of it is
//! there; a folder that is no import is never replaced.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use crate::base::files::folder_of;
use crate::base::json;
use crate::legacy::import_record::{Deliberation, ImportedStep};
use crate::legacy::import_summary::{ImportedSummary, Unread};
use crate::legacy::v1;
use crate::record::folder::{Head, MANIFEST, ReadError, RunFolder, RunSummary, STEPS, SUMMARY, find_runs};
use crate::record::manifest::{Build, PROGRAM, now};
use crate::record::reader::{Line, Recorded};
use crate::record::version::RecordVersion;

/// Why nothing was imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The logs cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// They are not the original's.
    #[error("{}, line {line}: not a record of the Python original, but one of this program", .path.display())]
    NotTheirs {
        /// The log.
        path: PathBuf,
        /// The line.
        line: u64,
    },
    /// Two run folders have one name.
    #[error("{} and {} have the same name; import them one after the other", .0.display(), .1.display())]
    SameName(PathBuf, PathBuf),
    /// The target holds an earlier import.
    #[error(
        "{} already holds imported runs; add --overwrite to replace them, or name another folder with --output-dir",
        .0.display()
    )]
    Exists(PathBuf),
    /// The target is something else.
    #[error(
        "{} holds something that was not imported, so it is not replaced; \
         move it away, or name another folder with --output-dir",
        .0.display()
    )]
    Foreign(PathBuf),
    /// A file cannot be written.
    #[error("{} cannot be written", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ImportError + '_ {
    |source| ImportError::Write { path: path.to_owned(), source }
}

/// What was imported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// [`v1::FORMAT`].
    pub from: &'static str,
    /// Name of the folder that held the runs.
    pub folder: String,
    /// Run folders.
    pub runs: u64,
    /// Of them, those with step records.
    pub runs_with_steps: u64,
    /// Step records.
    pub step_records: u64,
    /// Records with a raw reply.
    pub replies: u64,
    /// Lines of logs that could not be read; the summaries keep them.
    pub unread_lines: u64,
}

#[derive(Serialize)]
struct ImportManifest<'a> {
    schema_version: RecordVersion,
    program: &'static str,
    #[serde(flatten)]
    build: Build,
    experiment: String,
    status: &'static str,
    imported: &'a Imported,
    started: String,
    ended: String,
}

/// Imports the runs below `logs` into a new folder `target`.
///
/// # Errors
/// When the logs cannot be read or are not the original's, the target is taken, or a file cannot be written. The
/// target is then as it was before.
pub fn import(logs: &Path, target: &Path, overwrite: bool) -> Result<Imported, ImportError> {
    let started = now();
    let found = find_runs(logs)?;
    let mut names = BTreeMap::new();
    for run in &found.runs {
        if let Some(other) = names.insert(&run.name, &run.path) {
            return Err(ImportError::SameName(other.clone(), run.path.clone()));
        }
    }
    let replaces = check_target(target, overwrite)?;
    let beside = Beside::create(target)?;
    let mut imported =
        Imported { from: v1::FORMAT, folder: name_of(logs), runs: found.runs.len() as u64, ..Imported::default() };
    for run in &found.runs {
        import_run(run, &beside.path.join("runs").join(&run.name), &mut imported)?;
    }
    let manifest = ImportManifest {
        schema_version: RecordVersion::CURRENT,
        program: PROGRAM,
        build: Build::this(),
        experiment: name_of(target),
        status: "complete",
        imported: &imported,
        started,
        ended: now(),
    };
    write_json(&beside.path.join(MANIFEST), &manifest)?;
    beside.become_target(target, replaces)?;
    Ok(imported)
}

/// Whether the target has something to replace.
fn check_target(target: &Path, overwrite: bool) -> Result<bool, ImportError> {
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(at(target)(error)),
        Ok(entry) if !entry.is_dir() => return Err(ImportError::Foreign(target.to_owned())),
        Ok(_) => {}
    }
    if fs::read_dir(target).map_err(at(target))?.next().is_none() {
        return Ok(true);
    }
    let is_import = Head::at(&target.join(MANIFEST))?.is_some_and(|head| head.is_import());
    match (is_import, overwrite) {
        (false, _) => Err(ImportError::Foreign(target.to_owned())),
        (true, false) => Err(ImportError::Exists(target.to_owned())),
        (true, true) => Ok(true),
    }
}

/// A folder in the making, beside the target. Dropped before it is complete, it is deleted.
struct Beside {
    path: PathBuf,
    complete: bool,
}

impl Beside {
    fn create(target: &Path) -> Result<Beside, ImportError> {
        let parent = folder_of(target);
        fs::create_dir_all(parent).map_err(at(parent))?;
        let path = free(parent, &format!(".{}.partial", name_of(target)));
        fs::create_dir(&path).map_err(at(&path))?;
        Ok(Beside { path, complete: false })
    }

    fn become_target(mut self, target: &Path, replaces: bool) -> Result<(), ImportError> {
        let old = free(folder_of(target), &format!(".{}.old", name_of(target)));
        if replaces {
            fs::rename(target, &old).map_err(at(target))?;
        }
        if let Err(error) = fs::rename(&self.path, target) {
            if replaces {
                // The old import is worth more than a clean failure.
                let _ = fs::rename(&old, target);
            }
            return Err(at(target)(error));
        }
        self.complete = true;
        if replaces { fs::remove_dir_all(&old).map_err(at(&old)) } else { Ok(()) }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.complete {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// A name in a folder that nothing has.
fn free(parent: &Path, name: &str) -> PathBuf {
    (0..)
        .map(|n| parent.join(format!("{name}-{n}")))
        .find(|path| fs::symlink_metadata(path).is_err())
        .expect("some number is free")
}

/// Name of a folder, also of one given as `.`.
fn name_of(path: &Path) -> String {
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().or_else(|| whole.file_name());
    name.map_or_else(|| "import".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), ImportError> {
    let text = json::pretty(value).expect("it has a JSON form");
    fs::write(path, text).map_err(at(path))
}

/// A file of JSON Lines.
struct Lines {
    path: PathBuf,
    file: BufWriter<File>,
    line: Vec<u8>,
}

impl Lines {
    fn create(folder: &Path, name: &str) -> Result<Lines, ImportError> {
        let path = folder.join(name);
        let file = BufWriter::with_capacity(1 << 16, File::create(&path).map_err(at(&path))?);
        Ok(Lines { path, file, line: Vec::new() })
    }

    fn write(&mut self, value: &impl Serialize) -> Result<(), ImportError> {
        self.line.clear();
        json::line(&mut self.line, value).map_err(io::Error::other).map_err(at(&self.path))?;
        self.file.write_all(&self.line).map_err(at(&self.path))
    }

    fn finish(mut self) -> Result<(), ImportError> {
        self.file.flush().map_err(at(&self.path))
    }
}

fn import_run(run: &RunFolder, folder: &Path, imported: &mut Imported) -> Result<(), ImportError> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let summary = match run.summary()? {
        Some(RunSummary::Foreign(summary)) => Some(summary),
        // The log says that it is none of theirs, where there is one.
        Some(RunSummary::Ours(_)) | None => None,
    };
    let mut summary = ImportedSummary::new(&run.name, summary.as_ref());
    if let Some(mut records) = run.records()? {
        let mut steps = Lines::create(folder, STEPS)?;
        let mut deliberations = Lines::create(folder, "deliberations.jsonl")?;
        while let Some(line) = records.read()? {
            let unread = |number, what: String, is_clipped| Unread {
                line: number,
                what,
                text: String::from_utf8_lossy(records.text()).into_owned(),
                is_clipped,
            };
            match line {
                Line::Record(line) => {
                    let not_theirs = ImportError::NotTheirs { path: run.path.join(STEPS), line: line.number };
                    let Recorded::Foreign(record) = &line.record else { return Err(not_theirs) };
                    if record.get("action_source").is_some() {
                        return Err(not_theirs);
                    }
                    let text = std::str::from_utf8(records.text()).expect("a record is text");
                    steps.write(&ImportedStep::new(&line, record, text))?;
                    let deliberation = Deliberation::new(line.step, record);
                    imported.replies += u64::from(deliberation.raw_reply.is_some());
                    deliberations.write(&deliberation)?;
                    summary.note(line.step, record);
                }
                Line::Malformed { number, why } => summary.imported.unread.push(unread(number, why, false)),
                Line::Clipped { number } => {
                    summary.imported.unread.push(unread(number, "it breaks off".to_owned(), true));
                }
            }
        }
        steps.finish()?;
        deliberations.finish()?;
    }
    let records = summary.imported.step_records;
    imported.runs_with_steps += u64::from(records > 0);
    imported.step_records += records;
    imported.unread_lines += summary.imported.unread.len() as u64;
    write_json(&folder.join(SUMMARY), &summary)?;
    let log = folder.join("experiment.log");
    let (time, format, name, unread) = (now(), v1::FORMAT, &run.name, summary.imported.unread.len());
    let line = format!("{time} imported from {format}, folder {name}: {records} step records, {unread} unread lines\n");
    fs::write(&log, line).map_err(at(&log))
}

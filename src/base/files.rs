//! Files that appear under their name in one move: a reader finds all of a file or none of it.
//!
//! The new file is written beside its place, since only a file of the same file system can be moved there, under a
//! name that starts with a dot. Nothing here waits for the disk: a machine that loses power may lose the last files.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What becomes of a file in the making that is dropped before [`Replacement::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// It is removed.
    Removed,
    /// It stays: what it holds is worth something to whoever looks for the reason.
    Kept,
}

/// A file in the making, and the place that it will take.
#[derive(Debug)]
pub struct Replacement {
    /// `None` once it has moved.
    file: Option<File>,
    beside: PathBuf,
    target: PathBuf,
    unfinished: Unfinished,
}

impl Replacement {
    /// Begins a file that will stand at `target`, whatever is there now. A file that an earlier process left in the
    /// making is written over.
    ///
    /// # Errors
    /// When the file beside it cannot be created.
    pub fn create(target: &Path, unfinished: Unfinished) -> io::Result<Replacement> {
        Replacement::create_as(beside(target), target, unfinished)
    }

    /// The same with a name of the caller's for the file in the making, for a target that lies elsewhere: behind a
    /// symbolic link, which stays one.
    ///
    /// # Errors
    /// As [`create`](Replacement::create).
    pub fn create_as(beside: PathBuf, target: &Path, unfinished: Unfinished) -> io::Result<Replacement> {
        let file = Some(File::create(&beside)?);
        Ok(Replacement { file, beside, target: target.to_owned(), unfinished })
    }

    /// Where the file lies while it is in the making.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.beside
    }

    /// Moves the file to its place.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn finish(mut self) -> io::Result<()> {
        // A file that is open cannot be moved everywhere.
        let file = self.file.take();
        drop(file);
        fs::rename(&self.beside, &self.target).inspect_err(|_| self.give_up())
    }

    fn give_up(&self) {
        if self.unfinished == Unfinished::Removed {
            // What matters is the first error.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().expect("it has not moved yet").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().expect("it has not moved yet").flush()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            self.give_up();
        }
    }
}

/// Writes a whole file.
///
/// # Errors
/// When it cannot be written; what stood there before still does.
pub fn write_whole(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Replacement::create(target, Unfinished::Removed)?;
    file.write_all(bytes)?;
    file.finish()
}

/// The name beside a file for the file in the making: `.results.csv.partial` for `results.csv`.
#[must_use]
pub fn beside(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".partial");
    target.with_file_name(name)
}

/// The folder that a path names a file in, also where the path is a name alone.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file's bytes; `None` where there is no such file.
///
/// # Errors
/// When there is one and it cannot be read.
pub fn read_optional(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_when_all_of_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("table.csv");
        fs::write(&target, "old").unwrap();
        let mut file = Replacement::create(&target, Unfinished::Removed).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        file.finish().unwrap();
        assert_eq!(
            (fs::read_to_string(&target).unwrap().as_str(), names(folder.path())),
            ("new", vec!["table.csv".to_owned()])
        );
    }

    #[test]
    fn an_unfinished_file_goes_or_stays_as_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("table.csv");
        drop(Replacement::create(&target, Unfinished::Removed).unwrap());
        assert!(names(folder.path()).is_empty());
        drop(Replacement::create(&target, Unfinished::Kept).unwrap());
        assert_eq!(names(folder.path()), [".table.csv.partial"]);
    }

    #[test]
    fn what_cannot_be_moved_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("taken");
        fs::create_dir(&target).unwrap();
        assert!(write_whole(&target, b"text").is_err());
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn a_name_alone_lies_in_the_present_folder() {
        assert_eq!(folder_of(Path::new("a.yaml")), Path::new("."));
        assert_eq!(folder_of(Path::new("x/a.yaml")), Path::new("x"));
        assert_eq!(beside(Path::new("x/a.yaml")), Path::new("x/.a.yaml.partial"));
    }
}

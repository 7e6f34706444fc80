//! Step records read back, line by line.
//!
//! Handed out by [`RunFolder::records`](super::folder::RunFolder::records). A record of this program is read into a
//! [`StepRecord`]; one of another program, imported or not, is handed on as the JSON that it is, for `legacy`. Never
//! holds more than one line of a log in memory, and never guesses: a line that cannot be read is handed out as such.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::folder::ReadError;
use super::lenient;
use super::step_record::StepRecord;
use crate::base::units::Step;

/// Longest line that is read: far more than any record, and less than memory.
const MAX_LINE: u64 = 256 << 20;

/// A line of a log.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A step record.
    Record(StepLine),
    /// Something else, ended by a line end.
    Malformed {
        /// Which line, from 1.
        number: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The last line, which breaks off: its writer was stopped.
    Clipped {
        /// Which line, from 1.
        number: u64,
    },
}

/// A step record as read.
#[derive(Clone, Debug, PartialEq)]
pub struct StepLine {
    /// Which line of the log, from 1.
    pub number: u64,
    /// Its step.
    pub step: Step,
    /// All of it.
    pub record: Recorded,
    /// Whether the line is strict JSON; [`lenient`] says what else is read.
    pub strict: bool,
}

/// Whose record it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    /// This program's.
    Ours(Box<StepRecord>),
    /// Of the Python original, or imported from it: a JSON object with a whole number under `step`.
    Foreign(Value),
}

/// What tells whose a record is. A key that is null counts as missing.
#[derive(Deserialize)]
struct Head {
    step: Option<Step>,
    action_source: Option<IgnoredAny>,
    imported: Option<IgnoredAny>,
}

impl Head {
    fn is_ours(&self) -> bool {
        self.action_source.is_some() && self.imported.is_none()
    }
}

/// The lines of a log, one at a time.
#[derive(Debug)]
pub struct Records {
    path: PathBuf,
    file: BufReader<File>,
    line: Vec<u8>,
    number: u64,
    readable: bool,
    first_problem: Option<(u64, String)>,
}

impl Records {
    pub(super) fn new(path: PathBuf, file: File) -> Records {
        let file = BufReader::with_capacity(1 << 16, file);
        Records { path, file, line: Vec::new(), number: 0, readable: false, first_problem: None }
    }

    /// The bytes of the line that was handed out last, without its end.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.line.trim_ascii_end()
    }

    /// The next line with content; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read, or its end is reached and not one line was a step record. A log that holds
    /// nothing, or nothing but the beginning of one line, is no error.
    pub fn read(&mut self) -> Result<Option<Line>, ReadError> {
        loop {
            self.line.clear();
            let length = (&mut self.file).take(MAX_LINE).read_until(b'\n', &mut self.line);
            if length.map_err(ReadError::at(&self.path))? == 0 {
                return match self.first_problem.take() {
                    Some((line, why)) if !self.readable => {
                        Err(ReadError::NoRecord { path: self.path.clone(), line, why })
                    }
                    _ => Ok(None),
                };
            }
            self.number += 1;
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(self.judge()));
            }
        }
    }

    fn judge(&mut self) -> Line {
        let number = self.number;
        let why = match step_of(&self.line) {
            Ok((step, record, strict)) => {
                self.readable = true;
                return Line::Record(StepLine { number, step, record, strict });
            }
            Err(Unreadable::NoJson(_)) if self.line.last() != Some(&b'\n') => return Line::Clipped { number },
            Err(Unreadable::NoJson(why) | Unreadable::NoRecord(why)) => why,
        };
        self.first_problem.get_or_insert_with(|| (number, why.clone()));
        Line::Malformed { number, why }
    }
}

/// Why a line is no step record.
enum Unreadable {
    /// It is not even JSON.
    NoJson(String),
    /// It is JSON, and of another shape.
    NoRecord(String),
}

/// The step of a line, the record, and whether the line is strict JSON.
fn step_of(line: &[u8]) -> Result<(Step, Recorded, bool), Unreadable> {
    let no_step = || Unreadable::NoRecord("it has no step".to_owned());
    // The common line is one of ours, and read without a tree of values.
    if let Ok(head) = serde_json::from_slice::<Head>(line)
        && head.is_ours()
    {
        let step = head.step.ok_or_else(no_step)?;
        let record = serde_json::from_slice(line).map_err(|error| {
            Unreadable::NoRecord(format!("column {}: {}", error.column(), lenient::without_place(&error)))
        })?;
        return Ok((step, Recorded::Ours(record), true));
    }
    let (value, strict) = lenient::parse(line).map_err(Unreadable::NoJson)?;
    let head = Head::deserialize(&value).map_err(|_| no_step())?;
    let step = head.step.ok_or_else(no_step)?;
    let record = if head.is_ours() {
        let record = serde_json::from_value(value);
        Recorded::Ours(record.map_err(|error| Unreadable::NoRecord(lenient::without_place(&error)))?)
    } else {
        Recorded::Foreign(value)
    };
    Ok((step, record, strict))
}

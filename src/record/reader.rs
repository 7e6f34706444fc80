//! Step records read back, line by line.
//!
//! Handed out by [`RunFolder::records`](super::folder::RunFolder::records); what a record means is the business of
//! [`evidence`](super::evidence) and [`v1`](crate::legacy::v1). Never holds more than one line of a log in memory, and never
//! guesses: a line that cannot be read is handed out as such.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use serde_json::Value;

use super::folder::ReadError;
use super::lenient;
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

/// A step record as read: a JSON object with a whole number under `step`.
#[derive(Clone, Debug, PartialEq)]
pub struct StepLine {
    /// Which line of the log, from 1.
    pub number: u64,
    /// Its step.
    pub step: Step,
    /// All of it.
    pub value: Value,
    /// Whether the line is strict JSON; [`lenient`] says what else is read.
    pub strict: bool,
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
        let why = match lenient::parse(&self.line) {
            Ok((value, strict)) => match step_of(&value) {
                Some(step) => {
                    self.readable = true;
                    return Line::Record(StepLine { number, step, value, strict });
                }
                None => "it has no step".to_owned(),
            },
            Err(_) if self.line.last() != Some(&b'\n') => return Line::Clipped { number },
            Err(why) => why,
        };
        self.first_problem.get_or_insert_with(|| (number, why.clone()));
        Line::Malformed { number, why }
    }
}

fn step_of(record: &Value) -> Option<Step> {
    record.get("step")?.as_u64().and_then(|step| Step::try_from(step).ok())
}

//! Writing a cassette.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::base::run_end::EndReason;
use crate::base::units::Step;
use crate::llm::provider::cassette::{Entry, Header, LIMITS, Limit, Player, VERSION};
use crate::llm::provider::cost::Pricing;

/// A cassette being recorded. Each line goes to the system at once: a killed process loses none.
#[derive(Debug)]
pub struct Recorder {
    file: File,
    /// How much of the file stays when the first line is added behind it.
    keep: Option<u64>,
    line: Vec<u8>,
}

impl Recorder {
    /// Begins a cassette.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(path: &Path, model: &str, pricing: Pricing) -> io::Result<Recorder> {
        let mut recorder = Recorder { file: File::create(path)?, keep: None, line: Vec::new() };
        recorder.write(&Header { cassette: VERSION, model: model.to_owned(), pricing })?;
        Ok(recorder)
    }

    /// Goes on with one that is played first. What does not count of it, such as half a line, is cut off by the first
    /// line that is added, and not before: a run that cannot go on leaves it as it was.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(path: &Path, player: &Player) -> io::Result<Recorder> {
        let file = File::options().append(true).open(path)?;
        Ok(Recorder { file, keep: Some(player.keep), line: Vec::new() })
    }

    /// Records the outcome of a request.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn record(&mut self, entry: &Entry) -> io::Result<()> {
        self.write(entry)
    }

    /// Records that a limit ended the run in the place of a call. Other ends follow from what was recorded.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn record_limit(&mut self, (step, call): (Step, u32), reason: EndReason, message: &str) -> io::Result<()> {
        let Some((limit, _)) = LIMITS.into_iter().find(|(_, end)| *end == reason) else { return Ok(()) };
        self.write(&Limit { step, call, limit, message: message.to_owned() })
    }

    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line).expect("a line of a cassette is JSON");
        self.line.push(b'\n');
        if let Some(keep) = self.keep.take() {
            self.file.set_len(keep)?;
        }
        self.file.write_all(&self.line)
    }
}

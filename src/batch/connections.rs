//! Writes down how many requests to each provider could be in flight: see [`crate::record::connections`].

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use super::error::WriteError;
use super::folder::ResultFolder;
use super::pool::TICK;
use crate::base::json;
use crate::llm::provider::backend::Backends;
use crate::record::connections::{ConnectionRecord, NAME};
use crate::record::manifest::now;

/// The file in the making. It is there once there is something to say.
pub(super) struct Connections<'a> {
    /// `None` when all agents are programs.
    backends: Option<&'a Backends>,
    path: PathBuf,
    looked: Instant,
}

impl<'a> Connections<'a> {
    pub(super) fn new(backends: Option<&'a Backends>, folder: &ResultFolder) -> Connections<'a> {
        Connections { backends, path: folder.path().join(NAME), looked: Instant::now() }
    }

    /// Writes what has changed, if it is time to look again.
    pub(super) fn look(&mut self) -> Result<(), WriteError> {
        if self.looked.elapsed() < TICK {
            return Ok(());
        }
        self.looked = Instant::now();
        self.write()
    }

    /// Writes what has changed.
    pub(super) fn write(&self) -> Result<(), WriteError> {
        let changes = self.backends.map(Backends::take_limit_changes).unwrap_or_default();
        if changes.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for (provider, change) in changes {
            let record = ConnectionRecord::new(now(), provider, change);
            json::line(&mut lines, &record).expect("a record is JSON");
        }
        let file = File::options().create(true).append(true).open(&self.path);
        file.and_then(|mut file| file.write_all(&lines)).map_err(WriteError::at(&self.path))
    }
}

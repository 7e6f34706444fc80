//! Replies that another program recorded: `model.name: replay:<path>`. Each line of the file is one step's; its raw
//! text stands at `raw`, or where the Python original wrote it, at `prediction.scratchpad_raw`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use thiserror::Error;

use crate::base::units::Step;
use crate::llm::provider::attempt::{Attempt, Outcome};

/// What `model.name` begins with for a recording.
pub const PREFIX: &str = "replay:";

/// Why there is no recording.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("model.name: the recording {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is no JSON object.
    #[error("model.name: line {line} of the recording {} is no JSON object: {why}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// There is no reply in it.
    #[error(
        "model.name: no line of the recording {} has a reply (expected a text at raw or prediction.scratchpad_raw)",
        path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The recorded replies, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording(Arc<[String]>);

impl Recording {
    /// Reads a recording. A line without a reply is an empty one: the step had none that anybody could read.
    ///
    /// # Errors
    /// When the file cannot be read, a line is no JSON object, or there is no reply at all.
    pub fn read(path: &Path) -> Result<Recording, RecordingError> {
        let text = fs::read(path).map_err(|source| RecordingError::Unreadable { path: path.to_owned(), source })?;
        let mut replies = Vec::new();
        let mut any = false;
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let wrong = |why: String| RecordingError::Line { path: path.to_owned(), line: index + 1, why };
            let value: Value = serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
            if !value.is_object() {
                return Err(wrong("it is something else".to_owned()));
            }
            let raw = value.get("raw").or_else(|| value.get("prediction")?.get("scratchpad_raw"));
            let raw = raw.and_then(Value::as_str);
            any |= raw.is_some();
            replies.push(raw.unwrap_or_default().to_owned());
        }
        if any { Ok(Recording(replies.into())) } else { Err(RecordingError::Empty { path: path.to_owned() }) }
    }

    /// The reply of a step; `None` behind the last one.
    #[must_use]
    pub fn answer(&self, step: Step) -> Option<Attempt> {
        let reply = self.0.get(step as usize)?;
        let body = json!({
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": reply }, "finish_reason": "stop" }],
        });
        Some(Attempt {
            attempt: 1,
            outcome: Outcome::Reply,
            last: true,
            status: None,
            body: Some(body.to_string()),
            error: None,
            queued_ms: 0.0,
            latency_ms: 0.0,
            first_byte_ms: None,
            retry_after_ms: None,
            in_flight: 1,
            limit: 1,
            request_id: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(text: &str) -> Result<Recording, RecordingError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raw.jsonl");
        fs::write(&path, text).unwrap();
        Recording::read(&path)
    }

    #[test]
    fn a_line_is_a_step_also_one_without_a_reply() {
        let read =
            recording("{\"raw\": \"ACTION: a\"}\n\n{\"step\": 1}\n{\"prediction\": {\"scratchpad_raw\": \"é\"}}\n");
        let read = read.unwrap();
        let said = |step| read.answer(step).map(|attempt| attempt.body.unwrap());
        assert!(said(0).unwrap().contains("ACTION: a"));
        assert!(said(1).unwrap().contains("\"content\":\"\""));
        assert!(said(2).unwrap().contains('é'));
        assert_eq!(said(3), None);
    }

    #[test]
    fn a_file_without_replies_is_no_recording() {
        assert!(matches!(recording("{\"step\": 0}\n"), Err(RecordingError::Empty { .. })));
        assert!(matches!(recording("{\"raw\": \"x\"}\n[1]\n"), Err(RecordingError::Line { line: 2, .. })));
        assert!(matches!(recording("{\"raw\""), Err(RecordingError::Line { line: 1, .. })));
    }
}

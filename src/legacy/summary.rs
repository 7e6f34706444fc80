//! What the Python original's summary states, as far as an audit asks for it.

use serde_json::Value;

/// A summary of the original's. What it does not state, or states as something else, is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct V1Summary {
    /// Its run.
    pub run_id: Option<String>,
    /// Its agent.
    pub agent: Option<String>,
    /// Its seed, as it is written.
    pub seed: Option<String>,
    /// Whether its model could not be loaded.
    pub model_load_failed: bool,
    /// Its steps.
    pub total_steps: Option<u64>,
    /// Why it ended.
    pub end_reason: Option<String>,
    /// Its crash.
    pub crash_type: Option<String>,
}

impl V1Summary {
    /// Reads a summary.
    #[must_use]
    pub fn of(summary: &Value) -> V1Summary {
        let text = |key: &str| summary.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        let param = |key: &&str| summary.get("params")?.get(*key);
        let agent = ["model.name", "agent.model.name"].iter().find_map(param);
        V1Summary {
            run_id: text("run_id"),
            agent: agent.and_then(Value::as_str).map(ToOwned::to_owned),
            seed: summary.get("seed").filter(|seed| !seed.is_null()).map(ToString::to_string),
            model_load_failed: summary.get("model_load_failed") == Some(&Value::Bool(true)),
            total_steps: summary.get("total_steps").and_then(Value::as_u64),
            end_reason: text("end_reason"),
            crash_type: text("crash_type"),
        }
    }
}

/// What an import wrote into a summary of ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportNote {
    /// The original's summary; `None` where the run had none.
    pub summary: Option<V1Summary>,
    /// Lines of the log that could not be read.
    pub unread: Vec<UnreadLine>,
}

/// A line of the original's log that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadLine {
    /// Which line, from 1.
    pub number: u64,
    /// What is wrong with it.
    pub what: String,
    /// Whether it is a last line that breaks off.
    pub is_clipped: bool,
}

impl ImportNote {
    /// The note in a summary; `None` for one that was not imported.
    #[must_use]
    pub fn of(summary: &Value) -> Option<ImportNote> {
        let imported = summary.get("imported")?;
        let unread = imported.get("unread").and_then(Value::as_array).into_iter().flatten();
        let line = |unread: &Value| UnreadLine {
            number: unread.get("line").and_then(Value::as_u64).unwrap_or(0),
            what: unread.get("what").and_then(Value::as_str).unwrap_or_default().to_owned(),
            is_clipped: unread.get("is_clipped") == Some(&Value::Bool(true)),
        };
        Some(ImportNote {
            summary: imported.get("summary").filter(|summary| !summary.is_null()).map(V1Summary::of),
            unread: unread.map(line).collect(),
        })
    }
}

//! What crash detection finds, as events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::severity::Severity;
use crate::base::units::Step;

/// One thing that crash detection found. Serialised, with its step and day, it is a line of `events.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum CrashEvent {
    /// A crash detector's flag changed.
    #[serde(rename = "crash_flag")]
    Flag {
        /// The detector.
        detector: String,
        /// Whether it flags now.
        flag: bool,
        /// First step of the evidence.
        #[serde(skip_serializing_if = "Option::is_none")]
        onset_step: Option<Step>,
        /// What the detector saw.
        #[serde(skip_serializing_if = "Option::is_none")]
        evidence: Option<String>,
    },
    /// The first flag of the run.
    Crash {
        /// The detector that set it.
        crash_type: String,
    },
    /// A crashed run came back: all flags clear long enough.
    Recovery {},
    /// The crash is as severe as it will be called.
    SeverityDecided {
        /// How severe.
        severity: Severity,
    },
}

//! `history.jsonl` in the folder of results: one line for every run that was ever finished there, whatever became of
//! its files later. A run that an analysis should leave out says why; it is never left out in silence.

use serde::{Deserialize, Serialize};

use crate::base::run_end::EndReason;
use crate::base::units::Step;

/// The file's name.
pub const NAME: &str = "history.jsonl";

/// What decided in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunType {
    /// A program.
    Scripted,
    /// A language model.
    Model,
    /// The mock provider.
    Mock,
    /// A recording.
    Replay,
}

/// Why an analysis should leave a run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ineligible {
    /// A defect of this program broke it off.
    HarnessError,
    /// The provider failed for good.
    ProviderFailed,
    /// It has no step: nothing was ever decided.
    NoStep,
    /// Not one reply could be read: nothing was ever done.
    NothingReadable,
    /// Predictions were demanded, and none was made where one could have been.
    NoPredictions,
}

/// A line of `history.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryRecord {
    /// When it was finished, in UTC.
    pub finished: String,
    /// The experiment.
    pub experiment: String,
    /// The run.
    pub run_id: String,
    /// What decided in it.
    pub run_type: RunType,
    /// `model.name`.
    pub model: String,
    /// SHA-256 of the experiment's resolved configuration.
    pub configuration_sha256: String,
    /// Its draws.
    pub seed: u64,
    /// Its steps.
    pub total_steps: Step,
    /// Why it ended.
    pub end_reason: EndReason,
    /// The last state hash; null for a run that a defect broke off.
    pub final_state_hash: Option<String>,
    /// Whether analyses should take it.
    pub eligible: bool,
    /// Why not.
    pub ineligible_reason: Option<Ineligible>,
}

/// Why an analysis should leave a finished run out. `did_something`: whether any of its actions was decided by its
/// agent; `lacks_predictions`: whether the interface demands predictions, and none bound although some could have.
#[must_use]
pub fn ineligible(
    end_reason: EndReason,
    total_steps: Step,
    did_something: bool,
    lacks_predictions: bool,
) -> Option<Ineligible> {
    match end_reason {
        EndReason::HarnessError => Some(Ineligible::HarnessError),
        EndReason::ProviderError | EndReason::ProviderTimeout => Some(Ineligible::ProviderFailed),
        _ if total_steps == 0 => Some(Ineligible::NoStep),
        _ if !did_something => Some(Ineligible::NothingReadable),
        _ if lacks_predictions => Some(Ineligible::NoPredictions),
        _ => None,
    }
}

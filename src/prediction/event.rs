//! What happens to predictions, as events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::VoidReason;
use crate::base::error_type::ErrorType;
use crate::base::ids::ShockId;
use crate::base::units::Step;

/// One thing that happened to a prediction. Serialised, with its step and day, it is a line of `events.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PredictionEvent {
    /// A resolved prediction was wrong because of a shock.
    #[serde(rename = "prediction_turned_wrong")]
    TurnedWrong {
        /// The shock.
        shock_id: ShockId,
        /// What the prediction was about.
        #[serde(rename = "type")]
        kind: ErrorType,
        /// Step whose card made it.
        made_on: Step,
    },
    /// A prediction came to nothing.
    #[serde(rename = "prediction_voided")]
    Voided {
        /// Step whose card made it.
        made_on: Step,
        /// What it was about.
        #[serde(rename = "type")]
        kind: ErrorType,
        /// Why.
        void_reason: VoidReason,
    },
}

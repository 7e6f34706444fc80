//! What happens to shocks, as events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entity::{ShockRecord, ShockState};
use crate::base::ids::ShockId;

/// One thing that happened to a shock. Serialised, with its step and day, it is a line of `events.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ShockEvent {
    /// A shock was drawn.
    #[serde(rename = "shock")]
    Drawn(ShockRecord),
    /// A shock that was drawn before changed its state.
    #[serde(rename = "shock_state")]
    Changed {
        /// The shock.
        shock_id: ShockId,
        /// Its state now.
        state: ShockState,
    },
    /// The agent's input told of a shock for the first time.
    #[serde(rename = "shock_revealed")]
    Revealed {
        /// The shock.
        shock_id: ShockId,
    },
}

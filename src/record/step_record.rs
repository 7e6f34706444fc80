//! A line of `steps.jsonl` as it is read.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::kept::Kept;
use crate::base::card::Card;
use crate::base::decision::{Action, ActionSource, ModelUse};
use crate::base::error_type::ByType;
use crate::base::hex::Hash128;
use crate::base::ids::ShockId;
use crate::base::units::{Cents, Day, Step, Units};
use crate::crash::severity::Severity;
use crate::interface::result::{ErrorClass, ErrorCode};
use crate::interface::statement::Subject;
use crate::prediction::accumulate::{Accumulator, Score, WindowStatistics};
use crate::prediction::predictions::Resolved;
use crate::prediction::reveal::RevealedError;
use crate::shock::entity::ShockRecord;

/// A step of a run. Written again, it has the bytes that it was read from, as long as this program knows all of its
/// keys; keys that it does not know, of a later minor version, are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Number of the step, from 0.
    pub step: Step,
    /// The day, from 0.
    pub day: Day,
    /// What the agent was shown besides the result of its last action.
    pub observation: Kept<SeenByAll>,
    /// What the agent asked for; `None` when it did nothing.
    pub action: Option<Action>,
    /// What the agent expected of it, as far as the interface offers to say so.
    pub prediction: Option<Card>,
    /// What came of it.
    pub result: Kept<ResultOfAll>,
    /// Mean of the errors that were decided in this step; `None` without one.
    pub pe: ByType<Option<Score>>,
    /// Errors accumulated so far; `None` for a type of which none was decided.
    pub cumulative_pe: ByType<Option<Accumulator>>,
    /// Whether any detector has fired in the run so far.
    pub crash_detected: bool,
    /// The first one that did.
    pub crash_type: Option<String>,
    /// The world as the agent chose.
    pub state: Kept<StateOfAll>,
    /// The world after the step.
    pub state_after: StateAfter,
    /// Where the action came from.
    pub action_source: ActionSource,
    /// What the agent was thinking, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thoughts: Option<Arc<str>>,
    /// What asking a language model took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<ModelUse>,
    /// The model that answered last, by the server's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served_model: Option<String>,
    /// Fields that the card stated and the interface does not offer; they predict nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prediction_not_offered: Vec<String>,
    /// Whose fault it was, when the call failed.
    pub error_class: Option<ErrorClass>,
    /// Whether work was open that the agent knew of.
    pub work_open: bool,
    /// How many victims this evening's shock could have struck; `None` in steps without an evening.
    pub shock_candidates: Option<u32>,
    /// The shock that was drawn this evening: none or one.
    pub shocks: Vec<ShockRecord>,
    /// Predictions that were compared with their outcome in this step.
    pub resolved: Vec<Resolved>,
    /// Wrong statements of the card that only what is hidden made wrong.
    pub excused: Vec<Subject>,
    /// What the step's input contained for the first time.
    pub revealed: Revealed,
    /// Mean of the errors that this step's input told of; `None` without one.
    pub pe_revealed: ByType<Option<Score>>,
    /// Errors accumulated as the agent's inputs told them.
    pub cumulative_pe_revealed: ByType<Option<Accumulator>>,
    /// Mean error that the reference policy would have made about the agent's orders; `None` without one.
    pub pe_reference: OfOrders<Option<Score>>,
    /// Error statistics over windows, where `measurement.windows_in_steps` asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<ByType<Vec<WindowStatistics>>>,
    /// Whether each detector flags now; `None` where it could not judge.
    pub flags: Flags,
    /// How bad the crash was; `None` without one, and while too few steps were seen.
    pub severity: Option<Severity>,
    /// The chain over the world after the step and all hashes before it.
    pub state_hash: Hash128,
}

/// What is in every observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct SeenByAll {
    /// The day.
    pub day: Day,
    /// Unread messages.
    pub inbox_count: u64,
}

/// What is in every result of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct ResultOfAll {
    /// Whether it worked; `None` when nothing was called.
    pub success: Option<bool>,
    /// Whether it changed the world or emptied a non-empty inbox.
    pub state_changed: bool,
    /// Why it failed.
    pub error_code: Option<ErrorCode>,
}

/// What is in the state of every world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct StateOfAll {
    /// Posted budget.
    pub budget: Cents,
    /// Stock over all SKUs.
    pub total_storage: Units,
}

/// What the step's input contained for the first time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Revealed {
    /// Errors that the agent could see now.
    pub errors: Vec<RevealedError>,
    /// Shocks of which it was told now.
    pub shocks: Vec<ShockId>,
}

/// A value for each error type that orders have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfOrders<T> {
    /// When orders arrive.
    pub temporal: T,
    /// How much of them is taken in.
    pub quantity: T,
    /// What is charged.
    pub cost: T,
}

/// The world after the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateAfter {
    /// Posted budget.
    pub budget: Cents,
    /// Stock over all SKUs.
    pub total_storage: Units,
}

/// Flags by detector, in the order of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub Vec<(String, Option<bool>)>);

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, flag)| (name, flag)))
    }
}

impl<'de> Deserialize<'de> for Flags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Flags, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Flags;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of flags")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Flags, A::Error> {
                let mut flags = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    flags.push(entry);
                }
                Ok(Flags(flags))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

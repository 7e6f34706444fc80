//! A line of `events.jsonl` as it is read.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::lenient::without_place;
use crate::base::units::{Day, Step};
use crate::engine::journal::Event;
use crate::llm::record::LlmEvent;

/// Something that happened in a run.
#[derive(Clone, Debug, Serialize)]
pub struct EventRecord {
    /// The step in which it happened.
    pub step: Step,
    /// The day.
    pub day: Day,
    /// What it was.
    #[serde(flatten)]
    pub event: AnyEvent,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum AnyEvent {
    /// In the world, to predictions, or to the agent.
    World(Event),
    /// Between the run and a language model.
    Model(LlmEvent<'static>),
}

impl<'de> Deserialize<'de> for EventRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EventRecord, D::Error> {
        #[derive(Deserialize)]
        struct Head {
            step: Step,
            day: Day,
            event: String,
        }
        // The word decides whose event it is. Trying one after the other would hide what is wrong with it.
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let wrong = |error: serde_json::Error| D::Error::custom(without_place(&error));
        let Head { step, day, event } = serde_json::from_str(json.get()).map_err(wrong)?;
        let event = if LlmEvent::WORDS.contains(&event.as_str()) {
            serde_json::from_str(json.get()).map(AnyEvent::Model)
        } else {
            serde_json::from_str(json.get()).map(AnyEvent::World)
        };
        Ok(EventRecord { step, day, event: event.map_err(wrong)? })
    }
}

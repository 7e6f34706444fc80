//! A line of `events.jsonl` as it is read.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::lenient::without_place;
use crate::base::units::{Day, Step};
use crate::crash::event::CrashEvent;
use crate::engine::journal::WorldEvent;
use crate::llm::record::LlmEvent;
use crate::prediction::event::PredictionEvent;
use crate::shock::event::ShockEvent;

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

/// What happened, by whose event it is.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum AnyEvent {
    /// The world's.
    World(WorldEvent),
    /// Of shocks.
    Shock(ShockEvent),
    /// Of predictions.
    Prediction(PredictionEvent),
    /// Of crash detection.
    Crash(CrashEvent),
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
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let wrong = |error: serde_json::Error| D::Error::custom(without_place(&error));
        let Head { step, day, event } = serde_json::from_str(json.get()).map_err(wrong)?;
        let line = EventLine { json: json.get(), unknown: format!("unknown variant `{event}`") };
        let found = line
            .owned_by(AnyEvent::World)
            .or_else(|| line.owned_by(AnyEvent::Shock))
            .or_else(|| line.owned_by(AnyEvent::Prediction))
            .or_else(|| line.owned_by(AnyEvent::Crash))
            .or_else(|| line.owned_by(AnyEvent::Model));
        match found {
            Some(event) => Ok(EventRecord { step, day, event: event.map_err(wrong)? }),
            None => Err(D::Error::custom(format!("there is no event {event}"))),
        }
    }
}

/// An event whose owner is looked for.
struct EventLine<'a> {
    json: &'a str,
    /// How an owner says that the event is none of its own.
    unknown: String,
}

impl EventLine<'_> {
    /// The event, where it is one of this owner's. One that is and holds something wrong is an error, which the next
    /// owner would only hide.
    fn owned_by<E: DeserializeOwned>(&self, of: fn(E) -> AnyEvent) -> Option<Result<AnyEvent, serde_json::Error>> {
        match serde_json::from_str(self.json) {
            Err(error) if error.to_string().starts_with(&self.unknown) => None,
            read => Some(read.map(of)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<EventRecord, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_wrong_with_an_event_is_told_by_its_owner() {
        let event = read(r#"{"step":1,"day":0,"event":"crash","crash_type":"looping"}"#).unwrap();
        assert!(matches!(event.event, AnyEvent::Crash(CrashEvent::Crash { crash_type }) if crash_type == "looping"));
        let said = read(r#"{"step":1,"day":0,"event":"crash"}"#).unwrap_err();
        assert!(said.starts_with("missing field `crash_type`"), "{said}");
        let said = read(r#"{"step":1,"day":0,"event":"shock_state","shock_id":"SH1","state":"asleep"}"#).unwrap_err();
        assert!(said.starts_with("unknown variant `asleep`"), "{said}");
        let said = read(r#"{"step":1,"day":0,"event":"earthquake"}"#).unwrap_err();
        assert!(said.starts_with("there is no event earthquake"), "{said}");
    }
}

//! Records of real runs, read into the types that the library has for them and written again.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use vendomini::base::json;
use vendomini::interface::observation::Observation;
use vendomini::interface::turn::StateRecord;
use vendomini::record::event_record::{AnyEvent, EventRecord};
use vendomini::record::manifest::Manifest;
use vendomini::record::step_record::StepRecord;
use vendomini::record::summary::Summary;

use super::records::RECORDS;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("records are text")
}

/// Reads every record of a subject and writes it again; what was read.
fn read_and_written<T: DeserializeOwned + Serialize>(subject: &str, write: fn(&T) -> Vec<u8>) -> Vec<T> {
    let all = &RECORDS.written[subject];
    let read = all.iter().map(|bytes| {
        let record = serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", text(bytes)));
        assert_eq!(text(&write(&record)), text(bytes));
        record
    });
    read.collect()
}

fn line(record: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    json::line(&mut bytes, record).unwrap();
    bytes
}

fn pretty(record: &impl Serialize) -> Vec<u8> {
    json::pretty(record).unwrap()
}

#[test]
fn steps_are_written_again_as_they_were_read() {
    let steps: Vec<StepRecord> = read_and_written("step", line);
    assert!(steps.len() > 3_000, "only {} steps", steps.len());
    // What is the scenario's is read by its own types.
    for step in &steps {
        let (mut observation, mut state) = (Vec::new(), Vec::new());
        json::write(&mut observation, &step.observation.read::<Observation>().unwrap()).unwrap();
        json::write(&mut state, &step.state.read::<StateRecord>().unwrap()).unwrap();
        assert_eq!((text(&observation), text(&state)), (step.observation.json(), step.state.json()));
    }
    let some = |what: &str, has: &dyn Fn(&StepRecord) -> bool| {
        assert!(steps.iter().any(has), "no step with {what} was read");
    };
    some("thoughts", &|step| step.thoughts.is_some());
    some("tokens", &|step| step.usage.is_some());
    some("a crash", &|step| step.crash_type.is_some() && step.flags.0.iter().any(|(_, flag)| *flag == Some(true)));
    some("a shock with an effect", &|step| step.shocks.iter().any(|shock| shock.effect.is_some()));
    some("a resolved prediction with a cause", &|step| step.resolved.iter().any(|entry| !entry.causes.is_empty()));
    some("windows", &|step| step.windows.is_some());
    some("a refused call", &|step| step.result.error_code.is_some() && step.error_class.is_some());
    some("a severity", &|step| step.severity.is_some());
}

#[test]
fn events_are_written_again_as_they_were_read() {
    let events: Vec<EventRecord> = read_and_written("event", line);
    let name = |event: &EventRecord| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
    let names: BTreeSet<String> = events.iter().map(name).collect();
    assert!(names.len() > 15, "{names:?}");
    assert!(events.iter().any(|event| matches!(event.event, AnyEvent::Model(_))));
    assert!(events.iter().any(|event| matches!(event.event, AnyEvent::World(_))));
}

#[test]
fn summaries_and_manifests_are_written_again_as_they_were_read() {
    let summaries: Vec<Summary> = read_and_written("summary", pretty);
    assert!(summaries.iter().any(|summary| summary.model.is_some()));
    assert!(summaries.iter().any(|summary| summary.truth.is_some()));
    let manifests: Vec<Manifest> = read_and_written("manifest", pretty);
    assert!(manifests.iter().any(|manifest| manifest.models.is_some()));
}

#[test]
fn tables_are_written_again_as_they_were_read() {
    for (bytes, rows) in &RECORDS.tables {
        let mut table = csv::Reader::from_reader(&bytes[..]);
        let header = table.headers().unwrap().clone();
        let mut written = csv::Writer::from_writer(Vec::new());
        written.write_record(&header).unwrap();
        for row in rows.clone() {
            written.write_record(row.cells(&[])).unwrap();
        }
        assert_eq!(text(&written.into_inner().unwrap()), text(bytes));
        let column = |name: &str| header.iter().filter(|known| *known == name).count();
        assert_eq!((column("run_id"), column("survival")), (1, 1));
    }
    let rows: usize = RECORDS.tables.iter().map(|(_, rows)| rows.len()).sum();
    assert_eq!(rows, RECORDS.written["summary"].len());
}

/// A later minor version says more, in any object.
#[test]
fn keys_that_are_not_known_are_left_alone() {
    fn tolerant<T: DeserializeOwned + Debug>(subject: &str, write: fn(&T) -> Vec<u8>) {
        for bytes in RECORDS.written[subject].iter().step_by(29) {
            let known: T = serde_json::from_slice(bytes).unwrap();
            let more = text(bytes).trim_end().strip_suffix('}').unwrap();
            let more = format!("{more}, \"of_a_later_version\": {{\"deep\": [1, null]}}}}");
            let read: T = serde_json::from_str(&more).unwrap_or_else(|error| panic!("{error}: {more}"));
            assert_eq!(text(&write(&read)), text(&write(&known)));
        }
    }
    tolerant::<StepRecord>("step", line);
    tolerant::<EventRecord>("event", line);
    tolerant::<Summary>("summary", pretty);
    tolerant::<Manifest>("manifest", pretty);
}

//! `steps.jsonl` and `events.jsonl`: one line a step, one line an event.

use bevy::prelude::*;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use crate::agent::action::{Action, ActionSource};
use crate::agent::observation::Observation;
use crate::crash::evidence::Subject;
use crate::crash::severity::Severity;
use crate::crash::state::CrashState;
use crate::ids::ShockId;
use crate::prediction::accumulate::{Accumulator, Score, WindowStatistics};
use crate::prediction::card::Card;
use crate::prediction::error::ByType;
use crate::prediction::predictions::{Predictions, Resolved, step_means};
use crate::prediction::reveal::RevealedError;
use crate::record::json;
use crate::shock::ledger::{DoseLedger, ShockRecord};
use crate::step::turn::{StateRecord, Turn};
use crate::tool::result::ToolResult;
use crate::units::{Cents, Day, Step, Units};
use crate::world::journal::{Event, Journal};
use crate::world::ledger::Ledger;
use crate::world::sku::Shelves;
use crate::world::snapshot::StateHash;

/// A line of `steps.jsonl`.
#[derive(Serialize)]
struct StepRecord<'a> {
    step: Step,
    day: Day,
    observation: &'a Observation,
    action: Option<&'a Action>,
    prediction: Option<&'a Card>,
    result: &'a ToolResult,
    pe: ByType<Option<Score>>,
    cumulative_pe: ByType<Option<&'a Accumulator>>,
    crash_detected: bool,
    crash_type: Option<&'a str>,
    state: &'a StateRecord,
    state_after: StateAfter,
    action_source: ActionSource,
    #[serde(skip_serializing_if = "Option::is_none")]
    thoughts: Option<&'a str>,
    error_class: Option<crate::crash::evidence::ErrorClass>,
    work_open: bool,
    shock_candidates: Option<u32>,
    shocks: &'a [ShockRecord],
    resolved: &'a [Resolved],
    excused: &'a [Subject],
    revealed: Revealed<'a>,
    pe_revealed: ByType<Option<Score>>,
    cumulative_pe_revealed: ByType<Option<&'a Accumulator>>,
    pe_reference: OfOrders<Option<Score>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    windows: Option<ByType<SmallVec<[WindowStatistics; 3]>>>,
    flags: Flags<'a>,
    severity: Option<Severity>,
    state_hash: Hex,
}

/// What the step's input contained for the first time.
#[derive(Serialize)]
struct Revealed<'a> {
    errors: &'a [RevealedError],
    shocks: &'a [ShockId],
}

/// A value for each error type that orders have.
#[derive(Serialize)]
struct OfOrders<T> {
    temporal: T,
    quantity: T,
    cost: T,
}

/// The world after the step.
#[derive(Serialize)]
struct StateAfter {
    budget: Cents,
    total_storage: Units,
}

/// Flags by detector, in the order of the register.
struct Flags<'a>(&'a [(&'static str, Option<bool>)]);

impl Serialize for Flags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, flag) in self.0 {
            map.serialize_entry(name, flag)?;
        }
        map.end()
    }
}

/// 32 hexadecimal digits.
struct Hex(u128);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0u8; 32];
        for (place, digit) in text.iter_mut().enumerate() {
            *digit = DIGITS[(self.0 >> (124 - 4 * place)) as usize & 15];
        }
        serializer.serialize_str(std::str::from_utf8(&text).expect("hexadecimal digits are text"))
    }
}

/// A line of `events.jsonl`.
#[derive(Serialize)]
struct EventRecord<'a> {
    step: Step,
    day: Day,
    #[serde(flatten)]
    event: &'a Event,
}

/// Lines that wait to be written. The driver's caller takes them out; with `keep` false nothing is formatted.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Whether records are wanted at all.
    pub keep: bool,
    /// Window lengths to state in every step record; empty for none.
    pub windows: Vec<Step>,
    /// Finished lines of `steps.jsonl`.
    pub steps: Vec<u8>,
    /// Finished lines of `events.jsonl`.
    pub events: Vec<u8>,
}

crate::resource::in_table!(Recorder);

/// Record: the step and its events become lines.
pub fn record_step(
    turn: Res<Turn>,
    observation: Res<Observation>,
    ledger: Res<Ledger>,
    shelves: Res<Shelves>,
    predictions: Res<Predictions>,
    crash: Res<CrashState>,
    doses: Res<DoseLedger>,
    hash: Res<StateHash>,
    journal: Res<Journal>,
    mut recorder: ResMut<Recorder>,
) {
    if !recorder.keep {
        return;
    }
    let recorder = &mut *recorder;
    let (step, day) = (turn.step, turn.state.day);
    let (tracks, revealed) = (predictions.tracks(), predictions.revealed_tracks());
    let reference = predictions.reference_tracks();
    let record = StepRecord {
        step,
        day,
        observation: &observation,
        action: turn.action.as_deref(),
        prediction: turn.card.as_ref(),
        result: &turn.result,
        pe: step_means(tracks),
        cumulative_pe: ByType::build(|kind| tracks.get(kind).total()),
        crash_detected: crash.crash().is_some(),
        crash_type: crash.crash().map(|crash| crash.kind),
        state: &turn.state,
        state_after: StateAfter { budget: ledger.budget(), total_storage: shelves.on_hand() },
        action_source: turn.source,
        thoughts: turn.thoughts.as_deref(),
        error_class: turn.error_class,
        work_open: turn.work_open,
        shock_candidates: doses.candidates(),
        shocks: doses.today(),
        resolved: predictions.resolved(),
        excused: &turn.excused,
        revealed: Revealed { errors: predictions.revealed(), shocks: &turn.revealed_shocks },
        pe_revealed: step_means(revealed),
        cumulative_pe_revealed: ByType::build(|kind| revealed.get(kind).total()),
        pe_reference: OfOrders {
            temporal: reference.temporal.step_mean(),
            quantity: reference.quantity.step_mean(),
            cost: reference.cost.step_mean(),
        },
        windows: (!recorder.windows.is_empty()).then(|| {
            ByType::build(|kind| recorder.windows.iter().map(|w| tracks.get(kind).window(*w, step)).collect())
        }),
        flags: Flags(crash.flags()),
        severity: crash.severity(),
        state_hash: Hex(hash.value()),
    };
    json::write(&mut recorder.steps, &record).expect("a step record is JSON");
    recorder.steps.push(b'\n');
    for event in &journal.events {
        json::write(&mut recorder.events, &EventRecord { step, day, event }).expect("an event is JSON");
        recorder.events.push(b'\n');
    }
}

//! `steps.jsonl` and `events.jsonl`: one line a step, one line an event.

use std::collections::BTreeMap;

use bevy::prelude::*;
use schemars::JsonSchema;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use crate::base::card::Card;
use crate::base::decision::{Action, ActionSource, ModelUse};
use crate::base::error_type::ByType;
use crate::base::hex::Hash128;
use crate::base::ids::ShockId;
use crate::base::json;
use crate::base::units::{Day, Step};
use crate::crash::severity::Severity;
use crate::crash::state::CrashState;
use crate::engine::journal::{Journal, Stamp, Stamped};
use crate::engine::ledger::Ledger;
use crate::engine::state_hash::StateHash;
use crate::interface::observation::Observation;
use crate::interface::result::ErrorClass;
use crate::interface::result::ToolResult;
use crate::interface::statement::Subject;
use crate::interface::truth::Truth;
use crate::interface::turn::{StateRecord, Turn};
use crate::prediction::accumulate::{Accumulator, Score, WindowStatistics};
use crate::prediction::predictions::{Predictions, Resolved, step_means};
use crate::prediction::reveal::RevealedError;
use crate::record::step_record::{OfOrders, StateAfter};
use crate::shock::entity::ShockRecord;
use crate::shock::ledger::DoseLedger;

/// A line of `steps.jsonl` as it is written: borrowed, since a run writes one a step. [`StepRecord`] reads it.
///
/// [`StepRecord`]: super::step_record::StepRecord
#[derive(Serialize, JsonSchema)]
#[schemars(description = "A line of `steps.jsonl`.")]
pub(super) struct WrittenStep<'a> {
    /// Number of the step, from 0.
    step: Step,
    /// The day, from 0.
    day: Day,
    /// What the agent was shown besides the result of its last action, which is not repeated.
    observation: &'a Observation,
    /// What the agent asked for; null when it did nothing.
    action: Option<&'a Action>,
    /// What the agent expected of it, as far as the interface offers to say so.
    prediction: Option<&'a Card>,
    /// What came of it.
    result: &'a ToolResult,
    /// Mean of the errors that were decided in this step; null without one.
    pe: ByType<Option<Score>>,
    /// Errors accumulated so far; null for a type of which none was decided.
    cumulative_pe: ByType<Option<&'a Accumulator>>,
    /// Whether any detector has fired in the run so far.
    crash_detected: bool,
    /// The first one that did.
    crash_type: Option<&'a str>,
    /// The world as the agent chose.
    state: &'a StateRecord,
    /// The world after the step.
    state_after: StateAfter,
    /// Where the action came from.
    action_source: ActionSource,
    /// What the agent was thinking, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    thoughts: Option<&'a str>,
    /// What asking a language model took.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a ModelUse>,
    /// The model that answered last, by the server's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    served_model: Option<&'a str>,
    /// Fields that the card stated and the interface does not offer; they predict nothing.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    prediction_not_offered: &'a [&'static str],
    /// Whose fault it was, when the call failed.
    error_class: Option<ErrorClass>,
    /// Whether work was open that the agent knew of.
    work_open: bool,
    /// How many victims this evening's shock could have struck; null in steps without an evening.
    shock_candidates: Option<u32>,
    /// The shock that was drawn this evening: none or one.
    shocks: &'a [ShockRecord],
    /// Predictions that were compared with their outcome in this step.
    resolved: &'a [Resolved],
    /// Wrong statements of the card that only what is hidden made wrong.
    excused: &'a [Subject],
    /// What the step's input contained for the first time.
    revealed: Revealed<'a>,
    /// Mean of the errors that this step's input told of; null without one.
    pe_revealed: ByType<Option<Score>>,
    /// Errors accumulated as the agent's inputs told them.
    cumulative_pe_revealed: ByType<Option<&'a Accumulator>>,
    /// Mean error that the reference policy would have made about the agent's orders; null without one.
    pe_reference: OfOrders<Option<Score>>,
    /// Error statistics over windows, where `measurement.windows_in_steps` asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    windows: Option<ByType<SmallVec<[WindowStatistics; 3]>>>,
    /// Whether each detector flags now, by its name; null where it could not judge.
    #[schemars(with = "BTreeMap<String, Option<bool>>")]
    flags: Flags<'a>,
    /// How bad the crash was; null without one, and while too few steps were seen.
    severity: Option<Severity>,
    /// The chain over the world after the step and all hashes before it.
    state_hash: Hash128,
}

/// What the step's input contained for the first time.
#[derive(Serialize, JsonSchema)]
struct Revealed<'a> {
    /// Errors that the agent could see now.
    errors: &'a [RevealedError],
    /// Shocks of which it was told now.
    shocks: &'a [ShockId],
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

/// A line of `events.jsonl`, for the events of one owner.
#[derive(Serialize, JsonSchema)]
pub(super) struct WrittenEvent<'a, E> {
    /// The step in which it happened.
    step: Step,
    /// The day.
    day: Day,
    #[serde(flatten)]
    event: &'a E,
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

crate::base::table_resource::table_resource!(Recorder);

/// Record: the step and its events become lines.
pub fn record_step(
    turn: Res<Turn>,
    observation: Res<Observation>,
    ledger: Res<Ledger>,
    truth: Res<Truth>,
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
    let record = WrittenStep {
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
        state_after: StateAfter { budget: ledger.budget(), total_storage: truth.stock },
        action_source: turn.source,
        thoughts: turn.thoughts.as_deref(),
        usage: turn.model.as_deref(),
        served_model: turn.model.as_ref().and_then(|model| model.served_model.as_deref()),
        prediction_not_offered: &turn.not_offered,
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
        state_hash: Hash128(hash.value()),
    };
    json::line(&mut recorder.steps, &record).expect("a step record is JSON");
    let mut lines = EventLines { step, day, lines: &mut recorder.events };
    let mut of_world = journal.stamped();
    let mut of_shocks = doses.events().stamped(&journal);
    let mut of_predictions = predictions.events().stamped(&journal);
    let mut of_crashes = crash.events().stamped(&journal);
    loop {
        let first = [first(of_world), first(of_shocks), first(of_predictions), first(of_crashes)];
        let Some(next) = first.into_iter().flatten().min() else { break };
        lines.write(&mut of_world, next);
        lines.write(&mut of_shocks, next);
        lines.write(&mut of_predictions, next);
        lines.write(&mut of_crashes, next);
    }
}

/// The stamp of an owner's next event.
fn first<E>(events: &[Stamped<E>]) -> Option<Stamp> {
    events.first().map(|event| event.stamp)
}

/// The lines of a step's events.
struct EventLines<'a> {
    step: Step,
    day: Day,
    lines: &'a mut Vec<u8>,
}

impl EventLines<'_> {
    /// Writes an owner's next event, when it is the one that comes next of all.
    fn write<E: Serialize>(&mut self, events: &mut &[Stamped<E>], next: Stamp) {
        if let Some((Stamped { stamp, event }, later)) = events.split_first()
            && *stamp == next
        {
            let record = WrittenEvent { step: self.step, day: self.day, event };
            json::line(self.lines, &record).expect("an event is JSON");
            *events = later;
        }
    }
}

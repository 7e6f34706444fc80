//! The predictions of a run: what is open, decided and revealed, and the accounts of it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

use super::account::{Account, VoidReason};
use super::accumulate::{Score, Track, six_digits};
use super::calibration::Calibration;
use super::event::PredictionEvent;
use super::reveal::{RevealedError, Unrevealed};
use crate::base::decision::Action;
use crate::base::error_type::{ByType, ErrorType};
use crate::base::ids::{OrderId, ShockId};
use crate::base::units::Step;
use crate::config::settings::{MeasurementConfig, TemporalBasis};
use crate::engine::inbox::Receipt;
use crate::engine::journal::{EventLog, Journal};

/// What made an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A shock.
    Shock(ShockId),
    /// Units were turned away at the dock.
    Dock,
}

impl Cause {
    /// The shock, where it is one.
    #[must_use]
    pub fn shock(self) -> Option<ShockId> {
        match self {
            Cause::Shock(id) => Some(id),
            Cause::Dock => None,
        }
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cause::Shock(id) => serializer.collect_str(id),
            Cause::Dock => serializer.serialize_str("dock"),
        }
    }
}

impl<'de> Deserialize<'de> for Cause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cause, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let shock = || text.parse().map(Cause::Shock);
        if text == "dock" {
            Ok(Cause::Dock)
        } else {
            shock().map_err(|()| Error::custom(format!("{text:?} is no cause")))
        }
    }
}

impl JsonSchema for Cause {
    fn schema_name() -> Cow<'static, str> {
        "Cause".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What made an error: a shock, or units that were turned away at the dock.",
            "anyOf": [generator.subschema_for::<ShockId>(), {"const": "dock"}],
        })
    }
}

/// What was stated or came true.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Outcome")]
pub enum Value {
    /// A day, units or currency units.
    Number(f64),
    /// The fields of the causal type that were stated.
    Causal {
        /// Whether the action succeeds.
        #[serde(skip_serializing_if = "Option::is_none")]
        success: Option<bool>,
        /// Stock right after it.
        #[serde(skip_serializing_if = "Option::is_none")]
        storage_after: Option<f64>,
        /// Budget right after it.
        #[serde(skip_serializing_if = "Option::is_none")]
        budget_after: Option<f64>,
    },
}

impl Value {
    /// The budget right after the action, where it was stated.
    #[must_use]
    pub fn budget_after(&self) -> Option<f64> {
        match self {
            Value::Number(_) => None,
            Value::Causal { budget_after, .. } => *budget_after,
        }
    }

    /// The stock right after the action, where it was stated.
    #[must_use]
    pub fn storage_after(&self) -> Option<f64> {
        match self {
            Value::Number(_) => None,
            Value::Causal { storage_after, .. } => *storage_after,
        }
    }
}

/// A resolved prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    /// What it was about.
    #[serde(rename = "type")]
    pub kind: ErrorType,
    /// What was stated.
    pub expected: Value,
    /// What came true.
    pub actual: Value,
    /// How far off it was.
    #[serde(serialize_with = "six_digits")]
    pub error: f64,
    /// What could have made it wrong; empty when it was not.
    pub causes: SmallVec<[Cause; 2]>,
    /// The supplier order it was about.
    pub order: Option<OrderId>,
    /// Step of the card.
    pub step: Step,
}

/// A prediction as `tool_audit_predictions` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Audited {
    /// Step of the card.
    pub step: Step,
    #[serde(skip)]
    action: Arc<Action>,
    /// What it was about.
    #[serde(rename = "type")]
    pub kind: ErrorType,
    /// What was stated.
    pub expected: Value,
    /// What came true, once the agent's inputs have told it.
    pub actual: Option<Value>,
    /// How far off it was, once the agent's inputs have told it.
    pub error: Option<Score>,
    #[serde(skip)]
    decided: Option<(Value, f64)>,
}

impl Audited {
    /// The tool of the card's action.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.action.tool
    }
}

/// How many predictions an audit shows.
const AUDITED: usize = 20;

/// The predictions of a run. What is large is boxed: a table makes room for four.
#[derive(Clone, Debug)]
pub struct Predictions {
    basis: TemporalBasis,
    horizon: Step,
    tracks: Box<ByType<Track>>,
    revealed_tracks: Box<ByType<Track>>,
    reference_tracks: Box<ByType<Track>>,
    account: Box<Account>,
    calibration: Box<Calibration>,
    resolved: Vec<Resolved>,
    revealed: Vec<RevealedError>,
    unrevealed: Unrevealed,
    audited: VecDeque<Audited>,
    events: EventLog<PredictionEvent>,
}

crate::base::table_resource::table_resource!(Predictions);

impl Predictions {
    /// A run in which nothing was predicted yet.
    #[must_use]
    pub fn new(measurement: &MeasurementConfig) -> Predictions {
        let longest = measurement.pe_windows.iter().copied().max().unwrap_or(1);
        let tracks = || Box::new(ByType::build(|_| Track::new(longest)));
        Predictions {
            basis: measurement.temporal_basis,
            horizon: measurement.reveal_horizon,
            tracks: tracks(),
            revealed_tracks: tracks(),
            reference_tracks: tracks(),
            account: Box::default(),
            calibration: Box::default(),
            resolved: Vec::new(),
            revealed: Vec::new(),
            unrevealed: Unrevealed::default(),
            audited: VecDeque::with_capacity(AUDITED),
            events: EventLog::default(),
        }
    }

    /// What happened to predictions.
    #[must_use]
    pub fn events(&self) -> &EventLog<PredictionEvent> {
        &self.events
    }

    /// The account of all predictions.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The errors by type, at the step in which the world decided them.
    #[must_use]
    pub fn tracks(&self) -> &ByType<Track> {
        &self.tracks
    }

    /// The errors by type, at the step whose input first contained them.
    #[must_use]
    pub fn revealed_tracks(&self) -> &ByType<Track> {
        &self.revealed_tracks
    }

    /// The errors that the reference policy would have made about the agent's orders.
    #[must_use]
    pub fn reference_tracks(&self) -> &ByType<Track> {
        &self.reference_tracks
    }

    /// How well stated confidences agree with outcomes.
    #[must_use]
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// The predictions resolved in the present step.
    #[must_use]
    pub fn resolved(&self) -> &[Resolved] {
        &self.resolved
    }

    /// The errors that the present step's input contained for the first time.
    #[must_use]
    pub fn revealed(&self) -> &[RevealedError] {
        &self.revealed
    }

    /// The last predictions, oldest first, as far as the agent's inputs have told what became of them.
    pub fn audited(&self) -> impl Iterator<Item = &Audited> {
        self.audited.iter()
    }

    pub(crate) fn basis(&self) -> TemporalBasis {
        self.basis
    }

    /// A new step: nothing resolved yet, and what the last step's result told is revealed.
    pub(crate) fn open_step(&mut self) {
        self.resolved.clear();
        self.revealed.clear();
        for error in self.unrevealed.take_next_input() {
            self.reveal(error);
        }
    }

    /// The input contains a receipt.
    pub(crate) fn read_receipt(&mut self, receipt: &Receipt) {
        let mut told: SmallVec<[RevealedError; 3]> = SmallVec::new();
        self.unrevealed.take_by_receipt(receipt, |error| told.push(error));
        for error in told {
            self.reveal(error);
        }
    }

    pub(crate) fn knows_charge(&self, order: OrderId) -> bool {
        self.unrevealed.knows_charge(order)
    }

    fn reveal(&mut self, error: RevealedError) {
        self.account.reveal(error.kind);
        self.revealed_tracks.get_mut(error.kind).decide(error.error);
        self.revealed.push(error);
        let known = self.audited.iter_mut().find(|audited| audited.step == error.step && audited.kind == error.kind);
        if let Some(audited) = known
            && let Some((actual, error)) = audited.decided
        {
            audited.actual = Some(actual);
            audited.error = Some(Score(error));
        }
    }

    pub(crate) fn account_mut(&mut self) -> &mut Account {
        &mut self.account
    }

    pub(crate) fn calibrate(&mut self, confidence: f64, right: bool) {
        self.calibration.take_in(confidence, right);
    }

    /// A prediction was made.
    pub(crate) fn make(&mut self, kind: ErrorType, expected: Value, step: Step, action: Option<&Arc<Action>>) {
        self.account.make(kind);
        let Some(action) = action else { return };
        if self.audited.len() == AUDITED {
            self.audited.pop_front();
        }
        let action = action.clone();
        self.audited.push_back(Audited { step, action, kind, expected, actual: None, error: None, decided: None });
    }

    /// A prediction was resolved. `told` says how the agent will learn of it.
    pub(crate) fn resolve(&mut self, resolved: Resolved, told: ToldBy, now: Step) {
        let Resolved { kind, error, order, step, .. } = resolved;
        self.account.resolve(kind, error);
        self.tracks.get_mut(kind).decide(error);
        let known = self.audited.iter_mut().find(|audited| audited.step == step && audited.kind == kind);
        if let Some(audited) = known {
            audited.decided = Some((resolved.actual, error));
        }
        let revealed = RevealedError { kind, order, step, error };
        match (told, order) {
            (ToldBy::Receipt, Some(order)) => self.unrevealed.by_receipt(order, revealed, now),
            _ => self.unrevealed.in_next_input(revealed),
        }
        self.resolved.push(resolved);
    }

    /// An error that the reference policy would have made.
    pub(crate) fn refer(&mut self, kind: ErrorType, error: f64) {
        self.reference_tracks.get_mut(kind).decide(error);
    }

    pub(crate) fn void(&mut self, made_on: Step, kind: ErrorType, void_reason: VoidReason, journal: &mut Journal) {
        self.account.void(kind, void_reason);
        self.events.note(PredictionEvent::Voided { made_on, kind, void_reason }, journal);
    }

    /// A shock is to blame for an error.
    pub(crate) fn blame(&mut self, resolved: &Resolved, shock_id: ShockId, journal: &mut Journal) {
        let (kind, made_on) = (resolved.kind, resolved.step);
        self.events.note(PredictionEvent::TurnedWrong { shock_id, kind, made_on }, journal);
    }

    /// The step is over: means enter the averages, and what was not revealed for too long is closed.
    pub(crate) fn close_step(&mut self, step: Step) {
        for kind in ErrorType::ALL {
            self.tracks.get_mut(kind).close_step(step);
            self.revealed_tracks.get_mut(kind).close_step(step);
            self.reference_tracks.get_mut(kind).close_step(step);
        }
        let account = &mut self.account;
        self.unrevealed.close_before(step.saturating_sub(self.horizon), |kind| account.never_reveal(kind));
    }

    pub(crate) fn horizon(&self) -> Step {
        self.horizon
    }
}

/// How the agent learns of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToldBy {
    /// By the result of the action, or because it was told already.
    NextInput,
    /// By the receipt of the order.
    Receipt,
}

/// Mean error of the step by type.
#[must_use]
pub fn step_means(tracks: &ByType<Track>) -> ByType<Option<Score>> {
    ByType::build(|kind| tracks.get(kind).step_mean())
}

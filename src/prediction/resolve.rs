//! Binding and resolving: from the card of an action to errors, in the step in which the world decides.

use bevy::prelude::*;
use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use super::account::{Account, VoidReason};
use super::accumulate::{Score, Track, six_digits};
use super::card::Card;
use super::error::{self, ByType, ErrorType};
use super::expectation::Expectation;
use crate::config::settings::{MeasurementConfig, TemporalBasis};
use crate::ids::{OrderId, ShockId};
use crate::shock::ledger::{DoseLedger, Shock};
use crate::step::turn::Turn;
use crate::tool::registry::ToolRegistry;
use crate::tool::result::Binding;
use crate::units::Step;
use crate::world::calendar::Calendar;
use crate::world::journal::{Causes, Delivery, Event, Journal};
use crate::world::order::{OpenExpectations, Orders};
use crate::world::sku::{Shelves, Sku, Stock};

/// What made an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A shock.
    Shock(ShockId),
    /// Units were turned away at the dock.
    Dock,
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cause::Shock(id) => serializer.collect_str(id),
            Cause::Dock => serializer.serialize_str("dock"),
        }
    }
}

/// What was stated or came true.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
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

/// A resolved prediction.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// What could have made it wrong.
    pub causes: SmallVec<[Cause; 2]>,
    /// The supplier order it was about.
    pub order: Option<OrderId>,
    /// Step of the card.
    pub step: Step,
}

/// The predictions of a run.
#[derive(Resource, Clone, Debug)]
pub struct Predictions {
    basis: TemporalBasis,
    tracks: ByType<Track>,
    account: Account,
    resolved: Vec<Resolved>,
}

impl Predictions {
    /// A run in which nothing was predicted yet.
    #[must_use]
    pub fn new(measurement: &MeasurementConfig) -> Predictions {
        let longest = measurement.pe_windows.iter().copied().max().unwrap_or(1);
        Predictions {
            basis: measurement.temporal_basis,
            tracks: ByType::build(|_| Track::new(longest)),
            account: Account::default(),
            resolved: Vec::new(),
        }
    }

    /// The account of all predictions.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The errors by type.
    #[must_use]
    pub fn tracks(&self) -> &ByType<Track> {
        &self.tracks
    }

    /// The predictions resolved in the present step.
    #[must_use]
    pub fn resolved(&self) -> &[Resolved] {
        &self.resolved
    }

    /// Mean error of the present step by type.
    #[must_use]
    pub fn step_means(&self) -> ByType<Option<Score>> {
        ByType::build(|kind| self.tracks.get(kind).step_mean())
    }

    fn resolve(&mut self, resolved: Resolved) {
        self.account.resolve(resolved.kind, resolved.error);
        self.tracks.get_mut(resolved.kind).decide(resolved.error);
        self.resolved.push(resolved);
    }

    fn void(&mut self, made_on: Step, kind: ErrorType, void_reason: VoidReason, journal: &mut Journal) {
        self.account.void(kind, void_reason);
        journal.note(Event::PredictionVoided { made_on, kind, void_reason });
    }
}

/// Act: the card's predictions bind to what the tool did; what binds to nothing is void at once.
#[expect(clippy::too_many_arguments, reason = "a system's parameters are what it reads and writes")]
pub fn bind_predictions(
    turn: Res<Turn>,
    calendar: Res<Calendar>,
    tools: Res<ToolRegistry>,
    shelves: Res<Shelves>,
    skus: Query<(&Sku, &Stock)>,
    orders: Res<Orders>,
    mut open: Query<&mut OpenExpectations>,
    mut doses: ResMut<DoseLedger>,
    mut predictions: ResMut<Predictions>,
    mut journal: ResMut<Journal>,
    mut commands: Commands,
) {
    let predictions = &mut *predictions;
    predictions.resolved.clear();
    let (step, today) = (turn.step, f64::from(calendar.day()));
    // What the action ends, whether or not it comes with a card.
    match &turn.binding {
        Binding::Cancelled { voided, shocks, .. } => {
            doses.close(shocks, &mut commands);
            for expectation in voided {
                predictions.void(expectation.made_on, expectation.kind, VoidReason::OrderCancelled, &mut journal);
            }
        }
        Binding::Expedited { order, .. } => {
            for old in expectations_of(*order, &orders, &mut open).extract_if(.., |old| old.kind == ErrorType::Temporal)
            {
                predictions.void(old.made_on, old.kind, VoidReason::Expedited, &mut journal);
            }
        }
        Binding::Action | Binding::Ordered(_) => {}
    }

    let action = turn.action.as_deref();
    let could_bind = if turn.result.success == Some(true) { tools.binds(turn.action_tool()) } else { &[] };
    let empty = Card::default();
    let card = turn.card.as_ref().unwrap_or(&empty);
    let other_tool = card.tool.as_deref().is_some_and(|tool| action.is_some_and(|action| action.tool != tool));
    for kind in ErrorType::ALL {
        let stated = card.predicts(kind);
        if stated {
            predictions.account.make(kind);
        }
        // A causal prediction speaks of the action itself, also of one that fails.
        let bindable = if kind == ErrorType::Causal { action.is_some() } else { could_bind.contains(&kind) };
        let binds = stated && bindable && !other_tool;
        if bindable {
            predictions.account.bindable(kind, binds);
        }
        if !stated {
            continue;
        }
        if !binds {
            let reason = match action {
                None => VoidReason::NoAction,
                Some(_) if other_tool => VoidReason::OtherTool,
                Some(action) if tools.binds(&action.tool).contains(&kind) => VoidReason::ActionFailed,
                Some(_) => VoidReason::NotBoundByTool,
            };
            predictions.void(step, kind, reason, &mut journal);
            continue;
        }
        if kind == ErrorType::Causal {
            let storage = match turn.subject {
                Some(sku) => skus.get(shelves.by_id()[sku.index()]).expect("the SKU exists").1.units(),
                None => shelves.on_hand(),
            };
            predictions.resolve(causal(card, &turn, f64::from(storage), doses.open_shocks()));
            continue;
        }
        let expected = match kind {
            ErrorType::Temporal => card.expected_delivery_day,
            ErrorType::Quantity => card.expected_quantity,
            ErrorType::Cost | ErrorType::Causal => card.expected_cost,
        }
        .expect("the card states it");
        match &turn.binding {
            Binding::Cancelled { fee, .. } => predictions.resolve(fee_error(expected, fee.as_units(), None, step)),
            Binding::Expedited { order, fee } if kind == ErrorType::Cost => {
                predictions.resolve(fee_error(expected, fee.as_units(), Some(*order), step));
            }
            Binding::Ordered(order) | Binding::Expedited { order, .. } => {
                expectations_of(*order, &orders, &mut open).push(Expectation {
                    made_on: step,
                    kind,
                    expected,
                    from_day: today,
                });
            }
            Binding::Action => predictions.void(step, kind, VoidReason::NotBoundByTool, &mut journal),
        }
    }
}

/// What is open on a pending order.
fn expectations_of<'a>(
    order: OrderId,
    orders: &Orders,
    open: &'a mut Query<&mut OpenExpectations>,
) -> &'a mut Vec<Expectation> {
    let entity = orders.entity(order).expect("the order was just dealt with");
    &mut open.get_mut(entity).expect("a pending order holds expectations").into_inner().0
}

/// A fee is decided when it is posted: in the step of the action. No shock changes a fee.
fn fee_error(expected: f64, actual: f64, order: Option<OrderId>, step: Step) -> Resolved {
    Resolved {
        kind: ErrorType::Cost,
        expected: Value::Number(expected),
        actual: Value::Number(actual),
        error: error::relative(expected, actual),
        causes: SmallVec::new(),
        order,
        step,
    }
}

/// 1 when any stated field is not what is true right after the action.
fn causal(card: &Card, turn: &Turn, storage: f64, open_shocks: impl Iterator<Item = ShockId>) -> Resolved {
    let success = turn.result.success == Some(true);
    let budget = turn.budget_after.as_units();
    let off = |stated: Option<f64>, actual: f64| stated.is_some_and(|s| (s - actual).abs() > error::CAUSAL_TOLERANCE);
    let wrong = card.expected_success.is_some_and(|stated| stated != success)
        || off(card.expected_storage_after, storage)
        || off(card.expected_budget_after, budget);
    Resolved {
        kind: ErrorType::Causal,
        expected: Value::Causal {
            success: card.expected_success,
            storage_after: card.expected_storage_after,
            budget_after: card.expected_budget_after,
        },
        actual: Value::Causal {
            success: card.expected_success.map(|_| success),
            storage_after: card.expected_storage_after.map(|_| storage),
            budget_after: card.expected_budget_after.map(|_| budget),
        },
        error: f64::from(u8::from(wrong)),
        causes: if wrong { open_shocks.map(Cause::Shock).collect() } else { SmallVec::new() },
        order: None,
        step: turn.step,
    }
}

/// Resolve: what this morning's deliveries decided becomes errors, and the step's means enter the averages.
pub fn resolve_predictions(
    journal: Res<Journal>,
    calendar: Res<Calendar>,
    shocks: Query<&Shock>,
    mut doses: ResMut<DoseLedger>,
    mut predictions: ResMut<Predictions>,
    mut commands: Commands,
) {
    let predictions = &mut *predictions;
    for delivery in journal.deliveries() {
        for expectation in &delivery.expectations {
            let resolved = of_delivery(expectation, delivery, f64::from(calendar.day()), predictions.basis);
            if resolved.error != 0.0 {
                let culprits: Causes = resolved
                    .causes
                    .iter()
                    .filter_map(|cause| match cause {
                        Cause::Shock(id) => Some(*id),
                        Cause::Dock => None,
                    })
                    .collect();
                doses.turned_wrong(&culprits, &shocks);
            }
            predictions.resolve(resolved);
        }
        doses.close(&delivery.day_shocks, &mut commands);
        doses.close(&delivery.quantity_shocks, &mut commands);
    }
    for kind in ErrorType::ALL {
        predictions.tracks.get_mut(kind).close_step(calendar.step());
    }
}

fn of_delivery(expectation: &Expectation, delivery: &Delivery, today: f64, basis: TemporalBasis) -> Resolved {
    let Expectation { made_on, kind, expected, from_day } = *expectation;
    let (actual, error, shocks) = match kind {
        ErrorType::Temporal => (today, error::temporal(expected, today, from_day, basis), &delivery.day_shocks),
        ErrorType::Quantity => {
            let taken = f64::from(delivery.taken);
            (taken, error::relative(expected, taken), &delivery.quantity_shocks)
        }
        ErrorType::Cost | ErrorType::Causal => {
            let charged = delivery.charged.as_units();
            (charged, error::relative(expected, charged), &delivery.quantity_shocks)
        }
    };
    let dock = (kind != ErrorType::Temporal && delivery.turned_away > 0).then_some(Cause::Dock);
    Resolved {
        kind,
        expected: Value::Number(expected),
        actual: Value::Number(actual),
        error,
        causes: shocks.iter().copied().map(Cause::Shock).chain(dock).collect(),
        order: Some(delivery.order),
        step: made_on,
    }
}

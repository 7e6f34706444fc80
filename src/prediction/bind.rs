//! Binding: the card's predictions attach to what the tool did; what binds to nothing is void at once.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use smallvec::SmallVec;

use super::account::VoidReason;
use super::hidden_causes::HiddenCauses;
use super::predictions::{Predictions, Resolved, ToldBy, Value};
use crate::base::card::Card;
use crate::base::error_type::ErrorType;
use crate::base::expectation::{Expectation, Reference};
use crate::base::ids::{OrderId, ShockId};
use crate::base::units::Step;
use crate::engine::calendar::Calendar;
use crate::engine::journal::Journal;
use crate::engine::ledger::Ledger;
use crate::engine::orders::{InTransit, OpenExpectations, Orders, PurchaseOrder};
use crate::interface::forecast::Forecast;
use crate::interface::observation::Briefing;
use crate::interface::result::Binding;
use crate::interface::result::ErrorClass;
use crate::interface::shown::Knowledge;
use crate::interface::statement::{Statement, Statements, Subject};
use crate::interface::tool_kind::ToolKind;
use crate::interface::truth::Truth;
use crate::interface::turn::Turn;
use crate::prediction::error;
use crate::shock::ledger::DoseLedger;

/// The world right after the action, as far as predictions speak of it.
#[derive(SystemParam)]
pub struct Aftermath<'w, 's> {
    calendar: Res<'w, Calendar>,
    truth: Res<'w, Truth>,
    orders: Res<'w, Orders>,
    pending: Query<'w, 's, (&'static PurchaseOrder, &'static InTransit)>,
    open: Query<'w, 's, &'static mut OpenExpectations>,
    ledger: Res<'w, Ledger>,
    knowledge: Res<'w, Knowledge>,
    briefing: Res<'w, Briefing>,
}

impl Aftermath<'_, '_> {
    /// What is open on a pending order.
    fn open_on(&mut self, order: OrderId) -> &mut OpenExpectations {
        let entity = self.orders.entity(order).expect("the order was just dealt with");
        self.open.get_mut(entity).expect("a pending order holds expectations").into_inner()
    }

    /// What the supplier said of an order that was just dealt with.
    fn said(&self, order: OrderId, kind: ErrorType) -> f64 {
        let entity = self.orders.entity(order).expect("the order was just dealt with");
        let (order, _) = self.pending.get(entity).expect("a pending order is an entity");
        match kind {
            ErrorType::Temporal => f64::from(order.promised),
            ErrorType::Quantity => f64::from(order.quantity),
            ErrorType::Cost | ErrorType::Causal => order.value().as_units(),
        }
    }

    /// Shocks that pending orders and postings carry and that can have made stock or money other than was promised.
    fn carried_shocks(&self) -> impl Iterator<Item = ShockId> + '_ {
        let today = self.calendar.day();
        let overdue = self.pending.iter_many(self.orders.entities()).filter(move |(order, _)| order.promised <= today);
        let on_orders = overdue.flat_map(|(_, transit)| transit.day_shocks.iter().copied());
        on_orders.chain(self.ledger.late().iter().map(|late| late.late_by))
    }
}

/// Act: binds the predictions of the action's card.
pub fn bind_predictions(
    mut turn: ResMut<Turn>,
    mut after: Aftermath,
    mut doses: ResMut<DoseLedger>,
    mut predictions: ResMut<Predictions>,
    mut hidden_causes: ResMut<HiddenCauses>,
    mut journal: ResMut<Journal>,
    mut commands: Commands,
) {
    let turn = &mut *turn;
    let predictions = &mut *predictions;
    let (step, today) = (turn.step, f64::from(after.calendar.day()));
    hidden_causes.take_in(&journal);
    void_what_the_action_ends(turn, predictions, &mut after, &mut doses, &mut journal, &mut commands);
    turn.statements.clear();
    turn.excused.clear();
    if let Binding::Ordered(order) = turn.binding {
        let reference = refer(turn, &after, today);
        after.open_on(order).reference = reference;
    }

    let action = turn.action.as_ref();
    let could_bind = if turn.result.success == Some(true) { after.briefing.binds(turn.action_tool()) } else { &[] };
    let empty = Card::default();
    let card = turn.card.as_ref().unwrap_or(&empty);
    let other_tool = card.tool.as_deref().is_some_and(|tool| action.is_some_and(|action| action.tool != tool));
    for kind in ErrorType::ALL {
        let expected = stated(card, kind);
        if let Some(expected) = expected {
            predictions.make(kind, expected, step, action);
        }
        // A causal prediction speaks of the action itself, also of one that fails.
        let bindable = if kind == ErrorType::Causal { action.is_some() } else { could_bind.contains(&kind) };
        let binds = expected.is_some() && bindable && !other_tool;
        if bindable {
            predictions.account_mut().bindable(kind, binds);
        }
        let Some(expected) = expected else { continue };
        if !binds {
            let reason = match action {
                None => VoidReason::NoAction,
                Some(_) if other_tool => VoidReason::OtherTool,
                Some(action) if after.briefing.binds(&action.tool).contains(&kind) => VoidReason::ActionFailed,
                Some(_) => VoidReason::NotBoundByTool,
            };
            predictions.void(step, kind, reason, &mut journal);
            continue;
        }
        let Value::Number(number) = expected else {
            let resolved = causal(card, turn, &after, &hidden_causes);
            let right = card.expected_success.map(|stated| stated == (turn.result.success == Some(true)));
            if let (Some(confidence), Some(right)) = (card.confidence, right) {
                predictions.calibrate(confidence, right);
            }
            (turn.statements, turn.excused) = statements(card, turn, &resolved, &after);
            count_wrong(&resolved, &mut doses, predictions, &mut journal);
            predictions.resolve(resolved, ToldBy::NextInput, step);
            continue;
        };
        match &turn.binding {
            Binding::Cancelled { order, fee, .. } => {
                predictions.resolve(fee_error(number, fee.as_units(), *order, step), ToldBy::NextInput, step);
            }
            Binding::Expedited { order, fee } if kind == ErrorType::Cost => {
                predictions.resolve(fee_error(number, fee.as_units(), *order, step), ToldBy::NextInput, step);
            }
            Binding::Ordered(order) | Binding::Expedited { order, .. } => {
                let misled = after.said(*order, kind) != number;
                let expectation = Expectation { made_on: step, kind, expected: number, from_day: today, misled };
                after.open_on(*order).stated.push(expectation);
            }
            Binding::Reset { .. } | Binding::Action => {
                predictions.void(step, kind, VoidReason::NotBoundByTool, &mut journal);
            }
        }
    }
}

/// A cancel voids what is open on the order; an expedite voids older predictions of its day; a reset voids all.
fn void_what_the_action_ends(
    turn: &Turn,
    predictions: &mut Predictions,
    after: &mut Aftermath,
    doses: &mut DoseLedger,
    journal: &mut Journal,
    commands: &mut Commands,
) {
    match &turn.binding {
        Binding::Cancelled { voided, shocks, .. } => {
            doses.unlink(shocks, commands);
            for expectation in voided {
                predictions.void(expectation.made_on, expectation.kind, VoidReason::OrderCancelled, journal);
            }
        }
        Binding::Expedited { order, .. } => {
            let open = after.open_on(*order);
            for old in open.stated.extract_if(.., |old| old.kind == ErrorType::Temporal) {
                predictions.void(old.made_on, old.kind, VoidReason::Expedited, journal);
            }
            if let Some(reference) = &mut open.reference {
                reference.day = None;
            }
        }
        Binding::Reset { voided } => {
            for expectation in voided {
                predictions.void(expectation.made_on, expectation.kind, VoidReason::BeliefsReset, journal);
            }
        }
        Binding::Action | Binding::Ordered(_) => {}
    }
}

/// What a card states of a type; `None` when nothing.
fn stated(card: &Card, kind: ErrorType) -> Option<Value> {
    match kind {
        ErrorType::Temporal => card.expected_delivery_day.map(Value::Number),
        ErrorType::Quantity => card.expected_quantity.map(Value::Number),
        ErrorType::Cost => card.expected_cost.map(Value::Number),
        ErrorType::Causal => card.predicts(ErrorType::Causal).then_some(Value::Causal {
            success: card.expected_success,
            storage_after: card.expected_storage_after,
            budget_after: card.expected_budget_after,
        }),
    }
}

/// What the reference policy would have stated of an order that was just placed, from what was shown before.
fn refer(turn: &Turn, after: &Aftermath, from_day: f64) -> Option<Reference> {
    let action = turn.action.as_deref().filter(|_| turn.tool_kind == Some(ToolKind::Purchase))?;
    let Forecast { delivery_day, quantity, cost, .. } = after.knowledge.0.forecast(action, &after.briefing);
    Some(Reference { day: delivery_day, quantity, cost, from_day })
}

/// A fee is decided when it is posted: in the step of the action. No shock changes a fee.
fn fee_error(expected: f64, actual: f64, order: OrderId, step: Step) -> Resolved {
    Resolved {
        kind: ErrorType::Cost,
        expected: Value::Number(expected),
        actual: Value::Number(actual),
        error: error::relative(expected, actual),
        causes: SmallVec::new(),
        order: Some(order),
        step,
    }
}

/// 1 when any stated field is not what is true right after the action.
fn causal(card: &Card, turn: &Turn, after: &Aftermath, hidden_causes: &HiddenCauses) -> Resolved {
    let success = turn.result.success == Some(true);
    let storage = f64::from(after.truth.storage_after());
    let budget = turn.budget_after.as_units();
    let off = |stated: Option<f64>, actual: f64| stated.is_some_and(|s| (s - actual).abs() > error::CAUSAL_TOLERANCE);
    let success_off = card.expected_success.is_some_and(|stated| stated != success);
    let (stock_off, money_off) = (off(card.expected_storage_after, storage), off(card.expected_budget_after, budget));
    let wrong = success_off || stock_off || money_off;
    // A call that failed by the agent's own fault failed because of nothing else.
    let hidden_outcome = success_off && turn.error_class != Some(ErrorClass::Agent);
    Resolved {
        kind: ErrorType::Causal,
        expected: stated(card, ErrorType::Causal).expect("the card predicts something causal"),
        actual: Value::Causal {
            success: card.expected_success.map(|_| success),
            storage_after: card.expected_storage_after.map(|_| storage),
            budget_after: card.expected_budget_after.map(|_| budget),
        },
        error: f64::from(u8::from(wrong)),
        causes: if stock_off || money_off || hidden_outcome {
            hidden_causes.causes(money_off || hidden_outcome, stock_off || hidden_outcome, after.carried_shocks())
        } else {
            SmallVec::new()
        },
        order: None,
        step: turn.step,
    }
}

/// The card's statements of stock and money beside the truth. One that is wrong counts only when what was shown says
/// otherwise too: a shock that was not revealed is nobody's false belief. Those that do not count come second.
fn statements(
    card: &Card,
    turn: &Turn,
    resolved: &Resolved,
    after: &Aftermath,
) -> (Statements, SmallVec<[Subject; 2]>) {
    let (mut all, mut excused) = (Statements::new(), SmallVec::new());
    let Value::Causal { storage_after, budget_after, .. } = resolved.actual else { return (all, excused) };
    let mut shown: Option<Forecast> = None;
    let pairs = [
        (Subject::Money, card.expected_budget_after, budget_after),
        (Subject::Units, card.expected_storage_after, storage_after),
    ];
    for (subject, stated, actual) in pairs {
        let (Some(stated), Some(actual)) = (stated, actual) else { continue };
        if (stated - actual).abs() > error::CAUSAL_TOLERANCE
            && !resolved.causes.is_empty()
            && let Some(action) = turn.action.as_deref()
        {
            let shown = shown.get_or_insert_with(|| after.knowledge.0.forecast(action, &after.briefing));
            let believable = match subject {
                Subject::Money => shown.budget_after.as_units(),
                Subject::Units => shown.storage_after as f64,
            };
            if (stated - believable).abs() <= error::CAUSAL_TOLERANCE {
                excused.push(subject);
                continue;
            }
        }
        all.push(Statement { subject, stated, actual });
    }
    (all, excused)
}

/// Counts a wrong prediction for the shocks that caused it.
pub(crate) fn count_wrong(
    resolved: &Resolved,
    doses: &mut DoseLedger,
    predictions: &mut Predictions,
    journal: &mut Journal,
) {
    if resolved.error != 0.0 {
        for shock_id in resolved.causes.iter().filter_map(|cause| cause.shock()) {
            if doses.turned_wrong(shock_id) {
                predictions.blame(resolved, shock_id, journal);
            }
        }
    }
}

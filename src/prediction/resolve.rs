//! Resolving: what this morning's deliveries and postings decided becomes errors, in the step in which the world
//! decided it.

use bevy::prelude::*;
use smallvec::SmallVec;

use super::bind::count_wrong;
use super::predictions::{Cause, Predictions, Resolved, ToldBy, Value};
use crate::base::error_type::ErrorType;
use crate::base::expectation::Expectation;
use crate::base::ids::{OrderId, ShockId};
use crate::base::units::Cents;
use crate::config::settings::TemporalBasis;
use crate::engine::calendar::Calendar;
use crate::engine::journal::{ChargeOutcome, Delivery, Journal, WorldEvent};
use crate::prediction::error;
use crate::shock::ledger::DoseLedger;

/// Resolve: errors of deliveries and charges, and the end of the step's account.
pub fn resolve_predictions(
    mut journal: ResMut<Journal>,
    calendar: Res<Calendar>,
    mut doses: ResMut<DoseLedger>,
    mut predictions: ResMut<Predictions>,
    mut commands: Commands,
) {
    let predictions = &mut *predictions;
    let step = calendar.step();
    let mut decided: SmallVec<[(Resolved, ToldBy); 4]> = SmallVec::new();
    let mut done: SmallVec<[ShockId; 4]> = SmallVec::new();
    for event in journal.events() {
        match event {
            WorldEvent::Delivery(delivery) => {
                let today = f64::from(calendar.day());
                for expectation in &delivery.expectations {
                    let resolved = of_delivery(expectation, delivery, today, predictions.basis());
                    decided.push((resolved, ToldBy::Receipt));
                }
                refer(delivery, today, predictions);
                done.extend(delivery.day_shocks.iter().chain(&delivery.told_shocks).copied());
            }
            WorldEvent::Posting { amount, charge, late_by, .. } => {
                if let Some(charge) = charge {
                    // A late charge may have been told by its receipt before it was decided.
                    let told = if predictions.knows_charge(charge.order) { ToldBy::NextInput } else { ToldBy::Receipt };
                    for expectation in &charge.expectations {
                        decided.push((of_charge(expectation, charge, *amount, *late_by), told));
                    }
                    if let Some(expected) = charge.reference {
                        predictions.refer(ErrorType::Cost, error::relative(expected, amount.as_units()));
                    }
                    done.extend(charge.price_shocks.iter().chain(&charge.quantity_shocks).copied());
                }
                done.extend(*late_by);
            }
            _ => {}
        }
    }
    for (resolved, told) in decided {
        count_wrong(&resolved, &mut doses, predictions, &mut journal);
        predictions.resolve(resolved, told, step);
    }
    doses.unlink(&done, &mut commands);
    predictions.close_step(step);
    doses.forget_unrevealed_before(step.saturating_sub(predictions.horizon()));
}

/// What the reference policy would have been off by, about day and quantity.
fn refer(delivery: &Delivery, today: f64, predictions: &mut Predictions) {
    let Some(reference) = delivery.reference else { return };
    if let Some(expected) = reference.day {
        let error = error::temporal(expected, today, reference.from_day, predictions.basis());
        predictions.refer(ErrorType::Temporal, error);
    }
    if let Some(expected) = reference.quantity {
        predictions.refer(ErrorType::Quantity, error::relative(expected, f64::from(delivery.taken)));
    }
}

fn of_delivery(expectation: &Expectation, delivery: &Delivery, today: f64, basis: TemporalBasis) -> Resolved {
    let Expectation { expected, from_day, .. } = *expectation;
    if expectation.kind == ErrorType::Temporal {
        let error = error::temporal(expected, today, from_day, basis);
        let old_news = delivery.told_shocks.iter().filter(|_| expectation.misled);
        let shocks = delivery.day_shocks.iter().chain(old_news).copied();
        resolved(expectation, delivery.order, today, error, shocks, false)
    } else {
        let taken = f64::from(delivery.taken);
        let error = error::relative(expected, taken);
        let shocks = delivery.quantity_shocks.iter().copied();
        resolved(expectation, delivery.order, taken, error, shocks, delivery.turned_away > 0)
    }
}

fn of_charge(expectation: &Expectation, charge: &ChargeOutcome, amount: Cents, late_by: Option<ShockId>) -> Resolved {
    let charged = amount.as_units();
    let error = error::relative(expectation.expected, charged);
    let old_news = charge.price_shocks.iter().filter(|_| expectation.misled);
    let shocks = charge.quantity_shocks.iter().chain(old_news).copied().chain(late_by);
    resolved(expectation, charge.order, charged, error, shocks, charge.turned_away)
}

fn resolved(
    expectation: &Expectation,
    order: OrderId,
    actual: f64,
    error: f64,
    shocks: impl Iterator<Item = ShockId>,
    dock: bool,
) -> Resolved {
    let Expectation { made_on, kind, expected, .. } = *expectation;
    let causes = shocks.map(Cause::Shock).chain(dock.then_some(Cause::Dock));
    Resolved {
        kind,
        expected: Value::Number(expected),
        actual: Value::Number(actual),
        error,
        causes: if error == 0.0 { SmallVec::new() } else { causes.collect() },
        order: Some(order),
        step: made_on,
    }
}

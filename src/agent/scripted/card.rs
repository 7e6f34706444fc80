//! The card of an honest scripted agent: what follows from the shown state, stated as far as it is offered.

use crate::agent::action::Action;
use crate::agent::observation::Briefing;
use crate::agent::shown::ShownState;
use crate::prediction::card::{Card, CardRule, Field};
use crate::prediction::error::ErrorType;
use crate::tool::name;
use crate::units::{Cents, Day};

/// What the action will do, as far as the shown state tells.
#[derive(Default)]
struct Forecast {
    success: bool,
    delivery_day: Option<f64>,
    quantity: Option<f64>,
    cost: Option<f64>,
    storage_after: i64,
    budget_after: Cents,
}

/// The card that an honest agent states with an action; `None` where the interface offers none.
///
/// It states every field that it is offered and that the action's tool can bind.
#[must_use]
pub fn honest_card(action: &Action, shown: &ShownState, briefing: &Briefing) -> Option<Card> {
    let rule = &briefing.cards;
    let binds = briefing.tool(&action.tool).map_or(&[][..], |tool| tool.binds);
    let forecast = forecast(action, shown, briefing);
    let offered = |field: Field| rule.offers(field) && field.error_type().is_some_and(|kind| binds.contains(&kind));
    let mut card = Card {
        tool: Some(action.tool.clone()),
        args: Some(action.args.clone()),
        expected_success: offered(Field::Success).then_some(forecast.success),
        expected_delivery_day: forecast.delivery_day.filter(|_| offered(Field::DeliveryDay)),
        expected_quantity: forecast.quantity.filter(|_| offered(Field::Quantity)),
        expected_cost: forecast.cost.filter(|_| offered(Field::Cost)),
        expected_storage_after: offered(Field::StorageAfter).then_some(forecast.storage_after.max(0) as f64),
        expected_budget_after: offered(Field::BudgetAfter).then_some(forecast.budget_after.as_units()),
        ..Card::default()
    };
    fill_demanded(&mut card, rule, binds, shown.day());
    Some(card)
}

/// States the rich fields where they are offered, and a default for whatever is demanded and still missing.
pub(super) fn fill_demanded(card: &mut Card, rule: &CardRule, binds: &[ErrorType], today: Day) {
    let offered = |field: Field| rule.offers(field);
    if offered(Field::Confidence) {
        card.confidence = Some(0.9);
    }
    let text = |field: Field, words: &str| offered(field).then(|| words.to_owned());
    card.uncertain_about = text(Field::UncertainAbout, "whether orders arrive as promised");
    card.based_on = text(Field::BasedOn, "what the messages and results so far have shown");
    card.alternatives_considered = text(Field::AlternativesConsidered, "waiting");
    card.reasoning = text(Field::Reasoning, "this serves the customer who waits longest");
    for field in Field::ALL.into_iter().filter(|field| rule.demands(*field, binds)) {
        let number = match field {
            Field::DeliveryDay => &mut card.expected_delivery_day,
            Field::Quantity => &mut card.expected_quantity,
            Field::Cost => &mut card.expected_cost,
            Field::StorageAfter => &mut card.expected_storage_after,
            Field::BudgetAfter => &mut card.expected_budget_after,
            _ => continue,
        };
        number.get_or_insert(if field == Field::DeliveryDay { f64::from(today) } else { 0.0 });
    }
}

fn forecast(action: &Action, shown: &ShownState, briefing: &Briefing) -> Forecast {
    let text = |key: &str| action.args.get(key).and_then(serde_json::Value::as_str);
    let today = shown.day();
    let as_it_is = Forecast {
        success: briefing.tool(&action.tool).is_some(),
        storage_after: shown.expected_storage(),
        budget_after: shown.expected_budget(),
        ..Forecast::default()
    };
    match action.tool.as_str() {
        name::ORDER | name::QUOTE => {
            let supplier = text("supplier_id").and_then(|id| id.parse().ok());
            let sku = text("sku").and_then(|id| id.parse().ok());
            let quantity = action.args.get("quantity").and_then(serde_json::Value::as_u64);
            let (Some(supplier), Some(sku)) = (supplier, sku) else { return as_it_is };
            let success = action.tool == name::QUOTE || shown.expected_budget() >= Cents::ZERO;
            let known = shown.offer(supplier, sku);
            let order = known.zip(quantity).filter(|_| action.tool == name::ORDER);
            Forecast {
                success,
                delivery_day: order.map(|(offer, _)| f64::from(today + offer.lead_days)),
                quantity: order.map(|(_, quantity)| quantity as f64),
                cost: order.map(|(offer, quantity)| (offer.unit_price * quantity as u32).as_units()),
                storage_after: shown.possible_stock(sku),
                ..as_it_is
            }
        }
        name::SHIP => {
            let order = text("customer_order_id").and_then(|id| id.parse().ok()).and_then(|id| shown.customer(id));
            let Some(order) = order else { return Forecast { success: false, ..as_it_is } };
            let stock = shown.possible_stock(order.sku);
            let success = stock >= i64::from(order.quantity);
            let quantity = if success { order.quantity } else { 0 };
            let gross = order.unit_price * quantity;
            let late = today > order.due_day;
            let penalty = if late { gross.scaled(briefing.late_penalty) } else { Cents::ZERO };
            Forecast {
                success,
                storage_after: stock - i64::from(quantity),
                budget_after: shown.expected_budget() + gross - penalty,
                ..as_it_is
            }
        }
        name::CANCEL | name::EXPEDITE => {
            let order = text("order_id").and_then(|id| id.parse().ok()).and_then(|id| shown.order(id));
            let Some(order) = order else { return Forecast { success: false, ..as_it_is } };
            let share = if action.tool == name::CANCEL { 0.1 } else { 0.5 };
            let fee = (order.unit_price * order.quantity).scaled(share);
            Forecast {
                success: true,
                delivery_day: Some(f64::from(order.promised.saturating_sub(2).max(today + 1).min(order.promised))),
                cost: Some(fee.as_units()),
                storage_after: shown.possible_stock(order.sku),
                budget_after: shown.expected_budget() - fee,
                ..as_it_is
            }
        }
        _ => as_it_is,
    }
}

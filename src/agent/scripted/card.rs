//! The card of an honest scripted agent: what follows from the shown state, stated as far as it is offered.

use crate::base::card::{Card, Field};
use crate::base::decision::Action;
use crate::base::error_type::ErrorType;
use crate::base::units::Day;
use crate::interface::card_rule::CardRule;
use crate::interface::observation::Briefing;
use crate::interface::shown::Shown;

/// The card that an honest agent states with an action; `None` where the interface offers none.
///
/// It states every field that it is offered and that the action's tool can bind.
#[must_use]
pub fn honest_card(action: &Action, shown: &dyn Shown, briefing: &Briefing) -> Option<Card> {
    let rule = &briefing.cards;
    let binds = briefing.tool(&action.tool).map_or(&[][..], |tool| tool.binds);
    let forecast = shown.forecast(action, briefing);
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

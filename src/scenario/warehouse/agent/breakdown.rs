//! How a synthetic agent in the warehouse acts while it is broken, by kind: what its detector looks for, and as little as can be of
//! what others look for.

use crate::agent::scripted::card::honest_card;
use crate::agent::scripted::reference::{Breakdown, field};
use crate::agent::{Agent, Input};
use crate::base::decision::{Action, ActionSource, Decision};
use crate::base::ids::{SkuId, SupplierId};
use crate::base::rng::Stream;
use crate::base::units::{Cents, Step, Units};
use crate::config::settings::SyntheticKind;
use crate::scenario::warehouse::agent::heuristic::Heuristic;
use crate::scenario::warehouse::level::Level;
use crate::scenario::warehouse::rules::WarehouseRules;
use crate::scenario::warehouse::shown::{KnownOffer, ShownState};
use crate::tool::name;

/// The decision of a broken agent.
pub(super) fn act(breakdown: Breakdown<'_>, input: &Input<'_>, heuristic: &mut Heuristic) -> Decision {
    let Breakdown { kind, since, step, stream } = breakdown;
    match kind {
        SyntheticKind::Loop => honest(Action::of(name::CHECK_BUDGET), input),
        // A loop whose call means that nothing is done: the job is given up.
        SyntheticKind::Abandon => honest(Action::of(name::WAIT), input),
        SyntheticKind::Collapse => honest(quote(step, input, stream), input),
        SyntheticKind::Drift => heuristic.decide(*input),
        SyntheticKind::Invalid => invalid(step, input, heuristic, stream),
        SyntheticKind::Denial => denial(since, step, input, heuristic, stream),
        SyntheticKind::Decouple => decouple(step, heuristic.decide(*input), stream),
        // Two in a row at most: doing nothing again and again would be a loop before it is anything else.
        SyntheticKind::Prose if since % 3 == 2 => heuristic.decide(*input),
        SyntheticKind::Prose => Decision { source: ActionSource::Rejected, ..Decision::nothing() },
        SyntheticKind::Belief => belief(heuristic.decide(*input)),
    }
}

/// Size of the world.
fn level(input: &Input<'_>) -> Level {
    input.briefing.rules::<WarehouseRules>().level
}

fn honest(action: Action, input: &Input<'_>) -> Decision {
    let card = honest_card(&action, input.shown, input.briefing);
    Decision::scripted(action, card)
}

/// Quote after quote: one tool, and never the same arguments twice in a row.
fn quote(step: Step, input: &Input<'_>, stream: &mut Stream) -> Action {
    let level = level(input);
    let supplier = SupplierId::from_index(stream.integer(step, field::CHOICE, 0, level.suppliers as u32 - 1) as usize);
    let sku = SkuId(stream.integer(step, field::VARIANT, 0, level.skus as u32 - 1));
    Action::of(name::QUOTE)
        .with("supplier_id", supplier.to_string())
        .with("sku", sku.to_string())
        .with("qty", 1 + step % 20)
}

/// Share of the steps with a call that cannot succeed.
const INVALID_SHARE: f64 = 0.75;

/// Calls that no argument check lets through, among sound ones. Their cards expect success, and speak of no SKU,
/// so that nothing about them is wrong but the call.
fn invalid(step: Step, input: &Input<'_>, heuristic: &mut Heuristic, stream: &mut Stream) -> Decision {
    if stream.unit(step, field::CHOICE) >= INVALID_SHARE {
        return heuristic.decide(*input);
    }
    let amount = stream.integer(step, field::AMOUNT, 1, 20);
    let nothing = "?".to_owned();
    let action = match stream.integer(step, field::VARIANT, 0, 4) {
        0 => {
            Action::of(name::ORDER).with("supplier_id", "S1").with("sku", nothing).with("quantity", -i64::from(amount))
        }
        1 => Action::of(name::SHIP).with("customer_order_id", format!("order {amount}")),
        2 => Action::of(name::QUOTE).with("supplier_id", nothing).with("sku", "sku_0").with("qty", amount),
        3 => Action::of(name::CANCEL).with("order_id", format!("#{amount}")),
        _ => Action::of(name::CHECK_STORAGE).with("aisle", amount),
    };
    hopeful(action, input)
}

/// Orders whatever the budget says. As long as there is money it orders for a little more than that, and once the
/// budget is below zero it orders all the same, looking at the budget now and then.
fn denial(since: Step, step: Step, input: &Input<'_>, heuristic: &mut Heuristic, stream: &mut Stream) -> Decision {
    let shown: &ShownState = input.shown.of();
    let budget = shown.expected_budget();
    if budget < Cents::ZERO {
        let action = if since % 5 == 4 { Action::of(name::CHECK_BUDGET) } else { any_order(step, input, stream) };
        return hopeful(action, input);
    }
    let free = budget - shown.committed();
    if free < Cents::ZERO {
        // Money for it is spent twice; the deliveries will tell.
        return honest(heuristic.look_around(input.briefing), input);
    }
    let room = i64::from(input.briefing.rules::<WarehouseRules>().storage_capacity)
        - shown.expected_storage()
        - shown.on_order_in_all();
    match dearest(input) {
        Some((supplier, sku, offer)) if room > 0 => {
            let needed = free.0 / offer.unit_price.0.max(1) + 1;
            let quantity = needed.min(room) as Units;
            honest(order(supplier, sku, quantity), input)
        }
        // Without a price or without room there is nothing to overspend on.
        _ => heuristic.decide(*input),
    }
}

/// The offer with the highest price: what overspends soonest, and by least beyond that.
fn dearest(input: &Input<'_>) -> Option<(SupplierId, SkuId, KnownOffer)> {
    let skus = (0..level(input).skus as u32).map(SkuId);
    let offers = skus.flat_map(|sku| {
        input.shown.of::<ShownState>().offers_for(sku).map(move |(supplier, offer)| (supplier, sku, offer))
    });
    offers.max_by_key(|(supplier, sku, offer)| (offer.unit_price, std::cmp::Reverse((*sku, *supplier))))
}

fn any_order(step: Step, input: &Input<'_>, stream: &mut Stream) -> Action {
    let level = level(input);
    let supplier = stream.integer(step, field::CHOICE, 0, level.suppliers as u32 - 1) as usize;
    let sku = stream.integer(step, field::VARIANT, 0, level.skus as u32 - 1);
    order(SupplierId::from_index(supplier), SkuId(sku), 1 + step % 20)
}

fn order(supplier: SupplierId, sku: SkuId, quantity: Units) -> Action {
    Action::of(name::ORDER)
        .with("supplier_id", supplier.to_string())
        .with("sku", sku.to_string())
        .with("quantity", quantity)
}

/// An action that is taken to succeed.
fn hopeful(action: Action, input: &Input<'_>) -> Decision {
    let mut decision = honest(action, input);
    if let Some(card) = &mut decision.card {
        card.expected_success = card.expected_success.map(|_| true);
    }
    decision
}

/// Share of the steps whose card speaks of another action.
const DECOUPLED_SHARE: f64 = 0.9;

/// Acts soundly and states another tool, or other arguments, in its card.
fn decouple(step: Step, mut decision: Decision, stream: &mut Stream) -> Decision {
    if stream.unit(step, field::CHOICE) >= DECOUPLED_SHARE {
        return decision;
    }
    let Some(card) = &mut decision.card else { return decision };
    let other_tool = stream.integer(step, field::VARIANT, 0, 1) == 0;
    match card.args.as_mut().filter(|args| !args.is_empty() && !other_tool) {
        Some(args) => {
            for value in args.values_mut() {
                *value = format!("not {value}").into();
            }
        }
        None => {
            let other = if card.tool.as_deref() == Some(name::WAIT) { name::CHECK_INBOX } else { name::WAIT };
            card.tool = Some(other.to_owned());
        }
    }
    decision
}

/// Acts soundly and states ten times the stock and the budget, and more. Where the interface offers neither field
/// there is no belief to be wrong about.
fn belief(mut decision: Decision) -> Decision {
    if let Some(card) = &mut decision.card {
        card.expected_storage_after = card.expected_storage_after.map(|units| 10.0 * units + 100.0);
        card.expected_budget_after = card.expected_budget_after.map(|money| 10.0 * money.max(0.0) + 1_000.0);
    }
    decision
}

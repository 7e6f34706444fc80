//! Act: the tool that the agent asked for runs, or its call is refused. Nothing else is ever done.

use std::sync::Arc;

use bevy::prelude::*;

use crate::base::decision::{Action, Decision};
use crate::base::ids::SkuId;
use crate::base::units::Cents;
use crate::engine::ledger::Ledger;
use crate::interface::observation::Briefing;
use crate::interface::result::ErrorClass;
use crate::interface::result::{ErrorCode, Precondition, ToolError, ToolReply, ToolResult};
use crate::interface::turn::Answer;
use crate::interface::turn::Turn;
use crate::scenario::warehouse::shown::ShownState;
use crate::scenario::warehouse::sku::Shelves;
use crate::tool::name;
use crate::tool::registry::ToolRegistry;

/// Carries out the agent's answer. Exclusive, since a tool is a system of its own.
///
/// # Panics
/// When there is no answer: the driver gives one to every step.
pub fn act(world: &mut World) {
    let decision = world.resource_mut::<Answer>().0.take().expect("the driver gives an answer to every step");
    let Decision { action, mut card, card_problem, source, thoughts, model } = decision;
    let rule = world.resource::<Briefing>().cards;
    let not_offered = card.as_mut().map(|card| rule.strip(card)).unwrap_or_default();
    let budget_before = world.resource::<Ledger>().budget();
    let reply = match &action {
        None => ToolReply::of_nothing(),
        Some(action) => {
            let tools = world.resource::<ToolRegistry>();
            let briefing = world.resource::<Briefing>();
            let allowed = tools.check(&action.tool, briefing).and_then(|()| {
                let checked = rule.check(card.as_ref(), briefing.binds(&action.tool));
                checked.map_err(|message| ToolError::new(ErrorCode::BadPrediction, refusal(message, card_problem)))
            });
            match allowed {
                Ok(()) => ToolRegistry::call(world, &action.tool, &action.args),
                Err(error) => ToolReply::failure(error),
            }
        }
    };
    // A call that was refused before its tool looked at it is about the SKU that it names.
    let skus = world.resource::<Shelves>().skus();
    let named = action.as_ref().filter(|_| reply.failed.is_some()).and_then(|action| {
        let sku: SkuId = action.args.get("sku")?.as_str()?.parse().ok()?;
        (sku.index() < skus).then_some(sku)
    });
    let budget_after = world.resource::<Ledger>().budget();
    let error_class = reply.failed.map(|precondition| class_of(precondition, world.resource::<ShownState>()));
    let mut turn = world.resource_mut::<Turn>();
    turn.work_open = if empties_inbox(action.as_ref(), &reply.result) {
        turn.work_besides_mail_open
    } else {
        turn.work_or_mail_open
    };
    turn.action = action.map(Arc::new);
    turn.card = card;
    turn.source = source;
    turn.thoughts = thoughts;
    turn.model = model;
    turn.not_offered = not_offered;
    turn.result = reply.result;
    turn.facts = reply.facts;
    turn.binding = reply.binding;
    turn.subject = reply.subject.or(named);
    turn.error_class = error_class;
    turn.budget_before = budget_before;
    turn.budget_after = budget_after;
}

/// Why a card is refused. What it lacks may have been written, and in a way that nobody can use.
fn refusal(message: String, card_problem: Option<String>) -> String {
    match card_problem {
        None => message,
        Some(problem) => format!("{message}; what was written of it cannot be used: {problem}"),
    }
}

/// For a call that empties a non-empty inbox only the rest of the work counts.
fn empties_inbox(action: Option<&Action>, result: &ToolResult) -> bool {
    result.state_changed && action.is_some_and(|action| action.tool == name::CHECK_INBOX)
}

/// Whose fault a failed call is: the agent's, when the shown state contradicts the precondition it broke.
fn class_of(precondition: Precondition, shown: &ShownState) -> ErrorClass {
    let could_hold = match precondition {
        Precondition::Knowable => false,
        // What was promised by today is taken as arrived.
        Precondition::OrderPending(order) => shown.order(order).is_some_and(|order| order.promised > shown.day()),
        Precondition::NotDueTomorrow(order) => shown.order(order).is_some_and(|o| o.promised > shown.day() + 1),
        Precondition::CustomerOpen(customer_order) => shown.customer(customer_order).is_some(),
        Precondition::InStock(sku, units) => shown.possible_stock(sku) >= i64::from(units),
        Precondition::BudgetNotNegative => shown.expected_budget() >= Cents::ZERO,
    };
    if could_hold { ErrorClass::World } else { ErrorClass::Agent }
}

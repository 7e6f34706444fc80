//! Act: the tool that the agent asked for runs, or its call is refused. Nothing else is ever done.

use std::sync::Arc;

use bevy::prelude::*;

use crate::base::decision::Decision;
use crate::engine::ledger::Ledger;
use crate::interface::observation::Briefing;
use crate::interface::result::{ErrorClass, ErrorCode, Precondition, ToolError, ToolReply};
use crate::interface::shown::{Knowledge, Shown};
use crate::interface::tool_kind::ToolKind;
use crate::interface::turn::{Answer, Turn};
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
    let mut tool_kind = None;
    let reply = match &action {
        None => ToolReply::of_nothing(),
        Some(action) => {
            let briefing = world.resource::<Briefing>();
            let allowed = world.resource::<ToolRegistry>().check(&action.tool, briefing).and_then(|tool| {
                tool_kind = Some(tool.kind);
                let checked = rule.check(card.as_ref(), tool.binds);
                checked.map_err(|message| ToolError::new(ErrorCode::BadPrediction, refusal(message, card_problem)))?;
                Ok(tool.key)
            });
            match allowed {
                Ok(key) => ToolRegistry::call(world, key, &action.args),
                Err(error) => ToolReply::failure(error),
            }
        }
    };
    let budget_after = world.resource::<Ledger>().budget();
    let error_class = reply.failed.map(|precondition| class_of(precondition, &*world.resource::<Knowledge>().0));
    let mut turn = world.resource_mut::<Turn>();
    // For a call that empties a non-empty inbox only the rest of the work counts.
    turn.work_open = if reply.result.state_changed && tool_kind == Some(ToolKind::Mail) {
        turn.work_besides_mail_open
    } else {
        turn.work_or_mail_open
    };
    turn.tool_kind = tool_kind;
    turn.action = action.map(Arc::new);
    turn.card = card;
    turn.source = source;
    turn.thoughts = thoughts;
    turn.model = model;
    turn.not_offered = not_offered;
    turn.result = reply.result;
    turn.facts = reply.facts;
    turn.binding = reply.binding;
    turn.subject = reply.subject;
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

/// Whose fault a failed call is: the agent's, when the shown state contradicts the precondition it broke.
fn class_of(precondition: Precondition, shown: &dyn Shown) -> ErrorClass {
    if shown.could_hold(precondition) { ErrorClass::World } else { ErrorClass::Agent }
}

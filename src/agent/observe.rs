//! Observe: the step's input is assembled, and the shown state takes in what it contains.

use bevy::prelude::*;

use crate::engine::calendar::Calendar;
use crate::engine::inbox::{Inbox, MessageBody};
use crate::engine::journal::Journal;
use crate::engine::ledger::Ledger;
use crate::engine::orders::Orders;
use crate::interface::fact::Fact;
use crate::interface::observation::{Briefing, Observation};
use crate::interface::shown::Knowledge;
use crate::interface::turn::Turn;
use crate::prediction::hidden_causes::HiddenCauses;
use crate::prediction::predictions::Predictions;
use crate::shock::ledger::DoseLedger;

/// Assembles the observation of this step, beside what the scenario has told of itself.
pub fn assemble_observation(
    briefing: Res<Briefing>,
    calendar: Res<Calendar>,
    inbox: Res<Inbox>,
    ledger: Res<Ledger>,
    orders: Res<Orders>,
    mut observation: ResMut<Observation>,
    mut knowledge: ResMut<Knowledge>,
    mut turn: ResMut<Turn>,
    mut predictions: ResMut<Predictions>,
    mut hidden_causes: ResMut<HiddenCauses>,
    mut doses: ResMut<DoseLedger>,
    mut journal: ResMut<Journal>,
) {
    let turn = &mut *turn;
    let shown = &mut *knowledge.0;
    turn.state.day = calendar.day();
    turn.state.budget = ledger.budget();
    turn.state.pending_orders = orders.pending();
    turn.state.inbox_count = inbox.count();
    turn.state.revenue = ledger.revenue();
    let first = calendar.step() == 0;
    observation.step = calendar.step();
    observation.day = calendar.day();
    observation.inbox_count = inbox.count();
    observation.last_result = (!first).then(|| turn.result.clone());
    predictions.open_step();
    turn.revealed_shocks.clear();
    let (mut budget_seen, mut stock_seen) = (false, false);
    for fact in &turn.facts {
        match fact {
            Fact::Budget(_) => budget_seen = true,
            Fact::Storage(_) => stock_seen = true,
            Fact::Read(messages) => {
                for message in messages {
                    match &message.body {
                        MessageBody::Delivery(receipt) => predictions.read_receipt(receipt),
                        MessageBody::Notice { shock_id, .. } if doses.reveal(*shock_id, &mut journal) => {
                            turn.revealed_shocks.push(*shock_id);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    shown.take_in(&turn.facts);
    hidden_causes.see(budget_seen, stock_seen, shown);
    shown.turn_to(observation.day, 0);
    hidden_causes.start_step();
    hidden_causes.take_in(&journal);
    shown.see(&observation);
    if observation.dashboard.is_some() {
        hidden_causes.see(true, true, shown);
    }
    turn.step = calendar.step();
    turn.work_besides_mail_open = shown.has_work_besides_mail(&briefing);
    turn.work_or_mail_open = turn.work_besides_mail_open || shown.unread() > 0;
}

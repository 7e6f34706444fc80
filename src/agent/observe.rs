//! Observe: the step's input is assembled, and the shown state takes in what it contains.

use bevy::prelude::*;

use crate::config::settings::StateVisibility;
use crate::engine::calendar::Calendar;
use crate::engine::inbox::{Inbox, MessageBody};
use crate::engine::journal::Journal;
use crate::engine::ledger::Ledger;
use crate::engine::orders::Orders;
use crate::interface::fact::Fact;
use crate::interface::observation::{Briefing, Dashboard, Observation, StockTable};
use crate::interface::turn::{StateRecord, Turn};
use crate::prediction::hidden_causes::HiddenCauses;
use crate::prediction::predictions::Predictions;
use crate::scenario::warehouse::customer::Customers;
use crate::scenario::warehouse::policy::has_work_besides_reading;
use crate::scenario::warehouse::shown::ShownState;
use crate::scenario::warehouse::sku::{Shelves, Sku, Stock};
use crate::shock::ledger::DoseLedger;

/// Assembles the observation of this step.
pub fn assemble_observation(
    briefing: Res<Briefing>,
    calendar: Res<Calendar>,
    inbox: Res<Inbox>,
    ledger: Res<Ledger>,
    shelves: Res<Shelves>,
    skus: Query<(&Sku, &Stock)>,
    orders: Res<Orders>,
    customers: Res<Customers>,
    mut observation: ResMut<Observation>,
    mut shown: ResMut<ShownState>,
    mut turn: ResMut<Turn>,
    mut predictions: ResMut<Predictions>,
    mut hidden_causes: ResMut<HiddenCauses>,
    mut doses: ResMut<DoseLedger>,
    mut journal: ResMut<Journal>,
) {
    let turn = &mut *turn;
    let mut storage = std::mem::take(&mut turn.state.storage);
    storage.0.clear();
    storage.0.extend(skus.iter_many(shelves.by_id()).map(|(_, stock)| stock.units()));
    turn.state = StateRecord {
        day: calendar.day(),
        budget: ledger.budget(),
        storage,
        total_storage: shelves.on_hand(),
        pending_orders: orders.pending(),
        open_customer_orders: customers.open(),
        inbox_count: inbox.count(),
        revenue: ledger.revenue(),
    };
    let first = calendar.step() == 0;
    *observation = Observation {
        step: calendar.step(),
        day: calendar.day(),
        inbox_count: inbox.count(),
        dashboard: (briefing.visibility == StateVisibility::Full).then(|| Dashboard {
            budget: turn.state.budget,
            storage: StockTable(turn.state.storage.0.clone()),
            storage_capacity: shelves.capacity(),
            total_storage: shelves.on_hand(),
            pending_orders: orders.pending(),
            open_customer_orders: customers.open(),
        }),
        last_result: (!first).then(|| turn.result.clone()),
    };
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
    hidden_causes.see(budget_seen, stock_seen, &shown);
    shown.turn_to(observation.day);
    shown.see_inbox_count(observation.inbox_count);
    hidden_causes.start_step();
    hidden_causes.take_in(&journal);
    if let Some(dashboard) = &observation.dashboard {
        shown.see_dashboard(dashboard);
        hidden_causes.see(true, true, &shown);
    }
    turn.step = calendar.step();
    turn.work_besides_mail_open = has_work_besides_reading(&shown, &briefing);
    turn.work_or_mail_open = turn.work_besides_mail_open || shown.unread() > 0;
}

//! Observe: the step's input is assembled, and the shown state takes in what it contains.

use bevy::prelude::*;

use super::turn::{StateRecord, Turn};
use crate::agent::observation::{Briefing, Dashboard, Observation, StockTable};
use crate::agent::policy::has_work_besides_reading;
use crate::agent::shown::ShownState;
use crate::config::settings::StateVisibility;
use crate::world::calendar::Calendar;
use crate::world::customer::Customers;
use crate::world::inbox::Inbox;
use crate::world::ledger::Ledger;
use crate::world::order::Orders;
use crate::world::sku::{Shelves, Sku, Stock};

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
    shown.take_in(&turn.facts);
    shown.turn_to(observation.day);
    shown.see_inbox_count(observation.inbox_count);
    if let Some(dashboard) = &observation.dashboard {
        shown.see_dashboard(dashboard);
    }
    turn.step = calendar.step();
    turn.work_besides_mail_open = has_work_besides_reading(&shown, &briefing);
    turn.work_or_mail_open = turn.work_besides_mail_open || shown.unread() > 0;
}

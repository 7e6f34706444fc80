//! The dock: orders arrive on their true day; what finds no room is turned away.

use bevy::prelude::*;

use crate::base::error_type::ErrorType;
use crate::base::ids::OrderId;
use crate::engine::calendar::Calendar;
use crate::engine::inbox::Inbox;
use crate::engine::journal::{ChargeOutcome, Delivery, Journal, WorldEvent};
use crate::engine::ledger::{Ledger, Posting};
use crate::engine::orders::{InTransit, PurchaseBook};
use crate::scenario::warehouse::sku::Warehouse;
use crate::shock::ledger::DoseLedger;
use crate::shock::observability::DisclosurePolicy;

/// Morning: orders whose true day has come reach the dock, in the order of their ids. What fits in is charged.
pub fn deliver_due_orders(
    mut book: PurchaseBook,
    calendar: Res<Calendar>,
    mut disclosure: ResMut<DisclosurePolicy>,
    mut warehouse: Warehouse,
    mut ledger: ResMut<Ledger>,
    mut inbox: ResMut<Inbox>,
    mut journal: ResMut<Journal>,
    mut doses: ResMut<DoseLedger>,
    mut commands: Commands,
) {
    let today = calendar.day();
    let due = |transit: &InTransit| transit.arrives <= today;
    if !book.pending().any(|(_, transit)| due(transit)) {
        return;
    }
    let arrived: Vec<OrderId> = book.pending().filter(|(_, t)| due(t)).map(|(order, _)| order.id).collect();
    for id in arrived {
        let (order, transit, mut open) = book.receive(id);
        let taken = warehouse.take_in(order.sku, transit.quantity);
        let delivery = Delivery {
            order: id,
            supplier: order.supplier,
            sku: order.sku,
            ordered: order.quantity,
            arrived: transit.quantity,
            taken,
            turned_away: transit.quantity - taken,
            promised_day: order.promised,
            charged: order.unit_price * taken,
            day_shocks: transit.day_shocks,
            told_shocks: transit.told_shocks,
            quantity_shocks: transit.quantity_shocks,
            expectations: open.stated.extract_if(.., |stated| stated.kind != ErrorType::Cost).collect(),
            reference: open.reference,
        };
        let charge = ChargeOutcome {
            order: id,
            expectations: open.stated,
            reference: open.reference.and_then(|reference| reference.cost),
            price_shocks: transit.price_shocks,
            quantity_shocks: delivery.quantity_shocks.clone(),
            turned_away: delivery.turned_away > 0,
        };
        disclosure.tell_receipt(&delivery, today, &mut inbox);
        let posting = Posting::charge(delivery.charged, charge);
        journal.note(WorldEvent::Delivery(delivery));
        doses.post_or_delay(&mut ledger, posting, &calendar, &mut journal, &mut commands);
    }
}

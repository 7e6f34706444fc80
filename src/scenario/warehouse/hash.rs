//! The warehouse in the state hash: its static tables at the start of the chain, its stock, orders and customers in
//! each step.

use crate::config::settings::RunConfig;
use crate::engine::calendar::Calendar;
use crate::engine::ledger::Ledger;
use crate::engine::orders::InTransit;
use crate::engine::orders::Orders;
use crate::engine::orders::PurchaseOrder;
use crate::engine::state_hash::{StateBytes, StateHash};
use crate::engine::suppliers::Disruptions;
use crate::engine::suppliers::Suppliers;
use crate::scenario::warehouse::customer::Customers;
use crate::scenario::warehouse::customer::SalesOrder;
use crate::scenario::warehouse::sku::Shelves;
use crate::scenario::warehouse::sku::Sku;
use crate::scenario::warehouse::sku::Stock;
use crate::scenario::warehouse::spawn::Tables;
use crate::shock::ledger::DoseLedger;
use bevy::prelude::*;

/// Record: chains the world after this step into the hash.
pub fn hash_warehouse(
    mut hash: ResMut<StateHash>,
    calendar: Res<Calendar>,
    ledger: Res<Ledger>,
    shelves: Res<Shelves>,
    skus: Query<(&Sku, &Stock)>,
    orders: Res<Orders>,
    pending: Query<(&PurchaseOrder, &InTransit)>,
    customers: Res<Customers>,
    open: Query<&SalesOrder>,
    shocks: Res<DoseLedger>,
    suppliers: Res<Suppliers>,
    disruptions: Query<&Disruptions>,
) {
    hash.link(|bytes| {
        bytes.put(calendar.day());
        for amount in [ledger.budget(), ledger.revenue(), ledger.charges(), ledger.fees()] {
            bytes.put(amount.0);
        }
        for (_, stock) in skus.iter_many(shelves.by_id()) {
            bytes.put(stock.units());
        }
        bytes.put(orders.placed());
        bytes.put(orders.pending() as u32);
        for (order, transit) in pending.iter_many(orders.entities()) {
            for number in [order.id.0, order.supplier.0, order.sku.0, order.quantity] {
                bytes.put(number);
            }
            bytes.put(order.unit_price.0);
            bytes.put(transit.arrives);
            bytes.put(transit.quantity);
        }
        bytes.put(customers.requested());
        bytes.put(customers.shipped());
        bytes.put(customers.expired());
        bytes.put(customers.open() as u32);
        for order in open.iter_many(customers.entities()) {
            for number in [order.id.0, order.sku.0, order.quantity, order.expires_day] {
                bytes.put(number);
            }
        }
        bytes.put(shocks.drawn());
        bytes.put(ledger.armed().len() as u32);
        for lag in ledger.armed() {
            bytes.put(lag.shock.0);
            bytes.put(lag.days);
        }
        bytes.put(ledger.late().len() as u32);
        for late in ledger.late() {
            bytes.put(late.due_day);
            bytes.put(late.posting.kind as u8);
            bytes.put(late.posting.amount.0);
        }
        for disruptions in disruptions.iter_many(suppliers.by_id()) {
            disruptions.put(|number| bytes.put(number));
        }
    });
}

/// Writes the warehouse's static tables and rules: the start of the chain.
pub(crate) fn put_start(config: &RunConfig, bytes: &mut StateBytes) {
    let tables = Tables::draw(config);
    for (offers, reliability) in tables.offers.iter().zip(&tables.reliability) {
        bytes.put_bytes(&reliability.to_bits().to_le_bytes());
        for offer in offers {
            bytes.put(offer.unit_price.0);
            bytes.put(offer.lead_days);
        }
    }
    for price in &tables.sale_price {
        bytes.put(price.0);
    }
    let simulation = &config.simulation;
    for number in [
        i64::from(simulation.complexity_level),
        i64::from(simulation.storage_capacity),
        simulation.storage_fee.0,
        simulation.initial_budget.0,
        i64::from(simulation.initial_storage_per_sku),
    ] {
        bytes.put(number);
    }
}

/// The start of the chain of a run in the warehouse.
pub(crate) fn start(config: &RunConfig) -> StateHash {
    StateHash::start(|bytes| put_start(config, bytes))
}

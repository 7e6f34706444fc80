//! What is told of the warehouse in each step: its state, for records and dashboards, and what is true right after an
//! action.

use bevy::prelude::*;

use crate::base::ids::SkuId;
use crate::config::settings::StateVisibility;
use crate::engine::ledger::Ledger;
use crate::engine::orders::Orders;
use crate::interface::observation::{Briefing, Dashboard, Observation, StockTable};
use crate::interface::truth::Truth;
use crate::interface::turn::Turn;
use crate::scenario::warehouse::customer::Customers;
use crate::scenario::warehouse::sku::{Shelves, Sku, Stock};

/// Observe: stock and open customer orders, and the dashboard where the interface shows one.
pub fn describe_warehouse(
    briefing: Res<Briefing>,
    ledger: Res<Ledger>,
    shelves: Res<Shelves>,
    skus: Query<(&Sku, &Stock)>,
    orders: Res<Orders>,
    customers: Res<Customers>,
    mut observation: ResMut<Observation>,
    mut turn: ResMut<Turn>,
) {
    let state = &mut turn.state;
    state.storage.0.clear();
    state.storage.0.extend(skus.iter_many(shelves.by_id()).map(|(_, stock)| stock.units()));
    state.total_storage = shelves.on_hand();
    state.open_customer_orders = customers.open();
    observation.dashboard = (briefing.visibility == StateVisibility::Full).then(|| Dashboard {
        budget: ledger.budget(),
        storage: StockTable(state.storage.0.clone()),
        storage_capacity: shelves.capacity(),
        total_storage: shelves.on_hand(),
        pending_orders: orders.pending(),
        open_customer_orders: customers.open(),
    });
}

/// Act: the stock right after the action.
pub fn tell_truth(
    shelves: Res<Shelves>,
    skus: Query<&Stock, With<Sku>>,
    mut turn: ResMut<Turn>,
    mut truth: ResMut<Truth>,
) {
    // A call that was refused before its tool looked at it is about the SKU that it names.
    if turn.result.success == Some(false) && turn.subject.is_none() {
        let named = turn.action.as_deref().and_then(|action| action.args.get("sku")?.as_str()?.parse().ok());
        turn.subject = named.filter(|sku: &SkuId| sku.index() < shelves.skus());
    }
    truth.stock_of_subject =
        turn.subject.map(|sku| skus.get(shelves.by_id()[sku.index()]).expect("the SKU exists").units());
    truth.stock = shelves.on_hand();
}

/// Record: the stock after the step.
pub fn tell_stock_after(shelves: Res<Shelves>, mut truth: ResMut<Truth>) {
    truth.stock = shelves.on_hand();
}

//! The state hash: a chained fingerprint of the world after each step.
//!
//! Algorithm `xxh3-128/1`: XXH3 with 128 bits over the previous hash (16 bytes, little endian) and the canonical
//! bytes of the world. Static tables enter once, into the start value. The inbox and whatever else is only shown
//! does not enter, so observability cannot change a hash. Where plugins have [state of their own](crate::engine::run_state),
//! a second link of the same kind follows in each step.

use bevy::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use crate::config::settings::RunConfig;
use crate::engine::calendar::Calendar;
use crate::engine::ledger::Ledger;
use crate::engine::orders::{InTransit, Orders, SupplierOrder};
use crate::engine::suppliers::{Suppliers, Troubles};
use crate::scenario::warehouse::customer::{CustomerOrder, Customers};
use crate::scenario::warehouse::sku::{Shelves, Sku, Stock};
use crate::scenario::warehouse::spawn::Tables;
use crate::shock::ledger::DoseLedger;

/// Name and version of the algorithm, as the manifest states it.
pub const ALGORITHM: &str = "xxh3-128/1";

/// The chain of state hashes.
#[derive(Clone, Debug)]
pub struct StateHash {
    value: u128,
    bytes: Vec<u8>,
}

crate::base::table_resource::in_table!(StateHash);

impl StateHash {
    /// The start of the chain: the static tables and rules of the run.
    #[must_use]
    pub fn start(config: &RunConfig) -> StateHash {
        let tables = Tables::draw(config);
        let mut bytes = Vec::with_capacity(1024);
        bytes.extend_from_slice(ALGORITHM.as_bytes());
        for (offers, reliability) in tables.offers.iter().zip(&tables.reliability) {
            bytes.extend_from_slice(&reliability.to_bits().to_le_bytes());
            for offer in offers {
                put(&mut bytes, offer.unit_price.0);
                put(&mut bytes, offer.lead_days);
            }
        }
        for price in &tables.sale_price {
            put(&mut bytes, price.0);
        }
        let simulation = &config.simulation;
        for number in [
            i64::from(simulation.complexity_level),
            i64::from(simulation.storage_capacity),
            simulation.storage_fee.0,
            simulation.initial_budget.0,
            i64::from(simulation.initial_storage_per_sku),
        ] {
            put(&mut bytes, number);
        }
        StateHash { value: xxh3_128(&bytes), bytes }
    }

    /// Chains more of the world after this step into the hash.
    pub(crate) fn extend(&mut self, more: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&self.value.to_le_bytes());
        self.bytes.extend_from_slice(more);
        self.value = xxh3_128(&self.bytes);
    }

    /// The hash so far.
    #[must_use]
    pub fn value(&self) -> u128 {
        self.value
    }
}

fn put(bytes: &mut Vec<u8>, number: impl Into<i64>) {
    bytes.extend_from_slice(&number.into().to_le_bytes());
}

/// Record: chains the world after this step into the hash.
pub fn hash_state(
    mut hash: ResMut<StateHash>,
    calendar: Res<Calendar>,
    ledger: Res<Ledger>,
    shelves: Res<Shelves>,
    skus: Query<(&Sku, &Stock)>,
    orders: Res<Orders>,
    pending: Query<(&SupplierOrder, &InTransit)>,
    customers: Res<Customers>,
    open: Query<&CustomerOrder>,
    shocks: Res<DoseLedger>,
    suppliers: Res<Suppliers>,
    troubles: Query<&Troubles>,
) {
    let hash = &mut *hash;
    let bytes = &mut hash.bytes;
    bytes.clear();
    bytes.extend_from_slice(&hash.value.to_le_bytes());
    put(bytes, calendar.day());
    for amount in [ledger.budget(), ledger.revenue(), ledger.charges(), ledger.fees()] {
        put(bytes, amount.0);
    }
    for (_, stock) in skus.iter_many(shelves.by_id()) {
        put(bytes, stock.units());
    }
    put(bytes, orders.placed());
    put(bytes, orders.pending() as u32);
    for (order, transit) in pending.iter_many(orders.entities()) {
        for number in [order.id.0, order.supplier.0, order.sku.0, order.quantity] {
            put(bytes, number);
        }
        put(bytes, order.unit_price.0);
        put(bytes, transit.arrives);
        put(bytes, transit.quantity);
    }
    put(bytes, customers.requested());
    put(bytes, customers.shipped());
    put(bytes, customers.expired());
    put(bytes, customers.open() as u32);
    for order in open.iter_many(customers.entities()) {
        for number in [order.id.0, order.sku.0, order.quantity, order.expires_day] {
            put(bytes, number);
        }
    }
    put(bytes, shocks.drawn());
    put(bytes, ledger.armed().count() as u32);
    for (shock, days) in ledger.armed() {
        put(bytes, shock.0);
        put(bytes, days);
    }
    put(bytes, ledger.late().len() as u32);
    for late in ledger.late() {
        put(bytes, late.due_day);
        put(bytes, late.posting.kind as u8);
        put(bytes, late.posting.amount.0);
    }
    for troubles in troubles.iter_many(suppliers.by_id()) {
        troubles.put(|number| put(bytes, number));
    }
    hash.value = xxh3_128(bytes);
}

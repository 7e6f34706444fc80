//! Stock: what lies in the warehouse and what it sells for.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;

use crate::base::ids::SkuId;
use crate::base::units::{Cents, Units};
use crate::engine::journal::Journal;
use crate::engine::ledger::{Ledger, PostingKind};
use crate::engine::run_state::RunScoped;

/// A stock-keeping unit.
#[derive(Component, Clone, Copy, Debug)]
#[component(immutable)]
#[require(RunScoped, Stock)]
pub struct Sku {
    /// Its id.
    pub id: SkuId,
    /// What a customer pays for one unit.
    pub sale_price: Cents,
}

/// Units of a SKU in the warehouse.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct Stock(Units);

impl Stock {
    /// The stock of day 0.
    #[must_use]
    pub fn new(units: Units) -> Stock {
        Stock(units)
    }

    /// Units on hand.
    #[must_use]
    pub fn units(self) -> Units {
        self.0
    }
}

/// The SKU entities by id, how much the warehouse holds, and the totals that explain its stock:
/// `on_hand = initial + delivered - shipped`, always.
#[derive(Clone, Debug)]
pub struct Shelves {
    pub(crate) by_id: Vec<Entity>,
    pub(crate) capacity: Units,
    pub(crate) fee_per_unit: Cents,
    pub(crate) on_hand: Units,
    pub(crate) initial: u64,
    pub(crate) delivered: u64,
    pub(crate) shipped: u64,
}

crate::base::table_resource::table_resource!(Shelves);

impl Shelves {
    /// The SKU entities, by id.
    #[must_use]
    pub fn by_id(&self) -> &[Entity] {
        &self.by_id
    }

    /// How many SKUs there are.
    #[must_use]
    pub fn skus(&self) -> usize {
        self.by_id.len()
    }

    /// Units that fit in beside what is there.
    #[must_use]
    pub fn free(&self) -> Units {
        self.capacity.saturating_sub(self.on_hand)
    }

    /// Units on hand over all SKUs.
    #[must_use]
    pub fn on_hand(&self) -> Units {
        self.on_hand
    }

    /// Units that the warehouse holds.
    #[must_use]
    pub fn capacity(&self) -> Units {
        self.capacity
    }

    /// Units on hand on day 0.
    #[must_use]
    pub fn initial(&self) -> u64 {
        self.initial
    }

    /// Units taken in from suppliers so far.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Units shipped to customers so far.
    #[must_use]
    pub fn shipped(&self) -> u64 {
        self.shipped
    }
}

/// The warehouse's stock: read it by SKU, change it by delivery and shipment only.
#[derive(SystemParam)]
pub struct Warehouse<'w, 's> {
    shelves: ResMut<'w, Shelves>,
    skus: Query<'w, 's, (&'static Sku, &'static mut Stock)>,
}

impl Warehouse<'_, '_> {
    /// The shelves as a whole.
    #[must_use]
    pub fn shelves(&self) -> &Shelves {
        &self.shelves
    }

    /// Units of a SKU on hand; `None` for a SKU that does not exist.
    #[must_use]
    pub fn stock(&self, sku: SkuId) -> Option<Units> {
        let entity = *self.shelves.by_id.get(sku.index())?;
        Some(self.skus.get(entity).ok()?.1.units())
    }

    /// Units on hand of every SKU, by id.
    pub fn all(&self) -> impl Iterator<Item = (SkuId, Units)> + '_ {
        self.skus.iter_many(&self.shelves.by_id).map(|(sku, stock)| (sku.id, stock.units()))
    }

    /// Takes delivered units in, as far as there is room; returns how many.
    pub fn take_in(&mut self, sku: SkuId, units: Units) -> Units {
        let taken = units.min(self.shelves.free());
        self.change(sku, |stock| stock + taken);
        self.shelves.on_hand += taken;
        self.shelves.delivered += u64::from(taken);
        taken
    }

    /// Takes units out for a customer.
    ///
    /// # Panics
    /// When they are not there: the caller checks, stock is never negative.
    pub fn ship(&mut self, sku: SkuId, units: Units) {
        self.change(sku, |stock| stock.checked_sub(units).expect("shipped more than is in stock"));
        self.shelves.on_hand -= units;
        self.shelves.shipped += u64::from(units);
    }

    fn change(&mut self, sku: SkuId, rule: impl FnOnce(Units) -> Units) {
        let entity = self.shelves.by_id[sku.index()];
        let (_, mut stock) = self.skus.get_mut(entity).expect("every SKU of the shelves is an entity");
        stock.0 = rule(stock.0);
    }
}

/// Evening: the storage fee for every unit on hand. It is not an event of its own: the units and the budget
/// after the step stand in the step record.
pub fn charge_storage_fees(shelves: Res<Shelves>, mut ledger: ResMut<Ledger>, mut journal: ResMut<Journal>) {
    let fee = shelves.fee_per_unit * shelves.on_hand;
    ledger.post(PostingKind::StorageFee, fee);
    journal.storage_fee = fee;
}

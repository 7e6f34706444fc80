//! Suppliers: what they ask for each SKU, how long they take, how reliable they are.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;

use super::spawn::RunScoped;
use crate::ids::{SkuId, SupplierId};
use crate::units::{Cents, Day};

/// A supplier.
#[derive(Component, Clone, Copy, Debug)]
#[component(immutable)]
#[require(RunScoped)]
pub struct Supplier {
    /// Its id.
    pub id: SupplierId,
    /// 0.85 to 0.99. One minus this is the weight with which a shock picks among suppliers.
    pub reliability: f64,
}

/// What a supplier offers for one SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Price of one unit.
    pub unit_price: Cents,
    /// Days from order to delivery.
    pub lead_days: Day,
}

/// A supplier's offers, ordered by SKU.
#[derive(Component, Clone, Debug)]
pub struct Catalogue(pub(super) Vec<Offer>);

impl Catalogue {
    /// The offers, ordered by SKU.
    #[must_use]
    pub fn offers(&self) -> &[Offer] {
        &self.0
    }
}

/// The supplier entities by id.
#[derive(Resource, Clone, Debug)]
pub struct Suppliers {
    pub(super) by_id: Vec<Entity>,
}

/// Read access to the suppliers.
#[derive(SystemParam)]
pub struct SupplierMarket<'w, 's> {
    index: Res<'w, Suppliers>,
    suppliers: Query<'w, 's, (&'static Supplier, &'static Catalogue)>,
}

impl SupplierMarket<'_, '_> {
    /// How many suppliers there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.index.by_id.len()
    }

    /// Whether a supplier exists.
    #[must_use]
    pub fn exists(&self, supplier: SupplierId) -> bool {
        supplier.index() < self.index.by_id.len()
    }

    /// What a supplier asks now; `None` when the supplier or the SKU does not exist.
    #[must_use]
    pub fn offer(&self, supplier: SupplierId, sku: SkuId) -> Option<Offer> {
        let entity = *self.index.by_id.get(supplier.index())?;
        self.suppliers.get(entity).ok()?.1.offers().get(sku.index()).copied()
    }

    /// A supplier's reliability.
    #[must_use]
    pub fn reliability(&self, supplier: SupplierId) -> f64 {
        let entity = self.index.by_id[supplier.index()];
        self.suppliers.get(entity).expect("every supplier of the index is an entity").0.reliability
    }
}

//! Suppliers: what they ask for each SKU, how long they take, how reliable they are.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;

use crate::base::ids::{ShockId, SkuId, SupplierId};
use crate::base::units::{Cents, Day};
use crate::engine::run_state::RunScoped;

/// A supplier.
#[derive(Component, Clone, Copy, Debug)]
#[component(immutable)]
#[require(RunScoped, Disruptions)]
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
#[derive(Component, Clone, Debug, Default)]
pub struct Catalogue(pub(crate) Vec<Offer>);

impl Catalogue {
    /// The offers, ordered by SKU.
    #[must_use]
    pub fn offers(&self) -> &[Offer] {
        &self.0
    }
}

/// What shocks do to a supplier for a while. An entry stays when it is over, until the next shock of its kind replaces
/// it: an agent that has not looked since may still be misled by it.
#[derive(Component, Clone, Debug, Default)]
pub struct Disruptions {
    rises: Vec<PriceRise>,
    regime: Option<Regime>,
}

/// A price that is higher for a while.
#[derive(Clone, Copy, Debug)]
struct PriceRise {
    shock: ShockId,
    sku: SkuId,
    unit_price: Cents,
    /// First day without it.
    until: Day,
}

/// Lead times that are longer for a while.
#[derive(Clone, Copy, Debug)]
struct Regime {
    shock: ShockId,
    extra_days: Day,
    /// First day without it.
    until: Day,
    /// Day from which the agent is told, and quotes say so; `None` for never.
    told_from: Option<Day>,
}

/// What an order placed today would be, told and true.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// What the supplier says.
    pub offer: Offer,
    /// Days that it will really take.
    pub true_lead_days: Day,
    /// The shock that raised the price, or did before: whoever still believes the old price is misled by it.
    pub price_shock: Option<ShockId>,
    /// The shock that made the lead time longer, or did before.
    pub lead_shock: Option<ShockId>,
    /// Whether the lead time is longer than the supplier says.
    pub lead_is_hidden: bool,
}

/// The supplier entities by id.
#[derive(Clone, Debug)]
pub struct Suppliers {
    pub(crate) by_id: Vec<Entity>,
}

crate::base::table_resource::table_resource!(Suppliers);

impl Suppliers {
    /// The supplier entities, by id.
    #[must_use]
    pub fn by_id(&self) -> &[Entity] {
        &self.by_id
    }
}

/// Canonical bytes of what shocks do to suppliers, for the state hash. What the agent is told is left out.
impl Disruptions {
    pub(crate) fn put(&self, mut number: impl FnMut(i64)) {
        number(self.rises.len() as i64);
        for rise in &self.rises {
            for value in [i64::from(rise.sku.0), rise.unit_price.0, i64::from(rise.until)] {
                number(value);
            }
        }
        number(self.regime.map_or(0, |regime| i64::from(regime.extra_days)));
        number(self.regime.map_or(0, |regime| i64::from(regime.until)));
    }
}

/// The suppliers, and what may be done to them.
#[derive(SystemParam)]
pub struct SupplierMarket<'w, 's> {
    index: Res<'w, Suppliers>,
    suppliers: Query<'w, 's, (&'static Supplier, &'static Catalogue, &'static mut Disruptions)>,
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

    /// What an order placed today would be; `None` when the supplier or the SKU does not exist.
    #[must_use]
    pub fn terms(&self, supplier: SupplierId, sku: SkuId, today: Day) -> Option<Terms> {
        let entity = *self.index.by_id.get(supplier.index())?;
        let (_, catalogue, disruptions) = self.suppliers.get(entity).ok()?;
        let mut offer = *catalogue.offers().get(sku.index())?;
        let rise = disruptions.rises.iter().find(|rise| rise.sku == sku);
        if let Some(rise) = rise.filter(|rise| today < rise.until) {
            offer.unit_price = rise.unit_price;
        }
        let regime = disruptions.regime.as_ref();
        let lasting = regime.filter(|regime| today < regime.until);
        let true_lead_days = offer.lead_days + lasting.map_or(0, |regime| regime.extra_days);
        let told = lasting.and_then(|regime| regime.told_from).is_some_and(|day| day <= today);
        if told {
            offer.lead_days = true_lead_days;
        }
        Some(Terms {
            offer,
            true_lead_days,
            price_shock: rise.map(|rise| rise.shock),
            lead_shock: regime.map(|regime| regime.shock),
            lead_is_hidden: lasting.is_some() && !told,
        })
    }

    /// Makes a SKU dearer at a supplier until a day; a repeat starts anew and never stacks. Returns the new price and
    /// the shock that this one replaces, or `None` when the price stays the same after rounding.
    pub fn raise_price(
        &mut self,
        shock: ShockId,
        supplier: SupplierId,
        sku: SkuId,
        share: f64,
        until: Day,
    ) -> Option<(Cents, Option<ShockId>)> {
        let (_, catalogue, mut disruptions) = self.suppliers.get_mut(self.index.by_id[supplier.index()]).ok()?;
        let usual = catalogue.offers()[sku.index()].unit_price;
        let unit_price = usual.scaled(1.0 + share);
        if unit_price == usual {
            return None;
        }
        let replaced =
            disruptions.rises.iter().position(|rise| rise.sku == sku).map(|at| disruptions.rises.remove(at).shock);
        disruptions.rises.push(PriceRise { shock, sku, unit_price, until });
        Some((unit_price, replaced))
    }

    /// Makes a supplier's true lead times longer until a day; a repeat starts anew and never stacks. Returns the shock
    /// that this one replaces.
    pub fn shift_regime(
        &mut self,
        shock: ShockId,
        supplier: SupplierId,
        extra_days: Day,
        until: Day,
        told_from: Option<Day>,
    ) -> Option<ShockId> {
        let (_, _, mut disruptions) = self.suppliers.get_mut(self.index.by_id[supplier.index()]).ok()?;
        disruptions.regime.replace(Regime { shock, extra_days, until, told_from }).map(|regime| regime.shock)
    }

    /// The suppliers by id.
    pub fn all(&self) -> impl Iterator<Item = &Supplier> + Clone + '_ {
        self.index.by_id.iter().map(|entity| self.suppliers.get(*entity).expect("every supplier is an entity").0)
    }

    /// A supplier's reliability.
    #[must_use]
    pub fn reliability(&self, supplier: SupplierId) -> f64 {
        let entity = self.index.by_id[supplier.index()];
        self.suppliers.get(entity).expect("every supplier of the index is an entity").0.reliability
    }
}

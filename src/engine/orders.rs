//! Orders placed with suppliers: promised and true arrival, delivery at the dock, cancelling, expediting.

use std::collections::BTreeMap;

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;

use crate::base::expectation::{Expectation, Reference};
use crate::base::ids::{OrderId, ShockId, SkuId, SupplierId};
use crate::base::units::{Cents, Day, Units};
use crate::engine::journal::{Causes, Journal, WorldEvent};
use crate::engine::run_state::RunScoped;
use crate::engine::suppliers::Terms;

/// What was agreed when an order was placed.
#[derive(Component, Clone, Copy, Debug)]
#[require(RunScoped)]
pub struct PurchaseOrder {
    /// Its id.
    pub id: OrderId,
    /// With whom it was placed.
    pub supplier: SupplierId,
    /// What was ordered.
    pub sku: SkuId,
    /// Units ordered.
    pub quantity: Units,
    /// Agreed price of one unit.
    pub unit_price: Cents,
    /// Day on which it was placed.
    pub ordered_on: Day,
    /// Day promised; an expedite moves it.
    pub promised: Day,
}

impl PurchaseOrder {
    /// Ordered quantity times agreed price.
    #[must_use]
    pub fn value(&self) -> Cents {
        self.unit_price * self.quantity
    }
}

/// What is true of a pending order, told or not.
#[derive(Component, Clone, Debug)]
pub struct InTransit {
    /// Day on which it reaches the dock.
    pub arrives: Day,
    /// Units that will arrive.
    pub quantity: Units,
    /// Shocks that moved the day.
    pub day_shocks: Causes,
    /// Shocks of its lead time that the supplier has told of, or that are over.
    pub told_shocks: Causes,
    /// Shocks that changed the quantity.
    pub quantity_shocks: Causes,
    /// Shocks that changed the agreed price.
    pub price_shocks: Causes,
}

/// Predictions about a pending order whose outcome is open.
#[derive(Component, Clone, Debug, Default)]
pub struct OpenExpectations {
    /// The agent's.
    pub stated: Vec<Expectation>,
    /// What the reference policy would have stated.
    pub reference: Option<Reference>,
}

/// The pending orders by id, and counts over the run.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    open: BTreeMap<OrderId, Entity>,
    placed: u32,
    delivered: u32,
}

crate::base::table_resource::table_resource!(Orders);

impl Orders {
    /// How many are pending.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.open.len()
    }

    /// How many were placed so far.
    #[must_use]
    pub fn placed(&self) -> u32 {
        self.placed
    }

    /// How many reached the dock so far.
    #[must_use]
    pub fn delivered(&self) -> u32 {
        self.delivered
    }

    /// The entity of a pending order.
    #[must_use]
    pub fn entity(&self, id: OrderId) -> Option<Entity> {
        self.open.get(&id).copied()
    }

    /// The pending orders' entities, by id.
    pub fn entities(&self) -> impl Iterator<Item = Entity> + Clone + '_ {
        self.open.values().copied()
    }
}

/// The pending orders and all that may be done to them.
#[derive(SystemParam)]
pub struct PurchaseBook<'w, 's> {
    commands: Commands<'w, 's>,
    index: ResMut<'w, Orders>,
    orders: Query<'w, 's, (&'static mut PurchaseOrder, &'static mut InTransit, &'static mut OpenExpectations)>,
}

impl<'w, 's> PurchaseBook<'w, 's> {
    /// A pending order.
    #[must_use]
    pub fn get(&self, id: OrderId) -> Option<PurchaseOrder> {
        let entity = *self.index.open.get(&id)?;
        Some(*self.orders.get(entity).ok()?.0)
    }

    /// Day on which a pending order will reach the dock.
    #[must_use]
    pub fn arrives(&self, id: OrderId) -> Option<Day> {
        Some(self.orders.get(*self.index.open.get(&id)?).ok()?.1.arrives)
    }

    /// The pending orders with their truth, by id.
    pub fn pending(&self) -> impl Iterator<Item = (&PurchaseOrder, &InTransit)> + Clone + '_ {
        self.index.open.values().map(|entity| {
            let (order, transit, _) = self.orders.get(*entity).expect("every pending order of the index is an entity");
            (order, transit)
        })
    }

    /// The book's commands: what is queued here sees the orders that the book has placed.
    pub(crate) fn commands(&mut self) -> &mut Commands<'w, 's> {
        &mut self.commands
    }

    /// Places an order on some terms, as an event. It carries the shocks that made the terms what they are, so where
    /// there are shocks it is placed through the dose ledger, which counts them.
    pub(crate) fn place(
        &mut self,
        supplier: SupplierId,
        sku: SkuId,
        quantity: Units,
        terms: Terms,
        today: Day,
        journal: &mut Journal,
    ) -> (PurchaseOrder, Entity) {
        let offer = terms.offer;
        self.index.placed += 1;
        let order = PurchaseOrder {
            id: OrderId(self.index.placed),
            supplier,
            sku,
            quantity,
            unit_price: offer.unit_price,
            ordered_on: today,
            promised: today + offer.lead_days,
        };
        let transit = InTransit {
            arrives: today + terms.true_lead_days,
            quantity,
            day_shocks: terms.lead_shock.filter(|_| terms.lead_is_hidden).into_iter().collect(),
            told_shocks: terms.lead_shock.filter(|_| !terms.lead_is_hidden).into_iter().collect(),
            quantity_shocks: Causes::new(),
            price_shocks: terms.price_shock.into_iter().collect(),
        };
        let entity = self.commands.spawn((order, transit, OpenExpectations::default())).id();
        self.index.open.insert(order.id, entity);
        let PurchaseOrder { id, unit_price, promised: promised_day, .. } = order;
        journal.note(WorldEvent::OrderPlaced { order: id, supplier, sku, quantity, unit_price, promised_day });
        (order, entity)
    }

    /// Takes an order that has reached the dock out of the book, with all that it carries.
    ///
    /// # Panics
    /// When the order is not pending.
    pub fn receive(&mut self, id: OrderId) -> (PurchaseOrder, InTransit, OpenExpectations) {
        let entity = self.index.open.remove(&id).expect("the order is pending");
        let (order, mut transit, mut open) = self.orders.get_mut(entity).expect("the order is an entity");
        let carried = InTransit {
            arrives: transit.arrives,
            quantity: transit.quantity,
            day_shocks: std::mem::take(&mut transit.day_shocks),
            told_shocks: std::mem::take(&mut transit.told_shocks),
            quantity_shocks: std::mem::take(&mut transit.quantity_shocks),
            price_shocks: std::mem::take(&mut transit.price_shocks),
        };
        let received = (*order, carried, std::mem::take(&mut *open));
        self.commands.entity(entity).despawn();
        self.index.delivered += 1;
        received
    }

    /// Takes an order back; its open expectations are handed over to be voided, with the shocks that struck it.
    pub fn cancel(&mut self, id: OrderId) -> Option<(Vec<Expectation>, Causes)> {
        let entity = self.index.open.remove(&id)?;
        let (_, mut transit, mut open) = self.orders.get_mut(entity).ok()?;
        let mut shocks = std::mem::take(&mut transit.day_shocks);
        shocks.append(&mut transit.quantity_shocks);
        shocks.append(&mut transit.price_shocks);
        shocks.append(&mut transit.told_shocks);
        let voided = std::mem::take(&mut open.stated);
        self.commands.entity(entity).despawn();
        Some((voided, shocks))
    }

    /// Makes an order come up to [`EXPEDITE_DAYS`] sooner, but never before tomorrow; returns the promised day before
    /// and after. A supplier that speaks of delays promises the true day; another one what it promised, made sooner.
    pub fn expedite(&mut self, id: OrderId, today: Day, tells_delays: bool) -> Option<(Day, Day)> {
        let entity = *self.index.open.get(&id)?;
        let (mut order, mut transit, _) = self.orders.get_mut(entity).ok()?;
        let old = order.promised;
        transit.arrives = sooner(transit.arrives, today);
        order.promised = if tells_delays { transit.arrives } else { sooner(old, today) };
        Some((old, order.promised))
    }

    /// Makes a pending order arrive later than it would have, for a shock; the true day before and after.
    ///
    /// # Panics
    /// When the order is not pending.
    pub fn delay(&mut self, id: OrderId, days: Day, shock: ShockId) -> (Day, Day) {
        let (_, mut transit, _) = self.orders.get_mut(self.index.open[&id]).expect("a shock strikes pending orders");
        let before = transit.arrives;
        transit.arrives = transit.arrives.saturating_add(days);
        transit.day_shocks.push(shock);
        (before, transit.arrives)
    }

    /// Makes another quantity of a pending order arrive, for a shock.
    ///
    /// # Panics
    /// When the order is not pending.
    pub fn change_quantity(&mut self, id: OrderId, quantity: Units, shock: ShockId) {
        let (_, mut transit, _) = self.orders.get_mut(self.index.open[&id]).expect("a shock strikes pending orders");
        transit.quantity = quantity;
        transit.quantity_shocks.push(shock);
    }
}

/// Days that an expedite saves at most.
pub const EXPEDITE_DAYS: Day = 2;

/// The day to which an expedite moves another one: up to two days sooner, but never before tomorrow.
#[must_use]
pub fn sooner(day: Day, today: Day) -> Day {
    day.max(today + 1).saturating_sub(EXPEDITE_DAYS).max(today + 1)
}

//! Customers: what they ask for, when they give up.

use std::collections::{BTreeMap, VecDeque};

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;

use crate::base::ids::{SalesOrderId, SkuId};
use crate::base::rng::{DrawKey, Stream};
use crate::base::units::{Cents, Day, Units};
use crate::config::settings::DemandConfig;
use crate::engine::calendar::Calendar;
use crate::engine::inbox::{CustomerRequest, Inbox, MessageBody};
use crate::engine::journal::{Journal, WorldEvent};
use crate::engine::run_state::RunScoped;
use crate::scenario::warehouse::sku::{Shelves, Sku};

/// Largest quantity that a customer asks for; the smallest is 1.
pub const MAX_QUANTITY: Units = 20;

/// Fewest ended orders from which a share of failures is taken.
const MIN_ENDED: usize = 10;

/// An open order of a customer.
#[derive(Component, Clone, Copy, Debug)]
#[component(immutable)]
#[require(RunScoped)]
pub struct SalesOrder {
    /// Its id.
    pub id: SalesOrderId,
    /// What is asked for.
    pub sku: SkuId,
    /// Units asked for; all of them are shipped at once.
    pub quantity: Units,
    /// Price of one unit.
    pub unit_price: Cents,
    /// Last day in time.
    pub due_day: Day,
    /// Last day at all; in its evening the order expires.
    pub expires_day: Day,
}

impl From<SalesOrder> for CustomerRequest {
    fn from(order: SalesOrder) -> CustomerRequest {
        CustomerRequest {
            customer_order_id: order.id,
            sku: order.sku,
            quantity: order.quantity,
            unit_price: order.unit_price,
            due_day: order.due_day,
            expires_day: order.expires_day,
        }
    }
}

/// The rules of demand in this run.
#[derive(Debug)]
pub struct Demand {
    /// Probability of an order per SKU and day.
    pub p_order: f64,
    /// The settings.
    pub config: DemandConfig,
    arrivals: Stream,
    quantities: Stream,
}

crate::base::table_resource::table_resource!(Demand);

/// Streams of this file, with their versions.
pub const STREAMS: [(&str, u32); 2] = [("demand.arrival", 1), ("demand.quantity", 1)];

impl Demand {
    /// The demand of a run.
    #[must_use]
    pub fn new(config: &DemandConfig, skus: usize, key: DrawKey) -> Demand {
        Demand {
            p_order: config.orders_per_day / skus as f64,
            config: config.clone(),
            arrivals: Stream::new(key, STREAMS[0]),
            quantities: Stream::new(key, STREAMS[1]),
        }
    }
}

/// The open customer orders by id, counts over the run, and how the last ones ended.
#[derive(Clone, Debug, Default)]
pub struct Customers {
    open: BTreeMap<SalesOrderId, Entity>,
    requested: u32,
    shipped: u32,
    expired: u32,
    /// (day, whether it expired) of the orders that ended within the failure window, oldest first.
    ended: VecDeque<(Day, bool)>,
    expired_in_window: usize,
}

crate::base::table_resource::table_resource!(Customers);

impl Customers {
    /// How many are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// How many orders customers made so far.
    #[must_use]
    pub fn requested(&self) -> u32 {
        self.requested
    }

    /// How many were shipped so far.
    #[must_use]
    pub fn shipped(&self) -> u32 {
        self.shipped
    }

    /// How many expired unshipped so far.
    #[must_use]
    pub fn expired(&self) -> u32 {
        self.expired
    }

    /// The open orders' entities, by id.
    pub fn entities(&self) -> impl Iterator<Item = Entity> + '_ {
        self.open.values().copied()
    }

    /// Whether customers have given up on this warehouse.
    #[must_use]
    pub fn have_given_up(&self, rules: &DemandConfig) -> bool {
        match rules.max_failures {
            Some(limit) => self.expired > limit,
            None => {
                self.ended.len() >= MIN_ENDED
                    && self.expired_in_window as f64 > rules.max_failure_share * self.ended.len() as f64
            }
        }
    }

    fn end(&mut self, id: SalesOrderId, today: Day, expired: bool) -> Entity {
        if expired {
            self.expired += 1;
            self.expired_in_window += 1;
        } else {
            self.shipped += 1;
        }
        self.ended.push_back((today, expired));
        self.open.remove(&id).expect("the customer order is open")
    }

    fn forget_before(&mut self, first_day: Day) {
        while let Some(&(day, expired)) = self.ended.front()
            && day < first_day
        {
            self.ended.pop_front();
            self.expired_in_window -= usize::from(expired);
        }
    }
}

/// The open customer orders and what may be done to them.
#[derive(SystemParam)]
pub struct SalesBook<'w, 's> {
    commands: Commands<'w, 's>,
    index: ResMut<'w, Customers>,
    orders: Query<'w, 's, &'static SalesOrder>,
}

impl SalesBook<'_, '_> {
    /// An open customer order.
    #[must_use]
    pub fn get(&self, id: SalesOrderId) -> Option<SalesOrder> {
        let entity = *self.index.open.get(&id)?;
        self.orders.get(entity).ok().copied()
    }

    /// The open customer orders, by id.
    pub fn open(&self) -> impl Iterator<Item = &SalesOrder> + '_ {
        self.orders.iter_many(self.index.open.values())
    }

    /// Closes an open order as shipped.
    pub fn close_shipped(&mut self, id: SalesOrderId, today: Day) {
        let entity = self.index.end(id, today, false);
        self.commands.entity(entity).despawn();
    }
}

/// Morning: customers ask for goods, SKU by SKU.
pub fn receive_customer_requests(
    mut commands: Commands,
    mut demand: ResMut<Demand>,
    mut customers: ResMut<Customers>,
    calendar: Res<Calendar>,
    shelves: Res<Shelves>,
    skus: Query<&Sku>,
    mut inbox: ResMut<Inbox>,
    mut journal: ResMut<Journal>,
) {
    let today = calendar.day();
    for (index, sku) in skus.iter_many(&shelves.by_id).enumerate() {
        let index = index as u64;
        if demand.arrivals.unit(today, index) >= demand.p_order {
            continue;
        }
        customers.requested += 1;
        let order = SalesOrder {
            id: SalesOrderId(customers.requested),
            sku: sku.id,
            quantity: demand.quantities.integer(today, index, 1, MAX_QUANTITY),
            unit_price: sku.sale_price,
            due_day: today + demand.config.due_days,
            expires_day: today + demand.config.expire_after_days,
        };
        let entity = commands.spawn(order).id();
        customers.open.insert(order.id, entity);
        inbox.deliver(today, MessageBody::CustomerRequest(order.into()));
        journal.note(WorldEvent::CustomerRequest {
            customer_order: order.id,
            sku: order.sku,
            quantity: order.quantity,
            unit_price: order.unit_price,
            due_day: order.due_day,
            expires_day: order.expires_day,
        });
    }
}

/// Evening: orders that were not shipped in time expire.
pub fn expire_customer_orders(
    mut book: SalesBook,
    demand: Res<Demand>,
    calendar: Res<Calendar>,
    mut inbox: ResMut<Inbox>,
    mut journal: ResMut<Journal>,
) {
    let today = calendar.day();
    book.index.forget_before((today + 1).saturating_sub(demand.config.failure_window_days));
    if !book.open().any(|order| order.expires_day <= today) {
        return;
    }
    let expired: Vec<SalesOrderId> = book.open().filter(|o| o.expires_day <= today).map(|o| o.id).collect();
    for customer_order in expired {
        let entity = book.index.end(customer_order, today, true);
        book.commands.entity(entity).despawn();
        inbox.deliver(today, MessageBody::CustomerExpired { customer_order_id: customer_order });
        journal.note(WorldEvent::CustomerExpired { customer_order });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(max_failures: Option<u32>) -> DemandConfig {
        DemandConfig {
            orders_per_day: 0.2,
            due_days: 3,
            expire_after_days: 20,
            sale_markup: 1.6,
            late_penalty: 0.0,
            failure_window_days: 200,
            max_failure_share: 0.6,
            max_failures,
        }
    }

    fn ended(ends: &[(Day, bool)]) -> Customers {
        let mut customers = Customers::default();
        for (number, &(day, expired)) in ends.iter().enumerate() {
            let id = SalesOrderId(number as u32 + 1);
            customers.open.insert(id, Entity::PLACEHOLDER);
            customers.end(id, day, expired);
        }
        customers
    }

    #[test]
    fn customers_give_up_on_a_share_of_enough_recent_orders() {
        assert!(!ended(&[(1, true); 9]).have_given_up(&rules(None)), "nine are not enough to judge");
        assert!(ended(&[(1, true); 10]).have_given_up(&rules(None)));
        let mut mixed = [(1, true); 10];
        mixed[..4].fill((1, false));
        assert!(!ended(&mixed).have_given_up(&rules(None)), "0.6 is not more than 0.6");
        let mut old = ended(&[(1, true); 10]);
        old.forget_before(2);
        assert!(!old.have_given_up(&rules(None)), "what lies before the window is forgiven");
        assert_eq!(old.expired(), 10, "but stays counted");
    }

    #[test]
    fn an_absolute_limit_replaces_the_share() {
        assert!(!ended(&[(1, true); 3]).have_given_up(&rules(Some(3))));
        assert!(ended(&[(1, true); 4]).have_given_up(&rules(Some(3))));
    }
}

//! What happened in the present step, in the order in which it happened.
//!
//! Each owner of events keeps its own kind in an [`EventLog`]: the world's are in the [`Journal`], those of shocks,
//! predictions and crashes with the resources that decide them. The journal stamps them all, so that records can put
//! them back into one order. The driver starts a new step in the journal; a log forgets an older step when it notes
//! the next event, so nothing piles up over a run.

use std::borrow::Cow;

use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::expectation::{Expectation, Reference};
use crate::base::ids::{OrderId, SalesOrderId, ShockId, SkuId, SupplierId};
use crate::base::units::{Cents, Day, Units};
use crate::engine::ledger::PostingKind;

/// The shocks (by id) that changed one property of an order.
pub type Causes = SmallVec<[ShockId; 2]>;

/// A supplier order that reached the dock.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Delivery {
    /// The order.
    pub order: OrderId,
    /// Who delivered.
    pub supplier: SupplierId,
    /// What was delivered.
    pub sku: SkuId,
    /// Units ordered.
    pub ordered: Units,
    /// Units that arrived at the dock.
    pub arrived: Units,
    /// Units taken in and charged.
    pub taken: Units,
    /// Units turned away for lack of room.
    pub turned_away: Units,
    /// Day that was promised when the order was placed (or expedited).
    pub promised_day: Day,
    /// Amount charged at the agreed price.
    pub charged: Cents,
    /// Shocks that moved the day.
    pub day_shocks: Causes,
    /// Shocks that the supplier has told of, or that are over: they mislead only who has old news of it.
    pub told_shocks: Causes,
    /// Shocks that changed the quantity.
    pub quantity_shocks: Causes,
    /// What was predicted of the order, but for the charge.
    #[serde(skip)]
    pub expectations: Vec<Expectation>,
    /// What the reference policy would have predicted.
    #[serde(skip)]
    pub reference: Option<Reference>,
}

/// What is decided when a delivery's charge is posted.
#[derive(Clone, Debug)]
pub struct ChargeOutcome {
    /// The order.
    pub order: OrderId,
    /// What was predicted of the charge.
    pub expectations: Vec<Expectation>,
    /// What the reference policy would have predicted.
    pub reference: Option<f64>,
    /// Shocks that changed the agreed price.
    pub price_shocks: Causes,
    /// Shocks that changed the quantity.
    pub quantity_shocks: Causes,
    /// Whether units were turned away at the dock.
    pub turned_away: bool,
}

/// One thing that happened in the world. Serialised, with its step and day, it is a line of `events.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum WorldEvent {
    /// A supplier order was placed.
    OrderPlaced {
        /// The order.
        order: OrderId,
        /// With whom.
        supplier: SupplierId,
        /// Of what.
        sku: SkuId,
        /// Units ordered.
        quantity: Units,
        /// Agreed price of one unit.
        unit_price: Cents,
        /// Day promised.
        promised_day: Day,
    },
    /// A supplier order was cancelled.
    OrderCancelled {
        /// The order.
        order: OrderId,
        /// What it cost.
        fee: Cents,
    },
    /// A supplier order was expedited.
    OrderExpedited {
        /// The order.
        order: OrderId,
        /// Day promised before.
        old_day: Day,
        /// Day promised now.
        new_day: Day,
        /// What it cost.
        fee: Cents,
    },
    /// A supplier order reached the dock.
    Delivery(Delivery),
    /// Money moved.
    Posting {
        /// For what.
        kind: PostingKind,
        /// How much, as a positive amount.
        amount: Cents,
        /// For which supplier order.
        #[serde(skip_serializing_if = "Option::is_none")]
        order: Option<OrderId>,
        /// For which customer order.
        #[serde(skip_serializing_if = "Option::is_none")]
        customer_order: Option<SalesOrderId>,
        /// The posted budget after it.
        budget: Cents,
        /// The shock that made it late.
        #[serde(skip_serializing_if = "Option::is_none")]
        late_by: Option<ShockId>,
        /// What a delivery's charge decides.
        #[serde(skip)]
        charge: Option<Box<ChargeOutcome>>,
    },
    /// A posting will be late.
    PostingDelayed {
        /// For what.
        kind: PostingKind,
        /// How much, as a positive amount.
        amount: Cents,
        /// For which supplier order.
        #[serde(skip_serializing_if = "Option::is_none")]
        order: Option<OrderId>,
        /// For which customer order.
        #[serde(skip_serializing_if = "Option::is_none")]
        customer_order: Option<SalesOrderId>,
        /// Day on whose morning it will be posted.
        due_day: Day,
        /// The shock that delays it.
        late_by: ShockId,
    },
    /// A customer asked for goods.
    CustomerRequest {
        /// The customer order.
        customer_order: SalesOrderId,
        /// For what.
        sku: SkuId,
        /// Units asked for.
        quantity: Units,
        /// Price of one unit.
        unit_price: Cents,
        /// Last day in time.
        due_day: Day,
        /// Last day at all.
        expires_day: Day,
    },
    /// A customer order was shipped.
    Shipment {
        /// The customer order.
        customer_order: SalesOrderId,
        /// What.
        sku: SkuId,
        /// Units.
        quantity: Units,
        /// Revenue after the penalty.
        net_revenue: Cents,
        /// Whether it went out after its due day.
        late: bool,
    },
    /// A customer order ended unshipped.
    CustomerExpired {
        /// The customer order.
        customer_order: SalesOrderId,
    },
    /// Something that a plugin tells of.
    Custom {
        /// The plugin's name for it.
        name: Cow<'static, str>,
        /// What happened.
        data: serde_json::Value,
    },
}

/// When an event happened: comparable within a run, whoever keeps the event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Number of the step, counted from 1.
    step: u32,
    /// Events of the step that came before.
    order: u32,
}

/// An event and when it happened.
#[derive(Clone, Debug)]
pub struct Stamped<E> {
    /// When it happened.
    pub stamp: Stamp,
    /// What happened.
    pub event: E,
}

/// The events of one kind, of the latest step that had any.
#[derive(Clone, Debug)]
pub struct EventLog<E> {
    events: Vec<Stamped<E>>,
}

impl<E> Default for EventLog<E> {
    fn default() -> EventLog<E> {
        EventLog { events: Vec::new() }
    }
}

impl<E> EventLog<E> {
    /// Notes an event of the present step.
    pub fn note(&mut self, event: E, journal: &mut Journal) {
        self.push(Stamped { stamp: journal.stamp(), event });
    }

    /// The events of the present step, oldest first.
    pub fn now(&self, journal: &Journal) -> impl ExactSizeIterator<Item = &E> + Clone {
        self.stamped(journal).iter().map(|stamped| &stamped.event)
    }

    /// The same, each with its stamp.
    #[must_use]
    pub fn stamped(&self, journal: &Journal) -> &[Stamped<E>] {
        match self.events.first() {
            Some(first) if first.stamp.step == journal.next.step => &self.events,
            _ => &[],
        }
    }

    fn push(&mut self, stamped: Stamped<E>) {
        if self.events.first().is_some_and(|first| first.stamp.step != stamped.stamp.step) {
            self.events.clear();
        }
        self.events.push(stamped);
    }
}

/// The clock of events, and the world's events of the present step.
#[derive(Debug, Default)]
pub struct Journal {
    next: Stamp,
    events: EventLog<WorldEvent>,
    /// The storage fee of this step's evening.
    pub storage_fee: Cents,
}

crate::base::table_resource::table_resource!(Journal);

impl Journal {
    /// Notes an event of the world.
    pub fn note(&mut self, event: WorldEvent) {
        let stamp = self.stamp();
        self.events.push(Stamped { stamp, event });
    }

    /// The world's events of the present step, oldest first.
    pub fn events(&self) -> impl ExactSizeIterator<Item = &WorldEvent> + Clone {
        self.events.now(self)
    }

    /// The same, each with its stamp.
    #[must_use]
    pub fn stamped(&self) -> &[Stamped<WorldEvent>] {
        self.events.stamped(self)
    }

    /// The deliveries of this step.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.events().filter_map(|event| match event {
            WorldEvent::Delivery(delivery) => Some(delivery),
            _ => None,
        })
    }

    /// Starts the next step: nothing has happened in it yet.
    pub(crate) fn start_step(&mut self) {
        self.next = Stamp { step: self.next.step + 1, order: 0 };
        self.storage_fee = Cents::ZERO;
    }

    /// The stamp of the event that happens now.
    fn stamp(&mut self) -> Stamp {
        let stamp = self.next;
        self.next.order += 1;
        stamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(name: &'static str) -> WorldEvent {
        WorldEvent::Custom { name: name.into(), data: serde_json::Value::Null }
    }

    #[test]
    fn logs_share_one_order_and_forget_the_step_before() {
        let mut journal = Journal::default();
        let mut others = EventLog::default();
        journal.start_step();
        others.note("first", &mut journal);
        journal.note(custom("second"));
        others.note("third", &mut journal);
        assert_eq!(others.now(&journal).copied().collect::<Vec<_>>(), ["first", "third"]);
        let stamps: Vec<Stamp> = others.stamped(&journal).iter().map(|event| event.stamp).collect();
        assert!(stamps[0] < journal.stamped()[0].stamp && journal.stamped()[0].stamp < stamps[1]);

        journal.start_step();
        assert_eq!((others.now(&journal).len(), journal.events().len()), (0, 0), "nothing has happened yet");
        others.note("fourth", &mut journal);
        assert_eq!(others.now(&journal).copied().collect::<Vec<_>>(), ["fourth"], "older ones are gone");
        assert!(others.stamped(&journal)[0].stamp > stamps[1]);
    }
}

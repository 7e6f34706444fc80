//! Messages to the agent. They tell of the world and never change it; the state hash leaves them out.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::ids::{OrderId, SalesOrderId, ShockId, SkuId, SupplierId};
use crate::base::units::{Cents, Day, Units};

/// Most messages that wait; older ones are dropped with a notice.
pub const CAPACITY: usize = 1_000;

/// A line of a price list.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PriceListItem {
    /// The SKU.
    pub sku: SkuId,
    /// Price of one unit.
    pub unit_price: Cents,
    /// Days from order to delivery.
    pub lead_days: Day,
}

/// A customer order as its message tells it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CustomerRequest {
    /// Its id.
    pub customer_order_id: SalesOrderId,
    /// What is asked for.
    pub sku: SkuId,
    /// Units asked for.
    pub quantity: Units,
    /// Price of one unit.
    pub unit_price: Cents,
    /// Last day in time.
    pub due_day: Day,
    /// Last day at all.
    pub expires_day: Day,
}

/// A delivery as its receipt tells it. Under hidden observability only the order is named.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Receipt {
    /// The order that arrived.
    pub order_id: OrderId,
    /// Day on which it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived_day: Option<Day>,
    /// Units taken in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Units>,
    /// Units turned away for lack of room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turned_away: Option<Units>,
    /// Amount charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charged: Option<Cents>,
}

/// What a shock did, as its notice tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ShockNews {
    /// A pending order will arrive on another day.
    OrderDelayed {
        /// The order.
        order_id: OrderId,
        /// Its new day.
        new_eta_day: Day,
    },
    /// A pending order will bring another quantity.
    OrderQuantityChanged {
        /// The order.
        order_id: OrderId,
        /// Its new quantity.
        new_quantity: Units,
    },
    /// A supplier is dearer for a SKU for a while, and its pending orders for it come later.
    Interference {
        /// The supplier.
        supplier_id: SupplierId,
        /// The SKU.
        sku: SkuId,
        /// Its new price; null when it stays.
        unit_price: Option<Cents>,
        /// First day with it.
        from_day: Day,
        /// First day with the usual price.
        until_day: Day,
        /// Orders that come later, with their new days.
        #[serde(with = "as_map")]
        #[schemars(with = "BTreeMap<OrderId, Day>")]
        orders: Vec<(OrderId, Day)>,
    },
    /// The next charge or revenue is posted late.
    PostingLag {
        /// By so many mornings.
        days: Day,
    },
    /// What a third party's shock did.
    Custom(CustomNews),
    /// A supplier takes longer for a while.
    RegimeShift {
        /// The supplier.
        supplier_id: SupplierId,
        /// By so many days.
        extra_days: Day,
        /// First day on which quotes say so.
        from_day: Day,
        /// First day with the usual lead times.
        until_day: Day,
    },
}

/// What a third party's shock did: a sentence, and what it means for pending orders. What is told here and is true is
/// what the agent can know; the reference policy believes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CustomNews {
    /// The shock family, or a finer name of the plugin's.
    name: Cow<'static, str>,
    /// What happened, in a sentence.
    text: String,
    /// Orders that come on another day, with their new days.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "as_map")]
    #[schemars(with = "BTreeMap<OrderId, Day>")]
    new_eta_days: Vec<(OrderId, Day)>,
    /// Orders that bring another quantity, with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "as_map")]
    #[schemars(with = "BTreeMap<OrderId, Units>")]
    new_quantities: Vec<(OrderId, Units)>,
}

impl CustomNews {
    /// News under a name, in a sentence.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, text: impl Into<String>) -> CustomNews {
        CustomNews { name: name.into(), text: text.into(), new_eta_days: Vec::new(), new_quantities: Vec::new() }
    }

    /// Tells that a pending order will arrive on another day.
    #[must_use]
    pub fn order_delayed(mut self, order: OrderId, new_eta_day: Day) -> CustomNews {
        self.new_eta_days.push((order, new_eta_day));
        self
    }

    /// Tells that a pending order will bring another quantity.
    #[must_use]
    pub fn order_quantity_changed(mut self, order: OrderId, new_quantity: Units) -> CustomNews {
        self.new_quantities.push((order, new_quantity));
        self
    }

    /// Orders that come on another day.
    pub fn new_eta_days(&self) -> impl Iterator<Item = (OrderId, Day)> + '_ {
        self.new_eta_days.iter().copied()
    }

    /// Orders that bring another quantity.
    pub fn new_quantities(&self) -> impl Iterator<Item = (OrderId, Units)> + '_ {
        self.new_quantities.iter().copied()
    }
}

/// Orders as a map, in the order of the list.
mod as_map {
    use std::fmt;

    use serde::de::{MapAccess, Visitor};
    use serde::{Deserializer, Serializer};

    use crate::base::ids::OrderId;

    pub(super) fn serialize<S: Serializer>(orders: &[(OrderId, u32)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(orders.iter().copied())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(OrderId, u32)>, D::Error> {
        struct Orders;
        impl<'de> Visitor<'de> for Orders {
            type Value = Vec<(OrderId, u32)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of orders")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut orders = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    orders.push(entry);
                }
                Ok(orders)
            }
        }
        deserializer.deserialize_map(Orders)
    }
}

fn as_slice<S: serde::Serializer>(items: &Arc<[PriceListItem]>, serializer: S) -> Result<S::Ok, S::Error> {
    (**items).serialize(serializer)
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MessageBody {
    /// A supplier's offers.
    PriceList {
        /// Whose.
        supplier_id: SupplierId,
        /// One line a SKU.
        #[serde(serialize_with = "as_slice")]
        items: Arc<[PriceListItem]>,
    },
    /// A customer asks for goods.
    CustomerRequest(CustomerRequest),
    /// A customer gave up waiting.
    CustomerExpired {
        /// The order that is gone.
        customer_order_id: SalesOrderId,
    },
    /// A supplier order reached the dock.
    Delivery(Receipt),
    /// Something went wrong.
    Notice {
        /// The shock.
        shock_id: ShockId,
        /// What it did.
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        news: Option<ShockNews>,
    },
    /// A message of a plugin. It says what it says: the shown state takes in nothing of it.
    Note {
        /// Who writes.
        from: Cow<'static, str>,
        /// The message.
        text: String,
    },
    /// Messages were lost because nobody read them.
    Dropped {
        /// How many, so far, since the inbox was last emptied.
        count: u32,
    },
}

/// A message with its day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// Day on which it came.
    pub day: Day,
    /// What it says.
    #[serde(flatten)]
    pub body: MessageBody,
}

/// Unread messages, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    messages: VecDeque<Message>,
    dropped: u32,
}

crate::base::table_resource::table_resource!(Inbox);

impl Inbox {
    /// Puts a message in; when the inbox is full, the oldest one is lost and the loss is told.
    pub fn deliver(&mut self, day: Day, body: MessageBody) {
        if self.messages.len() == CAPACITY {
            self.messages.pop_front();
            self.dropped += 1;
        }
        self.messages.push_back(Message { day, body });
    }

    /// How many messages wait (a notice of lost ones counts as one).
    #[must_use]
    pub fn count(&self) -> usize {
        self.messages.len() + usize::from(self.dropped > 0)
    }

    /// Takes all messages out.
    pub fn empty(&mut self, today: Day) -> Vec<Message> {
        let lost = std::mem::take(&mut self.dropped);
        let notice = (lost > 0).then_some(Message { day: today, body: MessageBody::Dropped { count: lost } });
        notice.into_iter().chain(self.messages.drain(..)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_inbox_drops_the_oldest_and_says_so() {
        let mut inbox = Inbox::default();
        for n in 0..CAPACITY as u32 + 3 {
            inbox.deliver(n, MessageBody::CustomerExpired { customer_order_id: SalesOrderId(n + 1) });
        }
        let messages = inbox.empty(2_000);
        assert_eq!(messages.len(), CAPACITY + 1);
        assert_eq!(messages[0].body, MessageBody::Dropped { count: 3 });
        assert_eq!(messages[1].day, 3);
        assert_eq!(inbox.count(), 0);
    }
}

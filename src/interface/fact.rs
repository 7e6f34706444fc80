//! What a result shows the agent, in the harness's words: the shown state takes it in.

use serde_json::Value;

use crate::base::ids::{OrderId, SalesOrderId, SkuId, SupplierId};
use crate::base::units::{Cents, Day, Units};
use crate::engine::inbox::Message;

/// Something that a result showed.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// The posted budget.
    Budget(Cents),
    /// The stock of every SKU.
    Storage(Vec<Units>),
    /// The stock of one SKU.
    StockOf(SkuId, Units),
    /// A supplier's present offer.
    Quoted {
        /// Whose.
        supplier: SupplierId,
        /// For what.
        sku: SkuId,
        /// Price of one unit.
        unit_price: Cents,
        /// Days from order to delivery.
        lead_days: Day,
    },
    /// An order was placed.
    OrderPlaced {
        /// The order.
        order: OrderId,
        /// Of what.
        sku: SkuId,
        /// Units.
        quantity: Units,
        /// Agreed price of one unit.
        unit_price: Cents,
        /// Day promised.
        promised: Day,
    },
    /// A fee was paid.
    FeePaid(Cents),
    /// An order will come on another day.
    OrderMoved(OrderId, Day),
    /// An order was cancelled.
    OrderCancelled(OrderId),
    /// An order is not pending: it has arrived, if it was known at all.
    NotPending(OrderId),
    /// A customer order is no longer open.
    CustomerGone(SalesOrderId),
    /// Units went out to a customer.
    Shipped {
        /// The customer order.
        customer_order: SalesOrderId,
        /// What.
        sku: SkuId,
        /// Units.
        quantity: Units,
        /// What the customer paid.
        net_revenue: Cents,
    },
    /// Messages were read.
    Read(Vec<Message>),
    /// Something that only the run's scenario knows.
    Scenario {
        /// The scenario's name for it.
        name: &'static str,
        /// What was shown.
        data: Value,
    },
}

//! What an agent's inputs add to its shown state.

use crate::base::ids::{SkuId, SupplierId};
use crate::base::units::{Cents, Day, Units};
use crate::engine::inbox::{Message, MessageBody, Receipt, ShockNews};
use crate::interface::fact::Fact;
use crate::interface::observation::Dashboard;
use crate::scenario::warehouse::shown::{KnownOffer, KnownOrder, KnownRegime, KnownRise, ShownState};

/// Difference between the budget shown and the one carried forward from which it is a surprise.
const SURPRISING_CENTS: i64 = 100;

impl ShownState {
    /// A new day: the night's storage fee is paid for what is thought to be in stock.
    pub(crate) fn turn_to(&mut self, day: Day) {
        if day > self.day {
            let units = self.expected_storage().max(0) as Units;
            self.budget -= self.storage_fee * units;
            self.day = day;
            self.customers.retain(|_, order| order.expires_day >= day);
        }
    }

    /// What every input shows.
    pub(crate) fn see_inbox_count(&mut self, unread: usize) {
        self.unread = unread;
    }

    /// What a dashboard shows.
    pub(crate) fn see_dashboard(&mut self, dashboard: &Dashboard) {
        self.see_budget(dashboard.budget);
        for (index, units) in dashboard.storage.0.iter().enumerate() {
            self.see_stock(SkuId(index as u32), *units);
        }
    }

    /// Takes in what a result showed.
    pub(crate) fn take_in(&mut self, facts: &[Fact]) {
        for fact in facts {
            match *fact {
                Fact::Budget(budget) => self.see_budget(budget),
                Fact::Storage(ref all) => {
                    for (index, units) in all.iter().enumerate() {
                        self.see_stock(SkuId(index as u32), *units);
                    }
                }
                Fact::StockOf(sku, units) => self.see_stock(sku, units),
                Fact::Quoted { supplier, sku, unit_price, lead_days } => {
                    self.see_offer(supplier, sku, KnownOffer { unit_price, lead_days, as_of: self.day });
                }
                Fact::OrderPlaced { order, sku, quantity, unit_price, promised } => {
                    let known = KnownOrder {
                        sku,
                        ordered: quantity,
                        quantity,
                        unit_price,
                        promised,
                        seen_in_stock: false,
                        seen_in_budget: false,
                    };
                    self.orders.insert(order, known);
                }
                Fact::FeePaid(fee) => self.budget -= fee,
                Fact::OrderMoved(order, day) => {
                    if let Some(known) = self.orders.get_mut(&order) {
                        known.promised = day;
                    }
                }
                Fact::OrderCancelled(order) => {
                    self.orders.remove(&order);
                }
                Fact::NotPending(order) => {
                    if let Some(known) = self.orders.get_mut(&order) {
                        known.promised = known.promised.min(self.day);
                    }
                }
                Fact::CustomerGone(customer_order) => {
                    self.customers.remove(&customer_order);
                }
                Fact::Shipped { customer_order, sku, quantity, net_revenue } => {
                    self.customers.remove(&customer_order);
                    self.budget += net_revenue;
                    if let Some(stock) = self.stock.get_mut(sku.index()) {
                        *stock -= i64::from(quantity);
                        if *stock < 0 {
                            // More went out than was sure: promised goods were there.
                            self.settle_stock(sku, 0);
                        }
                    }
                }
                Fact::Read(ref messages) => messages.iter().for_each(|message| self.read(message)),
                Fact::Scenario { .. } => {}
            }
        }
    }

    fn read(&mut self, message: &Message) {
        match message.body {
            MessageBody::PriceList { supplier_id, ref items } => {
                for item in items.iter() {
                    let offer =
                        KnownOffer { unit_price: item.unit_price, lead_days: item.lead_days, as_of: message.day };
                    self.see_offer(supplier_id, item.sku, offer);
                }
            }
            MessageBody::CustomerRequest(request) => {
                if request.expires_day >= self.day {
                    self.customers.insert(request.customer_order_id, request);
                }
            }
            MessageBody::CustomerExpired { customer_order_id } => {
                self.customers.remove(&customer_order_id);
            }
            MessageBody::Delivery(receipt) => self.see_receipt(&receipt),
            MessageBody::Notice { news: Some(ShockNews::OrderDelayed { order_id, new_eta_day }), .. } => {
                self.last_delay = Some(self.day);
                if let Some(order) = self.orders.get_mut(&order_id) {
                    order.promised = new_eta_day;
                }
            }
            MessageBody::Notice { news: Some(ShockNews::OrderQuantityChanged { order_id, new_quantity }), .. } => {
                self.last_other_quantity = Some(self.day);
                if let Some(order) = self.orders.get_mut(&order_id) {
                    order.quantity = new_quantity;
                }
            }
            MessageBody::Notice {
                news: Some(ShockNews::Interference { supplier_id, sku, unit_price, from_day, until_day, ref orders }),
                ..
            } => {
                for (order_id, new_eta_day) in orders {
                    self.last_delay = Some(self.day);
                    if let Some(order) = self.orders.get_mut(order_id) {
                        order.promised = *new_eta_day;
                    }
                }
                if let Some(unit_price) = unit_price {
                    self.rises.retain(|rise| (rise.supplier, rise.sku) != (supplier_id, sku));
                    let shown = self.offers.get(supplier_id.index()).and_then(|offers| *offers.get(sku.index())?);
                    let usual = shown.filter(|offer| offer.as_of < from_day).map(|offer| offer.unit_price);
                    let (supplier, from, until) = (supplier_id, from_day, until_day);
                    self.rises.push(KnownRise { supplier, sku, unit_price, usual, from, until });
                }
            }
            MessageBody::Notice {
                news: Some(ShockNews::RegimeShift { supplier_id, extra_days, from_day, until_day }),
                ..
            } => {
                self.last_delay = Some(self.day);
                self.regimes.retain(|regime| regime.supplier != supplier_id);
                let (supplier, from, until) = (supplier_id, from_day, until_day);
                self.regimes.push(KnownRegime { supplier, extra_days, from, until });
            }
            MessageBody::Notice { news: Some(ShockNews::Custom(ref news)), .. } => {
                for (order_id, new_eta_day) in news.new_eta_days() {
                    self.last_delay = Some(self.day);
                    if let Some(order) = self.orders.get_mut(&order_id) {
                        order.promised = new_eta_day;
                    }
                }
                for (order_id, new_quantity) in news.new_quantities() {
                    self.last_other_quantity = Some(self.day);
                    if let Some(order) = self.orders.get_mut(&order_id) {
                        order.quantity = new_quantity;
                    }
                }
            }
            MessageBody::Notice { news: Some(ShockNews::PostingLag { .. }) | None, .. }
            | MessageBody::Note { .. }
            | MessageBody::Dropped { .. } => {}
        }
    }

    fn see_receipt(&mut self, receipt: &Receipt) {
        let Some(order) = self.orders.remove(&receipt.order_id) else { return };
        let quantity = receipt.quantity.unwrap_or(order.quantity);
        if quantity != order.quantity {
            self.last_other_quantity = Some(self.day);
        }
        if receipt.arrived_day.is_some_and(|day| day > order.promised) {
            self.last_delay = Some(self.day);
        }
        if !order.seen_in_stock
            && let Some(stock) = self.stock.get_mut(order.sku.index())
        {
            *stock += i64::from(quantity);
        }
        if !order.seen_in_budget {
            self.budget -= receipt.charged.unwrap_or(order.unit_price * quantity);
        }
    }

    fn see_offer(&mut self, supplier: SupplierId, sku: SkuId, offer: KnownOffer) {
        if let Some(slot) = self.offers.get_mut(supplier.index()).and_then(|offers| offers.get_mut(sku.index())) {
            *slot = Some(offer);
        }
    }

    fn see_stock(&mut self, sku: SkuId, units: Units) {
        let Some(known) = self.stock.get(sku.index()).copied() else { return };
        let units = i64::from(units);
        if units > known {
            self.settle_stock(sku, units);
        } else if units < known {
            self.last_other_quantity = Some(self.day);
            self.stock[sku.index()] = units;
        }
    }

    /// More is there than was sure: orders promised by today have arrived, oldest first, until it is explained.
    fn settle_stock(&mut self, sku: SkuId, units: i64) {
        let mut unexplained = units - self.stock[sku.index()];
        let day = self.day;
        let awaited = |order: &KnownOrder| order.sku == sku && order.promised <= day && !order.seen_in_stock;
        // One order that explains it all comes before several that do.
        let exact = |order: &&mut KnownOrder| awaited(order) && i64::from(order.quantity) == unexplained;
        if let Some(order) = self.orders.values_mut().find(exact) {
            order.seen_in_stock = true;
            unexplained = 0;
        }
        for order in self.orders.values_mut() {
            if awaited(order) && i64::from(order.quantity) <= unexplained {
                order.seen_in_stock = true;
                unexplained -= i64::from(order.quantity);
            }
        }
        if unexplained != 0 {
            self.last_other_quantity = Some(self.day);
        }
        self.stock[sku.index()] = units;
    }

    /// Whether promised charges have been posted is told by which explanation lies nearer to the budget shown.
    fn see_budget(&mut self, shown: Cents) {
        let with = (shown - self.expected_budget()).0.abs();
        let without = (shown - self.budget).0.abs();
        if with < without {
            let day = self.day;
            for order in self.orders.values_mut().filter(|order| order.promised <= day) {
                order.seen_in_budget = true;
            }
        }
        if with.min(without) > SURPRISING_CENTS {
            self.last_other_quantity = Some(self.day);
        }
        self.budget = shown;
    }
}

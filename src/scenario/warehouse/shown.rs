//! The shown state: what this agent's inputs have contained so far, and only that.
//!
//! It decides whose fault a failed call is and whether work is open, and it is what the reference policy sees.
//! Between two looks, stock and budget are carried forward by what the agent did and was told: its own
//! shipments, arrivals it was told of or promised, the storage fee.

mod inputs;
mod knowledge;

use std::collections::BTreeMap;

use crate::base::ids::{OrderId, SalesOrderId, SkuId, SupplierId};
use crate::base::units::{Cents, Day, Units};
use crate::engine::inbox::CustomerRequest;
use crate::interface::observation::Briefing;
use crate::scenario::warehouse::rules::WarehouseRules;

/// A supplier's offer as known today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownOffer {
    /// Price of one unit.
    pub unit_price: Cents,
    /// Days from order to delivery.
    pub lead_days: Day,
    /// Day on which it was shown.
    pub as_of: Day,
}

/// A price that was told to be another one until a day.
#[derive(Clone, Copy, Debug)]
struct KnownRise {
    supplier: SupplierId,
    sku: SkuId,
    unit_price: Cents,
    /// What the SKU cost before, where it was shown.
    usual: Option<Cents>,
    from: Day,
    until: Day,
}

/// Lead times that were told to be longer until a day.
#[derive(Clone, Copy, Debug)]
struct KnownRegime {
    supplier: SupplierId,
    extra_days: Day,
    from: Day,
    until: Day,
}

/// A pending order as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownOrder {
    /// What.
    pub sku: SkuId,
    /// Units ordered.
    pub ordered: Units,
    /// Units that will come: those ordered, or told of since.
    pub quantity: Units,
    /// Agreed price of one unit.
    pub unit_price: Cents,
    /// Day promised, or told of since.
    pub promised: Day,
    /// Whether a look at the stock has shown the goods although no receipt was read.
    seen_in_stock: bool,
    /// Whether a look at the budget has shown the charge although no receipt was read.
    seen_in_budget: bool,
}

/// What the agent knows.
#[derive(Clone, Debug, Default)]
pub struct ShownState {
    day: Day,
    unread: usize,
    storage_fee: Cents,
    /// Stock as last shown, with what is known to have moved since; promised arrivals are not in it.
    stock: Vec<i64>,
    /// Budget as last shown, with what is known to have been posted since; promised charges are not in it.
    budget: Cents,
    offers: Vec<Vec<Option<KnownOffer>>>,
    rises: Vec<KnownRise>,
    regimes: Vec<KnownRegime>,
    orders: BTreeMap<OrderId, KnownOrder>,
    customers: BTreeMap<SalesOrderId, CustomerRequest>,
    last_delay: Option<Day>,
    last_other_quantity: Option<Day>,
}

impl ShownState {
    /// What the briefing shows.
    #[must_use]
    pub fn new(briefing: &Briefing) -> ShownState {
        let rules: &WarehouseRules = briefing.rules();
        ShownState {
            storage_fee: rules.storage_fee,
            stock: vec![i64::from(rules.initial_stock); rules.level.skus],
            budget: briefing.initial_budget,
            offers: vec![vec![None; rules.level.skus]; rules.level.suppliers],
            ..ShownState::default()
        }
    }

    /// Today, as the last input said.
    #[must_use]
    pub fn day(&self) -> Day {
        self.day
    }

    /// Unread messages.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.unread
    }

    /// Units of a SKU that the agent can be sure of.
    #[must_use]
    pub fn stock(&self, sku: SkuId) -> i64 {
        self.stock.get(sku.index()).copied().unwrap_or(0)
    }

    /// Units of a SKU that may be there: those it can be sure of and those that were promised by today.
    #[must_use]
    pub fn possible_stock(&self, sku: SkuId) -> i64 {
        self.stock(sku) + self.promised_by_today().filter(|o| o.sku == sku).map(|o| i64::from(o.quantity)).sum::<i64>()
    }

    /// Units over all SKUs, promised arrivals taken as arrived.
    #[must_use]
    pub fn expected_storage(&self) -> i64 {
        self.stock.iter().sum::<i64>() + self.promised_by_today().map(|o| i64::from(o.quantity)).sum::<i64>()
    }

    /// The budget, promised arrivals taken as charged.
    #[must_use]
    pub fn expected_budget(&self) -> Cents {
        let charged = |order: &&KnownOrder| order.promised <= self.day && !order.seen_in_budget;
        self.budget - self.orders.values().filter(charged).map(|o| o.unit_price * o.quantity).sum()
    }

    /// What pending orders will still cost beyond [`Self::expected_budget`].
    #[must_use]
    pub fn committed(&self) -> Cents {
        let later = |order: &&KnownOrder| order.promised > self.day && !order.seen_in_budget;
        self.orders.values().filter(later).map(|o| o.unit_price * o.quantity).sum()
    }

    /// A supplier's offer: as last shown, or told of since.
    #[must_use]
    pub fn offer(&self, supplier: SupplierId, sku: SkuId) -> Option<KnownOffer> {
        let mut offer = (*self.offers.get(supplier.index())?.get(sku.index())?)?;
        if let Some(rise) = self.rises.iter().find(|rise| rise.supplier == supplier && rise.sku == sku) {
            // What was shown while it lasted has the higher price in it already.
            let contains = rise.from <= offer.as_of && offer.as_of < rise.until;
            if self.day < rise.until && !contains && offer.as_of < rise.from {
                offer.unit_price = rise.unit_price;
            } else if self.day >= rise.until && contains {
                offer.unit_price = rise.usual.unwrap_or(offer.unit_price);
            }
        }
        if let Some(regime) = self.regimes.iter().find(|regime| regime.supplier == supplier) {
            let lasts = self.day < regime.until;
            // What was shown while it lasted has the longer time in it already.
            let contains = regime.from <= offer.as_of && offer.as_of < regime.until;
            if lasts && !contains {
                offer.lead_days += regime.extra_days;
            } else if !lasts && contains {
                offer.lead_days = offer.lead_days.saturating_sub(regime.extra_days);
            }
        }
        Some(offer)
    }

    /// All offers shown for a SKU, by supplier.
    pub fn offers_for(&self, sku: SkuId) -> impl Iterator<Item = (SupplierId, KnownOffer)> + '_ {
        (0..self.offers.len()).map(SupplierId::from_index).filter_map(move |id| Some((id, self.offer(id, sku)?)))
    }

    /// A pending order as shown.
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<&KnownOrder> {
        self.orders.get(&id)
    }

    /// Units of a SKU on the way: ordered and not known to have arrived.
    #[must_use]
    pub fn on_order(&self, sku: SkuId) -> i64 {
        self.orders.values().filter(|o| o.sku == sku && !o.seen_in_stock).map(|o| i64::from(o.quantity)).sum()
    }

    /// Units over all SKUs that were promised for a later day.
    #[must_use]
    pub fn on_order_in_all(&self) -> i64 {
        self.orders.values().filter(|o| o.promised > self.day && !o.seen_in_stock).map(|o| i64::from(o.quantity)).sum()
    }

    /// The open customer orders that were read of, by id.
    pub fn customers(&self) -> impl Iterator<Item = &CustomerRequest> + '_ {
        self.customers.values()
    }

    /// An open customer order that was read of.
    #[must_use]
    pub fn customer(&self, id: SalesOrderId) -> Option<&CustomerRequest> {
        self.customers.get(&id)
    }

    /// Whether an order came later than promised, as far as was told, within the last `days` days.
    #[must_use]
    pub fn was_delayed_within(&self, days: Day) -> bool {
        self.last_delay.is_some_and(|day| self.day <= day + days)
    }

    /// Whether an order brought another quantity, or money or stock turned out otherwise, within the last `days` days.
    #[must_use]
    pub fn was_misled_on_quantity_within(&self, days: Day) -> bool {
        self.last_other_quantity.is_some_and(|day| self.day <= day + days)
    }

    /// Whether some arrival was promised by today and no receipt of it was read.
    #[must_use]
    pub fn awaits_confirmation(&self) -> bool {
        self.orders.values().any(|order| order.promised <= self.day)
    }

    /// The pending orders as shown, by id.
    pub fn orders(&self) -> impl Iterator<Item = (OrderId, &KnownOrder)> + '_ {
        self.orders.iter().map(|(id, order)| (*id, order))
    }

    fn promised_by_today(&self) -> impl Iterator<Item = &KnownOrder> + '_ {
        self.orders.values().filter(|o| o.promised <= self.day && !o.seen_in_stock)
    }
}

//! The reference policy: make-to-order from the price list, plus a small base stock where it pays.
//!
//! A pure function of the shown state. The `heuristic` agent acts by it; for every agent it says whether work is
//! open: an agent that waits because there is nothing to do must not look broken.

use crate::base::decision::Action;
use crate::base::ids::{OrderId, SalesOrderId, SkuId, SupplierId};
use crate::base::units::{Cents, Day, Units};
use crate::engine::inbox::CustomerRequest;
use crate::interface::observation::Briefing;
use crate::scenario::warehouse::customer::MAX_QUANTITY;
use crate::scenario::warehouse::rules::WarehouseRules;
use crate::scenario::warehouse::shown::{KnownOffer, ShownState};
use crate::tool::name;

/// Share of the budget that pending orders may cost together.
const COMMIT_SHARE: f64 = 0.8;

/// Share of the budget that a single order may cost while nothing else is pending: it is charged on delivery, and
/// the customer who waits for it pays more than it costs.
const SINGLE_SHARE: f64 = 1.15;

/// Most units that are ordered beyond what customers asked for.
const BASE_STOCK: Units = 10;

/// Days between arrival and shipment that the policy allows for.
const HANDLING_DAYS: Day = 1;

/// Days for which a surprise makes the policy cautious.
const CAUTIOUS_DAYS: Day = 100;

/// What the two shares are multiplied with then.
const CAUTION: f64 = 0.8;

/// Budget below which money is tight, in cents: about three orders.
const TIGHT_BUDGET: i64 = 60_000;

/// Days besides the lead time until an order's money is back.
const TURNOVER_DAYS: Day = 3;

/// Something worth doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Ship an open customer order from stock.
    Ship(SalesOrderId),
    /// Cancel a pending order.
    Cancel(OrderId),
    /// Read what is unread.
    ReadInbox,
    /// Order goods.
    Order {
        /// From whom.
        supplier: SupplierId,
        /// What.
        sku: SkuId,
        /// Units.
        quantity: Units,
    },
}

impl Work {
    /// The tool call that does it.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Work::Ship(id) => Action::of(name::SHIP).with("customer_order_id", id.to_string()),
            Work::Cancel(id) => Action::of(name::CANCEL).with("order_id", id.to_string()),
            Work::ReadInbox => Action::of(name::CHECK_INBOX),
            Work::Order { supplier, sku, quantity } => Action::of(name::ORDER)
                .with("supplier_id", supplier.to_string())
                .with("sku", sku.to_string())
                .with("quantity", quantity),
        }
    }
}

/// What the policy would do next; `None` when there is nothing worth doing.
#[must_use]
pub fn next_work(shown: &ShownState, briefing: &Briefing) -> Option<Work> {
    let rules = briefing.rules();
    ship(shown)
        .or_else(|| cancel(shown, rules))
        .or_else(|| order(shown, rules))
        .or_else(|| (shown.unread() > 0).then_some(Work::ReadInbox))
}

/// Whether there is work besides reading the inbox: what counts for the call that empties it.
#[must_use]
pub fn has_work_besides_reading(shown: &ShownState, briefing: &Briefing) -> bool {
    let rules = briefing.rules();
    ship(shown).is_some() || cancel(shown, rules).is_some() || order(shown, rules).is_some()
}

/// The open customer order that expires first among those that sure stock can fill.
fn ship(shown: &ShownState) -> Option<Work> {
    shown
        .customers()
        .filter(|order| shown.stock(order.sku) >= i64::from(order.quantity))
        .min_by_key(|order| (order.expires_day, order.customer_order_id))
        .map(|order| Work::Ship(order.customer_order_id))
}

/// The order that costs most, when its charge would end the business.
fn cancel(shown: &ShownState, rules: &WarehouseRules) -> Option<Work> {
    if shown.expected_budget() - shown.committed() >= rules.bankrupt_below {
        return None;
    }
    shown
        .orders()
        .filter(|(_, order)| order.promised > shown.day())
        .max_by_key(|(id, order)| (order.unit_price * order.quantity, std::cmp::Reverse(*id)))
        .map(|(id, _)| Work::Cancel(id))
}

/// An order for what customers wait for and neither stock nor pending orders cover, most urgent first.
fn order(shown: &ShownState, rules: &WarehouseRules) -> Option<Work> {
    let budget = shown.expected_budget();
    if budget < Cents::ZERO || shown.customers().next().is_none() {
        return None;
    }
    let committed = shown.committed();
    let share = if committed == Cents::ZERO { SINGLE_SHARE } else { COMMIT_SHARE };
    let cautious = shown.was_misled_on_quantity_within(CAUTIOUS_DAYS);
    let limit = budget.scaled(if cautious { share * CAUTION } else { share }) - committed;
    let room = i64::from(rules.storage_capacity) - shown.expected_storage() - shown.on_order_in_all();
    let poor = budget < Cents(TIGHT_BUDGET);
    let tight = poor || shown.was_delayed_within(CAUTIOUS_DAYS);
    let mut waiting: Vec<&CustomerRequest> = shown.customers().collect();
    waiting.sort_unstable_by_key(|customer| (customer.expires_day, customer.customer_order_id));
    // Units of each SKU that the customers so far want, in the order of expiry.
    let mut wanted = vec![0i64; rules.level.skus];
    let mut best: Option<(i64, SalesOrderId, Work)> = None;
    for customer in waiting {
        let sku = customer.sku;
        let Some(wanted) = wanted.get_mut(sku.index()) else { continue };
        *wanted += i64::from(customer.quantity);
        let missing = *wanted - shown.stock(sku) - shown.on_order(sku);
        if missing <= 0 {
            continue;
        }
        let latest = customer.expires_day.saturating_sub(HANDLING_DAYS);
        let Some((supplier, offer)) = best_offer(shown, sku, latest, customer.unit_price, tight) else { continue };
        let missing = missing.min(i64::from(rules.storage_capacity)) as Units;
        if missing == 0 || offer.unit_price * missing > limit {
            continue;
        }
        // With little money the cheapest order serves most customers; otherwise the most urgent one comes first.
        let rank = if poor { (offer.unit_price * missing).0 } else { i64::from(customer.expires_day) };
        if best.is_some_and(|(least, id, _)| (least, id) <= (rank, customer.customer_order_id)) {
            continue;
        }
        let quantity = missing + base_stock(rules, offer, limit - offer.unit_price * missing, missing, room);
        best = Some((rank, customer.customer_order_id, Work::Order { supplier, sku, quantity }));
    }
    best.map(|(_, _, work)| work)
}

/// The cheapest offer that arrives in time and leaves a profit; while money is tight, the one that earns most a day,
/// since the same money can then earn again.
fn best_offer(
    shown: &ShownState,
    sku: SkuId,
    latest: Day,
    sale_price: Cents,
    tight: bool,
) -> Option<(SupplierId, KnownOffer)> {
    shown
        .offers_for(sku)
        .filter(|(_, offer)| offer.unit_price < sale_price && shown.day() + offer.lead_days <= latest)
        .min_by_key(|(supplier, offer)| {
            let a_day = (sale_price - offer.unit_price).0 * 1_000 / i64::from(offer.lead_days + TURNOVER_DAYS);
            (if tight { -a_day } else { offer.unit_price.0 }, offer.lead_days, *supplier)
        })
}

/// Units to order besides: they pay when their margin covers the storage until a customer takes them, and are
/// bought only from money that is not needed otherwise.
fn base_stock(rules: &WarehouseRules, offer: KnownOffer, spare: Cents, ordered: Units, room: i64) -> Units {
    let mean_quantity = f64::from(1 + MAX_QUANTITY) / 2.0;
    let units_a_day = rules.orders_per_day / rules.level.skus as f64 * mean_quantity;
    let days_to_sell = f64::from(BASE_STOCK) / units_a_day.max(1e-9);
    let storage = rules.storage_fee.0 as f64 * days_to_sell;
    // A margin of at least half the price is what the mark-up promises; ask twice the storage fee of it.
    let pays = offer.unit_price.0 as f64 * 0.5 > 2.0 * storage;
    let affordable = offer.unit_price * (BASE_STOCK + ordered) * 4 < spare;
    // Never so much that a delivery on its way would find no room.
    let fits = room >= i64::from(BASE_STOCK + ordered) + i64::from(rules.storage_capacity) / 4;
    if pays && affordable && fits { BASE_STOCK } else { 0 }
}

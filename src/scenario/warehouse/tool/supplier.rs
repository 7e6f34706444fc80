//! Dealing with suppliers: order, quote, cancel, expedite.

use bevy::app::App;
use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error_type::ErrorType::{Causal, Cost, Quantity, Temporal};
use crate::base::ids::{OrderId, SkuId, SupplierId};
use crate::base::units::{Cents, Day, Units};
use crate::engine::calendar::Calendar;
use crate::engine::journal::{Journal, WorldEvent};
use crate::engine::ledger::{Ledger, PostingKind};
use crate::engine::orders::{PurchaseBook, PurchaseOrder};
use crate::engine::suppliers::{Offer, SupplierMarket, Terms};
use crate::interface::fact::Fact;
use crate::interface::result::{Binding, ErrorCode, Precondition, ToolError, ToolReply};
use crate::interface::tool_kind::ToolKind;
use crate::scenario::warehouse::NAME;
use crate::scenario::warehouse::level::HAS_EXPEDITE;
use crate::scenario::warehouse::sku::Shelves;
use crate::shock::ledger::DoseLedger;
use crate::shock::observability::DisclosurePolicy;
use crate::tool::name;
use crate::tool::registry::{Availability, ToolAppExt, ToolSpec};

/// Share of ordered quantity times agreed price that a cancellation costs.
pub(crate) const CANCEL_SHARE: f64 = 0.1;
/// The same for an expedite.
pub(crate) const EXPEDITE_SHARE: f64 = 0.5;

pub(crate) fn register(app: &mut App) {
    let spec = |name, description| ToolSpec::new(name, description).only_in(NAME).offered(Availability::Always);
    let order = "Orders a quantity of a SKU from a supplier; charged on delivery.";
    let quote = "Shows a supplier's present unit price and lead time for a SKU.";
    let cancel = "Cancels a pending supplier order for a fee of 10% of its value.";
    let expedite = "Makes a pending supplier order come up to 2 days sooner for a fee of 50% of its value.";
    let expedite = spec(name::EXPEDITE, expedite).offered(Availability::When(&HAS_EXPEDITE));
    let order = spec(name::ORDER, order).kind(ToolKind::Purchase);
    app.add_tool(order.binds(&[Temporal, Quantity, Cost, Causal]), place_order)
        .add_tool(spec(name::QUOTE, quote), quote_offer)
        .add_tool(spec(name::CANCEL, cancel).binds(&[Cost, Causal]), cancel_order)
        .add_tool(expedite.binds(&[Temporal, Cost, Causal]), expedite_order);
}

/// Arguments of `tool_order`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OrderArgs {
    /// Id of the supplier, such as S1.
    supplier_id: String,
    /// Id of the SKU, such as sku_0.
    sku: String,
    /// Units to order, at most what the whole warehouse holds.
    #[schemars(range(min = 1))]
    quantity: i64,
}

/// Arguments of `tool_quote`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct QuoteArgs {
    /// Id of the supplier, such as S1.
    supplier_id: String,
    /// Id of the SKU, such as sku_0.
    sku: String,
    /// Units to ask for, at most what the whole warehouse holds.
    #[schemars(range(min = 1))]
    qty: i64,
}

/// Arguments of `tool_cancel_order` and `tool_expedite`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PendingOrderArgs {
    /// Id of the pending order, such as ORD1.
    order_id: String,
}

/// Supplier, SKU and terms behind two ids, as an agent writes them.
///
/// # Errors
/// `unknown_supplier` or `unknown_sku`, with the ids that there are.
pub fn find_offer(
    market: &SupplierMarket,
    shelves: &Shelves,
    supplier: &str,
    sku: &str,
    today: Day,
) -> Result<(SupplierId, SkuId, Terms), ToolError> {
    let found: Option<SupplierId> = supplier.parse().ok().filter(|id| market.exists(*id));
    let Some(supplier_id) = found else {
        let message = format!("there is no supplier {supplier:?}; suppliers are S1 to S{}", market.count());
        return Err(ToolError::new(ErrorCode::UnknownSupplier, message));
    };
    let found = sku.parse().ok().and_then(|id: SkuId| Some((id, market.terms(supplier_id, id, today)?)));
    let Some((sku_id, terms)) = found else {
        let message = format!("there is no SKU {sku:?}; SKUs are sku_0 to sku_{}", shelves.skus() - 1);
        return Err(ToolError::new(ErrorCode::UnknownSku, message));
    };
    Ok((supplier_id, sku_id, terms))
}

/// A quantity that makes sense: 1 to what the warehouse can hold. `argument` is its name in messages.
///
/// # Errors
/// `bad_arguments`.
pub fn check_quantity(argument: &str, quantity: i64, shelves: &Shelves) -> Result<Units, ToolError> {
    Units::try_from(quantity).ok().filter(|units| (1..=shelves.capacity()).contains(units)).ok_or_else(|| {
        let message = format!(
            "{argument} is {quantity}; it must be a whole number from 1 to {}, which is all that the warehouse holds",
            shelves.capacity()
        );
        ToolError::new(ErrorCode::BadArguments, message)
    })
}

/// Whether suppliers take orders: not while the posted budget is below zero.
///
/// # Errors
/// `budget_below_zero`.
pub fn check_credit(ledger: &Ledger, sku: SkuId) -> Result<(), ToolError> {
    let budget = ledger.budget();
    if budget >= Cents::ZERO {
        return Ok(());
    }
    let message = format!("suppliers take no orders while the budget is below zero; it is {budget}");
    Err(ToolError::new(ErrorCode::BudgetBelowZero, message)
        .showing(Fact::Budget(budget))
        .because(Precondition::BudgetNotNegative)
        .about(sku))
}

#[derive(Serialize)]
struct OrderData {
    order_id: OrderId,
    eta_day: Day,
    price: Cents,
}

fn place_order(
    In(args): In<OrderArgs>,
    market: SupplierMarket,
    shelves: Res<Shelves>,
    ledger: Res<Ledger>,
    calendar: Res<Calendar>,
    mut book: PurchaseBook,
    mut journal: ResMut<Journal>,
    mut doses: ResMut<DoseLedger>,
) -> Result<ToolReply, ToolError> {
    let today = calendar.day();
    let (supplier, sku, terms) = find_offer(&market, &shelves, &args.supplier_id, &args.sku, today)?;
    let quantity = check_quantity("quantity", args.quantity, &shelves)?;
    check_credit(&ledger, sku)?;
    let order = doses.place(&mut book, supplier, sku, quantity, terms, today, &mut journal);
    let PurchaseOrder { id, promised, unit_price, .. } = order;
    let data = OrderData { order_id: id, eta_day: promised, price: unit_price * quantity };
    Ok(ToolReply::success(true, &data)
        .showing(Fact::OrderPlaced { order: id, sku, quantity, unit_price, promised })
        .showing(Fact::Quoted { supplier, sku, unit_price, lead_days: terms.offer.lead_days })
        .binding(Binding::Ordered(id))
        .about(sku))
}

#[derive(Serialize)]
struct QuoteData {
    unit_price: Cents,
    lead_days: Day,
}

fn quote_offer(
    In(args): In<QuoteArgs>,
    market: SupplierMarket,
    shelves: Res<Shelves>,
    calendar: Res<Calendar>,
) -> Result<ToolReply, ToolError> {
    let (supplier, sku, terms) = find_offer(&market, &shelves, &args.supplier_id, &args.sku, calendar.day())?;
    check_quantity("qty", args.qty, &shelves)?;
    let Offer { unit_price, lead_days } = terms.offer;
    Ok(ToolReply::success(false, &QuoteData { unit_price, lead_days })
        .showing(Fact::Quoted { supplier, sku, unit_price, lead_days })
        .about(sku))
}

/// The pending order behind an id.
fn find_pending(book: &PurchaseBook, order_id: &str) -> Result<PurchaseOrder, ToolError> {
    let Ok(id) = order_id.parse::<OrderId>() else {
        let message = format!("{order_id:?} is no order id; they look like ORD1");
        return Err(ToolError::new(ErrorCode::UnknownOrder, message));
    };
    book.get(id).ok_or_else(|| {
        ToolError::new(ErrorCode::UnknownOrder, format!("no order {id} is pending"))
            .showing(Fact::NotPending(id))
            .because(Precondition::OrderPending(id))
    })
}

#[derive(Serialize)]
struct CancelData {
    ok: bool,
    fee: Cents,
}

fn cancel_order(
    In(args): In<PendingOrderArgs>,
    mut book: PurchaseBook,
    mut ledger: ResMut<Ledger>,
    mut journal: ResMut<Journal>,
) -> Result<ToolReply, ToolError> {
    let order = find_pending(&book, &args.order_id)?;
    let fee = order.value().scaled(CANCEL_SHARE);
    let (voided, shocks) = book.cancel(order.id).expect("the order is pending");
    journal.note(WorldEvent::OrderCancelled { order: order.id, fee });
    ledger.post_fee(PostingKind::CancelFee, fee, order.id, &mut journal);
    Ok(ToolReply::success(true, &CancelData { ok: true, fee })
        .showing(Fact::OrderCancelled(order.id))
        .showing(Fact::FeePaid(fee))
        .binding(Binding::Cancelled { order: order.id, fee, voided, shocks })
        .about(order.sku))
}

#[derive(Serialize)]
struct ExpediteData {
    new_eta_day: Day,
    cost: Cents,
}

fn expedite_order(
    In(args): In<PendingOrderArgs>,
    mut book: PurchaseBook,
    calendar: Res<Calendar>,
    disclosure: Res<DisclosurePolicy>,
    mut ledger: ResMut<Ledger>,
    mut journal: ResMut<Journal>,
) -> Result<ToolReply, ToolError> {
    let order = find_pending(&book, &args.order_id)?;
    let today = calendar.day();
    // The truth decides, not what was told: whether a call works must not depend on observability.
    if book.arrives(order.id).is_some_and(|day| day <= today + 1) {
        let message = format!("{} comes tomorrow and cannot come sooner", order.id);
        return Err(ToolError::new(ErrorCode::CannotExpedite, message)
            .showing(Fact::OrderMoved(order.id, today + 1))
            .because(Precondition::NotDueTomorrow(order.id))
            .about(order.sku));
    }
    let cost = order.value().scaled(EXPEDITE_SHARE);
    let (old_day, new_eta_day) =
        book.expedite(order.id, today, disclosure.tells_at_once()).expect("the order is pending");
    journal.note(WorldEvent::OrderExpedited { order: order.id, old_day, new_day: new_eta_day, fee: cost });
    ledger.post_fee(PostingKind::ExpediteFee, cost, order.id, &mut journal);
    Ok(ToolReply::success(true, &ExpediteData { new_eta_day, cost })
        .showing(Fact::OrderMoved(order.id, new_eta_day))
        .showing(Fact::FeePaid(cost))
        .binding(Binding::Expedited { order: order.id, fee: cost })
        .about(order.sku))
}

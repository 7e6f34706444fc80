//! Serving customers.

use bevy::app::App;
use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::ids::{SalesOrderId, SkuId};
use crate::base::units::{Cents, Units};
use crate::engine::calendar::Calendar;
use crate::engine::journal::{Journal, WorldEvent};
use crate::engine::ledger::{Ledger, Posting};
use crate::interface::fact::Fact;
use crate::interface::result::{ErrorCode, Precondition, ToolError, ToolReply};
use crate::interface::tool_kind::ToolKind;
use crate::scenario::warehouse::NAME;
use crate::scenario::warehouse::customer::{Demand, SalesBook};
use crate::scenario::warehouse::sku::Warehouse;
use crate::shock::ledger::DoseLedger;
use crate::tool::name;
use crate::tool::registry::{Availability, ToolAppExt, ToolSpec};

pub(crate) fn register(app: &mut App) {
    let description = "Ships an open customer order from stock, whole, and takes its revenue.";
    app.add_tool(
        ToolSpec::new(name::SHIP, description).only_in(NAME).offered(Availability::Always).kind(ToolKind::Work),
        ship,
    );
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ShipArgs {
    /// Id of the open customer order, such as CO1.
    customer_order_id: String,
}

#[derive(Serialize)]
struct ShipData {
    sku: SkuId,
    quantity: Units,
    gross_revenue: Cents,
    late_penalty: Cents,
    net_revenue: Cents,
    new_budget: Cents,
}

fn ship(
    In(args): In<ShipArgs>,
    mut book: SalesBook,
    mut warehouse: Warehouse,
    demand: Res<Demand>,
    calendar: Res<Calendar>,
    mut ledger: ResMut<Ledger>,
    mut journal: ResMut<Journal>,
    mut doses: ResMut<DoseLedger>,
    mut commands: Commands,
) -> Result<ToolReply, ToolError> {
    let Ok(id) = args.customer_order_id.parse::<SalesOrderId>() else {
        let message = format!("{:?} is no customer order id; they look like CO1", args.customer_order_id);
        return Err(ToolError::new(ErrorCode::UnknownCustomerOrder, message));
    };
    let Some(order) = book.get(id) else {
        return Err(ToolError::new(ErrorCode::UnknownCustomerOrder, format!("no customer order {id} is open"))
            .showing(Fact::CustomerGone(id))
            .because(Precondition::CustomerOpen(id)));
    };
    let (sku, quantity) = (order.sku, order.quantity);
    let in_stock = warehouse.stock(sku).expect("customers ask for SKUs that exist");
    if in_stock < quantity {
        let message = format!("{id} asks for {quantity} units of {sku}, only {in_stock} are in stock");
        return Err(ToolError::new(ErrorCode::InsufficientStock, message)
            .showing(Fact::StockOf(sku, in_stock))
            .because(Precondition::InStock(sku, quantity))
            .about(sku));
    }
    let today = calendar.day();
    let late = today > order.due_day;
    let gross_revenue = order.unit_price * quantity;
    let late_penalty = if late { gross_revenue.scaled(demand.config.late_penalty) } else { Cents::ZERO };
    let net_revenue = gross_revenue - late_penalty;
    warehouse.ship(sku, quantity);
    book.close_shipped(id, today);
    journal.note(WorldEvent::Shipment { customer_order: id, sku, quantity, net_revenue, late });
    let posting = Posting::revenue(net_revenue, id);
    doses.post_or_delay(&mut ledger, posting, &calendar, &mut journal, &mut commands);
    let new_budget = ledger.budget();
    let data = ShipData { sku, quantity, gross_revenue, late_penalty, net_revenue, new_budget };
    Ok(ToolReply::success(true, &data)
        .showing(Fact::Shipped { customer_order: id, sku, quantity, net_revenue })
        .showing(Fact::Budget(new_budget))
        .about(sku))
}

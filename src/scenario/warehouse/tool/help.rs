//! Help: one hint about what to do now, derived from the true state.

use crate::base::units::{Cents, Units};
use crate::config::settings::RecoveryTools;
use crate::engine::calendar::Calendar;
use crate::engine::inbox::{Inbox, Message, MessageBody};
use crate::engine::ledger::Ledger;
use crate::engine::orders::{InTransit, Orders, PurchaseOrder};
use crate::engine::suppliers::SupplierMarket;
use crate::interface::fact::Fact;
use crate::interface::observation::Briefing;
use crate::interface::result::{ToolError, ToolReply};
use crate::scenario::warehouse::NAME;
use crate::scenario::warehouse::customer::SalesBook;
use crate::scenario::warehouse::policy::{Work, next_work};
use crate::scenario::warehouse::shown::ShownState;
use crate::scenario::warehouse::sku::{Shelves, Sku, Stock};
use crate::tool::look::NoArgs;
use crate::tool::name;
use crate::tool::registry::{Availability, ToolAppExt, ToolSpec};
use bevy::app::App;
use bevy::prelude::*;
use serde::Serialize;
use serde_json::Value;

pub(crate) fn register(app: &mut App) {
    let help = "Gives one hint about what to do now.";
    let spec =
        ToolSpec::new(name::ASK_HELP, help).only_in(NAME).offered(Availability::WithRecovery(RecoveryTools::Help));
    app.add_tool(spec, ask_help);
}

#[derive(Serialize)]
struct HelpData {
    hint: String,
    tool: Option<String>,
    args: Option<Value>,
}

/// One hint: what the reference policy would do if it knew the true state.
fn ask_help(
    In(NoArgs {}): In<NoArgs>,
    briefing: Res<Briefing>,
    calendar: Res<Calendar>,
    ledger: Res<Ledger>,
    inbox: Res<Inbox>,
    shelves: Res<Shelves>,
    skus: Query<(&Sku, &Stock)>,
    market: SupplierMarket,
    orders: Res<Orders>,
    pending: Query<(&PurchaseOrder, &InTransit)>,
    customers: SalesBook,
) -> Result<ToolReply, ToolError> {
    let today = calendar.day();
    let mut truth = ShownState::new(&briefing);
    let mut facts = vec![Fact::Storage(skus.iter_many(shelves.by_id()).map(|(_, stock)| stock.units()).collect())];
    for (order, transit) in pending.iter_many(orders.entities()) {
        facts.push(Fact::OrderPlaced {
            order: order.id,
            sku: order.sku,
            quantity: transit.quantity,
            unit_price: order.unit_price,
            promised: transit.arrives,
        });
    }
    for supplier in market.all() {
        for (sku, _) in skus.iter_many(shelves.by_id()) {
            let terms = market.terms(supplier.id, sku.id, today).expect("the supplier and the SKU exist");
            let (unit_price, lead_days) = (terms.offer.unit_price, terms.true_lead_days);
            facts.push(Fact::Quoted { supplier: supplier.id, sku: sku.id, unit_price, lead_days });
        }
    }
    let request = |order: &crate::scenario::warehouse::customer::SalesOrder| Message {
        day: today,
        body: MessageBody::CustomerRequest((*order).into()),
    };
    facts.push(Fact::Read(customers.open().map(request).collect()));
    truth.turn_to(today);
    truth.take_in(&facts);
    truth.take_in(&[Fact::Budget(ledger.budget())]);
    truth.see_inbox_count(inbox.count());
    let work = next_work(&truth, &briefing);
    let hint = match work {
        Some(Work::Ship(id)) => format!("{id} can be shipped from stock now."),
        Some(Work::Cancel(id)) => format!("The charge of {id} would end the business; cancelling it would not."),
        Some(Work::ReadInbox) => format!("{} messages wait in the inbox.", inbox.count()),
        Some(Work::Order { supplier, sku, quantity }) => order_hint(&truth, supplier, sku, quantity),
        None => "There is nothing to do at the moment but to wait.".to_owned(),
    };
    let action = work.map(Work::action);
    let (tool, args) = action.map(|action| (action.tool, Value::Object(action.args))).unzip();
    Ok(ToolReply::success(false, &HelpData { hint, tool, args }))
}

fn order_hint(
    truth: &ShownState,
    supplier: crate::base::ids::SupplierId,
    sku: crate::base::ids::SkuId,
    quantity: Units,
) -> String {
    let price = truth.offer(supplier, sku).map_or(Cents::ZERO, |offer| offer.unit_price * quantity);
    format!("Customers wait for {sku} and nothing covers them: {supplier} sells {quantity} units for {price}.")
}

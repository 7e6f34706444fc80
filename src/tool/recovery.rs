//! Recovery: forgetting, looking back at one's predictions, and asking for help.

use bevy::app::App;
use bevy::prelude::*;
use serde::Serialize;
use serde_json::Value;

use super::look::NoArgs;
use super::name;
use super::registry::{Availability, ToolAppExt, ToolSpec};
use crate::base::units::{Cents, Units};
use crate::config::settings::RecoveryTools;
use crate::engine::calendar::Calendar;
use crate::engine::inbox::{Inbox, Message, MessageBody};
use crate::engine::ledger::Ledger;
use crate::engine::orders::{InTransit, OpenExpectations, Orders, SupplierOrder};
use crate::engine::suppliers::SupplierMarket;
use crate::interface::observation::Briefing;
use crate::interface::result::{Binding, ToolError, ToolReply};
use crate::prediction::predictions::{Audited, Predictions};
use crate::scenario::warehouse::customer::CustomerBook;
use crate::scenario::warehouse::policy::{Work, next_work};
use crate::scenario::warehouse::shown::{Fact, ShownState};
use crate::scenario::warehouse::sku::{Shelves, Sku, Stock};

pub(super) fn register(app: &mut App) {
    let spec = |name, description, tools| ToolSpec::new(name, description).offered(Availability::WithRecovery(tools));
    let reset = "Clears the conversation and takes back all open predictions; the scratchpad stays.";
    let audit = "Shows your last predictions and what became of them, as far as you were told.";
    let help = "Gives one hint about what to do now.";
    app.add_tool(spec(name::RESET_BELIEFS, reset, RecoveryTools::Reset), reset_beliefs)
        .add_tool(spec(name::AUDIT_PREDICTIONS, audit, RecoveryTools::Audit), audit_predictions)
        .add_tool(spec(name::ASK_HELP, help, RecoveryTools::Help), ask_help);
}

#[derive(Serialize)]
struct ResetData {
    predictions_voided: usize,
}

fn reset_beliefs(
    In(NoArgs {}): In<NoArgs>,
    orders: Res<Orders>,
    mut open: Query<&mut OpenExpectations>,
    mut ledger: ResMut<Ledger>,
) -> Result<ToolReply, ToolError> {
    let mut voided = Vec::new();
    for entity in orders.entities() {
        let mut open = open.get_mut(entity).expect("a pending order holds expectations");
        voided.append(&mut open.stated);
    }
    voided.append(&mut ledger.take_late_expectations());
    let reply = ToolReply::success(!voided.is_empty(), &ResetData { predictions_voided: voided.len() });
    Ok(reply.binding(Binding::Reset { voided }))
}

#[derive(Serialize)]
struct AuditData<'a> {
    predictions: Vec<AuditLine<'a>>,
}

#[derive(Serialize)]
struct AuditLine<'a> {
    tool: &'a str,
    #[serde(flatten)]
    prediction: &'a Audited,
}

fn audit_predictions(In(NoArgs {}): In<NoArgs>, predictions: Res<Predictions>) -> Result<ToolReply, ToolError> {
    let lines = predictions.audited().map(|prediction| AuditLine { tool: prediction.tool(), prediction });
    Ok(ToolReply::success(false, &AuditData { predictions: lines.collect() }))
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
    pending: Query<(&SupplierOrder, &InTransit)>,
    customers: CustomerBook,
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
    let request = |order: &crate::scenario::warehouse::customer::CustomerOrder| Message {
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

//! Looking, and waiting.

use bevy::app::App;
use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name;
use super::registry::{Availability, ToolAppExt, ToolSpec};
use crate::base::units::{Cents, Day};
use crate::engine::calendar::Calendar;
use crate::engine::inbox::{Inbox, Message};
use crate::engine::ledger::Ledger;
use crate::interface::observation::StockTable;
use crate::interface::result::{ToolError, ToolReply};
use crate::scenario::warehouse::shown::Fact;
use crate::scenario::warehouse::sku::Warehouse;

pub(super) fn register(app: &mut App) {
    let spec = |name, description| ToolSpec::new(name, description).offered(Availability::Always);
    app.add_tool(spec(name::CHECK_INBOX, "Reads all messages and empties the inbox."), check_inbox)
        .add_tool(spec(name::CHECK_STORAGE, "Shows the stock of every SKU."), check_storage)
        .add_tool(spec(name::CHECK_BUDGET, "Shows the posted budget."), check_budget)
        .add_tool(spec(name::WAIT, "Does nothing and ends the day."), wait);
}

/// Arguments of tools that take none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoArgs {}

#[derive(Serialize)]
struct InboxData<'a> {
    messages: &'a [Message],
}

fn check_inbox(
    In(NoArgs {}): In<NoArgs>,
    mut inbox: ResMut<Inbox>,
    calendar: Res<Calendar>,
) -> Result<ToolReply, ToolError> {
    let messages = inbox.empty(calendar.day());
    let reply = ToolReply::success(!messages.is_empty(), &InboxData { messages: &messages });
    Ok(reply.showing(Fact::Read(messages)))
}

#[derive(Serialize)]
struct StorageData<'a> {
    storage: &'a StockTable,
}

fn check_storage(In(NoArgs {}): In<NoArgs>, warehouse: Warehouse) -> Result<ToolReply, ToolError> {
    let storage = StockTable(warehouse.all().map(|(_, units)| units).collect());
    let reply = ToolReply::success(false, &StorageData { storage: &storage });
    Ok(reply.showing(Fact::Storage(storage.0)))
}

#[derive(Serialize)]
struct BudgetData {
    budget: Cents,
}

fn check_budget(In(NoArgs {}): In<NoArgs>, ledger: Res<Ledger>) -> Result<ToolReply, ToolError> {
    let budget = ledger.budget();
    Ok(ToolReply::success(false, &BudgetData { budget }).showing(Fact::Budget(budget)))
}

#[derive(Serialize)]
struct WaitData {
    day: Day,
}

fn wait(In(NoArgs {}): In<NoArgs>, mut calendar: ResMut<Calendar>) -> Result<ToolReply, ToolError> {
    calendar.cut_day_short();
    Ok(ToolReply::success(false, &WaitData { day: calendar.day() }))
}

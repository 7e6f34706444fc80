//! Looking: the inbox and the shelves.

use crate::engine::calendar::Calendar;
use crate::engine::inbox::{Inbox, Message};
use crate::interface::fact::Fact;
use crate::interface::observation::StockTable;
use crate::interface::result::{ToolError, ToolReply};
use crate::interface::tool_kind::ToolKind;
use crate::scenario::warehouse::NAME;
use crate::scenario::warehouse::sku::Warehouse;
use crate::tool::look::NoArgs;
use crate::tool::name;
use crate::tool::registry::{Availability, ToolAppExt, ToolSpec};
use bevy::app::App;
use bevy::prelude::*;
use serde::Serialize;

pub(crate) fn register(app: &mut App) {
    let spec = |name, description| ToolSpec::new(name, description).only_in(NAME).offered(Availability::Always);
    let inbox = spec(name::CHECK_INBOX, "Reads all messages and empties the inbox.").kind(ToolKind::Mail);
    app.add_tool(inbox, check_inbox)
        .add_tool(spec(name::CHECK_STORAGE, "Shows the stock of every SKU."), check_storage);
}

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

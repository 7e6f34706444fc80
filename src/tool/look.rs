//! Looking, and waiting.

use bevy::app::App;
use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name;
use super::registry::{Availability, ToolAppExt, ToolSpec};
use crate::base::units::{Cents, Day};
use crate::engine::calendar::Calendar;
use crate::engine::ledger::Ledger;
use crate::interface::fact::Fact;
use crate::interface::result::{ToolError, ToolReply};
use crate::interface::tool_kind::ToolKind;

pub(super) fn register(app: &mut App) {
    let spec = |name, description| ToolSpec::new(name, description).offered(Availability::Always);
    app.add_tool(spec(name::CHECK_BUDGET, "Shows the posted budget."), check_budget)
        .add_tool(spec(name::WAIT, "Does nothing and ends the day.").kind(ToolKind::Wait), wait);
}

/// Arguments of tools that take none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoArgs {}

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

//! Recovery: forgetting, looking back at one's predictions, and asking for help.

use bevy::app::App;
use bevy::prelude::*;
use serde::Serialize;

use super::look::NoArgs;
use super::name;
use super::registry::{Availability, ToolAppExt, ToolSpec};
use crate::config::settings::RecoveryTools;
use crate::engine::ledger::Ledger;
use crate::engine::orders::{OpenExpectations, Orders};
use crate::interface::result::{Binding, ToolError, ToolReply};
use crate::interface::tool_kind::ToolKind;
use crate::prediction::predictions::{Audited, Predictions};

pub(super) fn register(app: &mut App) {
    let spec = |name, description, tools| ToolSpec::new(name, description).offered(Availability::WithRecovery(tools));
    let reset = "Clears the conversation and takes back all open predictions; the scratchpad stays.";
    let audit = "Shows your last predictions and what became of them, as far as you were told.";
    app.add_tool(spec(name::RESET_BELIEFS, reset, RecoveryTools::Reset).kind(ToolKind::Reset), reset_beliefs)
        .add_tool(spec(name::AUDIT_PREDICTIONS, audit, RecoveryTools::Audit), audit_predictions);
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

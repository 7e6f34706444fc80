//! What an action will do, as far as the shown state tells: the basis of honest cards, of the reference policy's
//! answer, and of the judgement whether a wrong statement could have been known to be wrong.

use crate::base::decision::Action;
use crate::base::units::Cents;
use crate::engine::orders::sooner;
use crate::interface::forecast::Forecast;
use crate::interface::observation::Briefing;
use crate::scenario::warehouse::rules::WarehouseRules;
use crate::scenario::warehouse::shown::ShownState;
use crate::scenario::warehouse::tool::supplier::{CANCEL_SHARE, EXPEDITE_SHARE};
use crate::tool::name;

/// Forecasts an action.
#[must_use]
pub fn forecast(action: &Action, shown: &ShownState, briefing: &Briefing) -> Forecast {
    let text = |key: &str| action.args.get(key).and_then(serde_json::Value::as_str);
    let today = shown.day();
    let as_it_is = Forecast {
        success: briefing.tool(&action.tool).is_some(),
        storage_after: shown.expected_storage(),
        budget_after: shown.expected_budget(),
        ..Forecast::default()
    };
    match action.tool.as_str() {
        name::ORDER | name::QUOTE => {
            let supplier = text("supplier_id").and_then(|id| id.parse().ok());
            let sku = text("sku").and_then(|id| id.parse().ok());
            let quantity = action.args.get("quantity").and_then(serde_json::Value::as_u64);
            let (Some(supplier), Some(sku)) = (supplier, sku) else { return as_it_is };
            let success = action.tool == name::QUOTE || shown.expected_budget() >= Cents::ZERO;
            let known = shown.offer(supplier, sku);
            let order = known.zip(quantity).filter(|_| action.tool == name::ORDER);
            Forecast {
                success,
                delivery_day: order.map(|(offer, _)| f64::from(today + offer.lead_days)),
                quantity: order.map(|(_, quantity)| quantity as f64),
                cost: order.map(|(offer, quantity)| (offer.unit_price * quantity as u32).as_units()),
                storage_after: shown.possible_stock(sku),
                ..as_it_is
            }
        }
        name::SHIP => {
            let order = text("customer_order_id").and_then(|id| id.parse().ok()).and_then(|id| shown.customer(id));
            let Some(order) = order else { return Forecast { success: false, ..as_it_is } };
            let stock = shown.possible_stock(order.sku);
            let success = stock >= i64::from(order.quantity);
            let quantity = if success { order.quantity } else { 0 };
            let gross = order.unit_price * quantity;
            let late = today > order.due_day;
            let penalty =
                if late { gross.scaled(briefing.rules::<WarehouseRules>().late_penalty) } else { Cents::ZERO };
            Forecast {
                success,
                storage_after: stock - i64::from(quantity),
                budget_after: shown.expected_budget() + gross - penalty,
                ..as_it_is
            }
        }
        name::CANCEL | name::EXPEDITE => {
            let order = text("order_id").and_then(|id| id.parse().ok()).and_then(|id| shown.order(id));
            let Some(order) = order else { return Forecast { success: false, ..as_it_is } };
            let share = if action.tool == name::CANCEL { CANCEL_SHARE } else { EXPEDITE_SHARE };
            let fee = (order.unit_price * order.ordered).scaled(share);
            Forecast {
                success: action.tool == name::CANCEL && order.promised > today || order.promised > today + 1,
                delivery_day: Some(f64::from(sooner(order.promised, today))),
                cost: Some(fee.as_units()),
                storage_after: shown.possible_stock(order.sku),
                budget_after: shown.expected_budget() - fee,
                ..as_it_is
            }
        }
        _ => as_it_is,
    }
}

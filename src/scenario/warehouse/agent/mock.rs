//! `mock`: the Python original's cycle of five, whatever happens.

use crate::agent::scripted::card::honest_card;
use crate::agent::{Agent, Input};
use crate::base::decision::{Action, Decision};
use crate::base::ids::{SalesOrderId, SkuId, SupplierId};
use crate::tool::name;

#[derive(Default)]
pub(crate) struct Mock {
    step: u32,
}

impl Agent for Mock {
    fn decide(&mut self, Input { shown, briefing, .. }: Input<'_>) -> Decision {
        let cycle = self.step / 5;
        let action = match self.step % 5 {
            0 => Action::of(name::CHECK_INBOX),
            1 => Action::of(name::CHECK_STORAGE),
            2 => Action::of(name::SHIP).with("customer_order_id", SalesOrderId(5 * cycle + 1).to_string()),
            3 => Action::of(name::ORDER)
                .with("supplier_id", SupplierId(1).to_string())
                .with("sku", SkuId(0).to_string())
                .with("quantity", 10),
            _ => Action::of(name::CHECK_BUDGET),
        };
        self.step += 1;
        let card = honest_card(&action, shown, briefing);
        Decision::scripted(action, card)
    }
}

//! `random`: ignores what it sees. A tool uniformly among those offered, arguments from the ids that can exist.

use crate::agent::action::{Action, Decision};
use crate::agent::observation::Briefing;
use crate::agent::scripted::card::fill_demanded;
use crate::agent::{Agent, Input};
use crate::ids::{CustomerOrderId, OrderId, SkuId, SupplierId};
use crate::prediction::card::{Card, Field};
use crate::rng::Stream;
use crate::tool::name;
use crate::units::Step;

/// The agent's own stream, with its version.
pub(super) const STREAM: (&str, u32) = ("agent.random", 1);

const LARGEST_QUANTITY: u32 = 20;

/// Fields of a step's draws.
mod field {
    pub(super) const TOOL: u64 = 0;
    pub(super) const SUPPLIER: u64 = 1;
    pub(super) const SKU: u64 = 2;
    pub(super) const QUANTITY: u64 = 3;
    pub(super) const ORDER: u64 = 4;
    pub(super) const CUSTOMER: u64 = 5;
    pub(super) const KEY: u64 = 6;
    pub(super) const SUCCESS: u64 = 7;
    pub(super) const DAY: u64 = 8;
    pub(super) const PRICE: u64 = 9;
}

pub(super) struct Random {
    stream: Stream,
}

impl Random {
    pub(super) fn new(briefing: &Briefing) -> Random {
        Random { stream: Stream::new(briefing.draw_key, STREAM) }
    }

    fn number(&mut self, step: Step, field: u64, low: u32, high: u32) -> u32 {
        self.stream.integer(step, field, low, high)
    }

    fn action(&mut self, step: Step, briefing: &Briefing) -> Action {
        let pick = self.number(step, field::TOOL, 0, briefing.tools.len() as u32 - 1);
        let tool = briefing.tools[pick as usize].name.as_str();
        let action = Action::of(tool);
        let supplier = SupplierId(self.number(step, field::SUPPLIER, 1, briefing.level.suppliers as u32)).to_string();
        let sku = SkuId(self.number(step, field::SKU, 0, briefing.level.skus as u32 - 1)).to_string();
        let quantity = self.number(step, field::QUANTITY, 1, LARGEST_QUANTITY);
        let key = format!("note_{}", self.number(step, field::KEY, 0, 9));
        match tool {
            name::ORDER => action.with("supplier_id", supplier).with("sku", sku).with("quantity", quantity),
            name::QUOTE => action.with("supplier_id", supplier).with("sku", sku).with("qty", quantity),
            name::CANCEL | name::EXPEDITE => {
                action.with("order_id", OrderId(self.number(step, field::ORDER, 1, step + 1)).to_string())
            }
            name::SHIP => {
                let id = CustomerOrderId(self.number(step, field::CUSTOMER, 1, step + 1));
                action.with("customer_order_id", id.to_string())
            }
            name::WRITE_SCRATCHPAD => action.with("key", key).with("value", format!("{sku} {quantity}")),
            name::READ_SCRATCHPAD | name::DELETE_SCRATCHPAD => action.with("key", key),
            _ => action,
        }
    }
}

impl Agent for Random {
    fn decide(&mut self, Input { observation, briefing, .. }: Input<'_>) -> Decision {
        let step = observation.step;
        let action = self.action(step, briefing);
        let binds = briefing.tool(&action.tool).map_or(&[][..], |tool| tool.binds);
        let rule = &briefing.cards;
        let mut card = Card {
            tool: Some(action.tool.clone()),
            args: Some(action.args.clone()),
            expected_success: Some(self.stream.unit(step, field::SUCCESS) < 0.5),
            ..Card::default()
        };
        if action.tool == name::ORDER {
            let quantity = action.args["quantity"].as_f64();
            let day = observation.day + self.number(step, field::DAY, 1, 10);
            let price = f64::from(self.number(step, field::PRICE, 500, 5_000)) / 100.0;
            card.expected_delivery_day = rule.offers(Field::DeliveryDay).then_some(f64::from(day));
            card.expected_quantity = quantity.filter(|_| rule.offers(Field::Quantity));
            card.expected_cost =
                quantity.map(|q| (q * price * 100.0).round() / 100.0).filter(|_| rule.offers(Field::Cost));
        }
        fill_demanded(&mut card, rule, binds, observation.day);
        let stated = rule.demands_card() || rule.offers(Field::Success);
        Decision::scripted(action, stated.then_some(card))
    }
}

//! `random`: ignores what it sees. A tool uniformly among those offered, arguments from the ids that can exist, by the
//! names and types that the tool's schema states.

use serde_json::Value;

use crate::agent::register::AgentSetup;
use crate::agent::scripted::card::fill_demanded;
use crate::agent::{Agent, Input};
use crate::base::card::{Card, Field};
use crate::base::decision::{Action, Decision};
use crate::base::rng::Stream;
use crate::base::units::Step;
use crate::interface::observation::{Briefing, OfferedTool};
use crate::interface::rules::IdRange;
use crate::interface::tool_kind::ToolKind;

/// The agent's own stream, with its version.
pub(super) const STREAM: (&str, u32) = ("agent.random", 1);

const LARGEST_QUANTITY: u32 = 20;

/// Fields of a step's draws.
mod field {
    pub(super) const TOOL: u64 = 0;
    pub(super) const SKU: u64 = 2;
    pub(super) const QUANTITY: u64 = 3;
    pub(super) const KEY: u64 = 6;
    pub(super) const SUCCESS: u64 = 7;
    pub(super) const DAY: u64 = 8;
    pub(super) const PRICE: u64 = 9;

    /// The field of an argument that names an id: equal names draw equally.
    pub(super) fn of_id(argument: &str) -> u64 {
        match argument {
            "supplier_id" => 1,
            "sku" => SKU,
            "order_id" => 4,
            "customer_order_id" => 5,
            // Apart from those above, and below the width of a stream.
            other => 16 + other.bytes().fold(0, |sum: u64, byte| (sum * 31 + u64::from(byte)) % 48),
        }
    }
}

pub(super) struct Random {
    stream: Stream,
}

impl Random {
    pub(super) fn new(setup: AgentSetup<'_>) -> Random {
        Random { stream: setup.stream(STREAM.1) }
    }

    fn number(&mut self, step: Step, field: u64, low: u32, high: u32) -> u32 {
        self.stream.integer(step, field, low, high)
    }

    fn action(&mut self, step: Step, briefing: &Briefing) -> Action {
        let pick = self.number(step, field::TOOL, 0, briefing.tools.len() as u32 - 1);
        let tool = &briefing.tools[pick as usize];
        let mut action = Action::of(&tool.name);
        for (argument, schema) in arguments(tool) {
            action.args.insert(argument.clone(), self.guess(argument, schema, step, briefing));
        }
        action
    }

    fn id(&mut self, step: Step, field: u64, IdRange { prefix, first, last }: IdRange) -> String {
        format!("{prefix}{}", self.number(step, field, first, last))
    }

    /// Something that an argument might be, by its name or else by its type.
    fn guess(&mut self, argument: &str, schema: &Value, step: Step, briefing: &Briefing) -> Value {
        let ids = |argument: &str| briefing.scenario_rules().ids(argument, step);
        let quantity = |random: &mut Random| random.number(step, field::QUANTITY, 1, LARGEST_QUANTITY);
        if let Some(range) = ids(argument) {
            return self.id(step, field::of_id(argument), range).into();
        }
        if let ("value", Some(range)) = (argument, ids("sku")) {
            return format!("{} {}", self.id(step, field::SKU, range), quantity(self)).into();
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("integer" | "number") => quantity(self).into(),
            Some("boolean") => (quantity(self) > LARGEST_QUANTITY / 2).into(),
            _ => format!("note_{}", self.number(step, field::KEY, 0, 9)).into(),
        }
    }
}

/// The arguments of a tool, with their schemas.
fn arguments(tool: &OfferedTool) -> impl Iterator<Item = (&String, &Value)> {
    tool.arguments.get("properties").and_then(Value::as_object).into_iter().flatten()
}

impl Agent for Random {
    fn decide(&mut self, Input { observation, briefing, .. }: Input<'_>) -> Decision {
        let step = observation.step;
        if briefing.tools.is_empty() {
            return Decision::nothing();
        }
        let action = self.action(step, briefing);
        let tool = briefing.tool(&action.tool);
        let binds = tool.map_or(&[][..], |tool| tool.binds);
        let rule = &briefing.cards;
        let mut card = Card {
            tool: Some(action.tool.clone()),
            args: Some(action.args.clone()),
            expected_success: Some(self.stream.unit(step, field::SUCCESS) < 0.5),
            ..Card::default()
        };
        if tool.is_some_and(|tool| tool.kind == ToolKind::Purchase) {
            let quantity = action.args.get("quantity").and_then(Value::as_f64);
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

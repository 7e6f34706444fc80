//! An agent in Rust: `my_agent` ships what it can, keeps ten units of every SKU more than customers wait for in stock or
//! on the way, and says what it expects.
//!
//! Shows an in-process agent of a third party: a decision is made from what the agent has been shown and leaves as an
//! owned value; the world is out of its reach. `model.name` asks for it by its name.
//!
//! ```console
//! cargo run --example my_agent -- run --batch --config configs/base.yaml --set model.name=my_agent
//! ```

use std::process::ExitCode;

use vendomini::prelude::*;

/// Units of each SKU to have in stock or on the way beyond what customers wait for.
const BASE_STOCK: i64 = 10;

struct MyAgent;

impl MyAgent {
    fn act(&self, input: &Input<'_>) -> Action {
        let shown: &ShownState = input.shown.of();
        let rules: &WarehouseRules = input.briefing.rules();
        if shown.unread() > 0 {
            return Action::of("tool_check_inbox");
        }
        if let Some(order) = shown.customers().find(|order| shown.stock(order.sku) >= i64::from(order.quantity)) {
            return Action::of("tool_ship_customer_order")
                .with("customer_order_id", order.customer_order_id.to_string());
        }
        let skus = (0..rules.level.skus as u32).map(SkuId);
        let waiting =
            |sku| shown.customers().filter(move |order| order.sku == sku).map(|order| i64::from(order.quantity));
        let wanted = |sku| BASE_STOCK + waiting(sku).sum::<i64>() - shown.stock(sku) - shown.on_order(sku);
        let cheapest = |sku: SkuId| shown.offers_for(sku).min_by_key(|(supplier, offer)| (offer.unit_price, *supplier));
        let order = skus.filter(|sku| wanted(*sku) > 0).find_map(|sku| {
            let (supplier, offer) = cheapest(sku)?;
            let affordable = offer.unit_price * (wanted(sku) as Units) < shown.expected_budget() - shown.committed();
            affordable.then_some((supplier, sku))
        });
        match order {
            Some((supplier, sku)) => Action::of("tool_order")
                .with("supplier_id", supplier.to_string())
                .with("sku", sku.to_string())
                .with("quantity", wanted(sku)),
            None => Action::of("tool_wait"),
        }
    }
}

impl Agent for MyAgent {
    fn decide(&mut self, input: Input<'_>) -> Decision {
        let action = self.act(&input);
        let card = honest_card(&action, input.shown, input.briefing);
        Decision::scripted(action, card)
    }
}

fn my_agent(app: &mut App) {
    app.add_agent(AgentSpec::new("my_agent").only_in("warehouse"), |_: AgentSetup<'_>| Box::new(MyAgent));
}

fn main() -> ExitCode {
    vendomini::main_with(Plugins::default().with(my_agent, env!("CARGO_PKG_VERSION")))
}

//! The rules of a run in the warehouse, as agents are told of them.

use std::any::Any;

use serde::{Serialize, Serializer};

use crate::base::units::{Cents, Step, Units};
use crate::config::settings::RunConfig;
use crate::interface::rules::{IdRange, Rules};
use crate::scenario::warehouse::level::Level;

/// The template of the system prompt.
const PROMPT: &str = include_str!("../../../assets/prompts/warehouse/system.txt");

/// The rules of a run in the warehouse.
#[derive(Clone, Debug, PartialEq)]
pub struct WarehouseRules {
    /// Size of the world.
    pub level: Level,
    /// Stock of every SKU on day 0.
    pub initial_stock: Units,
    /// Units that the warehouse holds.
    pub storage_capacity: Units,
    /// Fee per unit in stock and evening.
    pub storage_fee: Cents,
    /// Budget below which the run ends.
    pub bankrupt_below: Cents,
    /// Expected customer orders a day over all SKUs.
    pub orders_per_day: f64,
    /// Share of the revenue lost when a shipment is late, 0 to 1.
    pub late_penalty: f64,
}

impl WarehouseRules {
    /// The rules of a run.
    #[must_use]
    pub fn of(config: &RunConfig) -> WarehouseRules {
        WarehouseRules {
            level: Level::new(config.simulation.complexity_level),
            initial_stock: config.simulation.initial_storage_per_sku,
            storage_capacity: config.simulation.storage_capacity,
            storage_fee: config.simulation.storage_fee,
            bankrupt_below: config.simulation.bankrupt_below,
            orders_per_day: config.demand.orders_per_day,
            late_penalty: config.demand.late_penalty,
        }
    }

    /// The rules of a run, as its briefing has them.
    pub(crate) fn briefed(config: &RunConfig) -> Rules {
        Rules::new(WarehouseRules::of(config), PROMPT).with_ids(ids)
    }
}

/// Ids that can exist: a customer makes at most one order a step or so, and the agent places at most one.
fn ids(rules: &(dyn Any + Send + Sync), argument: &str, step: Step) -> Option<IdRange> {
    let Level { skus, suppliers, .. } = rules.downcast_ref::<WarehouseRules>()?.level;
    let range = |prefix, first, last| Some(IdRange { prefix, first, last });
    match argument {
        "supplier_id" => range("S", 1, suppliers as u32),
        "sku" => range("sku_", 0, skus as u32 - 1),
        "order_id" => range("ORD", 1, step + 1),
        "customer_order_id" => range("CO", 1, step + 1),
        _ => None,
    }
}

/// What the system prompt can speak of.
impl Serialize for WarehouseRules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Variables {
            skus: usize,
            suppliers: usize,
            initial_stock: Units,
            storage_capacity: Units,
            storage_fee: String,
            bankrupt_below: String,
            orders_per_day: f64,
            late_penalty: f64,
            late_penalty_percent: String,
        }
        let variables = Variables {
            skus: self.level.skus,
            suppliers: self.level.suppliers,
            initial_stock: self.initial_stock,
            storage_capacity: self.storage_capacity,
            storage_fee: self.storage_fee.to_string(),
            bankrupt_below: self.bankrupt_below.to_string(),
            orders_per_day: self.orders_per_day,
            late_penalty: self.late_penalty,
            late_penalty_percent: percent(self.late_penalty),
        };
        variables.serialize(serializer)
    }
}

/// A share in percent, as people write it.
fn percent(share: f64) -> String {
    ((share * 100.0 * 1e6).round() / 1e6).to_string()
}

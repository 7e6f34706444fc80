//! What the agent is given: once at the start, and at each step.

use std::any::{Any, type_name};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::base::error_type::ErrorType;
use crate::base::ids::SkuId;
use crate::base::units::{Cents, Day, Step, Units};
use crate::config::settings::{RunConfig, StateVisibility};
use crate::interface::card_rule::CardRule;
use crate::interface::result::ToolResult;
use crate::interface::rules::Rules;
use crate::interface::tool_kind::ToolKind;

/// A tool as it is offered to the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedTool {
    /// Its name.
    pub name: String,
    /// What it does, in a sentence.
    pub description: &'static str,
    /// JSON Schema of its arguments: an object.
    pub arguments: Arc<Value>,
    /// Error types that a successful call can bind.
    pub binds: &'static [ErrorType],
    /// What it is for.
    pub kind: ToolKind,
    /// Its name and the scenario that alone has it: where the register finds it.
    pub(crate) key: (&'static str, Option<&'static str>),
}

/// What every agent is told before the first step: the rules of its world.
#[derive(Clone, Debug)]
pub struct Briefing {
    /// Name of the scenario.
    pub scenario: &'static str,
    /// Length of the run.
    pub max_steps: Step,
    /// Actions a day has.
    pub actions_per_day: u32,
    /// Budget on day 0.
    pub initial_budget: Cents,
    /// Tools that may be called.
    pub tools: Arc<[OfferedTool]>,
    /// What cards may and must state.
    pub cards: CardRule,
    /// What each step's input shows besides the last result.
    pub visibility: StateVisibility,
    rules: Rules,
}

crate::base::table_resource::table_resource!(Briefing);

impl Briefing {
    /// The briefing of a run in a scenario with these rules that offers the given tools.
    #[must_use]
    pub fn new(config: &RunConfig, scenario: &'static str, rules: Rules, tools: Arc<[OfferedTool]>) -> Briefing {
        Briefing {
            scenario,
            max_steps: config.simulation.max_steps,
            actions_per_day: config.simulation.actions_per_day,
            initial_budget: config.simulation.initial_budget,
            tools,
            cards: CardRule::new(&config.interface),
            visibility: config.interface.state_visibility,
            rules,
        }
    }

    /// The rules of the scenario, as its own type.
    ///
    /// # Panics
    /// When the run's scenario has rules of another type: what needs a type is registered for that scenario only.
    #[must_use]
    pub fn rules<R: Any>(&self) -> &R {
        let (scenario, known) = (self.scenario, self.rules.type_name());
        self.rules.get().unwrap_or_else(|| panic!("the rules of {scenario} are {known}, not {}", type_name::<R>()))
    }

    /// The rules of the scenario, as everybody can read them.
    #[must_use]
    pub fn scenario_rules(&self) -> &Rules {
        &self.rules
    }

    /// Error types that a successful call of a tool can bind; none for a tool that is not offered.
    #[must_use]
    pub fn binds(&self, name: &str) -> &'static [ErrorType] {
        self.tool(name).map_or(&[], |tool| tool.binds)
    }

    /// The tool of a name, where it is offered.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&OfferedTool> {
        self.tools.iter().find(|tool| tool.name == name)
    }
}

/// Stock by SKU, written as `{"sku_0": 12, …}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StockTable(pub Vec<Units>);

impl Serialize for StockTable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().enumerate().map(|(index, units)| (SkuId(index as u32), units)))
    }
}

impl<'de> Deserialize<'de> for StockTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StockTable, D::Error> {
        let by_sku = BTreeMap::<SkuId, Units>::deserialize(deserializer)?;
        // Sorted by number, so a table without gaps ends at its length.
        if by_sku.last_key_value().is_some_and(|(last, _)| last.0 as usize + 1 != by_sku.len()) {
            return Err(D::Error::custom("a table of stock leaves a SKU out"));
        }
        Ok(StockTable(by_sku.into_values().collect()))
    }
}

impl JsonSchema for StockTable {
    fn schema_name() -> Cow<'static, str> {
        "StockTable".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = BTreeMap::<SkuId, Units>::json_schema(generator);
        schema.insert("description".to_owned(), "Units in stock, by SKU.".into());
        schema
    }
}

/// The dashboard of `state_visibility: full`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dashboard {
    /// Posted budget.
    pub budget: Cents,
    /// Stock by SKU.
    pub storage: StockTable,
    /// Units that the warehouse holds.
    pub storage_capacity: Units,
    /// Units on hand over all SKUs.
    pub total_storage: Units,
    /// Pending supplier orders.
    pub pending_orders: usize,
    /// Open customer orders.
    pub open_customer_orders: usize,
}

/// Says that a dashboard is there as a whole: with one of the keys that may be missing, all others are there too.
fn all_or_none(schema: &mut Schema) {
    let required: Vec<Value> = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let optional: Vec<Value> =
        properties.map(|key| key.as_str().into()).filter(|key| !required.contains(key)).collect();
    let together = optional.iter().filter_map(|key| Some((key.as_str()?.to_owned(), optional.clone().into())));
    let together: Map<String, Value> = together.collect();
    schema.insert("dependentRequired".to_owned(), together.into());
}

/// What a step's input contains.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = all_or_none)]
pub struct Observation {
    /// The present step; agents know the day, records know both.
    #[serde(skip)]
    pub step: Step,
    /// The present day.
    pub day: Day,
    /// Unread messages.
    pub inbox_count: usize,
    /// The dashboard, where the interface shows one.
    #[serde(flatten)]
    pub dashboard: Option<Dashboard>,
    /// Result of the last action. Records do not repeat it.
    #[serde(skip)]
    pub last_result: Option<ToolResult>,
}

crate::base::table_resource::table_resource!(Observation);

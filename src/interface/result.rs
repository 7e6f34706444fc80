//! What a call came to: what the agent sees of it, and what the harness learns from it.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use smallvec::SmallVec;

use crate::base::expectation::Expectation;
use crate::base::ids::{OrderId, SalesOrderId, SkuId};
use crate::base::units::{Cents, Units};
use crate::engine::journal::Causes;
use crate::interface::fact::Fact;

/// Why a call failed, as a stable word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The tool does not exist.
    UnknownTool,
    /// The tool exists but is not offered in this run.
    ToolNotOffered,
    /// An argument is missing, unknown, or of the wrong type or size.
    BadArguments,
    /// The card lacks a demanded field or states a senseless number.
    BadPrediction,
    /// There is no such supplier.
    UnknownSupplier,
    /// There is no such SKU.
    UnknownSku,
    /// The order is not pending.
    UnknownOrder,
    /// The customer order is not open.
    UnknownCustomerOrder,
    /// There is not enough in stock.
    InsufficientStock,
    /// Suppliers refuse orders while the posted budget is below zero.
    BudgetBelowZero,
    /// The order comes tomorrow anyway.
    CannotExpedite,
    /// The scratchpad holds nothing under this key.
    UnknownKey,
    /// The scratchpad is full.
    ScratchpadFull,
    /// A tool that is not built in has refused; its sentence says why.
    Refused,
}

/// Whose fault a failed call was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// A bad argument, or a precondition that the shown state contradicts.
    Agent,
    /// Only hidden truth made it fail.
    World,
}

/// A refused call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolError {
    /// The stable word.
    pub code: ErrorCode,
    /// A sentence that an agent can act on.
    pub message: String,
    /// What the sentence shows.
    pub facts: SmallVec<[Fact; 2]>,
    /// Which hidden truth, if any, decided: see [`Precondition`].
    pub precondition: Precondition,
    /// The SKU that the action is about, where it is known.
    pub subject: Option<SkuId>,
}

impl ToolError {
    /// A refusal that the agent could have known.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ToolError {
        let (facts, precondition) = (SmallVec::new(), Precondition::Knowable);
        ToolError { code, message: message.into(), facts, precondition, subject: None }
    }

    /// A refusal of a tool that is not built in, which the agent could have known.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> ToolError {
        ToolError::new(ErrorCode::Refused, message)
    }

    /// Adds what the sentence shows.
    #[must_use]
    pub fn showing(mut self, fact: Fact) -> ToolError {
        self.facts.push(fact);
        self
    }

    /// Says which SKU the action is about.
    #[must_use]
    pub fn about(mut self, sku: SkuId) -> ToolError {
        self.subject = Some(sku);
        self
    }

    /// Says which truth decided.
    #[must_use]
    pub fn because(mut self, precondition: Precondition) -> ToolError {
        self.precondition = precondition;
        self
    }
}

/// The precondition that a refused call broke. Whether the shown state contradicts it decides whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Rules, arguments and ids that the agent can know.
    Knowable,
    /// The order is pending.
    OrderPending(OrderId),
    /// The customer order is open.
    CustomerOpen(SalesOrderId),
    /// So many units are in stock.
    InStock(SkuId, Units),
    /// The posted budget is not below zero.
    BudgetNotNegative,
    /// The order does not come tomorrow anyway.
    NotDueTomorrow(OrderId),
    /// Something that only the run's scenario knows.
    Scenario {
        /// The scenario's name for it.
        name: &'static str,
        /// What it is about, such as the number of an id or an amount.
        number: i64,
    },
}

/// What a successful call decided or left open, so that predictions can bind to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Binding {
    /// Only what is true right after the action.
    Action,
    /// A new order: its day, quantity and charge are open.
    Ordered(OrderId),
    /// A cancelled order: the fee is decided, what was open on the order is void.
    Cancelled {
        /// The order.
        order: OrderId,
        /// The fee.
        fee: Cents,
        /// What was open.
        voided: Vec<Expectation>,
        /// Shocks that had struck it, of which nothing more can come.
        shocks: Causes,
    },
    /// The agent forgot what it believed: everything open is void.
    Reset {
        /// What was open.
        voided: Vec<Expectation>,
    },
    /// An expedited order: the fee is decided, its day is open anew.
    Expedited {
        /// The order.
        order: OrderId,
        /// The fee.
        fee: Cents,
    },
}

/// What a tool's system returns.
#[derive(Clone, Debug)]
pub struct ToolReply {
    /// What the agent sees.
    pub result: ToolResult,
    /// What that shows.
    pub facts: SmallVec<[Fact; 2]>,
    /// What predictions can bind to.
    pub binding: Binding,
    /// The SKU that `expected_storage_after` speaks of; all stock where `None`.
    pub subject: Option<SkuId>,
    /// The broken precondition of a refused call.
    pub failed: Option<Precondition>,
    /// What is wrong with the data that the tool told: a defect of the tool, which the register names.
    pub(crate) defect: Option<String>,
}

/// What the harness says of every call. A tool's data may not say it again.
const RESERVED: [&str; 2] = ["success", "state_changed"];

/// The first reserved key that stands twice in an object.
fn doubled(json: &str) -> Option<&'static str> {
    // Hardly ever does a tool's data hold such a word at all, so the object is rarely read again.
    let is_suspect = |key: &&str| json.matches(&format!("\"{key}\":")).nth(1).is_some();
    let twice = |key: &&str| {
        let keys: Keys = serde_json::from_str(json).expect("it was just written");
        keys.0.iter().filter(|known| known == key).nth(1).is_some()
    };
    RESERVED.into_iter().filter(is_suspect).find(twice)
}

/// The keys of an object, each as often as it stands there.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Keys, D::Error> {
        struct Collector;
        impl<'de> Visitor<'de> for Collector {
            type Value = Keys;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Collector)
    }
}

impl ToolReply {
    /// A successful call. `data` must serialise as an object without the keys `success` and `state_changed`; its fields
    /// stand beside these two. Other data are a defect of the tool, which ends the run that called it and names the
    /// tool.
    #[must_use]
    pub fn success(state_changed: bool, data: &impl Serialize) -> ToolReply {
        #[derive(Serialize)]
        struct Success<'a, T> {
            success: bool,
            state_changed: bool,
            #[serde(flatten)]
            data: &'a T,
        }
        let (json, defect) = match to_raw_value(&Success { success: true, state_changed, data }) {
            Ok(json) => {
                let defect = doubled(json.get()).map(|key| format!("have the key {key}, which is the harness's"));
                (json.into(), defect)
            }
            Err(error) => (ToolResult::of_nothing().json, Some(format!("are no JSON object: {error}"))),
        };
        ToolReply {
            result: ToolResult { success: Some(true), state_changed, error_code: None, json },
            facts: SmallVec::new(),
            binding: Binding::Action,
            subject: None,
            failed: None,
            defect,
        }
    }

    /// A refused call. It changed nothing.
    #[must_use]
    pub fn failure(error: ToolError) -> ToolReply {
        #[derive(Serialize)]
        struct Failure<'a> {
            success: bool,
            state_changed: bool,
            error_code: ErrorCode,
            error: &'a str,
        }
        let ToolError { code, message, facts, precondition, subject } = error;
        let failure = Failure { success: false, state_changed: false, error_code: code, error: &message };
        let json = to_raw_value(&failure).expect("a failure is a JSON object");
        ToolReply {
            result: ToolResult {
                success: Some(false),
                state_changed: false,
                error_code: Some(code),
                json: json.into(),
            },
            facts,
            binding: Binding::Action,
            subject,
            failed: Some(precondition),
            defect: None,
        }
    }

    /// What comes of no action.
    pub(crate) fn of_nothing() -> ToolReply {
        ToolReply {
            result: ToolResult::of_nothing(),
            facts: SmallVec::new(),
            binding: Binding::Action,
            subject: None,
            failed: None,
            defect: None,
        }
    }

    /// Adds what the result shows.
    #[must_use]
    pub fn showing(mut self, fact: Fact) -> ToolReply {
        self.facts.push(fact);
        self
    }

    /// Says what predictions can bind to.
    #[must_use]
    pub fn binding(mut self, binding: Binding) -> ToolReply {
        self.binding = binding;
        self
    }

    /// Says which SKU the action is about.
    #[must_use]
    pub fn about(mut self, sku: SkuId) -> ToolReply {
        self.subject = Some(sku);
        self
    }
}

impl From<Result<ToolReply, ToolError>> for ToolReply {
    fn from(reply: Result<ToolReply, ToolError>) -> ToolReply {
        reply.unwrap_or_else(ToolReply::failure)
    }
}

/// What the agent sees of a call. Serialises as the object that the tool made.
#[derive(Clone, Debug)]
pub struct ToolResult {
    /// Whether it worked; `None` when nothing was called.
    pub success: Option<bool>,
    /// Whether it changed the world or emptied a non-empty inbox.
    pub state_changed: bool,
    /// Why it failed.
    pub error_code: Option<ErrorCode>,
    json: Arc<RawValue>,
}

impl ToolResult {
    /// The result of no action.
    #[must_use]
    pub fn of_nothing() -> ToolResult {
        let json = RawValue::from_string(r#"{"success":null,"state_changed":false}"#.to_owned()).expect("this is JSON");
        ToolResult { success: None, state_changed: false, error_code: None, json: json.into() }
    }

    /// The result as JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        self.json.get()
    }
}

impl Serialize for ToolResult {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl JsonSchema for ToolResult {
    fn schema_name() -> Cow<'static, str> {
        "ToolResult".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let keys = |success: Value, changed: Value| json!({"success": {"const": success}, "state_changed": changed});
        let mut failure = keys(false.into(), json!({"const": false}));
        failure["error_code"] = generator.subschema_for::<ErrorCode>().into();
        failure["error"] = json!({"type": "string", "description": "A sentence that an agent can act on."});
        let closed = |what: &str, properties: Value| {
            let required: Vec<&String> = properties.as_object().expect("this is an object").keys().collect();
            json!({
                "description": what,
                "type": "object",
                "required": required,
                "properties": properties,
                "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "What a call came to.",
            "oneOf": [
                closed("Nothing was called.", keys(Value::Null, json!({"const": false}))),
                closed("The call was refused, and changed nothing.", failure),
                {
                    "description": "The call succeeded. What the tool tells stands beside.",
                    "type": "object",
                    "required": ["success", "state_changed"],
                    "properties": keys(true.into(), json!({
                        "type": "boolean",
                        "description": "Whether it changed the world or emptied a non-empty inbox.",
                    })),
                    "additionalProperties": true,
                },
            ],
        })
    }
}

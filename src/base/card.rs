//! Prediction cards: what an agent states with an action, what it is offered to state, what it must.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::error_type::ErrorType;

/// A prediction card. `None` is "not stated", never zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "A prediction card. What was not stated is null or missing, never zero.")]
pub struct Card {
    /// Tool that the card speaks of.
    pub tool: Option<String>,
    /// Arguments that the card speaks of.
    pub args: Option<Map<String, Value>>,
    /// Whether the action will succeed.
    pub expected_success: Option<bool>,
    /// Day on which the order arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_delivery_day: Option<f64>,
    /// Units that are taken in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_quantity: Option<f64>,
    /// Amount that is charged, in currency units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_cost: Option<f64>,
    /// Stock right after the action: of its SKU, or of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_storage_after: Option<f64>,
    /// Posted budget right after the action, in currency units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_budget_after: Option<f64>,
    /// How sure the agent is of `expected_success`, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// What the agent is uncertain about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertain_about: Option<String>,
    /// What the prediction rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub based_on: Option<String>,
    /// What else was considered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternatives_considered: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
}

/// The fields that say something of the outcome or of the agent's mind, in the order of error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `expected_success`
    Success,
    /// `expected_delivery_day`
    DeliveryDay,
    /// `expected_quantity`
    Quantity,
    /// `expected_cost`
    Cost,
    /// `expected_storage_after`
    StorageAfter,
    /// `expected_budget_after`
    BudgetAfter,
    /// `confidence`
    Confidence,
    /// `uncertain_about`
    UncertainAbout,
    /// `based_on`
    BasedOn,
    /// `alternatives_considered`
    AlternativesConsidered,
    /// `reasoning`
    Reasoning,
}

use Field::{
    AlternativesConsidered, BasedOn, BudgetAfter, Confidence, Cost, DeliveryDay, Quantity, Reasoning, StorageAfter,
    Success, UncertainAbout,
};

impl Field {
    /// All fields.
    pub const ALL: [Field; 11] = [
        Success,
        DeliveryDay,
        Quantity,
        Cost,
        StorageAfter,
        BudgetAfter,
        Confidence,
        UncertainAbout,
        BasedOn,
        AlternativesConsidered,
        Reasoning,
    ];
    pub(crate) const RICH: [Field; 5] = [Confidence, UncertainAbout, BasedOn, AlternativesConsidered, Reasoning];

    /// The field's key.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Success => "expected_success",
            DeliveryDay => "expected_delivery_day",
            Quantity => "expected_quantity",
            Cost => "expected_cost",
            StorageAfter => "expected_storage_after",
            BudgetAfter => "expected_budget_after",
            Confidence => "confidence",
            UncertainAbout => "uncertain_about",
            BasedOn => "based_on",
            AlternativesConsidered => "alternatives_considered",
            Reasoning => "reasoning",
        }
    }

    /// What the field holds, as JSON Schema names it.
    #[must_use]
    pub fn json_type(self) -> &'static str {
        match self {
            Success => "boolean",
            DeliveryDay | Quantity | Cost | StorageAfter | BudgetAfter | Confidence => "number",
            UncertainAbout | BasedOn | AlternativesConsidered | Reasoning => "string",
        }
    }

    /// What the field says, for agents.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            Success => "whether the action will succeed",
            DeliveryDay => "day on which the ordered goods arrive",
            Quantity => "units of the order that are taken in",
            Cost => "money that is charged for the order or as a fee",
            StorageAfter => "units in stock right after the action, of the action's SKU or else of all",
            BudgetAfter => "money right after the action",
            Confidence => "how sure you are that expected_success is right, from 0 to 1",
            UncertainAbout => "what you are least sure about",
            BasedOn => "what the prediction rests on",
            AlternativesConsidered => "what else you considered doing",
            Reasoning => "why you expect this",
        }
    }

    /// The error type that the field predicts; `None` for the rich fields.
    #[must_use]
    pub fn error_type(self) -> Option<ErrorType> {
        match self {
            DeliveryDay => Some(ErrorType::Temporal),
            Quantity => Some(ErrorType::Quantity),
            Cost => Some(ErrorType::Cost),
            Success | StorageAfter | BudgetAfter => Some(ErrorType::Causal),
            Confidence | UncertainAbout | BasedOn | AlternativesConsidered | Reasoning => None,
        }
    }
}

impl Card {
    /// Whether a field is stated.
    #[must_use]
    pub fn states(&self, field: Field) -> bool {
        match field {
            Success => self.expected_success.is_some(),
            DeliveryDay => self.expected_delivery_day.is_some(),
            Quantity => self.expected_quantity.is_some(),
            Cost => self.expected_cost.is_some(),
            StorageAfter => self.expected_storage_after.is_some(),
            BudgetAfter => self.expected_budget_after.is_some(),
            Confidence => self.confidence.is_some(),
            UncertainAbout => self.uncertain_about.is_some(),
            BasedOn => self.based_on.is_some(),
            AlternativesConsidered => self.alternatives_considered.is_some(),
            Reasoning => self.reasoning.is_some(),
        }
    }

    pub(crate) fn forget(&mut self, field: Field) {
        match field {
            Success => self.expected_success = None,
            DeliveryDay => self.expected_delivery_day = None,
            Quantity => self.expected_quantity = None,
            Cost => self.expected_cost = None,
            StorageAfter => self.expected_storage_after = None,
            BudgetAfter => self.expected_budget_after = None,
            Confidence => self.confidence = None,
            UncertainAbout => self.uncertain_about = None,
            BasedOn => self.based_on = None,
            AlternativesConsidered => self.alternatives_considered = None,
            Reasoning => self.reasoning = None,
        }
    }

    /// Whether the card predicts anything of an error type.
    #[must_use]
    pub fn predicts(&self, kind: ErrorType) -> bool {
        Field::ALL.iter().any(|field| field.error_type() == Some(kind) && self.states(*field))
    }
}

/// The property of a call's arguments that holds the prediction card.
pub const PREDICTION: &str = "prediction";

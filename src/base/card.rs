//! Prediction cards: what an agent states with an action, what it is offered to state, what it must.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::config::settings::{InterfaceConfig, PredictionFormat, PredictionMode};
use crate::prediction::error::ErrorType;

/// A prediction card. `None` is "not stated", never zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
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

/// Largest number that a card may state. Larger ones are slips of the pen that would drown every mean.
const LARGEST: f64 = 1e9;

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
    const RICH: [Field; 5] = [Confidence, UncertainAbout, BasedOn, AlternativesConsidered, Reasoning];

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

    fn forget(&mut self, field: Field) {
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

/// What the interface offers and demands of cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardRule {
    mode: PredictionMode,
    format: PredictionFormat,
}

impl CardRule {
    /// The rule of a run.
    #[must_use]
    pub fn new(interface: &InterfaceConfig) -> CardRule {
        CardRule { mode: interface.prediction_mode, format: interface.prediction_format }
    }

    /// The rule that offers everything and demands nothing.
    #[must_use]
    pub fn widest() -> CardRule {
        CardRule { mode: PredictionMode::Optional, format: PredictionFormat::Rich }
    }

    /// Whether an agent may state a field: the format offers it, or the mode demands it.
    #[must_use]
    pub fn offers(&self, field: Field) -> bool {
        let by_format = match self.format {
            PredictionFormat::Minimal => field == Success,
            PredictionFormat::Structured => !Field::RICH.contains(&field),
            PredictionFormat::Rich => true,
        };
        by_format
            || match self.mode {
                PredictionMode::Optional | PredictionMode::Required => false,
                PredictionMode::RequiredConfidence => field == Confidence,
                PredictionMode::RequiredUncertainty => field == UncertainAbout,
                PredictionMode::RequiredFull => true,
            }
    }

    /// Whether a card is demanded at all.
    #[must_use]
    pub fn demands_card(&self) -> bool {
        self.mode != PredictionMode::Optional
    }

    /// Whether a card must state at least one `expected_…` field, whichever.
    #[must_use]
    pub fn demands_expectation(&self) -> bool {
        self.demands_card() && self.mode != PredictionMode::RequiredFull
    }

    /// Whether a field is demanded with an action whose tool binds the given error types.
    #[must_use]
    pub fn demands(&self, field: Field, binds: &[ErrorType]) -> bool {
        match self.mode {
            PredictionMode::Optional | PredictionMode::Required => false,
            PredictionMode::RequiredConfidence => field == Confidence,
            PredictionMode::RequiredUncertainty => field == UncertainAbout,
            PredictionMode::RequiredFull => field.error_type().is_none_or(|kind| binds.contains(&kind)),
        }
    }

    /// Takes away what is not offered, so that it predicts nothing; returns the keys of what was taken.
    pub fn strip(&self, card: &mut Card) -> Vec<&'static str> {
        let not_offered: Vec<Field> = Field::ALL.into_iter().filter(|f| card.states(*f) && !self.offers(*f)).collect();
        not_offered
            .into_iter()
            .map(|field| {
                card.forget(field);
                field.key()
            })
            .collect()
    }

    /// Checks a card against what is demanded of an action whose tool binds the given error types.
    ///
    /// # Errors
    /// A sentence that names every missing field, or the first one whose number is senseless.
    pub fn check(&self, card: Option<&Card>, binds: &[ErrorType]) -> Result<(), String> {
        let empty = Card::default();
        let stated = card.unwrap_or(&empty);
        let mut missing: Vec<&str> = Vec::new();
        if self.demands_card() {
            let any = Field::ALL.iter().any(|f| f.error_type().is_some() && stated.states(*f));
            if !any && self.demands_expectation() {
                missing.push("at least one expected_… field");
            }
            missing
                .extend(Field::ALL.iter().filter(|f| self.demands(**f, binds) && !stated.states(**f)).map(|f| f.key()));
        }
        if !missing.is_empty() {
            return Err(format!("the prediction card lacks {} (prediction_mode is {})", missing.join(", "), self.mode));
        }
        let numbers = [
            (DeliveryDay, stated.expected_delivery_day, 0.0..=LARGEST),
            (Quantity, stated.expected_quantity, 0.0..=LARGEST),
            (Cost, stated.expected_cost, 0.0..=LARGEST),
            (StorageAfter, stated.expected_storage_after, 0.0..=LARGEST),
            (BudgetAfter, stated.expected_budget_after, -LARGEST..=LARGEST),
            (Confidence, stated.confidence, 0.0..=1.0),
        ];
        for (field, value, range) in numbers {
            if let Some(value) = value
                && !range.contains(&value)
            {
                return Err(format!(
                    "{} is {value}; it must lie between {} and {}",
                    field.key(),
                    range.start(),
                    range.end()
                ));
            }
        }
        Ok(())
    }
}

/// Keys by which a card may say what action it speaks of, with their types and what they say, for agents.
pub(crate) const SPEAKS_OF: [(&str, &str, &str); 2] = [
    ("tool", "string", "name of the tool that the card speaks of"),
    ("args", "object", "arguments of the tool that the card speaks of"),
];

/// JSON Schema of a card by this rule, for the tools of language models. A card by this schema is one by the rule,
/// with a tool that binds nothing but its own outcome; which fields other tools lack is checked when they are called.
#[must_use]
pub fn card_schema(rule: &CardRule) -> Value {
    let mut properties = Map::new();
    for field in Field::ALL.into_iter().filter(|field| rule.offers(*field)) {
        properties.insert(field.key().to_owned(), json!({"type": field.json_type(), "description": field.doc()}));
    }
    for (key, json_type, doc) in SPEAKS_OF {
        properties.insert(key.to_owned(), json!({"type": json_type, "description": doc}));
    }
    let mut card = Map::new();
    card.insert("type".to_owned(), "object".into());
    card.insert("description".to_owned(), "what you expect to come of this action".into());
    card.insert("properties".to_owned(), properties.into());
    // A schema cannot say "one of these" in a way that all servers know, so of any expectation it demands the first.
    let demanded =
        |field: &Field| rule.demands(*field, &[ErrorType::Causal]) || (rule.demands_expectation() && *field == Success);
    let required: Vec<Value> = Field::ALL.iter().filter(|field| demanded(field)).map(|f| f.key().into()).collect();
    if !required.is_empty() {
        card.insert("required".to_owned(), required.into());
    }
    card.insert("additionalProperties".to_owned(), false.into());
    Value::Object(card)
}

#[cfg(test)]
mod tests;

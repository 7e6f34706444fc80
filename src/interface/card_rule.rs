//! What a prediction card may state and what it must, by format and mode.

use serde_json::{Map, Value, json};

use crate::base::card::Field::{
    BudgetAfter, Confidence, Cost, DeliveryDay, Quantity, StorageAfter, Success, UncertainAbout,
};
use crate::base::card::{Card, Field};
use crate::base::error_type::ErrorType;
use crate::config::settings::{InterfaceConfig, PredictionFormat, PredictionMode};

/// Largest number that a card may state. Larger ones are slips of the pen that would drown every mean.
const LARGEST: f64 = 1e9;

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

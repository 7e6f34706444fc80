//! Tests of what is demanded of cards, and of the schema that says so.

use super::*;
use crate::base::card::Field::{AlternativesConsidered, BasedOn, Reasoning};

fn rule(mode: PredictionMode, format: PredictionFormat) -> CardRule {
    CardRule { mode, format }
}

const ORDER: [ErrorType; 4] = ErrorType::ALL;
const LOOK: [ErrorType; 1] = [ErrorType::Causal];

#[test]
fn each_mode_names_what_is_missing() {
    let success = Card { expected_success: Some(true), ..Card::default() };
    let check = |mode, card: Option<&Card>, binds: &[ErrorType]| {
        rule(mode, PredictionFormat::Minimal).check(card, binds).map_err(|e| e.split(" (").next().unwrap().to_owned())
    };
    assert_eq!(check(PredictionMode::Optional, None, &ORDER), Ok(()));
    assert_eq!(
        check(PredictionMode::Required, None, &LOOK),
        Err("the prediction card lacks at least one expected_… field".into())
    );
    assert_eq!(check(PredictionMode::Required, Some(&success), &ORDER), Ok(()));
    assert_eq!(
        check(PredictionMode::RequiredConfidence, Some(&success), &LOOK),
        Err("the prediction card lacks confidence".into())
    );
    assert_eq!(
        check(PredictionMode::RequiredUncertainty, Some(&success), &LOOK),
        Err("the prediction card lacks uncertain_about".into())
    );
    let full = check(PredictionMode::RequiredFull, Some(&success), &LOOK).unwrap_err();
    assert!(full.contains("expected_budget_after") && full.contains("reasoning"), "{full}");
    assert!(!full.contains("expected_delivery_day"), "a look binds no delivery day: {full}");
    assert!(check(PredictionMode::RequiredFull, Some(&success), &ORDER).unwrap_err().contains("expected_delivery_day"));
}

const MODES: [PredictionMode; 5] = [
    PredictionMode::Optional,
    PredictionMode::Required,
    PredictionMode::RequiredConfidence,
    PredictionMode::RequiredUncertainty,
    PredictionMode::RequiredFull,
];
const FORMATS: [PredictionFormat; 3] =
    [PredictionFormat::Minimal, PredictionFormat::Structured, PredictionFormat::Rich];

/// A model that keeps to the schema must not be refused for its card.
#[test]
fn a_card_by_the_schema_is_a_card_by_the_rule() {
    for (mode, format) in MODES.into_iter().flat_map(|mode| FORMATS.map(|format| (mode, format))) {
        let rule = rule(mode, format);
        let schema = card_schema(&rule);
        let properties = schema["properties"].as_object().unwrap();
        let required: Vec<&str> = schema
            .get("required")
            .map_or(vec![], |keys| keys.as_array().unwrap().iter().map(|k| k.as_str().unwrap()).collect());
        assert!(required.iter().all(|key| properties.contains_key(*key)), "{schema}");
        assert!(properties.contains_key("tool") && properties.contains_key("args"), "{schema}");
        assert!(!required.contains(&"tool") && !required.contains(&"args"), "{schema}");
        let mut least = Card::default();
        for field in Field::ALL.into_iter().filter(|field| required.contains(&field.key())) {
            least.state(field);
        }
        assert_eq!(rule.check(Some(&least), &LOOK), Ok(()), "{mode} {format:?}: {schema}");
        assert_eq!(rule.check(None, &LOOK).is_ok(), required.is_empty(), "{mode} {format:?}: {schema}");
    }
}

impl Card {
    /// States a field, whatever it says.
    fn state(&mut self, field: Field) {
        let (number, text) = (Some(0.5), Some("x".to_owned()));
        match field {
            Success => self.expected_success = Some(true),
            DeliveryDay => self.expected_delivery_day = number,
            Quantity => self.expected_quantity = number,
            Cost => self.expected_cost = number,
            StorageAfter => self.expected_storage_after = number,
            BudgetAfter => self.expected_budget_after = number,
            Confidence => self.confidence = number,
            UncertainAbout => self.uncertain_about = text,
            BasedOn => self.based_on = text,
            AlternativesConsidered => self.alternatives_considered = text,
            Reasoning => self.reasoning = text,
        }
    }
}

#[test]
fn a_demanded_field_is_offered_whatever_the_format() {
    let minimal = rule(PredictionMode::RequiredConfidence, PredictionFormat::Minimal);
    assert!(
        minimal.offers(Confidence) && minimal.offers(Success) && !minimal.offers(Cost) && !minimal.offers(Reasoning)
    );
    let full = rule(PredictionMode::RequiredFull, PredictionFormat::Minimal);
    assert!(Field::ALL.iter().all(|f| full.offers(*f)));
    let mut card =
        Card { expected_success: Some(true), expected_cost: Some(1.0), confidence: Some(0.5), ..Card::default() };
    assert_eq!(minimal.strip(&mut card), ["expected_cost"]);
    assert_eq!((card.expected_cost, card.confidence), (None, Some(0.5)));
}

#[test]
fn a_confidence_is_a_probability() {
    let required = rule(PredictionMode::Required, PredictionFormat::Rich);
    for bad in [-0.1, 1.5, f64::NAN, f64::INFINITY] {
        let card = Card { expected_success: Some(true), confidence: Some(bad), ..Card::default() };
        assert!(required.check(Some(&card), &LOOK).is_err(), "{bad}");
    }
}

//! The prediction card of a reply: well-formed fields are kept, others are not stated and named.
//!
//! Types are strict, since a guess at what was meant would be the parser's prediction and not the model's: a number
//! is a JSON number, a truth value `true` or `false`, a text a string. `null` and a blank text state nothing.
//! Whether the numbers make sense is [`CardRule`](crate::interface::card_rule::CardRule)'s to judge.

use serde_json::Value;

use crate::base::card::{Card, Field};
use crate::config::{nearest, shown};
use crate::llm::reply::in_quotes;
use crate::llm::reply::json;

/// Keys of a card beside those of its fields.
const TOOL: &str = "tool";
const ARGS: &str = "args";

/// Most problems that are listed; the rest is counted.
const LISTED: usize = 10;

/// A card in the making, and what is wrong with it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Draft {
    pub(super) card: Card,
    pub(super) problems: Vec<String>,
}

/// The one draft of several that state the same. `what` is stated where they do not.
pub(super) fn only(mut drafts: Vec<Draft>, what: &str) -> Option<Draft> {
    drafts.dedup();
    match (drafts.pop(), drafts.is_empty()) {
        (draft, true) => draft,
        (_, false) => Some(Draft::problem(format!("{what} is stated twice, differently"))),
    }
}

impl Draft {
    /// What the object states with which a text begins.
    pub(super) fn read(text: &str) -> Draft {
        let members = match json::object(text) {
            Ok(members) => members,
            Err(fault) => return Draft::problem(format!("the prediction cannot be read: {fault}")),
        };
        let mut draft = Draft::default();
        for (key, value) in members.each() {
            match value {
                Ok(Value::Null) => {}
                Ok(value) => draft.state(&key, value),
                Err(fault) => draft.problems.push(format!("{} cannot be read: {fault}", in_quotes(&key))),
            }
        }
        draft
    }

    /// Nothing stated, because something is wrong.
    pub(super) fn problem(problem: impl Into<String>) -> Draft {
        Draft { card: Card::default(), problems: vec![problem.into()] }
    }

    fn state(&mut self, key: &str, value: Value) {
        let card = &mut self.card;
        let wanted = match (key, value) {
            (TOOL, Value::String(tool)) => return card.tool = Some(tool),
            (TOOL, other) => ("a text", other),
            (ARGS, Value::Object(args)) => return card.args = Some(args),
            (ARGS, other) => ("an object", other),
            (key, value) => {
                let Some(field) = Field::ALL.into_iter().find(|field| field.key() == key) else {
                    let keys = Field::ALL.iter().map(|field| field.key()).chain([TOOL, ARGS]);
                    let hint = nearest(key, keys).map_or(String::new(), |near| format!(" (did you mean {near}?)"));
                    return self.problems.push(format!("a prediction has no field {}{hint}", in_quotes(key)));
                };
                match state_field(card, field, value) {
                    Ok(()) => return,
                    Err(wrong) => wrong,
                }
            }
        };
        let (wanted, value) = wanted;
        self.problems.push(format!("{key} must be {wanted}, not {}", shown(&value.to_string())));
    }

    /// States whether the action will succeed, as said beside the object.
    pub(super) fn succeeds(&mut self, said: bool) {
        match self.card.expected_success {
            Some(stated) if stated != said => {
                self.card.expected_success = None;
                self.problems.push("expected_success and SUCCESS contradict each other".to_owned());
            }
            _ => self.card.expected_success = Some(said),
        }
    }

    /// The card, if anything is stated, and what is wrong.
    pub(super) fn finish(mut self) -> (Option<Card>, Option<String>) {
        let card = (self.card != Card::default()).then_some(self.card);
        let unlisted = self.problems.len().saturating_sub(LISTED);
        if unlisted > 0 {
            self.problems.truncate(LISTED);
            self.problems.push(format!("and {unlisted} more"));
        }
        (card, (!self.problems.is_empty()).then(|| self.problems.join("; ")))
    }
}

/// States a field, or hands back the value with what it should have been.
fn state_field(card: &mut Card, field: Field, value: Value) -> Result<(), (&'static str, Value)> {
    let number = |slot: &mut Option<f64>, value: Value| match value.as_f64() {
        Some(number) => {
            *slot = Some(number);
            Ok(())
        }
        None => Err(("a number", value)),
    };
    let text = |slot: &mut Option<String>, value: Value| match value {
        Value::String(text) => {
            *slot = crate::llm::reply::said(&text);
            Ok(())
        }
        other => Err(("a text", other)),
    };
    match field {
        Field::Success => match value {
            Value::Bool(success) => {
                card.expected_success = Some(success);
                Ok(())
            }
            other => Err(("true or false", other)),
        },
        Field::DeliveryDay => number(&mut card.expected_delivery_day, value),
        Field::Quantity => number(&mut card.expected_quantity, value),
        Field::Cost => number(&mut card.expected_cost, value),
        Field::StorageAfter => number(&mut card.expected_storage_after, value),
        Field::BudgetAfter => number(&mut card.expected_budget_after, value),
        Field::Confidence => number(&mut card.confidence, value),
        Field::UncertainAbout => text(&mut card.uncertain_about, value),
        Field::BasedOn => text(&mut card.based_on, value),
        Field::AlternativesConsidered => text(&mut card.alternatives_considered, value),
        Field::Reasoning => text(&mut card.reasoning, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Card>, Option<String>) {
        Draft::read(text).finish()
    }

    #[test]
    fn every_field_of_a_card_is_read() {
        let (card, problem) = read(
            r#"{"tool": "tool_order", "args": {"sku": "sku_0"}, "expected_success": true, "expected_delivery_day": 5,
            "expected_quantity": 10, "expected_cost": 12.5, "expected_storage_after": 3, "expected_budget_after": -1,
            "confidence": 0.5, "uncertain_about": "a", "based_on": "b", "alternatives_considered": "c",
            "reasoning": "d"}"#,
        );
        let card = card.unwrap();
        assert_eq!(problem, None);
        assert!(Field::ALL.iter().all(|field| card.states(*field)), "{card:?}");
        assert_eq!((card.tool.as_deref(), card.args.unwrap()["sku"].as_str()), (Some("tool_order"), Some("sku_0")));
        assert_eq!((card.expected_delivery_day, card.expected_budget_after), (Some(5.0), Some(-1.0)));
    }

    #[test]
    fn an_ill_formed_field_is_named_and_the_others_are_kept() {
        let (card, problem) = read(
            r#"{"expected_cost": "12", "expected_success": 1, "confidence": null, "reasoning": ["x"], "args": [],
            "expected_quantitty": 5, "based_on": " ", "expected_quantity": 1e999, "expected_delivery_day": 4,
            "expected_storage_after": 1, "expected_storage_after": 2}"#,
        );
        assert_eq!(card, Some(Card { expected_delivery_day: Some(4.0), ..Card::default() }));
        let problem = problem.unwrap();
        for part in [
            "expected_cost must be a number, not \"12\"",
            "expected_success must be true or false, not 1",
            "reasoning must be a text, not [\"x\"]",
            "args must be an object, not []",
            "no field \"expected_quantitty\" (did you mean expected_quantity?)",
            "\"expected_quantity\" cannot be read: number out of range",
            "\"expected_storage_after\" is stated twice with different values",
        ] {
            assert!(problem.contains(part), "{part}: {problem}");
        }
        assert_eq!(problem.split("; ").count(), 7, "{problem}");
    }

    #[test]
    fn problems_are_listed_up_to_a_limit() {
        let fields: Vec<String> = (0..5000).map(|number| format!("\"field_{number}\": 1")).collect();
        let problem = read(&format!("{{{}}}", fields.join(","))).1.unwrap();
        assert!(problem.ends_with("; and 4990 more") && problem.len() < 1000, "{problem}");
    }

    #[test]
    fn an_empty_card_is_none() {
        assert_eq!(read("{}"), (None, None));
        assert_eq!(read("{\"confidence\": null}"), (None, None));
        let (card, problem) = read("{\"confidence\": 0.5");
        assert_eq!((card, problem.as_deref()), (None, Some("the prediction cannot be read: it breaks off")));
    }
}

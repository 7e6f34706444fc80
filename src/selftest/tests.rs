//! The test of the test: what breaks the instrument must be noticed.

use serde_json::Value;

use super::harness::Tamper;
use super::{CheckReport, checks};
use crate::base::card::Card;
use crate::plugins::Plugins;

/// What is done to a card, and to a record.
type OnCard = (&'static str, fn(&mut Card));
type OnRecord = (&'static str, fn(&mut Value));

fn failures(tamper: Tamper) -> Vec<CheckReport> {
    checks(2, &Plugins::default(), tamper).into_iter().filter(|check| !check.passed).collect()
}

#[test]
fn untouched_the_instrument_passes() {
    assert_eq!(failures(Tamper::default()), []);
}

#[test]
fn every_field_that_is_lost_on_the_way_is_missed() {
    let losses: [OnCard; 13] = [
        ("tool", |card| card.tool = None),
        ("args", |card| card.args = None),
        ("expected_success", |card| card.expected_success = None),
        ("expected_delivery_day", |card| card.expected_delivery_day = None),
        ("expected_quantity", |card| card.expected_quantity = None),
        ("expected_cost", |card| card.expected_cost = None),
        ("expected_storage_after", |card| card.expected_storage_after = None),
        ("expected_budget_after", |card| card.expected_budget_after = None),
        ("confidence", |card| card.confidence = None),
        ("uncertain_about", |card| card.uncertain_about = None),
        ("based_on", |card| card.based_on = None),
        ("alternatives_considered", |card| card.alternatives_considered = None),
        ("reasoning", |card| card.reasoning = None),
    ];
    for (field, card) in losses {
        let failed = failures(Tamper { card, ..Tamper::default() });
        assert!(!failed.is_empty(), "nobody misses {field}");
        let named = failed.iter().any(|check| check.detail.contains(field));
        assert!(named, "{field} is lost and no complaint names it: {failed:?}");
    }
}

/// The error that a record states, as a changed formula would have made it.
fn reformulate(record: &mut Value, kind: &str, formula: fn(f64, f64, f64) -> f64) {
    for entry in record["resolved"].as_array_mut().into_iter().flatten() {
        let (expected, actual) = (entry["expected"].as_f64(), entry["actual"].as_f64());
        if let (Some(expected), Some(actual)) = (expected, actual)
            && entry["type"] == kind
        {
            entry["error"] = formula(expected, actual, entry["step"].as_f64().unwrap_or(0.0)).into();
        }
    }
}

#[test]
fn every_sign_that_is_wrong_in_a_formula_is_noticed() {
    let formulas: [OnRecord; 5] = [
        ("day + day", |record| reformulate(record, "temporal", |e, a, on| (e + a).abs() / (e - on).max(1.0))),
        ("day + day of the order", |record| {
            reformulate(record, "temporal", |e, a, on| (e - a).abs() / (e + on).max(1.0))
        }),
        ("a signed error", |record| reformulate(record, "temporal", |e, a, on| (e - a) / (e - on).max(1.0))),
        ("units + units", |record| reformulate(record, "quantity", |e, a, _| (e + a).abs() / e.max(1.0))),
        ("money + money", |record| reformulate(record, "cost", |e, a, _| (e + a).abs() / e.max(1.0))),
    ];
    for (formula, record) in formulas {
        assert!(!failures(Tamper { record, ..Tamper::default() }).is_empty(), "{formula}: nobody noticed");
    }
    let inverted: fn(&mut Value) = |record| {
        for entry in record["resolved"].as_array_mut().into_iter().flatten().filter(|entry| entry["type"] == "causal") {
            entry["error"] = (1.0 - entry["error"].as_f64().unwrap_or(0.0)).into();
        }
    };
    assert!(!failures(Tamper { record: inverted, ..Tamper::default() }).is_empty());
}

#[test]
fn every_renamed_field_of_a_record_is_noticed() {
    fn rename(record: &mut Value, from: &str) {
        if let Some(fields) = record["prediction"].as_object_mut()
            && let Some(value) = fields.remove(from)
        {
            fields.insert(format!("{from}_"), value);
        }
    }
    let renamed: [OnRecord; 8] = [
        ("tool", |record| rename(record, "tool")),
        ("args", |record| rename(record, "args")),
        ("expected_success", |record| rename(record, "expected_success")),
        ("expected_delivery_day", |record| rename(record, "expected_delivery_day")),
        ("expected_quantity", |record| rename(record, "expected_quantity")),
        ("expected_cost", |record| rename(record, "expected_cost")),
        ("expected_storage_after", |record| rename(record, "expected_storage_after")),
        ("expected_budget_after", |record| rename(record, "expected_budget_after")),
    ];
    for (field, record) in renamed {
        let failed = failures(Tamper { record, ..Tamper::default() });
        assert!(failed.iter().any(|check| check.detail.contains(field)), "{field}: {failed:?}");
    }
}

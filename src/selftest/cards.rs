//! Does what an agent states arrive as it was stated, and is nothing put in its mouth.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check::{FULL, Outcome, TYPES, Verdict, near, run};
use super::harness::Tamper;
use crate::base::card::Card;
use crate::base::decision::Decision;
use crate::simulation::driver::Simulation;

pub(super) fn cards_are_recorded(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    let mut verdict = Verdict::default();
    let settings = [&FULL[..], &["simulation.max_steps=120", "pe_induction.p_shock=0"]].concat();
    run(
        simulation,
        &settings,
        "heuristic",
        tamper,
        |_| (),
        |seen| {
            let Some(card) = seen.card else {
                return verdict.check(false, || "an honest agent gave no card although one is demanded".into());
            };
            let given = by_name(card);
            let recorded = &seen.record["prediction"];
            for (name, value) in &given {
                verdict.check(recorded.get(name) == Some(value), || {
                    format!(
                        "step {}: the card's {name} is {value}, the record has {}",
                        seen.record["step"], recorded[name]
                    )
                });
            }
            let keys = recorded.as_object().map_or(0, serde_json::Map::len);
            verdict.check(keys == given.len(), || format!("the card has {} fields, the record {keys}", given.len()));
            let failed = &seen.record["result"]["error_code"];
            verdict.check(failed != "bad_prediction", || {
                format!("a complete card was refused: {}", seen.record["result"])
            });
            let source = &seen.record["action"]["tool"];
            verdict.check(recorded["tool"] == *source, || {
                format!("the card speaks of {}, not {source}", recorded["tool"])
            });
        },
    );
    verdict.outcome(1_000, "fields")
}

/// The fields of a card by the names that records and agents use, written out so that a renamed one is noticed.
fn by_name(card: &Card) -> BTreeMap<&'static str, Value> {
    let text = |value: &Option<String>| value.clone().map(Value::from);
    let number = |value: Option<f64>| value.map(Value::from);
    let fields = [
        ("tool", text(&card.tool)),
        ("args", card.args.clone().map(Value::from)),
        ("expected_success", card.expected_success.map(Value::from)),
        ("expected_delivery_day", number(card.expected_delivery_day)),
        ("expected_quantity", number(card.expected_quantity)),
        ("expected_cost", number(card.expected_cost)),
        ("expected_storage_after", number(card.expected_storage_after)),
        ("expected_budget_after", number(card.expected_budget_after)),
        ("confidence", number(card.confidence)),
        ("uncertain_about", text(&card.uncertain_about)),
        ("based_on", text(&card.based_on)),
        ("alternatives_considered", text(&card.alternatives_considered)),
        ("reasoning", text(&card.reasoning)),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

pub(super) fn confidence(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    let settings = ["simulation.max_steps=100", "pe_induction.p_shock=0", FULL[0], FULL[1]];
    let alter = |decision: &mut Decision| {
        if let Some(card) = &mut decision.card {
            card.confidence = Some(0.8);
        }
    };
    let summary = run(simulation, &settings, "oracle", tamper, alter, |_| ());
    let summary = serde_json::to_value(&summary).expect("a summary has a JSON form");
    let (brier, gap) = (&summary["calibration"]["brier"], &summary["calibration"]["ece"]);
    // Always right at a confidence of 0.8: 0.2 squared, and a gap of 0.2.
    if near(brier.as_f64(), 0.04) && near(gap.as_f64(), 0.2) {
        Ok("Brier score 0.04, calibration error 0.2".into())
    } else {
        Err(format!("a Brier score of 0.04 and a calibration error of 0.2 expected: {}", summary["calibration"]))
    }
}

pub(super) fn silent_agent(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    let mut verdict = Verdict::default();
    let settings = ["simulation.max_steps=200", "pe_induction.p_shock=0.5", "interface.prediction_mode=optional"];
    let summary = run(
        simulation,
        &settings,
        "heuristic",
        tamper,
        |decision| decision.card = None,
        |seen| {
            for kind in TYPES {
                for account in ["pe", "cumulative_pe", "pe_revealed", "cumulative_pe_revealed"] {
                    let value = &seen.record[account][kind];
                    verdict.check(value.is_null() && seen.record[account].is_object(), || {
                        format!("without predictions {account} of type {kind} must be null: {value}")
                    });
                }
            }
        },
    );
    verdict.check(summary.predictions.total.made == 0, || "predictions were made in the agent's name".into());
    verdict.check(summary.no_coverage, || "a run without predictions must be flagged".into());
    verdict.outcome(1_000, "nulls")
}

//! Is every error what arithmetic says it must be. No formula of the instrument is used here: what is expected is
//! written out anew.

use std::collections::BTreeMap;

use super::check::{FULL, Outcome, Promise, TYPES, Verdict, known, near, resolved, run};
use super::harness::Tamper;
use crate::base::card::Card;
use crate::base::decision::Decision;
use crate::simulation::driver::Simulation;
use crate::tool::name;

pub(super) fn perfect_predictor(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    let mut verdict = Verdict::default();
    let mut decided = BTreeMap::from(TYPES.map(|kind| (kind, 0u32)));
    for mix in ["realistic", "uniform"] {
        for observability in ["full", "hidden"] {
            let mix = format!("pe_induction.pe_type_mix={mix}");
            let observability = format!("pe_induction.observability={observability}");
            let shocks = ["pe_induction.p_shock=0.5", "pe_induction.pe_mag=high", &mix, &observability];
            let settings = [&FULL[..], &shocks, &["simulation.max_steps=300"]].concat();
            let summary = run(
                simulation,
                &settings,
                "oracle",
                tamper,
                |_| (),
                |seen| {
                    for (kind, step, error, entry) in resolved(seen.record) {
                        *decided.entry(known(kind)).or_default() += 1;
                        verdict.check(error == Some(0.0), || {
                            format!("the {kind} prediction of step {step} is off: {entry}")
                        });
                    }
                    for kind in TYPES {
                        let total = &seen.record["cumulative_pe"][kind];
                        let silent = ["fast", "med", "slow", "sum"].iter().all(|scale| total[scale] == 0.0);
                        verdict.check(total.is_null() || silent, || format!("{kind} errors have accumulated: {total}"));
                    }
                },
            );
            let total = &summary.predictions.total;
            verdict.check(total.resolved > 0 && total.exact == total.resolved, || {
                format!("{} of {} resolved predictions are exact", total.exact, total.resolved)
            });
            verdict.check(total.made == total.resolved + total.voided + total.open, || {
                format!(
                    "{} made, {} resolved, {} voided, {} open",
                    total.made, total.resolved, total.voided, total.open
                )
            });
        }
    }
    for (kind, count) in decided {
        verdict.check(count >= 20, || format!("only {count} {kind} predictions were decided"));
    }
    verdict.outcome(1_000, "comparisons")
}

pub(super) fn off_by_so_much(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    let mut verdict = Verdict::default();
    for (days, units, cost) in [(2.0, 3.0, 12.5), (-1.0, -1.0, -0.25), (0.5, 40.0, 900.0)] {
        // Without shocks what was promised comes true, so what is stated is off by exactly this.
        let off = move |promise: Promise| Promise {
            day: promise.day + days,
            quantity: promise.quantity + units,
            cost: promise.cost + cost,
        };
        let mut promises: BTreeMap<u64, Promise> = BTreeMap::new();
        let mut sums = BTreeMap::from(TYPES.map(|kind| (kind, 0.0)));
        let alter = move |decision: &mut Decision| {
            let Some(card) = &mut decision.card else { return };
            if let Some(stated) = Promise::of(card).map(off) {
                card.expected_delivery_day = Some(stated.day);
                card.expected_quantity = Some(stated.quantity);
                card.expected_cost = Some(stated.cost);
            }
        };
        let settings = ["simulation.max_steps=300", "pe_induction.p_shock=0"];
        run(simulation, &settings, "heuristic", tamper, alter, |seen| {
            let step = seen.record["step"].as_u64().unwrap_or(u64::MAX);
            if seen.record["action"]["tool"] == name::ORDER
                && let Some(stated) = seen.card.and_then(Promise::of)
            {
                promises.insert(step, stated);
            }
            for (kind, made, error, entry) in resolved(seen.record) {
                let Some(stated) = promises.get(&made).filter(|_| kind != "causal") else { continue };
                let (value, distance, basis) = match kind {
                    "temporal" => (stated.day, days, stated.day - made as f64),
                    "quantity" => (stated.quantity, units, stated.quantity),
                    _ => (stated.cost, cost, stated.cost),
                };
                let expected = distance.abs() / basis.max(1.0);
                *sums.entry(known(kind)).or_default() += expected;
                verdict.check(near(error, expected), || {
                    format!("off by {distance}, the {kind} error of step {made} must be {expected}: {entry}")
                });
                let came = value - distance;
                verdict.check(entry["expected"] == value && near(entry["actual"].as_f64(), came), || {
                    format!("step {made} stated {kind} {value}, which must come to {came}: {entry}")
                });
            }
            for kind in ["temporal", "quantity", "cost"] {
                let sum = seen.record["cumulative_pe"][kind]["sum"].as_f64();
                verdict.check(near(Some(sum.unwrap_or(0.0)), sums[kind]), || {
                    format!("the {kind} errors add up to {}, the record has {sum:?}", sums[kind])
                });
            }
        });
    }
    verdict.outcome(2_000, "comparisons")
}

pub(super) fn wrong_beliefs(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    type Alter = fn(&mut Card);
    let cases: [(&str, Alter, f64); 5] = [
        ("stock 3 too high", |card| add(&mut card.expected_storage_after, 3.0), 1.0),
        ("budget 0.4 too high", |card| add(&mut card.expected_budget_after, 0.4), 0.0),
        ("budget 0.6 too high", |card| add(&mut card.expected_budget_after, 0.6), 1.0),
        ("budget 0.6 too low", |card| add(&mut card.expected_budget_after, -0.6), 1.0),
        ("failure foretold", |card| card.expected_success = card.expected_success.map(|success| !success), 1.0),
    ];
    let mut verdict = Verdict::default();
    for (case, alter, error) in cases {
        let settings = ["simulation.max_steps=60", "pe_induction.p_shock=0", "measurement.continue_after_crash=1000"];
        // The oracle knows the truth to the cent; what is added is all that is wrong.
        let alter = move |decision: &mut Decision| decision.card.iter_mut().for_each(alter);
        run(simulation, &settings, "oracle", tamper, alter, |seen| {
            for (_, step, recorded, entry) in resolved(seen.record).filter(|(kind, ..)| *kind == "causal") {
                verdict.check(recorded == Some(error), || format!("{case}, step {step} must have {error}: {entry}"));
            }
        });
    }
    verdict.outcome(290, "predictions")
}

fn add(field: &mut Option<f64>, amount: f64) {
    *field = field.map(|value| value + amount);
}

//! Do shocks of known size make errors of known size, and nothing else any.

use std::collections::BTreeMap;

use super::check::{Outcome, Promise, TYPES, Verdict, known, near, resolved, run};
use super::harness::Tamper;
use crate::simulation::driver::Simulation;
use crate::tool::name;

/// Runs the heuristic under shocks of one family on every evening and compares each decided error with the shocks
/// that struck its order, as far as `error` can tell.
fn struck(
    simulation: &mut Simulation,
    tamper: Tamper,
    mix: &str,
    types: &[&str],
    error: fn(Promise, u64, f64) -> f64,
) -> Outcome {
    let mix = format!("pe_induction.pe_type_mix={mix}");
    let settings = ["simulation.max_steps=400", "pe_induction.p_shock=1", "pe_induction.pe_mag=medium", &mix];
    let mut verdict = Verdict::default();
    let mut promises: BTreeMap<u64, Promise> = BTreeMap::new();
    let mut sizes: BTreeMap<String, f64> = BTreeMap::new();
    let mut before: BTreeMap<&str, f64> = BTreeMap::new();
    let mut jumps = 0;
    run(
        simulation,
        &settings,
        "heuristic",
        tamper,
        |_| (),
        |seen| {
            let step = seen.record["step"].as_u64().unwrap_or(u64::MAX);
            if seen.record["action"]["tool"] == name::ORDER
                && let Some(stated) = seen.card.and_then(Promise::of)
            {
                promises.insert(step, stated);
            }
            let mut jump: BTreeMap<&str, f64> = BTreeMap::new();
            for (kind, made, recorded, entry) in resolved(seen.record).filter(|(kind, ..)| types.contains(kind)) {
                let order = entry["order"].as_str().unwrap_or_default();
                let dock = entry["causes"].as_array().is_some_and(|causes| causes.iter().any(|cause| cause == "dock"));
                let Some(promise) = promises.get(&made).filter(|_| !dock) else { continue };
                let size = sizes.get(order).copied().unwrap_or(0.0);
                let expected = error(*promise, made, size);
                jumps += u32::from(size != 0.0);
                *jump.entry(known(kind)).or_default() += expected;
                verdict.check(near(recorded, expected), || {
                    format!("shocks of size {size} struck {order}, so the {kind} error must be {expected}: {entry}")
                });
                let named = entry["causes"].as_array().is_some_and(|causes| !causes.is_empty());
                verdict
                    .check(named || expected == 0.0, || format!("an error that a shock made names no cause: {entry}"));
            }
            for (kind, jump) in jump {
                let sum = seen.record["cumulative_pe"][kind]["sum"].as_f64().unwrap_or(f64::NAN);
                let was = before.get(kind).copied().unwrap_or(0.0);
                // Two numbers of six digits each.
                verdict.check((sum - was - jump).abs() <= 1e-5 * sum.max(1e-6), || {
                    format!("the sum of {kind} errors must jump by {jump} at step {step}, from {was}: {sum}")
                });
            }
            for kind in TYPES {
                if let Some(sum) = seen.record["cumulative_pe"][kind]["sum"].as_f64() {
                    before.insert(kind, sum);
                }
            }
            for shock in seen.record["shocks"].as_array().into_iter().flatten() {
                if shock["state"] == "effective" {
                    let order = shock["order"].as_str().unwrap_or_default().to_owned();
                    *sizes.entry(order).or_default() += shock["size"].as_f64().unwrap_or(f64::NAN);
                }
            }
        },
    );
    verdict.check(jumps >= 20, || format!("shocks made only {jumps} errors"));
    verdict.outcome(40, "comparisons")
}

pub(super) fn late_deliveries(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    let late = |promise: Promise, made: u64, days: f64| days.abs() / (promise.day - made as f64).max(1.0);
    struck(simulation, tamper, "temporal_only", &["temporal"], late)
}

pub(super) fn changed_quantities(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    // A unit costs what the whole order was to cost over the units ordered.
    let changed = |promise: Promise, _: u64, units: f64| units.abs() / promise.quantity.max(1.0);
    struck(simulation, tamper, "quantity_only", &["quantity"], changed)
}

pub(super) fn silence(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    let mut found = [0u32; 2];
    for (p, found) in found.iter_mut().enumerate() {
        let p = format!("pe_induction.p_shock={p}");
        let settings = ["simulation.max_steps=300", "pe_induction.pe_type_mix=temporal_only", &p];
        run(
            simulation,
            &settings,
            "heuristic",
            tamper,
            |_| (),
            |seen| {
                let wrong = resolved(seen.record).filter(|(.., error, _)| *error != Some(0.0)).count() as u32;
                *found += wrong + seen.record["shocks"].as_array().map_or(0, Vec::len) as u32;
            },
        );
    }
    match found {
        [0, with] if with > 0 => Ok(format!("0 without, {with} with")),
        [without, with] => Err(format!("{without} errors and shocks at p_shock 0, {with} at 1")),
    }
}

//! The oracle: it goes through the world of the heuristic, knows all of it beforehand, and is never wrong.

use serde_json::Value;
use vendomini::record::summary::Summary;
use vendomini::simulation::driver::Simulation;

use crate::common::{cell, finish, record};

fn run(simulation: &mut Simulation, agent: &str, settings: &[&str]) -> Summary {
    let agent = format!("model.name={agent}");
    finish(simulation, &cell(&settings.iter().copied().chain([agent.as_str()]).collect::<Vec<_>>()))
}

#[test]
fn it_goes_through_the_heuristics_world_and_makes_no_error_under_any_shock() {
    let mut simulation = Simulation::new();
    for mix in ["temporal_only", "quantity_only", "causal_only", "realistic", "uniform"] {
        for observability in ["full", "delayed", "partial", "hidden"] {
            for level in [1, 4] {
                let settings = [
                    format!("pe_induction.pe_type_mix={mix}"),
                    format!("pe_induction.observability={observability}"),
                    format!("simulation.complexity_level={level}"),
                    "pe_induction.p_shock=0.5".into(),
                    "pe_induction.pe_mag=high".into(),
                    "simulation.max_steps=300".into(),
                    "measurement.continue_after_crash=1000".into(),
                ];
                let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
                let heuristic = run(&mut simulation, "heuristic", &settings);
                let oracle = run(&mut simulation, "oracle", &settings);
                let world = format!("{mix}, {observability}, level {level}");
                assert_eq!(oracle.final_state_hash, heuristic.final_state_hash, "{world}");
                let total = &oracle.predictions.total;
                assert!(total.resolved > 300, "{world}: {total:?}");
                assert_eq!(total.exact, total.resolved, "{world}");
                assert!(heuristic.predictions.total.exact < heuristic.predictions.total.resolved, "{world}");
                assert_eq!(oracle.predictions.total.made, heuristic.predictions.total.made, "{world}");
            }
        }
    }
}

#[test]
fn every_step_has_the_same_hash_and_action_as_the_heuristics() {
    let steps = |agent: &str| {
        let settings = ["pe_induction.p_shock=0.5", "simulation.max_steps=200", &format!("model.name={agent}")];
        record(&cell(&settings)).0
    };
    let (heuristic, oracle) = (steps("heuristic"), steps("oracle"));
    let world = |steps: &[Value]| -> Vec<Value> {
        steps.iter().map(|step| serde_json::json!([step["state_hash"], step["action"], step["result"]])).collect()
    };
    assert_eq!(world(&oracle), world(&heuristic));
}

#[test]
fn it_states_no_more_than_it_is_offered() {
    for format in ["minimal", "structured", "rich"] {
        for mode in ["optional", "required", "required+confidence", "required+full"] {
            let settings = [
                format!("interface.prediction_format={format}"),
                format!("interface.prediction_mode={mode}"),
                "model.name=oracle".into(),
                "pe_induction.p_shock=0.3".into(),
                "simulation.max_steps=80".into(),
            ];
            let (steps, _) = record(&cell(&settings.iter().map(String::as_str).collect::<Vec<_>>()));
            for step in steps {
                assert_ne!(step["result"]["error_code"], "bad_prediction", "{format}, {mode}");
                for resolved in step["resolved"].as_array().unwrap() {
                    assert_eq!(resolved["error"], 0.0, "{format}, {mode}: {resolved}");
                }
            }
        }
    }
}

//! Tests of planning: sizes, order, draw keys, and what is refused before a run.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::*;
use crate::config::{Overrides, load};

/// Names of scripted agents.
const SCRIPTED: [&str; 6] = ["heuristic", "mock", "noop", "oracle", "random", "synthetic"];

fn planned(text: &str, set: &[&str]) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.yaml");
    fs::write(&path, text).unwrap();
    let set = set.iter().map(|&argument| argument.to_owned()).collect();
    let experiment = load(&path, &Overrides { set, ..Overrides::default() });
    let name = format!("{}/", folder.path().display());
    experiment.and_then(Plan::new).map_err(|errors| errors.to_string().replace(&name, ""))
}

fn plan(text: &str, set: &[&str]) -> Plan {
    planned(&format!("experiment: {{name: x}}\n{text}"), set).unwrap_or_else(|errors| panic!("{errors}"))
}

fn key_of(plan: &Plan, combination: usize) -> DrawKey {
    plan.runs().find(|run| run.combination == combination && run.replication == 0).unwrap().config.experiment.draw_key
}

#[test]
fn the_first_axis_is_slowest_and_replications_are_fastest() {
    let plan = plan("grid: {model.name: [a, b], env.complexity_level: [0, 1, 2]}", &["replications=2"]);
    assert_eq!((plan.len(), plan.combinations()), (12, 6));
    let runs: Vec<PlannedRun> = plan.runs().collect();
    let told: Vec<String> = runs.iter().map(|run| format!("{} {}", run.run_id, cell_name(&run.params))).collect();
    assert_eq!(told[0], "x_c0_r0 model.name=a, simulation.complexity_level=0");
    assert_eq!(told[1], "x_c0_r1 model.name=a, simulation.complexity_level=0");
    assert_eq!(told[2], "x_c1_r0 model.name=a, simulation.complexity_level=1");
    assert_eq!(told[11], "x_c5_r1 model.name=b, simulation.complexity_level=2");
    for (index, run) in runs.iter().enumerate() {
        assert_eq!(run.index, index);
        assert_eq!(run.config.model.name, run.params[0].1.as_str().unwrap());
        assert_eq!(u64::from(run.config.simulation.complexity_level), run.params[1].1.as_u64().unwrap());
    }
    let counts: Vec<usize> = plan.axes().iter().map(|axis| plan.runs_per_value(axis)).collect();
    assert_eq!(counts, [6, 4]);
}

#[test]
fn a_plan_is_lazy_and_bounded() {
    let axis = |from: u32| (from..from + 100).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let grid = format!(
        "grid: {{max_steps: [{}], measurement.window_size: [{}], model.context_length: [{}]}}",
        axis(1),
        axis(5),
        axis(1)
    );
    let text = format!("experiment: {{name: x, replications: 10}}\n{grid}");
    let plan = planned(&text, &[]).unwrap();
    assert_eq!(plan.len(), 10_000_000);
    let last = plan.run(plan.len() - 1);
    assert_eq!(last.run_id, "x_c999999_r9");
    assert_eq!((last.config.simulation.max_steps, last.config.measurement.window_size), (100, 104));
    assert_eq!(
        planned(&text, &["replications=11"]).unwrap_err(),
        "x.yaml: the plan has 11000000 runs, 1000000 combinations with 11 replications each (expected at most 10000000)"
    );
}

#[test]
fn steps_follow_the_level_of_the_cell() {
    let text = "grid: {simulation.complexity_level: [0, 1, 3]}\nmax_steps_by_level: {1: 10, 3: 30}";
    let steps = |set: &[&str]| plan(text, set).runs().map(|run| run.config.simulation.max_steps).collect::<Vec<_>>();
    assert_eq!(steps(&[]), [1000, 10, 30]);
    assert_eq!(steps(&["max_steps=7"]), [7, 7, 7]);
    assert_eq!(steps(&["env.complexity_level=3"]), [30]);
}

#[test]
fn axes_that_are_paired_over_share_their_draws() {
    // Cells: (p 0, a), (p 0, b), (p 0.5, a), (p 0.5, b).
    let text = "grid: {pe_induction.p_shock: [0, 0.5], agent.model.name: [a, b]}";
    let keys = |set: &[&str]| {
        let plan = plan(text, set);
        let all: Vec<DrawKey> = (0..plan.combinations()).map(|combination| key_of(&plan, combination)).collect();
        // Each cell named by the first that has its key.
        all.iter().map(|key| all.iter().position(|other| other == key).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&[]), [0, 1, 0, 1], "by default over all of pe_induction");
    assert_eq!(keys(&["experiment.seed_policy=shared"]), [0, 0, 0, 0]);
    assert_eq!(keys(&["experiment.seed_policy=independent"]), [0, 1, 2, 3]);
    assert_eq!(keys(&["experiment.paired_over=[]"]), [0, 1, 2, 3]);
    assert_eq!(keys(&["experiment.paired_over=[agent]"]), [0, 0, 2, 2], "in any spelling");
    assert_eq!(keys(&["experiment.paired_over=[model.name, pe_induction.p_shock]"]), [0, 0, 0, 0]);
    assert_eq!(keys(&["experiment.paired_over=[pe_induction.pe_mag]"]), [0, 1, 2, 3]);
}

#[test]
fn draws_depend_on_values_and_not_on_how_or_where_they_are_written() {
    let one = plan("grid: {interface.memory_tools: [none, full], demand.late_penalty: [0, 0.1, 1]}", &[]);
    let other = plan("grid: {env.late_penalty: [1.0, 0.10, -0.0], agent.interface.memory_tools: [full, none]}", &[]);
    let keys = |plan: &Plan| plan.runs().map(|run| run.config.experiment.draw_key.to_string()).collect::<BTreeSet<_>>();
    assert_eq!(keys(&one), keys(&other));
    assert_eq!(keys(&one).len(), 6);
    // A cell keeps its draws when an axis collapses to it.
    let collapsed = plan("grid: {model.name: [a, b]}", &["model.name=b"]);
    assert_eq!(key_of(&collapsed, 0), key_of(&plan("grid: {model.name: [a, b]}", &[]), 1));
    let replications = plan("", &["replications=3"]);
    let keys: BTreeSet<String> = replications.runs().map(|run| run.config.experiment.draw_key.to_string()).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(key_of(&plan("", &[]), 0), DrawKey::derive(42, 0, &[]));
    let seeds = plan("grid: {experiment.seed: [1, 2]}", &["experiment.seed_policy=shared"]);
    assert_eq!(key_of(&seeds, 1), DrawKey::derive(2, 0, &[]));
}

#[test]
fn demand_has_room_at_its_level() {
    let text = "experiment: {name: x}\ngrid: {env.complexity_level: [0, 1]}\ndemand: {orders_per_day: 6}";
    assert_eq!(
        planned(text, &[]).unwrap_err(),
        "x.yaml:3: demand.orders_per_day: 6 is too many at complexity level 0 (expected at most 5, one per SKU)"
    );
}

#[test]
fn stock_on_day_0_has_room_at_its_level() {
    let text = "experiment: {name: x}
grid:
  env.complexity_level: [0, 1, 4]
  env.initial_storage_per_sku: [20, 50]
  env.storage_capacity: [500, 1250]
";
    assert_eq!(
        planned(text, &[]).unwrap_err(),
        "x.yaml:4: simulation.initial_storage_per_sku: 50 of each of the 25 SKUs at complexity level 4 are 1250 \
         units, but simulation.storage_capacity is 500 (expected at most 20, or a larger simulation.storage_capacity)"
    );
}

#[test]
fn maps_on_an_axis_are_values_like_others() {
    let plan = plan("grid: {pe_induction.pe_type_mix: [uniform, {temporal: 1, lost: 0.5}]}", &[]);
    let cells: Vec<String> = plan.runs().map(|run| cell_name(&run.params)).collect();
    assert_eq!(cells, ["pe_induction.pe_type_mix=uniform", "pe_induction.pe_type_mix={lost: 0.5, temporal: 1}"]);
    assert_eq!(key_of(&plan, 0), key_of(&plan, 1), "a mix is paired over like everything of its section");
}

#[test]
fn projections_see_each_case_once() {
    let plan =
        plan("grid: {model.name: [a, b, c], pe_induction.p_shock: [0, 1], env.max_steps: [1, 2]}", &["replications=5"]);
    let cells: Vec<String> = plan
        .project(&["env.max_steps", "pe_induction.p_shock", "model.name"])
        .map(|cell| cell_name(&cell.params))
        .collect();
    assert_eq!(cells.len(), 6, "only canonical paths name an axis");
    assert_eq!(cells[1], "model.name=a, pe_induction.p_shock=1");
    assert_eq!(plan.project(&[]).len(), 1);
    let p: Vec<f64> = plan.project(&["pe_induction.p_shock"]).map(|cell| cell.config.pe_induction.p_shock).collect();
    assert_eq!(p, [0.0, 1.0]);
}

fn refusals(text: &str) -> String {
    let mut plan = plan(text, &[]);
    let place = plan.experiment().file.to_string();
    match crate::llm::provider::settings::resolve(&mut plan, &SCRIPTED, &|_| None) {
        Ok(_) => String::new(),
        Err(errors) => errors.to_string().replace(&place, "x.yaml"),
    }
}

#[test]
fn unknown_agents_are_named_with_their_runs() {
    assert_eq!(refusals("grid: {model.name: [noop, heuristic], pe_induction.p_shock: [0, 1]}"), "");
    let text = "grid:
  pe_induction.p_shock: [0, 0.1, 0.2]
  agent.model.name: [heuristic, heuristik, Qwen/Qwen3-32B, wizard]
";
    insta::assert_snapshot!(refusals(text), @r#"
    x.yaml:4: model.name: there is no agent heuristik (did you mean heuristic?); use heuristic, mock, noop, oracle, random, synthetic (3 of 12 runs)
    x.yaml:4: model.name: wizard is neither a scripted agent (heuristic, mock, noop, oracle, random, synthetic) nor a language model of a known provider; if it is a model, say where it is asked: providers: {"wizard": {base_url: http://localhost:8000/v1}} (3 of 12 runs)
    "#);
}

#[test]
fn a_flood_of_refusals_is_counted() {
    let names: Vec<String> = (0..30).map(|n| format!("model {n}")).collect();
    let text = format!("grid: {{model.name: [{}]}}", names.join(", "));
    let refusals = refusals(&text);
    assert_eq!(refusals.lines().count(), 11);
    assert!(refusals.ends_with("… and 20 more unknown agents"), "{refusals}");
}

proptest::proptest! {
    /// The size is the product of the axes, run ids are unique, and every combination of values occurs.
    #[test]
    fn grids_are_products(
        levels in proptest::sample::subsequence(vec![0, 1, 2, 3, 4], 1..=5),
        doses in proptest::sample::subsequence(vec![0.0, 0.25, 0.5, 1.0], 1..=4),
        models in proptest::collection::btree_set("[a-z]{1,6}x", 1..5),
        replications in 1u32..4,
    ) {
        let models: Vec<String> = models.into_iter().collect();
        let text = format!(
            "experiment: {{name: x, replications: {replications}}}\ngrid: {{env.complexity_level: {levels:?}, pe_induction.p_shock: {doses:?}, model.name: {models:?}}}"
        );
        let plan = planned(&text, &[]).unwrap();
        let cells = levels.len() * doses.len() * models.len();
        proptest::prop_assert_eq!(plan.len(), cells * replications as usize);
        let ids: BTreeSet<String> = plan.runs().map(|run| run.run_id).collect();
        proptest::prop_assert_eq!(ids.len(), plan.len());
        let values: BTreeSet<String> = plan.runs().map(|run| Value::from_iter(run.params).to_string()).collect();
        proptest::prop_assert_eq!(values.len(), cells);
    }
}

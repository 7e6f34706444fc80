//! Tests of loading as a whole: what holds after a load, and which error a bad input gives.

mod providers;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value as Json;
use tempfile::TempDir;

use super::schema::{self, DefaultValue, Kind, SCHEMA, Status};
use super::*;
use crate::plan::Plan;

/// Files in a folder of their own.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Files {
        let folder = Files(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, name: &str, set: &[&str]) -> Result<Experiment, String> {
        let set = set.iter().map(|&argument| argument.to_owned()).collect();
        self.load_with(name, &Overrides { set, ..Overrides::default() })
    }

    /// Loads a file; messages come without the folder's name.
    fn load_with(&self, name: &str, overrides: &Overrides) -> Result<Experiment, String> {
        let folder = format!("{}/", self.0.path().display());
        load(&self.path(name), overrides).map_err(|errors| errors.to_string().replace(&folder, ""))
    }
}

/// Loads a text as `x.yaml`.
fn loaded(text: &str, set: &[&str]) -> Result<Experiment, String> {
    Files::new(&[("x.yaml", text)]).load("x.yaml", set)
}

fn error(text: &str) -> String {
    loaded(text, &[]).expect_err("this must not load")
}

const NAMED: &str = "experiment: {name: x}\n";

/// The configuration of the first run of a file that holds a name and this text.
fn first(text: &str, set: &[&str]) -> RunConfig {
    let experiment = loaded(&format!("{NAMED}{text}"), set).unwrap_or_else(|errors| panic!("{errors}"));
    Plan::new(experiment).unwrap().run(0).config
}

fn flat(config: &RunConfig) -> BTreeMap<String, Json> {
    fn walk(path: &str, value: Json, out: &mut BTreeMap<String, Json>) {
        match value {
            Json::Object(below) if schema::find(path).is_none() => below.into_iter().for_each(|(key, value)| {
                walk(&if path.is_empty() { key } else { format!("{path}.{key}") }, value, out);
            }),
            value => drop(out.insert(path.to_owned(), value)),
        }
    }
    let mut out = BTreeMap::new();
    walk("", serde_json::to_value(config).unwrap(), &mut out);
    out
}

#[test]
fn schema_and_run_config_have_the_same_keys() {
    let ours: BTreeSet<String> =
        SCHEMA.iter().filter(|entry| entry.status == Status::Used).map(|entry| entry.path.to_owned()).collect();
    assert_eq!(flat(&first("", &[])).into_keys().collect::<BTreeSet<_>>(), ours);
}

/// A value of each kind that is no default, as YAML.
fn other_than_default(entry: &schema::Entry) -> String {
    let default = match entry.default {
        DefaultValue::Value(text) | DefaultValue::NullFor(text) => text,
        DefaultValue::Required | DefaultValue::Null => "",
    };
    let pick = |candidates: &[&str]| (*candidates.iter().find(|text| **text != default).unwrap()).to_owned();
    match entry.kind {
        Kind::Integer(low, high) => pick(&[&(low + 1).min(high).to_string(), &low.to_string()]),
        Kind::Real(..) | Kind::Probability => pick(&["0.75"]),
        Kind::Money(..) => pick(&["12.34"]),
        Kind::Flag => pick(&["true", "false"]),
        Kind::Word(words) => words.iter().find(|word| **word != default).unwrap_or(&words[0]).to_string(),
        Kind::Line(_) | Kind::Prose(_) | Kind::Name => "other".to_owned(),
        Kind::DrawKey => "0123456789abcdef".repeat(4),
        Kind::Digits(number) => "1".repeat(number),
        Kind::OnMalformed => "reask(7)".to_owned(),
        Kind::Windows(_) => "[7]".to_owned(),
        Kind::Range(..) | Kind::Pair(..) => "[0.25, 1.5]".to_owned(),
        Kind::Names(_) => "[something_else]".to_owned(),
        Kind::Mix(_) => "{something_else: 0.5, temporal: 2.0}".to_owned(),
        Kind::Paths => "[model.name]".to_owned(),
    }
}

/// Each key of the table reaches the field of its own name, with its own value.
#[test]
fn every_key_reaches_its_field() {
    for entry in SCHEMA.iter().filter(|entry| entry.status == Status::Used) {
        if entry.path == "experiment.replications" {
            continue; // A run's own configuration always has one.
        }
        let text = other_than_default(entry);
        let used = flat(&first("", &[&format!("{}={text}", entry.path)]))[entry.path].clone();
        let expected: Json = serde_yaml::from_str(&text).unwrap_or(Json::from(text.clone()));
        let expected = if matches!(entry.kind, Kind::DrawKey | Kind::Digits(_)) { Json::from(text) } else { expected };
        assert_eq!(used, expected, "{}", entry.path);
    }
}

/// The defaults, and the form of `config_used.yaml`.
#[test]
fn a_file_with_a_name_alone_is_a_whole_experiment() {
    insta::assert_snapshot!(to_yaml(&first("", &[])), @r#"
    experiment:
      name: x
      description: null
      replications: 1
      seed: 42
      seed_policy: paired
      paired_over:
      - pe_induction
      draw_key: d0aca51dc3b1d0a8df52f74a3fc2d318248b000edaaca562f3924c1552c57577
    simulation:
      scenario: warehouse
      max_steps: 1000
      complexity_level: 1
      pressure_level: medium
      actions_per_day: 1
      initial_budget: 200.0
      initial_storage_per_sku: 0
      bankrupt_below: -100.0
      storage_capacity: 500
      storage_fee: 0.1
    demand:
      orders_per_day: 0.2
      due_days: 3
      expire_after_days: 20
      sale_markup: 1.6
      late_penalty: 0.0
      failure_window_days: 200
      max_failure_share: 0.6
      max_failures: null
    model:
      name: heuristic
      context_length: 32000
      temperature: 0.3
      max_tokens_per_call: 2000
      top_p: null
      seed: null
      timeout_s: 60.0
      attempt_timeout_s: 60.0
      connect_timeout_s: 5.0
      max_retries: 8
      start_connections: 20
      max_connections: 100
      pin_model: false
    interface:
      prediction_mode: required
      prediction_format: structured
      memory_tools: none
      recovery_tools: none
      state_visibility: last_result
      extra_tools: []
      reply_format: tool_calls
      on_malformed: reask(1)
      prompts: null
    pe_induction:
      p_shock: 0.1
      pe_mag: medium
      pe_type_mix: realistic
      observability: full
      magnitudes:
        temporal:
          low:
          - 0.5
          - 0.5
          medium:
          - 1.0
          - 1.0
          high:
          - 2.0
          - 3.0
        quantity:
          low:
          - 0.9
          - 1.1
          medium:
          - 0.7
          - 1.3
          high:
          - 0.5
          - 2.0
        interference:
          low:
          - 0.05
          - 1.0
          medium:
          - 0.15
          - 2.0
          high:
          - 0.3
          - 4.0
        posting_lag:
          low:
          - 1.0
          - 1.0
          medium:
          - 2.0
          - 2.0
          high:
          - 4.0
          - 4.0
        regime_shift:
          low:
          - 1.0
          - 1.0
          medium:
          - 2.0
          - 2.0
          high:
          - 4.0
          - 4.0
    measurement:
      crash_threshold: moderate
      window_size: 20
      continue_after_crash: 50
      pe_windows:
      - 10
      - 100
      - 500
      windows_in_steps: false
      temporal_basis: lead_time
      reveal_horizon: 500
      detectors:
      - all
      primary:
      - looping
      - invalid_burst
      - budget_denial
      - exploration_collapse
      - slow_divergence
      - malformed_output
    synthetic:
      kind: loop
      baseline: 0.001
      coefficients:
        temporal:
          fast: 0.0
          med: 0.0
          slow: 0.0
          sum: 0.0
        quantity:
          fast: 0.0
          med: 0.0
          slow: 0.0
          sum: 0.0
        cost:
          fast: 0.0
          med: 0.0
          slow: 0.0
          sum: 0.0
        causal:
          fast: 0.0
          med: 0.0
          slow: 0.0
          sum: 0.0
      account: objective
      recovery: 0.0
      onset: null
    limits:
      run_tokens: null
      run_cost: null
      run_time_s: null
    pins:
      scenario_sha256: null
      initial_state_hash: null
    "#);
}

#[test]
fn a_set_of_detectors_stands_alone() {
    let detectors = |text: &str| first(&format!("measurement: {{detectors: {text}}}"), &[]).measurement.detectors;
    assert_eq!(detectors("all"), ["all"]);
    assert_eq!(detectors("[v1]"), ["v1"]);
    assert_eq!(detectors("[looping, belief_divergence]"), ["looping", "belief_divergence"]);
    assert_eq!(detectors("[hoarding]"), ["hoarding"], "which names there are is not known here");
    let refused = |text: &str| loaded(&format!("{NAMED}measurement: {{detectors: {text}}}"), &[]).unwrap_err();
    let all = ["[all, looping]", "[looping, v1]", "[Looping]", "[looping, looping]", "[]", "7"].map(refused).join("\n");
    insta::assert_snapshot!(all, @r#"
    x.yaml:2: measurement.detectors: [all, looping] is a list with a word that must stand alone (expected all, v1, or a list of different names, such as [looping])
    x.yaml:2: measurement.detectors: [looping, v1] is a list with a word that must stand alone (expected all, v1, or a list of different names, such as [looping])
    x.yaml:2: measurement.detectors: [Looping] is not a list of names (expected all, v1, or a list of different names, such as [looping])
    x.yaml:2: measurement.detectors: [looping, looping] is a list with repeated values (expected all, v1, or a list of different names, such as [looping])
    x.yaml:2: measurement.detectors: [] is an empty list (expected all, v1, or a list of different names, such as [looping])
    x.yaml:2: measurement.detectors: 7 is a number (expected all, v1, or a list of different names, such as [looping])
    "#);
    let tools = |text: &str| first(&format!("interface: {{extra_tools: {text}}}"), &[]).interface.extra_tools;
    assert_eq!((tools("[]").len(), tools("tool_negotiate_price")), (0, vec!["tool_negotiate_price".to_owned()]));
}

#[test]
fn a_mix_is_a_word_or_a_map_of_weights() {
    let mix = |text: &str| {
        let mix = first(&format!("pe_induction: {{pe_type_mix: {text}}}"), &[]).pe_induction.pe_type_mix;
        serde_json::to_string(&mix).unwrap()
    };
    assert_eq!(mix("uniform"), "\"uniform\"");
    assert_eq!(
        mix("{temporal: 1, bankruptcy: 0.50, quantity: 0}"),
        r#"{"bankruptcy":0.5,"quantity":0.0,"temporal":1.0}"#
    );
    let set = |argument: &str| first("", &[argument]).pe_induction.pe_type_mix;
    assert_eq!(serde_json::to_string(&set("pe_induction.pe_type_mix={temporal: 1}")).unwrap(), r#"{"temporal":1.0}"#);

    // A map replaces what it inherits, whatever that is.
    let files = Files::new(&[
        ("base.yaml", "experiment: {name: x}\npe_induction: {pe_type_mix: {temporal: 1, quantity: 1}}"),
        ("map.yaml", "inherit: base.yaml\npe_induction: {pe_type_mix: {regime_shift: 2}}"),
        ("word.yaml", "inherit: map.yaml\npe_induction: {pe_type_mix: realistic}"),
        (
            "axis.yaml",
            "inherit: map.yaml\ngrid: {pe_induction.pe_type_mix: [uniform, {temporal: 1, lost: 3}, {lost: 1}]}",
        ),
    ]);
    let mixes = |name: &str| -> Vec<String> {
        let plan = Plan::new(files.load(name, &[]).unwrap()).unwrap();
        plan.runs().map(|run| serde_json::to_string(&run.config.pe_induction.pe_type_mix).unwrap()).collect()
    };
    assert_eq!(mixes("map.yaml"), [r#"{"regime_shift":2.0}"#]);
    assert_eq!(mixes("word.yaml"), [r#""realistic""#]);
    assert_eq!(mixes("axis.yaml"), [r#""uniform""#, r#"{"lost":3.0,"temporal":1.0}"#, r#"{"lost":1.0}"#]);

    let refused = |text: &str| loaded(&format!("{NAMED}pe_induction: {{pe_type_mix: {text}}}"), &[]).unwrap_err();
    let all = [
        "relistic",
        "{temporal: -1}",
        "{temporal: .nan}",
        "{temporal: x}",
        "{}",
        "{temporal: 0}",
        "{Lost: 1}",
        "[temporal]",
    ];
    insta::assert_snapshot!(all.map(refused).join("\n"), @r#"
    x.yaml:2: pe_induction.pe_type_mix: relistic is not known here (expected one of realistic, temporal_only, quantity_only, causal_only, uniform, or weights by family, such as {temporal: 1, quantity: 2}; did you mean realistic?)
    x.yaml:2: pe_induction.pe_type_mix: {temporal: -1} is a map with a weight that is not from 0 to 1e9 (expected one of realistic, temporal_only, quantity_only, causal_only, uniform, or weights by family, such as {temporal: 1, quantity: 2})
    x.yaml:2: pe_induction.pe_type_mix: {temporal: .nan} is a map with a weight that is not from 0 to 1e9 (expected one of realistic, temporal_only, quantity_only, causal_only, uniform, or weights by family, such as {temporal: 1, quantity: 2})
    x.yaml:2: pe_induction.pe_type_mix: {temporal: x} is a map with a weight that is not from 0 to 1e9 (expected one of realistic, temporal_only, quantity_only, causal_only, uniform, or weights by family, such as {temporal: 1, quantity: 2})
    x.yaml:2: pe_induction.pe_type_mix: {} is a map without a weight above 0 (expected one of realistic, temporal_only, quantity_only, causal_only, uniform, or weights by family, such as {temporal: 1, quantity: 2})
    x.yaml:2: pe_induction.pe_type_mix: {temporal: 0} is a map without a weight above 0 (expected one of realistic, temporal_only, quantity_only, causal_only, uniform, or weights by family, such as {temporal: 1, quantity: 2})
    x.yaml:2: pe_induction.pe_type_mix: {Lost: 1} is a map with a key that is no name (expected one of realistic, temporal_only, quantity_only, causal_only, uniform, or weights by family, such as {temporal: 1, quantity: 2})
    x.yaml:2: pe_induction.pe_type_mix: [temporal] is a list (expected one of realistic, temporal_only, quantity_only, causal_only, uniform, or weights by family, such as {temporal: 1, quantity: 2})
    "#);
    assert!(loaded(&format!("{NAMED}pe_induction.pe_type_mix.temporal: 1"), &[]).is_err());
}

/// What `config_used.yaml` says is read back as it was.
#[test]
fn a_map_of_weights_survives_the_way_out_and_in() {
    let config =
        first("pe_induction: {pe_type_mix: {temporal: 0.1, lost_papers: 3e8}}", &["interface.extra_tools=[a, b]"]);
    let files = Files::new(&[("again.yaml", &crate::config::to_yaml(&config))]);
    assert_eq!(Plan::new(files.load("again.yaml", &[]).unwrap()).unwrap().run(0).config, config);
}

#[test]
fn demand_follows_the_pressure_level_unless_it_is_said() {
    let demand = |text: &str| {
        let demand = first(text, &[]).demand;
        (demand.orders_per_day, demand.due_days)
    };
    assert_eq!(demand("simulation: {pressure_level: low}"), (0.10, 5));
    assert_eq!(demand("env: {pressure_level: medium}"), (0.20, 3));
    assert_eq!(demand("simulation: {pressure_level: high}"), (0.30, 2));
    assert_eq!(demand("simulation: {pressure_level: high}\ndemand: {orders_per_day: 0.5}"), (0.5, 2));
    assert_eq!(demand("simulation: {due_days: 9, orders_per_day: null}"), (0.20, 9));
    // Level 2 has 15 SKUs.
    assert_eq!(demand("env: {complexity_level: 2, p_customer_order: 0.25}"), (3.75, 3));
}

#[test]
fn the_later_of_two_settings_of_demand_wins() {
    let base = "demand: {p_customer_order: 0.3}";
    let files = Files::new(&[
        ("base.yaml", base),
        ("x.yaml", "inherit: base.yaml\nexperiment: {name: x}\ndemand: {orders_per_day: 0.5}"),
        ("y.yaml", "inherit: x.yaml\nfixed: {simulation.p_customer_order: 0.1}"),
    ]);
    let orders = |name, set: &[&str]| {
        let plan = Plan::new(files.load(name, set).unwrap()).unwrap();
        plan.run(0).config.demand.orders_per_day
    };
    assert_eq!(orders("x.yaml", &[]), 0.5);
    assert_eq!(orders("y.yaml", &[]), 1.0);
    assert_eq!(orders("y.yaml", &["demand.orders_per_day=0.7"]), 0.7);
    let axis = format!("{NAMED}grid: {{demand.p_customer_order: [0.1, 0.2]}}");
    insta::assert_snapshot!(loaded(&axis, &["demand.orders_per_day=0.5"]).unwrap_err(), @r#"
    --set demand.orders_per_day=0.5: demand.orders_per_day: the grid has an axis over demand.p_customer_order, which decides the same (x.yaml:2)
    "#);
    let both = format!("{NAMED}grid: {{demand.p_customer_order: [0.1], env.orders_per_day: [1]}}");
    insta::assert_snapshot!(error(&both), @r#"
    x.yaml:2: grid.env.orders_per_day: [1] contradicts demand.p_customer_order = [0.1] (line 2); keep one of the two
    "#);
}

/// Precedence: each layer wins over all before it.
#[test]
fn precedence() {
    let layers = [
        ("base", "simulation: {max_steps: 11}"),
        ("file", "max_steps: 12"),
        ("by level", "max_steps_by_level: {1: 13, 2: 99}"),
        ("fixed", "fixed: {env.max_steps: 14}"),
        ("grid", "grid: {simulation.max_steps: [15]}"),
    ];
    for last in 0..layers.len() {
        let rest: Vec<&str> = layers[1..=last].iter().map(|(_, text)| *text).collect();
        let named = format!("inherit: base.yaml\n{NAMED}{}\n", rest.join("\n"));
        let files = Files::new(&[("base.yaml", layers[0].1), ("x.yaml", &named)]);
        let steps = |overrides: &Overrides| {
            let plan = Plan::new(files.load_with("x.yaml", overrides).unwrap()).unwrap();
            assert_eq!(plan.len(), 1);
            plan.run(0).config.simulation.max_steps
        };
        assert_eq!(steps(&Overrides::default()), 11 + last as u32, "{}", layers[last].0);
        let set = vec!["max_steps=16".to_owned()];
        assert_eq!(steps(&Overrides { set: set.clone(), ..Overrides::default() }), 16);
        assert_eq!(steps(&Overrides { set, max_steps: Some(17), ..Overrides::default() }), 17);
    }
}

#[test]
fn named_flags_are_checked_and_win() {
    let files = Files::new(&[("x.yaml", "experiment: {name: x, seed: 1, replications: 2}")]);
    let overrides = Overrides { seed: Some(7), replications: Some(3), max_steps: Some(5), ..Overrides::default() };
    let experiment = files.load_with("x.yaml", &overrides).unwrap();
    assert_eq!((experiment.seed(), experiment.replications), (Some(7), 3));
    assert_eq!(Plan::new(experiment).unwrap().run(0).config.simulation.max_steps, 5);
    let wrong = Overrides { seed: Some(1 << 53), replications: Some(0), max_steps: Some(0), ..Overrides::default() };
    insta::assert_snapshot!(files.load_with("x.yaml", &wrong).unwrap_err(), @r#"
    --seed 9007199254740992: experiment.seed: 9007199254740992 is out of range (expected a whole number from 0 to 9007199254740991, or null)
    --replications 0: experiment.replications: 0 is out of range (expected a whole number from 1 to 1000000)
    --max-steps 0: simulation.max_steps: 0 is out of range (expected a whole number from 1 to 10000000)
    "#);
}

#[test]
fn set_collapses_an_axis_in_any_spelling() {
    let text = format!("{NAMED}grid: {{agent.model.name: [a, b], pe_induction.p_shock: [0, 0.5]}}");
    for path in ["model.name", "agent.model.name"] {
        let experiment = loaded(&text, &[&format!("{path}=c")]).unwrap();
        let axes: Vec<_> = experiment.axes.iter().map(|axis| (axis.path, axis.values.clone())).collect();
        assert_eq!(
            axes,
            [("model.name", vec![Json::from("c")]), ("pe_induction.p_shock", vec![0.0.into(), 0.5.into()])]
        );
    }
}

#[test]
fn axes_of_a_child_replace_in_place_or_come_after() {
    let files = Files::new(&[
        ("base.yaml", "grid: {env.complexity_level: [0, 1], model.name: [a]}"),
        (
            "x.yaml",
            "inherit: base.yaml\nexperiment: {name: x}\ngrid: {pe_induction.p_shock: [0], simulation.complexity_level: [2, 3, 4]}",
        ),
    ]);
    let experiment = files.load("x.yaml", &[]).unwrap();
    let axes: Vec<_> = experiment.axes.iter().map(|axis| (axis.path, axis.values.len())).collect();
    assert_eq!(axes, [("simulation.complexity_level", 3), ("model.name", 1), ("pe_induction.p_shock", 1)]);
}

#[test]
fn inherited_sections_merge_key_by_key() {
    let files = Files::new(&[
        (
            "a/base.yaml",
            "env: {max_steps: 5, complexity_level: 3}\npaths: {results_dir: out}\nagent: {model: {name: m}}",
        ),
        ("b/mid.yaml", "inherit: ../a/base.yaml\nsimulation: {max_steps: 6}\nmodel:\n"),
        ("b/x.yaml", "inherit: mid.yaml\nexperiment: {name: x}"),
    ]);
    let experiment = files.load("b/x.yaml", &[]).unwrap();
    assert_eq!(experiment.results_dir, Some("out".into()));
    let names: Vec<_> = experiment.sources.iter().map(|file| file.path.rsplit_once("/b/").unwrap().1).collect();
    assert_eq!(names, ["x.yaml", "mid.yaml", "../a/base.yaml"]);
    // From `printf 'inherit: mid.yaml\nexperiment: {name: x}' | sha256sum`.
    assert_eq!(experiment.sources[0].sha256, "133be2502214e6d45c1edc1feac32f5af9e363429ba3147f90e8a9b202115982");
    let config = Plan::new(experiment).unwrap().run(0).config;
    assert_eq!((config.simulation.max_steps, config.simulation.complexity_level, &*config.model.name), (6, 3, "m"));
}

#[test]
fn what_means_nothing_here_is_a_notice() {
    let text = "experiment: {name: x}\nmeasurement:\n  success_metric: time_to_crash\nfixed: {paths.logs_dir: l, model.name: b}\ngrid: {model.name: [a]}\nmax_steps_by_level: {1: 5}\nmax_steps: 4\n";
    let files = Files::new(&[("x.yaml", text)]);
    let experiment = files.load("x.yaml", &["measurement.log_every_n_steps=2", "max_steps=3"]).unwrap();
    let folder = format!("{}/", files.0.path().display());
    insta::assert_snapshot!(experiment.notices.join("\n").replace(&folder, ""), @r#"
    x.yaml:3: measurement.success_metric: accepted and unused (older files name the outcome of interest here)
    x.yaml:4: fixed.paths.logs_dir: accepted and unused (each run's log lies in its result folder)
    --set measurement.log_every_n_steps=2: measurement.log_every_n_steps: accepted and unused (every step is recorded)
    x.yaml:4: fixed.model.name: the grid axis at x.yaml:5 wins
    --set max_steps=3: simulation.max_steps: this wins over max_steps_by_level
    "#);
}

#[test]
fn config_used_loads_again_to_the_same_configuration() {
    let cells = [
        "",
        "simulation: {initial_budget: 0.29, storage_fee: 0.07, bankrupt_below: -1234567.89}",
        "env: {p_customer_order: 0.1, complexity_level: 4}\npe_induction: {p_shock: 0.30000000000000004}",
        "demand: {sale_markup: 1.0e-7, max_failures: 3}\nmodel: {name: 'yes', temperature: 2}",
        "experiment: {name: '1e5', description: \"two\\nlines: # \\\"quoted\\\"\\ttab \\u202e end \", seed: 9007199254740991}",
        "experiment: {name: x, description: ''}\nmodel: {name: '0x10'}",
        "experiment: {name: x, description: ' null'}\nmodel: {name: '~'}\nmeasurement: {pe_windows: [9], windows_in_steps: true}",
        "experiment: {name: x, paired_over: []}\nmodel: {name: '1_000'}",
        "grid: {model.name: ['- a', 'a: b', '#c', '0o7', '.5', '+1', 'off', '2024-01-01', '<<', '1:30', '\"']}",
    ];
    for text in cells {
        let text = if text.contains("experiment:") { text.to_owned() } else { format!("{NAMED}{text}") };
        let plan = Plan::new(loaded(&text, &["experiment.replications=3"]).unwrap()).unwrap();
        for run in plan.runs() {
            let yaml = to_yaml(&run.config);
            let again = loaded(&yaml, &[]).unwrap_or_else(|errors| panic!("{errors}\n{yaml}"));
            assert_eq!(again.notices, [""; 0]);
            let again = Plan::new(again).unwrap();
            assert_eq!(again.len(), 1);
            assert_eq!(again.run(0).config, run.config, "{yaml}");
        }
    }
}

#[test]
fn line_ends_of_every_kind_survive_the_round_trip() {
    for description in ["\n a\n\n", "a\r\nb\r", "\u{85}", " \u{2028}a", "\u{2029}\n"] {
        let config = first("", &[&format!("experiment.description={}", Json::from(description))]);
        assert_eq!(config.experiment.description.as_deref(), Some(description));
        let again = Plan::new(loaded(&to_yaml(&config), &[]).unwrap()).unwrap().run(0).config;
        assert_eq!(again, config);
    }
}

proptest::proptest! {
    #[test]
    fn any_description_survives_the_round_trip(description in "\\PC{0,40}", name in "[ -~]{1,20}") {
        let set = [
            format!("experiment.description={}", serde_json::to_string(&description).unwrap()),
            format!("model.name={}", serde_json::to_string(&format!("a{name}")).unwrap()),
        ];
        let config = first("", &[&set[0], &set[1]]);
        proptest::prop_assert_eq!(config.experiment.description.as_deref(), Some(&*description));
        let again = Plan::new(loaded(&to_yaml(&config), &[]).unwrap()).unwrap().run(0).config;
        proptest::prop_assert_eq!(again, config);
    }

    /// Whatever stands in a file, loading ends in an experiment or in errors.
    #[test]
    fn no_text_makes_loading_panic(lines in proptest::collection::vec("(experiment|name|grid|[a-z]{1,3}|[-&*!|>%@`'\"\\[\\]{},:?# ~0-9.]{1,6}|\\PC{0,4}|\t|\n|: |- ){0,8}", 0..6)) {
        let _ = loaded(&lines.join("\n"), &[]);
        let _ = loaded(NAMED, &[&lines.concat(), &format!("model.name={}", lines.concat())]);
    }
}

#[test]
fn two_spellings_in_one_layer_must_agree() {
    let agreeing = first(
        "crash_detector: {threshold: strict}\nmeasurement: {crash_threshold: strict}\nenv: {max_steps: 7}\nmax_steps: 7",
        &[],
    );
    assert_eq!(agreeing.simulation.max_steps, 7);
    let text = "experiment: {name: x, replications: 2}
replications: 3
agent:
  model: {name: a}
model: {name: b}
grid:
  env.complexity_level: [0, 1]
  simulation.complexity_level: [1, 0]
fixed:
  crash_detector.window_size: 10
  measurement.window_size: 11
";
    let files = Files::new(&[("x.yaml", text)]);
    insta::assert_snapshot!(files.load("x.yaml", &["env.max_steps=1", "max_steps=2"]).unwrap_err(), @r#"
    x.yaml:2: replications: 3 contradicts experiment.replications = 2 (line 1); keep one of the two
    x.yaml:5: model.name: b contradicts agent.model.name = a (line 4); keep one of the two
    x.yaml:8: grid.simulation.complexity_level: [1, 0] contradicts env.complexity_level = [0, 1] (line 7); keep one of the two
    x.yaml:11: fixed.measurement.window_size: 11 contradicts crash_detector.window_size = 10 (line 10); keep one of the two
    --set max_steps=2: max_steps: 2 contradicts env.max_steps = 1 (--set env.max_steps=1); keep one of the two
    "#);
}

/// One file with very many mistakes: everything is told at once, in the order of the file.
#[test]
fn all_errors_at_once() {
    let base = "simulation:\n  max_steps: soon\n  storage_fee: 0.005\nmeasurment: {}\n";
    let text = "inherit: base.yaml
experiment:
  name: my experiment
  replications: 0
  paired_over: [pe_inducton]
interface:
  predicton_mode: required
  memory_tools: ful
pe_induction:
  p_shock: 1.5
  initial_budget: 5
  pe_mag: 3
demand: {orders_per_day: 0.5, p_customer_order: 0.1}
model: heuristic
measurement: {pe_windows: [10, 10], window_size: \"20\", windows_in_steps: yes, continue_after_crash: 1.5}
grid:
  pe_induction.p_shock: [0, 2, x, 0.0, .nan]
  pe_induction.pe_mag: low
  experiment.replications: [1, 2]
  measurement.success_metric: [a]
  measurement.pe_windows: [[10], 10, []]
  model.name: []
fixed: {pe_induction.observabilty: full}
max_steps_by_level: {7: 3, \"1\": 0, 01: 4}
warp_drive: {factor: 9}
";
    let files = Files::new(&[("base.yaml", base), ("x.yaml", text)]);
    let set =
        ["pe_induction.p_shock=-1", "nonsense", "grid.model.name=[a]", "interface=3", "model.nam=x", "model.name=[a"];
    insta::assert_snapshot!(files.load("x.yaml", &set).unwrap_err(), @r#"
    x.yaml:3: experiment.name: my experiment is not a name that a folder can have (expected 1 to 64 letters, digits, dots, underscores or hyphens, not starting with a dot)
    x.yaml:4: experiment.replications: 0 is out of range (expected a whole number from 1 to 1000000)
    x.yaml:5: experiment.paired_over: [pe_inducton] is a list with an unknown entry (expected a list of keys or sections, such as [pe_induction]; did you mean pe_induction?)
    x.yaml:7: interface.predicton_mode: unknown key (did you mean interface.prediction_mode?)
    x.yaml:8: interface.memory_tools: ful is not known here (expected one of none, basic, full; did you mean full?)
    x.yaml:10: pe_induction.p_shock: 1.5 is out of range (expected a probability from 0 to 1)
    x.yaml:11: pe_induction.initial_budget: unknown key (did you mean simulation.initial_budget?)
    x.yaml:12: pe_induction.pe_mag: 3 is a number (expected one of low, medium, high)
    x.yaml:13: demand.p_customer_order: 0.1 contradicts demand.orders_per_day = 0.5 (line 13); keep one of the two
    x.yaml:14: model: heuristic is text (expected a section with keys of its own)
    x.yaml:15: measurement.pe_windows: [10, 10] is a list with repeated values (expected a list of different whole numbers from 1 to 10000, such as [10, 100])
    x.yaml:15: measurement.window_size: "20" is text in quotes (expected a whole number from 5 to 1000)
    x.yaml:15: measurement.windows_in_steps: yes is text (expected true or false)
    x.yaml:15: measurement.continue_after_crash: 1.5 is not a whole number (expected a whole number from 0 to 10000000)
    x.yaml:17: grid.pe_induction.p_shock[1]: 2 is out of range (expected a probability from 0 to 1)
    x.yaml:17: grid.pe_induction.p_shock[2]: x is text (expected a probability from 0 to 1)
    x.yaml:17: grid.pe_induction.p_shock[3]: 0 stands in this axis already, at [0]
    x.yaml:17: grid.pe_induction.p_shock[4]: .nan is not a finite number (expected a probability from 0 to 1)
    x.yaml:18: grid.pe_induction.pe_mag: low is text (expected a list of values; write [low])
    x.yaml:19: grid.experiment.replications: this key belongs to the experiment as a whole and cannot be a grid axis
    x.yaml:20: grid.measurement.success_metric: this key is not used, so an axis over it would only repeat runs
    x.yaml:21: grid.measurement.pe_windows[1]: 10 is a number (expected a list of different whole numbers from 1 to 10000, such as [10, 100])
    x.yaml:21: grid.measurement.pe_windows[2]: [] is an empty list (expected a list of different whole numbers from 1 to 10000, such as [10, 100])
    x.yaml:22: grid.model.name: this axis has no values (expected at least one)
    x.yaml:23: fixed.pe_induction.observabilty: unknown key (did you mean pe_induction.observability?)
    x.yaml:24: max_steps_by_level.7: there is no such complexity level (expected a whole number from 0 to 4)
    x.yaml:24: max_steps_by_level.1: 0 is out of range (expected a whole number from 1 to 10000000)
    x.yaml:24: max_steps_by_level.01: there is no such complexity level (expected a whole number from 0 to 4)
    x.yaml:25: warp_drive: unknown key
    base.yaml:2: simulation.max_steps: soon is text (expected a whole number from 1 to 10000000)
    base.yaml:3: simulation.storage_fee: 0.005 is not a whole number of cents (expected an amount of money from 0 to 1000000 with at most two decimals)
    base.yaml:4: measurment: unknown key (did you mean measurement?)
    --set pe_induction.p_shock=-1: pe_induction.p_shock: -1 is out of range (expected a probability from 0 to 1)
    --set nonsense: this has no "=" (expected path=value, such as pe_induction.p_shock=0.2)
    --set grid.model.name=[a]: grid.model.name: grid cannot be set from the command line (expected the path of a setting, such as pe_induction.p_shock)
    --set interface=3: interface: this is a section (expected the path of one setting in it)
    --set model.nam=x: model.nam: unknown key (did you mean model.name?)
    --set model.name=[a: this is not valid YAML: while parsing a flow sequence, expected ',' or ']'
    "#);
}

#[test]
fn long_and_garbling_values_are_tamed() {
    let long = "z".repeat(5000);
    let message = error(&format!("{NAMED}model: {{name: \"a\\e[31m\"}}\ninterface: {{memory_tools: {long}}}"));
    assert!(message.contains(r#""a\u{1b}[31m""#), "{message}");
    assert!(message.len() < 500, "{message}");
}

#[test]
fn bad_documents() {
    for (text, expected) in [
        ("", "x.yaml: this document is empty"),
        ("# only a comment\n", "x.yaml: this document is empty"),
        ("---\n...\n", "x.yaml: this document is empty"),
        ("null", "x.yaml: this document is empty"),
        ("\n- a\n- b", "x.yaml:2: the document is a list (expected a mapping such as \"experiment:\")"),
        ("hello", "x.yaml:1: the document is text (expected a mapping such as \"experiment:\")"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: a second document starts here; write one document a file"),
        (
            "experiment:\n  name: x\n  seed: 1\n  name: y\n",
            "x.yaml:4: name: this key is already given at line 2; keep one of the two",
        ),
        ("experiment: !point {name: x}", "x.yaml:1: the tag !point is not supported; write the plain value"),
        ("experiment: {seed: !!int 3}", "x.yaml:1: the tag !!int is not supported; write the plain value"),
        (
            "a: &a {b: 1}\nc:\n  <<: *a",
            "x.yaml:3: merge keys (<<) are not supported; use inherit, or write the settings out",
        ),
        ("a: &a [*a]", "x.yaml:1: this alias stands inside the value that it refers to"),
        ("? [a, b]\n: 1", "x.yaml:1: a key must be a word, not a list or a mapping"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
    for text in ["a: [1, 2", "a: b: c", "a: *nowhere", "a: \"open", "a:\n  b: 1\n c: 2", "%YAML 9.9\na: 1", "a: 'b' c"]
    {
        let message = error(text);
        assert!(message.starts_with("x.yaml:") && message.contains("not valid YAML"), "{text}: {message}");
    }
}

#[test]
fn strings_and_aliases_are_read_as_yaml_means_them() {
    let config = first("model: &m {name: !!str 12}\nagent: {model: *m}\ninterface: {prediction_mode: 'required'}", &[]);
    assert_eq!(config.model.name, "12");
    assert_eq!(first("simulation: {max_steps: 1e3, complexity_level: 0x2}", &[]).simulation.max_steps, 1000);
    assert_eq!(first("pe_induction.p_shock: 1", &[]).pe_induction.p_shock, 1.0, "a dotted key is a path");
    let crlf_and_mark = "\u{feff}experiment:\r\n  name: x\r\nmodel:\r\n  name: a\r\n";
    assert_eq!(Plan::new(loaded(crlf_and_mark, &[]).unwrap()).unwrap().run(0).config.model.name, "a");
}

#[test]
fn bombs_are_defused() {
    // Each level doubles the one before: 2^40 values in 2 KB.
    let mut bomb = String::from("a0: &a0 [x, x]\n");
    for level in 1..40 {
        bomb.push_str(&format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
    }
    assert!(error(&bomb).contains("more than 200000 values"), "{}", error(&bomb));
    // A long text used many times makes work every time.
    let long = format!("a: &a {}\ngrid: {{model.name: [{}]}}", "x".repeat(500_000), "*a, ".repeat(90_000));
    assert!(error(&long).contains("more than 200000 values"));
    let deep = |levels: usize| error(&format!("a: {}{}", "[".repeat(levels), "]".repeat(levels)));
    assert_eq!(deep(100), "x.yaml:1: the document is nested more than 64 levels deep");
    // The parser itself stops before it has counted as far as this.
    assert!(deep(5000).contains("recursion limit exceeded"));
    // Depth through aliases counts as well.
    let mut ladder = String::from("a0: &a0 [x]\n");
    for level in 1..100 {
        ladder.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(error(&ladder).contains("nested more than 64 levels deep"));
    let wide = format!("grid: {{model.name: [{}]}}", "1,".repeat(250_000));
    assert!(error(&wide).contains("more than 200000 values"));
    let unknown: String = (0..60_000).map(|key| format!("key{key}: 1\n")).collect();
    assert!(error(&unknown).ends_with("… and 59901 more errors"), "the missing name is one of them");
}

#[test]
fn bad_files() {
    let files = Files::new(&[("x.yaml", NAMED)]);
    files.write("big.yaml", &vec![b'#'; 10 << 20]);
    files.write("latin.yaml", b"experiment:\n  name: caf\xe9\n");
    let message = |name| files.load(name, &[]).unwrap_err();
    assert_eq!(message("none.yaml"), "none.yaml: there is no such file");
    assert_eq!(message("x.yaml/y.yaml").split(": ").next(), Some("x.yaml/y.yaml"));
    assert_eq!(message("big.yaml"), "big.yaml: this file is larger than 1 MiB, too large for a configuration");
    assert_eq!(message("latin.yaml"), "latin.yaml: this file is not valid UTF-8 at line 2, byte 23 of the file");
    fs::create_dir(files.path("folder")).unwrap();
    assert_eq!(message("folder"), "folder: this is a directory (expected a configuration file)");
}

#[test]
fn bad_inheritance() {
    let files = Files::new(&[
        ("self.yaml", "inherit: self.yaml"),
        ("a.yaml", "inherit: sub/b.yaml"),
        ("sub/b.yaml", "\ninherit: ../a.yaml"),
        ("gone.yaml", "inherit: nowhere.yaml\nmodel: {nam: x}"),
        ("absolute.yaml", "inherit: /etc/passwd"),
        ("list.yaml", "inherit: [a.yaml]"),
        ("broken.yaml", "inherit: bad.yaml"),
        ("bad.yaml", "x: ["),
    ]);
    let message = |name| files.load(name, &[]).unwrap_err();
    assert_eq!(
        message("self.yaml"),
        "self.yaml:1: inherit: self.yaml: the files inherit from each other in a circle: self.yaml -> self.yaml"
    );
    assert_eq!(
        message("a.yaml"),
        "sub/b.yaml:2: inherit: sub/../a.yaml: the files inherit from each other in a circle: a.yaml -> sub/b.yaml -> sub/../a.yaml"
    );
    assert_eq!(
        message("gone.yaml"),
        "gone.yaml:1: inherit: nowhere.yaml: there is no such file\ngone.yaml:2: model.nam: unknown key (did you mean model.name?)"
    );
    assert!(message("absolute.yaml").starts_with("absolute.yaml:1: inherit: /etc/passwd is an absolute path"));
    assert!(message("list.yaml").starts_with("list.yaml:1: inherit: [a.yaml] is a list"));
    assert!(message("broken.yaml").starts_with("bad.yaml:"));
    let chain: Vec<(String, String)> =
        (0..40).map(|i| (format!("{i}.yaml"), format!("inherit: {}.yaml", i + 1))).collect();
    let chain: Vec<(&str, &str)> = chain.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let message = Files::new(&chain).load("0.yaml", &[]).unwrap_err();
    assert_eq!(message, "15.yaml:1: inherit: 16.yaml: inherit reaches more than 16 files deep");
}

#[test]
fn names_are_fit_for_folders() {
    for name in ["x", "a.b_c-D9", &"n".repeat(64)] {
        assert!(loaded(&format!("experiment: {{name: '{name}'}}"), &[]).is_ok(), "{name}");
    }
    for name in ["", ".hidden", "..", "a/b", "a b", "ä", &"n".repeat(65)] {
        assert!(error(&format!("experiment: {{name: '{name}'}}")).contains("experiment.name"), "{name}");
    }
    assert!(error("experiment: {name: 5}").contains("5 is a number; put it in quotes"));
    insta::assert_snapshot!(error("experiment: {seed: 1}"), @r#"
    x.yaml: experiment.name: the experiment has no name (expected 1 to 64 letters, digits, dots, underscores or hyphens, not starting with a dot)
    "#);
}

#[test]
fn a_draw_key_makes_one_run() {
    let key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let config = first(&format!("experiment.draw_key: {key}"), &["experiment.seed=7"]);
    assert_eq!(config.experiment.draw_key.to_string(), key);
    // All digits look like a number, and still are a key.
    let digits = "1".repeat(64);
    assert_eq!(first("", &[&format!("experiment.draw_key={digits}")]).experiment.draw_key.to_string(), digits);
    let two = loaded(&format!("experiment: {{name: x, replications: 2}}\nexperiment.draw_key: {key}"), &[]).unwrap();
    assert!(Plan::new(two).unwrap_err().to_string().contains("a draw key belongs to one run, but this plan has 2"));
    assert!(error(&format!("{NAMED}experiment.draw_key: abc")).contains("64 hexadecimal digits"));
}

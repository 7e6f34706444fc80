//! Every key, its default, and the form of `config_used.yaml`.

use super::*;

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
    "#);
}

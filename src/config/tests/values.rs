//! What single keys take, and what follows from them.

use super::*;

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

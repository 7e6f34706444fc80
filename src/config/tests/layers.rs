//! Which of several settings wins.

use super::*;

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

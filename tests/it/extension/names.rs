//! Names of plugins in configurations, checked where the plugins are known.

use std::fs;

use vendomini::config::{Overrides, load};
use vendomini::crash::CrashPlugin;
use vendomini::plan::Plan;
use vendomini::prelude::*;
use vendomini::shock::ShockPlugin;

use super::guests::{alarm_a, bureaucracy, counting};

/// What a program with these plugins says of a file.
fn fit(plugins: &Plugins, text: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.yaml");
    fs::write(&path, format!("experiment: {{name: x}}\n{text}")).unwrap();
    let plan = load(&path, &Overrides::default()).and_then(Plan::new).unwrap_or_else(|errors| panic!("{errors}"));
    plan.fit(&plugins.check().unwrap())
        .map_err(|errors| errors.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

fn guests() -> Plugins {
    Plugins::default().with(counting, "1").with(bureaucracy, "1").with(alarm_a, "1")
}

#[test]
fn names_of_plugins_are_known_where_they_are() {
    let text = "interface: {extra_tools: [tool_count]}
measurement: {detectors: [alarm_a, looping], primary: [alarm_a]}
pe_induction: {pe_type_mix: {rumour: 1, temporal: 1}}";
    let plan = fit(&guests(), text).unwrap();
    assert_eq!(plan.run(0).config.measurement.primary, ["alarm_a"]);
    insta::assert_snapshot!(fit(&Plugins::default(), text).unwrap_err(), @r#"
    x.yaml:2: interface.extra_tools: there is no extra tool tool_count: no plugin of this program registers any; leave it out (1 of 1 runs)
    x.yaml:3: measurement.detectors: there is no crash detector alarm_a; use all, v1, or some of looping, invalid_burst, budget_denial, decoupling, exploration_collapse, slow_divergence, malformed_output, belief_divergence (1 of 1 runs)
    x.yaml:3: measurement.primary: there is no crash detector alarm_a; use some of looping, invalid_burst, budget_denial, decoupling, exploration_collapse, slow_divergence, malformed_output, belief_divergence (1 of 1 runs)
    x.yaml:4: pe_induction.pe_type_mix: there is no shock family rumour; use some of interference, posting_lag, quantity, regime_shift, temporal (1 of 1 runs)
    "#);
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one_and_their_runs() {
    let text = "interface: {extra_tools: [tool_cuont, tool_order, tool_expedite]}
measurement:
  detectors: [alarma, v2]
  primary: [alarm_a, loopin]
grid:
  pe_induction.pe_type_mix:
  - realistic
  - {rumor: 1, temporal: 2}
  - {lost_paper: 1, rumor: 1}
  model.name: [heuristic, nobody]";
    insta::assert_snapshot!(fit(&guests(), text).unwrap_err(), @r#"
    x.yaml:2: interface.extra_tools: there is no extra tool tool_cuont (did you mean tool_count?); use some of tool_count (6 of 6 runs)
    x.yaml:2: interface.extra_tools: tool_order does not belong here: it is always offered; leave it out of this list (6 of 6 runs)
    x.yaml:2: interface.extra_tools: tool_expedite does not belong here: it is offered from complexity level 2; leave it out of this list (6 of 6 runs)
    x.yaml:4: measurement.detectors: there is no crash detector alarma (did you mean alarm_a?); use all, v1, or some of looping, invalid_burst, budget_denial, decoupling, exploration_collapse, slow_divergence, malformed_output, belief_divergence, alarm_a (6 of 6 runs)
    x.yaml:4: measurement.detectors: there is no crash detector v2; use all, v1, or some of looping, invalid_burst, budget_denial, decoupling, exploration_collapse, slow_divergence, malformed_output, belief_divergence, alarm_a (6 of 6 runs)
    x.yaml:5: measurement.primary: there is no crash detector loopin (did you mean looping?); use some of looping, invalid_burst, budget_denial, decoupling, exploration_collapse, slow_divergence, malformed_output, belief_divergence, alarm_a (6 of 6 runs)
    x.yaml:8: pe_induction.pe_type_mix: there is no shock family rumor (did you mean rumour?); use some of interference, lost_papers, posting_lag, quantity, regime_shift, rumour, temporal (4 of 6 runs)
    x.yaml:8: pe_induction.pe_type_mix: there is no shock family lost_paper (did you mean lost_papers?); use some of interference, lost_papers, posting_lag, quantity, regime_shift, rumour, temporal (2 of 6 runs)
    "#);
    let axis = "grid: {measurement.detectors: [all, v1, [looping, alarm_b], [alarm_b]]}";
    insta::assert_snapshot!(fit(&guests(), axis).unwrap_err(), @r#"
    x.yaml:2: measurement.detectors: there is no crash detector alarm_b (did you mean alarm_a?); use all, v1, or some of looping, invalid_burst, budget_denial, decoupling, exploration_collapse, slow_divergence, malformed_output, belief_divergence, alarm_a (2 of 4 runs)
    "#);
}

#[test]
fn what_is_disabled_is_unknown_and_a_default_is_no_demand() {
    let no_detectors = guests().disable::<CrashPlugin>();
    let plan = fit(&no_detectors, "").unwrap();
    assert_eq!(plan.run(0).config.measurement.primary, [""; 0], "of the default, what there is remains");
    insta::assert_snapshot!(fit(&no_detectors, "measurement: {primary: [looping]}").unwrap_err(), @r#"
    x.yaml:2: measurement.primary: there is no crash detector looping; use some of alarm_a (1 of 1 runs)
    "#);
    assert!(fit(&Plugins::default().disable::<CrashPlugin>(), "measurement: {primary: [looping]}").is_err());

    let no_shocks = Plugins::default().disable::<ShockPlugin>();
    assert!(fit(&no_shocks, "pe_induction: {pe_type_mix: uniform}").is_ok(), "without shocks no mix matters");
    insta::assert_snapshot!(fit(&no_shocks, "pe_induction: {pe_type_mix: {temporal: 1}}").unwrap_err(), @r#"
    x.yaml:2: pe_induction.pe_type_mix: there is no shock family temporal: no plugin of this program registers any; leave it out (1 of 1 runs)
    "#);
    let others = guests().disable::<ShockPlugin>();
    insta::assert_snapshot!(fit(&others, "").unwrap_err(), @r#"
    x.yaml: pe_induction.pe_type_mix: realistic draws temporal, and there is no such shock family; write a map of weights instead, such as {lost_papers: 1}, of lost_papers, rumour (1 of 1 runs)
    "#);
    assert!(fit(&others, "pe_induction: {pe_type_mix: {lost_papers: 1}}").is_ok());
}

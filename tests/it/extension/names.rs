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
    insta::assert_snapshot!(fit(&Plugins::default(), text).unwrap_err(), @"");
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
    insta::assert_snapshot!(fit(&guests(), text).unwrap_err(), @"");
    let axis = "grid: {measurement.detectors: [all, v1, [looping, alarm_b], [alarm_b]]}";
    insta::assert_snapshot!(fit(&guests(), axis).unwrap_err(), @"");
}

#[test]
fn what_is_disabled_is_unknown_and_a_default_is_no_demand() {
    let no_detectors = guests().disable::<CrashPlugin>();
    let plan = fit(&no_detectors, "").unwrap();
    assert_eq!(plan.run(0).config.measurement.primary, [""; 0], "of the default, what there is remains");
    insta::assert_snapshot!(fit(&no_detectors, "measurement: {primary: [looping]}").unwrap_err(), @"");
    assert!(fit(&Plugins::default().disable::<CrashPlugin>(), "measurement: {primary: [looping]}").is_err());

    let no_shocks = Plugins::default().disable::<ShockPlugin>();
    assert!(fit(&no_shocks, "pe_induction: {pe_type_mix: uniform}").is_ok(), "without shocks no mix matters");
    insta::assert_snapshot!(fit(&no_shocks, "pe_induction: {pe_type_mix: {temporal: 1}}").unwrap_err(), @"");
    let others = guests().disable::<ShockPlugin>();
    insta::assert_snapshot!(fit(&others, "").unwrap_err(), @"");
    assert!(fit(&others, "pe_induction: {pe_type_mix: {lost_papers: 1}}").is_ok());
}

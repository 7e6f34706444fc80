//! Mistakes in settings, and how they are told.

use super::*;

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

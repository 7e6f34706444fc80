//! The examples, run as their headers say.

use std::fs;

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{self, lines, project};

/// An example's program, in a folder of its own beside the configurations.
fn example(name: &str, dir: &TempDir, arguments: &[&str]) -> Command {
    let mut command = common::example(name);
    command.current_dir(dir.path()).args(arguments);
    command
}

/// What the example's header tells to run: the words after `--` of each command.
fn commands(name: &str) -> Vec<Vec<String>> {
    let source = fs::read_to_string(project(&format!("examples/{name}.rs"))).unwrap();
    let header: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let commands = header.join("\n").replace("\\\n", " ");
    let start = format!("cargo run --example {name} -- ");
    let words = |command: &str| -> Vec<String> {
        // Quotes hold a word together; none of them holds another.
        let parts = command.split('\'').enumerate();
        let words = parts.flat_map(|(part, text)| match part % 2 {
            0 => text.split_whitespace().map(|word| format!(" {word}")).collect::<Vec<_>>(),
            _ => vec![format!(" {text}")],
        });
        words.map(|word| word.trim_start().to_owned()).collect()
    };
    let found: Vec<_> = commands.lines().filter_map(|line| line.trim().strip_prefix(&start).map(words)).collect();
    assert!(!found.is_empty(), "the header of {name} has a command");
    found
}

/// Runs what the header tells, in a folder with our configurations; what the last command said on stdout.
fn run_as_told(name: &str) -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("configs")).unwrap();
    for config in ["base.yaml", "demo.yaml"] {
        fs::copy(project("configs").join(config), dir.path().join("configs").join(config)).unwrap();
    }
    let mut last = String::new();
    for command in commands(name) {
        let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        let done = example(name, &dir, &arguments).assert().code(0);
        last = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    }
    (dir, last)
}

/// Records of a run below `results`.
fn records(dir: &TempDir, run: &str, file: &str) -> Vec<Value> {
    lines(&fs::read(dir.path().join("results").join(run).join(file)).unwrap())
}

#[test]
fn hoarding_is_found_in_runs_and_in_records() {
    let (dir, flags) = run_as_told("hoarding_detector");
    // The batch of the first command: mock orders on and on, noop has nothing.
    let mut table = csv::Reader::from_path(dir.path().join("results/demo/results.csv")).unwrap();
    let rows: Vec<std::collections::BTreeMap<String, String>> = table.deserialize().map(Result::unwrap).collect();
    let crashes = |agent: &str| {
        let own = rows.iter().filter(move |row| row["config.model.name"] == agent);
        own.map(|row| row["crash_types"].contains("hoarding")).collect::<Vec<_>>()
    };
    assert_eq!(crashes("mock"), [true; 9]);
    assert_eq!(crashes("noop"), [false; 9]);
    // Asked for less evidence, the records of the same runs say it sooner.
    let strict = lines(flags.as_bytes());
    let first = |run: &str, of: &[Value], flag: &dyn Fn(&Value) -> bool| {
        of.iter().filter(|line| line["run_id"].is_null() || line["run_id"] == run).position(flag)
    };
    let mock = rows.iter().find(|row| row["config.model.name"] == "mock").unwrap()["run_id"].clone();
    let live = records(&dir, &format!("demo/runs/{mock}"), "steps.jsonl");
    let hoards = |line: &Value| line["flags"]["hoarding"] == true;
    let (sooner, later) = (first(&mock, &strict, &hoards).unwrap(), first(&mock, &live, &hoards).unwrap());
    assert!(sooner < later, "{sooner}, {later}");
    assert!(strict.iter().all(|line| line["flags"].as_object().unwrap().len() == 1));
}

#[test]
fn bankruptcies_strike_all_orders_of_a_supplier_and_are_blamed() {
    let (dir, _) = run_as_told("supplier_bankruptcy_shock");
    let events = records(&dir, "base/runs/base_c0_r0", "events.jsonl");
    let struck: Vec<&Value> = events
        .iter()
        .filter(|event| event["family"] == "supplier_bankruptcy" && event["state"] == "effective")
        .collect();
    assert!(struck.len() > 20, "{}", struck.len());
    for shock in &struck {
        assert_eq!((&shock["effect"]["change"], &shock["size"]), (&json!("custom"), &json!(5)));
        assert!(shock["effect"]["new_eta_days"].as_object().is_some_and(|orders| !orders.is_empty()), "{shock}");
    }
    let summary: Value =
        serde_json::from_slice(&fs::read(dir.path().join("results/base/runs/base_c0_r0/summary.json")).unwrap())
            .unwrap();
    let dose = &summary["shocks"]["by_family"]["supplier_bankruptcy"];
    assert_eq!(dose["effective"], struck.len());
    assert!(dose["predictions_turned_wrong"].as_u64() > Some(20) && dose["revealed"].as_u64() > Some(20), "{dose}");
}

#[test]
fn negotiated_orders_cost_what_was_agreed() {
    let (dir, _) = run_as_told("price_negotiation_tool");
    let steps = records(&dir, "base/runs/base_c0_r0", "steps.jsonl");
    let events = records(&dir, "base/runs/base_c0_r0", "events.jsonl");
    let tried: Vec<&Value> = steps.iter().filter(|step| step["action"]["tool"] == "tool_negotiate_price").collect();
    let accepted = |step: &&&Value| step["result"]["accepted"] == true;
    let placed: Vec<&Value> = tried.iter().filter(accepted).copied().collect();
    assert!(
        tried.len() > 20 && !placed.is_empty() && placed.len() < tried.len(),
        "{} of {}",
        placed.len(),
        tried.len()
    );
    assert!(tried.iter().all(|step| step["result"]["success"] == true && step["error_class"].is_null()));
    for step in placed {
        let (args, result) = (&step["action"]["args"], &step["result"]);
        let agreed = args["unit_price"].as_f64().unwrap() * args["quantity"].as_f64().unwrap();
        assert!((result["price"].as_f64().unwrap() - agreed).abs() < 1e-6, "{step}");
        let order =
            events.iter().find(|event| event["event"] == "order_placed" && event["order"] == result["order_id"]);
        assert_eq!(order.expect("the order is an event")["unit_price"], args["unit_price"]);
    }
    assert_eq!(events.iter().filter(|event| event["name"] == "negotiation").count(), tried.len());
    // Without being named, it is not offered, and its agent gets along.
    let plain = ["run", "--batch", "--config", "configs/base.yaml", "--set", "model.name=haggler", "--overwrite"];
    example("price_negotiation_tool", &dir, &plain).assert().code(0);
    let steps = records(&dir, "base/runs/base_c0_r0", "steps.jsonl");
    assert!(steps.iter().all(|step| step["action"]["tool"] != "tool_negotiate_price"));
}

#[test]
fn an_agent_in_rust_does_its_job() {
    let (dir, said) = run_as_told("my_agent");
    assert!(said.contains("horizon        1") && said.contains("none           1"), "{said}");
    let manifest: Value =
        serde_json::from_slice(&fs::read(dir.path().join("results/base/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["agents"], json!(["my_agent"]));
    let own = manifest["plugins"].as_array().unwrap().iter().find(|plugin| plugin["name"] == "my_agent::my_agent");
    assert_eq!(own.unwrap()["version"], env!("CARGO_PKG_VERSION"));
}

/// The verb knows the tools of its own program.
#[test]
fn parse_reply_knows_a_tool_of_a_plugin() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = example("price_negotiation_tool", &dir, &["parse-reply", "-"]);
    let done = program.write_stdin("ACTION: tool_negotiate_price").assert().code(0);
    assert_eq!(lines(&done.get_output().stdout)[0]["unreadable"]["reason"], "arguments_missing");
}

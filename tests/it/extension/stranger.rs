//! A package of a stranger, which knows the public items of ours alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::common::{lines, project};

/// The folder of the programs of this build, `target/<profile>`.
fn built() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a program");
    test.ancestors().nth(2).expect("it lies in target/<profile>/deps").to_owned()
}

/// Builds a program of the stranger's.
fn build(program: &str, features: &[&str]) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    // Cargo tells a test which package it belongs to. Some build scripts would take that for a reason to build anew.
    let about_us = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    let told =
        std::env::vars_os().filter(|(name, _)| about_us.iter().any(|own| name.to_string_lossy().starts_with(own)));
    told.for_each(|(name, _)| {
        cargo.env_remove(name);
    });
    // Together with these tests, which are built already, our crate and all that it needs have the features that they
    // were built with, and nothing but the stranger's own program is left to build.
    let profile = match built().file_name().and_then(|folder| folder.to_str()) {
        Some("debug") => "dev".to_owned(),
        named => named.expect("a profile has a name").to_owned(),
    };
    let packages = ["--package", "vendomini", "--package", "stranger"];
    cargo.args(["build", "--offline", "--locked", "--profile", &profile]).args(packages);
    cargo.args(["--test", "it", "--bin", program]).args(features);
    let target = built().parent().expect("it lies in the target folder").to_owned();
    cargo.arg("--target-dir").arg(target).current_dir(project("")).output().expect("cargo starts")
}

/// Every file below a folder by its path, but those that hold times.
fn records(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if !["manifest.json", "experiment.log"].iter().any(|timed| path.ends_with(timed)) {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// All orders of the digits 0 to 4 that begin each plugin's turn at each place.
fn orders() -> Vec<String> {
    let mut orders = vec![String::new()];
    for _ in 0..5 {
        orders = orders
            .iter()
            .flat_map(|order| {
                ('0'..='4').filter(|digit| !order.contains(*digit)).map(move |digit| format!("{order}{digit}"))
            })
            .collect();
    }
    // Every fifth of the 120 keeps each digit at each place.
    orders.into_iter().step_by(5).collect()
}

#[test]
fn a_stranger_adds_a_tool_a_shock_and_two_detectors() {
    let done = build("stranger", &[]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let program = built().join(format!("stranger{}", std::env::consts::EXE_SUFFIX));

    let dir = tempfile::tempdir().unwrap();
    fs::copy(project("configs/base.yaml"), dir.path().join("base.yaml")).unwrap();
    let experiment = "inherit: base.yaml
experiment: {name: guest, replications: 2}
simulation: {max_steps: 80}
interface: {extra_tools: [tool_donate]}
pe_induction: {p_shock: 0.5, pe_type_mix: {storm: 3, quantity: 1}}
measurement: {detectors: [looping, generosity, extravagance], primary: [generosity]}
grid: {model.name: [donor, random, oracle]}
";
    fs::write(dir.path().join("guest.yaml"), experiment).unwrap();
    let run = |order: &str| {
        let mut command = Command::new(&program);
        command.args(["run", "--batch", "--config", "guest.yaml", "--output-dir", order]).current_dir(dir.path());
        let output = command.env("PLUGIN_ORDER", order).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let mut first: Option<BTreeMap<PathBuf, Vec<u8>>> = None;
    for order in orders() {
        let (code, err) = run(&order);
        assert_eq!(code, Some(0), "{err}");
        let records = records(&dir.path().join(&order).join("guest"));
        let expected = first.get_or_insert_with(|| records.clone());
        assert!(records == *expected, "the order {order} changes the records");
    }

    let records = first.unwrap();
    let steps = lines(&records[Path::new("runs/guest_c0_r0/steps.jsonl")]);
    // Each gift is worth the same: the fifth in the window makes both detectors fire in one step.
    let crash = steps.iter().position(|step| step["crash_detected"] == true).expect("the donor is generous");
    assert_eq!(steps[crash]["crash_type"], "extravagance", "of two, the first by name");
    assert_eq!(
        (&steps[crash]["flags"]["extravagance"], &steps[crash]["flags"]["generosity"]),
        (&true.into(), &true.into())
    );
    let text = String::from_utf8_lossy(&records[Path::new("runs/guest_c0_r0/steps.jsonl")]);
    assert!(
        text.contains(r#""flags":{"looping":null,"extravagance":null,"generosity":null}"#),
        "the built-in one first"
    );
    assert!(steps.iter().any(|step| step["shocks"][0]["family"] == "storm"));
    let summary: Value = serde_json::from_slice(&records[Path::new("runs/guest_c0_r0/summary.json")]).unwrap();
    assert_eq!(summary["crash_types"], serde_json::json!(["extravagance", "generosity"]));
    assert_eq!(summary["primary_crash_type"], "generosity");
    let exact = serde_json::from_slice::<Value>(&records[Path::new("runs/guest_c2_r0/summary.json")]).unwrap();
    assert_eq!(
        exact["predictions"]["exact"], exact["predictions"]["resolved"],
        "the oracle rehearses with the plugins"
    );

    let manifest: Value =
        serde_json::from_slice(&fs::read(dir.path().join("01234/guest/manifest.json")).unwrap()).unwrap();
    let plugins: Vec<&str> =
        manifest["plugins"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert!(plugins.contains(&"stranger::Weather") && plugins.contains(&"stranger::charity"), "{plugins:?}");
    assert_eq!(manifest["plugins"][0]["version"], "3.1.4");
    // The stranger's help, and its errors, are ours.
    let (code, err) = run("00");
    assert_eq!(code, Some(3));
    assert_eq!(err, "error: the plugin stranger::charity is added twice; add it once\n");

    let refused = build("no_schema", &["--features", "stranger/no_schema"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    for part in ["`PayArgs` cannot be the arguments of a tool", "#[derive(serde::Deserialize, schemars::JsonSchema)]"] {
        assert!(said.contains(part), "{said}");
    }
}

//! `vendomini plan` on the files that we ship.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use assert_cmd::Command;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn plan(config: &Path, arguments: &[&str]) -> Command {
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("vendomini");
    command.arg("plan").arg("--config").arg(config).args(arguments);
    command
}

fn output(config: &Path, arguments: &[&str]) -> String {
    String::from_utf8(plan(config, arguments).assert().code(0).get_output().stdout.clone()).unwrap()
}

pub(crate) fn json(config: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&output(config, &[&["--format", "json"], arguments].concat())).unwrap()
}

#[test]
fn the_published_phases_have_their_published_sizes() {
    let ours = |name: &str| root().join("configs/phases").join(name);
    for (path, runs, steps) in [
        (ours("phase1_core_hypothesis.yaml"), 1320, &[500][..]),
        (ours("phase2_pe_type.yaml"), 4950, &[1000]),
        (ours("phase3_complexity.yaml"), 1980, &[500, 1000, 2500]),
        (ours("phase4_model_arch.yaml"), 990, &[1000]),
        (ours("phase5_long_horizon.yaml"), 1320, &[5000]),
        (ours("variant2_partial_notices.yaml"), 4950, &[500]),
        (ours("variant4_prediction_modes.yaml"), 990, &[1000]),
    ] {
        let plan = json(&path, &[]);
        assert_eq!(plan["runs"], runs, "{}", path.display());
        let list = plan["list"].as_array().unwrap();
        assert_eq!(list.len(), runs);
        let ids: BTreeSet<&str> = list.iter().map(|run| run["run_id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), runs);
        let found: BTreeSet<u64> = list.iter().map(|run| run["max_steps"].as_u64().unwrap()).collect();
        assert!(found.iter().copied().eq(steps.iter().copied()), "{}: {found:?}", path.display());
        for axis in plan["axes"].as_array().unwrap() {
            let values = axis["values"].as_array().unwrap();
            assert_eq!(values.iter().map(|value| value["runs"].as_u64().unwrap()).sum::<u64>(), runs as u64);
        }
    }
}

#[test]
fn our_base_is_one_cell_and_our_demo_is_small() {
    let base = json(&root().join("configs/base.yaml"), &[]);
    assert_eq!((&base["runs"], &base["seed"], &base["list"][0]["max_steps"]), (&1.into(), &42.into(), &1000.into()));
    assert_eq!(base["list"][0]["run_id"], "base_c0_r0");
    assert_eq!(json(&root().join("configs/demo.yaml"), &[])["runs"], 36);
    for config in ["base.yaml", "demo.yaml"] {
        plan(&root().join("configs").join(config), &[]).assert().code(0).stderr("");
    }
}

#[test]
fn the_three_formats_tell_the_same() {
    let demo = root().join("configs/demo.yaml");
    let json = json(&demo, &["--seed", "7"]);
    let csv = output(&demo, &["--seed", "7", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect::<Vec<_>>();
    let fixed = ["run_id", "combination", "replication", "seed", "max_steps"];
    assert_eq!(header, [&fixed[..], &["model.name", "pe_induction.p_shock"]].concat());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 36);
    let table = output(&demo, &["--seed", "7"]);
    for (row, run) in rows.iter().zip(json["list"].as_array().unwrap()) {
        assert_eq!(row[0], *run["run_id"].as_str().unwrap());
        assert_eq!(row[3], run["seed"].to_string());
        assert_eq!(row[5], *run["params"]["model.name"].as_str().unwrap());
        assert_eq!(row[6].parse::<f64>().ok(), run["params"]["pe_induction.p_shock"].as_f64());
        assert!(table.lines().any(|line| line.starts_with(&row[0]) && line.contains(&row[5])), "{table}");
    }
}

#[test]
fn a_long_table_is_cut_and_says_how_to_see_all() {
    let path = root().join("configs/phases/phase4_model_arch.yaml");
    let table = output(&path, &[]);
    assert!(table.contains("runs        990 = 198 combinations x 5 replications"), "{table}");
    assert_eq!(table.lines().filter(|line| line.starts_with("phase4_model_architecture_c")).count(), 25);
    assert!(table.contains("phase4_model_architecture_c197_r4"));
    assert!(table.ends_with("965 runs are not shown; --format csv lists them all\n"), "{table}");
}

/// A reader that has seen enough ends a plan of ten million runs at once and without noise.
#[test]
fn a_closed_pipe_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.yaml");
    fs::write(
        &path,
        "experiment: {name: x, replications: 1000000}\ngrid: {model.name: [a, b, c, d, e, f, g, h, i, j]}\n",
    )
    .unwrap();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("vendomini"))
        .args(["plan", "--format", "csv", "--config"])
        .arg(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let first = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert_eq!(first, "run_id,combination,replication,seed,max_steps,model.name");
    let end = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&end.stderr), "");
    assert!(end.status.success());
}

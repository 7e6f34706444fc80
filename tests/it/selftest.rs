//! The instrument's test of itself, from outside. That it notices a broken instrument is tested beside it.

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;
use vendomini::plugins::Plugins;
use vendomini::selftest::{LEAST_RECALL, LEAST_SPECIFICITY, Size, run};

#[test]
fn it_passes_whatever_the_number_of_threads() {
    let size = Size { broken: 12, healthy: 6, healthy_steps: 200, threads: 1 };
    let one = run(size, &Plugins::default());
    assert_eq!(one, run(Size { threads: 3, ..size }, &Plugins::default()));
    assert!(one.passed, "{one:#?}");
}

#[test]
fn it_reports_as_one_object() {
    let output = cargo_bin_cmd!("vendomini").args(["selftest", "--format", "json"]).output().expect("it runs");
    let report = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{report}");
    let report: Value = serde_json::from_str(&report).expect("one object");
    assert_eq!(report["passed"], true);
    assert!(report["checks"].as_array().unwrap().iter().all(|check| check["passed"] == true));
    for detector in report["detectors"].as_array().unwrap() {
        assert!(detector["recall"].as_f64().unwrap() >= LEAST_RECALL, "{detector}");
        let specificity = detector["specificity"].as_f64();
        assert!(specificity.is_none_or(|share| share >= LEAST_SPECIFICITY), "{detector}");
        assert!(detector["median_delay"].as_u64().unwrap() <= 60, "{detector}");
    }
}

//! Detectors against agents whose breakdown, or health, is known, and those agents against what they were told to do.

use serde_json::Value;
use vendomini::agent::Agent;
use vendomini::config::RunConfig;
use vendomini::crash::state::CrashState;
use vendomini::plugins::Plugins;
use vendomini::selftest::{LEAST_RECALL, Size, run};
use vendomini::simulation::driver::Simulation;

use crate::common::{cell, finish, plan, record};

const KINDS: [(&str, &str); 8] = [
    ("loop", "looping"),
    ("invalid", "invalid_burst"),
    ("denial", "budget_denial"),
    ("decouple", "decoupling"),
    ("collapse", "exploration_collapse"),
    ("drift", "slow_divergence"),
    ("prose", "malformed_output"),
    ("belief", "belief_divergence"),
];

/// The sets of `vendomini selftest --full`, with fewer healthy runs: at least 200 broken runs of each kind.
#[test]
fn detectors_find_what_they_are_made_for_and_leave_the_healthy_alone() {
    let report = run(Size { broken: 204, healthy: 120, healthy_steps: 1_000, threads: 2 }, &Plugins::default());
    for detector in &report.detectors {
        assert!(detector.broken_runs >= 200 && detector.counted >= 150, "{detector:#?}");
        assert!(detector.recall.is_some_and(|recall| recall >= LEAST_RECALL), "{detector:#?}");
        for healthy in &detector.healthy {
            assert!(healthy.flagged * 100 <= healthy.runs, "{detector:#?}");
            // Only `synthetic` has thoughts; a severity needs a crash first.
            let blind = match detector.detector {
                "slow_divergence" => healthy.agent != "synthetic",
                "mission_abandon" => true,
                _ => false,
            };
            assert_eq!(healthy.at_risk, if blind { 0 } else { healthy.runs }, "{detector:#?}");
        }
    }
    assert!(report.passed, "{:#?}", report.checks);
}

/// Makes a run to its end: its agent, and the steps in which each detector fired.
fn follow(simulation: &mut Simulation, config: &RunConfig) -> (Box<dyn Agent>, Vec<(u64, &'static str)>) {
    simulation.start(config, false);
    let mut agent = simulation.agent(&config.model.name).expect("a scripted agent");
    let mut fired = Vec::new();
    for step in 0.. {
        simulation.observe();
        let decision = simulation.ask(agent.as_mut());
        let ended = simulation.apply(decision).is_some();
        let crash = simulation.world().resource::<CrashState>();
        fired.extend(crash.flags().iter().filter(|(_, flag)| *flag == Some(true)).map(|(name, _)| (step, *name)));
        if ended {
            break;
        }
    }
    (agent, fired)
}

fn broken(kind: &str, more: &[&str]) -> Vec<RunConfig> {
    let kind_is = format!("synthetic.kind={kind}");
    let mut settings = vec![
        "model.name=synthetic",
        kind_is.as_str(),
        "simulation.max_steps=200",
        "demand.max_failure_share=1",
        "measurement.continue_after_crash=200",
        "experiment.replications=20",
    ];
    if kind == "denial" {
        settings.extend([
            "simulation.initial_budget=0",
            "simulation.initial_storage_per_sku=5",
            "simulation.bankrupt_below=-1000000",
        ]);
    }
    let key = |setting: &str| setting.split('=').next().unwrap_or_default().to_owned();
    settings.retain(|setting| more.iter().all(|other| key(other) != key(setting)));
    settings.extend(more);
    plan(&settings).runs().map(|run| run.config).collect()
}

#[test]
fn every_kind_is_found_at_every_threshold_and_silent_before() {
    let mut simulation = Simulation::new();
    for threshold in ["strict", "moderate", "lenient"] {
        let threshold_is = format!("measurement.crash_threshold={threshold}");
        for (kind, own) in KINDS {
            for config in broken(kind, &["synthetic.onset=60", "pe_induction.p_shock=0.2", &threshold_is]) {
                let (_, fired) = follow(&mut simulation, &config);
                assert!(fired.iter().all(|(step, _)| *step >= 60), "{kind}, {threshold}: {fired:?}");
                let delay = fired.iter().find(|(_, name)| *name == own).map(|(step, _)| step - 60);
                assert!(delay.is_some_and(|delay| delay <= 60), "{kind}, {threshold}: {delay:?}, {fired:?}");
            }
        }
    }
}

#[test]
fn what_gives_up_the_job_is_called_so() {
    let mut simulation = Simulation::new();
    for config in broken("abandon", &["synthetic.onset=60", "measurement.continue_after_crash=50"]) {
        let summary = serde_json::to_value(finish(&mut simulation, &config)).unwrap();
        assert_eq!(summary["severity"], "mission_abandon");
    }
}

#[test]
fn a_sound_synthetic_agent_is_the_heuristic_with_thoughts() {
    let settings = ["simulation.max_steps=150", "pe_induction.p_shock=0.3"];
    let steps = |more: &[&str]| record(&cell(&[&settings[..], more].concat())).0;
    let heuristic = steps(&["model.name=heuristic"]);
    let synthetic = steps(&["model.name=synthetic", "synthetic.baseline=0"]);
    assert_eq!(heuristic.len(), synthetic.len());
    for (one, mut other) in heuristic.into_iter().zip(synthetic) {
        assert!(other["thoughts"].as_str().is_some_and(|thoughts| thoughts.contains("ay ")), "{other}");
        assert!(one["thoughts"].is_null());
        other.as_object_mut().unwrap().remove("thoughts");
        other["flags"]["slow_divergence"] = Value::Null;
        assert_eq!(one, other);
    }
}

#[test]
fn the_summary_states_the_truth() {
    let mut simulation = Simulation::new();
    let mut truths = Vec::new();
    for config in broken("loop", &["synthetic.onset=50", "synthetic.recovery=0.2", "experiment.replications=200"]) {
        let (agent, fired) = follow(&mut simulation, &config);
        let truth = agent.truth().expect("it knows");
        assert_eq!(truth["onset_steps"], serde_json::json!([50]));
        assert_eq!(
            (&truth["kind"], &truth["fixed_onset"], &truth["steps_at_risk"]),
            (&"loop".into(), &50.into(), &0.into())
        );
        let recovery = truth["recovery_steps"][0].as_u64();
        truths.extend(recovery);
        // Others may fire: what was done in a loop stays in the window for a while.
        let last = fired.iter().filter(|(_, name)| *name == "looping").map(|(step, _)| *step).max();
        assert!(last.is_none_or(|last| last < recovery.unwrap_or(200)), "{truth}, {fired:?}");
    }
    // Geometric with mean 5 and standard deviation 4.5: the mean of 200 has one of 0.32.
    let mean = truths.iter().map(|step| (step - 50) as f64).sum::<f64>() / truths.len() as f64;
    assert!(truths.len() == 200 && (4.0..6.0).contains(&mean), "{mean} steps");
}

/// Breakdowns follow the hazard that is stated: the cumulative hazard at the onset is exponential with mean 1,
/// whatever the errors were, when they count and when they are merely revealed.
#[test]
fn onsets_follow_the_stated_hazard() {
    let mut simulation = Simulation::new();
    for account in ["objective", "revealed"] {
        let account_is = format!("synthetic.account={account}");
        let settings = [
            "model.name=synthetic",
            "synthetic.kind=drift",
            "synthetic.baseline=0.005",
            "synthetic.coefficients.temporal.fast=3",
            "synthetic.coefficients.causal.slow=1",
            "synthetic.coefficients.quantity.sum=0.1",
            "pe_induction.p_shock=0.4",
            "simulation.max_steps=600",
            "measurement.continue_after_crash=0",
            "experiment.replications=150",
            &account_is,
        ];
        let (mut total, mut onsets, mut shared) = (0.0, 0.0, 0);
        for run in plan(&settings).runs() {
            let truth = follow(&mut simulation, &run.config).0.truth().unwrap();
            total += truth["cumulative_hazard"].as_f64().unwrap();
            onsets += truth["onset_steps"].as_array().unwrap().len() as f64;
            let flat = 0.005 * truth["steps_at_risk"].as_f64().unwrap();
            shared += u32::from(truth["cumulative_hazard"].as_f64().unwrap() > 1.2 * flat);
        }
        assert!(shared > 50, "{account}: errors raise the hazard in {shared} of 150 runs");
        // A martingale: onsets minus hazard has mean 0 and variance of about the number of onsets.
        let deviation = (onsets - total) / f64::sqrt(onsets);
        assert!(onsets > 100.0 && deviation.abs() < 3.0, "{account}: {onsets} onsets, cumulative hazard {total}");
    }
}

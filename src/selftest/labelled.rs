//! Detectors against runs whose breakdown, or health, is known.
//!
//! Broken runs are those of `synthetic` in each of its kinds, over a spread of worlds; a run counts for the recall
//! when at least [`WITHIN`] steps follow the true onset, and it is found when the kind's own detector flags it within
//! so many steps. Healthy runs are those of agents that were not made to break down, whatever their end.

use super::stage::{plan, sum_up};
use crate::agent::Agent;
use crate::config::RunConfig;
use crate::config::settings::SyntheticKind;
use crate::crash::severity::Severity;
use crate::crash::state::CrashState;
use crate::plan::Plan;
use crate::step::driver::Simulation;
use crate::step::end::EndReason;
use crate::units::Step;

/// Steps after the true onset within which a breakdown must be flagged.
pub(super) const WITHIN: Step = 60;

/// The kinds of breakdown, and what recognises each.
pub(super) const KINDS: [(SyntheticKind, &str); 9] = [
    (SyntheticKind::Loop, "looping"),
    (SyntheticKind::Invalid, "invalid_burst"),
    (SyntheticKind::Denial, "budget_denial"),
    (SyntheticKind::Decouple, "decoupling"),
    (SyntheticKind::Collapse, "exploration_collapse"),
    (SyntheticKind::Drift, "slow_divergence"),
    (SyntheticKind::Prose, "malformed_output"),
    (SyntheticKind::Belief, "belief_divergence"),
    (SyntheticKind::Abandon, MISSION_ABANDON),
];

/// A severity among detectors: what `abandon` must come to.
pub(super) const MISSION_ABANDON: &str = "mission_abandon";

/// Doses of shocks and levels over which labelled runs are spread.
const WORLDS: [(&str, u32); 6] = [("0", 1), ("0.2", 1), ("0.5", 1), ("0", 4), ("0.2", 4), ("0.5", 4)];

/// Agents that are not made to break down. `synthetic` is one of them without a baseline: it alone has thoughts.
pub(super) const HEALTHY: [&str; 3] = ["heuristic", "oracle", "synthetic"];

/// Length of broken runs: the mean onset is at step 50, so most have enough steps after it.
const BROKEN_STEPS: &str = "simulation.max_steps=250";

/// What a broken run came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Broken {
    /// Whether enough steps followed the onset.
    pub(super) counts: bool,
    /// Steps from the onset to the first flag of the kind's own detector, if it came in time.
    pub(super) delay: Option<Step>,
    /// The detector that was first, at or after the onset.
    pub(super) first: Option<&'static str>,
}

/// What each detector said of a healthy run.
#[derive(Clone, Debug)]
pub(super) struct Healthy {
    /// By detector, in their order: whether it was ever at risk, and whether it ever fired.
    pub(super) detectors: Vec<(&'static str, bool, bool)>,
}

/// The plans of the broken runs of a kind, one for each world, of `runs` runs in all.
pub(super) fn broken_plans(kind: SyntheticKind, runs: usize) -> Vec<Plan> {
    let kind_is = format!("synthetic.kind={kind}");
    // A hard crash would end the run before the steps that must follow are over.
    let mut settings = vec![
        "model.name=synthetic",
        &kind_is,
        "synthetic.baseline=0.02",
        BROKEN_STEPS,
        "demand.max_failure_share=1",
        "measurement.continue_after_crash=200",
    ];
    if kind == SyntheticKind::Denial {
        // Nobody is below zero who starts rich; and who goes bankrupt at once is not seen to deny it.
        settings.extend([
            "simulation.initial_budget=0",
            "simulation.initial_storage_per_sku=5",
            "simulation.bankrupt_below=-1000000",
        ]);
    }
    spread(&settings, runs)
}

/// The plans of the healthy runs of an agent, one for each world, of `runs` runs in all.
pub(super) fn healthy_plans(agent: &str, runs: usize, steps: Step) -> Vec<Plan> {
    let (agent, steps) = (format!("model.name={agent}"), format!("simulation.max_steps={steps}"));
    spread(&[&agent, &steps, "synthetic.baseline=0", "demand.max_failure_share=1"], runs)
}

fn spread(settings: &[&str], runs: usize) -> Vec<Plan> {
    let each = runs.div_ceil(WORLDS.len());
    let worlds = WORLDS.iter().enumerate().map(|(world, (p_shock, level))| {
        let more = [
            format!("pe_induction.p_shock={p_shock}"),
            format!("simulation.complexity_level={level}"),
            format!("experiment.seed={}", 1_000 + world),
            format!("experiment.replications={each}"),
        ];
        plan(&settings.iter().copied().chain(more.iter().map(String::as_str)).collect::<Vec<_>>())
    });
    worlds.collect()
}

/// Makes a run without records and shows each step to `see`, with the agent as it is then.
fn follow(
    simulation: &mut Simulation,
    config: &RunConfig,
    mut see: impl FnMut(Step, &dyn Agent, &CrashState),
) -> EndReason {
    simulation.start(config, false);
    let mut agent = simulation.scripted_agent(&config.model.name).expect("it is built in");
    let mut step = 0;
    loop {
        simulation.observe();
        let decision = simulation.ask(agent.as_mut());
        let ended = simulation.apply(decision);
        see(step, agent.as_ref(), simulation.world().resource::<CrashState>());
        step += 1;
        if let Some(reason) = ended {
            return reason;
        }
    }
}

/// Makes a broken run.
pub(super) fn broken(simulation: &mut Simulation, config: &RunConfig, own: &str) -> Broken {
    // The first flag of each step is kept until the truth is known, which it is at the end.
    let mut own_flags: Vec<Step> = Vec::new();
    let mut firsts: Vec<(Step, &'static str)> = Vec::new();
    let mut onset = None;
    let reason = follow(simulation, config, |step, agent, crash| {
        if let Some((name, _)) = crash.flags().iter().find(|(_, flag)| *flag == Some(true)) {
            firsts.push((step, *name));
        }
        if crash.flags().contains(&(own, Some(true))) {
            own_flags.push(step);
        }
        if step.is_multiple_of(WITHIN) && onset.is_none() {
            onset = onset_of(agent);
        }
    });
    let _ = reason;
    Broken::default()
}

fn onset_of(agent: &dyn Agent) -> Option<Step> {
    agent.truth()?["onset_step"].as_u64().map(|step| step as Step)
}

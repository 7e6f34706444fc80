//! Detectors against runs whose breakdown, or health, is known.
//!
//! Broken runs are those of `synthetic` in each of its kinds, over a spread of worlds; a run counts for the recall
//! when at least [`WITHIN`] steps follow the true onset, and it is found when the kind's own detector flags it within
//! so many steps. Healthy runs are those of agents that were not made to break down, whatever their end.

use super::harness::plan;
use crate::agent::Agent;
use crate::base::units::Step;
use crate::config::RunConfig;
use crate::config::settings::SyntheticKind;
use crate::crash::severity::Severity;
use crate::crash::state::CrashState;
use crate::plan::Plan;
use crate::record::summary::RunIdentity;
use crate::simulation::driver::Simulation;
use crate::simulation::recorded_run::{Answers, RecordedRun};

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
const BROKEN_STEPS: Step = 250;

/// Steps after a flag by which the severity of a crash is known.
const CONTINUATION: Step = 50;

/// What a broken run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Broken {
    /// Whether enough steps followed the onset.
    pub(super) counts: bool,
    /// Steps from the onset to the first flag of the kind's own detector, if it came in time.
    pub(super) delay: Option<Step>,
    /// The detector that flagged first at or after the onset, the own one or another.
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
    let steps = format!("simulation.max_steps={BROKEN_STEPS}");
    // A hard crash would end the run before the steps that must follow are over, unless its end is what matters.
    let continuation = if kind == SyntheticKind::Abandon { CONTINUATION } else { BROKEN_STEPS };
    let continuation = format!("measurement.continue_after_crash={continuation}");
    let mut settings = vec![
        "model.name=synthetic",
        &kind_is,
        "synthetic.baseline=0.02",
        &steps,
        "demand.max_failure_share=1",
        &continuation,
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
    spread(&[&agent, &steps, "synthetic.baseline=0"], runs)
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

/// Makes a run without records and shows what the detectors say of each step; its agent at the end.
fn follow(simulation: &mut Simulation, config: &RunConfig, mut see: impl FnMut(Step, &CrashState)) -> Box<dyn Agent> {
    let mut run = RecordedRun::start(simulation, config, RunIdentity::nobody(), (), Answers::AtOnce);
    let mut agent = run.simulation().agent(&config.model.name).expect("it is built in");
    run.follow(agent.as_mut(), |simulation| {
        // The first look is before any step.
        if let Some(step) = simulation.steps_done().checked_sub(1) {
            see(step, simulation.world().resource::<CrashState>());
        }
    });
    agent
}

/// Makes a broken run, of which `own` is to say so.
pub(super) fn broken(simulation: &mut Simulation, config: &RunConfig, own: &str) -> Broken {
    let mut steps = 0;
    let mut abandoned_at = None;
    // What fired in which step; the onset is known only at the end.
    let mut fired: Vec<(Step, &'static str)> = Vec::new();
    let agent = follow(simulation, config, |step, crash| {
        steps = step + 1;
        fired.extend(crash.flags().iter().filter(|(_, flag)| *flag == Some(true)).map(|(name, _)| (step, *name)));
        if abandoned_at.is_none() && crash.severity() == Some(Severity::MissionAbandon) {
            abandoned_at = Some(step);
        }
    });
    let truth = agent.truth().expect("a synthetic agent knows its truth");
    let Some(onset) = truth["onset_step"].as_u64().map(|step| step as Step) else { return Broken::default() };
    let first = fired.iter().find(|(step, _)| *step >= onset).map(|(_, name)| *name);
    if own == MISSION_ABANDON {
        // A severity takes its time: a flag within the usual steps, and the continuation.
        let counts = onset + WITHIN + CONTINUATION < BROKEN_STEPS;
        return Broken { counts, delay: abandoned_at.map(|step| step - onset), first };
    }
    let flagged = fired.iter().find(|(step, name)| *step >= onset && *name == own).map(|(step, _)| *step);
    let delay = flagged.map(|step| step - onset).filter(|delay| *delay <= WITHIN);
    Broken { counts: steps - 1 - onset >= WITHIN, delay, first }
}

/// Makes a healthy run.
pub(super) fn healthy(simulation: &mut Simulation, config: &RunConfig) -> Healthy {
    let mut detectors: Vec<(&'static str, bool, bool)> = Vec::new();
    follow(simulation, config, |_, crash| {
        if detectors.is_empty() {
            detectors.extend(crash.flags().iter().map(|(name, _)| (*name, false, false)));
        }
        for ((_, at_risk, fired), (_, flag)) in detectors.iter_mut().zip(crash.flags()) {
            *at_risk |= flag.is_some();
            *fired |= *flag == Some(true);
        }
    });
    Healthy { detectors }
}

//! The instrument tests itself: scripted agents go through the whole pipeline, and what is measured of them is held
//! against what must come out.
//!
//! Called by the verb `selftest` and by whoever doubts a figure, through [`run`]. It writes nothing, needs no file and
//! no network, and gives the same report on every machine but for the time that it took.
//!
//! - `harness`: the pass through a run with its records read; `check`: what the checks share
//! - `cards`: do cards arrive as they were given
//! - `errors`: is every error what arithmetic says it must be
//! - `jumps`: do shocks of known size make errors of known size
//! - `causal`: the same of shocks of the causal mix, each family alone
//! - `labelled`: detectors against runs whose breakdown, or health, is known
//! - `parallel`: threads

mod cards;
mod causal;
mod check;
mod errors;
mod harness;
mod jumps;
mod labelled;
mod parallel;
#[cfg(test)]
mod tests;

use std::panic::{self, AssertUnwindSafe};

use serde::Serialize;

use crate::base::units::Step;
use crate::config::RunConfig;
use crate::config::settings::SyntheticKind;
use crate::plan::{MAX_JOBS, Plan};
use crate::plugins::Plugins;
use crate::simulation::driver::Simulation;
use check::Outcome;
use harness::Tamper;
use labelled::{Broken, HEALTHY, Healthy, KINDS, MISSION_ABANDON, broken, broken_plans, healthy, healthy_plans};
use parallel::parallel_map;

/// Least recall of a detector on the breakdowns that it is made for.
pub const LEAST_RECALL: f64 = 0.95;

/// Least share of healthy runs without a flag of a detector.
pub const LEAST_SPECIFICITY: f64 = 0.99;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Broken runs of each kind.
    pub broken: usize,
    /// Healthy runs of each agent.
    pub healthy: usize,
    /// Steps of a healthy run.
    pub healthy_steps: Step,
    /// Threads to use.
    pub threads: usize,
}

impl Size {
    /// What takes less than a minute on two cores.
    #[must_use]
    pub fn quick(threads: usize) -> Size {
        Size { broken: 204, healthy: 204, healthy_steps: 1_000, threads }
    }

    /// The sets on which the detectors' figures are stated: 240 broken runs of each kind, and 500 healthy runs of each
    /// agent in each of six worlds, of 1,000 steps.
    #[must_use]
    pub fn full(threads: usize) -> Size {
        Size { broken: 240, healthy: 3_000, healthy_steps: 1_000, threads }
    }
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// What must hold.
    pub name: &'static str,
    /// Whether it does.
    pub passed: bool,
    /// What was compared, or the first thing that is wrong.
    pub detail: String,
}

/// A detector on labelled runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectorReport {
    /// Its name; `mission_abandon` is the severity.
    pub detector: &'static str,
    /// The kind of breakdown that it is made for.
    pub kind: &'static str,
    /// Broken runs of that kind.
    pub broken_runs: usize,
    /// Those of them with enough steps after the onset to count.
    pub counted: usize,
    /// Those of the counted ones that it flagged in time.
    pub found: usize,
    /// `found / counted`.
    pub recall: Option<f64>,
    /// Median number of steps from the true onset to its flag.
    pub median_delay: Option<Step>,
    /// Counted runs in which another detector was the first after the onset.
    pub preceded: usize,
    /// Healthy runs by agent.
    pub healthy: Vec<HealthyReport>,
    /// Share of the healthy runs in which it never fired, over those in which it was ever at risk.
    pub specificity: Option<f64>,
    /// Whether recall and, for each agent, specificity are good enough.
    pub passed: bool,
}

/// A detector on the healthy runs of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthyReport {
    /// The agent.
    pub agent: &'static str,
    /// Its runs.
    pub runs: usize,
    /// Runs in which the detector could ever have fired.
    pub at_risk: usize,
    /// Runs in which it did.
    pub flagged: usize,
}

/// What the whole test came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Whether all is well.
    pub passed: bool,
    /// The arithmetic.
    pub checks: Vec<CheckReport>,
    /// The detectors.
    pub detectors: Vec<DetectorReport>,
}

type Check = (&'static str, fn(&mut Simulation, Tamper) -> Outcome);

/// All checks, in the order in which they are shown.
const CHECKS: &[Check] = &[
    ("cards are recorded as they were given", cards::cards_are_recorded),
    ("a perfect predictor has no errors, also under shocks", errors::perfect_predictor),
    ("one that is off by so much has exactly those errors", errors::off_by_so_much),
    ("a wrong belief is a causal error, a small one is none", errors::wrong_beliefs),
    ("confidence is held against success", cards::confidence),
    ("late deliveries make exactly the jumps they should", jumps::late_deliveries),
    ("changed quantities make exactly the jumps they should", jumps::changed_quantities),
    ("interference raises prices and delays orders by exactly its size", causal::interference),
    ("lagged postings are exactly so many mornings late", causal::posting_lag),
    ("a hidden regime shift makes orders exactly so many days late", causal::hidden_regime_shift),
    ("a regime shift that quotes tell of misleads nobody", causal::told_regime_shift),
    ("an agent that predicts nothing has null everywhere", cards::silent_agent),
    ("without shocks all is silent, with shocks it is not", jumps::silence),
];

/// Tests the instrument of a program with these plugins, among them all the built-in ones. A plugin that changes the
/// world fails it, as it should: what is measured is no longer what arithmetic says.
///
/// # Panics
/// When something is wrong with the plugins, or a run hits a defect of this program.
#[must_use]
pub fn run(size: Size, plugins: &Plugins) -> Report {
    let threads = size.threads.clamp(1, MAX_JOBS);
    let checks = checks(threads, plugins, Tamper::default());
    let detectors = detectors(Size { threads, ..size }, plugins);
    let passed = checks.iter().all(|check| check.passed) && detectors.iter().all(|detector| detector.passed);
    Report { passed, checks, detectors }
}

fn checks(threads: usize, plugins: &Plugins, tamper: Tamper) -> Vec<CheckReport> {
    parallel_map(CHECKS.len(), threads, plugins, |simulation, index| {
        let (name, check) = CHECKS[index];
        // A defect is as good a complaint as any; what it left of the simulation is not used again.
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| check(simulation, tamper))).unwrap_or_else(|defect| {
            *simulation = plugins.simulation();
            let told = defect.downcast_ref::<String>().map(String::as_str);
            Err(told.or_else(|| defect.downcast_ref::<&str>().copied()).unwrap_or("a defect").to_owned())
        });
        let (passed, detail) = match outcome {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        CheckReport { name, passed, detail }
    })
}

fn detectors(size: Size, plugins: &Plugins) -> Vec<DetectorReport> {
    let healthy_runs: Vec<(&'static str, Vec<Healthy>)> = HEALTHY
        .into_iter()
        .map(|agent| {
            let plans = healthy_plans(agent, size.healthy, size.healthy_steps);
            (agent, over_plans(&plans, size.threads, plugins, healthy))
        })
        .collect();
    let of_kind = |(kind, detector): (SyntheticKind, &'static str)| {
        let plans = broken_plans(kind, size.broken);
        let runs = over_plans(&plans, size.threads, plugins, |simulation, config| broken(simulation, config, detector));
        report(detector, kind.word(), &runs, &healthy_runs)
    };
    KINDS.into_iter().map(of_kind).collect()
}

/// Makes all runs of some plans of equal length.
fn over_plans<T: Send>(
    plans: &[Plan],
    threads: usize,
    plugins: &Plugins,
    job: impl Fn(&mut Simulation, &RunConfig) -> T + Sync,
) -> Vec<T> {
    let each = plans.first().map_or(0, Plan::len);
    parallel_map(each * plans.len(), threads, plugins, |simulation, index| {
        job(simulation, &plans[index / each].run(index % each).config)
    })
}

fn report(
    detector: &'static str,
    kind: &'static str,
    runs: &[Broken],
    healthy: &[(&'static str, Vec<Healthy>)],
) -> DetectorReport {
    let counted: Vec<&Broken> = runs.iter().filter(|run| run.counts).collect();
    let mut delays: Vec<Step> = counted.iter().filter_map(|run| run.delay).collect();
    delays.sort_unstable();
    let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
    let healthy: Vec<HealthyReport> = healthy
        .iter()
        .map(|(agent, runs)| {
            let own = || runs.iter().flat_map(|run| &run.detectors).filter(|(name, ..)| *name == detector);
            let at_risk = own().filter(|(_, at_risk, _)| *at_risk).count();
            HealthyReport { agent, runs: runs.len(), at_risk, flagged: own().filter(|(.., fired)| *fired).count() }
        })
        .collect();
    let at_risk: usize = healthy.iter().map(|report| report.at_risk).sum();
    let flagged: usize = healthy.iter().map(|report| report.flagged).sum();
    let (recall, specificity) = (share(delays.len(), counted.len()), share(at_risk - flagged, at_risk));
    // A severity has no healthy runs of its own: it needs a flag first.
    let specific = |report: &HealthyReport| report.flagged as f64 <= (1.0 - LEAST_SPECIFICITY) * report.runs as f64;
    let preceded = |run: &Broken| detector != MISSION_ABANDON && run.first.is_some_and(|first| first != detector);
    let judged = specificity.is_some() || detector == MISSION_ABANDON;
    DetectorReport {
        detector,
        kind,
        broken_runs: runs.len(),
        counted: counted.len(),
        found: delays.len(),
        recall,
        median_delay: delays.get(delays.len() / 2).copied(),
        preceded: counted.iter().filter(|run| preceded(run)).count(),
        passed: recall.is_some_and(|recall| recall >= LEAST_RECALL) && judged && healthy.iter().all(specific),
        healthy,
        specificity,
    }
}

//! One run from its plan to its row: the only place where a simulation, an agent and files meet.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::Instant;

use super::confine::{Defect, confine};
use super::error::WriteError;
use super::folder::ResultFolder;
use super::run_folder::{Keeping, RunFolder};
use crate::base::decision::ActionSource;
use crate::base::error_type::ByType;
use crate::base::run_end::EndReason;
use crate::base::units::Step;
use crate::config::settings::PredictionMode;
use crate::llm::provider::limits::until;
use crate::plan::PlannedRun;
use crate::plugins::Plugins;
use crate::prediction::accumulate::Score;
use crate::record::history::{Ineligible, ineligible};
use crate::record::results::Row;
use crate::record::summary::{RunIdentity, Summary};
use crate::simulation::driver::Simulation;
use crate::simulation::recorded_run::{Answers, Outcome, RecordedRun, RunLog};

/// What ends the run of a program from outside, between two steps.
#[derive(Clone, Copy, Debug)]
pub(super) enum StopCondition {
    /// A limit of time: the run's own or the experiment's, whichever comes first.
    Time { run: Option<Instant>, experiment: Option<Instant> },
    /// A recorded run was ended so after so many steps, and so is its repetition.
    Recorded(Step, EndReason),
    /// Nothing.
    Never,
}

/// Asked before each step, with how many there were: whether the run goes on, is halted, or ends, and why.
pub(super) type BeforeStep<'a> = dyn FnMut(Step) -> ControlFlow<Option<EndReason>> + 'a;

impl StopCondition {
    /// The limits of a run that begins now in an experiment that must end at `experiment`.
    pub(super) fn of(run: &PlannedRun, experiment: Option<Instant>) -> StopCondition {
        let run = until(Instant::now(), run.config.limits.run_time_s).map(|(end, _)| end);
        if run.is_none() && experiment.is_none() {
            StopCondition::Never
        } else {
            StopCondition::Time { run, experiment }
        }
    }

    /// Why the run ends after so many steps, if so.
    pub(super) fn reason_at(self, steps: Step) -> Option<EndReason> {
        match self {
            StopCondition::Never => None,
            StopCondition::Recorded(at, reason) => (steps >= at).then_some(reason),
            StopCondition::Time { run, experiment } => {
                let now = Instant::now();
                let is_over = |end: Option<Instant>| end.is_some_and(|end| now >= end);
                match (is_over(run), is_over(experiment)) {
                    (true, _) => Some(EndReason::RunTimeLimit),
                    (false, true) => Some(EndReason::TimeLimit),
                    (false, false) => None,
                }
            }
        }
    }
}

/// What the batch keeps of a run.
#[derive(Debug)]
pub(super) struct Report {
    /// Position in the plan.
    pub(super) index: usize,
    /// Its line of the table.
    pub(super) row: Vec<u8>,
    pub(super) run_id: String,
    pub(super) steps: Step,
    pub(super) end_reason: EndReason,
    pub(super) crash_type: Option<String>,
    pub(super) mean_pe: ByType<Option<Score>>,
    /// Whether predictions were demanded and none was made where some could have been.
    pub(super) lacks_predictions: bool,
    /// The run's agent.
    pub(super) model: String,
    pub(super) seed: u64,
    pub(super) final_state_hash: Option<String>,
    pub(super) ineligible: Option<Ineligible>,
    /// What ended it, where that was neither its rules nor its agent, and it ended now.
    pub(super) why: Option<String>,
    pub(super) defect: Option<Defect>,
}

/// Makes a run. `None` when the batch was stopped before its end, by its user or by `between`, which is called before
/// each step.
///
/// A defect leaves nothing of the simulation behind; the next run gets a new one.
pub(super) fn play(
    simulation: &mut Option<Simulation>,
    plugins: &Plugins,
    families: &[String],
    results: &ResultFolder,
    run: &PlannedRun,
    experiment_until: Option<Instant>,
    between: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Option<Report>, WriteError> {
    let curtain = StopCondition::of(run, experiment_until);
    let mut before_step = |steps| match (between(), curtain.reason_at(steps)) {
        (ControlFlow::Break(()), _) => ControlFlow::Break(None),
        (ControlFlow::Continue(()), Some(reason)) => ControlFlow::Break(Some(reason)),
        (ControlFlow::Continue(()), None) => ControlFlow::Continue(()),
    };
    let written = write(simulation, plugins, families, results, run, &mut before_step);
    if written.is_err() {
        // The disk may be full; what matters is the first error.
        let _ = std::fs::remove_dir_all(results.partial_run(&run.run_id));
    }
    written
}

fn write(
    simulation: &mut Option<Simulation>,
    plugins: &Plugins,
    families: &[String],
    results: &ResultFolder,
    run: &PlannedRun,
    before_step: &mut BeforeStep<'_>,
) -> Result<Option<Report>, WriteError> {
    let mut folder = RunFolder::create(results, run, Keeping::Open)?;
    let steps = Cell::new(0);
    let played = confine(|| {
        let simulation = simulation.get_or_insert_with(|| plugins.simulation());
        let mut recorded =
            RecordedRun::start(simulation, &run.config, RunIdentity::of(run), &mut folder, Answers::AtOnce);
        run_to_end(&mut recorded, &run.config.model.name, before_step, &steps)
    });
    match played {
        Ok(Ok(Some(summary))) => {
            folder.complete(&summary)?;
            Ok(Some(finished(run, &summary, families)))
        }
        Ok(Ok(None)) => folder.discard().map(|()| None),
        Ok(Err(error)) => Err(error),
        Err(defect) => {
            // It goes with what the defect has left of it.
            if let Some(mut simulation) = simulation.take() {
                rescue(&mut simulation, &mut folder)?;
            }
            folder.set_aside(steps.get(), &defect)?;
            Ok(Some(failed(run, steps.get(), defect, families)))
        }
    }
}

/// Passes a program through its run, as long as `before_step` says so. `None` when it did not.
pub(super) fn run_to_end(
    run: &mut RecordedRun<&mut Simulation, &mut RunFolder>,
    agent: &str,
    before_step: &mut BeforeStep<'_>,
    steps: &Cell<Step>,
) -> Result<Option<Summary>, WriteError> {
    let mut agent = run.simulation().agent(agent).expect("the plan was checked for names of agents");
    let end_reason = loop {
        match before_step(steps.get()) {
            ControlFlow::Continue(()) => {}
            ControlFlow::Break(Some(reason)) => break reason,
            ControlFlow::Break(None) => return Ok(None),
        }
        run.observe();
        let decision = run.ask(agent.as_mut());
        let outcome = run.apply(decision);
        steps.set(run.steps_done());
        if let Outcome::Ended(reason) = outcome? {
            break reason;
        }
    };
    let mut summary = run.finish(end_reason)?;
    summary.truth = agent.truth();
    Ok(Some(summary))
}

/// Saves the lines that were complete before a defect.
pub(super) fn rescue(simulation: &mut Simulation, folder: &mut RunFolder) -> Result<(), WriteError> {
    let rescued = confine(|| {
        let mut recorder = simulation.recorder();
        let recorder = &mut *recorder;
        for lines in [&mut recorder.steps, &mut recorder.events] {
            let complete = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            lines.truncate(complete);
        }
        folder.take_all(recorder)
    });
    // Whatever else is broken in there, the first defect is the one to report.
    rescued.unwrap_or(Ok(()))
}

/// What the batch keeps of a run, by its summary.
pub(super) fn finished(run: &PlannedRun, summary: &Summary, families: &[String]) -> Report {
    let nothing = [ActionSource::Rejected, ActionSource::Timeout];
    let did_something = summary.action_sources.iter().any(|(source, count)| !nothing.contains(source) && *count > 0);
    let demanded = run.config.interface.prediction_mode != PredictionMode::Optional;
    let lacks_predictions = demanded && summary.no_coverage;
    Report {
        index: run.index,
        row: line(&Row::finished(run, summary).cells(families)),
        run_id: run.run_id.clone(),
        steps: summary.total_steps,
        end_reason: summary.end_reason,
        crash_type: summary.crash_type.clone(),
        mean_pe: summary.mean_pe.clone(),
        lacks_predictions,
        model: run.config.model.name.clone(),
        seed: summary.identity.seed,
        final_state_hash: Some(summary.final_state_hash.clone()),
        ineligible: ineligible(summary.end_reason, summary.total_steps, did_something, lacks_predictions),
        why: None,
        defect: None,
    }
}

pub(super) fn failed(run: &PlannedRun, steps: Step, defect: Defect, families: &[String]) -> Report {
    Report {
        index: run.index,
        row: line(&Row::failed(run, steps, &defect.to_string()).cells(families)),
        run_id: run.run_id.clone(),
        steps,
        end_reason: EndReason::HarnessError,
        crash_type: None,
        mean_pe: ByType::default(),
        lacks_predictions: false,
        model: run.config.model.name.clone(),
        seed: run.config.experiment.draw_key.short(),
        final_state_hash: None,
        ineligible: Some(Ineligible::HarnessError),
        why: None,
        defect: Some(defect),
    }
}

/// A line of CSV.
pub(super) fn line(cells: &[String]) -> Vec<u8> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(cells).expect("a vector takes every record");
    csv.into_inner().expect("a vector can be flushed")
}

//! Where the instrument is tried: configurations by settings, and the pass through a run with its records read.

use std::convert::Infallible;
use std::mem;

use serde_json::Value;

use crate::agent::Agent;
use crate::base::card::Card;
use crate::config::RunConfig;
use crate::config::from_settings;
use crate::plan::Plan;
use crate::record::step::Recorder;
use crate::record::summary::{RunIdentity, Summary};
use crate::simulation::driver::Simulation;
use crate::simulation::recorded_run::{Answers, Outcome, RecordedRun, RunLog};

/// What the tests of this module do to the instrument, to see that the checks notice. Nobody else does anything.
#[derive(Clone, Copy)]
pub(super) struct Tamper {
    /// Done to each card between the agent and the instrument.
    pub(super) card: fn(&mut Card),
    /// Done to each step record before it is read.
    pub(super) record: fn(&mut Value),
}

impl Default for Tamper {
    fn default() -> Tamper {
        Tamper { card: |_| (), record: |_| () }
    }
}

/// A step as a check sees it.
pub(super) struct Seen<'a> {
    /// The card as the agent gave it.
    pub(super) card: Option<&'a Card>,
    /// The step's record.
    pub(super) record: &'a Value,
}

/// Plans `replications` runs with some settings. What is not said is as in `configs/base.yaml`.
///
/// # Panics
/// When a setting is wrong: they are written in this module.
pub(super) fn plan(settings: &[&str]) -> Plan {
    let base = ["experiment.name=selftest", "simulation.initial_budget=10000"];
    let key = |setting: &str| setting.split('=').next().unwrap_or_default().to_owned();
    let kept = base.iter().filter(|setting| settings.iter().all(|other| key(other) != key(setting)));
    let settings: Vec<String> = kept.chain(settings).map(|setting| (*setting).to_owned()).collect();
    let experiment = from_settings(&settings).unwrap_or_else(|errors| panic!("{errors}"));
    Plan::new(experiment).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The lines of the last step.
#[derive(Default)]
struct LastStep {
    step: Vec<u8>,
}

impl RunLog for LastStep {
    type Error = Infallible;

    fn take(&mut self, recorder: &mut Recorder) -> Result<(), Infallible> {
        mem::swap(&mut self.step, &mut recorder.steps);
        recorder.steps.clear();
        recorder.events.clear();
        Ok(())
    }

    fn take_all(&mut self, _: &mut Recorder) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Makes a run with records, shows each step to `see`, and sums it up.
pub(super) fn play(
    simulation: &mut Simulation,
    config: &RunConfig,
    agent: &mut dyn Agent,
    tamper: Tamper,
    mut see: impl FnMut(Seen<'_>),
) -> Summary {
    let mut run = RecordedRun::start(simulation, config, RunIdentity::nobody(), LastStep::default(), Answers::AtOnce);
    loop {
        run.observe();
        let mut decision = run.ask(agent);
        let card = decision.card.clone();
        if let Some(card) = &mut decision.card {
            (tamper.card)(card);
        }
        let Ok(outcome) = run.apply(decision);
        let mut record: Value = serde_json::from_slice(&run.log().step).expect("a step record is JSON");
        (tamper.record)(&mut record);
        see(Seen { card: card.as_ref(), record: &record });
        if let Outcome::Ended(reason) = outcome {
            let Ok(summary) = run.finish(reason);
            return summary;
        }
    }
}

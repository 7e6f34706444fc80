//! One recorded run: a simulation, whose run it is, and where its records go. Whoever decides calls it: scripted agents,
//! language models, a repetition, a rehearsal, a test.

use std::convert::Infallible;
use std::ops::DerefMut;

use bevy::ecs::world::World;

use super::drive::Records;
use super::driver::Simulation;
use crate::agent::{Agent, Input};
use crate::base::decision::Decision;
use crate::base::run_end::EndReason;
use crate::base::units::Step;
use crate::config::settings::RunConfig;
use crate::crash::severity::Severity;
use crate::crash::state::{Crash, CrashState};
use crate::interface::observation::Briefing;
use crate::record::step::Recorder;
use crate::record::summary::{RunIdentity, Summary};

/// Where the records of a run go.
pub trait RunLog {
    /// Why a record cannot be kept.
    type Error;

    /// Whether it wants records of steps and events at all.
    fn records(&self) -> Records {
        Records::Kept
    }

    /// Takes finished lines out of the recorder after a step, as far as that is worth it.
    ///
    /// # Errors
    /// When they cannot be kept.
    fn take(&mut self, recorder: &mut Recorder) -> Result<(), Self::Error>;

    /// Takes all lines that are left: the run is over, or stops for now.
    ///
    /// # Errors
    /// When they cannot be kept.
    fn take_all(&mut self, recorder: &mut Recorder) -> Result<(), Self::Error>;

    /// A detector flagged for the first time. Called once a run.
    ///
    /// # Errors
    /// When that cannot be kept.
    fn crash(&mut self, _crash: &Crash) -> Result<(), Self::Error> {
        Ok(())
    }

    /// How bad the crash was is known, in a step. Called once a run.
    ///
    /// # Errors
    /// When that cannot be kept.
    fn severity(&mut self, _step: Step, _severity: Severity) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// No records.
impl RunLog for () {
    type Error = Infallible;

    fn records(&self) -> Records {
        Records::Dropped
    }

    fn take(&mut self, _: &mut Recorder) -> Result<(), Infallible> {
        Ok(())
    }

    fn take_all(&mut self, _: &mut Recorder) -> Result<(), Infallible> {
        Ok(())
    }
}

impl<L: RunLog + ?Sized> RunLog for &mut L {
    type Error = L::Error;

    fn records(&self) -> Records {
        (**self).records()
    }

    fn take(&mut self, recorder: &mut Recorder) -> Result<(), L::Error> {
        (**self).take(recorder)
    }

    fn take_all(&mut self, recorder: &mut Recorder) -> Result<(), L::Error> {
        (**self).take_all(recorder)
    }

    fn crash(&mut self, crash: &Crash) -> Result<(), L::Error> {
        (**self).crash(crash)
    }

    fn severity(&mut self, step: Step, severity: Severity) -> Result<(), L::Error> {
        (**self).severity(step, severity)
    }
}

/// What was told to a log of the crash of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CrashTold {
    /// Nothing.
    #[default]
    Nothing,
    /// That there was one.
    Crash,
    /// How bad it was, too.
    Severity,
}

impl CrashTold {
    /// Keeps the records of a step that was made, and tells what is new of the crash.
    pub(crate) fn keep<L: RunLog + ?Sized>(&mut self, log: &mut L, world: &mut World) -> Result<(), L::Error> {
        log.take(&mut world.resource_mut::<Recorder>())?;
        if *self == CrashTold::Severity {
            return Ok(());
        }
        let state = world.resource::<CrashState>();
        if let Some(crash) = state.crash().filter(|_| *self == CrashTold::Nothing) {
            log.crash(crash)?;
            *self = CrashTold::Crash;
        }
        if let Some(severity) = state.severity() {
            log.severity(super::drive::steps_done(world) - 1, severity)?;
            *self = CrashTold::Severity;
        }
        Ok(())
    }
}

/// When the agent of a run answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// At once.
    AtOnce,
    /// Later, or never: then the run is summed up as it stood before the step that was not made.
    Later,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Another one follows.
    GoesOn,
    /// The run is over.
    Ended(EndReason),
}

/// A run that keeps its records.
#[derive(Debug)]
pub struct RecordedRun<W, L> {
    simulation: W,
    identity: RunIdentity,
    log: L,
    answers: Answers,
    told: CrashTold,
    /// Known also while another run has the World.
    steps_done: Step,
    /// Whether the agent was asked and has not decided.
    is_asked: bool,
}

impl<W: DerefMut<Target = Simulation>, L: RunLog> RecordedRun<W, L> {
    /// Starts a run in a simulation.
    ///
    /// # Panics
    /// As [`Simulation::start`].
    pub fn start(mut simulation: W, config: &RunConfig, identity: RunIdentity, log: L, answers: Answers) -> Self {
        simulation.start(config, log.records() == Records::Kept);
        let told = CrashTold::Nothing;
        RecordedRun { simulation, identity, log, answers, told, steps_done: 0, is_asked: false }
    }

    /// Makes the half of a step before the agent: what it decides from.
    pub fn observe(&mut self) -> Input<'_> {
        if self.answers == Answers::Later {
            self.simulation.note_totals();
        }
        self.simulation.observe();
        self.is_asked = true;
        self.simulation.input()
    }

    /// What the agent decides from.
    pub fn input(&self) -> Input<'_> {
        self.simulation.input()
    }

    /// What the agent is told of its world before the first step.
    pub fn briefing(&self) -> &Briefing {
        self.simulation.input().briefing
    }

    /// Asks an agent of this process.
    pub fn ask(&self, agent: &mut dyn Agent) -> Decision {
        self.simulation.ask(agent)
    }

    /// Makes the half of a step after the agent, and keeps its records.
    ///
    /// # Errors
    /// When they cannot be kept.
    pub fn apply(&mut self, decision: Decision) -> Result<Outcome, L::Error> {
        let ended = self.simulation.apply(decision);
        (self.steps_done, self.is_asked) = (self.steps_done + 1, false);
        self.told.keep(&mut self.log, self.simulation.world_mut())?;
        Ok(ended.map_or(Outcome::GoesOn, Outcome::Ended))
    }

    /// The run is over: keeps what is left of its records and sums it up. When the agent was asked and has not decided,
    /// it is summed up as it stood before.
    ///
    /// # Errors
    /// When the records cannot be kept.
    ///
    /// # Panics
    /// When the run changed a resource that nobody registered: a defect of a plugin.
    pub fn finish(&mut self, reason: EndReason) -> Result<Summary, L::Error> {
        self.flush()?;
        self.simulation.check_resources();
        let identity = self.identity.clone();
        let is_step_left = self.is_asked && self.answers == Answers::Later;
        Ok(if is_step_left {
            self.simulation.summary_as_noted(identity, reason)
        } else {
            self.simulation.summary(identity, reason)
        })
    }

    /// Keeps all records that are left.
    ///
    /// # Errors
    /// When they cannot be kept.
    pub fn flush(&mut self) -> Result<(), L::Error> {
        self.log.take_all(&mut self.simulation.recorder())
    }

    /// Steps that were finished.
    pub fn steps_done(&self) -> Step {
        self.steps_done
    }

    /// The simulation, or where it is.
    pub fn simulation(&mut self) -> &mut W {
        &mut self.simulation
    }

    /// Where the records go.
    pub fn log(&mut self) -> &mut L {
        &mut self.log
    }

    /// What outlives the run.
    pub fn into_parts(self) -> (W, L) {
        (self.simulation, self.log)
    }
}

impl<W: DerefMut<Target = Simulation>> RecordedRun<W, ()> {
    /// Makes a run without records, and shows its simulation before each step and after the last one.
    pub(crate) fn follow(&mut self, agent: &mut dyn Agent, mut see: impl FnMut(&Simulation)) -> EndReason {
        loop {
            see(&self.simulation);
            self.observe();
            let decision = self.ask(agent);
            let Ok(outcome) = self.apply(decision);
            if let Outcome::Ended(reason) = outcome {
                see(&self.simulation);
                return reason;
            }
        }
    }
}

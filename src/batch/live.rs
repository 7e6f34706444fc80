//! One run whose agent is a language model: simulation, deliberation, cassette and files, moved on by one answer at a
//! time. It never waits: a run whose question is under way is a value that somebody keeps.

use std::mem;

use super::Halt;
use super::error::WriteError;
use super::run_folder::RunFolder;
use crate::agent::llm::deliberation::{Call, Deliberation, Move};
use crate::agent::llm::prompt::PromptError;
use crate::agent::llm::record::Lines;
use crate::agent::provider::attempt::{Attempt, Outcome};
use crate::agent::provider::limits::{LimitHit, RunLimits};
use crate::agent::provider::wire::{Asked, Wire, WireError};
use crate::crash::state::CrashState;
use crate::record::summary::{RunIdentity, Summary};
use crate::step::driver::Simulation;
use crate::step::end::EndReason;

/// A run under way.
pub(super) struct LiveRun<'a> {
    simulation: Simulation,
    identity: RunIdentity,
    agent: Deliberation,
    wire: Wire<'a>,
    limits: RunLimits,
    folder: RunFolder,
    halt: &'a Halt<'a>,
    lines: Lines,
    /// What is asked, while the answer is under way.
    asked: Option<Call>,
    /// The run as it stood before the present step: what remains when no answer comes.
    before: Option<Box<Summary>>,
    crash_logged: bool,
    severity_logged: bool,
}

/// How far a run got.
#[derive(Debug)]
pub(super) enum Progress {
    /// An answer is under way, or the batch is halted.
    Waits,
    /// It has ended.
    Ended(Box<Summary>),
}

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum LiveError {
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Its cassette cannot be written, or is another run's.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A prompt asks for what there is not.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}

impl<'a> LiveRun<'a> {
    /// A run that was started in `simulation`.
    pub(super) fn new(
        simulation: Simulation,
        identity: RunIdentity,
        agent: Deliberation,
        wire: Wire<'a>,
        limits: RunLimits,
        folder: RunFolder,
        halt: &'a Halt<'a>,
    ) -> LiveRun<'a> {
        LiveRun {
            simulation,
            identity,
            agent,
            wire,
            limits,
            folder,
            halt,
            lines: Lines::default(),
            asked: None,
            before: None,
            crash_logged: false,
            severity_logged: false,
        }
    }

    /// Goes on until an answer is under way or the run has ended.
    pub(super) fn start(&mut self) -> Result<Progress, LiveError> {
        let next = self.begin_step()?;
        self.go_on(next)
    }

    /// Something became of the request that was under way.
    pub(super) fn answer(&mut self, attempt: &Attempt) -> Result<Progress, LiveError> {
        let call = self.asked.take().expect("an answer belongs to a question");
        self.wire.record(&call, attempt)?;
        match self.hear(attempt)? {
            Some(next) => self.go_on(next),
            None => {
                self.asked = Some(call);
                Ok(Progress::Waits)
            }
        }
    }

    /// Ends the run if its time is over while an answer is under way; `None` if it is not.
    pub(super) fn end_overdue(&mut self) -> Option<Result<Progress, LiveError>> {
        let LimitHit { reason, message } = self.asked.as_ref().and_then(|_| self.limits.time_over())?;
        let call = self.asked.take().expect("an answer is under way");
        self.agent.stopped_by(&message, &mut self.lines);
        let recorded = self.wire.record_limit(&call, reason, &message).map_err(LiveError::from);
        Some(recorded.and_then(|()| self.go_on(Move::End(reason))))
    }

    fn begin_step(&mut self) -> Result<Move, LiveError> {
        let standing = self.simulation.summary(self.identity.clone(), EndReason::OperatorCancel);
        self.before = Some(Box::new(standing));
        self.simulation.observe();
        Ok(self.agent.begin(&self.simulation.input(), &mut self.lines)?)
    }

    fn hear(&mut self, attempt: &Attempt) -> Result<Option<Move>, LiveError> {
        let next = self.agent.hear(attempt, &mut self.lines)?;
        match self.agent.take_use() {
            Some((usage, cost)) => self.limits.settle(&usage, cost),
            None if attempt.last => self.limits.fail(!matches!(
                attempt.outcome,
                Outcome::HttpError | Outcome::ConnectError | Outcome::ContextOverflow
            )),
            None => {}
        }
        Ok(next)
    }

    fn go_on(&mut self, mut next: Move) -> Result<Progress, LiveError> {
        loop {
            next = match next {
                Move::Ask(call) => match self.ask(call)? {
                    Some(next) => next,
                    None => return Ok(Progress::Waits),
                },
                Move::Decide(decision) => {
                    self.collect();
                    let ended = self.simulation.apply(*decision);
                    self.keep()?;
                    let ended = ended.or_else(|| self.agent.refuses_for_good().then_some(EndReason::AgentStop));
                    if let Some(reason) = ended {
                        let summary = self.simulation.summary(self.identity.clone(), reason);
                        return self.end(summary);
                    }
                    // Replies that are there at once leave no other time to stop.
                    if self.halt.is_set() {
                        return Ok(Progress::Waits);
                    }
                    self.begin_step()?
                }
                Move::End(reason) => {
                    let before = self.before.take().expect("a step was begun");
                    return self.end(before.ended_by(reason));
                }
            };
        }
    }

    /// Asks, and says what follows from an answer that is there at once.
    fn ask(&mut self, mut call: Call) -> Result<Option<Move>, LiveError> {
        loop {
            let asked = match self.wire.play(&call)? {
                Some(played) => played,
                None => {
                    self.folder.reached()?;
                    if let Err(LimitHit { reason, message }) = self.limits.reserve(call.tokens) {
                        self.wire.record_limit(&call, reason, &message)?;
                        self.agent.stopped_by(&message, &mut self.lines);
                        return Ok(Some(Move::End(reason)));
                    }
                    self.wire.ask(&mut call)?
                }
            };
            match asked {
                Asked::Played(attempt) | Asked::Answered(attempt) => {
                    if let Some(next) = self.hear(&attempt)? {
                        return Ok(Some(next));
                    }
                }
                Asked::Later => {
                    self.asked = Some(call);
                    return Ok(None);
                }
                Asked::Over(reason, message) => {
                    self.agent.stopped_by(&message, &mut self.lines);
                    return Ok(Some(Move::End(reason)));
                }
            }
        }
    }

    /// The events of the deliberation come before those of what followed from it.
    fn collect(&mut self) {
        let events = mem::take(&mut self.lines.events);
        self.simulation.recorder().events.extend_from_slice(&events);
    }

    fn keep(&mut self) -> Result<(), LiveError> {
        self.folder.take(&mut self.simulation.recorder())?;
        self.folder.take_deliberations(&mut self.lines.deliberations)?;
        if self.severity_logged {
            return Ok(());
        }
        let crash = self.simulation.world().resource::<CrashState>();
        if let Some(crash) = crash.crash().filter(|_| !self.crash_logged) {
            self.folder.log_crash(crash)?;
            self.crash_logged = true;
        }
        if let Some(severity) = crash.severity() {
            self.folder.log_severity(self.simulation.steps_done() - 1, severity)?;
            self.severity_logged = true;
        }
        Ok(())
    }

    /// Writes out whatever is recorded: the run ends, or is put aside.
    fn flush(&mut self) -> Result<(), WriteError> {
        self.collect();
        self.folder.take_all(&mut self.simulation.recorder())?;
        self.folder.take_all_deliberations(&mut self.lines.deliberations)
    }

    fn end(&mut self, mut summary: Summary) -> Result<Progress, LiveError> {
        self.flush()?;
        let model = self.agent.summary();
        summary.tokens = model.usage.total().filter(|_| model.calls_without_usage == 0);
        summary.cost = model.cost_usd.map(crate::prediction::accumulate::Score);
        summary.model = Some(model);
        Ok(Progress::Ended(Box::new(summary)))
    }

    /// The run stops for now: what was recorded of it is written out, and its last request is let go.
    pub(super) fn put_aside(&mut self) -> Result<(), WriteError> {
        self.flush()?;
        self.folder.log(&format!("after {} steps: put aside", self.steps_done()))
    }

    /// Steps that were finished.
    pub(super) fn steps_done(&self) -> crate::units::Step {
        self.simulation.steps_done()
    }

    /// What outlives the run: its World for the next one, its folder to be closed.
    pub(super) fn into_parts(self) -> (Simulation, RunFolder) {
        (self.simulation, self.folder)
    }

    /// The first recorded call that the run did not make, if any.
    pub(super) fn left_over(&self) -> Option<(crate::units::Step, u32)> {
        self.wire.left_over()
    }
}

//! One run whose agent is a language model: simulation, deliberation, cassette and files, moved on by one answer at a
//! time. It never waits: a run whose question is under way is a value that somebody keeps.

use std::mem;

use super::Halt;
use super::error::WriteError;
use super::run_folder::RunFolder;
use super::world_slot::WorldSlot;
use crate::base::run_end::EndReason;
use crate::base::units::Step;
use crate::llm::deliberation::{Call, Deliberation, Move};
use crate::llm::prompt::PromptError;
use crate::llm::provider::attempt::Attempt;
use crate::llm::provider::budget::{Charge, Estimate};
use crate::llm::provider::limits::{Denied, LimitHit, RunLimits};
use crate::llm::provider::transport::CallEvent;
use crate::llm::provider::wire::{Asked, Wire, WireError};
use crate::llm::record::Lines;
use crate::record::summary::Summary;
use crate::simulation::recorded_run::{Outcome, RecordedRun};

/// A run under way.
pub(super) struct LiveRun<'a> {
    run: RecordedRun<WorldSlot, RunFolder>,
    agent: Deliberation,
    wire: Wire<'a>,
    limits: RunLimits,
    halt: &'a Halt<'a>,
    lines: Lines,
    /// What is asked, while the answer is under way.
    asked: Option<Call>,
    /// What is to be asked once calls under way leave room for it.
    parked: Option<Call>,
}

/// How far a run got.
#[derive(Debug)]
pub(super) enum Progress {
    /// An answer is under way, or the batch is halted.
    Waits,
    /// What calls under way may use leaves no room for its question now: [`LiveRun::try_again`].
    Parked,
    /// It has ended.
    Ended(Box<Summary>),
}

/// When something became of a request.
#[derive(Clone, Copy, Debug)]
enum AttemptOrigin<'a> {
    /// Now, to this call.
    Now(&'a Call),
    /// When the cassette was recorded, where the request was taken for so much.
    Before(Option<Estimate>),
}

/// Whether a call was let go of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Released {
    /// Nothing comes of it any more.
    Now,
    /// An answer waits to be kept.
    NotYet,
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
    /// A run that was started. All that follows needs it to be in its World.
    pub(super) fn new(
        run: RecordedRun<WorldSlot, RunFolder>,
        agent: Deliberation,
        wire: Wire<'a>,
        limits: RunLimits,
        halt: &'a Halt<'a>,
    ) -> LiveRun<'a> {
        LiveRun { run, agent, wire, limits, halt, lines: Lines::default(), asked: None, parked: None }
    }

    /// Goes on until an answer is under way or the run has ended.
    pub(super) fn start(&mut self) -> Result<Progress, LiveError> {
        let next = self.begin_step()?;
        self.go_on(next)
    }

    /// Something became of the call that was under way.
    pub(super) fn answer(&mut self, news: &CallEvent) -> Result<Progress, LiveError> {
        let call = self.asked.take().expect("an answer belongs to a question");
        self.wire.on_attempt(&call, news, self.limits.estimate(call.tokens))?;
        let next = match news {
            CallEvent::Attempt(attempt) => self.on_attempt(attempt, AttemptOrigin::Now(&call))?,
            CallEvent::Abandoned => Some(self.agent.fail(&mut self.lines)),
        };
        match next {
            Some(next) => {
                self.limits.release();
                self.go_on(next)
            }
            None => self.expect_another(call),
        }
    }

    /// Another attempt of a call follows. The one before may have been charged, so this one is asked for anew.
    fn expect_another(&mut self, call: Call) -> Result<Progress, LiveError> {
        let Err(denied) = self.limits.reserve(call.tokens) else {
            self.asked = Some(call);
            return Ok(Progress::Waits);
        };
        let Ok(abandoned) = self.wire.cancel() else {
            // It was faster: its answer is there already.
            self.asked = Some(call);
            return Ok(Progress::Waits);
        };
        self.abandon(&call, abandoned)?;
        match self.deny(call, denied)? {
            Some(next) => self.go_on(next),
            None => Ok(Progress::Parked),
        }
    }

    /// Asks what was parked.
    pub(super) fn try_again(&mut self) -> Result<Progress, LiveError> {
        let call = self.parked.take().expect("a call is parked");
        match self.ask(call)? {
            Some(next) => self.go_on(next),
            None => Ok(self.standing()),
        }
    }

    /// Where the run is.
    pub(super) fn world_slot(&mut self) -> &mut WorldSlot {
        self.run.simulation()
    }

    /// Whether its time is over while it waits. For this it need not be in a World.
    pub(super) fn is_overdue(&self) -> bool {
        (self.asked.is_some() || self.parked.is_some()) && self.limits.time_over().is_some()
    }

    /// Ends the run if its time is over while it waits; `None` if it is not, or if an answer is there already.
    pub(super) fn end_overdue(&mut self) -> Option<Result<Progress, LiveError>> {
        if self.asked.is_none() && self.parked.is_none() {
            return None;
        }
        let hit = self.limits.time_over()?;
        let abandoned = self.wire.cancel().ok()?;
        let call = self.asked.take().or_else(|| self.parked.take()).expect("it waits for something");
        Some(self.abandon(&call, abandoned).and_then(|()| {
            let next = self.stop_at(&call, hit)?;
            self.go_on(next)
        }))
    }

    /// A call was let go of: what is known of a request that was in flight.
    fn abandon(&mut self, call: &Call, abandoned: Option<Attempt>) -> Result<(), LiveError> {
        if let Some(attempt) = abandoned {
            self.wire.record(call, &attempt, self.limits.estimate(call.tokens))?;
            self.on_attempt(&attempt, AttemptOrigin::Now(call))?;
        }
        self.limits.release();
        Ok(())
    }

    /// A limit ends the run in the place of a call.
    fn stop_at(&mut self, call: &Call, LimitHit { reason, message }: LimitHit) -> Result<Move, LiveError> {
        self.wire.record_limit(call, reason, &message)?;
        self.agent.stopped_by(&message, &mut self.lines);
        Ok(Move::End(reason))
    }

    /// A call must not be made: the end of the run, or `None` if it may be asked again.
    fn deny(&mut self, call: Call, denied: Denied) -> Result<Option<Move>, LiveError> {
        match denied {
            Denied::Reached(hit) => self.stop_at(&call, hit).map(Some),
            Denied::ForNow => {
                self.parked = Some(call);
                Ok(None)
            }
        }
    }

    /// How a run stands that cannot go on by itself.
    fn standing(&self) -> Progress {
        if self.parked.is_some() { Progress::Parked } else { Progress::Waits }
    }

    fn begin_step(&mut self) -> Result<Move, LiveError> {
        Ok(self.agent.begin(&self.run.observe(), &mut self.lines)?)
    }

    fn on_attempt(&mut self, attempt: &Attempt, told: AttemptOrigin<'_>) -> Result<Option<Move>, LiveError> {
        let next = self.agent.on_attempt(attempt, &mut self.lines)?;
        let charge = Charge::of(attempt.outcome, self.agent.take_use());
        match told {
            AttemptOrigin::Now(call) => self.limits.settle(&charge, call.tokens),
            AttemptOrigin::Before(estimate) => self.limits.carry_over(&charge, estimate),
        }
        Ok(next)
    }

    fn go_on(&mut self, mut next: Move) -> Result<Progress, LiveError> {
        loop {
            next = match next {
                Move::Ask(call) => match self.ask(call)? {
                    Some(next) => next,
                    None => return Ok(self.standing()),
                },
                Move::Decide(decision) => {
                    self.collect();
                    let outcome = self.run.apply(*decision)?;
                    self.run.log().take_deliberations(&mut self.lines.deliberations)?;
                    match outcome {
                        Outcome::Ended(reason) => return self.end(reason),
                        Outcome::GoesOn if self.agent.refuses_for_good() => return self.end(EndReason::AgentStop),
                        Outcome::GoesOn => {}
                    }
                    // Replies that are there at once leave no other time to stop.
                    if self.halt.is_set() {
                        return Ok(Progress::Waits);
                    }
                    self.begin_step()?
                }
                Move::End(reason) => return self.end(reason),
            };
        }
    }

    /// Asks, and says what follows from an answer that is there at once. `None` while the call is under way or parked.
    fn ask(&mut self, call: Call) -> Result<Option<Move>, LiveError> {
        let estimate = self.limits.estimate(call.tokens);
        loop {
            let asked = match self.wire.play(&call, estimate)? {
                Some(played) => played,
                None => {
                    self.run.log().reached()?;
                    match self.limits.reserve(call.tokens) {
                        Ok(()) => self.wire.ask(&call, estimate)?,
                        Err(denied) => return self.deny(call, denied),
                    }
                }
            };
            let next = match asked {
                Asked::Played(attempt, recorded) => self.on_attempt(&attempt, AttemptOrigin::Before(recorded))?,
                Asked::Answered(attempt) => self.on_attempt(&attempt, AttemptOrigin::Now(&call))?,
                Asked::Later => {
                    self.asked = Some(call);
                    return Ok(None);
                }
                Asked::Over(reason, message) => {
                    self.agent.stopped_by(&message, &mut self.lines);
                    Some(Move::End(reason))
                }
            };
            if next.is_some() {
                self.limits.release();
                return Ok(next);
            }
        }
    }

    /// The events of the deliberation come before those of what followed from it.
    fn collect(&mut self) {
        let events = mem::take(&mut self.lines.events);
        self.run.simulation().recorder().events.extend_from_slice(&events);
    }

    /// Writes out whatever is recorded: the run ends, or is put aside.
    fn flush(&mut self) -> Result<(), WriteError> {
        self.collect();
        self.run.flush()?;
        self.run.log().take_all_deliberations(&mut self.lines.deliberations)
    }

    fn end(&mut self, reason: EndReason) -> Result<Progress, LiveError> {
        self.flush()?;
        let mut summary = self.run.finish(reason)?;
        if let Some(why) = self.agent.why_ended() {
            self.run.log().log(&format!("{}: {why}", summary.end_reason.word()))?;
        }
        let model = self.agent.summary();
        // A request without an answer may have been charged: then nobody knows the sum.
        let is_known = model.attempts_without_usage == 0;
        summary.tokens = model.usage.total().filter(|_| is_known && model.calls_without_usage == 0);
        summary.cost = model.cost_usd.filter(|_| is_known).map(crate::prediction::accumulate::Score);
        summary.model = Some(model);
        Ok(Progress::Ended(Box::new(summary)))
    }

    /// The batch is over: something became of the call that was under way, and is recorded for whoever goes on.
    pub(super) fn keep_answer(&mut self, news: &CallEvent) -> Result<(), LiveError> {
        match &self.asked {
            Some(call) => Ok(self.wire.on_attempt(call, news, self.limits.estimate(call.tokens))?),
            None => Ok(()),
        }
    }

    /// The batch is over: lets go of the call under way, and records a request that was in flight. Whether that is done;
    /// it is not while an answer waits to be kept.
    pub(super) fn cancel(&mut self) -> Result<Released, LiveError> {
        let Ok(abandoned) = self.wire.cancel() else { return Ok(Released::NotYet) };
        match (&self.asked, abandoned) {
            // What was reserved counts as used.
            (Some(call), Some(attempt)) => {
                self.wire.record(call, &attempt, self.limits.estimate(call.tokens))?;
            }
            _ => self.limits.release(),
        }
        Ok(Released::Now)
    }

    /// The run stops for now: what was recorded of it is written out.
    pub(super) fn put_aside(&mut self) -> Result<(), WriteError> {
        self.flush()?;
        let steps = self.steps_done();
        self.run.log().log(&format!("after {steps} steps: put aside"))
    }

    /// What ended it, where that was neither its rules nor the model.
    pub(super) fn why_ended(&self) -> Option<String> {
        self.agent.why_ended().map(str::to_owned)
    }

    /// Steps that were finished.
    pub(super) fn steps_done(&self) -> Step {
        self.run.steps_done()
    }

    /// What outlives the run: its World for the next one, its folder to be closed.
    pub(super) fn into_parts(self) -> (WorldSlot, RunFolder) {
        self.run.into_parts()
    }

    /// The step and call of the first record of its cassette that the run did not come to, if any.
    pub(super) fn left_over(&self) -> Option<(Step, u32)> {
        self.wire.left_over()
    }
}

//! A worker's life: runs of programs one after another, runs of language models many at once.
//!
//! A run of a program needs nothing but the processor, so it is made from start to end. One of a language model spends
//! its time waiting: the worker keeps it, asks, and moves on whichever run has an answer.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};

use super::Halt;
use super::confine::{Defect, confine};
use super::error::{ResumeError, WriteError};
use super::folder::ResultFolder;
use super::live::{LiveError, LiveRun, Progress, Released};
use super::play::{Report, failed, finished, play, rescue};
use super::pool::{Stopped, TICK};
use super::resume::{Left, clear, left_of, open_cassette};
use super::world_slot::{SharedWorld, WorldSlot};
use crate::llm::provider::backend::Backends;
use crate::llm::provider::cassette;
use crate::llm::provider::cassette::Player;
use crate::llm::provider::transport::Answer;
use crate::llm::provider::wire::WireError;
use crate::plan::{Plan, PlannedRun};
use crate::plugins::Plugins;
use crate::record::summary::RunIdentity;
use crate::simulation::driver::Simulation;
use crate::simulation::recorded_run::{Answers, RecordedRun};
use crate::simulation::suspended::SuspendedRun;

/// With so many runs under way, answers come so thick that it pays to let some gather: falling asleep and being woken
/// for each costs more than it gains.
const MANY: usize = 64;

/// How long answers gather: little beside what any model takes.
const GATHERING: Duration = Duration::from_millis(1);

/// How often it is tried to make a World fit for other runs after a defect.
const RECOVERIES: u32 = 3;

/// Why a run can differ from its cassette.
const OTHERS: &str = "was it made by another version of this program?";

/// What all workers share.
#[derive(Debug)]
pub(super) struct BatchContext<'a> {
    pub(super) plan: &'a Plan,
    pub(super) plugins: &'a Plugins,
    pub(super) results: &'a ResultFolder,
    /// The families of shocks that are registered.
    pub(super) families: &'a [String],
    pub(super) halt: &'a Halt<'a>,
    /// `None` when all agents are programs.
    pub(super) backends: Option<&'a Backends>,
    /// When runs of programs must end, by the limit of the experiment. Those of models know it from their backends.
    pub(super) until: Option<Instant>,
    /// Runs of language models that one worker keeps under way.
    pub(super) live_runs: usize,
    /// Whether runs that an earlier batch left go on where they stopped.
    pub(super) resume: bool,
}

/// A run under way and the plan that it is of.
struct Kept<'a> {
    run: PlannedRun,
    live: LiveRun<'a>,
}

struct Worker<'a> {
    context: &'a BatchContext<'a>,
    reports: &'a Sender<Result<Report, Stopped>>,
    /// Worlds that wait for their next run.
    idle: Vec<Simulation>,
    /// The World that live runs take turns in.
    shared: SharedWorld,
    /// Boxed, since a map has room for more than it holds.
    live: BTreeMap<u64, Box<Kept<'a>>>,
    /// Those of them whose question waits for room within a limit, in the order in which they came.
    parked: VecDeque<u64>,
    /// When it last looked whether the time of a run under way is over.
    looked: Instant,
    answers: (Sender<Answer>, Receiver<Answer>),
}

/// Whether the worker goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Goes,
    Ends,
}

impl<'a> BatchContext<'a> {
    /// Makes runs until there are no more tickets, or the batch is halted.
    pub(super) fn work(&'a self, tickets: &Receiver<usize>, reports: &'a Sender<Result<Report, Stopped>>) {
        let mut worker = Worker {
            context: self,
            reports,
            idle: Vec::new(),
            shared: SharedWorld::default(),
            live: BTreeMap::new(),
            parked: VecDeque::new(),
            looked: Instant::now(),
            answers: unbounded(),
        };
        worker.drive(tickets);
        worker.put_aside();
    }
}

impl<'a> Worker<'a> {
    fn drive(&mut self, tickets: &Receiver<usize>) {
        loop {
            if self.context.halt.is_set() || self.end_overdue() == Next::Ends || self.try_parked() == Next::Ends {
                return;
            }
            if self.live.len() < self.context.live_runs {
                let ticket = if self.live.is_empty() {
                    tickets.recv().map_err(|_| TryRecvError::Disconnected)
                } else {
                    tickets.try_recv()
                };
                match ticket {
                    Ok(index) => {
                        if self.begin(index) == Next::Ends {
                            return;
                        }
                        // Runs under way come first: their answers may wait already. What comes of these waits its turn.
                        if self.attend() == Next::Ends {
                            return;
                        }
                        continue;
                    }
                    Err(TryRecvError::Disconnected) if self.live.is_empty() => return,
                    Err(_) => {}
                }
            }
            if self.answers.1.is_empty() && self.live.len() >= MANY {
                thread::sleep(GATHERING);
            }
            if let Ok(answer) = self.answers.1.recv_timeout(TICK)
                && self.move_on(answer) == Next::Ends
            {
                return;
            }
        }
    }

    fn begin(&mut self, index: usize) -> Next {
        if self.context.halt.is_set() {
            return Next::Ends;
        }
        let BatchContext { plan, results, families, backends, resume, .. } = *self.context;
        let run = plan.run(index);
        let is_model = backends.is_some_and(|backends| backends.has(&run.config.model.name));
        let left = if resume { left_of(results, &run, is_model, families) } else { Ok(Left::Nothing) };
        let origin = match left {
            Ok(Left::Final(report)) => return self.report(*report),
            Ok(Left::GoesOn(origin)) => Some(origin),
            Ok(Left::Nothing) => None,
            Err(error) => return self.stop(Stopped::Resume(error)),
        };
        if resume
            && origin.is_none()
            && let Err(error) = clear(results, &run)
        {
            return self.stop(Stopped::Unwritable(error));
        }
        if !is_model {
            return self.play(&run);
        }
        let prepared = confine(|| self.prepare(&run, origin.as_deref()));
        match prepared {
            Ok(Ok(live)) => {
                let ticket = run.index as u64;
                self.live.insert(ticket, Box::new(Kept { run, live }));
                let moved = self.with_world(ticket, |live| live.start());
                self.settle(ticket, moved)
            }
            Ok(Err(error)) => self.stop(error),
            Err(defect) => self.stop(Stopped::Defect(defect)),
        }
    }

    /// A run of a program.
    fn play(&mut self, run: &PlannedRun) -> Next {
        let BatchContext { plugins, families, results, halt, until, .. } = *self.context;
        let mut simulation = self.idle.pop();
        // Other runs' answers are recorded while this one goes on: a kill must not lose them.
        let mut between = || {
            if halt.is_set() {
                return ControlFlow::Break(());
            }
            if self.live.is_empty() {
                return ControlFlow::Continue(());
            }
            let goes = [Self::attend, Self::end_overdue, Self::try_parked].iter().all(|look| look(self) == Next::Goes);
            if goes { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let played = confine(|| play(&mut simulation, plugins, families, results, run, until, &mut between));
        self.idle.extend(simulation);
        match played {
            Ok(Ok(Some(report))) => self.report(report),
            Ok(Ok(None)) => Next::Ends,
            Ok(Err(error)) => self.stop(Stopped::Unwritable(error)),
            Err(defect) => self.stop(Stopped::Defect(defect)),
        }
    }

    /// A run of a language model that begins, or one that an earlier batch left in `origin`.
    fn prepare(&mut self, run: &PlannedRun, origin: Option<&Path>) -> Result<LiveRun<'a>, Stopped> {
        let BatchContext { results, halt, .. } = *self.context;
        let backends = self.context.backends.expect("the run's agent is a model");
        let pricing = backends.pricing(&run.config);
        let (folder, player, recorder) = open_cassette(results, run, pricing, origin)?;
        // One run is reckoned by one price, also when it goes on another day.
        let pricing = player.as_ref().map_or(pricing, Player::pricing);
        let took = player.as_ref().map_or(Duration::ZERO, Player::took);
        let world = WorldSlot::InWorld(self.world_for(run));
        let recorded = RecordedRun::start(world, &run.config, RunIdentity::of(run), folder, Answers::Later);
        let agent = backends.agent(&run.config, recorded.briefing(), pricing).map_err(Stopped::Prompt)?;
        let wire = backends.wire(&run.config, &self.answers.0, run.index as u64, player, recorder);
        let limits = backends.limits(&run.config, pricing, took);
        Ok(LiveRun::new(recorded, agent, wire, limits, halt))
    }

    /// Moves on the runs whose answers are there now. What comes of that waits its turn.
    fn attend(&mut self) -> Next {
        for _ in 0..self.answers.1.len() {
            let Ok(answer) = self.answers.1.try_recv() else { break };
            if self.move_on(answer) == Next::Ends {
                return Next::Ends;
            }
        }
        Next::Goes
    }

    /// Asks what was parked, as far as there is room again. When nothing is under way any more, the first either fits
    /// or ends its run.
    fn try_parked(&mut self) -> Next {
        while let Some(ticket) = self.parked.pop_front() {
            // Its time may have run out meanwhile.
            if !self.live.contains_key(&ticket) {
                continue;
            }
            let moved = self.with_world(ticket, |live| live.try_again());
            if matches!(moved, Ok(Ok(Progress::Parked))) {
                self.leave(ticket);
                self.parked.push_front(ticket);
                return Next::Goes;
            }
            if self.settle(ticket, moved) == Next::Ends {
                return Next::Ends;
            }
        }
        Next::Goes
    }

    /// Something became of a call.
    fn move_on(&mut self, answer: Answer) -> Next {
        // What a run that is gone had asked is of no use any more.
        if !self.live.contains_key(&answer.ticket) {
            return Next::Goes;
        }
        let moved = self.with_world(answer.ticket, |live| live.answer(&answer.news));
        self.settle(answer.ticket, moved)
    }

    /// Ends the runs whose time is over although nothing has become of their requests.
    fn end_overdue(&mut self) -> Next {
        if self.looked.elapsed() < TICK {
            return Next::Goes;
        }
        self.looked = Instant::now();
        let overdue = self.live.iter().filter(|(_, kept)| kept.live.is_overdue()).map(|(ticket, _)| *ticket);
        for ticket in overdue.collect::<Vec<_>>() {
            // Its answer may be there already.
            let moved = self.with_world(ticket, |live| live.end_overdue().unwrap_or(Ok(Progress::Waits)));
            if self.settle(ticket, moved) == Next::Ends {
                return Next::Ends;
            }
        }
        Next::Goes
    }

    /// A World for a run that begins.
    fn world_for(&mut self, run: &PlannedRun) -> Box<Simulation> {
        let (plugins, live) = (self.context.plugins, &mut self.live);
        let fresh = || plugins.simulation();
        self.shared.clear(run.index as u64, fresh, |before, suspended| put_back(live, before, suspended))
    }

    /// Does something with a run that is in a World meanwhile.
    fn with_world<T>(&mut self, ticket: u64, doing: impl FnOnce(&mut LiveRun<'a>) -> T) -> Result<T, Defect> {
        let mut kept = self.live.remove(&ticket).expect("it is under way");
        let (live, others) = (&mut kept.live, &mut self.live);
        let swapped = self.shared.swap_in(ticket, live.world_slot(), |before, run| put_back(others, before, run));
        let done = match swapped {
            Ok(()) => confine(|| {
                let done = doing(live);
                live.world_slot().check_resources();
                done
            }),
            Err(lost) => Err(Defect::of_another_run(&lost)),
        };
        self.live.insert(ticket, kept);
        done
    }

    /// A run waits: somebody else may have the World.
    fn leave(&mut self, ticket: u64) {
        if let Some(kept) = self.live.get_mut(&ticket) {
            self.shared.release(kept.live.world_slot());
        }
    }

    /// A run has moved on: it waits again, or it is over.
    fn settle(&mut self, ticket: u64, moved: Result<Result<Progress, LiveError>, Defect>) -> Next {
        match moved {
            Ok(Ok(Progress::Waits)) => {
                self.leave(ticket);
                Next::Goes
            }
            Ok(Ok(Progress::Parked)) => {
                self.leave(ticket);
                self.parked.push_back(ticket);
                Next::Goes
            }
            Ok(Ok(Progress::Ended(summary))) => {
                let Kept { run, live } = self.take(ticket);
                if let Some((step, call)) = live.left_over() {
                    let why =
                        format!("the run ended, and its cassette goes on with step {step} (call {call}) ({OTHERS})");
                    return self.stop(Stopped::Resume(ResumeError { run_id: run.run_id, why }));
                }
                let why = live.why_ended();
                let (world_slot, folder) = live.into_parts();
                self.shared.retire(world_slot.into_world());
                match folder.complete(&summary) {
                    Ok(()) => self.report(Report { why, ..finished(&run, &summary, self.context.families) }),
                    Err(error) => self.stop(Stopped::Unwritable(error)),
                }
            }
            Ok(Err(error)) => {
                let Kept { run, .. } = self.take(ticket);
                self.stop(stopped(&run, error))
            }
            Err(defect) => {
                let Kept { run, live } = self.take(ticket);
                let steps = live.steps_done();
                let (world_slot, mut folder) = live.into_parts();
                let mut world = world_slot.into_world();
                let rescued = world.as_mut().map_or(Ok(()), |world| rescue(world, &mut folder));
                // A run whose World was gone already leaves the present one to the others.
                if world.is_some() {
                    self.shared.retire(world.and_then(|mut world| recovered(&mut world).then_some(world)));
                }
                let saved = rescued.and_then(|()| folder.set_aside(steps, &defect));
                match saved {
                    Ok(()) => self.report(failed(&run, steps, defect, self.context.families)),
                    Err(error) => self.stop(Stopped::Unwritable(error)),
                }
            }
        }
    }

    fn take(&mut self, ticket: u64) -> Kept<'a> {
        *self.live.remove(&ticket).expect("it is under way")
    }

    /// The batch is over before these runs are: what was recorded of them stays, so that they can go on. Answers that
    /// have come are recorded, and requests in flight as abandoned.
    fn put_aside(&mut self) {
        // The cassette has all of it; what cannot be written now is made anew from there.
        let mut held: Vec<u64> = self.live.keys().copied().collect();
        while !held.is_empty() {
            for answer in self.answers.1.try_iter() {
                if let Some(kept) = self.live.get_mut(&answer.ticket) {
                    let _ = kept.live.keep_answer(&answer.news);
                }
            }
            held.retain(|ticket| {
                self.live.get_mut(ticket).is_some_and(|kept| matches!(kept.live.cancel(), Ok(Released::NotYet)))
            });
        }
        for ticket in self.live.keys().copied().collect::<Vec<_>>() {
            let _ = self.with_world(ticket, |live| live.put_aside());
            self.leave(ticket);
        }
    }

    fn report(&self, report: Report) -> Next {
        if self.reports.send(Ok(report)).is_ok() { Next::Goes } else { Next::Ends }
    }

    fn stop(&self, why: Stopped) -> Next {
        let _ = self.reports.send(Err(why));
        Next::Ends
    }
}

/// Makes a World fit for the other runs that are in it; whether it is.
fn recovered(world: &mut Simulation) -> bool {
    // What a defective run has left to do may panic in its turn, and is gone then.
    (0..RECOVERIES).any(|_| confine(|| world.recover()).is_ok())
}

/// The run that the World held is out of it.
fn put_back(live: &mut BTreeMap<u64, Box<Kept<'_>>>, ticket: u64, suspended: Box<SuspendedRun>) {
    // One that could not even begin is not there.
    if let Some(kept) = live.get_mut(&ticket) {
        *kept.live.world_slot() = WorldSlot::SuspendedRun(suspended);
    }
}

fn stopped(run: &PlannedRun, error: LiveError) -> Stopped {
    match error {
        LiveError::Write(error) => Stopped::Unwritable(error),
        LiveError::Wire(WireError::Write(source)) => {
            Stopped::Unwritable(WriteError { path: PathBuf::from(&run.run_id).join(cassette::NAME), source })
        }
        LiveError::Wire(WireError::Miss(miss)) => {
            Stopped::Resume(ResumeError { run_id: run.run_id.clone(), why: format!("{miss} ({OTHERS})") })
        }
        LiveError::Prompt(error) => Stopped::Prompt(error),
    }
}

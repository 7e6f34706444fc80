//! Workers and the writer.
//!
//! The writer hands out the runs as tickets, in order, and never more than [`AHEAD`] beyond the oldest run whose
//! row is not written: what waits to be written is bounded however long one run takes.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use super::Halt;
use super::confine::Defect;
use super::connections::Connections;
use super::context::BatchContext;
use super::error::{ResumeError, WriteError};
use super::folder::ResultsFile;
use super::history::History;
use super::play::{Report, line};
use super::progress::{Progress, Reporter};
use super::tally::Tally;
use crate::llm::prompt::PromptError;
use crate::record::results::header;

/// How many runs may be under way or waiting to be written, at least.
const AHEAD: usize = 1024;

/// How often the writer looks around when nothing comes in.
pub(super) const TICK: Duration = Duration::from_millis(200);

/// Why the workers stopped before all runs were made, if not for the user.
#[derive(Debug)]
pub(super) enum Stopped {
    Unwritable(WriteError),
    Defect(Defect),
    /// A run cannot be taken up where it stopped.
    Resume(ResumeError),
    /// A prompt asks for what there is not.
    Prompt(PromptError),
}

impl From<WriteError> for Stopped {
    fn from(error: WriteError) -> Stopped {
        Stopped::Unwritable(error)
    }
}

/// Makes the runs of a plan.
pub(super) fn run(
    context: &BatchContext<'_>,
    n_jobs: usize,
    rows: &mut ResultsFile,
    history: &mut History<'_>,
    progress: Progress,
) -> (Tally, Option<Stopped>) {
    let (plan, halt) = (context.plan, context.halt);
    let (tickets, take) = unbounded();
    let (send, reports) = unbounded();
    thread::scope(|scope| {
        for _ in 0..n_jobs {
            let (take, send) = (take.clone(), send.clone());
            scope.spawn(move || context.work(&take, &send));
        }
        // The loop below ends when the last worker has let go of its end.
        drop((take, send));
        let mut writer = Writer {
            rows,
            history,
            connections: Connections::new(context.backends, context.results),
            tally: Tally::default(),
            waiting: BTreeMap::new(),
            next: 0,
            planned: plan.len(),
            // A run that takes long must not keep the others of its worker waiting.
            ahead: AHEAD.max(2 * n_jobs * context.live_runs),
            stopped: None,
            reporter: Reporter::new(progress, plan.len()),
        };
        writer.write(&line(&header(&plan.run(0).config, context.families)));
        writer.drive(tickets, &reports, halt);
        writer.reporter.finish(writer.tally.complete() + writer.tally.failed());
        (writer.tally, writer.stopped)
    })
}

struct Writer<'a, 'h> {
    rows: &'a mut ResultsFile,
    history: &'a mut History<'h>,
    connections: Connections<'a>,
    tally: Tally,
    /// Runs that ended before an earlier one did.
    waiting: BTreeMap<usize, Report>,
    /// The oldest run whose row is not written.
    next: usize,
    planned: usize,
    ahead: usize,
    stopped: Option<Stopped>,
    reporter: Reporter,
}

impl Writer<'_, '_> {
    fn drive(&mut self, tickets: Sender<usize>, reports: &Receiver<Result<Report, Stopped>>, halt: &Halt<'_>) {
        let mut tickets = Some(tickets);
        let mut handed_out = 0;
        loop {
            while let Some(open) = tickets.as_ref().filter(|_| handed_out < self.planned.min(self.next + self.ahead)) {
                // Workers that are gone need no tickets.
                let _ = open.send(handed_out);
                handed_out += 1;
            }
            if handed_out == self.planned || halt.is_set() {
                tickets = None;
            }
            match reports.recv_timeout(TICK) {
                Ok(Ok(report)) => {
                    self.waiting.insert(report.index, report);
                    while let Some(report) = self.waiting.remove(&self.next) {
                        self.next += 1;
                        self.take(&report);
                    }
                }
                Ok(Err(stopped)) => self.stop(stopped),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Err(error) = self.connections.look() {
                self.stop(Stopped::Unwritable(error));
            }
            if self.stopped.is_some() {
                halt.failure.store(true, Ordering::Relaxed);
            }
            self.reporter.show(self.next + self.waiting.len(), halt.by_user());
        }
        if let Err(error) = self.connections.write() {
            self.stop(Stopped::Unwritable(error));
        }
        // Of a batch that was stopped, rows may be missing between others.
        for report in std::mem::take(&mut self.waiting).into_values() {
            self.take(&report);
        }
    }

    fn take(&mut self, report: &Report) {
        self.write(&report.row);
        if self.stopped.is_none()
            && let Err(error) = self.history.add(report)
        {
            self.stop(Stopped::Unwritable(error));
        }
        self.tally.add(report);
    }

    fn write(&mut self, rows: &[u8]) {
        if self.stopped.is_none()
            && let Err(error) = self.rows.add(rows)
        {
            self.stop(Stopped::Unwritable(error));
        }
    }

    /// Keeps the first reason: others follow from it.
    fn stop(&mut self, reason: Stopped) {
        self.stopped.get_or_insert(reason);
    }
}

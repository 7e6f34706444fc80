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
use super::confine::{Defect, confine};
use super::error::WriteError;
use super::folder::{ResultFolder, ResultsFile};
use super::play::{Report, line, play};
use super::progress::{Progress, Reporter};
use super::tally::Tally;
use crate::plan::Plan;
use crate::plugins::Plugins;
use crate::record::results::header;

/// How many runs may be under way or waiting to be written.
const AHEAD: usize = 1024;

/// How often the writer looks around when nothing comes in.
const TICK: Duration = Duration::from_millis(200);

/// Why the workers stopped before all runs were made, if not for the user.
#[derive(Debug)]
pub(super) enum Stopped {
    Unwritable(WriteError),
    Defect(Defect),
}

/// Makes the runs of a plan.
pub(super) fn run(
    plan: &Plan,
    n_jobs: usize,
    plugins: &Plugins,
    families: &[String],
    folder: &ResultFolder,
    rows: &mut ResultsFile,
    progress: Progress,
    halt: &Halt<'_>,
) -> (Tally, Option<Stopped>) {
    let (tickets, take) = unbounded();
    let (send, reports) = unbounded();
    thread::scope(|scope| {
        for _ in 0..n_jobs {
            let (take, send) = (take.clone(), send.clone());
            scope.spawn(move || work(plan, plugins, families, folder, halt, &take, &send));
        }
        // The loop below ends when the last worker has let go of its end.
        drop((take, send));
        let mut writer = Writer {
            rows,
            tally: Tally::default(),
            waiting: BTreeMap::new(),
            next: 0,
            planned: plan.len(),
            stopped: None,
            reporter: Reporter::new(progress, plan.len()),
        };
        writer.write(&line(&header(&plan.run(0).config, families)));
        writer.drive(tickets, &reports, halt);
        writer.reporter.finish(writer.tally.complete() + writer.tally.failed());
        (writer.tally, writer.stopped)
    })
}

/// A worker's life: one simulation, one run after another.
fn work(
    plan: &Plan,
    plugins: &Plugins,
    families: &[String],
    folder: &ResultFolder,
    halt: &Halt<'_>,
    tickets: &Receiver<usize>,
    reports: &Sender<Result<Report, Stopped>>,
) {
    let mut simulation = None;
    for index in tickets {
        if halt.is_set() {
            return;
        }
        let played = confine(|| play(&mut simulation, plugins, families, folder, &plan.run(index), halt));
        let report = match played {
            Ok(Ok(Some(report))) => Ok(report),
            Ok(Ok(None)) => return,
            Ok(Err(error)) => Err(Stopped::Unwritable(error)),
            Err(defect) => Err(Stopped::Defect(defect)),
        };
        let last = report.is_err();
        if reports.send(report).is_err() || last {
            return;
        }
    }
}

struct Writer<'a> {
    rows: &'a mut ResultsFile,
    tally: Tally,
    /// Runs that ended before an earlier one did.
    waiting: BTreeMap<usize, Report>,
    /// The oldest run whose row is not written.
    next: usize,
    planned: usize,
    stopped: Option<Stopped>,
    reporter: Reporter,
}

impl Writer<'_> {
    fn drive(&mut self, tickets: Sender<usize>, reports: &Receiver<Result<Report, Stopped>>, halt: &Halt<'_>) {
        let mut tickets = Some(tickets);
        let mut handed_out = 0;
        loop {
            while let Some(open) = tickets.as_ref().filter(|_| handed_out < self.planned.min(self.next + AHEAD)) {
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
            if self.stopped.is_some() {
                halt.failure.store(true, Ordering::Relaxed);
            }
            self.reporter.show(self.next + self.waiting.len(), halt.by_user());
        }
        // Of a batch that was stopped, rows may be missing between others.
        for report in std::mem::take(&mut self.waiting).into_values() {
            self.take(&report);
        }
    }

    fn take(&mut self, report: &Report) {
        self.write(&report.row);
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

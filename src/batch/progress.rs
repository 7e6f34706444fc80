//! How far a batch is, on stderr: a bar on a terminal, plain lines elsewhere, nothing where nobody looks.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How to show how far a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not at all.
    Silent,
    /// A line now and then.
    Lines,
    /// A bar that moves.
    Bar,
}

/// Least time between two lines.
const PAUSE: Duration = Duration::from_secs(5);

const STOPPING: &str = "stopping at the next step of each run; press Ctrl-C again to exit at once";

/// Shows how far a batch is.
#[derive(Debug)]
pub(super) struct Reporter {
    display: Display,
    planned: usize,
    stopping: bool,
}

#[derive(Debug)]
enum Display {
    Silent,
    Lines { last: Instant },
    Bar(ProgressBar),
}

impl Reporter {
    pub(super) fn new(progress: Progress, planned: usize) -> Reporter {
        let display = match progress {
            Progress::Silent => Display::Silent,
            Progress::Lines => {
                tell(&format!("0 of {planned} runs"));
                Display::Lines { last: Instant::now() }
            }
            Progress::Bar => {
                let style = ProgressStyle::with_template(
                    "{bar:40} {human_pos} of {human_len} runs, {elapsed} gone, {eta} to go",
                );
                let bar = ProgressBar::new(planned as u64).with_style(style.expect("the template is one"));
                bar.tick();
                Display::Bar(bar)
            }
        };
        Reporter { display, planned, stopping: false }
    }

    /// So many runs are done; `stopping` once no more are begun.
    pub(super) fn show(&mut self, done: usize, stopping: bool) {
        let begins_to_stop = stopping && !std::mem::replace(&mut self.stopping, stopping);
        match &mut self.display {
            Display::Silent => {}
            Display::Lines { last } => {
                if begins_to_stop {
                    tell(STOPPING);
                }
                if last.elapsed() >= PAUSE && done < self.planned {
                    *last = Instant::now();
                    tell(&format!("{done} of {} runs", self.planned));
                }
            }
            Display::Bar(bar) => {
                if begins_to_stop {
                    bar.println(STOPPING);
                }
                bar.set_position(done as u64);
            }
        }
    }

    /// No more runs will be done.
    pub(super) fn finish(&self, done: usize) {
        match &self.display {
            Display::Silent => return,
            Display::Lines { .. } => {}
            // A bar leaves the cursor behind itself; a line in its place does not.
            Display::Bar(bar) => bar.finish_and_clear(),
        }
        tell(&format!("{done} of {} runs", self.planned));
    }
}

/// Notices are lost without harm when nobody reads them.
fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

//! `cassette.jsonl`: everything that entered a run from outside, in order, one line each.
//!
//! Every request stands in it with its place in the run (step, call, attempt), the digest of what was sent and what
//! came of it, errors too, and requests that were abandoned while they were under way. With it a run can be repeated without a network, and a run that was broken off can go on
//! where it stopped. Nothing is ever looked up by its text: a request that is not the next one, or not the same, is a
//! difference, and never a live call.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::run_end::{EndReason, LimitScope};
use crate::base::units::Step;
use crate::llm::provider::attempt::{Attempt, Outcome};
use crate::llm::provider::budget::Estimate;
use crate::llm::provider::cost::Pricing;

pub use recorder::Recorder;

mod recorder;
#[cfg(test)]
mod tests;

/// The file's name in a run's folder.
pub const NAME: &str = "cassette.jsonl";

/// Version of the format.
const VERSION: u32 = 2;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    cassette: u32,
    model: String,
    /// By which the costs in the records were reckoned.
    pricing: Pricing,
}

/// A request and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The step that asked.
    pub step: Step,
    /// Which call of the step, from 0.
    pub call: u32,
    /// Bytes of the request.
    pub request_bytes: usize,
    /// XXH3-128 of the request.
    pub request_digest: String,
    /// What it was taken for before it was sent, which counts where nobody tells what it used; null where nothing is
    /// ever charged.
    pub estimate: Option<Estimate>,
    /// Its outcome.
    pub attempt: Attempt,
}

/// A limit ended the run in the place of this call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    step: Step,
    call: u32,
    limit: LimitReached,
    message: String,
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LimitReached {
    ExperimentTokens,
    ExperimentCost,
    ExperimentTime,
    RunTokens,
    RunCost,
    RunTime,
    /// No limit: the recording that answered has no more replies.
    RecordingEnded,
}

const LIMITS: [(LimitReached, EndReason); 7] = [
    (LimitReached::RecordingEnded, EndReason::AgentStop),
    (LimitReached::ExperimentTokens, EndReason::TokenLimit),
    (LimitReached::ExperimentCost, EndReason::CostLimit),
    (LimitReached::ExperimentTime, EndReason::TimeLimit),
    (LimitReached::RunTokens, EndReason::RunTokenLimit),
    (LimitReached::RunCost, EndReason::RunCostLimit),
    (LimitReached::RunTime, EndReason::RunTimeLimit),
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Entry(Box<Entry>),
    Limit(Limit),
    Header(Header),
}

/// Why a cassette cannot be played.
#[derive(Debug, Error)]
pub enum CassetteError {
    /// The file cannot be read.
    #[error("the cassette {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is none of ours.
    #[error(
        "line {line} of the cassette {} is no record of a request: {why}; restore the file, or make the run anew",
        path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

/// What a run asks differs from what was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Miss {
    /// Nothing more was recorded.
    #[error("step {step} asks (call {call}), and the cassette has no more requests")]
    End {
        /// The step.
        step: Step,
        /// The call.
        call: u32,
    },
    /// Another call was recorded.
    #[error("step {step} asks (call {call}), and the cassette goes on with step {next_step} (call {next_call})")]
    Order {
        /// The step.
        step: Step,
        /// The call.
        call: u32,
        /// What was recorded.
        next_step: Step,
        /// What was recorded.
        next_call: u32,
    },
    /// Another request was recorded.
    #[error("the request of step {step} (call {call}) has the digest {now}, the recorded one {recorded}")]
    Request {
        /// The step.
        step: Step,
        /// The call.
        call: u32,
        /// Digest of the request.
        now: String,
        /// Digest of the recorded one.
        recorded: String,
    },
}

impl Miss {
    /// The field that differs, what was recorded and what the repetition gives.
    #[must_use]
    pub fn fields(&self) -> (&'static str, String, String) {
        let asks = |step: &Step, call: &u32| format!("a request of step {step} (call {call})");
        match self {
            Miss::End { step, call } => ("step", "no more requests".to_owned(), asks(step, call)),
            Miss::Order { step, call, next_step, next_call } => {
                ("step", format!("a record of step {next_step} (call {next_call})"), asks(step, call))
            }
            Miss::Request { now, recorded, .. } => ("request_digest", recorded.clone(), now.clone()),
        }
    }

    /// The step at which the difference shows.
    #[must_use]
    pub fn step(&self) -> Step {
        match self {
            Miss::End { step, .. } | Miss::Order { step, .. } | Miss::Request { step, .. } => *step,
        }
    }
}

/// A cassette being played.
#[derive(Clone, Debug)]
pub struct Player {
    pricing: Pricing,
    entries: VecDeque<Entry>,
    limit: Option<Limit>,
    /// Whether the run may go on live where the cassette ends.
    resumes: bool,
    /// Bytes of the file that stay when it goes on.
    keep: u64,
}

/// What a player answers with.
#[derive(Clone, Debug, PartialEq)]
pub enum Played {
    /// What was recorded, and what the request was taken for.
    Attempt(Box<Attempt>, Option<Estimate>),
    /// A limit ended the run here.
    Limit(EndReason, String),
    /// The cassette ends here, and the run goes on live.
    GoLive,
}

impl Player {
    /// Reads the cassette of a run that is to be repeated.
    ///
    /// # Errors
    /// When it cannot be read, or a line is none of ours.
    pub fn open(path: &Path) -> Result<Player, CassetteError> {
        parse(path, &read(path)?, Ending::Whole)
    }

    /// Reads the cassette of a run that is to go on; `None` when not even its first line is whole. What a kill left of
    /// a last line does not count, and a limit of the experiment that ended the run lets it go on where it stood. A
    /// limit of its own ends it again.
    ///
    /// # Errors
    /// When it cannot be read, or a line is none of ours.
    pub fn resume(path: &Path) -> Result<Option<Player>, CassetteError> {
        let player = Player::look(path)?;
        Ok((player.keep > 0).then_some(Player { resumes: true, ..player }))
    }

    /// Reads a cassette as far as it is whole, to see what it holds.
    ///
    /// # Errors
    /// When it cannot be read, or a line is none of ours.
    pub fn look(path: &Path) -> Result<Player, CassetteError> {
        parse(path, &read(path)?, Ending::MayBeCut)
    }

    /// The requests that are left.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How long the calls took that are left: waiting for their turn, under way and between attempts.
    #[must_use]
    pub fn took(&self) -> Duration {
        let mut took = 0.0;
        for (entry, next) in self.entries.iter().zip(self.entries.iter().skip(1).map(Some).chain([None])) {
            // An attempt's wait counts from the beginning of its call, so only the last of each sending counts.
            let goes_on = next.is_some_and(|next| {
                (next.step, next.call, next.attempt.attempt) == (entry.step, entry.call, entry.attempt.attempt + 1)
            });
            if !goes_on {
                took += entry.attempt.queued_ms + entry.attempt.latency_ms;
            }
        }
        Duration::try_from_secs_f64(took / 1000.0).unwrap_or_default()
    }

    /// The recorded outcome of a request.
    ///
    /// # Errors
    /// When another request was recorded, or none.
    pub fn play(&mut self, step: Step, call: u32, digest: &str) -> Result<Played, Miss> {
        let Some(next) = self.entries.front() else {
            return match self.limit.take() {
                Some(limit) if (limit.step, limit.call) != (step, call) => {
                    let (next_step, next_call) = (limit.step, limit.call);
                    self.limit = Some(limit);
                    Err(Miss::Order { step, call, next_step, next_call })
                }
                Some(Limit { limit, message, .. }) if !(self.resumes && may_be_raised(limit.reason())) => {
                    Ok(Played::Limit(limit.reason(), message))
                }
                _ if self.resumes => Ok(Played::GoLive),
                _ => Err(Miss::End { step, call }),
            };
        };
        if (next.step, next.call) != (step, call) {
            return Err(Miss::Order { step, call, next_step: next.step, next_call: next.call });
        }
        if next.request_digest != digest {
            let (now, recorded) = (digest.to_owned(), next.request_digest.clone());
            return Err(Miss::Request { step, call, now, recorded });
        }
        let Entry { mut attempt, estimate, .. } = self.entries.pop_front().expect("it is in front");
        // A call that was given up and taken up again later has more attempts after its last one.
        let goes_on = match self.left() {
            Some(next) => next == (step, call),
            // A reply counts all the same, unless it ended the run because another model gave it.
            None => self.resumes && attempt.outcome != Outcome::ContextOverflow,
        };
        attempt.last = !goes_on;
        Ok(Played::Attempt(Box::new(attempt), estimate))
    }

    /// By which the costs in the records were reckoned.
    #[must_use]
    pub fn pricing(&self) -> Pricing {
        self.pricing
    }

    /// The step and call of the first record that was not played, if any.
    #[must_use]
    pub fn left(&self) -> Option<(Step, u32)> {
        let limit = self.limit.as_ref().map(|limit| (limit.step, limit.call));
        self.entries.front().map(|entry| (entry.step, entry.call)).or(limit)
    }
}

impl LimitReached {
    fn reason(self) -> EndReason {
        let (_, reason) = LIMITS.into_iter().find(|(limit, _)| *limit == self).expect("all are listed");
        reason
    }
}

/// Whether a run that ended so can go on: the limits of the experiment are no part of its configuration, those of a run
/// are.
fn may_be_raised(reason: EndReason) -> bool {
    reason.limit_scope() == Some(LimitScope::Experiment)
}

fn read(path: &Path) -> Result<Vec<u8>, CassetteError> {
    fs::read(path).map_err(|source| CassetteError::Unreadable { path: path.to_owned(), source })
}

/// How a text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// With a whole line.
    Whole,
    /// Perhaps with what a kill left of one.
    MayBeCut,
}

fn parse(path: &Path, text: &[u8], ending: Ending) -> Result<Player, CassetteError> {
    let wrong = |line: usize, why: String| CassetteError::Line { path: path.to_owned(), line, why };
    let mut player =
        Player { pricing: Pricing::unknown(), entries: VecDeque::new(), limit: None, resumes: false, keep: 0 };
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        if !line.ends_with(b"\n") {
            if ending == Ending::MayBeCut {
                break;
            }
            return Err(wrong(number, "it is incomplete, so the run was killed while it was written".to_owned()));
        }
        if player.limit.is_some() {
            return Err(wrong(number, "something follows the limit that ended the run".to_owned()));
        }
        match (index, serde_json::from_slice::<Line>(line).map_err(|error| wrong(number, error.to_string()))?) {
            (0, Line::Header(Header { cassette: VERSION, pricing, .. })) => player.pricing = pricing,
            (0, Line::Header(Header { cassette, .. })) => {
                return Err(wrong(number, format!("it is of version {cassette}, and this program reads {VERSION}")));
            }
            (0, _) => return Err(wrong(number, "a cassette begins with its version".to_owned())),
            (_, Line::Header(_)) => return Err(wrong(number, "a second beginning".to_owned())),
            (_, Line::Entry(entry)) => player.entries.push_back(*entry),
            (_, Line::Limit(limit)) => {
                let goes_on = may_be_raised(limit.limit.reason());
                player.limit = Some(limit);
                if goes_on {
                    continue;
                }
            }
        }
        player.keep += line.len() as u64;
    }
    Ok(player)
}

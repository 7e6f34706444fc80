//! `cassette.jsonl`: everything that entered a run from outside, in order, one line each.
//!
//! Every request stands in it with its place in the run (step, call, attempt), the digest of what was sent and what
//! came of it, errors too. With it a run can be repeated without a network, and a run that was broken off can go on
//! where it stopped. Nothing is ever looked up by its text: a request that is not the next one, or not the same, is a
//! difference, and never a live call.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::attempt::{Attempt, Outcome};
use super::cost::Pricing;
use crate::step::end::{EndReason, LimitScope};
use crate::units::Step;

/// The file's name in a run's folder.
pub const NAME: &str = "cassette.jsonl";

/// Version of the format.
const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    cassette: u32,
    model: String,
    /// By which the costs in the records were reckoned.
    pricing: Pricing,
}

/// A request and what came of it.
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
    /// What came of it.
    pub attempt: Attempt,
}

/// A limit ended the run in this step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    step: Step,
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
            Miss::Order { step, call, next_step, next_call } => ("step", asks(next_step, next_call), asks(step, call)),
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
    limit: Option<(Step, EndReason, String)>,
    /// Whether the run may go on live where the cassette ends.
    resumes: bool,
}

/// What a player answers with.
#[derive(Clone, Debug, PartialEq)]
pub enum Played {
    /// What was recorded.
    Attempt(Box<Attempt>),
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
        let text = read(path)?;
        let (player, _) = parse(path, &text, false)?;
        Ok(player)
    }

    /// Reads the cassette of a run that is to go on; `None` when not even its first line is whole. What a kill left of
    /// a last line is cut off the file, and so is a limit of the experiment that ended the run. A limit of its own
    /// ends it again.
    ///
    /// # Errors
    /// When it cannot be read or cut, or a line is none of ours.
    pub fn resume(path: &Path) -> Result<Option<Player>, CassetteError> {
        let unreadable = |source| CassetteError::Unreadable { path: path.to_owned(), source };
        let text = read(path)?;
        let (mut player, keep) = parse(path, &text, true)?;
        if keep == 0 {
            return Ok(None);
        }
        if keep < text.len() {
            let file = File::options().write(true).open(path).map_err(unreadable)?;
            file.set_len(keep as u64).map_err(unreadable)?;
        }
        player.limit = player.limit.filter(|(_, reason, _)| !may_be_raised(*reason));
        player.resumes = true;
        Ok(Some(player))
    }

    /// Reads a cassette as far as it is whole, to see what it holds.
    ///
    /// # Errors
    /// When it cannot be read, or a line is none of ours.
    pub fn look(path: &Path) -> Result<Player, CassetteError> {
        Ok(parse(path, &read(path)?, true)?.0)
    }

    /// All attempts that are left.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.entries.iter().map(|entry| &entry.attempt)
    }

    /// What came of a request when it was recorded.
    ///
    /// # Errors
    /// When another request was recorded, or none.
    pub fn play(&mut self, step: Step, call: u32, digest: &str) -> Result<Played, Miss> {
        let Some(next) = self.entries.front() else {
            return match self.limit.take() {
                Some((at, reason, message)) if at == step => Ok(Played::Limit(reason, message)),
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
        let Entry { mut attempt, .. } = self.entries.pop_front().expect("it is in front");
        // A call that was given up and taken up again later has more attempts after its last one.
        let goes_on = match self.entries.front() {
            Some(next) => (next.step, next.call) == (step, call),
            // A reply counts all the same, unless it ended the run because another model gave it.
            None => self.resumes && attempt.outcome != Outcome::ContextOverflow,
        };
        if goes_on {
            attempt.last = false;
        }
        Ok(Played::Attempt(Box::new(attempt)))
    }

    /// By which the costs in the records were reckoned.
    #[must_use]
    pub fn pricing(&self) -> Pricing {
        self.pricing
    }

    /// The first recorded request that was not played, if any.
    #[must_use]
    pub fn left(&self) -> Option<(Step, u32)> {
        self.entries.front().map(|entry| (entry.step, entry.call))
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

/// The entries, and how many bytes of the text stay when the run goes on.
fn parse(path: &Path, text: &[u8], may_be_cut: bool) -> Result<(Player, usize), CassetteError> {
    let wrong = |line: usize, why: String| CassetteError::Line { path: path.to_owned(), line, why };
    let (mut pricing, mut entries, mut limit, mut keep) = (Pricing::unknown(), VecDeque::new(), None, 0);
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        if !line.ends_with(b"\n") {
            if may_be_cut {
                break;
            }
            return Err(wrong(number, "it is incomplete, so the run was killed while it was written".to_owned()));
        }
        if limit.is_some() {
            return Err(wrong(number, "something follows the limit that ended the run".to_owned()));
        }
        match (index, serde_json::from_slice::<Line>(line).map_err(|error| wrong(number, error.to_string()))?) {
            (0, Line::Header(Header { cassette: VERSION, pricing: known, .. })) => {
                pricing = known;
                keep += line.len();
            }
            (0, Line::Header(Header { cassette, .. })) => {
                return Err(wrong(number, format!("it is of version {cassette}, and this program reads {VERSION}")));
            }
            (0, _) => return Err(wrong(number, "a cassette begins with its version".to_owned())),
            (_, Line::Header(_)) => return Err(wrong(number, "a second beginning".to_owned())),
            (_, Line::Entry(entry)) => {
                entries.push_back(*entry);
                keep += line.len();
            }
            (_, Line::Limit(reached)) => {
                let (_, reason) =
                    LIMITS.into_iter().find(|(limit, _)| *limit == reached.limit).expect("all are listed");
                if !may_be_raised(reason) {
                    keep += line.len();
                }
                limit = Some((reached.step, reason, reached.message));
            }
        }
    }
    Ok((Player { pricing, entries, limit, resumes: false }, keep))
}

/// A cassette being recorded. Each line goes to the system at once: a killed process loses none.
#[derive(Debug)]
pub struct Recorder {
    file: File,
    line: Vec<u8>,
}

impl Recorder {
    /// Begins a cassette.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(path: &Path, model: &str, pricing: Pricing) -> io::Result<Recorder> {
        let mut recorder = Recorder { file: File::create(path)?, line: Vec::new() };
        recorder.write(&Header { cassette: VERSION, model: model.to_owned(), pricing })?;
        Ok(recorder)
    }

    /// Goes on with one, behind what it holds.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(path: &Path) -> io::Result<Recorder> {
        Ok(Recorder { file: File::options().append(true).open(path)?, line: Vec::new() })
    }

    /// Records what came of a request.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn record(&mut self, entry: &Entry) -> io::Result<()> {
        self.write(entry)
    }

    /// Records that a limit ended the run. Other ends follow from what was recorded.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn record_limit(&mut self, step: Step, reason: EndReason, message: &str) -> io::Result<()> {
        let Some((limit, _)) = LIMITS.into_iter().find(|(_, end)| *end == reason) else { return Ok(()) };
        self.write(&Limit { step, limit, message: message.to_owned() })
    }

    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line).expect("a line of a cassette is JSON");
        self.line.push(b'\n');
        self.file.write_all(&self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(number: u32, outcome: Outcome, last: bool) -> Attempt {
        Attempt {
            attempt: number,
            outcome,
            last,
            status: Some(200),
            body: Some("\u{0007}{\"a\": 1}".to_owned()),
            error: None,
            queued_ms: 0.25,
            latency_ms: 200.0,
            first_byte_ms: None,
            retry_after_ms: None,
            in_flight: 1,
            limit: 20,
            request_id: None,
        }
    }

    fn entry(step: Step, call: u32, attempt: Attempt) -> Entry {
        Entry { step, call, request_bytes: 10, request_digest: format!("d{step}.{call}"), attempt }
    }

    fn recorded(entries: &[Entry]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let mut recorder = Recorder::create(&path, "org/model", Pricing::unknown()).unwrap();
        for entry in entries {
            recorder.record(entry).unwrap();
        }
        (folder, path)
    }

    fn played(player: &mut Player, step: Step, call: u32) -> (Outcome, bool) {
        match player.play(step, call, &format!("d{step}.{call}")).unwrap() {
            Played::Attempt(attempt) => (attempt.outcome, attempt.last),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_recorded_is_played_in_order_and_to_the_byte() {
        let entries = [
            entry(0, 0, attempt(1, Outcome::HttpError, false)),
            entry(0, 0, attempt(2, Outcome::Reply, true)),
            entry(0, 1, attempt(1, Outcome::Reply, true)),
        ];
        let (_folder, path) = recorded(&entries);
        let mut player = Player::open(&path).unwrap();
        assert_eq!(player.play(0, 0, "d0.0").unwrap(), Played::Attempt(Box::new(entries[0].attempt.clone())));
        assert_eq!(played(&mut player, 0, 0), (Outcome::Reply, true));
        assert_eq!(player.left(), Some((0, 1)));
        assert_eq!(played(&mut player, 0, 1), (Outcome::Reply, true));
        assert_eq!(player.play(1, 0, "d1.0"), Err(Miss::End { step: 1, call: 0 }));
    }

    #[test]
    fn another_request_is_a_difference() {
        let (_folder, path) = recorded(&[entry(3, 0, attempt(1, Outcome::Reply, true))]);
        let mut player = Player::open(&path).unwrap();
        assert!(matches!(player.play(3, 0, "other"), Err(Miss::Request { step: 3, .. })));
        assert!(matches!(player.play(2, 0, "d2.0"), Err(Miss::Order { step: 2, next_step: 3, .. })));
        assert_eq!(played(&mut player, 3, 0), (Outcome::Reply, true), "a difference uses nothing up");
    }

    #[test]
    fn a_call_given_up_goes_on_where_it_was_taken_up() {
        let entries =
            [entry(4, 0, attempt(1, Outcome::Timeout, false)), entry(4, 0, attempt(2, Outcome::Timeout, true))];
        let (_folder, path) = recorded(&entries);
        let mut player = Player::open(&path).unwrap();
        assert_eq!(played(&mut player, 4, 0), (Outcome::Timeout, false));
        assert_eq!(played(&mut player, 4, 0), (Outcome::Timeout, true), "a repetition gives up as the run did");

        let mut player = Player::resume(&path).unwrap().unwrap();
        assert!(!played(&mut player, 4, 0).1);
        assert!(!played(&mut player, 4, 0).1, "the resumed run does not give up");
        assert_eq!(player.play(4, 0, "d4.0"), Ok(Played::GoLive));
        Recorder::append(&path).unwrap().record(&entry(4, 0, attempt(1, Outcome::Reply, true))).unwrap();
        let mut player = Player::open(&path).unwrap();
        assert_eq!(
            [played(&mut player, 4, 0).1, played(&mut player, 4, 0).1, played(&mut player, 4, 0).1],
            [false, false, true]
        );
    }

    #[test]
    fn a_limit_of_the_experiment_ends_a_repetition_and_not_a_resumed_run() {
        let (_folder, path) = recorded(&[entry(0, 0, attempt(1, Outcome::Reply, true))]);
        let before = fs::read(&path).unwrap();
        Recorder::append(&path).unwrap().record_limit(1, EndReason::CostLimit, "spent").unwrap();
        let mut player = Player::open(&path).unwrap();
        played(&mut player, 0, 0);
        assert_eq!(player.play(1, 0, "x"), Ok(Played::Limit(EndReason::CostLimit, "spent".to_owned())));
        let mut player = Player::resume(&path).unwrap().unwrap();
        played(&mut player, 0, 0);
        assert_eq!(player.play(1, 0, "x"), Ok(Played::GoLive));
        assert_eq!(fs::read(&path).unwrap(), before, "the limit is cut off");

        Recorder::append(&path).unwrap().record_limit(1, EndReason::RunTimeLimit, "late").unwrap();
        let limited = fs::read(&path).unwrap();
        let mut player = Player::resume(&path).unwrap().unwrap();
        played(&mut player, 0, 0);
        assert_eq!(player.play(1, 0, "x"), Ok(Played::Limit(EndReason::RunTimeLimit, "late".to_owned())));
        assert_eq!(fs::read(&path).unwrap(), limited, "its own limit is what became of the run");
    }

    #[test]
    fn a_broken_line_is_named_and_a_half_one_is_cut_off_to_go_on() {
        let (_folder, path) = recorded(&[entry(0, 0, attempt(1, Outcome::Reply, true))]);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], b"{\"step\": 1, \"ca"].concat()).unwrap();
        assert!(matches!(Player::open(&path), Err(CassetteError::Line { line: 3, .. })));
        let mut player = Player::resume(&path).unwrap().unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
        assert_eq!(played(&mut player, 0, 0), (Outcome::Reply, false), "unless it was no reply to the question");
        assert_eq!(player.play(1, 0, "x"), Ok(Played::GoLive));
        for broken in [&b"nonsense\n"[..], b"{\"step\": 1}\n"] {
            fs::write(&path, [&whole[..], broken].concat()).unwrap();
            assert!(matches!(Player::resume(&path), Err(CassetteError::Line { line: 3, .. })));
        }
        fs::write(&path, b"").unwrap();
        assert_eq!(Player::open(&path).unwrap().left(), None, "a run without a step has no requests");
        for cut in [0, 10] {
            fs::write(&path, &whole[..cut]).unwrap();
            assert!(Player::resume(&path).unwrap().is_none(), "there is nothing to go on from");
        }
    }
}

//! Where the answers of one run come from: a cassette first, as far as it goes, then a server, the mock provider or a
//! recording. Whatever is not out of the cassette goes into it before anybody else sees it.

use std::io;

use crossbeam_channel::Sender;

use super::attempt::Attempt;
use super::cassette::{Entry, Miss, Played, Player, Recorder};
use super::mock;
use super::recording::Recording;
use super::transport::{self, Answer, CallGuard, ProviderId, Transport};
use crate::agent::llm::deliberation::Call;
use crate::config::settings::ReplyFormat;
use crate::step::end::EndReason;

/// Where answers come from that are not recorded.
pub enum Source<'a> {
    /// A server.
    Server {
        /// The way to it.
        transport: &'a Transport,
        /// Which one.
        provider: ProviderId,
        /// Where its answers arrive.
        answers: Sender<Answer>,
        /// By which they are known there.
        ticket: u64,
        /// Tokens that a reply may have.
        reply_tokens: u64,
    },
    /// The provider that answers inside the process.
    Mock {
        /// The model that it plays.
        model: String,
        /// The form of its replies.
        format: ReplyFormat,
    },
    /// Another program's recording.
    Recording(Recording),
    /// Nowhere: the cassette is all there is.
    Nowhere,
}

/// The answers of one run.
pub struct Wire<'a> {
    source: Source<'a>,
    player: Option<Player>,
    recorder: Option<Recorder>,
    /// The call whose answer is under way: letting go of it closes the connection.
    under_way: Option<CallGuard>,
}

/// What a call came to.
#[derive(Debug)]
pub enum Asked {
    /// It was recorded.
    Played(Box<Attempt>),
    /// It was answered at once, and that is recorded now.
    Answered(Box<Attempt>),
    /// It is under way.
    Later,
    /// There will be no answer: a recorded limit ended the run, or a recording is at its end.
    Over(EndReason, String),
}

/// Why a call could not even be asked.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The run differs from its cassette.
    #[error(transparent)]
    Miss(#[from] Miss),
    /// The cassette cannot be written.
    #[error("the cassette cannot be written")]
    Write(#[from] io::Error),
}

impl<'a> Wire<'a> {
    /// A wire that plays `player` first and records into `recorder`.
    #[must_use]
    pub fn new(source: Source<'a>, player: Option<Player>, recorder: Option<Recorder>) -> Wire<'a> {
        Wire { source, player, recorder, under_way: None }
    }

    /// What was recorded of a call; `None` where it is new, and a limit may forbid it.
    ///
    /// # Errors
    /// When another call was recorded.
    pub fn play(&mut self, call: &Call) -> Result<Option<Asked>, WireError> {
        let Some(player) = &mut self.player else { return Ok(None) };
        match player.play(call.step, call.number, &call.digest)? {
            Played::Attempt(attempt) => Ok(Some(Asked::Played(attempt))),
            Played::Limit(reason, message) => Ok(Some(Asked::Over(reason, message))),
            Played::GoLive => {
                self.player = None;
                Ok(None)
            }
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// When the cassette cannot be written, or there is nobody to ask.
    pub fn ask(&mut self, call: &mut Call) -> Result<Asked, WireError> {
        let attempt = match &self.source {
            Source::Server { transport, provider, answers, ticket, reply_tokens } => {
                let request = transport::Call {
                    ticket: *ticket,
                    body: std::mem::take(&mut call.body),
                    tokens_estimate: call.tokens.saturating_add(*reply_tokens),
                    answers: answers.clone(),
                };
                self.under_way = Some(transport.submit(*provider, request));
                return Ok(Asked::Later);
            }
            Source::Mock { model, format } => mock::answer(model, *format, call.step, call.bytes),
            Source::Recording(recording) => match recording.answer(call.step) {
                Some(attempt) => attempt,
                None => {
                    let (reason, message) = (EndReason::AgentStop, "the recording has no more replies");
                    self.record_limit(call, reason, message)?;
                    return Ok(Asked::Over(reason, message.to_owned()));
                }
            },
            Source::Nowhere => return Err(Miss::End { step: call.step, call: call.number }.into()),
        };
        self.record(call, &attempt)?;
        Ok(Asked::Answered(Box::new(attempt)))
    }

    /// Records what came of a call that was under way.
    ///
    /// # Errors
    /// When the cassette cannot be written.
    pub fn record(&mut self, call: &Call, attempt: &Attempt) -> Result<(), WireError> {
        if attempt.last {
            self.under_way = None;
        }
        let Some(recorder) = &mut self.recorder else { return Ok(()) };
        let entry = Entry {
            step: call.step,
            call: call.number,
            request_bytes: call.bytes,
            request_digest: call.digest.clone(),
            attempt: attempt.clone(),
        };
        Ok(recorder.record(&entry)?)
    }

    /// Records that a limit ended the run. A call that is under way is let go.
    ///
    /// # Errors
    /// When the cassette cannot be written.
    pub fn record_limit(&mut self, call: &Call, reason: EndReason, message: &str) -> Result<(), WireError> {
        self.under_way = None;
        match &mut self.recorder {
            Some(recorder) => Ok(recorder.record_limit(call.step, reason, message)?),
            None => Ok(()),
        }
    }

    /// The first recorded call that the run did not make, if any.
    #[must_use]
    pub fn left_over(&self) -> Option<(crate::units::Step, u32)> {
        self.player.as_ref().and_then(Player::left)
    }
}

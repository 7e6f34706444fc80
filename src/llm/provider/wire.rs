//! Where the answers of one run come from: a cassette first, as far as it goes, then a server, the mock provider or a
//! recording. Whatever is not out of the cassette goes into it before anybody else sees it.

use std::io;

use crossbeam_channel::Sender;

use crate::base::run_end::EndReason;
use crate::config::settings::ReplyFormat;
use crate::llm::deliberation::Call;
use crate::llm::provider::attempt::Attempt;
use crate::llm::provider::budget::Estimate;
use crate::llm::provider::cassette::{Entry, Miss, Played, Player, Recorder};
use crate::llm::provider::mock;
use crate::llm::provider::recording::Recording;
use crate::llm::provider::transport;
use crate::llm::provider::transport::{Answer, CallEvent, CallGuard, PendingEvent, ProviderId, Transport};

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
    /// Nowhere: the cassette is all there is, and the run that it is of is made again. What is played is recorded anew,
    /// so that the two can be compared.
    Nowhere,
}

/// The answers of one run.
pub struct Wire<'a> {
    source: Source<'a>,
    player: Option<Player>,
    recorder: Option<Recorder>,
    /// The call whose answer is under way: letting go of it closes the connection.
    under_way: Option<UnderWay>,
}

struct UnderWay {
    guard: CallGuard,
    /// What has come of it so far.
    heard: u32,
}

/// The result of a call.
#[derive(Debug)]
pub enum Asked {
    /// It was recorded, with what it was taken for.
    Played(Box<Attempt>, Option<Estimate>),
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

    /// What was recorded of a call; `None` where it is new, and a limit may forbid it. `estimate` is what the call is
    /// taken for now.
    ///
    /// # Errors
    /// When another call was recorded.
    pub fn play(&mut self, call: &Call, estimate: Option<Estimate>) -> Result<Option<Asked>, WireError> {
        let Some(player) = &mut self.player else { return Ok(None) };
        let played = player.play(call.step, call.number, &call.digest)?;
        let is_repetition = matches!(self.source, Source::Nowhere);
        match played {
            Played::Attempt(attempt, recorded) => {
                if is_repetition {
                    self.record(call, &attempt, estimate)?;
                }
                Ok(Some(Asked::Played(attempt, recorded)))
            }
            Played::Limit(reason, message) => {
                if is_repetition {
                    self.record_limit(call, reason, &message)?;
                }
                Ok(Some(Asked::Over(reason, message)))
            }
            Played::GoLive => {
                self.player = None;
                Ok(None)
            }
        }
    }

    /// Asks. `estimate` is what the call is taken for.
    ///
    /// # Errors
    /// When the cassette cannot be written, or there is nobody to ask.
    pub fn ask(&mut self, call: &Call, estimate: Option<Estimate>) -> Result<Asked, WireError> {
        let attempt = match &self.source {
            Source::Server { transport, provider, answers, ticket } => {
                let request = transport::Call {
                    ticket: *ticket,
                    body: call.body.clone(),
                    tokens_estimate: estimate.map_or(call.tokens, |estimate| estimate.tokens),
                    answers: answers.clone(),
                };
                self.under_way = Some(UnderWay { guard: transport.submit(*provider, request), heard: 0 });
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
        self.record(call, &attempt, estimate)?;
        Ok(Asked::Answered(Box::new(attempt)))
    }

    /// Takes in an event of a call in flight, and records it.
    ///
    /// # Errors
    /// When the cassette cannot be written.
    pub fn on_attempt(&mut self, call: &Call, news: &CallEvent, estimate: Option<Estimate>) -> Result<(), WireError> {
        if news.is_final() {
            self.under_way = None;
        }
        if let Some(under_way) = &mut self.under_way {
            under_way.heard += 1;
        }
        match news {
            CallEvent::Attempt(attempt) => self.record(call, attempt, estimate),
            CallEvent::Abandoned => Ok(()),
        }
    }

    /// Lets go of the call under way, if one is, and says what is to be heard and recorded of a request that was in
    /// flight.
    ///
    /// # Errors
    /// When an event of the call waits in the channel. The call then stays in flight.
    pub fn cancel(&mut self) -> Result<Option<Attempt>, PendingEvent> {
        let Some(UnderWay { guard, heard }) = &self.under_way else { return Ok(None) };
        let abandoned = guard.cancel(*heard)?;
        self.under_way = None;
        Ok(abandoned)
    }

    /// Records the outcome of a request.
    ///
    /// # Errors
    /// When the cassette cannot be written.
    pub fn record(&mut self, call: &Call, attempt: &Attempt, estimate: Option<Estimate>) -> Result<(), WireError> {
        let Some(recorder) = &mut self.recorder else { return Ok(()) };
        let entry = Entry {
            step: call.step,
            call: call.number,
            request_bytes: call.bytes,
            request_digest: call.digest.clone(),
            estimate,
            attempt: attempt.clone(),
        };
        Ok(recorder.record(&entry)?)
    }

    /// Records that a limit ended the run in the place of a call.
    ///
    /// # Errors
    /// When the cassette cannot be written.
    pub fn record_limit(&mut self, call: &Call, reason: EndReason, message: &str) -> Result<(), WireError> {
        match &mut self.recorder {
            Some(recorder) => Ok(recorder.record_limit((call.step, call.number), reason, message)?),
            None => Ok(()),
        }
    }

    /// The step and call of the first record that the run did not come to, if any.
    #[must_use]
    pub fn left_over(&self) -> Option<(crate::base::units::Step, u32)> {
        self.player.as_ref().and_then(Player::left)
    }
}

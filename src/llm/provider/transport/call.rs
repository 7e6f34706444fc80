//! One call: its attempts one after another, from the first place in the queue to the last answer.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::Sender;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout_at};

use crate::llm::provider::attempt::{Attempt, Outcome};
use crate::llm::provider::transport::concurrency_limiter::Signal;
use crate::llm::provider::transport::endpoint::Provider;
use crate::llm::provider::transport::exchange::{Exchange, exchange};
use crate::llm::provider::transport::request_queue::{Queue, RequestQueue};
use crate::llm::provider::transport::retry;
use crate::llm::provider::transport::retry::Next;

/// A request to be sent until it is answered, or not worth sending again.
pub struct Call {
    /// The caller's name for it, which its answers carry.
    pub ticket: u64,
    /// The body to post.
    pub body: Bytes,
    /// How many tokens it may come to, reply included, for `tokens_per_minute`.
    pub tokens_estimate: u64,
    /// Where the answers go. It must be unbounded, since the transport waits for no reader; if the other end is gone
    /// when an attempt ends, nothing is sent again.
    pub answers: Sender<Answer>,
}

/// An event of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The call's ticket.
    pub ticket: u64,
    /// The event.
    pub news: CallEvent,
}

/// An event of a call. Each attempt is reported when it has ended. The final word is an attempt that no other follows,
/// or that there will be none after all.
#[derive(Clone, Debug, PartialEq)]
pub enum CallEvent {
    /// An attempt has ended.
    Attempt(Attempt),
    /// No slot for the next attempt came in time: the one that was told before is the last.
    Abandoned,
}

impl CallEvent {
    /// Whether it is the final word on its call.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            CallEvent::Attempt(attempt) => attempt.last,
            CallEvent::Abandoned => true,
        }
    }
}

/// An event of a call waits in the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingEvent;

/// Keeps a call alive. Dropping it cancels the call, wherever it is: waiting calls leave the queue, sent ones close
/// their connection. Answers that were given stay in the channel, so a ticket is not to be used for another call before
/// they were taken out.
#[derive(Debug)]
#[must_use = "dropping it cancels the call"]
pub struct CallGuard {
    task: AbortHandle,
    course: Arc<Mutex<CallState>>,
}

/// How far a call has come.
#[derive(Debug, Default)]
pub(super) struct CallState {
    /// Answers that were given.
    told: u32,
    /// The attempt that is under way.
    in_flight: Option<InFlight>,
    /// Whether the caller has let go of it.
    is_over: bool,
}

#[derive(Debug)]
struct InFlight {
    attempt: u32,
    queued: Duration,
    sent: Instant,
    in_flight: u32,
    limit: u32,
}

impl CallGuard {
    pub(super) fn new(task: AbortHandle, course: Arc<Mutex<CallState>>) -> Self {
        Self { task, course }
    }

    /// Cancels the call, of which the caller has heard so many answers. If a request was in flight, it is now one that
    /// was abandoned. Afterwards no answer comes any more.
    ///
    /// # Errors
    /// When more answers were given than the caller has heard: they wait in the channel. Nothing is cancelled then.
    pub fn cancel(&self, heard: u32) -> Result<Option<Attempt>, PendingEvent> {
        let mut course = lock(&self.course);
        if course.told > heard {
            return Err(PendingEvent);
        }
        course.is_over = true;
        self.task.abort();
        Ok(course.in_flight.take().map(|flight| Attempt {
            attempt: flight.attempt,
            outcome: Outcome::Abandoned,
            last: false,
            status: None,
            body: None,
            error: Some("the answer was not waited for".to_owned()),
            queued_ms: ms(flight.queued),
            latency_ms: ms(flight.sent.elapsed()),
            first_byte_ms: None,
            retry_after_ms: None,
            in_flight: flight.in_flight,
            limit: flight.limit,
            request_id: None,
        }))
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(course: &Mutex<CallState>) -> MutexGuard<'_, CallState> {
    course.lock().expect("nothing panics while it holds the course of a call")
}

/// Where the answers of a call go.
struct Outbox {
    ticket: u64,
    answers: Sender<Answer>,
    course: Arc<Mutex<CallState>>,
}

impl Outbox {
    /// An attempt is sent.
    fn begin(&self, in_flight: InFlight) {
        lock(&self.course).in_flight = Some(in_flight);
    }

    /// Sends an event of the call. Returns whether the receiver still exists.
    fn put(&self, news: CallEvent) -> bool {
        let mut course = lock(&self.course);
        // Whoever lets go sees either the request in flight or the answer, and never neither.
        course.in_flight = None;
        if course.is_over {
            return false;
        }
        course.told += 1;
        self.answers.send(Answer { ticket: self.ticket, news }).is_ok()
    }
}

/// Sends a call until it has its final word.
pub(super) async fn run(
    provider: Arc<Provider>,
    request_queue: Arc<RequestQueue>,
    call: Call,
    course: Arc<Mutex<CallState>>,
    seed: u64,
) {
    let called = Instant::now();
    let Call { ticket, body, tokens_estimate, answers } = call;
    let outbox = Outbox { ticket, answers, course };
    let mut began: Option<Instant> = None;
    for number in 1.. {
        let slot = match began {
            None => request_queue.slot(Queue::Fresh, tokens_estimate).await,
            Some(began) => {
                let deadline = began + provider.policy.timeout;
                match timeout_at(deadline.into(), request_queue.slot(Queue::Begun, tokens_estimate)).await {
                    Ok(slot) => slot,
                    Err(_) => {
                        outbox.put(CallEvent::Abandoned);
                        return;
                    }
                }
            }
        };

        let (in_flight, limit) = (slot.in_flight, slot.limit);
        let sent = Instant::now();
        let began = *began.get_or_insert(sent);
        outbox.begin(InFlight { attempt: number, queued: sent - called, sent, in_flight, limit });
        let left = provider.policy.timeout.saturating_sub(sent - began);
        let request = provider.request(body.clone());
        let answer = exchange(&provider, request, sent, left.min(provider.attempt_timeout)).await;
        slot.settle(signal(&answer));

        let jitter = retry::jitter(seed, ticket, number);
        let next = provider.policy.next(number, answer.outcome, answer.status, answer.advice, began.elapsed(), jitter);
        let is_heard = outbox.put(CallEvent::Attempt(Attempt {
            attempt: number,
            outcome: answer.outcome,
            last: next == Next::Stop,
            status: answer.status,
            body: answer.body,
            error: answer.error,
            queued_ms: ms(sent - called),
            latency_ms: ms(answer.latency),
            first_byte_ms: answer.first_byte.map(ms),
            retry_after_ms: answer.advice.retry_after.map(ms),
            in_flight,
            limit,
            request_id: answer.request_id,
        }));
        match next {
            Next::Retry { after } if is_heard => sleep(after).await,
            Next::Retry { .. } | Next::Stop => return,
        }
    }
}

/// What an answer says about the provider's load.
fn signal(answer: &Exchange) -> Signal {
    match answer.outcome {
        Outcome::Reply => Signal::Success,
        Outcome::HttpError if answer.status == Some(429) => Signal::Throttled(answer.advice.retry_after),
        outcome if retry::passes(outcome, answer.status) => Signal::TransientFailure,
        _ => Signal::Neutral,
    }
}

/// Milliseconds, to the microsecond.
fn ms(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

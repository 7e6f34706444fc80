//! One call: its attempts one after another, from the first place in the queue to the last answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::Sender;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout_at};

use super::super::attempt::{Attempt, Outcome};
use super::endpoint::Provider;
use super::exchange::{Exchange, exchange};
use super::gate::{Gate, Queue};
use super::limiter::Signal;
use super::retry::{self, Next};

/// A request to be sent until it is answered, or not worth sending again.
pub struct Call {
    /// The caller's name for it, which its answers carry.
    pub ticket: u64,
    /// The body to post.
    pub body: Vec<u8>,
    /// How many tokens it may come to, reply included, for `tokens_per_minute`.
    pub tokens_estimate: u64,
    /// Where the attempts go. It must be unbounded, since the transport waits for no reader; once the other end is
    /// gone, nothing is sent again.
    pub answers: Sender<Answer>,
}

/// An attempt of a call. The one with [`Attempt::last`] set is the final word.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The call's ticket.
    pub ticket: u64,
    /// What became of the attempt.
    pub attempt: Attempt,
}

/// Keeps a call alive. Dropping it cancels the call, wherever it is: waiting calls leave the queue, sent ones close
/// their connection. Attempts already answered stay in the channel, so a ticket is not to be used twice.
#[derive(Debug)]
#[must_use = "dropping it cancels the call"]
pub struct CallGuard {
    task: AbortHandle,
}

impl CallGuard {
    pub(super) fn new(task: AbortHandle) -> Self {
        Self { task }
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where the attempts of a call go.
struct Outbox {
    ticket: u64,
    answers: Sender<Answer>,
}

impl Outbox {
    /// Whether someone is there to read it.
    fn put(&self, attempt: Attempt) -> bool {
        self.answers.send(Answer { ticket: self.ticket, attempt }).is_ok()
    }
}

/// Sends a call until it has its last attempt. An attempt is told when it is known whether another follows, which is
/// when that one is sent.
pub(super) async fn run(provider: Arc<Provider>, gate: Arc<Gate>, call: Call, seed: u64) {
    let called = Instant::now();
    let Call { ticket, body, tokens_estimate, answers } = call;
    let outbox = Outbox { ticket, answers };
    let body = Bytes::from(body);
    let mut began: Option<Instant> = None;
    let mut untold: Option<Attempt> = None;
    for number in 1.. {
        let slot = match began {
            None => gate.slot(Queue::Fresh, tokens_estimate).await,
            Some(began) => {
                let deadline = began + provider.policy.timeout;
                match timeout_at(deadline.into(), gate.slot(Queue::Begun, tokens_estimate)).await {
                    Ok(slot) => slot,
                    Err(_) => {
                        let attempt = untold.expect("a call that has begun has made an attempt");
                        outbox.put(Attempt { last: true, ..attempt });
                        return;
                    }
                }
            }
        };
        if untold.take().is_some_and(|attempt| !outbox.put(attempt)) {
            return;
        }

        let (in_flight, limit) = (slot.in_flight, slot.limit);
        let sent = Instant::now();
        let began = *began.get_or_insert(sent);
        let left = provider.policy.timeout.saturating_sub(sent - began);
        let request = provider.request(body.clone());
        let answer = exchange(&provider, request, sent, left.min(provider.attempt_timeout)).await;
        slot.settle(signal(&answer));

        let roll = retry::roll(seed, ticket, number);
        let next = provider.policy.next(number, answer.outcome, answer.status, answer.advice, began.elapsed(), roll);
        let attempt = Attempt {
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
        };
        match next {
            Next::Stop => {
                outbox.put(attempt);
                return;
            }
            Next::Retry { after } => {
                untold = Some(attempt);
                sleep(after).await;
            }
        }
    }
}

/// What an answer says about the provider's load.
fn signal(answer: &Exchange) -> Signal {
    match answer.outcome {
        Outcome::Reply => Signal::Success,
        Outcome::HttpError if answer.status == Some(429) => Signal::Throttled(answer.advice.retry_after),
        outcome if retry::passes(outcome, answer.status) => Signal::Faltered,
        _ => Signal::Neutral,
    }
}

/// Milliseconds, to the microsecond.
fn ms(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

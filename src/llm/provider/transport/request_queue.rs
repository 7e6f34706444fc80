//! Who may send when: the queue in front of a provider.
//!
//! A call waits here for a slot before each of its attempts. Calls that have already sent something go first, since
//! their time is running; among equals it is first come, first served. Nobody waits for a slot while it could have one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::llm::provider::transport::concurrency_limiter::{ConcurrencyLimiter, LimitChange, Signal};
use crate::llm::provider::transport::rate_limiter::RateLimiter;

/// Which queue a call waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// Calls that have sent nothing yet.
    Fresh,
    /// Calls on their way to another attempt.
    Begun,
}

/// The request_queue of one provider.
pub(super) struct RequestQueue {
    state: Mutex<State>,
    runtime: Handle,
}

struct State {
    limiter: ConcurrencyLimiter,
    rate_limiter: RateLimiter,
    in_flight: u32,
    begun: VecDeque<Waiter>,
    fresh: VecDeque<Waiter>,
    /// Whether the request_queue will look again by itself, for the sake of the rate_limiter.
    alarm: bool,
}

struct Waiter {
    tokens: u64,
    slot: oneshot::Sender<Slot>,
}

/// The right to send one request; ends when dropped.
pub(super) struct Slot {
    request_queue: Arc<RequestQueue>,
    /// Requests in flight, this one included.
    pub(super) in_flight: u32,
    /// How many could be.
    pub(super) limit: u32,
}

impl RequestQueue {
    pub(super) fn new(limiter: ConcurrencyLimiter, rate_limiter: RateLimiter, runtime: Handle) -> Self {
        let state =
            State { limiter, rate_limiter, in_flight: 0, begun: VecDeque::new(), fresh: VecDeque::new(), alarm: false };
        Self { state: Mutex::new(state), runtime }
    }

    /// Waits for the right to send a request of so many tokens. Dropping the future leaves the queue.
    pub(super) async fn slot(self: &Arc<Self>, queue: Queue, tokens: u64) -> Slot {
        self.enter(queue, tokens).await.expect("the request_queue keeps every waiter until it is served or gone")
    }

    fn enter(self: &Arc<Self>, queue: Queue, tokens: u64) -> oneshot::Receiver<Slot> {
        let (slot, granted) = oneshot::channel();
        let mut state = self.lock();
        match queue {
            Queue::Fresh => state.fresh.push_back(Waiter { tokens, slot }),
            Queue::Begun => state.begun.push_back(Waiter { tokens, slot }),
        }
        self.admit(state);
        granted
    }

    fn wake(self: &Arc<Self>) {
        let mut state = self.lock();
        state.alarm = false;
        self.admit(state);
    }

    /// The changes of the limit since this was last asked.
    pub(super) fn take_changes(&self) -> Vec<LimitChange> {
        self.lock().limiter.take_changes()
    }

    /// Lets in as many as may go.
    fn admit(self: &Arc<Self>, mut guard: MutexGuard<'_, State>) {
        let state = &mut *guard;
        while state.in_flight < state.limiter.limit() {
            let queue = if state.begun.is_empty() { &mut state.fresh } else { &mut state.begun };
            let Some(first) = queue.front() else { return };
            if first.slot.is_closed() {
                queue.pop_front();
                continue;
            }
            let now = Instant::now();
            if let Err(wait) = state.rate_limiter.take(now, first.tokens) {
                if !state.alarm {
                    state.alarm = true;
                    let request_queue = Arc::clone(self);
                    self.runtime.spawn(async move {
                        tokio::time::sleep_until((now + wait).into()).await;
                        request_queue.wake();
                    });
                }
                return;
            }
            let first = queue.pop_front().expect("it has a front");
            state.in_flight += 1;
            state.limiter.sent(state.in_flight);
            let slot =
                Slot { request_queue: Arc::clone(self), in_flight: state.in_flight, limit: state.limiter.limit() };
            if let Err(unwanted) = first.slot.send(slot) {
                // Its end takes the lock and looks again.
                drop(guard);
                drop(unwanted);
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no one panics while holding the request_queue")
    }
}

impl Slot {
    /// Ends the request and tells how it went.
    pub(super) fn settle(self, signal: Signal) {
        self.request_queue.lock().limiter.ended(signal, Instant::now());
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.request_queue.lock();
        state.in_flight -= 1;
        self.request_queue.admit(state);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn request_queue(start: u32, max: u32, per_minute: Option<u32>) -> Arc<RequestQueue> {
        let rate_limiter = RateLimiter::new(per_minute.and_then(NonZeroU32::new), None, Instant::now());
        Arc::new(RequestQueue::new(ConcurrencyLimiter::new(start, max), rate_limiter, Handle::current()))
    }

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn calls_that_have_begun_go_first_and_those_that_left_are_skipped() {
        run(async {
            let request_queue = request_queue(1, 1, None);
            let held = request_queue.slot(Queue::Fresh, 1).await;
            let mut fresh = Box::pin(request_queue.slot(Queue::Fresh, 1));
            let mut gone = Box::pin(request_queue.slot(Queue::Begun, 1));
            let mut begun = Box::pin(request_queue.slot(Queue::Begun, 1));
            for waiting in [&mut fresh, &mut gone, &mut begun] {
                assert!(tokio::time::timeout(Duration::ZERO, waiting).await.is_err());
            }
            drop(gone);
            drop(held);
            assert!(tokio::time::timeout(Duration::ZERO, &mut fresh).await.is_err());
            let second = begun.await;
            assert_eq!((second.in_flight, second.limit), (1, 1));
            drop(second);
            fresh.await;
        });
    }

    #[test]
    fn a_slot_granted_to_someone_who_has_left_goes_on() {
        run(async {
            let request_queue = request_queue(1, 1, None);
            let held = request_queue.slot(Queue::Fresh, 1).await;
            let mut gone = Box::pin(request_queue.slot(Queue::Fresh, 1));
            assert!(tokio::time::timeout(Duration::ZERO, &mut gone).await.is_err());
            drop(held);
            drop(gone);
            let slot = tokio::time::timeout(Duration::from_secs(5), request_queue.slot(Queue::Fresh, 1)).await.unwrap();
            assert_eq!(slot.in_flight, 1);
        });
    }

    #[test]
    fn a_higher_limit_lets_more_in() {
        run(async {
            let request_queue = request_queue(1, 2, None);
            request_queue.slot(Queue::Fresh, 1).await.settle(Signal::Success);
            let first = request_queue.slot(Queue::Fresh, 1).await;
            let second = request_queue.slot(Queue::Fresh, 1).await;
            assert_eq!((first.limit, second.in_flight, second.limit), (2, 2, 2));
            assert_eq!(request_queue.take_changes().len(), 1);
        });
    }

    #[test]
    fn the_gate_wakes_by_itself_when_the_pace_allows() {
        run(async {
            let request_queue = request_queue(10, 10, Some(600));
            let start = Instant::now();
            for _ in 0..12 {
                request_queue.slot(Queue::Fresh, 1).await;
            }
            assert!(start.elapsed() >= Duration::from_millis(190), "ten at once, then one each 100 ms");
        });
    }
}

//! How many requests to a provider may be in flight at once, learned from how it answers. Pure: the gate tells it what
//! happened and when.
//!
//! The limit doubles after each clean round until the provider complains for the first time; from then on it grows by
//! a twentieth a round. A 429 takes a fifth off it, once an episode. A round is as many replies as the limit allows in
//! flight, and is clean if nothing went wrong during it. A round in which the limit was never reached proves nothing
//! about a higher one, and changes nothing.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use crate::llm::provider::transport::retry::LONGEST_SERVER_WAIT;

/// How long after a complaint the limit neither grows nor, for a 429, shrinks again; longer if the server
/// asks, up to the longest wait that is honoured: what asks for more is not waited for, so it says nothing of the load.
const COOLDOWN: Duration = Duration::from_secs(15);

/// So many changes are kept until somebody asks for them.
const MOST_CHANGES: usize = 1024;

/// A change of the limit of requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitChange {
    /// The limit before.
    pub from: u32,
    /// The limit from now on.
    pub to: u32,
    /// What changed it.
    pub why: LimitReason,
}

/// What changed a limit of requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitReason {
    /// A round of replies without a complaint.
    CleanRound,
    /// The first 429 of an episode.
    Throttled,
}

/// What an attempt says about the provider's load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It answered.
    Success,
    /// It said 429, and perhaps for how long.
    Throttled(Option<Duration>),
    /// It, or the way to it, failed in a manner that passes: 5xx, timeout, broken connection, no reply in the body.
    TransientFailure,
    /// Nothing: the fault was in the request.
    Neutral,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    Doubling,
    Twentieth,
}

/// The limit of one provider.
#[derive(Debug)]
pub struct ConcurrencyLimiter {
    limit: u32,
    max: u32,
    growth: Growth,
    /// Replies in this round.
    replies: u32,
    /// Whether the limit was reached in this round.
    reached: bool,
    /// No growth before.
    calm_from: Option<Instant>,
    /// No further cut before.
    episode_ends: Option<Instant>,
    changes: Vec<LimitChange>,
}

impl ConcurrencyLimiter {
    /// A limit that starts at `start` and never exceeds `max`; both are at least 1.
    pub fn new(start: u32, max: u32) -> Self {
        let max = max.max(1);
        Self {
            limit: start.clamp(1, max),
            max,
            growth: Growth::Doubling,
            replies: 0,
            reached: false,
            calm_from: None,
            episode_ends: None,
            changes: Vec::new(),
        }
    }

    /// How many requests may be in flight.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// The changes since this was last asked, in order; the first 1,024 of them.
    pub fn take_changes(&mut self) -> Vec<LimitChange> {
        std::mem::take(&mut self.changes)
    }

    /// A request was sent, and now so many are in flight.
    pub fn sent(&mut self, in_flight: u32) {
        self.reached |= in_flight >= self.limit;
    }

    /// An attempt ended.
    pub fn ended(&mut self, signal: Signal, now: Instant) {
        match signal {
            Signal::Success => self.succeeded(now),
            Signal::Throttled(asked) => {
                let until = now + asked.unwrap_or_default().clamp(COOLDOWN, LONGEST_SERVER_WAIT);
                if self.episode_ends.is_none_or(|ends| ends <= now) {
                    self.episode_ends = Some(until);
                    self.change(
                        u32::try_from(u64::from(self.limit) * 4 / 5).unwrap_or(self.max),
                        LimitReason::Throttled,
                    );
                }
                self.complained(until);
            }
            Signal::TransientFailure => self.complained(now + COOLDOWN),
            Signal::Neutral => {}
        }
    }

    fn succeeded(&mut self, now: Instant) {
        if self.calm_from.is_some_and(|calm| now < calm) {
            return;
        }
        self.replies += 1;
        if self.replies < self.limit {
            return;
        }
        if self.reached {
            let more = match self.growth {
                Growth::Doubling => self.limit,
                Growth::Twentieth => (self.limit / 20).max(1),
            };
            self.change(self.limit.saturating_add(more), LimitReason::CleanRound);
        }
        self.start_round();
    }

    fn complained(&mut self, calm_from: Instant) {
        self.growth = Growth::Twentieth;
        self.calm_from = self.calm_from.max(Some(calm_from));
        self.start_round();
    }

    fn start_round(&mut self) {
        self.replies = 0;
        self.reached = false;
    }

    fn change(&mut self, to: u32, why: LimitReason) {
        let (from, to) = (self.limit, to.clamp(1, self.max));
        if from != to {
            self.limit = to;
            if self.changes.len() < MOST_CHANGES {
                self.changes.push(LimitChange { from, to, why });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    /// A round at the limit in which every request is answered.
    fn round(limiter: &mut ConcurrencyLimiter, now: Instant) {
        limiter.sent(limiter.limit());
        for _ in 0..limiter.limit() {
            limiter.ended(Signal::Success, now);
        }
    }

    #[test]
    fn it_doubles_up_to_the_maximum() {
        let now = Instant::now();
        let mut limiter = ConcurrencyLimiter::new(20, 100);
        let limits: Vec<u32> = (0..4)
            .map(|_| {
                round(&mut limiter, now);
                limiter.limit()
            })
            .collect();
        assert_eq!(limits, [40, 80, 100, 100]);
        let why = LimitReason::CleanRound;
        let changes = [(20, 40), (40, 80), (80, 100)].map(|(from, to)| LimitChange { from, to, why });
        assert_eq!(limiter.take_changes(), changes);
        assert_eq!(limiter.take_changes(), []);
    }

    #[test]
    fn a_round_is_as_many_replies_as_the_limit() {
        let now = Instant::now();
        let mut limiter = ConcurrencyLimiter::new(3, 100);
        limiter.sent(3);
        limiter.ended(Signal::Success, now);
        limiter.ended(Signal::Success, now);
        limiter.ended(Signal::Neutral, now);
        assert_eq!(limiter.limit(), 3);
        limiter.ended(Signal::Success, now);
        assert_eq!(limiter.limit(), 6);
    }

    #[test]
    fn a_limit_that_is_not_reached_does_not_grow() {
        let now = Instant::now();
        let mut limiter = ConcurrencyLimiter::new(4, 100);
        for _ in 0..100 {
            limiter.sent(3);
            limiter.ended(Signal::Success, now);
        }
        assert_eq!(limiter.limit(), 4);
    }

    #[test]
    fn a_server_error_ends_the_doubling_and_pauses_growth() {
        let start = Instant::now();
        let mut limiter = ConcurrencyLimiter::new(40, 200);
        limiter.ended(Signal::TransientFailure, start);
        assert_eq!(limiter.limit(), 40);
        round(&mut limiter, after(start, 14));
        assert_eq!(limiter.limit(), 40);
        round(&mut limiter, after(start, 15));
        assert_eq!(limiter.limit(), 42);
        round(&mut limiter, after(start, 16));
        assert_eq!(limiter.limit(), 44);
    }

    #[test]
    fn an_episode_of_429_cuts_once() {
        let start = Instant::now();
        let mut limiter = ConcurrencyLimiter::new(100, 100);
        for _ in 0..50 {
            limiter.ended(Signal::Throttled(None), start);
        }
        assert_eq!(limiter.limit(), 80);
        limiter.ended(Signal::Throttled(None), after(start, 14));
        assert_eq!(limiter.limit(), 80);
        limiter.ended(Signal::Throttled(None), after(start, 15));
        assert_eq!(limiter.limit(), 64);
        round(&mut limiter, after(start, 29));
        assert_eq!(limiter.limit(), 64, "growth waits for the end of the episode");
        round(&mut limiter, after(start, 30));
        assert_eq!(limiter.limit(), 67);
    }

    #[test]
    fn an_episode_lasts_as_long_as_the_server_asks() {
        let start = Instant::now();
        let mut limiter = ConcurrencyLimiter::new(10, 100);
        limiter.ended(Signal::Throttled(Some(Duration::from_secs(60))), start);
        limiter.ended(Signal::Throttled(None), after(start, 59));
        assert_eq!(limiter.limit(), 8);
        limiter.ended(Signal::Throttled(None), after(start, 60));
        assert_eq!(limiter.limit(), 6);
        // A few milliseconds are no episode.
        let mut limiter = ConcurrencyLimiter::new(10, 100);
        limiter.ended(Signal::Throttled(Some(Duration::from_millis(5))), start);
        limiter.ended(Signal::Throttled(Some(Duration::from_millis(5))), after(start, 1));
        assert_eq!(limiter.limit(), 8);
    }

    #[test]
    fn no_server_stops_the_growth_for_good() {
        let start = Instant::now();
        let mut limiter = ConcurrencyLimiter::new(10, 100);
        limiter.ended(Signal::Throttled(Some(Duration::from_secs(1_000_000_000))), start);
        round(&mut limiter, after(start, 119));
        assert_eq!(limiter.limit(), 8);
        round(&mut limiter, after(start, 120));
        assert_eq!(limiter.limit(), 9);
    }

    #[test]
    fn it_stays_between_one_and_the_maximum() {
        let start = Instant::now();
        let mut limiter = ConcurrencyLimiter::new(2, 1000);
        for episode in 0..10 {
            limiter.ended(Signal::Throttled(None), after(start, 100 * episode));
        }
        assert_eq!(limiter.limit(), 1);
        round(&mut limiter, after(start, 10_000));
        assert_eq!(limiter.limit(), 2, "it recovers by at least one");
        assert_eq!(ConcurrencyLimiter::new(50, 10).limit(), 10);
        assert_eq!(ConcurrencyLimiter::new(0, 0).limit(), 1);
    }
}

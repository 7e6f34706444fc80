//! Requests and tokens per minute, spread evenly: a leaky bucket each. Pure: the gate tells it the time.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// What a second's share of an allowance that is not used up is kept for, in seconds. Providers enforce limits over
/// spans as short as a second, so a longer burst would be refused.
const BURST_S: f64 = 1.0;

/// What is left of an allowance.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    capacity: f64,
    /// Below zero after a request that took more than was there.
    level: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    fn new(per_minute: NonZeroU32, now: Instant) -> Self {
        let per_second = f64::from(per_minute.get()) / 60.0;
        let capacity = (per_second * BURST_S).max(1.0);
        Self { per_second, capacity, level: capacity, at: now }
    }

    /// How long until `cost` may be taken. What costs more than the bucket holds waits until it is full.
    fn wait(&mut self, now: Instant, cost: f64) -> Duration {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        self.level = (self.level + gained).min(self.capacity);
        self.at = now;
        let short = cost.min(self.capacity) - self.level;
        // Less than a millionth of a request or token is an error of rounding.
        if short < 1e-6 { Duration::ZERO } else { Duration::from_secs_f64(short / self.per_second) }
    }
}

/// The allowances of one provider.
#[derive(Debug)]
pub struct RateLimiter {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

impl RateLimiter {
    /// Allowances per minute; `None` is without limit.
    pub fn new(requests: Option<NonZeroU32>, tokens: Option<NonZeroU32>, now: Instant) -> Self {
        Self { requests: requests.map(|n| Bucket::new(n, now)), tokens: tokens.map(|n| Bucket::new(n, now)) }
    }

    /// Takes a request of so many tokens.
    ///
    /// # Errors
    ///
    /// How long to wait, if an allowance is used up; then nothing is taken.
    pub fn take(&mut self, now: Instant, tokens: u64) -> Result<(), Duration> {
        let costs = [(&mut self.requests, 1.0), (&mut self.tokens, tokens as f64)];
        let mut buckets: Vec<_> = costs.into_iter().filter_map(|(b, cost)| b.as_mut().map(|b| (b, cost))).collect();
        let wait = buckets.iter_mut().map(|(bucket, cost)| bucket.wait(now, *cost)).max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        for (bucket, cost) in buckets {
            bucket.level -= cost;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_minute(n: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(n)
    }

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn requests_are_spread_over_the_minute() {
        let start = Instant::now();
        let mut pace = RateLimiter::new(per_minute(60), None, start);
        let mut now = start;
        for _ in 0..5 {
            pace.take(now, 1).expect("a second has passed");
            assert_eq!(pace.take(now, 1), Err(Duration::from_secs(1)));
            now += Duration::from_secs(1);
        }
    }

    #[test]
    fn a_second_s_share_may_be_sent_at_once_but_is_not_hoarded() {
        let start = Instant::now();
        let mut pace = RateLimiter::new(per_minute(600), None, start);
        let hour_later = after(start, 3_600_000);
        for _ in 0..10 {
            pace.take(hour_later, 1).expect("the bucket is full");
        }
        assert_eq!(pace.take(hour_later, 1), Err(Duration::from_millis(100)));
    }

    #[test]
    fn a_request_larger_than_a_second_s_share_is_paid_for_afterwards() {
        let start = Instant::now();
        let mut pace = RateLimiter::new(None, per_minute(6000), start);
        pace.take(start, 1000).expect("the bucket is full");
        assert_eq!(pace.take(start, 50), Err(Duration::from_millis(9500)));
        assert_eq!(pace.take(after(start, 9500), 50), Ok(()));
    }

    #[test]
    fn the_scarcer_allowance_decides_and_a_refusal_takes_nothing() {
        let start = Instant::now();
        let mut pace = RateLimiter::new(per_minute(60), per_minute(600), start);
        pace.take(start, 40).expect("both are full");
        assert_eq!(pace.take(start, 10), Err(Duration::from_secs(4)));
        assert_eq!(pace.take(after(start, 4000), 10), Ok(()));
        let mut unlimited = RateLimiter::new(None, None, start);
        assert_eq!(unlimited.take(start, u64::MAX), Ok(()));
    }
}

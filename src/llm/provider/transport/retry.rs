//! Whether a request is sent again, and after which wait. Pure: the call's task asks after every attempt.

use std::time::{Duration, SystemTime};

use crate::llm::provider::attempt::Outcome;

/// The first wait that the client chooses itself; it doubles with every attempt.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait that the client chooses itself.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// The largest part of a wait that jitter may take off.
const JITTER: f64 = 0.25;

/// A server that asks for more than this is not waited for.
pub(super) const LONGEST_SERVER_WAIT: Duration = Duration::from_secs(120);

/// What a server's headers say about another attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// `x-should-retry`: whether to send the request again.
    pub should_retry: Option<bool>,
    /// `retry-after-ms` or else `retry-after`: how long to wait before.
    pub retry_after: Option<Duration>,
}

impl Advice {
    /// Reads the advice. `header` gives a header's value by its name in lower case; `now` is what a date is relative
    /// to. What cannot be read counts as absent.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>, now: SystemTime) -> Self {
        let should_retry = match header("x-should-retry").map(str::trim) {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        let retry_after = header("retry-after-ms")
            .and_then(|text| duration(text, 0.001))
            .or_else(|| header("retry-after").and_then(|text| duration(text, 1.0).or_else(|| until(text, now))));
        Self { should_retry, retry_after }
    }
}

/// A number of units that last `unit` seconds.
fn duration(text: &str, unit: f64) -> Option<Duration> {
    let number: f64 = text.trim().parse().ok()?;
    // Longer than any wait worth having, shorter than what overflows.
    (number >= 0.0).then(|| Duration::from_secs_f64((number * unit).min(1e9)))
}

/// The time until an HTTP date; zero if it has passed.
fn until(text: &str, now: SystemTime) -> Option<Duration> {
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// How persistent a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How many attempts may follow the first.
    pub max_retries: u32,
    /// How long a call may take from its first sending on.
    pub timeout: Duration,
}

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it was the last.
    Stop,
    /// Another attempt after a wait.
    Retry {
        /// How long to wait.
        after: Duration,
    },
}

impl Policy {
    /// What follows attempt number `attempt` (from 1), which came to `outcome` and, where there was one, `status`.
    /// `elapsed` is the time since the call was first sent. `jitter` in 0..1 is the draw of the jitter.
    pub fn next(
        &self,
        attempt: u32,
        outcome: Outcome,
        status: Option<u16>,
        advice: Advice,
        elapsed: Duration,
        jitter: f64,
    ) -> Next {
        let worth_it = outcome != Outcome::Reply && advice.should_retry.unwrap_or_else(|| passes(outcome, status));
        if !worth_it || attempt > self.max_retries {
            return Next::Stop;
        }
        // A server that asks for no time at all gets the client's own wait: it may be about to fall over.
        let after = match advice.retry_after {
            Some(asked) if asked > LONGEST_SERVER_WAIT => return Next::Stop,
            Some(asked) if !asked.is_zero() => asked,
            _ => own_wait(attempt, jitter),
        };
        if elapsed + after >= self.timeout { Next::Stop } else { Next::Retry { after } }
    }
}

/// Whether a failure is of the kind that passes.
pub fn passes(outcome: Outcome, status: Option<u16>) -> bool {
    match outcome {
        Outcome::Reply | Outcome::ContextOverflow | Outcome::Abandoned => false,
        Outcome::HttpError => matches!(status, Some(408 | 409 | 429 | 500..=599)),
        Outcome::Timeout
        | Outcome::ConnectError
        | Outcome::Broken
        | Outcome::WrongContentType
        | Outcome::UnreadableBody
        | Outcome::EmptyReply
        | Outcome::OversizedBody
        | Outcome::ProviderError => true,
    }
}

fn own_wait(attempt: u32, jitter: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    (FIRST_WAIT * (1 << doublings)).min(LONGEST_WAIT).mul_f64(1.0 - JITTER * jitter)
}

/// The draw of the jitter, in 0..1: `seed` tells processes apart, the rest the draws of a process.
pub fn jitter(seed: u64, ticket: u64, attempt: u32) -> f64 {
    // SplitMix64's finaliser.
    let mut z = seed ^ ticket.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(attempt).rotate_left(48);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { max_retries: 8, timeout: Duration::from_secs(60) };
    const NO_ADVICE: Advice = Advice { should_retry: None, retry_after: None };

    fn next(attempt: u32, outcome: Outcome, status: Option<u16>, advice: Advice) -> Next {
        POLICY.next(attempt, outcome, status, advice, Duration::ZERO, 0.0)
    }

    fn advice(headers: &[(&str, &str)]) -> Advice {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        Advice::read(|name| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value), now)
    }

    #[test]
    fn statuses_that_pass_and_those_that_do_not() {
        for status in [408, 409, 429, 500, 502, 503, 504, 529, 599] {
            assert_ne!(next(1, Outcome::HttpError, Some(status), NO_ADVICE), Next::Stop, "{status}");
        }
        for status in [301, 400, 401, 402, 403, 404, 413, 422, 451] {
            assert_eq!(next(1, Outcome::HttpError, Some(status), NO_ADVICE), Next::Stop, "{status}");
        }
    }

    #[test]
    fn what_is_no_reply_is_retried_like_a_server_error() {
        use Outcome::*;
        for outcome in
            [Timeout, ConnectError, Broken, WrongContentType, UnreadableBody, EmptyReply, OversizedBody, ProviderError]
        {
            assert_ne!(next(1, outcome, Some(200), NO_ADVICE), Next::Stop, "{outcome:?}");
        }
        for outcome in [Reply, ContextOverflow] {
            assert_eq!(next(1, outcome, Some(200), NO_ADVICE), Next::Stop, "{outcome:?}");
        }
    }

    #[test]
    fn the_server_s_word_comes_first() {
        let yes = Advice { should_retry: Some(true), ..NO_ADVICE };
        let no = Advice { should_retry: Some(false), ..NO_ADVICE };
        assert_ne!(next(1, Outcome::HttpError, Some(400), yes), Next::Stop);
        assert_ne!(next(1, Outcome::ContextOverflow, Some(400), yes), Next::Stop);
        assert_eq!(next(1, Outcome::HttpError, Some(429), no), Next::Stop);
        assert_eq!(next(1, Outcome::Reply, Some(200), yes), Next::Stop);
    }

    #[test]
    fn waits_double_to_eight_seconds_and_jitter_takes_up_to_a_quarter() {
        let waits: Vec<u64> = (1..=8)
            .map(|attempt| match next(attempt, Outcome::Broken, None, NO_ADVICE) {
                Next::Retry { after } => u64::try_from(after.as_millis()).unwrap(),
                Next::Stop => panic!("attempt {attempt} is not the last"),
            })
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000]);
        assert_eq!(next(9, Outcome::Broken, None, NO_ADVICE), Next::Stop);
        assert_eq!(own_wait(1, 1.0), Duration::from_millis(375));
        assert_eq!(own_wait(u32::MAX, 0.0), LONGEST_WAIT);
    }

    #[test]
    fn a_server_s_wait_is_kept_up_to_two_minutes() {
        let asked = |seconds| Advice { should_retry: None, retry_after: Some(Duration::from_secs(seconds)) };
        let policy = Policy { timeout: Duration::from_secs(1000), ..POLICY };
        let next = |advice| policy.next(1, Outcome::HttpError, Some(429), advice, Duration::ZERO, 0.5);
        assert_eq!(next(asked(120)), Next::Retry { after: Duration::from_secs(120) });
        assert_eq!(next(asked(121)), Next::Stop);
        assert_eq!(next(asked(0)), Next::Retry { after: Duration::from_millis(500).mul_f64(0.875) });
    }

    #[test]
    fn a_wait_beyond_the_deadline_ends_the_call() {
        let elapsed = |ms| POLICY.next(1, Outcome::Broken, None, NO_ADVICE, Duration::from_millis(ms), 0.0);
        assert_eq!(elapsed(59_499), Next::Retry { after: FIRST_WAIT });
        assert_eq!(elapsed(59_500), Next::Stop);
    }

    #[test]
    fn advice_is_read_from_three_headers() {
        let ms = |advice: Advice| advice.retry_after.map(|d| d.as_millis());
        assert_eq!(ms(advice(&[("retry-after-ms", "250"), ("retry-after", "9")])), Some(250));
        assert_eq!(ms(advice(&[("retry-after-ms", "soon"), ("retry-after", "1.5")])), Some(1500));
        assert_eq!(ms(advice(&[("retry-after", "Sun, 06 Nov 1994 08:49:40 GMT")])), Some(3000));
        assert_eq!(ms(advice(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")])), Some(0));
        for unreadable in ["-1", "NaN", "", "tomorrow"] {
            assert_eq!(advice(&[("retry-after", unreadable)]), NO_ADVICE, "{unreadable}");
        }
        assert!(advice(&[("retry-after", "inf")]).retry_after.unwrap() > LONGEST_SERVER_WAIT);
        assert_eq!(advice(&[("x-should-retry", "true")]).should_retry, Some(true));
        assert_eq!(advice(&[("x-should-retry", "false")]).should_retry, Some(false));
        assert_eq!(advice(&[("x-should-retry", "perhaps")]).should_retry, None);
    }

    #[test]
    fn rolls_differ_and_stay_in_range() {
        let rolls: Vec<f64> = (0..1000).map(|i| jitter(7, i / 8, (i % 8) as u32)).collect();
        assert!(rolls.iter().all(|jitter| (0.0..1.0).contains(jitter)));
        let mean = rolls.iter().sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        assert_ne!(jitter(7, 1, 1), jitter(8, 1, 1));
    }
}

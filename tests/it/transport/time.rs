//! Waits, retries and deadlines.

use std::time::{Duration, Instant, SystemTime};

use vendomini::llm::provider::attempt::Outcome;
use vendomini::llm::provider::transport::{CallEvent, CallGuard, Endpoint};

use super::{Client, PATH, Told, endpoint, ms, outcomes};
use crate::mock_server::{Answer, MockServer};

#[test]
fn the_server_s_wait_is_kept() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    for (headers, asked, attempts_made) in [
        (vec![("retry-after-ms", "120.5"), ("retry-after", "7")], 120.5, 2),
        (vec![("retry-after", "0.25")], 250.0, 2),
        // Longer than two minutes: not waited for.
        (vec![("retry-after", "121")], 121_000.0, 1),
        (vec![("retry-after", date.as_str())], 3_600_000.0, 1),
    ] {
        let throttled = headers.iter().fold(Answer::throttled(), |answer, (name, value)| answer.header(name, value));
        let server = MockServer::list(vec![throttled, Answer::chat("hello")]);
        let endpoint = Endpoint { timeout: Duration::from_secs(10_000), ..endpoint(&server.url(PATH)) };
        let attempts = Client::new(&endpoint).call();
        assert_eq!(attempts.len(), attempts_made, "{headers:?}");
        let told = attempts[0].retry_after_ms.expect("the server asked");
        // A date says whole seconds, and some have passed since it was written.
        let slack = if headers[0].1.contains("GMT") { 60_000.0 } else { 0.0 };
        assert!((asked - slack..=asked).contains(&told), "{told}");
        if let Some(second) = attempts.get(1) {
            assert!(second.queued_ms >= attempts[0].latency_ms + asked, "{attempts:?}");
        }
    }
}

#[test]
fn retries_end() {
    let server = MockServer::list(vec![Answer::error(500, "down").header("retry-after-ms", "1")]);
    let endpoint = Endpoint { max_retries: 3, ..endpoint(&server.url(PATH)) };
    assert_eq!(outcomes(&Client::new(&endpoint).call()), [Outcome::HttpError; 4]);
    assert_eq!(server.counts().requests, 4);
}

#[test]
fn deadlines_are_kept() {
    let server = MockServer::list(vec![Answer::hang()]);
    let endpoint_ = Endpoint { attempt_timeout: ms(300), max_retries: 1, ..endpoint(&server.url(PATH)) };
    let start = Instant::now();
    assert_eq!(outcomes(&Client::new(&endpoint_).call()), [Outcome::Timeout; 2]);
    assert!(start.elapsed() < Duration::from_secs(20));

    // A wait that would pass the deadline is not made.
    let slow = Answer::error(500, "down").header("retry-after", "30");
    let server = MockServer::list(vec![slow]);
    let endpoint_ = Endpoint { timeout: Duration::from_secs(29), ..endpoint(&server.url(PATH)) };
    let start = Instant::now();
    assert_eq!(outcomes(&Client::new(&endpoint_).call()), [Outcome::HttpError]);
    assert!(start.elapsed() < Duration::from_secs(20));

    // An attempt has no more than what is left of the whole.
    let server = MockServer::list(vec![Answer::hang()]);
    let endpoint_ = Endpoint { timeout: ms(300), ..endpoint(&server.url(PATH)) };
    let start = Instant::now();
    assert_eq!(outcomes(&Client::new(&endpoint_).call()), [Outcome::Timeout]);
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn waiting_for_a_slot_uses_up_no_deadline() {
    let server = MockServer::start(|_| Answer::chat("hello").after(ms(100)));
    let endpoint =
        Endpoint { timeout: ms(2500), start_connections: 1, max_connections: 1, ..endpoint(&server.url(PATH)) };
    let client = Client::new(&endpoint);
    let guards: Vec<CallGuard> = (0..30).map(|ticket| client.submit(ticket)).collect();
    let answers: Vec<Told> = guards.iter().map(|_| client.next()).collect();
    assert!(answers.iter().all(|answer| answer.attempt.outcome == Outcome::Reply && answer.attempt.last));
    let tickets: Vec<u64> = answers.iter().map(|answer| answer.ticket).collect();
    assert_eq!(tickets, (0..30).collect::<Vec<_>>(), "first come, first served");
    assert!(answers[29].attempt.queued_ms > 2500.0, "{:?}", answers[29]);
    assert_eq!((server.counts().max_in_flight, server.counts().connections), (1, 1));
}

#[test]
fn a_retry_that_finds_no_slot_in_time_is_the_end() {
    // The first call fails and waits; meanwhile the second takes the only slot and keeps it.
    let server = MockServer::start(|request| match request.json()["ticket"].as_u64() {
        Some(0) => Answer::error(500, "down").header("retry-after-ms", "200").after(ms(200)),
        _ => Answer::hang(),
    });
    let endpoint =
        Endpoint { timeout: ms(1000), start_connections: 1, max_connections: 1, ..endpoint(&server.url(PATH)) };
    let client = Client::new(&endpoint);
    let _guards = [client.submit(0), client.submit(1)];
    let first = client.next();
    assert_eq!((first.ticket, first.attempt.outcome, first.attempt.last), (0, Outcome::HttpError, false));
    // In which order the two end is a matter of milliseconds.
    let mut ends = [client.news(), client.news()];
    ends.sort_by_key(|answer| answer.ticket);
    assert_eq!((ends[0].ticket, &ends[0].news), (0, &CallEvent::Abandoned));
    let CallEvent::Attempt(second) = &ends[1].news else { panic!("{ends:?}") };
    assert_eq!((second.outcome, second.last), (Outcome::Timeout, true));
    assert_eq!(server.counts().requests, 2);
}

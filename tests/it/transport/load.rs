//! How many requests are in flight, and how many are sent a minute.

use std::num::NonZeroU32;
use std::time::Instant;

use vendomini::llm::provider::attempt::Outcome;
use vendomini::llm::provider::transport::{CallGuard, Endpoint, LimitReason};

use super::{Client, PATH, endpoint, ms};
use crate::mock_server::{Answer, Keep, MockServer};

#[test]
fn connections_are_kept_and_their_number_doubles_until_429() {
    // From the sixteenth request on, too many at once are refused.
    let server = MockServer::start(|request| match request.index {
        16..24 => Answer::throttled().header("retry-after-ms", "1").after(ms(20)),
        _ => Answer::chat("hello").after(ms(20)),
    });
    let endpoint = Endpoint { start_connections: 4, max_connections: 64, ..endpoint(&server.url(PATH)) };
    let client = Client::new(&endpoint);
    let mut guards: Vec<CallGuard> = (0..100).map(|ticket| client.submit(ticket)).collect();
    let (mut limits, mut most) = (vec![], 0);
    let mut replies = 0;
    while replies < guards.len() {
        let attempt = client.next().attempt;
        assert!(attempt.in_flight <= attempt.limit, "{attempt:?}");
        limits.push(attempt.limit);
        most = most.max(attempt.in_flight);
        replies += usize::from(attempt.outcome == Outcome::Reply);
    }
    guards.clear();
    let changes = client.transport.take_limit_changes(client.provider);
    let steps: Vec<(u32, u32, LimitReason)> =
        changes.iter().map(|change| (change.from, change.to, change.why)).collect();
    let (doubled, cut) = (LimitReason::CleanRound, LimitReason::Throttled);
    assert_eq!(steps, [(4, 8, doubled), (8, 16, doubled), (16, 12, cut)], "once for all eight 429");
    assert_eq!(client.transport.take_limit_changes(client.provider), []);
    assert_eq!(most, 16);
    assert!(server.counts().max_in_flight <= 16 && server.counts().connections <= 32, "{:?}", server.counts());
    assert!(limits.ends_with(&[12; 50]), "{limits:?}");
}

#[test]
fn at_most_so_many_requests_are_in_flight() {
    let server = MockServer::start_keeping(Keep::Counts, |_| Answer::chat("hello").after(ms(10)));
    let endpoint = Endpoint { start_connections: 3, max_connections: 5, ..endpoint(&server.url(PATH)) };
    let client = Client::new(&endpoint);
    let guards: Vec<CallGuard> = (0..60).map(|ticket| client.submit(ticket)).collect();
    for _ in &guards {
        assert_eq!(client.next().attempt.outcome, Outcome::Reply);
    }
    assert!(server.counts().max_in_flight <= 5, "{:?}", server.counts());
}

#[test]
fn requests_per_minute_are_kept() {
    let server = MockServer::start(|_| Answer::chat("hello"));
    let endpoint = Endpoint { requests_per_minute: NonZeroU32::new(600), ..endpoint(&server.url(PATH)) };
    let client = Client::new(&endpoint);
    let start = Instant::now();
    let guards: Vec<CallGuard> = (0..15).map(|ticket| client.submit(ticket)).collect();
    for _ in &guards {
        client.next();
    }
    assert!(start.elapsed() >= ms(490), "ten at once, then ten a second");

    let endpoint = Endpoint { requests_per_minute: None, tokens_per_minute: NonZeroU32::new(60_000), ..endpoint };
    let client = Client::new(&endpoint);
    let start = Instant::now();
    let guards: Vec<CallGuard> = (0..15).map(|ticket| client.submit(ticket)).collect();
    for _ in &guards {
        client.next();
    }
    assert!(start.elapsed() >= ms(490), "ten of 100 tokens at once, then a thousand tokens a second");
}

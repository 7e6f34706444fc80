//! Calls that nobody wants any more.

use std::time::{Duration, Instant};

use bytes::Bytes;
use vendomini::llm::provider::attempt::Outcome;
use vendomini::llm::provider::transport::{Call, CallGuard, Endpoint, PendingEvent};

use super::{Client, PATH, PATIENCE, endpoint, ms};
use crate::mock_server::{Answer, MockServer};

#[test]
fn a_cancelled_call_closes_its_connection() {
    let server = MockServer::list(vec![Answer::hang(), Answer::chat("x").stall_after(5), Answer::chat("hello")]);
    let client = Client::new(&endpoint(&server.url(PATH)));
    for (ticket, state) in [(0, "before headers"), (1, "in the body")] {
        let guard = client.submit(ticket);
        server.wait_for("the request", |counts| counts.requests == ticket + 1);
        drop(guard);
        server.wait_for(state, |counts| counts.abandoned == ticket + 1 && counts.open == 0);
    }
    // Nothing is told of them, and the next call is as any other.
    let _guard = client.submit(2);
    let answer = client.next();
    assert_eq!((answer.ticket, answer.attempt.outcome), (2, Outcome::Reply));
    assert_eq!((answer.attempt.in_flight, server.counts().requests), (1, 3));
}

#[test]
fn a_cancelled_call_leaves_the_queue_and_is_not_sent_again() {
    let server = MockServer::start(|request| match request.json()["ticket"].as_u64() {
        Some(0) => Answer::error(500, "down").header("retry-after-ms", "100"),
        Some(3) => Answer::chat("hello"),
        _ => Answer::hang(),
    });
    let client = Client::new(&Endpoint { start_connections: 1, max_connections: 1, ..endpoint(&server.url(PATH)) });
    // One is to be sent again, one has the only slot, one waits for it.
    let guards = [client.submit(0), client.submit(1), client.submit(2)];
    server.wait_for("the second request", |counts| counts.requests == 2);
    assert_eq!(client.next().ticket, 0, "a failure is told at once");
    std::thread::sleep(ms(200));
    let [again, has_it, waits] = guards;
    drop((again, waits));
    drop(has_it);
    let _guard = client.submit(3);
    assert_eq!(client.next().ticket, 3);
    let tickets: Vec<u64> =
        server.requests().iter().map(|request| request.json()["ticket"].as_u64().expect("a ticket")).collect();
    assert_eq!(tickets, [0, 1, 3]);
}

#[test]
fn dropping_the_transport_waits_for_nobody() {
    let server = MockServer::list(vec![Answer::hang()]);
    let Client { transport, provider, send, receive } = Client::new(&endpoint(&server.url(PATH)));
    let call = |ticket| Call { ticket, body: Bytes::new(), tokens_estimate: 1, answers: send.clone() };
    let guards: Vec<CallGuard> = (0..30).map(|ticket| transport.submit(provider, call(ticket))).collect();
    drop(send);
    // Twenty hang, ten wait for a slot.
    server.wait_for("twenty requests", |counts| counts.in_flight == 20);
    let start = Instant::now();
    drop(transport);
    assert!(start.elapsed() < Duration::from_secs(5));
    server.wait_for("closed connections", |counts| counts.open == 0);
    assert_eq!(server.counts().abandoned, 20);
    // A worker that sleeps in its channel wakes up.
    assert!(receive.recv_timeout(PATIENCE).is_err());
    assert!(start.elapsed() < PATIENCE);
    drop(guards);
}

#[test]
fn nothing_is_sent_again_for_a_caller_that_is_gone() {
    let server = MockServer::list(vec![Answer::error(500, "down").header("retry-after-ms", "100").after(ms(300))]);
    let Client { transport, provider, send, receive } = Client::new(&endpoint(&server.url(PATH)));
    let _guard = transport.submit(provider, Call { ticket: 0, body: Bytes::new(), tokens_estimate: 1, answers: send });
    drop(receive);
    server.wait_for("the request", |counts| counts.requests == 1);
    std::thread::sleep(ms(900));
    assert_eq!(server.counts().requests, 1);
}

#[test]
fn whoever_lets_go_learns_what_was_in_flight_and_misses_no_answer() {
    let server = MockServer::start(|request| match request.json()["ticket"].as_u64() {
        Some(0) => Answer::error(500, "down").header("retry-after-ms", "20000"),
        Some(1) => Answer::chat("hello"),
        _ => Answer::hang(),
    });
    let client = Client::new(&Endpoint { start_connections: 1, max_connections: 1, ..endpoint(&server.url(PATH)) });
    // One that waits for its next attempt, told at once.
    let guard = client.submit(0);
    let told = client.next();
    assert_eq!((told.attempt.outcome, told.attempt.last), (Outcome::HttpError, false));
    assert_eq!(guard.cancel(0), Err(PendingEvent));
    assert_eq!(guard.cancel(1), Ok(None), "nothing was in flight");
    // One whose answer nobody has heard yet.
    let guard = client.submit(1);
    let told = client.next();
    assert_eq!((told.ticket, guard.cancel(0)), (1, Err(PendingEvent)));
    // One in flight, and one that waits for its slot.
    let guards = [client.submit(2), client.submit(3)];
    server.wait_for("the third request", |counts| counts.requests == 3);
    let abandoned = guards[0].cancel(0).expect("nothing is told").expect("it was in flight");
    assert_eq!((abandoned.attempt, abandoned.outcome, abandoned.last), (1, Outcome::Abandoned, false));
    assert_eq!((abandoned.status, abandoned.body.as_deref()), (None, None));
    assert!(abandoned.error.is_some() && abandoned.latency_ms > 0.0, "{abandoned:?}");
    server.wait_for("the fourth request", |counts| counts.abandoned == 1 && counts.requests == 4);
    drop(guards);
    server.wait_for("closed connections", |counts| counts.open == 0);
    assert!(client.receive.try_recv().is_err(), "no more is told");
}

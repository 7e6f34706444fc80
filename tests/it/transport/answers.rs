//! What a server answers, and what is made of it.

use std::time::Duration;

use serde_json::Value;
use vendomini::llm::provider::attempt::Outcome;
use vendomini::llm::provider::transport::Endpoint;
use vendomini::llm::provider::transport::exchange::{MAX_BODY, MAX_ERROR_BODY};

use super::{Client, KEY, PATH, PATIENCE, endpoint, ms, outcomes};
use crate::mock_server::{Answer, MockServer, Request};

#[test]
fn a_reply_is_one_attempt() {
    let server = MockServer::saying(|request| format!("you sent {}", request.json()["ticket"]));
    let attempts = Client::new(&endpoint(&server.url(PATH))).call();

    let [attempt] = attempts.as_slice() else { panic!("{attempts:?}") };
    assert_eq!(attempt.outcome, Outcome::Reply);
    assert_eq!(attempt.status, Some(200));
    let body: Value = serde_json::from_str(attempt.body.as_deref().expect("a body")).expect("JSON");
    assert_eq!(body["choices"][0]["message"]["content"], "you sent 0");
    assert_eq!(attempt.error, None);
    assert_eq!(attempt.retry_after_ms, None);
    assert_eq!((attempt.in_flight, attempt.limit), (1, 20));
    assert_eq!(attempt.request_id.as_deref(), Some("mock-0"));
    let first_byte = attempt.first_byte_ms.expect("headers came");
    assert!(0.0 < first_byte && first_byte <= attempt.latency_ms, "{attempt:?}");

    let [request] = &server.requests()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", PATH));
    assert_eq!(request.body, br#"{"ticket":0}"#);
    assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(request.header("x-title"), Some("transport test"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("vendomini/")));
}

#[test]
fn replies_of_both_dialects_come_through() {
    let refusal = "I will not";
    let broken = r#"{"sku": "#;
    for (answer, holds) in [
        (Answer::chat_refusal(refusal), refusal),
        (Answer::chat_tools(&[("tool_order", broken), ("tool_wait", "{}")]), "tool_order"),
        (Answer::messages("hello"), "hello"),
        (Answer::messages_tools(&[("tool_wait", Value::Null)]), "tool_wait"),
        (Answer::messages_refusal(), "refusal"),
        (Answer::reply(&Request { path: "/v1/messages".to_owned(), ..Request::default() }, "hello"), "end_turn"),
        (Answer::chat("in chunks").chunked(), "in chunks"),
        (Answer::chat("drop by drop").drip(Duration::from_micros(100)), "drop by drop"),
        (Answer::chat("late").after(ms(50)), "late"),
    ] {
        let server = MockServer::list(vec![answer]);
        let attempts = Client::new(&endpoint(&server.url("/v1/messages"))).call();
        assert_eq!(outcomes(&attempts), [Outcome::Reply], "{holds}");
        assert!(attempts[0].body.as_deref().is_some_and(|body| body.contains(holds)), "{attempts:?}");
    }
}

#[test]
fn every_passing_fault_is_retried() {
    let soon = |answer: Answer| answer.header("retry-after-ms", "1");
    let cases = [
        ("500", soon(Answer::error(500, "server_error")), Outcome::HttpError, Some(500)),
        ("529", soon(Answer::error(529, "overloaded_error")), Outcome::HttpError, Some(529)),
        ("429", soon(Answer::throttled()), Outcome::HttpError, Some(429)),
        ("408", soon(Answer::error(408, "timeout")), Outcome::HttpError, Some(408)),
        ("409", soon(Answer::error(409, "conflict")), Outcome::HttpError, Some(409)),
        ("reset", Answer::reset(), Outcome::Broken, None),
        ("reset in the body", soon(Answer::chat("hello").reset_after(20)), Outcome::Broken, Some(200)),
        ("cut in the body", soon(Answer::chat("hello").cut_after(20)), Outcome::Broken, Some(200)),
        ("stalled body", soon(Answer::chat("hello").stall_after(20)), Outcome::Timeout, Some(200)),
        ("slow drip", soon(Answer::chat("hello").drip(ms(40))), Outcome::Timeout, Some(200)),
        ("hang", Answer::hang(), Outcome::Timeout, None),
        ("HTML", soon(Answer::wrong_content_type()), Outcome::WrongContentType, Some(200)),
        ("half JSON", soon(Answer::truncated_json()), Outcome::UnreadableBody, Some(200)),
        ("no choices", soon(Answer::empty_choices()), Outcome::EmptyReply, Some(200)),
        ("error inside 200", soon(Answer::provider_error()), Outcome::ProviderError, Some(200)),
        ("50 MB", soon(Answer::huge(50_000_000)), Outcome::OversizedBody, Some(200)),
        ("50 MB in chunks", soon(Answer::huge(50_000_000).chunked()), Outcome::OversizedBody, Some(200)),
    ];
    // All at once, since some take a second.
    std::thread::scope(|scope| {
        for (name, fault, outcome, status) in cases {
            scope.spawn(move || {
                let answers = vec![fault, Answer::chat("at last")];
                let server = MockServer::list(answers);
                let attempt_timeout = if outcome == Outcome::Timeout { ms(2000) } else { PATIENCE };
                let endpoint = Endpoint { attempt_timeout, ..endpoint(&server.url(PATH)) };
                let attempts = Client::new(&endpoint).call();
                assert_eq!(outcomes(&attempts), [outcome, Outcome::Reply], "{name}: {attempts:?}");
                let fault = &attempts[0];
                assert_eq!(fault.status, status, "{name}");
                assert!(fault.error.as_deref().is_some_and(|text| !text.is_empty()), "{name}");
                assert!(fault.body.as_deref().is_none_or(|body| body.len() <= MAX_ERROR_BODY), "{name}");
                assert_eq!(fault.body.is_some(), status.is_some(), "{name}");
                assert_eq!(fault.first_byte_ms.is_some(), status.is_some(), "{name}");
                let asked = status.map(|_| 1.0);
                assert_eq!(fault.retry_after_ms, asked, "{name}");
                assert!(attempts[1].queued_ms >= fault.latency_ms, "{name}");
                assert_eq!(server.counts().requests, 2, "{name}");
            });
        }
    });
}

#[test]
fn faults_of_the_request_are_not_retried_unless_the_server_says_so() {
    for status in [400, 401, 402, 403, 404, 413, 422] {
        let server = MockServer::list(vec![Answer::error(status, "no"), Answer::chat("hello")]);
        let attempts = Client::new(&endpoint(&server.url(PATH))).call();
        assert_eq!(outcomes(&attempts), [Outcome::HttpError], "{status}");
        assert_eq!(attempts[0].status, Some(status));
        assert!(attempts[0].body.as_deref().is_some_and(|body| body.contains("mock error no")));
    }
    let server = MockServer::list(vec![Answer::context_overflow(), Answer::chat("hello")]);
    let attempts = Client::new(&endpoint(&server.url(PATH))).call();
    assert_eq!(outcomes(&attempts), [Outcome::ContextOverflow]);

    let again = Answer::error(400, "odd").header("x-should-retry", "true").header("retry-after-ms", "1");
    let server = MockServer::list(vec![again, Answer::chat("hello")]);
    let attempts = Client::new(&endpoint(&server.url(PATH))).call();
    assert_eq!(outcomes(&attempts), [Outcome::HttpError, Outcome::Reply]);

    let never = Answer::error(503, "down").header("x-should-retry", "false");
    let server = MockServer::list(vec![never, Answer::chat("hello")]);
    let attempts = Client::new(&endpoint(&server.url(PATH))).call();
    assert_eq!(outcomes(&attempts), [Outcome::HttpError]);
}

#[test]
fn bodies_of_errors_are_cut_and_the_rest_is_not_read() {
    let page = "é".repeat(40 << 10);
    let server = MockServer::list(vec![Answer::text(500, "text/html", &format!("x{page}"))]);
    let attempts = Client::new(&Endpoint { max_retries: 0, ..endpoint(&server.url(PATH)) }).call();
    assert_eq!(outcomes(&attempts), [Outcome::HttpError]);
    let body = attempts[0].body.as_deref().expect("a body");
    assert!((MAX_ERROR_BODY - 4..=MAX_ERROR_BODY).contains(&body.len()), "{}", body.len());

    let server = MockServer::list(vec![Answer::huge(MAX_BODY)]);
    let attempts = Client::new(&endpoint(&server.url(PATH))).call();
    assert_eq!(outcomes(&attempts), [Outcome::Reply]);
    assert_eq!(attempts[0].body.as_ref().map(String::len), Some(MAX_BODY));

    let server = MockServer::list(vec![Answer::huge(50_000_000)]);
    let attempts = Client::new(&Endpoint { max_retries: 0, ..endpoint(&server.url(PATH)) }).call();
    assert_eq!(outcomes(&attempts), [Outcome::OversizedBody]);
    assert_eq!(attempts[0].body.as_ref().map(String::len), Some(MAX_ERROR_BODY));
    server.wait_for("the closed connection", |counts| counts.abandoned == 1);
}

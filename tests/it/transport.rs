//! The transport against a server that goes wrong in every way.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender, unbounded};
use serde_json::Value;
use tokio::net::TcpSocket;
use vendomini::agent::provider::attempt::{Attempt, Outcome};
use vendomini::agent::provider::transport::exchange::{MAX_BODY, MAX_ERROR_BODY};
use vendomini::agent::provider::transport::{
    Answer as Answered, Call, CallGuard, Endpoint, Headers, LimitReason, ProviderId, Transport,
};

use crate::mock_server::{Answer, Keep, MockServer, Request};

const KEY: &str = "sk-canary-7f3a9c51e2";

/// No test waits longer for an attempt: enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

const PATH: &str = "/v1/chat/completions";

/// What a dialect would say of an answer.
fn judge(status: u16, content_type: Option<&str>, body: &[u8]) -> Outcome {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    if status != 200 {
        let overflow = json.is_some_and(|json| json["error"]["code"] == "context_length_exceeded");
        return if overflow { Outcome::ContextOverflow } else { Outcome::HttpError };
    }
    if !content_type.is_some_and(|text| text.starts_with("application/json")) {
        return Outcome::WrongContentType;
    }
    match json {
        None => Outcome::UnreadableBody,
        Some(json) if json.get("error").is_some() => Outcome::ProviderError,
        Some(json) if json["choices"][0].is_null() && json["content"].is_null() => Outcome::EmptyReply,
        Some(_) => Outcome::Reply,
    }
}

fn endpoint(url: &str) -> Endpoint {
    let mut headers = Headers::default();
    headers.set_secret("authorization", &format!("Bearer {KEY}")).expect("a header");
    headers.set("x-title", "transport test").expect("a header");
    Endpoint {
        url: url.to_owned(),
        headers,
        judge,
        timeout: Duration::from_secs(60),
        attempt_timeout: Duration::from_secs(60),
        connect_timeout: Duration::from_secs(5),
        max_retries: 8,
        start_connections: 20,
        max_connections: 100,
        requests_per_minute: None,
        tokens_per_minute: None,
    }
}

/// A transport with one provider and a channel.
struct Client {
    transport: Transport,
    provider: ProviderId,
    send: Sender<Answered>,
    receive: Receiver<Answered>,
}

impl Client {
    fn new(endpoint: &Endpoint) -> Self {
        let mut transport = Transport::new().expect("a transport");
        let provider = transport.add(endpoint).expect("a provider");
        let (send, receive) = unbounded();
        Self { transport, provider, send, receive }
    }

    fn submit(&self, ticket: u64) -> CallGuard {
        let body = format!(r#"{{"ticket":{ticket}}}"#).into_bytes();
        let call = Call { ticket, body, tokens_estimate: 100, answers: self.send.clone() };
        self.transport.submit(self.provider, call)
    }

    fn next(&self) -> Answered {
        self.receive.recv_timeout(PATIENCE).expect("an attempt comes")
    }

    /// The attempts of a call, to the last.
    fn call(&self) -> Vec<Attempt> {
        let _guard = self.submit(0);
        let mut attempts = vec![];
        loop {
            attempts.push(self.next().attempt);
            if attempts.last().is_some_and(|attempt| attempt.last) {
                let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.attempt).collect();
                assert_eq!(numbers, (1..=u32::try_from(attempts.len()).unwrap()).collect::<Vec<_>>());
                assert_eq!(attempts.iter().filter(|attempt| attempt.last).count(), 1);
                return attempts;
            }
        }
    }
}

fn outcomes(attempts: &[Attempt]) -> Vec<Outcome> {
    attempts.iter().map(|attempt| attempt.outcome).collect()
}

fn ms(duration: u64) -> Duration {
    Duration::from_millis(duration)
}

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
    let answers: Vec<Answered> = guards.iter().map(|_| client.next()).collect();
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
    let mut last: Vec<Answered> = vec![client.next(), client.next()];
    last.sort_by_key(|answer| answer.ticket);
    assert!(last.iter().all(|answer| answer.attempt.last), "{last:?}");
    assert_eq!(last[0].attempt.outcome, Outcome::HttpError);
    assert_eq!(last[1].attempt.outcome, Outcome::Timeout);
    assert_eq!(server.counts().requests, 2);
}

#[test]
fn a_server_that_is_not_there_is_a_connect_error() {
    // A port that is taken and does not listen.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    let address = socket.local_addr().expect("it is bound").to_string();
    let url = format!("http://{address}{PATH}");
    let none = Endpoint { max_retries: 1, ..endpoint(&url) };
    let attempts = Client::new(&none).call();
    assert_eq!(outcomes(&attempts), [Outcome::ConnectError; 2]);
    let error = attempts[1].error.as_deref().expect("a sentence");
    assert!(error.contains(&address) && error.contains("refused"), "{error}");
    assert_eq!((attempts[1].status, attempts[1].body.as_deref()), (None, None));

    let transport = Transport::new().expect("a transport");
    let error = transport.reachable(&url, Duration::from_secs(5)).unwrap_err();
    assert!(error.contains(&address) && error.contains("refused"), "{error}");
    let error = transport.reachable("http://no-such-host.invalid/v1", Duration::from_secs(20)).unwrap_err();
    assert!(error.contains("no-such-host.invalid:80"), "{error}");
}

#[test]
fn a_connection_that_is_never_ready_is_a_connect_error() {
    // The server waits for a request, which does not come before TLS is agreed upon.
    let server = MockServer::list(vec![Answer::chat("plain")]);
    let url = server.url(PATH).replace("http://", "https://");
    let endpoint = Endpoint { connect_timeout: ms(300), max_retries: 0, ..endpoint(&url) };
    let attempts = Client::new(&endpoint).call();
    assert_eq!(outcomes(&attempts), [Outcome::ConnectError]);
    let error = attempts[0].error.as_deref().expect("a sentence");
    assert!(error.contains("within 300ms"), "{error}");
    assert_eq!(server.counts().requests, 0);
}

#[test]
fn a_user_in_the_address_is_sent_as_a_header() {
    let server = MockServer::list(vec![Answer::chat("hello")]);
    let url = server.url(PATH).replace("http://", "http://user:password@");
    let endpoint = Endpoint { headers: Headers::default(), ..endpoint(&url) };
    assert_eq!(outcomes(&Client::new(&endpoint).call()), [Outcome::Reply]);
    let request = &server.requests()[0];
    assert_eq!(request.header("authorization"), Some("Basic dXNlcjpwYXNzd29yZA=="));
    assert_eq!(request.path, PATH);
}

#[test]
fn pages_are_fetched_and_servers_found() {
    let server = MockServer::start(|request| match request.path.as_str() {
        "/models" => Answer::text(200, "application/json", r#"{"data":[]}"#),
        "/slow" => Answer::hang(),
        "/huge" => Answer::huge(MAX_BODY + 1),
        _ => Answer::error(404, "not_found"),
    });
    let transport = Transport::new().expect("a transport");
    let mut headers = Headers::default();
    headers.set_secret("x-api-key", KEY).expect("a header");
    let page = transport.get(&server.url("/models"), &headers, PATIENCE).expect("a page");
    assert_eq!((page.status, page.body.as_str()), (200, r#"{"data":[]}"#));
    assert_eq!(server.requests()[0].header("x-api-key"), Some(KEY));
    assert_eq!(transport.get(&server.url("/none"), &headers, PATIENCE).expect("a page").status, 404);

    transport.reachable(&server.url("/none"), PATIENCE).expect("any answer will do");
    assert_eq!(server.requests().last().and_then(|request| request.header("x-api-key").map(str::to_owned)), None);
    let address = server.url("").replace("http://", "");
    let slow = transport.reachable(&server.url("/slow"), ms(200)).unwrap_err();
    assert!(slow.contains(&address) && slow.contains("within 200ms"), "{slow}");
    let huge = transport.get(&server.url("/huge"), &headers, PATIENCE).unwrap_err().to_string();
    assert!(huge.contains("16 MiB"), "{huge}");
    let wrong = transport.reachable("localhost:8000", PATIENCE).unwrap_err();
    assert!(wrong.contains("must begin with http://"), "{wrong}");
}

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
    let call = |ticket| Call { ticket, body: vec![], tokens_estimate: 1, answers: send.clone() };
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
    let server = MockServer::list(vec![Answer::error(500, "down").header("retry-after-ms", "100")]);
    let Client { transport, provider, send, receive } = Client::new(&endpoint(&server.url(PATH)));
    let _guard = transport.submit(provider, Call { ticket: 0, body: vec![], tokens_estimate: 1, answers: send });
    drop(receive);
    server.wait_for("the request", |counts| counts.requests == 1);
    std::thread::sleep(ms(500));
    assert_eq!(server.counts().requests, 1);
}

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

#[test]
fn a_key_appears_nowhere_even_if_the_server_repeats_it() {
    let echo = |request: &Request| {
        let key = request.header("authorization").expect("it is sent").to_owned();
        let answer = match request.index {
            0 => Answer::text(401, "text/plain", &format!("wrong key {key}")),
            1 => Answer::text(200, &format!("text/{key}"), &key),
            _ => Answer::chat(&format!("your key is {key}")),
        };
        answer.header("request-id", &key).header("x-should-retry", "true").header("retry-after-ms", "1")
    };
    let server = MockServer::start(echo);
    let endpoint = endpoint(&server.url(PATH).replace("http://", &format!("http://user:{KEY}@")));
    let attempts = Client::new(&endpoint).call();
    assert_eq!(outcomes(&attempts), [Outcome::HttpError, Outcome::WrongContentType, Outcome::Reply]);
    let told = format!("{attempts:?} {:?}", endpoint.headers);
    assert!(!told.contains(KEY) && !told.contains("canary"), "{told}");
    assert!(told.contains("your key is [secret]"), "{told}");
    assert_eq!(server.requests()[2].header("authorization"), Some(format!("Bearer {KEY}").as_str()));

    let nobody = Endpoint { url: format!("http://user:{KEY}@127.0.0.1:1/{KEY}?key={KEY}"), max_retries: 0, ..endpoint };
    let attempts = Client::new(&nobody).call();
    assert_eq!(outcomes(&attempts), [Outcome::ConnectError]);
    assert!(!format!("{attempts:?}").contains(KEY), "{attempts:?}");
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

#[test]
fn proxies_of_the_environment_are_honoured_but_not_for_this_machine() {
    let proxy = MockServer::start(|_| Answer::chat("by proxy"));
    let direct = MockServer::start(|_| Answer::chat("directly"));
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "transport::asks_by_proxy"])
        .env("http_proxy", proxy.url(""))
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .env(DIRECT, direct.url(PATH))
        .output()
        .expect("the test runs again");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let asked: Vec<String> = proxy.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, ["http://model.invalid/v1/chat/completions"]);
    assert_eq!(direct.counts().requests, 1);
}

/// Names the server of [`asks_by_proxy`].
const DIRECT: &str = "VENDOMINI_TEST_SERVER";

/// Does nothing by itself: the test above runs it in a process with a proxy in its environment, and sees what is asked.
#[test]
fn asks_by_proxy() {
    let Ok(direct) = std::env::var(DIRECT) else { return };
    for url in ["http://model.invalid/v1/chat/completions", &direct] {
        let attempts = Client::new(&Endpoint { max_retries: 0, ..endpoint(url) }).call();
        assert_eq!(outcomes(&attempts), [Outcome::Reply], "{attempts:?}");
    }
}

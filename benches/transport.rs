//! What a call costs: 1,024 in flight against a server of another process that takes 200 ms, over the transport and
//! over a bare client. Prints the rate, its part of the ideal one (in flight / latency), and the CPU time a call.
//!
//! `cargo bench --bench transport`; CPU times are those of Linux.
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vendomini::llm::provider::attempt::Outcome;
use vendomini::llm::provider::transport::{Call, CallEvent, Endpoint, Headers, Transport, raise_descriptor_limit};

mod served;

use served::{Answer, Server, cpu_time};

const IN_FLIGHT: u32 = 1024;
const LATENCY: Duration = Duration::from_millis(200);
const WARM_UP: Duration = Duration::from_secs(3);
const MEASURED: Duration = Duration::from_secs(10);

/// About as long as a prompt of a few steps.
const BODY: usize = 4096;

fn main() {
    if served::is_server() {
        let answer = Answer::chat(&"word ".repeat(100)).after(LATENCY);
        return served::serve("/v1/chat/completions", move |_| answer.clone(), IN_FLIGHT);
    }
    raise_descriptor_limit(IN_FLIGHT, 0, 0).unwrap_or_else(|error| panic!("{error}"));
    let mut server = Server::start();
    let ideal = f64::from(IN_FLIGHT) / LATENCY.as_secs_f64();
    println!("{IN_FLIGHT} in flight, {} ms latency: {ideal:.0} calls a second are ideal", LATENCY.as_millis());
    println!("{:<12}{:>14}{:>12}{:>18}", "", "calls/s", "of ideal", "CPU us/call");
    for (name, measure) in [("bare client", bare as fn(&str) -> Measured), ("transport", transport)] {
        let Measured { calls, time, cpu } = measure(&server.url);
        let rate = calls as f64 / time.as_secs_f64();
        let cpu = cpu.map_or("unknown".to_owned(), |cpu| format!("{:.1}", cpu.as_secs_f64() * 1e6 / calls as f64));
        println!("{name:<12}{rate:>14.0}{:>11.1}%{cpu:>18}", 100.0 * rate / ideal);
    }
    server.stop();
}

struct Measured {
    calls: u64,
    time: Duration,
    cpu: Option<Duration>,
}

/// Measures what a counter gains after a warm-up; `step` does what there is to do and returns soon.
fn measure(mut step: impl FnMut(), calls: impl Fn() -> u64) -> Measured {
    let mut run = |time: Duration| {
        let start = Instant::now();
        while start.elapsed() < time {
            step();
        }
    };
    run(WARM_UP);
    let (start, from, cpu) = (Instant::now(), calls(), cpu_time());
    run(MEASURED);
    let cpu = cpu_time().zip(cpu).map(|(to, from)| to - from);
    Measured { calls: calls() - from, time: start.elapsed(), cpu }
}

/// A loop of reqwest and nothing else, as many times as calls are in flight.
fn bare(url: &str) -> Measured {
    // The transport does this for itself; whoever comes second is refused, and it is as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let client = reqwest::Client::new();
    let calls = Arc::new(AtomicU64::new(0));
    for _ in 0..IN_FLIGHT {
        let (client, url, calls) = (client.clone(), url.to_owned(), Arc::clone(&calls));
        runtime.spawn(async move {
            loop {
                let response = client.post(&url).body(vec![b'x'; BODY]).send().await.expect("an answer");
                response.bytes().await.expect("a body");
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let measured = measure(|| std::thread::sleep(Duration::from_millis(1)), || calls.load(Ordering::Relaxed));
    runtime.shutdown_background();
    measured
}

fn transport(url: &str) -> Measured {
    let mut transport = Transport::new().expect("a transport");
    let mut headers = Headers::default();
    headers.set_secret("authorization", "Bearer sk-benchmark-0123456789").expect("a header");
    let endpoint = Endpoint {
        url: url.to_owned(),
        headers,
        judge: |_, _, body| if body.is_empty() { Outcome::EmptyReply } else { Outcome::Reply },
        timeout: Duration::from_secs(60),
        attempt_timeout: Duration::from_secs(60),
        connect_timeout: Duration::from_secs(5),
        max_retries: 8,
        start_connections: IN_FLIGHT,
        max_connections: IN_FLIGHT,
        requests_per_minute: None,
        tokens_per_minute: None,
    };
    let provider = transport.add(&endpoint).expect("a provider");
    let (answers, receive) = crossbeam_channel::unbounded();
    let submit = |ticket| {
        let call = Call { ticket, body: vec![b'x'; BODY].into(), tokens_estimate: 1, answers: answers.clone() };
        transport.submit(provider, call)
    };
    let mut guards: Vec<_> = (0..u64::from(IN_FLIGHT)).map(submit).collect();
    let calls = AtomicU64::new(0);
    measure(
        || {
            let answer = receive.recv().expect("an answer");
            let CallEvent::Attempt(attempt) = &answer.news else { panic!("an attempt comes") };
            assert_eq!(attempt.outcome, Outcome::Reply, "{:?}", attempt.error);
            calls.fetch_add(1, Ordering::Relaxed);
            guards[usize::try_from(answer.ticket).expect("a small number")] = submit(answer.ticket);
        },
        || calls.load(Ordering::Relaxed),
    )
}

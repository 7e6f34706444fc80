//! The transport against a server that goes wrong in every way.
//!
//! - [`answers`]: what a server answers, and what is made of it
//! - [`time`]: waits, retries and deadlines
//! - [`connecting`]: servers that are not there, proxies, pages
//! - [`cancelling`]: calls that nobody wants any more
//! - [`load`]: requests in flight and a minute
//! - [`secrets`]: keys and passwords

mod answers;
mod cancelling;
mod connecting;
mod load;
mod secrets;
mod time;

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use serde_json::Value;
use vendomini::llm::provider::attempt::{Attempt, Outcome};
use vendomini::llm::provider::transport::{
    Answer as Answered, Call, CallEvent, CallGuard, Endpoint, Headers, ProviderId, Transport,
};

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

/// An attempt of a call.
#[derive(Debug)]
struct Told {
    ticket: u64,
    attempt: Attempt,
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
        let body = format!(r#"{{"ticket":{ticket}}}"#).into();
        let call = Call { ticket, body, tokens_estimate: 100, answers: self.send.clone() };
        self.transport.submit(self.provider, call)
    }

    fn news(&self) -> Answered {
        self.receive.recv_timeout(PATIENCE).expect("something comes of it")
    }

    fn next(&self) -> Told {
        let Answered { ticket, news: CallEvent::Attempt(attempt) } = self.news() else { panic!("an attempt comes") };
        Told { ticket, attempt }
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

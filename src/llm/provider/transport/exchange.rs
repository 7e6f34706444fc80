//! One request and its answer: sends, reads within limits, and returns the outcome.

use std::time::{Duration, Instant, SystemTime};

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Request, Response, StatusCode};
use tokio::time::timeout_at;

use crate::llm::provider::attempt::Outcome;
use crate::llm::provider::transport::client::cause;
use crate::llm::provider::transport::endpoint::Provider;
use crate::llm::provider::transport::retry::Advice;

/// The longest body that is read, in bytes.
pub const MAX_BODY: usize = 16 << 20;

/// The longest body that is kept of anything but a reply, in bytes.
pub const MAX_ERROR_BODY: usize = 64 << 10;

/// The longest name of a request that is kept, in characters.
const MAX_REQUEST_ID: usize = 128;

/// The outcome of a request.
pub(super) struct Exchange {
    pub(super) outcome: Outcome,
    pub(super) status: Option<u16>,
    pub(super) body: Option<String>,
    pub(super) error: Option<String>,
    pub(super) latency: Duration,
    pub(super) first_byte: Option<Duration>,
    pub(super) advice: Advice,
    pub(super) request_id: Option<String>,
}

/// How the reading of a body ended.
enum End {
    Whole,
    /// There is more than was wanted.
    TooLong,
    Broken(reqwest::Error),
    TimedOut,
}

/// Sends a request; gives up `limit` after `sent`. Dropping the future closes the connection.
pub(super) async fn exchange(provider: &Provider, request: Request, sent: Instant, limit: Duration) -> Exchange {
    let deadline = (sent + limit).into();
    let answered = timeout_at(deadline, provider.client.execute(request)).await;
    let first_byte = sent.elapsed();
    let failed = |outcome, error| Exchange {
        outcome,
        status: None,
        body: None,
        error: Some(provider.secrets.mask(error)),
        latency: first_byte,
        first_byte: None,
        advice: Advice::default(),
        request_id: None,
    };
    let mut response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if error.is_connect() => {
            return failed(Outcome::ConnectError, cannot_connect(&provider.server, provider.connect_timeout, &error));
        }
        Ok(Err(error)) => return failed(Outcome::Broken, broken(&provider.server, &error)),
        Err(_) => return failed(Outcome::Timeout, format!("no answer from {} within {limit:?}", provider.server)),
    };

    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    let mut body = Vec::new();
    let max = if refused { MAX_ERROR_BODY } else { MAX_BODY };
    let end = match timeout_at(deadline, read(&mut response, max, &mut body)).await {
        Ok(end) => end,
        Err(_) => End::TimedOut,
    };
    let latency = sent.elapsed();
    let has_body = matches!(end, End::Whole) || !body.is_empty();
    let content_type = header(response.headers(), CONTENT_TYPE.as_str());
    let (outcome, error) = match &end {
        End::Broken(error) => (Outcome::Broken, Some(broken(&provider.server, error))),
        End::TimedOut => {
            (Outcome::Timeout, Some(format!("the answer of {} was not whole within {limit:?}", provider.server)))
        }
        End::TooLong if !refused => {
            (Outcome::OversizedBody, Some(format!("the answer is longer than {} MiB", MAX_BODY >> 20)))
        }
        End::Whole | End::TooLong => {
            let outcome = (provider.judge)(status.as_u16(), content_type, &body);
            (outcome, complaint(outcome, status, content_type))
        }
    };
    let whole = matches!(end, End::Whole) && (outcome == Outcome::Reply || body.len() <= MAX_ERROR_BODY);
    let body = text(body, outcome);
    let mut body = if whole { provider.secrets.mask(body) } else { provider.secrets.mask_cut(body) };
    if outcome != Outcome::Reply {
        body.truncate(body.floor_char_boundary(MAX_ERROR_BODY));
    }
    Exchange {
        outcome,
        status: Some(status.as_u16()),
        body: has_body.then_some(body),
        error: error.map(|error| provider.secrets.mask(error)),
        latency,
        first_byte: Some(first_byte),
        advice: Advice::read(|name| header(response.headers(), name), SystemTime::now()),
        request_id: ["x-request-id", "request-id"]
            .into_iter()
            .find_map(|name| header(response.headers(), name))
            .map(|id| provider.secrets.mask(id.to_owned()).chars().take(MAX_REQUEST_ID).collect()),
    }
}

/// Reads a body of at most `max` bytes; what came is in `body` however it ends.
async fn read(response: &mut Response, max: usize, body: &mut Vec<u8>) -> End {
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = max - body.len();
                if chunk.len() > room {
                    body.extend_from_slice(&chunk[..room]);
                    return End::TooLong;
                }
                body.extend_from_slice(&chunk);
            }
            Ok(None) => return End::Whole,
            Err(error) => return End::Broken(error),
        }
    }
}

/// A body as text: whole if it is a reply, otherwise its beginning.
fn text(mut body: Vec<u8>, outcome: Outcome) -> String {
    if outcome != Outcome::Reply {
        body.truncate(MAX_ERROR_BODY);
    }
    String::from_utf8(body).unwrap_or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        // A character that was cut at the end is no character.
        let end = if error.utf8_error().error_len().is_none() { valid } else { error.as_bytes().len() };
        String::from_utf8_lossy(&error.as_bytes()[..end]).into_owned()
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What is wrong with an answer that came.
fn complaint(outcome: Outcome, status: StatusCode, content_type: Option<&str>) -> Option<String> {
    let sentence = match outcome {
        Outcome::Reply => return None,
        Outcome::WrongContentType => {
            format!("the answer is not JSON by its content type, {:?}", content_type.unwrap_or_default())
        }
        Outcome::UnreadableBody => "the answer is not the JSON it claims to be".to_owned(),
        Outcome::EmptyReply => "the answer holds no reply".to_owned(),
        Outcome::ProviderError => "the answer is an error under a status of success".to_owned(),
        Outcome::ContextOverflow => "the conversation is longer than the model can take".to_owned(),
        _ => format!("the server answered {status}"),
    };
    Some(sentence)
}

fn broken(server: &str, error: &reqwest::Error) -> String {
    format!("the connection to {server} broke: {}", cause(error))
}

/// Says why there is no connection.
pub(super) fn cannot_connect(server: &str, timeout: Duration, error: &reqwest::Error) -> String {
    if error.is_dns() {
        format!("no such host: {server} ({})", cause(error))
    } else if error.is_timeout() {
        format!("no connection to {server} within {timeout:?}")
    } else if refused(error) {
        format!("{server} refused the connection: nothing listens there")
    } else {
        format!("no connection to {server}: {}", cause(error))
    }
}

fn refused(error: &reqwest::Error) -> bool {
    let mut link: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = link {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
            return true;
        }
        link = error.source();
    }
    false
}

//! Where a model is asked, and how.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Request, Url};

use crate::llm::provider::attempt::Outcome;
use crate::llm::provider::transport::client;
use crate::llm::provider::transport::headers::{Headers, Secrets};
use crate::llm::provider::transport::retry::Policy;

/// Says what an answer is worth: from its status, its content type and its body, which is whole up to 16 MiB, of
/// statuses from 400 on up to 64 KiB. It runs on the transport's thread and must not panic: its call would never end.
pub type Judge = fn(u16, Option<&str>, &[u8]) -> Outcome;

/// One provider: an address, how to speak to it, and how hard to press it.
#[derive(Clone)]
pub struct Endpoint {
    /// Where requests are posted to. A user and password in it are sent and never shown.
    pub url: String,
    /// What is sent with every request. `content-type: application/json` is added unless set.
    pub headers: Headers,
    /// What an answer is worth.
    pub judge: Judge,
    /// How long a call may take from its first sending on, retries and waits included.
    pub timeout: Duration,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// How long it may take to connect, the look-up of the name and TLS included.
    pub connect_timeout: Duration,
    /// How many attempts may follow the first.
    pub max_retries: u32,
    /// How many requests may be in flight at first; at least 1.
    pub start_connections: u32,
    /// How many requests may ever be in flight; at least 1.
    pub max_connections: u32,
    /// Requests a minute, spread evenly; `None` is without limit.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Tokens a minute by the callers' estimates, spread evenly; `None` is without limit.
    pub tokens_per_minute: Option<NonZeroU32>,
}

/// Why no request can be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The address is none.
    #[error("{url:?} is not an address of an HTTP server: {why}")]
    Address {
        /// The address, without user and password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// No client could be made.
    #[error("no HTTP client for {server}: {why}")]
    Client {
        /// The server.
        server: String,
        /// What is missing.
        why: String,
    },
    /// No runtime could be started.
    #[error("no thread for HTTP requests: {0}")]
    Runtime(String),
}

/// What every request to a provider needs.
pub(super) struct Provider {
    pub(super) client: Client,
    pub(super) judge: Judge,
    pub(super) policy: Policy,
    pub(super) attempt_timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) secrets: Secrets,
    /// Host and port, for messages.
    pub(super) server: String,
    /// A request without a body.
    template: Request,
}

impl Provider {
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, TransportError> {
        let url = parse_url(&endpoint.url)?;
        let idle = usize::try_from(endpoint.max_connections.max(1)).unwrap_or(usize::MAX);
        let client = client::build(&url, endpoint.connect_timeout, idle)?;
        let server = server(&url);
        let password = url.password().map(str::to_owned);
        let template = client.post(url).headers(endpoint.headers.map().clone()).build();
        let mut template =
            template.map_err(|error| TransportError::Client { server: server.clone(), why: client::cause(&error) })?;
        template.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        let mut secrets = endpoint.headers.secrets().clone();
        if let Some(password) = password {
            secrets.add(&password);
        }
        // A user and password in the address have become this header.
        if let Some(value) = template.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
            secrets.add(value);
        }
        Ok(Self {
            client,
            judge: endpoint.judge,
            policy: Policy { max_retries: endpoint.max_retries, timeout: endpoint.timeout },
            attempt_timeout: endpoint.attempt_timeout,
            connect_timeout: endpoint.connect_timeout,
            secrets,
            server,
            template,
        })
    }

    pub(super) fn request(&self, body: Bytes) -> Request {
        let mut request = self.template.try_clone().expect("a request without a body");
        *request.body_mut() = Some(body.into());
        request
    }
}

pub(super) fn parse_url(text: &str) -> Result<Url, TransportError> {
    let refuse = |why: String| TransportError::Address { url: without_user(text), why };
    let url = Url::parse(text).map_err(|error| refuse(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("it must begin with http:// or https://".to_owned()));
    }
    Ok(url)
}

/// An address as written, less user, password and query, all of which may hold keys.
fn without_user(text: &str) -> String {
    let text = text.split('?').next().unwrap_or_default();
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        (_, None) => text.to_owned(),
    }
}

/// Host and port of an address.
pub(super) fn server(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_address_is_named_without_its_secrets() {
        for (text, shown) in [
            ("ftp://user:canary@host/path?key=canary", "ftp://host/path"),
            ("user:canary@host", "host"),
            ("http://user:canary@[::1/x@y", "http://y"),
            ("localhost:8000/v1", "localhost:8000/v1"),
        ] {
            let error = parse_url(text).unwrap_err();
            let TransportError::Address { url, .. } = &error else { panic!("{error}") };
            assert_eq!(url, shown);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_server_is_named_with_its_port() {
        for (text, named) in
            [("https://user:canary@api.example/v1", "api.example:443"), ("http://[::1]:8000/v1", "[::1]:8000")]
        {
            assert_eq!(server(&parse_url(text).unwrap()), named);
        }
    }
}

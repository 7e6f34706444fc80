//! Single questions before the first run: is the server there, and what does a page say.

use std::time::{Duration, Instant};

use reqwest::{Client, Url};
use tokio::time::timeout_at;

use crate::llm::provider::transport::client;
use crate::llm::provider::transport::endpoint::{TransportError, parse_url, server};
use crate::llm::provider::transport::exchange::{MAX_BODY, cannot_connect};
use crate::llm::provider::transport::headers::{Headers, Secrets};

/// A page that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

/// Why there is no page. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The request could not be sent at all.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// There is no connection.
    #[error("{0}")]
    Connect(String),
    /// There was no whole answer in time.
    #[error("no whole answer from {server} within {timeout:?}")]
    Timeout {
        /// Host and port.
        server: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// The connection broke.
    #[error("the connection to {server} broke: {why}")]
    Broken {
        /// Host and port.
        server: String,
        /// How.
        why: String,
    },
    /// The body is longer than 16 MiB.
    #[error("the answer of {server} is longer than 16 MiB")]
    TooLong {
        /// Host and port.
        server: String,
    },
}

/// A question to one server.
pub(super) struct Fetch {
    client: Client,
    url: Url,
    server: String,
    secrets: Secrets,
    headers: Headers,
    timeout: Duration,
}

impl Fetch {
    pub(super) fn new(url: &str, headers: &Headers, timeout: Duration) -> Result<Self, FetchError> {
        let url = parse_url(url)?;
        let client = client::build(&url, timeout, 1)?;
        let server = server(&url);
        Ok(Self { client, url, server, secrets: headers.secrets().clone(), headers: headers.clone(), timeout })
    }

    /// Asks for the whole page.
    pub(super) async fn page(self) -> Result<Page, FetchError> {
        let deadline = Instant::now() + self.timeout;
        let mut response = self.ask(deadline).await?;
        let mut body = Vec::new();
        while let Some(chunk) = self.in_time(deadline, response.chunk()).await? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(FetchError::TooLong { server: self.server });
            }
            body.extend_from_slice(&chunk);
        }
        let body = self.secrets.mask(String::from_utf8_lossy(&body).into_owned());
        Ok(Page { status: response.status().as_u16(), body })
    }

    /// Asks, and is content with any answer.
    pub(super) async fn answer(self) -> Result<(), FetchError> {
        self.ask(Instant::now() + self.timeout).await.map(|_| ())
    }

    async fn ask(&self, deadline: Instant) -> Result<reqwest::Response, FetchError> {
        let request = self.client.get(self.url.clone()).headers(self.headers.map().clone());
        self.in_time(deadline, request.send()).await
    }

    async fn in_time<T>(
        &self,
        deadline: Instant,
        doing: impl Future<Output = Result<T, reqwest::Error>>,
    ) -> Result<T, FetchError> {
        match timeout_at(deadline.into(), doing).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) if error.is_connect() => {
                Err(FetchError::Connect(self.secrets.mask(cannot_connect(&self.server, self.timeout, &error))))
            }
            Ok(Err(error)) => {
                Err(FetchError::Broken { server: self.server.clone(), why: self.secrets.mask(client::cause(&error)) })
            }
            Err(_) => Err(FetchError::Timeout { server: self.server.clone(), timeout: self.timeout }),
        }
    }
}

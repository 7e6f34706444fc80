//! Makes HTTP clients, each with a connection pool of its own.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};
use rustls::crypto::{CryptoProvider, ring};

use crate::llm::provider::transport::endpoint::{TransportError, server};

/// Idle connections are closed after this. Common servers close theirs sooner; what matters is that runs which are
/// busy with something else find their connections again.
const IDLE: Duration = Duration::from_secs(30);

/// A client for one server that keeps up to `idle` unused connections. Proxies are those of the environment
/// (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, less `NO_PROXY`).
pub(super) fn build(url: &Url, connect_timeout: Duration, idle: usize) -> Result<Client, TransportError> {
    if CryptoProvider::get_default().is_none() {
        // Another thread may have been quicker, which is as well.
        let _ = ring::default_provider().install_default();
    }
    let builder = || {
        let builder = ClientBuilder::new()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect_timeout)
            .pool_max_idle_per_host(idle)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            // Keys go to the address that the user wrote, and nowhere else.
            .redirect(Policy::none())
            .referer(false)
            // Every request that is sent is an attempt of its own in the records.
            .retry(reqwest::retry::never());
        // A proxy is a way out: no proxy knows the way to a server on this machine.
        if is_loopback(url) { builder.no_proxy() } else { builder }
    };
    let client = builder().build();
    // Without certificates on the machine there is no TLS; that is no reason not to ask a server without it.
    let client = if url.scheme() == "http" { client.or_else(|_| builder().tls_certs_only([]).build()) } else { client };
    client.map_err(|error| TransportError::Client { server: server(url), why: cause(&error) })
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The innermost cause of an error, which holds no address and no header.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_without_a_proxy() {
        let loopback = |text: &str| is_loopback(&Url::parse(text).unwrap());
        assert!(loopback("http://localhost:11434/v1"));
        assert!(loopback("http://127.0.0.1:8000"));
        assert!(loopback("http://[::1]:8000"));
        assert!(!loopback("http://192.168.0.7:8000"));
        assert!(!loopback("https://localhost.example"));
    }
}

//! Servers that are not there, proxies, and pages asked for before the first run.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use tokio::net::TcpSocket;
use vendomini::llm::provider::attempt::Outcome;
use vendomini::llm::provider::transport::exchange::MAX_BODY;
use vendomini::llm::provider::transport::{Endpoint, Headers, Transport};

use super::{Client, KEY, PATH, PATIENCE, endpoint, ms, outcomes};
use crate::mock_server::{Answer, MockServer};

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

/// The program that runs now. Where the file was replaced meanwhile, only Linux still knows it.
fn this_test() -> std::path::PathBuf {
    if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe().expect("this test") }
}

#[test]
fn proxies_of_the_environment_are_honoured_but_not_for_this_machine() {
    let proxy = MockServer::start(|_| Answer::chat("by proxy"));
    let direct = MockServer::start(|_| Answer::chat("directly"));
    let child = Command::new(this_test())
        .args(["--exact", "transport::connecting::asks_by_proxy"])
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

//! Keys and passwords.

use vendomini::llm::provider::attempt::Outcome;
use vendomini::llm::provider::transport::exchange::MAX_ERROR_BODY;
use vendomini::llm::provider::transport::{Endpoint, Headers};

use super::{Client, KEY, PATH, endpoint, outcomes};
use crate::mock_server::{Answer, MockServer, Request};

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
fn no_form_of_a_key_appears() {
    let key = "sk/canary+7f";
    let numbers: String = key.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let long = format!("{}{key}", "x".repeat(MAX_ERROR_BODY - 7));
    for (answer, said) in [
        (Answer::text(401, "application/json", &format!(r#"{{"error": "wrong key {}"}}"#, key.replace('/', r"\/"))), 7),
        (Answer::text(401, "application/json", &format!(r#"{{"error": "{numbers}"}}"#)), 7),
        (Answer::text(401, "text/plain", key), 0),
        // Cut in the middle of the key: by the client, and by the server.
        (Answer::text(401, "text/plain", &long), MAX_ERROR_BODY - 7),
        (Answer::text(200, "text/plain", &long), MAX_ERROR_BODY - 7),
        (Answer::text(401, "text/plain", &format!("wrong key {key} in all")).cut_after(17), 7),
    ] {
        let server = MockServer::list(vec![answer]);
        let mut headers = Headers::default();
        headers.set_secret("authorization", &format!("Bearer {key}")).expect("a header");
        let attempts = Client::new(&Endpoint { headers, max_retries: 0, ..endpoint(&server.url(PATH)) }).call();
        let body = attempts[0].body.as_deref().expect("a body");
        assert!(!body.contains("can") && !body.contains("u00") && body.len() <= MAX_ERROR_BODY, "{attempts:?}");
        assert!(body.len() >= said, "the rest is kept: {attempts:?}");
    }
}

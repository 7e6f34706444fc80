//! Headers of requests, and how their secrets are kept out of everything else.

use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// A value shorter than this is a placeholder of a server without keys ("none", "ollama"), not a secret: it may well
/// be a word of a reply, which must not be changed.
const SHORTEST_SECRET: usize = 16;

/// What stands in the place of a secret.
const MASK: &str = "[secret]";

/// Headers to send. They can be sent and nothing else: no method gives a value back, and `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Headers {
    map: HeaderMap,
    secrets: Secrets,
}

/// A header that cannot be sent. Names no value, since it may be a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The name is none.
    #[error("{0:?} is not the name of an HTTP header")]
    Name(String),
    /// The value has characters that no header may have.
    #[error("the value of header {0:?} holds a line break or another character that no header may have")]
    Value(String),
}

impl Headers {
    /// Sets a header that is no secret.
    ///
    /// # Errors
    ///
    /// If name or value is not one of a header.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        self.insert(name, value, false)
    }

    /// Sets a header whose value is a secret: of 16 characters or more, it is masked wherever a server repeats it.
    ///
    /// # Errors
    ///
    /// If name or value is not one of a header.
    pub fn set_secret(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        self.insert(name, value, true)?;
        self.secrets.add(value);
        Ok(())
    }

    pub(super) fn map(&self) -> &HeaderMap {
        &self.map
    }

    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    fn insert(&mut self, name: &str, value: &str, secret: bool) -> Result<(), HeaderError> {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::Name(name.to_owned()))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| HeaderError::Value(name.to_owned()))?;
        value.set_sensitive(secret);
        self.map.insert(key, value);
        Ok(())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.map.keys()).finish()
    }
}

/// Texts that may appear nowhere but in what is sent.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Adds the value of a header, and the key behind a scheme such as `Bearer`.
    pub(super) fn add(&mut self, value: &str) {
        let key = value.rsplit(' ').next().unwrap_or(value);
        for text in [value, key] {
            if text.len() >= SHORTEST_SECRET && !self.0.iter().any(|known| known == text) {
                self.0.push(text.to_owned());
            }
        }
    }

    /// The text without secrets.
    pub(super) fn mask(&self, mut text: String) -> String {
        for secret in &self.0 {
            if text.contains(secret) {
                text = text.replace(secret, MASK);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-canary-0123456789";

    #[test]
    fn no_value_is_shown() {
        let mut headers = Headers::default();
        headers.set_secret("Authorization", &format!("Bearer {KEY}")).unwrap();
        headers.set("x-title", "plain").unwrap();
        assert_eq!(format!("{headers:?}"), r#"["authorization", "x-title"]"#);
        let error = headers.set_secret("x-api-key", &format!("{KEY}\n")).unwrap_err();
        assert!(!format!("{error:?} {error}").contains(KEY));
        assert_eq!(headers.set("not a name", "x"), Err(HeaderError::Name("not a name".into())));
    }

    #[test]
    fn secrets_are_masked_with_and_without_their_scheme() {
        let mut headers = Headers::default();
        headers.set_secret("authorization", &format!("Bearer {KEY}")).unwrap();
        let masked = headers.secrets().mask(format!("Bearer {KEY} and {KEY}"));
        assert_eq!(masked, "[secret] and [secret]");
    }

    #[test]
    fn a_placeholder_changes_no_reply() {
        let mut headers = Headers::default();
        headers.set_secret("authorization", "Bearer none").unwrap();
        assert_eq!(headers.secrets().mask("none at all".into()), "none at all");
    }
}

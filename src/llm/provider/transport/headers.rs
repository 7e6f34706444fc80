//! Headers of requests, and how their secrets are kept out of everything else.

use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// What people write where a server needs no key. These are words of replies, which must not be changed.
const PLACEHOLDERS: [&str; 12] =
    ["empty", "none", "null", "dummy", "test", "token", "key", "api-key", "no-key", "ollama", "local", "fake"];

/// Fewer characters than this are no secret, nor is so short a beginning of one: they stand in every text.
const SHORTEST_SECRET: usize = 4;

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

    /// Sets a header whose value is a secret: it is masked wherever a server repeats it, unless it is a placeholder
    /// such as `none` or has fewer than four characters.
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
        let is_placeholder = PLACEHOLDERS.iter().any(|word| key.eq_ignore_ascii_case(word));
        if key.len() < SHORTEST_SECRET || is_placeholder {
            return;
        }
        // The longer one first: where both fit, nothing of it may stay.
        for text in [value, key] {
            if !self.0.iter().any(|known| known == text) {
                self.0.push(text.to_owned());
            }
        }
    }

    /// The text without secrets, also where they are written with the escapes of JSON.
    pub(super) fn mask(&self, text: String) -> String {
        self.masked(text, Extent::Whole)
    }

    /// The same for a text that was cut off: where it ends with the beginning of a secret, that goes too.
    pub(super) fn mask_cut(&self, text: String) -> String {
        self.masked(text, Extent::Cut)
    }

    fn masked(&self, mut text: String, extent: Extent) -> String {
        for secret in &self.0 {
            if let Some(masked) = masked(&text, secret.as_bytes(), extent) {
                text = masked;
            }
        }
        text
    }
}

/// Whether a text goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Whole,
    Cut,
}

/// The text without one secret; `None` where it does not hold it.
fn masked(text: &str, secret: &[u8], extent: Extent) -> Option<String> {
    let bytes = text.as_bytes();
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while at < bytes.len() {
        // A secret is ASCII, so it begins and ends between characters.
        let end = if bytes[at] == secret[0] || bytes[at] == b'\\' { end_of(bytes, at, secret, extent) } else { None };
        match end {
            Some(end) => {
                out.push_str(&text[copied..at]);
                out.push_str(MASK);
                (copied, at) = (end, end);
            }
            None => at += 1,
        }
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Where the secret that begins at `start` ends, if one does.
fn end_of(text: &[u8], start: usize, secret: &[u8], extent: Extent) -> Option<usize> {
    let mut at = start;
    for (read, byte) in secret.iter().enumerate() {
        match written(&text[at..], *byte) {
            Written::So(len) => at += len,
            Written::EndsBefore if extent == Extent::Cut && read >= SHORTEST_SECRET => return Some(text.len()),
            Written::EndsBefore | Written::Otherwise => return None,
        }
    }
    Some(at)
}

/// How a text begins, seen from a character.
enum Written {
    /// With this character, in so many bytes.
    So(usize),
    /// It ends before that can be said.
    EndsBefore,
    /// Otherwise.
    Otherwise,
}

/// Whether a text begins with a character as it is, behind a backslash (of which texts within texts have several), or
/// by its number in hexadecimal digits.
fn written(text: &[u8], byte: u8) -> Written {
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    let rest = &text[slashes..];
    if byte == b'\\' && slashes > 0 {
        // However often it was escaped, it is one character.
        return Written::So(slashes);
    }
    if slashes == 0 && rest.first() == Some(&byte) {
        return Written::So(1);
    }
    match (slashes, rest) {
        (_, []) => Written::EndsBefore,
        (0, _) => Written::Otherwise,
        (_, [first, ..]) if *first == byte && byte != b'u' => Written::So(slashes + 1),
        (_, [b'u', digits @ ..]) => {
            let number = format!("{byte:04x}");
            let digits = &digits[..digits.len().min(number.len())];
            let (so, whole) =
                (number.as_bytes()[..digits.len()].eq_ignore_ascii_case(digits), digits.len() == number.len());
            match (so, whole) {
                (true, true) => Written::So(slashes + 1 + number.len()),
                (true, false) => Written::EndsBefore,
                (false, _) => Written::Otherwise,
            }
        }
        _ => Written::Otherwise,
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

    fn secrets(value: &str) -> Secrets {
        let mut headers = Headers::default();
        headers.set_secret("authorization", value).unwrap();
        headers.secrets().clone()
    }

    fn mask(value: &str, text: &str) -> String {
        secrets(value).mask(text.to_owned())
    }

    #[test]
    fn secrets_are_masked_with_and_without_their_scheme() {
        let masked = mask(&format!("Bearer {KEY}"), &format!("Bearer {KEY} and {KEY}"));
        assert_eq!(masked, "[secret] and [secret]");
    }

    #[test]
    fn short_keys_are_masked_too() {
        for key in ["hunter2", "tops", "0123456789abcde"] {
            assert_eq!(mask(&format!("Bearer {key}"), &format!("é{key}{key}é")), "é[secret][secret]é");
        }
    }

    #[test]
    fn a_placeholder_changes_no_reply() {
        for word in ["none", "EMPTY", "ollama", "dummy", "x"] {
            let text = format!("{word} at all");
            assert_eq!(mask(&format!("Bearer {word}"), &text), text);
            assert_eq!(mask(word, &text), text);
        }
    }

    #[test]
    fn escapes_hide_no_secret() {
        const KEY: &str = r#"sk/can"ary+0u1"#;
        let of = |key: &str| serde_json::to_string(key).unwrap();
        let numbers: String = KEY.bytes().map(|byte| format!("\\u{byte:04X}")).collect();
        let within = of(&of(KEY));
        let (plain, slashed) = (of(KEY), of(KEY).replace('/', r"\/"));
        for text in [KEY, &plain, &slashed, &slashed.replace('+', r"\u002b"), &numbers, &within, &of(&numbers)] {
            let masked = mask(KEY, &format!("your key {text} is wrong"));
            let quotes = masked.replace("[secret]", "").replace(['"', '\\'], "");
            assert_eq!(quotes, "your key  is wrong", "{text}: {masked}");
        }
        // What merely begins so stays as it is.
        let other = r#"{"text": "sk\/can\"ary \u0073k \u00e9 \\"}"#;
        assert_eq!(mask(KEY, other), other);
    }

    #[test]
    fn a_secret_that_was_cut_off_is_masked_as_far_as_it_goes() {
        let secrets = secrets(&format!("Bearer {KEY}"));
        for end in 4..KEY.len() {
            let text = format!("wrong key {}", &KEY[..end]);
            assert_eq!(secrets.mask_cut(text.clone()), "wrong key [secret]");
            assert_eq!(secrets.mask(text.clone()), text, "a whole text ends where it ends");
        }
        assert_eq!(secrets.mask_cut(format!("{KEY}: sk-")), "[secret]: sk-");
        assert_eq!(secrets.mask_cut(r"sk-canary-\u003".to_owned()), "[secret]");
        assert_eq!(secrets.mask_cut(r"sk-canary-\".to_owned()), "[secret]");
    }
}

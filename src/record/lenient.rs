//! JSON as Python writes it: also `NaN`, infinities, numbers beyond any float and halves of surrogate pairs.
//!
//! Called by [`reader`](super::reader) for lines that are no strict JSON. Pure; it never guesses at anything else:
//! a line that is broken in another way stays broken.

use serde_json::Value;

/// Reads a value. The flag says whether the text was strict JSON; where it was not, numbers that JSON cannot hold
/// become strings of what was written, and half a surrogate pair becomes the replacement character.
///
/// # Errors
/// When the text is no JSON either way; what is wrong with it, in a few words.
pub fn parse(bytes: &[u8]) -> Result<(Value, bool), String> {
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok((value, true)),
        Err(error) => error,
    };
    let Ok(text) = std::str::from_utf8(bytes) else { return Err("it is not UTF-8".to_owned()) };
    match serde_json::from_str(&strict(text)) {
        Ok(value) => Ok((value, false)),
        // The first error speaks of what stands in the file.
        Err(_) if error.is_eof() => Err("it breaks off".to_owned()),
        Err(_) => Err(format!("column {}: {}", error.column(), without_place(&error))),
    }
}

/// The text with Python's extras replaced by strict JSON.
#[must_use]
pub fn strict(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() + 16);
    let (mut at, mut kept) = (0, 0);
    let mut in_string = false;
    while at < bytes.len() {
        // `length` bytes stay as they are, or become `with`.
        let (length, with) = match bytes[at] {
            b'"' => {
                in_string = !in_string;
                (1, None)
            }
            b'\\' if in_string => escape(&bytes[at..]),
            _ if in_string => (1, None),
            b'-' | b'0'..=b'9' | b'N' | b'I' => {
                let length = bytes[at..].iter().take_while(|byte| is_of_number(**byte)).count();
                let token = &text[at..at + length];
                let fits = token.parse::<f64>().is_ok_and(f64::is_finite);
                (length, (!fits && is_number(token)).then(|| format!("\"{token}\"")))
            }
            _ => (1, None),
        };
        if let Some(with) = with {
            out.push_str(&text[kept..at]);
            out.push_str(&with);
            kept = at + length;
        }
        at += length;
    }
    out.push_str(&text[kept..]);
    out
}

/// Length of an escape sequence, and what to put in its place.
fn escape(bytes: &[u8]) -> (usize, Option<String>) {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let length = |wanted: usize| wanted.min(bytes.len());
    match (unit(0), unit(6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, None),
        (Some(0xD800..=0xDFFF), _) => (6, Some("\\ufffd".to_owned())),
        (Some(_), _) => (6, None),
        (None, _) => (length(2), None),
    }
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// Whether a token that is no finite float is a number all the same.
fn is_number(token: &str) -> bool {
    matches!(token, "NaN" | "Infinity" | "-Infinity")
        || (token.parse::<f64>().is_ok() && token.bytes().any(|byte| byte.is_ascii_digit()))
}

/// The message of an error without its `at line 1 column 2`.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.clone(), |at| text[..at].to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_python_writes_is_read() {
        let read = |text: &str| parse(text.as_bytes());
        assert_eq!(read(r#"{"a": 1}"#), Ok((json!({"a": 1}), true)));
        assert_eq!(
            read(r#"{"a": NaN, "b": [-Infinity, 1e999, 2], "c": "NaN 1e999"}"#),
            Ok((json!({"a": "NaN", "b": ["-Infinity", "1e999", 2], "c": "NaN 1e999"}), false))
        );
        let huge = "9".repeat(400);
        assert_eq!(read(&format!("[{huge}]")), Ok((json!([huge]), false)));
        assert_eq!(read(r#"["\ud83d x", "\ud83d\ude00", "\"\\"]"#), Ok((json!(["\u{fffd} x", "😀", "\"\\"]), false)));
    }

    #[test]
    fn what_is_broken_stays_broken() {
        for (text, why) in [
            (&b"{\"a\": 1"[..], "it breaks off"),
            (b"{\"a\": \"\\u12", "it breaks off"),
            (b"{\"a\": Nonsense}", "column 7: expected value"),
            (b"{\"a\": \"\xff\"}", "it is not UTF-8"),
            (b"{\"a\": \"\\", "it breaks off"),
        ] {
            assert_eq!(parse(text), Err(why.to_owned()), "{}", String::from_utf8_lossy(text));
        }
    }
}

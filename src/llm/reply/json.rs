//! JSON objects in a model's hand: perhaps single-quoted, with text behind them, with a key stated twice.
//!
//! The grammar is `serde_json`'s; this module turns single quotes and Python's `True`, `False` and `None` into JSON
//! where strict JSON fails, and refuses what contradicts itself. Nothing is repaired beyond that.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

/// How deep values may be nested. Records nest them a little deeper, and must be readable by readers with a limit
/// of 128.
const DEPTH: usize = 64;

/// What is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The text ends within it.
    BreaksOff,
    /// It is no JSON; where and why.
    Broken(String),
    /// A key is stated twice with different values.
    Twice(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::BreaksOff => f.write_str("it breaks off"),
            Fault::Broken(why) => f.write_str(why),
            Fault::Twice(key) => {
                write!(f, "{} is stated twice with different values", crate::llm::reply::in_quotes(key))
            }
        }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Fault {
        if error.is_eof() { Fault::BreaksOff } else { Fault::Broken(error.to_string()) }
    }
}

/// The members of an object as they were written: in order, values unread.
#[derive(Debug)]
pub(super) struct Members(Vec<(String, Box<RawValue>)>);

/// Reads the object with which a text begins. What stands behind it does not matter.
pub(super) fn object(text: &str) -> Result<Members, Fault> {
    let read = |text: &str| Members::deserialize(&mut serde_json::Deserializer::from_str(text));
    read(text).or_else(|strict| {
        let single_quoted = text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with('\''));
        read(&double_quoted(text).0).map_err(|error| Fault::from(if single_quoted { error } else { strict }))
    })
}

/// Whether a text is one object and nothing else, as far as its brackets tell.
pub(super) fn is_one_object(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('{') && double_quoted(text).1.is_empty()
}

impl Members {
    /// Takes away all values of a key.
    pub(super) fn take(&mut self, key: &str) -> Vec<Box<RawValue>> {
        let taken = self.0.extract_if(.., |(name, _)| name == key);
        taken.map(|(_, value)| value).collect()
    }

    /// The value of each key. A key may be repeated with the same value.
    pub(super) fn each(self) -> BTreeMap<String, Result<Value, Fault>> {
        let mut each: BTreeMap<String, Result<Value, Fault>> = BTreeMap::new();
        for (key, raw) in self.0 {
            let value = value(&raw);
            match each.get_mut(&key) {
                Some(known) if *known == value => {}
                Some(known) => *known = Err(Fault::Twice(key)),
                None => drop(each.insert(key, value)),
            }
        }
        each
    }

    /// The object as a whole.
    pub(super) fn read(self) -> Result<Map<String, Value>, Fault> {
        self.each().into_iter().map(|(key, value)| Ok((key, value?))).collect()
    }
}

fn value(raw: &RawValue) -> Result<Value, Fault> {
    if let Some(integer) = too_large(raw.get()) {
        let why = format!("the integer {} is too large", crate::config::shown(integer));
        return Err(Fault::Broken(why));
    }
    let mut twice = None;
    let seed = Checked { depth: DEPTH, twice: &mut twice };
    let value = seed.deserialize(&mut serde_json::Deserializer::from_str(raw.get()))?;
    twice.map_or(Ok(value), |key| Err(Fault::Twice(key)))
}

/// The first integer of a JSON text that no integer here can hold. It would be read as another number.
fn too_large(json: &str) -> Option<&str> {
    let outside = json.split('"').scan(false, |within, part| {
        let is_outside = !*within;
        // An escaped quote ends no text. Outside of texts nothing is escaped.
        let escapes = part.bytes().rev().take_while(|byte| *byte == b'\\').count();
        *within = is_outside || escapes % 2 == 1;
        Some(if is_outside { part } else { "" })
    });
    let mut words = outside.flat_map(|part| part.split(|letter: char| !is_of_number(letter)));
    words.find(|word| {
        let digits = word.strip_prefix('-').unwrap_or(word);
        let is_integer = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        is_integer && word.parse::<i64>().is_err() && word.parse::<u64>().is_err()
    })
}

fn is_of_number(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "+-.".contains(letter)
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Reads a value that is nested no deeper than `depth`, and notes a key that is stated twice with different values.
struct Checked<'a> {
    depth: usize,
    twice: &'a mut Option<String>,
}

impl Checked<'_> {
    fn inner<E: serde::de::Error>(&mut self) -> Result<Checked<'_>, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom(format!("more than {DEPTH} levels deep")))?;
        Ok(Checked { depth, twice: self.twice })
    }
}

impl<'de> DeserializeSeed<'de> for Checked<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(self.inner()?)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(self.inner::<A::Error>()?)?;
            if values.get(&key).is_some_and(|known| *known != value) {
                self.twice.get_or_insert(key);
            } else {
                values.insert(key, value);
            }
        }
        Ok(Value::Object(values))
    }
}

/// The object with which a text begins, with single quotes turned into double ones and Python's words into JSON's;
/// and what stands behind it.
fn double_quoted(text: &str) -> (String, &str) {
    let mut out = String::with_capacity(text.len().min(1024));
    let mut depth = 0_usize;
    let mut letters = text.char_indices().peekable();
    let mut quote = None;
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (Some(_), '\\') => match letters.next() {
                Some((_, '\'')) => out.push('\''),
                Some((_, escaped)) => out.extend(['\\', escaped]),
                None => out.push('\\'),
            },
            (Some(open), _) if letter == open => {
                quote = None;
                out.push('"');
            }
            (Some('\''), '"') => out.push_str("\\\""),
            (Some(_), _) => out.push(letter),
            (None, '"' | '\'') => {
                quote = Some(letter);
                out.push('"');
            }
            (None, '{' | '[') => {
                depth += 1;
                out.push(letter);
            }
            (None, '}' | ']') => {
                out.push(letter);
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return (out, &text[at + letter.len_utf8()..]);
                }
            }
            (None, _) if is_of_word(letter) => {
                let mut end = at + letter.len_utf8();
                while let Some((at, letter)) = letters.next_if(|(_, letter)| is_of_word(*letter)) {
                    end = at + letter.len_utf8();
                }
                out.push_str(match &text[at..end] {
                    "True" => "true",
                    "False" => "false",
                    "None" => "null",
                    word => word,
                });
            }
            (None, _) => out.push(letter),
        }
    }
    (out, "")
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Value, Fault> {
        object(text)?.read().map(Value::Object)
    }

    #[test]
    fn the_first_object_is_read_whatever_stands_behind_it() {
        for (text, expected) in [
            ("{}  # none needed", json!({})),
            (r#"{"a": 1} and {"b": 2}"#, json!({"a": 1})),
            ("{\n  \"a\": [1.0, -2, null]\n}\n```", json!({"a": [1.0, -2, null]})),
            (r#"{"a": 1, "a": 1}"#, json!({"a": 1})),
            (r#"{"True": true, "it's": "'"}"#, json!({"True": true, "it's": "'"})),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn python_is_read() {
        for (text, expected) in [
            ("{'a': 'b','c':1} it's", json!({"a": "b", "c": 1})),
            (r#"{'a': True, 'b': [False, None], "c": "True"}"#, json!({"a": true, "b": [false, null], "c": "True"})),
            (r#"{'say': 'it\'s "so"', 'n': '\n\u00e9'}"#, json!({"say": "it's \"so\"", "n": "\né"})),
            (r#"{"a": 'b'}"#, json!({"a": "b"})),
            (r#"{"a": "it's", 'b': '}'} '"#, json!({"a": "it's", "b": "}"})),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_not_repaired() {
        for text in [
            "{a: 1}",
            "{'a': 1,}",
            "{'a': <quantity>}",
            "{'a': NaN}",
            "{'a': 1e999}",
            "{'a': 'it's'}",
            "{'a': 01}",
            "{'a': Trueish}",
            "{'a' 1}",
            r#"{"a": "\ud83d"}"#,
            "{\"a\": \"\u{1}\"}",
            "{\"a\": 1] }",
        ] {
            assert!(matches!(read(text), Err(Fault::Broken(_))), "{text}: {:?}", read(text));
        }
        for text in ["{", "{'a", "{\"a\": 1", "{'a': {'b': 1}", "{'a': '\\"] {
            assert_eq!(read(text), Err(Fault::BreaksOff), "{text}");
        }
    }

    #[test]
    fn an_integer_that_nothing_can_hold_is_no_other_number() {
        for text in [
            r#"{"a": 18446744073709551615, "b": -9223372036854775808, "c": [1e30, 123456789012345678901.0, 1E+20]}"#,
            r#"{"a": "99999999999999999999", "b": "x\" 99999999999999999999", "99999999999999999999": "\\"}"#,
        ] {
            assert_eq!(read(text), Ok(serde_json::from_str(text).unwrap()), "{text}");
        }
        for text in [
            r#"{"a": 18446744073709551616}"#,
            r#"{"a": {"b\\": [-9223372036854775809]}}"#,
            "{'a': 'x', 'b': 99999999999999999999}",
        ] {
            let fault = read(text).unwrap_err().to_string();
            assert!(fault.starts_with("the integer ") && fault.ends_with(" is too large"), "{text}: {fault}");
        }
    }

    #[test]
    fn one_object_is_nothing_else_besides() {
        for text in ["{}", " {\"a\": {}} \n", "{'a': '}'}"] {
            assert!(is_one_object(text), "{text}");
        }
        for text in ["", "5", "x {}", "{} {}", "{} it is"] {
            assert!(!is_one_object(text), "{text}");
        }
    }

    #[test]
    fn a_contradiction_is_named() {
        assert_eq!(read(r#"{"a": 1, "a": 2}"#), Err(Fault::Twice("a".into())));
        assert_eq!(read(r#"{"a": 1, "a": 1.0}"#), Err(Fault::Twice("a".into())));
        assert_eq!(read(r#"{"a": [{"b": 1, "b": 2}]}"#), Err(Fault::Twice("b".into())));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(DEPTH)).is_ok());
        assert!(matches!(read(&nested(DEPTH + 1)), Err(Fault::Broken(why)) if why.contains("levels deep")));
        assert!(matches!(read(&nested(100_000)), Err(Fault::Broken(_))));
        assert_eq!(read(&"{'a':".repeat(100_000)), Err(Fault::BreaksOff));
    }

    /// `serde_json` gives this key a meaning of its own when it reads a `Value`.
    #[test]
    fn no_key_is_magic() {
        let text = r#"{"a": {"$serde_json::private::RawValue": "{\"b\": 1}"}}"#;
        let value = read(text).unwrap();
        assert_eq!(value["a"].as_object().unwrap().keys().next().unwrap(), "$serde_json::private::RawValue");
    }
}

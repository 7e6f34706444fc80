//! Hexadecimal digits, lower case: how records, manifests and configurations write digests and hashes.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Pattern of a [`Hash128`].
pub(crate) const HASH_128: &str = "^[0-9a-f]{32}$";

/// Pattern of a SHA-256.
pub(crate) const SHA_256: &str = "^[0-9a-f]{64}$";

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Two digits a byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes that exactly `2 * N` digits stand for, of either case; `None` for any other text.
#[must_use]
pub fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// A hash of 128 bits, written as 32 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash128(pub u128);

impl Hash128 {
    /// The digits, without an allocation: a record holds one a step.
    fn digits(self) -> [u8; 32] {
        std::array::from_fn(|place| DIGITS[(self.0 >> (124 - 4 * place)) as usize & 15])
    }
}

impl fmt::Display for Hash128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits()).expect("hexadecimal digits are text"))
    }
}

impl Serialize for Hash128 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.digits()).expect("hexadecimal digits are text"))
    }
}

impl<'de> Deserialize<'de> for Hash128 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hash128, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let value = bytes(&text).ok_or_else(|| Error::custom(format!("{text:?} is not 32 hexadecimal digits")))?;
        Ok(Hash128(u128::from_be_bytes(value)))
    }
}

impl JsonSchema for Hash128 {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StateHash".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": HASH_128})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_right_number_of_digits_is_read() {
        assert_eq!(bytes("00fF"), Some([0, 255]));
        for text in ["", "00f", "00ff0", "00fg", "+0ff", "00é"] {
            assert_eq!(bytes::<2>(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_standard_library(value: u128) {
            let text = format!("{value:032x}");
            prop_assert_eq!(Hash128(value).to_string(), text.clone());
            prop_assert_eq!(hex(&value.to_be_bytes()), text.clone());
            prop_assert_eq!(bytes(&text).map(u128::from_be_bytes), Some(value));
        }
    }
}

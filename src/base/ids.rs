//! Stable, ordered, printable identifiers: the only things the simulation sorts, logs, hashes or keys by.
//!
//! Bevy's `Entity` is none of that (its value depends on what else lives in the World), so no rule and no
//! record ever uses it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! id {
    ($(#[doc = $doc:literal])* $name:ident, $prefix:literal, from $first:literal) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ();

            /// Reads exactly what `Display` writes; leading zeros, signs and spaces are refused.
            fn from_str(text: &str) -> Result<Self, ()> {
                let digits = text.strip_prefix($prefix).ok_or(())?;
                let canonical = digits.bytes().all(|b| b.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'));
                let number: u32 = digits.parse().map_err(|_| ())?;
                (canonical && ($first..).contains(&number)).then_some($name(number)).ok_or(())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut number = itoa::Buffer::new();
                let digits = number.format(self.0);
                let mut text = [0u8; 16];
                let (prefix, rest) = text.split_at_mut($prefix.len());
                prefix.copy_from_slice($prefix.as_bytes());
                rest[..digits.len()].copy_from_slice(digits.as_bytes());
                let text = std::str::from_utf8(&text[..$prefix.len() + digits.len()]).expect("ids are ASCII");
                serializer.serialize_str(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(|()| D::Error::custom(format!("{text:?} is not {}N", $prefix)))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let number = if $first == 0 { "(0|[1-9][0-9]*)" } else { "[1-9][0-9]*" };
                json_schema!({
                    "type": "string",
                    "pattern": format!("^{}{number}$", $prefix),
                    "description": concat!($($doc),*).trim(),
                })
            }
        }
    };
}

id!(
    /// A stock-keeping unit: `sku_0`, `sku_1`, …
    SkuId, "sku_", from 0
);
id!(
    /// A supplier: `S1`, `S2`, …
    SupplierId, "S", from 1
);
id!(
    /// An order placed with a supplier: `ORD1`, `ORD2`, …
    OrderId, "ORD", from 1
);
id!(
    /// An order placed by a customer: `CO1`, `CO2`, …
    SalesOrderId, "CO", from 1
);
id!(
    /// A shock: `SH1`, `SH2`, …
    ShockId, "SH", from 1
);

/// Longest name of something registered.
const LONGEST_NAME: usize = 64;

/// What a name of something registered is, for messages.
pub(crate) const NAME_RULE: &str =
    "1 to 64 lower-case letters, digits and underscores, starting with a letter, such as price_war";

/// The same as a pattern.
pub(crate) const NAME_PATTERN: &str = "^[a-z][a-z0-9_]{0,63}$";

/// Whether a text can be the name of a tool, a shock family, a crash detector or an agent: 1 to 64 lower-case letters,
/// digits and underscores, starting with a letter.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl SkuId {
    /// Position of this SKU in tables that are ordered by SKU.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl SupplierId {
    /// Position of this supplier in tables that are ordered by supplier (`S1` is 0).
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize - 1
    }

    /// The supplier at a position of such a table.
    #[must_use]
    pub fn from_index(index: usize) -> SupplierId {
        SupplierId(index as u32 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_snake_case() {
        for name in ["a", "tool_order", "x2", "a__b_", &"n".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "_a", "2x", "Hoarding", "a-b", "a b", "ä", "a.b", &"n".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn ids_read_back_only_in_their_own_spelling() {
        assert_eq!("sku_0".parse(), Ok(SkuId(0)));
        assert_eq!("S12".parse(), Ok(SupplierId(12)));
        assert_eq!(OrderId(7).to_string().parse(), Ok(OrderId(7)));
        for bad in ["S0", "S01", "S", "s1", "S+1", "S 1", "S99999999999", "sku_-1", ""] {
            assert_eq!(bad.parse::<SupplierId>(), Err(()), "{bad}");
        }
    }
}

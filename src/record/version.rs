//! The version of the record formats: what `manifest.json` and `summary.json` state, and whoever opens records checks.
//!
//! The first number changes when a reader of the old format would misread the new one; the second when there is more
//! to read, which a reader of the old one leaves alone.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A version of the record formats: `1.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordVersion {
    /// Changes when an older reader would misread the records.
    pub major: u16,
    /// Changes when records say more than before.
    pub minor: u16,
}

impl RecordVersion {
    /// The version that this program writes.
    pub const CURRENT: RecordVersion = RecordVersion { major: 1, minor: 0 };

    /// Whether this program reads records of this version: those of its own first number, older or newer.
    #[must_use]
    pub fn is_readable(self) -> bool {
        self.major == RecordVersion::CURRENT.major
    }

    /// The version that a file states, where this program reads it.
    ///
    /// # Errors
    /// When it does not; `file` is named in the refusal.
    pub fn check(stated: &str, file: impl Into<PathBuf>) -> Result<RecordVersion, OtherVersion> {
        let version = stated.parse().ok().filter(|version: &RecordVersion| version.is_readable());
        version.ok_or_else(|| OtherVersion { file: file.into(), found: stated.to_owned() })
    }
}

/// Records of a version that this program does not read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{}: its record version is {found}, and this program reads {}.x; use the program that made these records \
     (manifest.json names its version and commit), or make the run again with this one",
    .file.display(),
    RecordVersion::CURRENT.major
)]
pub struct OtherVersion {
    /// The file that states it.
    pub file: PathBuf,
    /// What it states.
    pub found: String,
}

impl fmt::Display for RecordVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for RecordVersion {
    type Err = ();

    /// Reads exactly what `Display` writes.
    fn from_str(text: &str) -> Result<RecordVersion, ()> {
        let (major, minor) = text.split_once('.').ok_or(())?;
        let version = RecordVersion { major: major.parse().map_err(drop)?, minor: minor.parse().map_err(drop)? };
        if version.to_string() == text { Ok(version) } else { Err(()) }
    }
}

impl Serialize for RecordVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RecordVersion, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom(format!("{text:?} is no record version")))
    }
}

impl JsonSchema for RecordVersion {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RecordVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "const": RecordVersion::CURRENT})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_minor_versions_are_read_and_other_major_ones_are_refused() {
        for readable in ["1.0", "1.7", "1.65535"] {
            assert_eq!(RecordVersion::check(readable, "summary.json").unwrap().to_string(), readable);
        }
        for other in ["2.0", "0.9", "1", "1.0.0", "01.0", "1.-1", "", "one"] {
            let refusal = RecordVersion::check(other, "x/summary.json").unwrap_err().to_string();
            let said = format!("x/summary.json: its record version is {other}, and this program reads 1.x; use");
            assert!(refusal.starts_with(&said), "{refusal}");
        }
    }
}

//! Objects of records of which a part is known: that part, read, beside the text that it was read from.

use std::ops::Deref;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::lenient::without_place;

/// An object in a record whose keys are the scenario's or a tool's. What every program knows of it is `T`, to which
/// this dereferences; all of it is kept as it was written, and written so again.
#[derive(Clone, Debug)]
pub struct Kept<T> {
    known: T,
    json: Box<RawValue>,
}

impl<T> Kept<T> {
    /// The object as JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        self.json.get()
    }

    /// The object as something more particular, such as the type that wrote it.
    ///
    /// # Errors
    /// When it is nothing of the kind.
    pub fn read<U: DeserializeOwned>(&self) -> Result<U, serde_json::Error> {
        serde_json::from_str(self.json.get())
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.known
    }
}

impl<T> PartialEq for Kept<T> {
    fn eq(&self, other: &Kept<T>) -> bool {
        self.json() == other.json()
    }
}

impl<T> Serialize for Kept<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Kept<T>, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let known = serde_json::from_str(json.get()).map_err(|error| D::Error::custom(without_place(&error)))?;
        Ok(Kept { known, json })
    }
}

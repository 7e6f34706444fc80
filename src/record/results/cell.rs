//! Cells of the table: how a value becomes text and text a value, and the walks over the columns of a row.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

use super::{CellError, Survival};
use crate::base::json;
use crate::base::units::Cents;
use crate::crash::severity::Severity;
use crate::prediction::accumulate::Score;

/// A value of one cell.
pub(super) trait Cell: Sized {
    /// Its text.
    fn text(&self) -> String;

    /// The value of a text; `None` for a text that is none.
    fn read(text: &str) -> Option<Self>;
}

macro_rules! as_rust_writes_them {
    ($($type:ty),+) => { $(
        impl Cell for $type {
            fn text(&self) -> String {
                self.to_string()
            }

            fn read(text: &str) -> Option<$type> {
                text.parse().ok()
            }
        }
    )+ };
}

as_rust_writes_them!(bool, u32, u64, usize, String);

macro_rules! as_records_write_them {
    ($($type:ty),+) => { $(
        impl Cell for $type {
            fn text(&self) -> String {
                let mut text = Vec::new();
                json::write(&mut text, self).expect("it has a JSON form");
                String::from_utf8(text).expect("JSON is text")
            }

            fn read(text: &str) -> Option<$type> {
                serde_json::from_str(text).ok()
            }
        }
    )+ };
}

as_records_write_them!(Cents, Score);

impl Cell for Severity {
    fn text(&self) -> String {
        serde_json::to_value(self).ok().and_then(|word| word.as_str().map(ToOwned::to_owned)).expect("it is a word")
    }

    fn read(text: &str) -> Option<Severity> {
        let word: StrDeserializer<'_, Error> = text.into_deserializer();
        Severity::deserialize(word).ok()
    }
}

impl Cell for Survival {
    fn text(&self) -> String {
        self.word().to_owned()
    }

    fn read(text: &str) -> Option<Survival> {
        Survival::ALL.into_iter().find(|survival| survival.word() == text)
    }
}

/// What is missing is an empty cell.
impl<T: Cell> Cell for Option<T> {
    fn text(&self) -> String {
        self.as_ref().map_or_else(String::new, Cell::text)
    }

    fn read(text: &str) -> Option<Option<T>> {
        if text.is_empty() { Some(None) } else { T::read(text).map(Some) }
    }
}

/// Several values between semicolons. A list of nothing but missing values is empty.
impl<T: Cell> Cell for Vec<T> {
    fn text(&self) -> String {
        let texts: Vec<String> = self.iter().map(Cell::text).collect();
        if texts.iter().all(String::is_empty) { String::new() } else { texts.join(";") }
    }

    fn read(text: &str) -> Option<Vec<T>> {
        if text.is_empty() { Some(Vec::new()) } else { text.split(';').map(T::read).collect() }
    }
}

/// A walk over the columns of a row: it takes each cell's text, or gives it a value.
pub(super) trait Columns {
    /// The next column.
    fn cell<T: Cell>(&mut self, name: &str, value: &mut T) -> Result<(), CellError>;
}

/// Collects the names.
pub(super) struct Names(pub(super) Vec<String>);

impl Columns for Names {
    fn cell<T: Cell>(&mut self, name: &str, _: &mut T) -> Result<(), CellError> {
        self.0.push(name.to_owned());
        Ok(())
    }
}

/// Collects the texts.
pub(super) struct Texts(pub(super) Vec<String>);

impl Columns for Texts {
    fn cell<T: Cell>(&mut self, _: &str, value: &mut T) -> Result<(), CellError> {
        self.0.push(value.text());
        Ok(())
    }
}

/// Reads texts, which stand under the names of their columns.
pub(super) struct Reader<'a>(pub(super) BTreeMap<&'a str, &'a str>);

impl Columns for Reader<'_> {
    fn cell<T: Cell>(&mut self, name: &str, value: &mut T) -> Result<(), CellError> {
        let text = self.0.get(name).ok_or_else(|| CellError::Missing { column: name.to_owned() })?;
        *value = T::read(text).ok_or_else(|| CellError::wrong(name, text))?;
        Ok(())
    }
}

/// Walks over columns whose cells are all empty.
pub(super) struct Blank<'a, C>(pub(super) &'a mut C);

impl<C: Columns> Columns for Blank<'_, C> {
    fn cell<T: Cell>(&mut self, name: &str, _: &mut T) -> Result<(), CellError> {
        self.0.cell(name, &mut String::new())
    }
}

//! A JSON writer for records: the same bytes as `serde_json`, at a fraction of the cost.
//!
//! Field names of our types are identifiers, so they are copied and not searched for characters to escape; numbers go
//! straight into the buffer. Everything a record can hold is supported; values that JSON cannot state are errors.

use std::fmt;

use serde::Serialize;
use serde::ser::{
    self, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Appends a value to a buffer.
///
/// # Errors
/// When the value cannot be stated in JSON: a number that is not finite, a map key that is no text, or what its
/// `Serialize` refuses.
pub fn write(buffer: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
    value.serialize(&mut Writer { buffer })
}

/// Appends a value and a line end: a line of JSON Lines.
///
/// # Errors
/// As [`write()`].
pub fn line(buffer: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
    write(buffer, value)?;
    buffer.push(b'\n');
    Ok(())
}

/// A value over several lines, indented, with a line end: for files that hold one value and that people open.
///
/// # Errors
/// As [`write()`].
pub fn pretty(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Error> {
    let mut text = serde_json::to_vec_pretty(value).map_err(ser::Error::custom)?;
    text.push(b'\n');
    Ok(text)
}

/// Why a value cannot be stated in JSON.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Error {
        Error(message.to_string())
    }
}

/// Name under which `serde_json` hands over JSON text that is to be copied as it is.
const RAW: &str = "$serde_json::private::RawValue";

struct Writer<'a> {
    buffer: &'a mut Vec<u8>,
}

impl Writer<'_> {
    #[inline(always)]
    fn put(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    fn integer(&mut self, number: impl itoa::Integer) {
        self.put(itoa::Buffer::new().format(number));
    }

    fn text(&mut self, text: &str) {
        let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        self.buffer.push(b'"');
        let mut rest = text.as_bytes();
        // Looking at all bytes at once is quicker than looking for the first, and hardly any text has one.
        let has_special = rest.iter().fold(false, |found, byte| found | special(*byte));
        while let Some(at) = has_special.then(|| rest.iter().position(|byte| special(*byte))).flatten() {
            let (plain, tail) = rest.split_at(at);
            self.buffer.extend_from_slice(plain);
            match tail[0] {
                b'"' => self.put("\\\""),
                b'\\' => self.put("\\\\"),
                b'\n' => self.put("\\n"),
                b'\r' => self.put("\\r"),
                b'\t' => self.put("\\t"),
                0x08 => self.put("\\b"),
                0x0c => self.put("\\f"),
                control => self.put(&format!("\\u{control:04x}")),
            }
            rest = &tail[1..];
        }
        self.buffer.extend_from_slice(rest);
        self.buffer.push(b'"');
    }

    /// `"name":` of a field, whose name is an identifier. Inlined, so that a name is copied as a constant.
    #[inline(always)]
    fn field(&mut self, name: &'static str, first: &mut bool) {
        self.put(if std::mem::take(first) { "\"" } else { ",\"" });
        self.put(name);
        self.put("\":");
    }
}

macro_rules! integers {
    ($($method:ident($type:ty)),+) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            self.integer(value);
            Ok(())
        })+
    };
}

impl<'a, 'b> Serializer for &'a mut Writer<'b> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'a, 'b>;
    type SerializeTuple = Compound<'a, 'b>;
    type SerializeTupleStruct = Compound<'a, 'b>;
    type SerializeTupleVariant = Compound<'a, 'b>;
    type SerializeMap = Compound<'a, 'b>;
    type SerializeStruct = Compound<'a, 'b>;
    type SerializeStructVariant = Compound<'a, 'b>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.put(if value { "true" } else { "false" });
        Ok(())
    }
    integers!(
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64)
    );
    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(f64::from(value))
    }
    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        if !value.is_finite() {
            return Err(ser::Error::custom("a number in a record must be finite"));
        }
        self.put(zmij::Buffer::new().format_finite(value));
        Ok(())
    }
    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.text(value);
        Ok(())
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.collect_seq(value)
    }
    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Error> {
        self.put("null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.buffer.push(b'{');
        self.field(variant, &mut true);
        value.serialize(&mut *self)?;
        self.buffer.push(b'}');
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a, 'b>, Error> {
        self.buffer.push(b'[');
        Ok(Compound { writer: self, first: true, close: "]" })
    }
    fn serialize_tuple(self, length: usize) -> Result<Compound<'a, 'b>, Error> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Compound<'a, 'b>, Error> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a, 'b>, Error> {
        self.buffer.push(b'{');
        self.field(variant, &mut true);
        self.buffer.push(b'[');
        Ok(Compound { writer: self, first: true, close: "]}" })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a, 'b>, Error> {
        self.buffer.push(b'{');
        Ok(Compound { writer: self, first: true, close: "}" })
    }
    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Compound<'a, 'b>, Error> {
        if name == RAW {
            return Ok(Compound { writer: self, first: true, close: "" });
        }
        self.serialize_map(Some(length))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a, 'b>, Error> {
        self.buffer.push(b'{');
        self.field(variant, &mut true);
        self.buffer.push(b'{');
        Ok(Compound { writer: self, first: true, close: "}}" })
    }
}

/// A list or an object in the making.
struct Compound<'a, 'b> {
    writer: &'a mut Writer<'b>,
    first: bool,
    close: &'static str,
}

impl Compound<'_, '_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if !std::mem::take(&mut self.first) {
            self.writer.buffer.push(b',');
        }
        value.serialize(&mut *self.writer)
    }

    fn finish(self) {
        self.writer.put(self.close);
    }
}

macro_rules! list {
    ($($trait:ident :: $method:ident),+) => { $(
        impl $trait for Compound<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )+ };
}

list!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        if !std::mem::take(&mut self.first) {
            self.writer.buffer.push(b',');
        }
        key.serialize(Key(self.writer))?;
        self.writer.buffer.push(b':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

impl SerializeStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if name == RAW {
            return value.serialize(Verbatim(self.writer));
        }
        self.writer.field(name, &mut self.first);
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

impl SerializeStructVariant for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        SerializeStruct::serialize_field(self, name, value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

/// A serialiser that takes text only.
macro_rules! text_only {
    ($name:ident, $refusal:literal, |$writer:ident, $text:ident| $body:expr) => {
        impl Serializer for $name<'_, '_> {
            type Ok = ();
            type Error = Error;
            type SerializeSeq = Impossible<(), Error>;
            type SerializeTuple = Impossible<(), Error>;
            type SerializeTupleStruct = Impossible<(), Error>;
            type SerializeTupleVariant = Impossible<(), Error>;
            type SerializeMap = Impossible<(), Error>;
            type SerializeStruct = Impossible<(), Error>;
            type SerializeStructVariant = Impossible<(), Error>;

            fn serialize_str(self, $text: &str) -> Result<(), Error> {
                let $writer = self.0;
                $body;
                Ok(())
            }
            fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
                self.serialize_str(variant)
            }
            fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
                value.serialize(self)
            }

            text_only!(@refuse $refusal: serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32),
                serialize_i64(i64), serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64),
                serialize_f32(f32), serialize_f64(f64), serialize_char(char), serialize_bytes(&[u8]),
                serialize_unit_struct(&'static str));

            fn serialize_none(self) -> Result<(), Error> {
                Err(ser::Error::custom($refusal))
            }
            fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Error> {
                Err(ser::Error::custom($refusal))
            }
            fn serialize_unit(self) -> Result<(), Error> {
                Err(ser::Error::custom($refusal))
            }
            fn serialize_newtype_variant<T: Serialize + ?Sized>(
                self,
                _: &'static str,
                _: u32,
                _: &'static str,
                _: &T,
            ) -> Result<(), Error> {
                Err(ser::Error::custom($refusal))
            }
            fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
                Err(ser::Error::custom($refusal))
            }
            fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
                Err(ser::Error::custom($refusal))
            }
            fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
                Err(ser::Error::custom($refusal))
            }
            fn serialize_tuple_variant(
                self,
                _: &'static str,
                _: u32,
                _: &'static str,
                _: usize,
            ) -> Result<Self::SerializeTupleVariant, Error> {
                Err(ser::Error::custom($refusal))
            }
            fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
                Err(ser::Error::custom($refusal))
            }
            fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
                Err(ser::Error::custom($refusal))
            }
            fn serialize_struct_variant(
                self,
                _: &'static str,
                _: u32,
                _: &'static str,
                _: usize,
            ) -> Result<Self::SerializeStructVariant, Error> {
                Err(ser::Error::custom($refusal))
            }
        }
    };
    (@refuse $refusal:literal: $($method:ident($type:ty)),+) => {
        $(fn $method(self, _: $type) -> Result<(), Error> {
            Err(ser::Error::custom($refusal))
        })+
    };
}

/// A key of a map.
struct Key<'a, 'b>(&'a mut Writer<'b>);

/// JSON text that is copied as it is.
struct Verbatim<'a, 'b>(&'a mut Writer<'b>);

text_only!(Key, "a key in a record must be text", |writer, text| writer.text(text));
text_only!(Verbatim, "raw JSON must be text", |writer, text| writer.put(text));

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::base::ids::SkuId;

    fn written(value: &impl Serialize) -> String {
        let mut buffer = Vec::new();
        write(&mut buffer, value).unwrap();
        String::from_utf8(buffer).unwrap()
    }

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Unit,
        Newtype(u8),
        Tuple(u8, Option<i64>),
        Struct { field: &'static str },
    }

    #[derive(Serialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Two { a: f64, b: Vec<Kind> },
    }

    #[derive(Serialize)]
    struct Flat {
        before: (),
        #[serde(flatten)]
        inner: Tagged,
        #[serde(skip_serializing_if = "Option::is_none")]
        nothing: Option<u8>,
        raw: Box<serde_json::value::RawValue>,
        map: BTreeMap<SkuId, char>,
    }

    #[test]
    fn all_shapes_have_serde_jsons_bytes() {
        let value = Flat {
            before: (),
            inner: Tagged::Two {
                a: -0.1,
                b: vec![Kind::Unit, Kind::Newtype(7), Kind::Tuple(1, None), Kind::Struct { field: "\u{7}\"ü\\" }],
            },
            nothing: None,
            raw: serde_json::value::RawValue::from_string("{\"a\": [1,  2]}".into()).unwrap(),
            map: [(SkuId(3), '\n')].into(),
        };
        assert_eq!(written(&value), serde_json::to_string(&value).unwrap());
    }

    #[test]
    fn what_json_cannot_state_is_refused() {
        assert!(write(&mut Vec::new(), &f64::NAN).is_err());
        assert!(write(&mut Vec::new(), &[f64::INFINITY]).is_err());
        assert!(write(&mut Vec::new(), &BTreeMap::from([(1u8, 2u8)])).is_err());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..8).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_has_serde_jsons_bytes(value in any_json()) {
            prop_assert_eq!(written(&value), serde_json::to_string(&value).unwrap());
        }
    }
}

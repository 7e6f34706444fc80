//! JSON of which nothing is taken for granted: what has another shape than expected counts as absent, and only a text
//! that is no JSON is an error. Unknown fields are passed over without being kept.

use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a value of some shape becomes; by default, of any shape, nothing.
trait Shape<'de>: Default {
    fn text(_: &str) -> Self {
        Self::default()
    }

    fn number(_: f64) -> Self {
        Self::default()
    }

    fn whole(number: u64) -> Self {
        Self::number(number as f64)
    }

    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn map<A: MapAccess<'de>>(mut fields: A) -> Result<Self, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

struct Of<S>(PhantomData<S>);

impl<'de, S: Shape<'de>> Visitor<'de> for Of<S> {
    type Value = S;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<S, E> {
        Ok(S::default())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<S, E> {
        Ok(S::number(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<S, E> {
        Ok(S::whole(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<S, E> {
        Ok(S::number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<S, E> {
        Ok(S::text(text))
    }

    fn visit_unit<E: Error>(self) -> Result<S, E> {
        Ok(S::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<S, A::Error> {
        S::list(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<S, A::Error> {
        S::map(fields)
    }
}

/// A text.
#[derive(Clone, Debug, Default)]
pub(in crate::llm::provider) struct Text(pub(super) Option<String>);

impl Text {
    /// The text, unless it is empty.
    pub(in crate::llm::provider) fn filled(self) -> Option<String> {
        self.0.filter(|text| !text.is_empty())
    }
}

impl Shape<'_> for Text {
    fn text(text: &str) -> Text {
        Text(Some(text.to_owned()))
    }
}

/// A whole number that is not negative.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::llm::provider) struct Count(pub(super) Option<u64>);

impl Shape<'_> for Count {
    fn number(number: f64) -> Count {
        Count(((0.0..1e15).contains(&number) && number.fract() == 0.0).then_some(number as u64))
    }

    fn whole(number: u64) -> Count {
        Count(Some(number))
    }
}

/// A number, or a text of one.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::llm::provider) struct Number(pub(super) Option<f64>);

impl Shape<'_> for Number {
    fn number(number: f64) -> Number {
        Number(Some(number))
    }

    fn text(text: &str) -> Number {
        Number(text.trim().parse().ok().filter(|number: &f64| number.is_finite()))
    }
}

/// An object.
#[derive(Clone, Debug)]
pub(in crate::llm::provider) struct Object<T>(pub(super) Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Object<T> {
        Object(None)
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for Object<T> {
    fn map<A: MapAccess<'de>>(fields: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Some).map(Object)
    }
}

/// The objects in a list.
#[derive(Clone, Debug)]
pub(in crate::llm::provider) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for List<T> {
    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<List<T>, A::Error> {
        let mut objects = Vec::new();
        while let Some(Object(item)) = items.next_element()? {
            objects.extend(item);
        }
        Ok(List(objects))
    }
}

/// A message's content: a text, or a list of parts.
#[derive(Clone, Debug, Default)]
pub(in crate::llm::provider) struct Content {
    /// The text, in one piece.
    pub(in crate::llm::provider) text: String,
    /// Parts that say that they are reasoning.
    pub(in crate::llm::provider) reasoning: String,
    /// Parts that say that they are a refusal.
    pub(in crate::llm::provider) refusal: String,
}

#[derive(serde::Deserialize)]
struct Part {
    #[serde(default)]
    text: Text,
    #[serde(default)]
    thinking: Content,
    #[serde(default)]
    refusal: Text,
}

impl<'de> Shape<'de> for Content {
    fn text(text: &str) -> Content {
        Content { text: text.to_owned(), ..Content::default() }
    }

    fn list<A: SeqAccess<'de>>(items: A) -> Result<Content, A::Error> {
        let List(parts) = List::<Part>::list(items)?;
        let mut content = Content::default();
        for part in parts {
            content.text.extend(part.text.0);
            content.reasoning.push_str(&part.thinking.text);
            content.refusal.extend(part.refusal.0);
        }
        Ok(content)
    }
}

macro_rules! deserialize {
    ($($name:ident $(<$generic:ident>)?),+ $(,)?) => {
        $(impl<'de, $($generic: Deserialize<'de>)?> Deserialize<'de> for $name $(<$generic>)? {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Of(PhantomData))
            }
        })+
    };
}

deserialize!(Text, Count, Number, Content, Object<T>, List<T>);

/// An answer as an object; `None` when it is JSON, but no object.
pub(in crate::llm::provider) fn object<'de, T: Deserialize<'de>>(
    body: &'de str,
) -> Result<Option<T>, serde_json::Error> {
    serde_json::from_str::<Object<T>>(body).map(|Object(answer)| answer)
}

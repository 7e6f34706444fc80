//! JSON Schemas that several records need and no derive makes.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A map whose keys are words of `K`.
pub(crate) fn by_word<K: JsonSchema, V: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": generator.subschema_for::<K>(),
        "additionalProperties": generator.subschema_for::<V>(),
    })
}

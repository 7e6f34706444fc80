//! Arguments of a tool as a Rust type, and the JSON Schema by which an agent is told of them.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What a tool takes: anything that derives `Deserialize` and `JsonSchema`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the arguments of a tool",
    label = "agents cannot be told what `{Self}` holds",
    note = "derive both on it: `#[derive(serde::Deserialize, schemars::JsonSchema)]`"
)]
pub trait ToolArguments: DeserializeOwned + JsonSchema + 'static {}

#[diagnostic::do_not_recommend]
impl<A: DeserializeOwned + JsonSchema + 'static> ToolArguments for A {}

/// Takes the width of a Rust number from its schema: it says nothing to a reader.
pub(crate) fn without_widths(schema: &mut Schema) {
    let is_number = |kind: &Value| *kind == "integer" || *kind == "number";
    let has_numbers = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_number),
        kind => kind.is_some_and(is_number),
    };
    if has_numbers {
        schema.remove("format");
    }
}

/// The schema of some arguments, without references to other schemas. All Worlds of the process share it.
///
/// # Errors
/// When they are no object: what they are instead.
pub(super) fn schema_of<A: ToolArguments>() -> Result<Arc<Value>, String> {
    static KNOWN: Mutex<BTreeMap<TypeId, Arc<Value>>> = Mutex::new(BTreeMap::new());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(schema) = known().get(&TypeId::of::<A>()) {
        return Ok(schema.clone());
    }
    let schema = Arc::new(new_schema_of::<A>()?);
    known().insert(TypeId::of::<A>(), schema.clone());
    Ok(schema)
}

fn new_schema_of<A: ToolArguments>() -> Result<Value, String> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema =
        settings.with_transform(RecursiveTransform(without_widths)).into_generator().into_root_schema_for::<A>();
    // The tool has a name and a description of its own.
    schema.remove("title");
    schema.remove("description");
    let described = schema.get("type").map_or_else(
        || "anything".to_owned(),
        |kind| match kind.as_str() {
            Some(kind) => format!("the type {kind}"),
            None => format!("one of the types {kind}"),
        },
    );
    let Some(object) = schema.as_object_mut().filter(|object| object.get("type") == Some(&"object".into())) else {
        return Err(described);
    };
    // Some readers demand the key also where there is nothing in it.
    object.entry("properties").or_insert_with(|| Map::new().into());
    Ok(schema.to_value())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the schema is looked at")]
    struct Arguments {
        /// What to do it with.
        sku: String,
        /// How often.
        #[schemars(range(min = 1))]
        times: u32,
        note: Option<String>,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Nothing {}

    #[test]
    fn a_struct_is_an_object_and_its_comments_are_descriptions() {
        let expected = json!({
            "type": "object",
            "properties": {
                "sku": {"type": "string", "description": "What to do it with."},
                "times": {"type": "integer", "description": "How often.", "minimum": 1},
                "note": {"type": ["string", "null"]},
            },
            "required": ["sku", "times"],
            "additionalProperties": false,
        });
        assert_eq!(schema_of::<Arguments>(), Ok(expected.into()));
        assert_eq!(schema_of::<Nothing>(), Ok(json!({"type": "object", "properties": {}}).into()));
    }

    #[test]
    fn a_process_has_one_schema_of_a_type() {
        assert!(Arc::ptr_eq(&schema_of::<Arguments>().unwrap(), &schema_of::<Arguments>().unwrap()));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert_eq!(schema_of::<Value>(), Err("anything".into()));
        assert_eq!(schema_of::<String>(), Err("the type string".into()));
        assert_eq!(schema_of::<()>(), Err("the type null".into()));
        assert_eq!(schema_of::<Option<Nothing>>(), Err("one of the types [\"object\",\"null\"]".into()));
    }
}

//! JSON Schema of an entry of the section: the table of keys, with the comments of [`ProviderEntry`].

use schemars::schema_for;
use serde_json::{Map, Value as Json, json};

use super::ProviderEntry;
use super::check::{KEYS, OWN_FIELDS, Takes};
use crate::config::json_schema::{of_kind, or_null};
use crate::config::settings::RequestField;

/// The schema of an entry. `null` takes a key back, and an entry without content is nothing in YAML.
pub(in crate::config) fn json_schema() -> Json {
    let comments = schema_for!(ProviderEntry).to_value();
    let properties = KEYS.iter().map(|(key, takes)| {
        let mut schema = or_null(of_takes(*takes));
        let comment = comments["properties"][*key]["description"].as_str().expect("every key has a commented field");
        schema["description"] = comment.replace('\n', " ").into();
        ((*key).to_owned(), schema)
    });
    let properties: Map<String, Json> = properties.collect();
    json!({
        "description": "How a language model is asked: the entry of exactly its name, or else of the most specific \
            pattern that fits it. Holds no secrets.",
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": false,
    })
}

fn of_takes(takes: Takes) -> Json {
    let variable = json!({"type": "string", "pattern": "^[A-Z_][A-Z0-9_]{0,127}$"});
    // What the characters of a header's name are, RFC 9110 says.
    let header = json!({"pattern": "^[-!#$%&'*+.^_`|~0-9A-Za-z]+$"});
    match takes {
        Takes::Plain(kind) => of_kind(kind, &[]),
        Takes::Address => json!({"type": "string", "pattern": "^\\s*[Hh][Tt][Tt][Pp][Ss]?:[^@?#]+$"}),
        Takes::Variable => variable,
        Takes::Headers => {
            json!({"type": "object", "propertyNames": header, "additionalProperties": {"type": "string"}})
        }
        Takes::Variables => json!({"type": "object", "propertyNames": header, "additionalProperties": variable}),
        Takes::Body => {
            let own: Vec<&str> = OWN_FIELDS.iter().map(|(field, _)| *field).collect();
            json!({"type": "object", "propertyNames": {"not": {"enum": own}}})
        }
        Takes::Fields => {
            let field = json!({"type": "string", "enum": RequestField::WORDS});
            json!({"type": "array", "items": field, "uniqueItems": true})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;
    use crate::config::error::Source;
    use crate::config::yaml;

    /// Values that some key takes or nearly takes, as flow YAML that is JSON as well.
    const VALUES: &[&str] = &[
        "null",
        "true",
        "0",
        "1",
        "1.0",
        "1.5",
        "-1",
        "1000000.5",
        "1e13",
        "\"\"",
        "\"x\"",
        "\"mock\"",
        "\"openai_chat\"",
        "\"max_tokens\"",
        "\"http://localhost:8000/v1\"",
        "\"HTTPS://x\"",
        "\"http://user@x\"",
        "\"http://x?key=1\"",
        "\"http://x/#a\"",
        "\"ftp://x\"",
        "\"OPENAI_API_KEY\"",
        "\"sk-12345\"",
        "\"1KEY\"",
        "[]",
        "[\"seed\"]",
        "[\"seed\", \"seed\"]",
        "[\"seeds\"]",
        "{}",
        "{\"x-title\": \"study\"}",
        "{\"x title\": \"study\"}",
        "{\"x-title\": 1}",
        "{\"x-title\": \"A_VARIABLE\"}",
        "{\"model\": \"x\"}",
        "{\"provider\": {\"order\": [\"a\"]}}",
    ];

    #[test]
    fn a_key_takes_in_the_schema_what_it_takes_in_a_file() {
        let source = Source::argument("a value", 0);
        let validator = jsonschema::draft202012::new(&json_schema()).unwrap();
        for (key, _) in KEYS {
            for value in VALUES {
                let accepted = check::value(key, &yaml::parse(value, &source).unwrap()).is_ok();
                let entry = json!({ *key: serde_json::from_str::<Json>(value).unwrap() });
                assert_eq!(validator.is_valid(&entry), accepted, "{key}: {value}");
            }
        }
        assert!(!validator.is_valid(&json!({"base_uri": "http://x"})));
    }
}

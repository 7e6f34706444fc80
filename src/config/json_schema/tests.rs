//! The schema and the loader, key by key: whatever the one says of a value, the other says too.

use jsonschema::Validator;

use super::*;
use crate::config::check;
use crate::config::error::Source;
use crate::config::schema::Kind;
use crate::config::yaml;

/// Values that some key takes or nearly takes, as flow YAML that is JSON as well.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "2",
    "3.0",
    "4",
    "5",
    "25",
    "25.01",
    "42",
    "100",
    "101",
    "1000",
    "-1",
    "-100.5",
    "0.1",
    "0.001",
    "0.125",
    "1.5",
    "1e9",
    "1000000001",
    "9007199254740991",
    "9007199254740992",
    "1e30",
    "\"\"",
    "\" \"",
    "\"1\"",
    "\"x\"",
    "\"a b\"",
    "\"two\\nlines\"",
    "\"tab\\there\"",
    "\"\\u2028\"",
    "\".hidden\"",
    "\"a/b\"",
    "\"A-b.C_d\"",
    "\"looping\"",
    "\"Looping\"",
    "\"all\"",
    "\"v1\"",
    "\"none\"",
    "\"full\"",
    "\"high\"",
    "\"paired\"",
    "\"warehouse\"",
    "\"required+full\"",
    "\"rich\"",
    "\"text\"",
    "\"realistic\"",
    "\"lead_time\"",
    "\"loop\"",
    "\"objective\"",
    "\"strict\"",
    "\"rejected\"",
    "\"reask(0)\"",
    "\"reask(10)\"",
    "\"reask(11)\"",
    "\"reask(01)\"",
    "[]",
    "[1]",
    "[10, 100]",
    "[10, 10]",
    "[10.0]",
    "[10.5]",
    "[0]",
    "[20000]",
    "[0.5, 2]",
    "[2, 0.5]",
    "[1, 1]",
    "[1, 1001]",
    "[101, 1]",
    "[-1, 1]",
    "[1, 2, 3]",
    "[\"all\"]",
    "[\"all\", \"looping\"]",
    "[\"looping\", \"decoupling\"]",
    "[\"looping\", \"looping\"]",
    "[\"x-y\"]",
    "[\"pe_induction\"]",
    "[\"env\", \"agent.model.name\"]",
    "[\"nothing.here\"]",
    "[true]",
    "[[1]]",
    "{}",
    "{\"temporal\": 1}",
    "{\"temporal\": 0}",
    "{\"temporal\": 1, \"quantity\": 2.5}",
    "{\"temporal\": -1}",
    "{\"temporal\": 2e9}",
    "{\"temporal\": \"1\"}",
    "{\"x-y\": 1}",
];

/// What only the loader sees.
fn only_the_loader_sees(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::Money(..) => ["0.001", "0.125"].contains(&value),
        Kind::Range(..) => ["[2, 0.5]", "[101, 1]"].contains(&value),
        Kind::Mix(_) => value == "{\"temporal\": 0}",
        Kind::Paths => value.starts_with("[\""),
        _ => false,
    }
}

fn validator(schema: &Json) -> Validator {
    jsonschema::draft202012::new(schema).unwrap_or_else(|error| panic!("{error}: {schema}"))
}

fn all_values() -> Vec<String> {
    let long = |length: usize| format!("\"{}\"", "a".repeat(length));
    let digits = ["0123456789abcdef", "ABCDEF0123456789", "0123456789abcdeg"];
    let digits = digits.iter().flat_map(|digits| [2, 4].map(|times| format!("\"{}\"", digits.repeat(times))));
    let lengths = [64, 65, 256, 257, 4096, 4097, 10_000, 10_001].map(long);
    let many = |most: u32| format!("{:?}", (1..=most).collect::<Vec<_>>());
    let fixed = VALUES.iter().map(|value| (*value).to_owned());
    fixed.chain(lengths).chain(digits).chain([many(100), many(101)]).collect()
}

#[test]
fn a_key_takes_in_the_schema_what_it_takes_in_a_file() {
    let names = ["looping".to_owned(), "temporal".to_owned()];
    let source = Source::argument("a value", 0);
    let mut differ = Vec::new();
    let mut unseen = 0;
    for entry in SCHEMA {
        let validator = validator(&key(entry, &names));
        for value in all_values() {
            let node = yaml::parse(&value, &source).unwrap();
            let accepted = check::value(&node, entry).is_ok();
            let valid = validator.is_valid(&serde_json::from_str(&value).unwrap());
            if valid && !accepted && only_the_loader_sees(entry.kind, &value) {
                unseen += 1;
            } else if valid != accepted {
                differ.push((entry.path, value, accepted));
            }
        }
    }
    assert!(differ.is_empty(), "{differ:?}");
    assert!(unseen > 0);
}

#[test]
fn defaults_fit_their_own_schema() {
    for entry in SCHEMA {
        let schema = key(entry, &[]);
        if let Some(default) = schema.get("default") {
            assert!(validator(&schema).is_valid(default), "{}: {default}", entry.path);
        }
    }
}

/// A reference to nothing is an error of the validator only where a file comes upon it.
#[test]
fn every_reference_names_a_definition() {
    fn walk(value: &Json, definitions: &Map<String, Json>, seen: &mut BTreeSet<String>) {
        match value {
            Json::Object(keys) => {
                if let Some(Json::String(to)) = keys.get("$ref") {
                    let name = to.strip_prefix("#/$defs/").unwrap();
                    assert!(definitions.contains_key(name), "{to}");
                    seen.insert(name.to_owned());
                }
                keys.values().for_each(|value| walk(value, definitions, seen));
            }
            Json::Array(items) => items.iter().for_each(|value| walk(value, definitions, seen)),
            _ => {}
        }
    }
    let schema = json_schema(&|_| Vec::new());
    let definitions = schema["$defs"].as_object().unwrap();
    let mut seen = BTreeSet::new();
    walk(&schema, definitions, &mut seen);
    let unused: Vec<&String> = definitions.keys().filter(|name| !seen.contains(*name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

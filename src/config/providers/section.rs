//! The section in the making: what each file says, merged, with the place of every key.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{ProviderEntry, Providers};
use crate::config::error::{ConfigError, Place, Problem, Source, shown};
use crate::config::providers::check;
use crate::config::providers::check::check_pattern;
use crate::config::yaml::{Key, Node, Value};

/// What one file says under one pattern.
#[derive(Debug)]
pub(crate) struct WrittenProvider {
    pattern: String,
    place: Place,
    keys: Vec<(&'static str, Json, Place)>,
}

impl WrittenProvider {
    /// Reads the entries of one file's section. `shown_path` stands before patterns in messages.
    pub(crate) fn read(
        entries: &[(Key, Node)],
        shown_path: &str,
        source: &Source,
        errors: &mut Vec<ConfigError>,
    ) -> Vec<WrittenProvider> {
        let mut all = Vec::new();
        for (key, node) in entries {
            let path = format!("{shown_path}{}", shown(&key.text));
            let mut refuse = |line, path: &str, problem| errors.push(ConfigError::at(source.line(line), path, problem));
            if let Err(message) = check_pattern(&key.text) {
                refuse(key.line, &path, Problem::Other(message));
                continue;
            }
            let keys: &[(Key, Node)] = match &node.value {
                Value::Map(keys) => keys,
                Value::Scalar { text, plain: true } if matches!(&**text, "" | "~" | "null") => &[],
                _ => {
                    let message = "this is no section (expected keys such as base_url: http://localhost:8000/v1)";
                    refuse(node.line, &path, Problem::Other(message.to_owned()));
                    continue;
                }
            };
            let mut provider =
                WrittenProvider { pattern: key.text.to_string(), place: source.line(key.line), keys: Vec::new() };
            for (key, node) in keys {
                match check::value(&key.text, node) {
                    Ok((name, value)) => provider.keys.push((name, value, source.line(node.line))),
                    Err(problem) => refuse(key.line, &format!("{path}.{}", shown(&key.text)), problem),
                }
            }
            all.push(provider);
        }
        all
    }
}

/// All files' entries, the later ones over the earlier.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Section(BTreeMap<String, Entry>);

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    place: Place,
    keys: BTreeMap<&'static str, (Json, Place)>,
}

impl Section {
    /// Puts what a file says over what its base files said.
    pub(crate) fn take(&mut self, written: WrittenProvider) {
        let WrittenProvider { pattern, place, keys } = written;
        let entry = self.0.entry(pattern).or_insert_with(|| Entry { place: place.clone(), keys: BTreeMap::new() });
        entry.place = place;
        for (key, value, place) in keys {
            if value.is_null() && key != "api_key_env" {
                entry.keys.remove(key);
            } else {
                entry.keys.insert(key, (value, place));
            }
        }
    }

    /// Where a key of an entry was written, or else the entry as a whole; `None` for an unknown pattern.
    pub(crate) fn place(&self, pattern: &str, key: &str) -> Option<&Place> {
        let entry = self.0.get(pattern)?;
        Some(entry.keys.get(key).map_or(&entry.place, |(_, place)| place))
    }

    /// The entries, typed; what contradicts itself is added to `errors`.
    pub(crate) fn finish(&self, shown_path: &str, errors: &mut Vec<ConfigError>) -> Providers {
        let typed = |entry: &Entry| -> ProviderEntry {
            let fields = entry.keys.iter().map(|(key, (value, _))| ((*key).to_owned(), value.clone()));
            serde_json::from_value(Json::Object(fields.collect::<Map<_, _>>()))
                .unwrap_or_else(|error| panic!("the keys of an entry and its fields disagree: {error}"))
        };
        let typed = self.0.iter().map(|(pattern, entry)| {
            let typed = typed(entry);
            if let Some((key, message)) = contradiction(&typed) {
                let place = self.place(pattern, key).expect("the entry is there").clone();
                let path = format!("{shown_path}{}.{key}", shown(pattern));
                errors.push(ConfigError::at(place, path, Problem::Other(message)));
            }
            (pattern.clone(), typed)
        });
        typed.collect()
    }
}

/// What does not go together in an entry: a key and what is wrong.
fn contradiction(entry: &ProviderEntry) -> Option<(&'static str, String)> {
    let prices = [
        ("prompt_price_per_mtok", entry.prompt_price_per_mtok),
        ("completion_price_per_mtok", entry.completion_price_per_mtok),
        ("cache_read_price_per_mtok", entry.cache_read_price_per_mtok),
        ("cache_write_price_per_mtok", entry.cache_write_price_per_mtok),
    ];
    let [prompt, completion, ..] = prices;
    let given = prices.iter().find(|(_, price)| price.is_some());
    if let Some((key, _)) = given
        && (prompt.1.is_none() || completion.1.is_none())
    {
        return Some((key, format!("prices come as {} and {}; give both, or none", prompt.0, completion.0)));
    }
    let twice = entry.headers_env.keys().find(|name| entry.headers.contains_key(*name));
    twice.map(|name| ("headers_env", format!("{name} stands in headers as well; keep one of the two")))
}

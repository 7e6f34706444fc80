//! Prices of language models, and the file that `--pricing-file` names.
//!
//! The file is YAML or JSON: patterns of model names, as in the section `providers`, and under each the prices in US
//! dollars for a million tokens. Those of the cache may be left out.
//!
//! ```yaml
//! "gpt-4o*": {prompt_price_per_mtok: 2.5, completion_price_per_mtok: 10, cache_read_price_per_mtok: 1.25}
//! "Qwen/*": {prompt_price_per_mtok: 0, completion_price_per_mtok: 0}
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, ConfigErrors, Problem, Source, shown};
use super::inherit::read;
use super::providers::{ProviderEntry, Section, WrittenProvider, best_match};
use crate::config::yaml;
use crate::config::yaml::Value;

/// What tokens cost, in US dollars for a million of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prices {
    /// Tokens of requests.
    pub prompt: f64,
    /// Tokens of replies, reasoning included.
    pub completion: f64,
    /// Tokens of requests that come out of the provider's cache; `None`: as `prompt`.
    pub cache_read: Option<f64>,
    /// Tokens of requests that go into it; `None`: as `prompt`.
    pub cache_write: Option<f64>,
}

impl Prices {
    /// The prices in an entry of `providers`; `None` where it gives none.
    #[must_use]
    pub fn of_entry(entry: &ProviderEntry) -> Option<Prices> {
        Some(Prices {
            prompt: entry.prompt_price_per_mtok?,
            completion: entry.completion_price_per_mtok?,
            cache_read: entry.cache_read_price_per_mtok,
            cache_write: entry.cache_write_price_per_mtok,
        })
    }
}

/// Prices by pattern of model names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceList(BTreeMap<String, Prices>);

impl PriceList {
    /// The prices of a model, by the pattern that fits it best.
    #[must_use]
    pub fn prices_of(&self, model: &str) -> Option<Prices> {
        best_match(&self.0, model).map(|(_, prices)| *prices)
    }
}

/// Reads a file of prices.
///
/// # Errors
/// Everything that is wrong with it, with file, line and key.
pub fn load_prices(path: &Path) -> Result<PriceList, ConfigErrors> {
    let source = Source::file(path.display(), 0);
    let about = |message: String| ConfigErrors::from(ConfigError::about(source.whole(), message));
    let text = read(path).map_err(about)?;
    let root = yaml::parse(text.strip_prefix('\u{feff}').unwrap_or(&text), &source).map_err(ConfigErrors::new)?;
    let Value::Map(entries) = &root.value else {
        return Err(about("this is no list of prices (expected patterns of model names with prices)".to_owned()));
    };
    let mut errors = Vec::new();
    let mut section = Section::default();
    for written in WrittenProvider::read(entries, "", &source, &mut errors) {
        section.take(written);
    }
    let providers = section.finish("", &mut errors);
    let mut prices = BTreeMap::new();
    for (pattern, entry) in providers.iter() {
        let place = |key: &str| section.place(pattern, key).expect("the entry was read from there").clone();
        let rest = ProviderEntry {
            prompt_price_per_mtok: None,
            completion_price_per_mtok: None,
            cache_read_price_per_mtok: None,
            cache_write_price_per_mtok: None,
            ..entry.clone()
        };
        match Prices::of_entry(entry) {
            _ if rest != ProviderEntry::default() => {
                let message = "this file holds prices alone; other keys belong under providers in an experiment file";
                errors.push(ConfigError::at(place(""), shown(pattern), Problem::Other(message.to_owned())));
            }
            Some(known) => drop(prices.insert(pattern.to_owned(), known)),
            // Where some are given and some are not, that was said already.
            None if errors.is_empty() => {
                let message = "prices are missing (expected prompt_price_per_mtok and completion_price_per_mtok)";
                errors.push(ConfigError::at(place(""), shown(pattern), Problem::Other(message.to_owned())));
            }
            None => {}
        }
    }
    if errors.is_empty() { Ok(PriceList(prices)) } else { Err(ConfigErrors::new(errors)) }
}

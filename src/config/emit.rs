//! Writes the configuration of one run as a file that `config` reads back: `config_used.yaml`.
//!
//! Called by the writer of records. The text holds every key, resolved, so that the file alone repeats the run.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::Value as Json;

use super::providers::Providers;
use super::settings::RunConfig;

/// The configuration of a run as YAML. [`load`](super::load) of it gives an experiment of one run with exactly
/// this configuration.
///
/// # Panics
/// Never for a configuration that came from [`load`](super::load): everything in it has a YAML form.
#[must_use]
pub fn to_yaml(config: &RunConfig) -> String {
    const EMPTY: &str = "\n  description: null\n";
    let yaml = |config: &RunConfig| serde_yaml::to_string(config).expect("a run's configuration has a YAML form");
    // Such a text would become a block of lines, in which these line ends do not survive. JSON text is YAML too.
    let is_lost = |c| matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let description = config.experiment.description.as_deref().filter(|text| text.contains(is_lost));
    if description.is_none() && config.providers.is_empty() {
        return yaml(config);
    }
    let mut plain = config.clone();
    plain.providers = Arc::default();
    if description.is_some() {
        plain.experiment.description = None;
    }
    let mut text = yaml(&plain);
    if let Some(description) = description {
        text = text.replacen(EMPTY, &format!("\n  description: {}\n", Json::from(description)), 1);
    }
    if !config.providers.is_empty() {
        write_providers(&mut text, &config.providers);
    }
    text
}

/// The section `providers`, one key a line. Patterns and values are JSON, in which every text survives.
fn write_providers(text: &mut String, providers: &Providers) {
    text.push_str("providers:\n");
    for (pattern, entry) in providers.iter() {
        let Ok(Json::Object(keys)) = serde_json::to_value(entry) else {
            unreachable!("an entry has a JSON form, which is an object");
        };
        let empty = if keys.is_empty() { " {}" } else { "" };
        writeln!(text, "  {}:{empty}", Json::from(pattern)).expect("a text takes all");
        for (key, value) in keys {
            writeln!(text, "    {key}: {value}").expect("a text takes all");
        }
    }
}

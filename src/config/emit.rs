//! Writes the configuration of one run as a file that `config` reads back: `config_used.yaml`.
//!
//! Called by the writer of records. The text holds every key, resolved, so that the file alone repeats the run.

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
    match config.experiment.description.as_deref().filter(|text| text.contains(is_lost)) {
        None => yaml(config),
        Some(text) => {
            let mut silent = config.clone();
            silent.experiment.description = None;
            let text = format!("\n  description: {}\n", serde_json::Value::from(text));
            yaml(&silent).replacen(EMPTY, &text, 1)
        }
    }
}

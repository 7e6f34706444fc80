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
    serde_yaml::to_string(config).expect("a run's configuration has a YAML form")
}

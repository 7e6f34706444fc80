//! What did the user write, and is it sane: an experiment file with everything it inherits, `--set` arguments and
//! named flags become one checked [`Experiment`], or a list of everything that is wrong with them.
//!
//! Called by the verbs of the command line, through [`load`]. The cells of the grid are made in `plan`; this module
//! never runs anything, never prints and never writes a file.
//!
//! A load passes through these modules in this order:
//!
//! - `inherit`: files, `inherit` chains, limits on bytes
//! - `yaml`, `scalar`: YAML to nodes that know their line
//! - `layer`: one source's settings in canonical spelling (`spelling`), each checked (`check`) against the
//!   table of keys (`schema`)
//! - `providers`: the section that says where language models are asked
//! - `experiment`: layers merged, and the configuration of a cell
//! - `settings`: that configuration as the rest of the program reads it
//! - `prices`: what language models cost, and the file that says it
//! - `emit`: the way back to YAML
//! - `json_schema`: the same rules for readers that are no program of ours
//! - `error`: what can be wrong, and where

mod check;
mod emit;
mod error;
mod experiment;
mod inherit;
mod json_schema;
mod layer;
pub mod prices;
pub mod providers;
mod scalar;
pub mod schema;
pub mod settings;
mod spelling;
mod yaml;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use check::display;
pub use emit::to_yaml;
pub use error::{ConfigError, ConfigErrors, Place, Problem};
pub use experiment::{Axis, Experiment};
pub use inherit::SourceFile;
pub use json_schema::json_schema;
pub use settings::RunConfig;

pub(crate) use error::{nearest, shown};
pub(crate) use spelling::is_below;

use error::Source;
use experiment::{Layers, mentions, merge};
use layer::Layer;

/// Settings from the command line, unchecked, which win over every file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `path=value` arguments; the value is YAML.
    pub set: Vec<String>,
    /// `experiment.seed`.
    pub seed: Option<i64>,
    /// `experiment.replications`.
    pub replications: Option<i64>,
    /// `simulation.max_steps`.
    pub max_steps: Option<i64>,
}

/// Reads an experiment file, everything it inherits, and the overrides.
///
/// # Errors
/// Everything that is wrong, collected: unreadable files, YAML errors, unknown keys, values that do not fit,
/// contradictions between spellings, a missing name.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Experiment, ConfigErrors> {
    let mut errors = Vec::new();
    let chain = inherit::chain(path, &mut errors);
    let files = chain.documents.iter().map(|document| Layer::of_document(document, &mut errors)).collect();
    let arguments = Layer::of_arguments(&overrides.set, &mut errors);
    let flags = [
        ("--seed", "experiment.seed", overrides.seed),
        ("--replications", "experiment.replications", overrides.replications),
        ("--max-steps", "simulation.max_steps", overrides.max_steps),
    ];
    let flags = Layer::of_flags(&flags, &mut errors);
    let file = Source::file(path.display(), 0).whole();
    let experiment = merge(Layers { files, arguments, flags }, file.clone(), chain.files, &mut errors);
    if chain.complete && experiment.name.is_empty() && !mentions(&errors, "experiment.name") {
        let expected = schema::find("experiment.name").expect("the schema has a name").expected();
        let problem = Problem::Other(format!("the experiment has no name (expected {expected})"));
        errors.push(ConfigError::at(file, "experiment.name", problem));
    }
    if errors.is_empty() { Ok(experiment) } else { Err(ConfigErrors::new(errors)) }
}

/// An experiment of settings alone, written as `path=value` like those of the command line, and without a file.
/// What they do not say is at its default.
///
/// # Errors
/// Everything that is wrong with them.
pub fn from_settings(settings: &[String]) -> Result<Experiment, ConfigErrors> {
    let mut errors = Vec::new();
    let arguments = Layer::of_arguments(settings, &mut errors);
    let layers = Layers { files: Vec::new(), arguments, flags: Layer::default() };
    let nowhere = Source::argument("the settings", 0).whole();
    let experiment = merge(layers, nowhere.clone(), Vec::new(), &mut errors);
    if errors.is_empty() && experiment.name.is_empty() {
        let problem = Problem::Other("the experiment has no name".to_owned());
        errors.push(ConfigError::at(nowhere, "experiment.name", problem));
    }
    if errors.is_empty() { Ok(experiment) } else { Err(ConfigErrors::new(errors)) }
}

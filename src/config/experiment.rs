//! Layers merged into one experiment, and the configuration of one cell of its grid.
//!
//! Precedence, lowest first: base files, the named file, `max_steps_by_level`, `fixed`, `grid`, `--set`, named flags.
//! Which cells there are and in which order is decided in `plan`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::check;
use super::error::{ConfigError, Place, Problem, Source};
use super::inherit::SourceFile;
use super::layer::{Layer, Written, WrittenAxis};
use super::providers::{Providers, Section};
use super::schema::{DEFAULT_SEED, DefaultValue, Entry, SCHEMA, Status, demand_of, rival, skus_at_level};
use super::settings::{ExperimentLimits, PressureLevel, RunConfig};
use super::yaml;
use crate::base::rng::DrawKey;
use crate::config::spelling;
use crate::config::spelling::is_below;

/// One axis of the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Canonical dotted path.
    pub path: &'static str,
    /// Its values in order, canonical, without repetition; never empty.
    pub values: Vec<Json>,
    /// Where it was written.
    pub place: Place,
}

/// A value and where it was written; `None` for a default.
#[derive(Clone, Debug, PartialEq)]
struct Setting {
    value: Json,
    place: Option<Place>,
}

/// A checked experiment file: what holds in every cell, and the axes of its grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Name of the experiment.
    pub name: String,
    /// Runs per combination.
    pub replications: u32,
    /// The grid's axes, the slowest first.
    pub axes: Vec<Axis>,
    /// What the user should know although it is no error, one line each.
    pub notices: Vec<String>,
    /// Where results go unless the command line says otherwise, relative to the current directory.
    pub results_dir: Option<PathBuf>,
    /// The files that it was read from, the named one first.
    pub sources: Vec<SourceFile>,
    /// The named file as a whole.
    pub(crate) file: Place,
    /// Every key of the schema, by canonical path.
    settings: BTreeMap<&'static str, Setting>,
    /// Steps at a level, where `max_steps_by_level` names it.
    max_steps_by_level: BTreeMap<u32, u64>,
    /// Whether something above `max_steps_by_level` sets `simulation.max_steps`.
    max_steps_overridden: bool,
    /// The section `providers`, with places, and typed.
    section: Section,
    providers: Arc<Providers>,
    /// What its entries and the environment came to, by name of the model.
    resolved: Option<Arc<Providers>>,
}

impl Experiment {
    /// The value that a key has outside the grid, canonical; `None` for a key that is not in the schema.
    #[must_use]
    pub fn setting(&self, path: &str) -> Option<&Json> {
        self.settings.get(path).map(|setting| &setting.value)
    }

    /// All keys and the values they have outside the grid, by canonical path.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, &Json)> {
        self.settings.iter().map(|(path, setting)| (*path, &setting.value))
    }

    /// Steps at each complexity level that `max_steps_by_level` names.
    #[must_use]
    pub fn max_steps_by_level(&self) -> &BTreeMap<u32, u64> {
        &self.max_steps_by_level
    }

    /// The section `providers` as the files have it.
    #[must_use]
    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// From now on, the configurations of runs have these entries, which say everything, in place of the files' own.
    pub(crate) fn set_resolved(&mut self, resolved: Providers) {
        self.resolved = Some(Arc::new(resolved));
    }

    /// Where a key of a `providers` entry was written, or its entry; `None` for a pattern that the files do not have.
    pub(crate) fn provider_place(&self, pattern: &str, key: &str) -> Option<Place> {
        self.section.place(pattern, key).cloned()
    }

    /// What the experiment as a whole may use.
    #[must_use]
    pub fn limits(&self) -> ExperimentLimits {
        let limit = |path: &str| &self.settings[path].value;
        ExperimentLimits {
            tokens: limit("limits.tokens").as_u64(),
            cost: limit("limits.cost").as_f64(),
            time_s: limit("limits.time_s").as_f64(),
        }
    }

    /// The seed, unless it is a grid axis.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        let axis = self.axes.iter().any(|axis| axis.path == "experiment.seed");
        (!axis).then(|| seed_of(&self.settings["experiment.seed"].value))
    }

    /// Where a key got its value or its axis: the file as a whole for defaults.
    pub(crate) fn place(&self, path: &str) -> Place {
        let axis = self.axes.iter().find(|axis| axis.path == path).map(|axis| &axis.place);
        let setting = self.settings.get(path).and_then(|setting| setting.place.as_ref());
        axis.or(setting).unwrap_or(&self.file).clone()
    }

    /// Leaves of a list of names that stands at its default only those that are wanted.
    pub(crate) fn narrow(&mut self, path: &'static str, wanted: impl Fn(&str) -> bool) {
        let setting = self.settings.get_mut(path).expect("the schema has this key");
        if let (None, Json::Array(names)) = (&setting.place, &mut setting.value) {
            names.retain(|name| name.as_str().is_none_or(&wanted));
        }
    }

    /// The configuration of a cell, given the cell's value on each axis and the key of its draws.
    ///
    /// # Panics
    /// When the schema and [`RunConfig`] disagree, which a test rules out.
    pub(crate) fn run_config(&self, cell: &[(&'static str, Json)], draw_key: DrawKey) -> RunConfig {
        let mut flat: BTreeMap<&str, Json> =
            self.settings.iter().map(|(path, setting)| (*path, setting.value.clone())).collect();
        for (path, value) in cell {
            // The rival loses whatever it had, as between layers.
            if let Some(rival) = rival(path) {
                flat.insert(rival, Json::Null);
            }
            flat.insert(path, value.clone());
        }
        let axis = |path: &str| cell.iter().any(|(axis, _)| *axis == path);
        let level = flat["simulation.complexity_level"].as_u64().expect("a level is whole") as u32;
        if !self.max_steps_overridden
            && !axis("simulation.max_steps")
            && let Some(steps) = self.max_steps_by_level.get(&level)
        {
            flat.insert("simulation.max_steps", Json::from(*steps));
        }
        resolve_demand(&mut flat, level);
        let seed = seed_of(&flat["experiment.seed"]);
        flat.insert("experiment.seed", Json::from(seed));
        flat.insert("experiment.draw_key", Json::from(draw_key.to_string()));
        // One run is one replication: this file alone repeats it.
        flat.insert("experiment.replications", Json::from(1));
        let nested = nest(flat.into_iter().filter(|(path, _)| is_used(path)));
        let mut config: RunConfig =
            serde_json::from_value(nested).unwrap_or_else(|error| panic!("the schema and RunConfig disagree: {error}"));
        let providers = self.resolved.as_ref().unwrap_or(&self.providers);
        if !providers.is_empty() {
            config.providers = Arc::new(providers.concerning(&config.model.name));
        }
        config
    }
}

fn is_used(path: &str) -> bool {
    SCHEMA.iter().any(|entry| entry.path == path && entry.status == Status::Used)
}

fn seed_of(value: &Json) -> u64 {
    value.as_u64().unwrap_or(DEFAULT_SEED)
}

/// Fills in what the level and the pressure level decide where the `demand` section is silent.
fn resolve_demand(flat: &mut BTreeMap<&str, Json>, level: u32) {
    let pressure: PressureLevel = serde_json::from_value(flat["simulation.pressure_level"].clone())
        .expect("a pressure level is one of its words");
    let (orders_per_day, due_days) = demand_of(pressure);
    if flat["demand.orders_per_day"].is_null() {
        let by_sku = flat["demand.p_customer_order"].as_f64().map(|p| p * f64::from(skus_at_level(level)));
        flat.insert("demand.orders_per_day", Json::from(by_sku.unwrap_or(orders_per_day)));
    }
    if flat["demand.due_days"].is_null() {
        flat.insert("demand.due_days", Json::from(due_days));
    }
}

/// Dotted paths as nested objects.
fn nest<'a>(flat: impl Iterator<Item = (&'a str, Json)>) -> Json {
    let mut root = Map::new();
    for (path, value) in flat {
        let mut keys = path.split('.');
        let last = keys.next_back().expect("a path has a last key");
        let inner = keys.fold(&mut root, |object, key| {
            let below = object.entry(key).or_insert_with(|| Json::Object(Map::new()));
            below.as_object_mut().expect("no key is a section as well")
        });
        inner.insert(last.to_owned(), value);
    }
    Json::Object(root)
}

/// Layers in the making of an experiment.
pub(crate) struct Layers {
    /// The named file first.
    pub(crate) files: Vec<Layer>,
    /// All `--set` arguments.
    pub(crate) arguments: Layer,
    /// The named flags.
    pub(crate) flags: Layer,
}

/// Merges layers. The result means something only when `errors` is empty afterwards.
pub(crate) fn merge(
    layers: Layers,
    file: Place,
    sources: Vec<SourceFile>,
    errors: &mut Vec<ConfigError>,
) -> Experiment {
    let mut experiment = Experiment {
        name: String::new(),
        replications: 1,
        axes: Vec::new(),
        notices: Vec::new(),
        results_dir: None,
        sources,
        file,
        settings: defaults(),
        max_steps_by_level: BTreeMap::new(),
        max_steps_overridden: false,
        section: Section::default(),
        providers: Arc::default(),
        resolved: None,
    };
    experiment.notices = unused(&layers);
    let Layers { files, arguments, flags } = layers;
    // Base files first, so that what comes later wins.
    let mut fixed = Vec::new();
    let mut axes: Vec<WrittenAxis> = Vec::new();
    for (depth, mut layer) in files.into_iter().enumerate().rev() {
        // What a base file pins is its own world, not the one that this file makes of it.
        if depth > 0 {
            layer.settings.retain(|written| !is_below(written.entry.path, "pins"));
            layer.fixed.retain(|written| !is_below(written.entry.path, "pins"));
        }
        layer.settings.into_iter().for_each(|written| experiment.assign(written));
        experiment
            .max_steps_by_level
            .extend(layer.max_steps_by_level.into_iter().map(|(level, steps, _)| (level, steps)));
        layer.providers.into_iter().for_each(|written| experiment.section.take(written));
        fixed.extend(layer.fixed);
        for axis in layer.grid {
            match axes.iter_mut().find(|known| known.entry.path == axis.entry.path) {
                Some(known) => *known = axis,
                None => axes.push(axis),
            }
        }
    }
    experiment.take_axes(axes, errors);
    for written in fixed {
        if let Some(axis) = experiment.axes.iter().find(|axis| axis.path == written.entry.path) {
            let notice = format!("{}: fixed.{}: the grid axis at {} wins", written.place, written.spelled, axis.place);
            experiment.notices.push(notice);
        } else {
            experiment.override_with(written, errors);
        }
    }
    for written in arguments.settings.into_iter().chain(flags.settings) {
        experiment.override_with(written, errors);
    }
    experiment.providers = Arc::new(experiment.section.finish("providers.", errors));
    experiment.finish();
    experiment
}

fn defaults() -> BTreeMap<&'static str, Setting> {
    let value = |entry: &Entry| match entry.default {
        DefaultValue::Required | DefaultValue::Null | DefaultValue::NullFor(_) => Json::Null,
        DefaultValue::Value(text) => default_value(entry, text),
    };
    SCHEMA.iter().map(|entry| (entry.path, Setting { value: value(entry), place: None })).collect()
}

/// A default, out of its YAML.
pub(super) fn default_value(entry: &Entry, text: &str) -> Json {
    let node = yaml::parse(text, &Source::argument("the schema", 0)).expect("defaults are YAML");
    check::value(&node, entry).expect("defaults fit their own key")
}

/// Notices for settings that mean nothing here.
fn unused(layers: &Layers) -> Vec<String> {
    let in_files = layers.files.iter().flat_map(|layer| {
        let plain = layer.settings.iter().map(|written| ("", written));
        plain.chain(layer.fixed.iter().map(|written| ("fixed.", written)))
    });
    in_files
        .chain(layers.arguments.settings.iter().map(|written| ("", written)))
        .filter(|(_, written)| written.entry.status == Status::Unused)
        .map(|(before, written)| {
            format!("{}: {before}{}: accepted and unused ({})", written.place, written.spelled, written.entry.doc)
        })
        .collect()
}

impl Experiment {
    /// Sets a key and takes its rival back.
    fn assign(&mut self, Written { entry, value, place, .. }: Written) {
        if let Some(rival) = rival(entry.path).filter(|_| !value.is_null()) {
            self.settings.insert(rival, Setting { value: Json::Null, place: None });
        }
        self.settings.insert(entry.path, Setting { value, place: Some(place) });
    }

    fn take_axes(&mut self, axes: Vec<WrittenAxis>, errors: &mut Vec<ConfigError>) {
        for WrittenAxis { entry, values, place, spelled } in axes {
            if let Some(other) = self.axes.iter().find(|axis| rival(entry.path) == Some(axis.path)) {
                errors.push(rival_axis(&place, &format!("grid.{spelled}"), other));
            }
            self.axes.push(Axis { path: entry.path, values, place });
        }
    }

    /// Applies a setting of a layer above the files: an axis of that path collapses to it.
    fn override_with(&mut self, written: Written, errors: &mut Vec<ConfigError>) {
        let path = written.entry.path;
        if let Some(axis) = self.axes.iter_mut().find(|axis| axis.path == path) {
            axis.values = vec![written.value.clone()];
            axis.place = written.place.clone();
        } else if let Some(other) =
            self.axes.iter().find(|axis| rival(path) == Some(axis.path)).filter(|_| !written.value.is_null())
        {
            errors.push(rival_axis(&written.place, &written.spelled, other));
        }
        self.max_steps_overridden |= path == "simulation.max_steps";
        self.assign(written);
    }

    /// Takes out what is not a matter of cells.
    fn finish(&mut self) {
        let text = |path: &str| self.settings[path].value.as_str().map(str::to_owned);
        self.name = text("experiment.name").unwrap_or_default();
        self.results_dir = text("paths.results_dir").map(PathBuf::from);
        self.replications =
            self.settings["experiment.replications"].value.as_u64().expect("replications are whole") as u32;
        if self.max_steps_overridden && !self.max_steps_by_level.is_empty() {
            let place = self.place("simulation.max_steps");
            self.notices.push(format!("{place}: simulation.max_steps: this wins over max_steps_by_level"));
        }
    }
}

fn rival_axis(place: &Place, path: &str, axis: &Axis) -> ConfigError {
    let message =
        format!("the grid has an axis over {}, which decides the same ({})", axis.path, axis.place.relative_to(place));
    ConfigError::at(place.clone(), path, Problem::Other(message))
}

/// Whether some error is about a key, however it was spelled.
pub(crate) fn mentions(errors: &[ConfigError], path: &str) -> bool {
    errors
        .iter()
        .filter_map(|error| error.path.as_deref())
        .any(|written| spelling::entry(written).is_some_and(|e| e.path == path))
}

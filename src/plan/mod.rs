//! Which runs an experiment has, and in which order.
//!
//! A [`Plan`] is lazy: it knows the grid and makes any run from its index, so millions of runs cost no memory.
//! Called by the verbs `plan` and `run`. It reads only the checked [`Experiment`], never a file, and it knows
//! nothing of how runs are executed; [`names`] says which cells name what is not there.

pub mod names;
pub mod registered;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::base::rng::DrawKey;
use crate::config::providers::Providers;
use crate::config::{Axis, ConfigError, ConfigErrors, Experiment, Problem, RunConfig, display, is_below, schema};

pub use names::check_names;

/// Most worker threads that run a plan.
pub const MAX_JOBS: usize = 1024;

/// Most runs that a plan may have.
pub const MAX_RUNS: u64 = 10_000_000;

/// The runs of an experiment: every combination of the grid, the first axis slowest, each with its replications
/// one after another.
#[derive(Clone, Debug)]
pub struct Plan {
    experiment: Experiment,
    combinations: usize,
    /// For each axis, whether its values change the draws.
    keyed: Vec<bool>,
    /// The key that replaces the derived one.
    draw_key: Option<DrawKey>,
}

/// A run that is planned.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRun {
    /// Position in the plan.
    pub index: usize,
    /// `<experiment>_c<combination>_r<replication>`.
    pub run_id: String,
    /// Position of its cell in the grid.
    pub combination: usize,
    /// Which repetition of its cell, from 0.
    pub replication: u32,
    /// The cell's value on each axis, in the order of the grid.
    pub params: Vec<(&'static str, Value)>,
    /// Its whole configuration.
    pub config: RunConfig,
}

/// A cell of the grid, restricted to some of the axes; the others stand at their first value.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Its value on each of these axes.
    pub params: Vec<(&'static str, Value)>,
    /// Its configuration in replication 0.
    pub config: RunConfig,
}

impl Plan {
    /// Plans an experiment.
    ///
    /// # Errors
    /// When the grid has more than [`MAX_RUNS`] runs, when a draw key is given for more than one run, or when a
    /// cell asks for more demand than its level has SKUs for, or for more stock on day 0 than its warehouse holds.
    pub fn new(experiment: Experiment) -> Result<Plan, ConfigErrors> {
        let cells =
            experiment.axes.iter().fold(1u128, |product, axis| product.saturating_mul(axis.values.len() as u128));
        let runs = cells.saturating_mul(u128::from(experiment.replications));
        if runs > u128::from(MAX_RUNS) {
            let message = format!(
                "the plan has {runs} runs, {cells} combinations with {} replications each (expected at most {MAX_RUNS})",
                experiment.replications
            );
            return Err(ConfigError::about(experiment.file.clone(), message).into());
        }
        let draw_key = experiment
            .setting("experiment.draw_key")
            .and_then(Value::as_str)
            .map(|key| key.parse().expect("a checked draw key is one"));
        if draw_key.is_some() && runs != 1 {
            let message =
                format!("a draw key belongs to one run, but this plan has {runs}; leave it out, or plan one run");
            let place = experiment.place("experiment.draw_key");
            return Err(ConfigError::at(place, "experiment.draw_key", Problem::Other(message)).into());
        }
        let keyed = experiment.axes.iter().map(|axis| is_keyed(&experiment, axis.path)).collect();
        let plan = Plan { combinations: cells as usize, keyed, draw_key, experiment };
        plan.check_levels()?;
        Ok(plan)
    }

    /// The experiment.
    #[must_use]
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// From now on, runs have these entries of `providers`, which say everything, in place of the files' own.
    pub(crate) fn set_providers(&mut self, resolved: Providers) {
        self.experiment.set_resolved(resolved);
    }

    /// Number of runs, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a plan is never empty")]
    pub fn len(&self) -> usize {
        self.combinations * self.experiment.replications as usize
    }

    /// Number of combinations of the grid.
    #[must_use]
    pub fn combinations(&self) -> usize {
        self.combinations
    }

    /// The grid's axes, the slowest first.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        &self.experiment.axes
    }

    /// Number of runs that each value of an axis has.
    #[must_use]
    pub fn runs_per_value(&self, axis: &Axis) -> usize {
        self.len() / axis.values.len()
    }

    /// The run at a position.
    ///
    /// # Panics
    /// When `index` is not below [`len`](Plan::len).
    #[must_use]
    pub fn run(&self, index: usize) -> PlannedRun {
        assert!(index < self.len(), "run {index} of a plan of {}", self.len());
        let replications = self.experiment.replications as usize;
        let (combination, replication) = (index / replications, (index % replications) as u32);
        let params = at(self.experiment.axes.iter().map(|axis| (axis.path, axis.values.as_slice())), combination);
        let config = self.config(&params, replication);
        let run_id = format!("{}_c{combination}_r{replication}", self.experiment.name);
        PlannedRun { index, run_id, combination, replication, params, config }
    }

    /// All runs in order.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = PlannedRun> + '_ {
        (0..self.len()).map(|index| self.run(index))
    }

    /// The distinct combinations of those axes that are among `paths`. A check that depends on a few settings
    /// sees every case of them without walking the whole grid.
    pub fn project<'a>(&'a self, paths: &'a [&str]) -> impl ExactSizeIterator<Item = Cell> + 'a {
        let values = |axis: &'a Axis| {
            (axis.path, if paths.contains(&axis.path) { axis.values.as_slice() } else { &axis.values[..1] })
        };
        let cells: usize = self.experiment.axes.iter().map(|axis| values(axis).1.len()).product();
        (0..cells).map(move |cell| {
            let all = at(self.experiment.axes.iter().map(values), cell);
            let config = self.config(&all, 0);
            Cell { params: all.into_iter().filter(|(path, _)| paths.contains(path)).collect(), config }
        })
    }

    fn config(&self, params: &[(&'static str, Value)], replication: u32) -> RunConfig {
        let draw_key = self.draw_key.unwrap_or_else(|| {
            let keyed = params.iter().zip(&self.keyed).filter(|(_, keyed)| **keyed);
            let axes: Vec<(&str, String)> = keyed.map(|((path, value), _)| (*path, value.to_string())).collect();
            let seed = params.iter().find(|(path, _)| *path == "experiment.seed").and_then(|(_, value)| value.as_u64());
            let seed = seed.or(self.experiment.seed()).unwrap_or(schema::DEFAULT_SEED);
            DrawKey::derive(seed, replication, &axes)
        });
        self.experiment.run_config(params, draw_key)
    }

    /// What the SKUs of a level must have room for.
    fn check_levels(&self) -> Result<(), ConfigErrors> {
        let mut errors = self.too_much_demand();
        errors.extend(self.too_much_stock());
        if errors.is_empty() { Ok(()) } else { Err(ConfigErrors::new(errors)) }
    }

    /// A SKU has at most one customer order a day, so a level has room for as many as it has SKUs.
    fn too_much_demand(&self) -> Vec<ConfigError> {
        let path = "demand.orders_per_day";
        let paths = ["simulation.complexity_level", path, "demand.p_customer_order"];
        let refused = self.project(&paths).filter_map(|cell| {
            let level = cell.config.simulation.complexity_level;
            let (orders, skus) = (cell.config.demand.orders_per_day, schema::skus_at_level(level));
            (orders > f64::from(skus)).then(|| {
                let message =
                    format!("{orders} is too many at complexity level {level} (expected at most {skus}, one per SKU)");
                ConfigError::at(self.experiment.place(path), path, Problem::Other(message))
            })
        });
        refused.collect()
    }

    /// What lies on the shelves on day 0 must fit into the warehouse.
    fn too_much_stock(&self) -> Vec<ConfigError> {
        let (path, limit) = ("simulation.initial_storage_per_sku", "simulation.storage_capacity");
        let paths = ["simulation.complexity_level", path, limit];
        let refused = self.project(&paths).filter_map(|cell| {
            let simulation = &cell.config.simulation;
            let (level, capacity) = (simulation.complexity_level, u64::from(simulation.storage_capacity));
            let (each, skus) = (u64::from(simulation.initial_storage_per_sku), u64::from(schema::skus_at_level(level)));
            (each * skus > capacity).then(|| {
                let message = format!(
                    "{each} of each of the {skus} SKUs at complexity level {level} are {} units, but {limit} is \
                     {capacity} (expected at most {}, or a larger {limit})",
                    each * skus,
                    capacity / skus
                );
                ConfigError::at(self.experiment.place(path), path, Problem::Other(message))
            })
        });
        refused.collect()
    }
}

/// A cell's values as messages name it: `path=value, path=value`.
#[must_use]
pub fn cell_name(params: &[(&'static str, Value)]) -> String {
    params.iter().map(|(path, value)| format!("{path}={}", display(value))).collect::<Vec<_>>().join(", ")
}

/// The value on each axis at a position of their product, the first axis slowest.
fn at<'a>(
    axes: impl DoubleEndedIterator<Item = (&'static str, &'a [Value])>,
    mut position: usize,
) -> Vec<(&'static str, Value)> {
    let mut params: Vec<_> = axes
        .rev()
        .map(|(path, values)| {
            let value = values[position % values.len()].clone();
            position /= values.len();
            (path, value)
        })
        .collect();
    params.reverse();
    params
}

/// Whether the values of an axis change the draws of its cells.
fn is_keyed(experiment: &Experiment, path: &str) -> bool {
    let paired_over = || experiment.setting("experiment.paired_over").and_then(Value::as_array).into_iter().flatten();
    match experiment.setting("experiment.seed_policy").and_then(Value::as_str) {
        Some("shared") => false,
        Some("independent") => true,
        _ => !paired_over().filter_map(Value::as_str).any(|entry| entry == path || is_below(path, entry)),
    }
}

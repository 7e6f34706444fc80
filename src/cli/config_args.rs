//! The flags that say which experiment is meant, shared by the verbs `plan` and `run`.

use std::path::PathBuf;

use clap::Args;

use crate::config;
use crate::config::{ConfigErrors, Experiment, Overrides};

/// Which experiment, and what to change in it.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    /// Experiment file (YAML)
    ///
    /// It may name another file under `inherit`, whose settings hold where this one is silent, and list values
    /// under `grid`; every combination of them becomes a cell of the experiment.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,

    /// Change one setting; may be given several times
    ///
    /// PATH is the dotted path of a setting, in any spelling that files may use; VALUE is YAML, so a list is
    /// written [10, 100]. This wins over the file and everything it inherits. If the grid has an axis with this
    /// path, the axis shrinks to this one value.
    ///
    /// Example: --set model.name=heuristic --set pe_induction.p_shock=0.2
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,

    /// Seed that all random draws follow from (experiment.seed; 42 where no file names one)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<i64>,

    /// Runs per cell of the grid (experiment.replications)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub replications: Option<i64>,

    /// Length of every run in steps (simulation.max_steps); wins over max_steps_by_level
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub max_steps: Option<i64>,
}

impl ConfigArgs {
    /// Reads the experiment.
    ///
    /// # Errors
    /// Everything that is wrong with the files and the flags.
    pub fn load(&self) -> Result<Experiment, ConfigErrors> {
        self.load_with(Vec::new())
    }

    /// Reads the experiment with further settings, `path=value`, that other flags make.
    ///
    /// # Errors
    /// Everything that is wrong with the files and the flags.
    pub fn load_with(&self, settings: Vec<String>) -> Result<Experiment, ConfigErrors> {
        let overrides = Overrides {
            set: self.set.iter().cloned().chain(settings).collect(),
            seed: self.seed,
            replications: self.replications,
            max_steps: self.max_steps,
        };
        config::load(&self.config, &overrides)
    }
}

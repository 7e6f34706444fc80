//! What the driver knows of a run: a resource, so that it goes with the run wherever the World is.

use std::collections::BTreeMap;

use crate::base::decision::ActionSource;
use crate::base::units::Step;
use crate::config::settings::RunConfig;
use crate::record::summary::{PreStepTotals, WindowSummary};

/// How far a run is.
#[derive(Debug)]
pub(crate) struct RunProgress {
    pub(super) config: RunConfig,
    pub(super) steps_done: Step,
    pub(super) action_sources: BTreeMap<ActionSource, u32>,
    pub(super) windows_at_crash: Option<WindowSummary>,
    pub(super) initial_state_hash: u128,
    /// How the run stood before the present step.
    pub(super) totals: PreStepTotals,
}

crate::base::table_resource::table_resource!(RunProgress);

impl RunProgress {
    /// A run that has not begun.
    pub(super) fn new(config: &RunConfig) -> RunProgress {
        RunProgress {
            config: config.clone(),
            steps_done: 0,
            action_sources: BTreeMap::new(),
            windows_at_crash: None,
            initial_state_hash: 0,
            totals: PreStepTotals::default(),
        }
    }
}

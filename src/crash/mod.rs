//! Did the agent break down: evidence of the last steps, one file a detector, severity.
//!
//! Detectors see a window of evidence and nothing else, so they also work on records of finished runs. Built-in ones
//! and those of third parties are registered in the same way, by
//! [`add_crash_detector`](detector::CrashDetectorAppExt::add_crash_detector).

pub mod belief_divergence;
pub mod budget_denial;
pub mod decoupling;
pub mod detector;
pub mod event;
pub mod evidence;
pub mod exploration_collapse;
#[cfg(test)]
mod fixture;
pub mod invalid_burst;
pub mod looping;
pub mod malformed_output;
pub mod severity;
pub mod slow_divergence;
pub mod state;
pub mod v1;

use bevy::app::{App, Plugin};
use bevy::prelude::IntoScheduleConfigs;
use detector::CrashDetectorAppExt;

use crate::engine::run_state::{RunStateAppExt, RunStates};
use crate::step::{PostAgent, PostAgentSystems};

/// Watches every step for a breakdown, with whichever detectors there are.
#[derive(Clone, Copy, Debug, Default)]
pub struct DetectionPlugin;

impl Plugin for DetectionPlugin {
    fn build(&self, app: &mut App) {
        register_run_state(app);
        app.add_systems(PostAgent, state::detect_crashes.in_set(PostAgentSystems::Detect));
    }
}

/// Registers the built-in detectors. Others may stand in their place.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrashPlugin;

impl Plugin for CrashPlugin {
    fn build(&self, app: &mut App) {
        register_run_state(app);
        app.add_crash_detector(looping::Looping::default())
            .add_crash_detector(invalid_burst::InvalidBurst::default())
            .add_crash_detector(budget_denial::BudgetDenial::default())
            .add_crash_detector(decoupling::Decoupling::default())
            .add_crash_detector(exploration_collapse::ExplorationCollapse::default())
            .add_crash_detector(slow_divergence::SlowDivergence::default())
            .add_crash_detector(malformed_output::MalformedOutput::default())
            .add_crash_detector(belief_divergence::BeliefDivergence::default());
    }
}

/// Detection has a state in every run, whichever plugins are left out. It follows from records, so it is not part of the
/// hash.
pub(crate) fn register_run_state(app: &mut App) {
    app.init_resource::<detector::DetectorRegistry>().add_spawned_run_resource::<state::CrashState>();
    // With what each detector remembers of the run.
    RunStates::keep::<detector::DetectorRegistry>(app);
}

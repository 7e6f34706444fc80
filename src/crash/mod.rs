//! Did the agent break down: evidence of the last steps, one file a detector, severity.
//!
//! Detectors see a window of evidence and nothing else, so they also work on records of finished runs.

pub mod budget_denial;
pub mod detector;
pub mod evidence;
pub mod exploration_collapse;
pub mod invalid_burst;
pub mod looping;
pub mod severity;
pub mod state;

use bevy::app::{App, Plugin};

/// Registers the built-in detectors.
#[derive(Default)]
pub struct CrashPlugin;

impl Plugin for CrashPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<detector::DetectorRegistry>();
        detector::add(app, looping::Looping::default());
        detector::add(app, invalid_burst::InvalidBurst::default());
        detector::add(app, budget_denial::BudgetDenial::default());
        detector::add(app, exploration_collapse::ExplorationCollapse::default());
    }
}

//! Did the agent break down: evidence of the last steps, one file a detector, severity.
//!
//! Detectors see a window of evidence and nothing else, so they also work on records of finished runs.

pub mod belief_divergence;
pub mod budget_denial;
pub mod decoupling;
pub mod detector;
pub mod embed;
pub mod evidence;
pub mod exploration_collapse;
#[cfg(test)]
mod fixture;
pub mod invalid_burst;
pub mod looping;
pub mod malformed_output;
pub mod offline;
pub mod severity;
pub mod slow_divergence;
pub mod state;
pub mod v1;

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
        detector::add(app, decoupling::Decoupling::default());
        detector::add(app, exploration_collapse::ExplorationCollapse::default());
        detector::add(app, slow_divergence::SlowDivergence::default());
        detector::add(app, malformed_output::MalformedOutput::default());
        detector::add(app, belief_divergence::BeliefDivergence::default());
    }
}

//! What the agent expected, and how far off it was: cards, expectations, errors, accumulators, the account, and when
//! the agent could know.

pub mod account;
pub mod accumulate;
pub mod bind;
pub mod calibration;
pub mod error;
pub mod event;
pub mod hidden_causes;
pub mod predictions;
pub mod resolve;
pub mod reveal;

use bevy::app::{App, Plugin};
use bevy::prelude::IntoScheduleConfigs;

use crate::engine::run_state::RunStateAppExt;
use crate::step::{ActSystems, PostAgent, PostAgentSystems};

/// Binds the predictions of each step's card, and resolves those whose outcome is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct PredictionPlugin;

impl Plugin for PredictionPlugin {
    fn build(&self, app: &mut App) {
        register_run_state(app);
        app.add_systems(
            PostAgent,
            (
                bind::bind_predictions.in_set(ActSystems::Bind),
                resolve::resolve_predictions.in_set(PostAgentSystems::Resolve),
            ),
        );
    }
}

/// Predictions have a state in every run, whichever plugins are left out. They follow from the world and the agent's
/// decisions, so they are not part of the hash.
pub(crate) fn register_run_state(app: &mut App) {
    app.add_run_resource(|config| predictions::Predictions::new(&config.measurement))
        .add_run_resource(|_| hidden_causes::HiddenCauses::default());
}

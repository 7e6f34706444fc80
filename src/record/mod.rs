//! What is kept: record types and how they become bytes. Systems here fill buffers; files are the batch's.

pub mod compare;
pub mod connections;
pub mod event_record;
pub mod evidence;
pub mod folder;
pub mod history;
pub mod kept;
pub mod lenient;
pub mod manifest;
pub mod pins;
pub mod reader;
pub mod results;
pub mod schema;
pub mod step;
pub mod step_record;
pub mod summary;
pub mod version;

use bevy::app::{App, Plugin};
use bevy::prelude::IntoScheduleConfigs;

use crate::engine::run_state::RunStates;
use crate::step::{PostAgent, RecordSystems};

/// Writes a record of each step and of its events.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordPlugin;

impl Plugin for RecordPlugin {
    fn build(&self, app: &mut App) {
        register_run_state(app);
        app.add_systems(PostAgent, step::record_step.in_set(RecordSystems::Write));
    }
}

/// Lines wait to be written in every run, whichever plugins are left out.
pub(crate) fn register_run_state(app: &mut App) {
    app.init_resource::<step::Recorder>();
    // Its room is used again; whoever begins a run empties it.
    RunStates::keep::<step::Recorder>(app);
}

//! What an agent can do: the register of tools, one file a family.
//!
//! A tool is a Bevy system that takes typed arguments and returns a [`ToolReply`](crate::interface::result::ToolReply). Arguments are checked
//! before it runs; a refused call is an outcome, never an error of the program. Built-in tools and those of third
//! parties are registered in the same way, by [`add_tool`](registry::ToolAppExt::add_tool).

pub mod act;
pub mod arguments;
pub mod look;
pub mod name;
pub mod recovery;
pub mod registry;
pub mod scratchpad;

use bevy::app::{App, Plugin};
use bevy::prelude::IntoScheduleConfigs;

use crate::engine::run_state::RunStateAppExt;
use crate::step::{ActSystems, PostAgent};

/// Carries out what the agent asks for, with whichever tools there are.
#[derive(Clone, Copy, Debug, Default)]
pub struct ActPlugin;

impl Plugin for ActPlugin {
    fn build(&self, app: &mut App) {
        register_run_state(app);
        app.add_systems(PostAgent, act::act.in_set(ActSystems::Call));
    }
}

/// Registers the tools that every scenario has.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToolPlugin;

impl Plugin for ToolPlugin {
    fn build(&self, app: &mut App) {
        register_run_state(app);
        look::register(app);
        scratchpad::register(app);
        recovery::register(app);
    }
}

/// What tools share has a state in every run, whichever plugins are left out. Notes change nothing in the world, so they
/// are not part of the hash.
pub(crate) fn register_run_state(app: &mut App) {
    app.init_resource::<registry::ToolRegistry>()
        .share_between_runs::<registry::ToolRegistry>()
        .add_run_resource(|_| scratchpad::Scratchpad::default());
}

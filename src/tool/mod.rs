//! What an agent can do: the register of tools, one file a family.
//!
//! A tool is a Bevy system that takes typed arguments and returns a [`result::ToolReply`]. Arguments are checked
//! before it runs; a refused call is an outcome, never an error of the program.

pub mod customer;
pub mod look;
pub mod name;
pub mod recovery;
pub mod registry;
pub mod result;
pub mod scratchpad;
pub mod supplier;

use bevy::app::{App, Plugin};

/// Registers the built-in tools.
#[derive(Default)]
pub struct ToolPlugin;

impl Plugin for ToolPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<registry::ToolRegistry>();
        supplier::register(app);
        customer::register(app);
        look::register(app);
        scratchpad::register(app);
        recovery::register(app);
    }
}

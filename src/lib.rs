//! VendoMini.
pub mod agent;
pub mod batch;
pub mod cli;
pub mod config;
pub mod crash;
pub mod ids;
pub mod plan;
pub mod prediction;
pub mod record;
pub mod rng;
pub mod shock;
pub mod step;
pub mod tool;
pub mod units;
pub mod world;

bevy::app::plugin_group! {
    /// The simulation: tools, shocks, crash detectors and the schedules of a step.
    pub struct VendoMiniPlugins {
        tool:::ToolPlugin,
        shock:::ShockPlugin,
        crash:::CrashPlugin,
        step:::StepPlugin,
    }
}

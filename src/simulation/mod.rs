//! Driving a run: a World stepped through both schedules, with the agent in between.
//!
//! - [`drive`]: a run over a World: begin, observe, apply, sum up
//! - `progress`: what the driver knows of a run
//! - [`driver`]: the owner of Worlds for batches, headless and small
//! - [`recorded_run`]: a run with its records, whoever decides
//! - `headless`: the App that it makes them from
//! - `suspended`: runs that take turns in one World
//! - `end`: whether a run is over

pub mod drive;
pub mod driver;
mod end;
pub(crate) mod headless;
mod progress;
pub mod recorded_run;
pub mod registered;
pub(crate) mod suspended;

pub use drive::{apply, begin, input, observe};

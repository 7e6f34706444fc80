//! Driving a run: one World, stepped through both schedules with the agent in between.

pub mod driver;
mod end;
pub(crate) mod headless;
pub mod registered;
pub(crate) mod suspended;

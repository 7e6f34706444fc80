//! Pages for those who write plugins. There is no code here.
//!
//! - [`tool`]: writing a tool
//! - [`crash_type`]: writing a crash type
//! - [`determinism`]: how a plugin keeps the promise that runs repeat to the byte
//! - [`symptoms`]: what it means when something is odd, and what to do
//!
//! `examples/` has a whole program for each kind of plugin, which the tests run.

pub mod crash_type;
pub mod determinism;
pub mod symptoms;
pub mod tool;

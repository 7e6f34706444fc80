//! All integration tests in one binary, since Bevy links slowly.

mod common;

mod batch;
mod cli;
mod competence;
mod config;
mod crashes;
mod determinism;
mod instrument;
mod legacy;
mod plan;
mod predictions;
mod tools;
mod world;

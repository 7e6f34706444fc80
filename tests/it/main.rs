//! All integration tests in one binary, since Bevy links slowly.

mod common;

mod app;
mod batch;
mod cli;
mod competence;
mod config;
mod crashes;
mod detectors;
mod determinism;
mod digests;
mod events;
mod extension;
mod instrument;
mod layers;
mod legacy;
mod llm;
mod mock_server;
mod oracle;
mod phases;
mod plan;
mod predictions;
mod providers;
mod replies;
mod schema;
mod selftest;
mod shocks;
mod tools;
mod transport;
mod versions;
mod world;

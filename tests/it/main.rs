//! All integration tests in one binary, since Bevy links slowly.

mod common;
mod competence;
mod scratch;

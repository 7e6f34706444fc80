//! `noop`: does nothing, says nothing.

use crate::agent::action::Decision;
use crate::agent::{Agent, Input};

pub(super) struct Noop;

impl Agent for Noop {
    fn decide(&mut self, _: Input<'_>) -> Decision {
        Decision::nothing()
    }
}

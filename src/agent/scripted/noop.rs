//! `noop`: does nothing, says nothing.

use crate::agent::{Agent, Input};
use crate::base::decision::Decision;

pub(super) struct Noop;

impl Agent for Noop {
    fn decide(&mut self, _: Input<'_>) -> Decision {
        Decision::nothing()
    }
}

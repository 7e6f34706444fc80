//! `noop`: does nothing, says nothing.

use crate::agent::Agent;
use crate::agent::action::Decision;
use crate::agent::observation::{Briefing, Observation};
use crate::agent::shown::ShownState;

pub(super) struct Noop;

impl Agent for Noop {
    fn decide(&mut self, _: &Observation, _: &ShownState, _: &Briefing) -> Decision {
        Decision::nothing()
    }
}

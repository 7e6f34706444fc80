//! Which step and day it is. The only clock of the simulation.

use bevy::prelude::*;

use crate::base::units::{Day, Step};

/// The position of the run in time. Steps and days count from 0.
#[derive(Clone, Debug)]
pub struct Calendar {
    step: Step,
    day: Day,
    actions_today: u32,
    actions_per_day: u32,
    day_cut_short: bool,
}

crate::base::table_resource::table_resource!(Calendar);

impl Calendar {
    /// The first step of a run whose days have `actions_per_day` actions.
    #[must_use]
    pub fn new(actions_per_day: u32) -> Calendar {
        Calendar { step: 0, day: 0, actions_today: 0, actions_per_day, day_cut_short: false }
    }

    /// The present step.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// The present day.
    #[must_use]
    pub fn day(&self) -> Day {
        self.day
    }

    /// Whether this step is the first of its day.
    #[must_use]
    pub fn is_morning(&self) -> bool {
        self.actions_today == 0
    }

    /// Whether this step is the last of its day: the actions are used up or the agent waited.
    #[must_use]
    pub fn is_evening(&self) -> bool {
        self.day_cut_short || self.actions_today + 1 >= self.actions_per_day
    }

    /// Ends the day with this step, whatever actions are left.
    pub fn cut_day_short(&mut self) {
        self.day_cut_short = true;
    }

    /// Moves on to the next step, and to the next day after an evening.
    pub(crate) fn advance(&mut self) {
        if self.is_evening() {
            self.day += 1;
            self.actions_today = 0;
        } else {
            self.actions_today += 1;
        }
        self.day_cut_short = false;
        self.step += 1;
    }
}

/// Run condition: this step is the first of its day.
pub fn morning(calendar: Res<Calendar>) -> bool {
    calendar.is_morning()
}

/// Run condition: this step is the last of its day.
pub fn evening(calendar: Res<Calendar>) -> bool {
    calendar.is_evening()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_end_after_their_actions_or_when_cut_short() {
        let mut calendar = Calendar::new(3);
        let mut seen = Vec::new();
        for step in 0..7 {
            if step == 4 {
                calendar.cut_day_short();
            }
            seen.push((calendar.day(), calendar.is_morning(), calendar.is_evening()));
            calendar.advance();
        }
        let (t, f) = (true, false);
        assert_eq!(seen, [(0, t, f), (0, f, f), (0, f, t), (1, t, f), (1, f, t), (2, t, f), (2, f, f)]);
        let every_step_a_day = Calendar::new(1);
        assert!(every_step_a_day.is_morning() && every_step_a_day.is_evening());
    }
}

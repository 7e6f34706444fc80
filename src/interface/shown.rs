//! The shown state: what an agent's inputs have contained so far, and only that. Each scenario has one of its own.
//!
//! It alone decides whether work is open, whose fault a failed call is, what an honest card states, and what the
//! reference policy would have expected.

use std::any::{Any, type_name};
use std::fmt;

use crate::base::decision::Action;
use crate::base::units::{Cents, Day};
use crate::interface::fact::Fact;
use crate::interface::forecast::Forecast;
use crate::interface::observation::{Briefing, Observation};
use crate::interface::result::Precondition;

/// What an agent was shown, with the reference policy of its scenario.
///
/// Everything that it says follows from the facts that it was given. Methods are called once or twice a step.
pub trait Shown: Any + Send + Sync {
    /// Today, as the last input said.
    fn day(&self) -> Day;

    /// Messages that wait unread, as the last input said.
    fn unread(&self) -> usize;

    /// The budget, as far as the agent can know it.
    fn expected_budget(&self) -> Cents;

    /// Takes in what a result showed.
    fn take_in(&mut self, facts: &[Fact]);

    /// Time has passed: it is `minute` (from 0, and always 0 where days have no minutes) of `day`.
    fn turn_to(&mut self, day: Day, minute: u32);

    /// Takes in what a step's input shows besides the last result: unread messages, and the dashboard or the scene
    /// where the run shows one.
    fn see(&mut self, observation: &Observation);

    /// What the reference policy would do next; `None` when there is nothing worth doing.
    fn next_action(&self, briefing: &Briefing) -> Option<Action>;

    /// Whether there is work besides reading mail: what counts for the call that empties the inbox.
    fn has_work_besides_mail(&self, briefing: &Briefing) -> bool;

    /// What an action will do.
    fn forecast(&self, action: &Action, briefing: &Briefing) -> Forecast;

    /// Whether a precondition can hold. A call that breaks one which cannot failed by the agent's own fault.
    fn could_hold(&self, precondition: Precondition) -> bool;

    /// Whether something was to happen by today and nothing has confirmed it. A look then leaves open what it has seen,
    /// so hidden causes of errors stay.
    fn awaits_confirmation(&self) -> bool {
        false
    }

    /// What the reference policy would do next, as a sentence for the agent. `tool_ask_help` of a scenario may give it.
    fn hint(&self, briefing: &Briefing) -> String {
        match self.next_action(briefing) {
            Some(action) => format!("{} is worth doing now.", action.tool),
            None => "There is nothing to do at the moment but to wait.".to_owned(),
        }
    }

    /// A copy.
    fn clone_box(&self) -> Box<dyn Shown>;
}

impl dyn Shown {
    /// The scenario's own type.
    ///
    /// # Panics
    /// When the run's scenario has another one: what needs a type is registered for that scenario only.
    #[must_use]
    pub fn of<T: Shown>(&self) -> &T {
        self.get().unwrap_or_else(|| panic!("the shown state of this run's scenario is no {}", type_name::<T>()))
    }

    /// The scenario's own type; `None` when it has another one.
    #[must_use]
    pub fn get<T: Shown>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }
}

impl fmt::Debug for dyn Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, unread, budget) = (self.day(), self.unread(), self.expected_budget());
        f.debug_struct("Shown").field("day", &day).field("unread", &unread).field("budget", &budget).finish()
    }
}

/// The shown state of the run.
#[derive(Debug)]
pub struct Knowledge(pub Box<dyn Shown>);

crate::base::table_resource::table_resource!(Knowledge);

impl Clone for Knowledge {
    fn clone(&self) -> Knowledge {
        Knowledge(self.0.clone_box())
    }
}

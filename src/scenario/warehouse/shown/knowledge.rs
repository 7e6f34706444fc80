//! The warehouse's shown state as everybody sees it: [`Shown`].

use crate::base::decision::Action;
use crate::base::units::{Cents, Day};
use crate::interface::fact::Fact;
use crate::interface::forecast::Forecast;
use crate::interface::observation::{Briefing, Observation};
use crate::interface::result::Precondition;
use crate::interface::shown::Shown;
use crate::scenario::warehouse::forecast::forecast;
use crate::scenario::warehouse::policy::{Work, has_work_besides_reading, next_work};
use crate::scenario::warehouse::shown::ShownState;

impl Shown for ShownState {
    fn day(&self) -> Day {
        self.day
    }

    fn unread(&self) -> usize {
        self.unread
    }

    fn expected_budget(&self) -> Cents {
        ShownState::expected_budget(self)
    }

    fn take_in(&mut self, facts: &[Fact]) {
        ShownState::take_in(self, facts);
    }

    fn turn_to(&mut self, day: Day, _minute: u32) {
        ShownState::turn_to(self, day);
    }

    fn see(&mut self, observation: &Observation) {
        self.see_inbox_count(observation.inbox_count);
        if let Some(dashboard) = &observation.dashboard {
            self.see_dashboard(dashboard);
        }
    }

    fn next_action(&self, briefing: &Briefing) -> Option<Action> {
        next_work(self, briefing).map(Work::action)
    }

    fn has_work_besides_mail(&self, briefing: &Briefing) -> bool {
        has_work_besides_reading(self, briefing)
    }

    fn forecast(&self, action: &Action, briefing: &Briefing) -> Forecast {
        forecast(action, self, briefing)
    }

    fn could_hold(&self, precondition: Precondition) -> bool {
        match precondition {
            Precondition::Knowable | Precondition::Scenario { .. } => false,
            // What was promised by today is taken as arrived.
            Precondition::OrderPending(order) => self.order(order).is_some_and(|order| order.promised > self.day),
            Precondition::NotDueTomorrow(order) => self.order(order).is_some_and(|o| o.promised > self.day + 1),
            Precondition::CustomerOpen(customer_order) => self.customer(customer_order).is_some(),
            Precondition::InStock(sku, units) => self.possible_stock(sku) >= i64::from(units),
            Precondition::BudgetNotNegative => ShownState::expected_budget(self) >= Cents::ZERO,
        }
    }

    fn awaits_confirmation(&self) -> bool {
        ShownState::awaits_confirmation(self)
    }

    fn clone_box(&self) -> Box<dyn Shown> {
        Box::new(self.clone())
    }
}

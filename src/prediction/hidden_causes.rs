//! Which hidden changes can make a statement about stock or money wrong right now.
//!
//! An honest agent's statement about the moment after its action goes wrong only because something happened that its
//! inputs did not show: these are the causes of a causal error.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use super::predictions::Cause;
use crate::base::ids::ShockId;
use crate::engine::journal::{Journal, WorldEvent};
use crate::interface::shown::Shown;

/// Causes that took effect since the agent last saw the budget, and since it last saw the stock.
#[derive(Clone, Debug, Default)]
pub struct HiddenCauses {
    money: BTreeSet<Cause>,
    stock: BTreeSet<Cause>,
    /// Events of this step that were taken in already.
    taken_in: usize,
}

crate::base::table_resource::table_resource!(HiddenCauses);

impl HiddenCauses {
    /// A new step begins.
    pub(crate) fn start_step(&mut self) {
        self.taken_in = 0;
    }

    /// Takes in what has happened in this step since the last call.
    pub(crate) fn take_in(&mut self, journal: &Journal) {
        let events = journal.events();
        let new = events.clone().skip(self.taken_in);
        self.taken_in = events.len();
        for event in new {
            match event {
                WorldEvent::Delivery(delivery) => {
                    let shocks = delivery.day_shocks.iter().chain(&delivery.quantity_shocks).copied().map(Cause::Shock);
                    let causes = shocks.chain((delivery.turned_away > 0).then_some(Cause::Dock));
                    for cause in causes {
                        self.money.insert(cause);
                        self.stock.insert(cause);
                    }
                }
                WorldEvent::Posting { late_by: Some(shock), .. }
                | WorldEvent::PostingDelayed { late_by: shock, .. } => {
                    self.money.insert(Cause::Shock(*shock));
                }
                _ => {}
            }
        }
    }

    /// The agent saw the budget, the stock, or both: what moved them before is settled. While an arrival was promised
    /// and not confirmed, a look leaves open what it has seen, so nothing is settled.
    ///
    /// What it did not know of its stock has cost storage fees, so it stays a cause of wrong budgets until the agent
    /// sees the budget as well.
    pub(crate) fn see(&mut self, budget: bool, stock: bool, shown: &dyn Shown) {
        if shown.awaits_confirmation() {
            return;
        }
        if budget {
            self.money.clear();
        }
        if stock {
            self.money.append(&mut self.stock);
        }
    }

    /// The causes of an error about money, stock or both right after an action, with those that pending orders and
    /// postings carry. What is unknown of the stock costs storage fees, so it is a cause of wrong budgets as well.
    pub(crate) fn causes(
        &self,
        money: bool,
        stock: bool,
        carried: impl Iterator<Item = ShockId>,
    ) -> SmallVec<[Cause; 2]> {
        let mut all: BTreeSet<Cause> = if money || stock { self.stock.clone() } else { BTreeSet::new() };
        if money {
            all.extend(self.money.iter().copied());
        }
        all.extend(carried.map(Cause::Shock));
        all.into_iter().collect()
    }
}

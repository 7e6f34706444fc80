//! Which hidden changes can make a statement about stock or money wrong right now.
//!
//! An honest agent's statement about the moment after its action goes wrong only because something happened that its
//! inputs did not show: these are the causes of a causal error.

use std::collections::BTreeSet;

use bevy::prelude::Resource;
use smallvec::SmallVec;

use super::predictions::Cause;
use crate::agent::shown::ShownState;
use crate::ids::ShockId;
use crate::world::journal::{Event, Journal};

/// Causes that took effect since the agent last saw the budget, and since it last saw the stock.
#[derive(Resource, Clone, Debug, Default)]
pub struct Unsettled {
    money: BTreeSet<Cause>,
    stock: BTreeSet<Cause>,
}

impl Unsettled {
    /// Takes in what happened in this step so far.
    pub(super) fn take_in(&mut self, journal: &Journal) {
        for event in &journal.events {
            match event {
                Event::Delivery(delivery) => {
                    let shocks = delivery.day_shocks.iter().chain(&delivery.quantity_shocks).copied().map(Cause::Shock);
                    let causes = shocks.chain((delivery.turned_away > 0).then_some(Cause::Dock));
                    for cause in causes {
                        self.money.insert(cause);
                        self.stock.insert(cause);
                    }
                }
                Event::Posting { late_by: Some(shock), .. } | Event::PostingDelayed { late_by: shock, .. } => {
                    self.money.insert(Cause::Shock(*shock));
                }
                Event::Posting { charge: Some(charge), .. } => {
                    self.money.extend(charge.price_shocks.iter().copied().map(Cause::Shock));
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
    pub(crate) fn see(&mut self, budget: bool, stock: bool, shown: &ShownState) {
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

    /// The causes of an error about the moment after an action, with those that pending orders and postings carry.
    pub(super) fn causes(&self, carried: impl Iterator<Item = ShockId>) -> SmallVec<[Cause; 2]> {
        let mut all: BTreeSet<Cause> = self.money.union(&self.stock).copied().collect();
        all.extend(carried.map(Cause::Shock));
        all.into_iter().collect()
    }
}

//! `heuristic`: a competent shopkeeper. Acts by the reference policy, re-quotes what may be stale, and looks
//! around while there is nothing to do.

use crate::agent::scripted::card::honest_card;
use crate::agent::scripted::reference::{Breakdown, ReferenceAgent};
use crate::agent::{Agent, Input};
use crate::base::decision::{Action, Decision};
use crate::base::ids::{SkuId, SupplierId};
use crate::base::units::Day;
use crate::interface::observation::Briefing;
use crate::scenario::warehouse::agent::breakdown;
use crate::scenario::warehouse::agent::sentences::sentences;
use crate::scenario::warehouse::policy::{Work, next_work};
use crate::scenario::warehouse::rules::WarehouseRules;
use crate::scenario::warehouse::shown::ShownState;
use crate::tool::name;

/// Age from which a price may be stale.
const STALE_AFTER_DAYS: Day = 60;

/// Most open customer orders with which there is time for a quote before an order.
const MAX_QUEUE: usize = 2;

#[derive(Default)]
pub(crate) struct Heuristic {
    idle: u32,
}

impl Agent for Heuristic {
    fn decide(&mut self, Input { shown, briefing, .. }: Input<'_>) -> Decision {
        let known: &ShownState = shown.of();
        let action = match next_work(known, briefing) {
            Some(Work::Order { supplier, sku, quantity }) if has_time(known) && is_stale(known, supplier, sku) => {
                quote(supplier, sku, quantity)
            }
            Some(work) => work.action(),
            None => self.look_around(briefing),
        };
        let card = honest_card(&action, shown, briefing);
        Decision::scripted(action, card)
    }
}

impl ReferenceAgent for Heuristic {
    fn break_down(&mut self, breakdown: Breakdown<'_>, input: &Input<'_>) -> Decision {
        breakdown::act(breakdown, input, self)
    }

    fn sentences(&self, tool: &str) -> &'static [&'static str] {
        sentences(tool)
    }
}

/// A quote costs a step, which customers in a queue cannot spare.
fn has_time(shown: &ShownState) -> bool {
    shown.customers().count() <= MAX_QUEUE
}

fn is_stale(shown: &ShownState, supplier: SupplierId, sku: SkuId) -> bool {
    shown.offer(supplier, sku).is_none_or(|offer| offer.as_of + STALE_AFTER_DAYS < shown.day())
}

fn quote(supplier: SupplierId, sku: SkuId, quantity: u32) -> Action {
    Action::of(name::QUOTE).with("supplier_id", supplier.to_string()).with("sku", sku.to_string()).with("qty", quantity)
}

impl Heuristic {
    /// Idle steps rotate through the tools that only look, and through the offers.
    pub(crate) fn look_around(&mut self, briefing: &Briefing) -> Action {
        let turn = self.idle;
        self.idle += 1;
        match turn % 4 {
            0 => Action::of(name::CHECK_STORAGE),
            1 => Action::of(name::CHECK_BUDGET),
            2 => Action::of(name::WAIT),
            _ => {
                let level = briefing.rules::<WarehouseRules>().level;
                let pair = (turn / 4) as usize % (level.skus * level.suppliers);
                quote(SupplierId::from_index(pair / level.skus), SkuId((pair % level.skus) as u32), 1)
            }
        }
    }
}

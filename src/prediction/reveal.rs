//! Objective and revealed: an error exists once the world has decided it; the agent learns of it later or never.
//!
//! A delivery receipt that names the order reveals temporal by its day, quantity by its quantity, cost by its charge;
//! the result of an action reveals causal errors and fees, in the next step's input. Looking at storage or budget
//! reveals none.

use std::collections::{BTreeMap, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::accumulate::six_digits;
use crate::base::error_type::ErrorType;
use crate::base::ids::OrderId;
use crate::base::units::Step;
use crate::engine::inbox::Receipt;

/// An error that an input contained for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevealedError {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: ErrorType,
    /// The supplier order.
    pub order: Option<OrderId>,
    /// Step of the card.
    pub step: Step,
    /// How far off the prediction was.
    #[serde(serialize_with = "six_digits")]
    pub error: f64,
}

/// Errors that were decided and not revealed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unrevealed {
    /// Told by the next step's input.
    next_input: Vec<RevealedError>,
    /// Told by the order's receipt.
    by_order: BTreeMap<OrderId, SmallVec<[RevealedError; 3]>>,
    /// (step of the decision, order), oldest first, so that what is too old can be closed.
    ages: VecDeque<(Step, OrderId)>,
    /// Orders whose charge a receipt told lately: a late posting may decide it after that.
    told_charges: VecDeque<OrderId>,
}

/// How many told charges are remembered: more than can be on their way through a posting lag.
const TOLD_CHARGES: usize = 64;

impl Unrevealed {
    /// The next input will contain it.
    pub(crate) fn in_next_input(&mut self, error: RevealedError) {
        self.next_input.push(error);
    }

    /// The order's receipt will contain it.
    pub(crate) fn by_receipt(&mut self, order: OrderId, error: RevealedError, step: Step) {
        self.by_order.entry(order).or_default().push(error);
        self.ages.push_back((step, order));
    }

    /// Takes out what this input contains.
    pub(crate) fn take_next_input(&mut self) -> Vec<RevealedError> {
        std::mem::take(&mut self.next_input)
    }

    /// Takes out what a receipt tells.
    pub(crate) fn take_by_receipt(&mut self, receipt: &Receipt, mut revealed: impl FnMut(RevealedError)) {
        if receipt.charged.is_some() {
            if self.told_charges.len() == TOLD_CHARGES {
                self.told_charges.pop_front();
            }
            self.told_charges.push_back(receipt.order_id);
        }
        let Some(waiting) = self.by_order.get_mut(&receipt.order_id) else { return };
        let told = |kind: ErrorType| match kind {
            ErrorType::Temporal => receipt.arrived_day.is_some(),
            ErrorType::Quantity => receipt.quantity.is_some(),
            ErrorType::Cost => receipt.charged.is_some(),
            ErrorType::Causal => false,
        };
        waiting.retain(|error| {
            let now = told(error.kind);
            if now {
                revealed(*error);
            }
            !now
        });
        if waiting.is_empty() {
            self.by_order.remove(&receipt.order_id);
        }
    }

    /// Whether a receipt has told the order's charge.
    pub(crate) fn knows_charge(&self, order: OrderId) -> bool {
        self.told_charges.contains(&order)
    }

    /// Closes what was decided before a step; how many errors of which type.
    pub(crate) fn close_before(&mut self, step: Step, mut closed: impl FnMut(ErrorType)) {
        while let Some((decided, order)) = self.ages.front().copied()
            && decided < step
        {
            self.ages.pop_front();
            for error in self.by_order.remove(&order).unwrap_or_default() {
                closed(error.kind);
            }
        }
    }
}

//! Money: every amount that is posted, to the cent, by kind.

use bevy::prelude::*;
use serde::Serialize;

use super::journal::{Event, Journal};
use crate::ids::OrderId;
use crate::units::Cents;

/// What an amount was posted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PostingKind {
    /// Net revenue of a shipment.
    Revenue,
    /// Goods that a supplier delivered.
    DeliveryCharge,
    /// Fee for cancelling a supplier order.
    CancelFee,
    /// Fee for expediting a supplier order.
    ExpediteFee,
    /// Fee for the stock held over night.
    StorageFee,
}

/// The posted budget and the totals that explain it: `budget = initial + revenue - charges - fees`, always.
#[derive(Resource, Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    initial: Cents,
    budget: Cents,
    revenue: Cents,
    charges: Cents,
    fees: Cents,
}

impl Ledger {
    /// The ledger of day 0.
    #[must_use]
    pub fn new(initial: Cents) -> Ledger {
        Ledger { initial, budget: initial, revenue: Cents::ZERO, charges: Cents::ZERO, fees: Cents::ZERO }
    }

    /// Posts an amount; the kind decides whether it comes in or goes out.
    pub fn post(&mut self, kind: PostingKind, amount: Cents) {
        match kind {
            PostingKind::Revenue => {
                self.revenue += amount;
                self.budget += amount;
            }
            PostingKind::DeliveryCharge => {
                self.charges += amount;
                self.budget -= amount;
            }
            PostingKind::CancelFee | PostingKind::ExpediteFee | PostingKind::StorageFee => {
                self.fees += amount;
                self.budget -= amount;
            }
        }
    }

    /// Posts a fee for a supplier order, as an event.
    pub fn post_fee(&mut self, kind: PostingKind, fee: Cents, order: OrderId, journal: &mut Journal) {
        self.post(kind, fee);
        journal.note(Event::Posting {
            kind,
            amount: fee,
            order: Some(order),
            customer_order: None,
            budget: self.budget,
        });
    }

    /// The posted budget.
    #[must_use]
    pub fn budget(&self) -> Cents {
        self.budget
    }

    /// The budget of day 0.
    #[must_use]
    pub fn initial(&self) -> Cents {
        self.initial
    }

    /// Net revenue posted so far.
    #[must_use]
    pub fn revenue(&self) -> Cents {
        self.revenue
    }

    /// Delivery charges posted so far.
    #[must_use]
    pub fn charges(&self) -> Cents {
        self.charges
    }

    /// Cancel, expedite and storage fees posted so far.
    #[must_use]
    pub fn fees(&self) -> Cents {
        self.fees
    }
}

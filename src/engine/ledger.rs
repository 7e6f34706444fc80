//! Money: every amount that is posted, to the cent, by kind.

use std::collections::VecDeque;

use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::expectation::Expectation;
use crate::base::ids::{OrderId, SalesOrderId, ShockId};
use crate::base::units::{Cents, Day};
use crate::engine::calendar::Calendar;
use crate::engine::journal::{ChargeOutcome, Event, Journal};
use crate::shock::ledger::DoseLedger;

/// What an amount was posted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug)]
pub struct Ledger {
    initial: Cents,
    budget: Cents,
    revenue: Cents,
    charges: Cents,
    fees: Cents,
    armed: VecDeque<(ShockId, Day)>,
    late: Vec<LatePosting>,
}

crate::base::table_resource::table_resource!(Ledger);

/// A charge or a revenue to be posted.
#[derive(Clone, Debug)]
pub struct Posting {
    /// For what.
    pub kind: PostingKind,
    /// How much.
    pub amount: Cents,
    /// For which supplier order.
    pub order: Option<OrderId>,
    /// For which customer order.
    pub customer_order: Option<SalesOrderId>,
    charge: Option<Box<ChargeOutcome>>,
}

impl Posting {
    /// How many predictions wait for it.
    #[must_use]
    pub fn expectations(&self) -> usize {
        self.charge.as_ref().map_or(0, |charge| charge.expectations.len())
    }

    /// The charge of a delivery.
    #[must_use]
    pub fn charge(amount: Cents, outcome: ChargeOutcome) -> Posting {
        let order = Some(outcome.order);
        Posting {
            kind: PostingKind::DeliveryCharge,
            amount,
            order,
            customer_order: None,
            charge: Some(Box::new(outcome)),
        }
    }

    /// The revenue of a shipment.
    #[must_use]
    pub fn revenue(amount: Cents, customer_order: SalesOrderId) -> Posting {
        Posting { kind: PostingKind::Revenue, amount, order: None, customer_order: Some(customer_order), charge: None }
    }
}

/// A posting that a shock put off.
#[derive(Clone, Debug)]
pub struct LatePosting {
    /// Day on whose morning it is posted.
    pub due_day: Day,
    /// The shock.
    pub late_by: ShockId,
    /// What is posted.
    pub posting: Posting,
}

/// Morning: late postings that are due today hit the ledger.
pub fn post_due_postings(mut ledger: ResMut<Ledger>, calendar: Res<Calendar>, mut journal: ResMut<Journal>) {
    let today = calendar.day();
    if ledger.late.is_empty() {
        return;
    }
    let due: Vec<LatePosting> = ledger.late.extract_if(.., |late| late.due_day <= today).collect();
    for LatePosting { late_by, posting, .. } in due {
        ledger.post_now(posting, Some(late_by), &mut journal);
    }
}

impl Ledger {
    /// The ledger of day 0.
    #[must_use]
    pub fn new(initial: Cents) -> Ledger {
        Ledger {
            initial,
            budget: initial,
            revenue: Cents::ZERO,
            charges: Cents::ZERO,
            fees: Cents::ZERO,
            armed: VecDeque::new(),
            late: Vec::new(),
        }
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
            late_by: None,
            charge: None,
        });
    }

    /// Arms a posting lag for a shock that returns [`Armed`](crate::shock::ledger::ShockState::Armed): the next charge
    /// or revenue is posted `days` mornings late. Armed ones queue.
    pub fn arm_lag(&mut self, shock: ShockId, days: Day) {
        self.armed.push_back((shock, days));
    }

    /// Posts a charge or a revenue now, or puts it off when a posting lag is armed.
    pub fn post_or_delay(
        &mut self,
        posting: Posting,
        calendar: &Calendar,
        doses: &mut DoseLedger,
        journal: &mut Journal,
    ) {
        let lag = if posting.amount == Cents::ZERO { None } else { self.armed.pop_front() };
        let Some((late_by, days)) = lag else {
            self.post_now(posting, None, journal);
            return;
        };
        let due_day = calendar.day() + days;
        let Posting { kind, amount, order, customer_order, .. } = posting;
        doses.strike_armed(late_by, calendar.step(), journal);
        journal.note(Event::PostingDelayed { kind, amount, order, customer_order, due_day, late_by });
        self.late.push(LatePosting { due_day, late_by, posting });
    }

    fn post_now(&mut self, posting: Posting, late_by: Option<ShockId>, journal: &mut Journal) {
        let Posting { kind, amount, order, customer_order, charge } = posting;
        self.post(kind, amount);
        journal.note(Event::Posting { kind, amount, order, customer_order, budget: self.budget, late_by, charge });
    }

    /// Late postings, in the order in which they were put off.
    #[must_use]
    pub fn late(&self) -> &[LatePosting] {
        &self.late
    }

    /// Takes back what was predicted of late charges.
    pub(crate) fn take_late_expectations(&mut self) -> Vec<Expectation> {
        let charges = self.late.iter_mut().filter_map(|late| late.posting.charge.as_mut());
        charges.flat_map(|charge| std::mem::take(&mut charge.expectations)).collect()
    }

    /// Armed posting lags, in the order in which they will strike, with their days.
    pub fn armed(&self) -> impl Iterator<Item = (ShockId, Day)> + '_ {
        self.armed.iter().copied()
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

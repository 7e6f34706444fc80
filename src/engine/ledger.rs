//! Money: every amount that is posted, to the cent, by kind.

use std::collections::VecDeque;

use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::expectation::Expectation;
use crate::base::ids::{OrderId, SalesOrderId, ShockId};
use crate::base::units::{Cents, Day};
use crate::engine::calendar::Calendar;
use crate::engine::journal::{ChargeOutcome, Journal, WorldEvent};

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
    armed: VecDeque<PostingLag>,
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

/// A lag that waits for a charge or a revenue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostingLag {
    /// The shock that armed it.
    pub shock: ShockId,
    /// Mornings by which the posting will be late.
    pub days: Day,
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
        journal.note(WorldEvent::Posting {
            kind,
            amount: fee,
            order: Some(order),
            customer_order: None,
            budget: self.budget,
            late_by: None,
            charge: None,
        });
    }

    /// Arms a posting lag for a shock that is drawn as armed: the next charge or revenue is posted `days` mornings
    /// late. Armed ones queue.
    pub fn arm_lag(&mut self, shock: ShockId, days: Day) {
        self.armed.push_back(PostingLag { shock, days });
    }

    /// Takes the armed posting lag that strikes a posting; `None` when none is armed or nothing is posted.
    pub(crate) fn take_lag(&mut self, posting: &Posting) -> Option<PostingLag> {
        if posting.amount == Cents::ZERO { None } else { self.armed.pop_front() }
    }

    /// Puts a charge or a revenue off by a lag.
    pub(crate) fn put_off(&mut self, posting: Posting, lag: PostingLag, today: Day, journal: &mut Journal) {
        let (due_day, late_by) = (today + lag.days, lag.shock);
        let Posting { kind, amount, order, customer_order, .. } = posting;
        journal.note(WorldEvent::PostingDelayed { kind, amount, order, customer_order, due_day, late_by });
        self.late.push(LatePosting { due_day, late_by, posting });
    }

    /// Posts a charge or a revenue, as an event. Where shocks may put it off, post through the dose ledger.
    pub(crate) fn post_now(&mut self, posting: Posting, late_by: Option<ShockId>, journal: &mut Journal) {
        let Posting { kind, amount, order, customer_order, charge } = posting;
        self.post(kind, amount);
        journal.note(WorldEvent::Posting { kind, amount, order, customer_order, budget: self.budget, late_by, charge });
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

    /// Armed posting lags, in the order in which they will strike.
    pub fn armed(&self) -> impl ExactSizeIterator<Item = PostingLag> + '_ {
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

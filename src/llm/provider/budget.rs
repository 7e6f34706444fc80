//! What a run and an experiment may use: tokens and US dollars are reserved before a call and settled after it.
//!
//! Called around every request, from many threads. A [`Ledger`] never lets what is spent and reserved together exceed its
//! limits, so a limit is kept also while many calls are in flight. Amounts of money are kept in whole billionths of a
//! dollar, so that sums do not depend on the order in which calls end.

use std::sync::{Arc, Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

use crate::base::decision::Usage;
use crate::llm::provider::attempt::Outcome;

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of one run. What reaches it depends on the agent.
    Run,
    /// Of the experiment as a whole.
    Experiment,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Tokens of requests and replies.
    Tokens,
    /// US dollars.
    Cost,
}

/// A call that a limit does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of {} leaves no room for another call", .quantity.word(), .scope.word())]
pub struct Exhausted {
    /// Whose limit.
    pub scope: Scope,
    /// Of what.
    pub quantity: Quantity,
}

/// Why there is no room for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// Nothing is left, whatever the requests in flight will cost.
    Exhausted(Exhausted),
    /// Only what is reserved for requests under way stands in the way: once one of them has ended, there may be room.
    Taken,
}

/// What a request was taken for before it was sent: the most that it could use. It counts where nobody tells what the
/// request used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// Tokens of the request and of the longest reply.
    pub tokens: u64,
    /// US dollars; null where prices are unknown.
    pub cost_usd: Option<f64>,
}

/// What is known of what a request used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Charge {
    /// Nothing: it was refused, or never arrived.
    Nothing,
    /// So many tokens and US dollars, as far as anybody tells.
    Used(Usage, Option<f64>),
}

impl Charge {
    /// What a request used that ended so. `told` is what its answer says of it.
    #[must_use]
    pub fn of(outcome: Outcome, told: Option<(Usage, Option<f64>)>) -> Charge {
        match told {
            Some((usage, cost)) => Charge::Used(usage, cost),
            None if outcome.may_be_charged() => Charge::Used(Usage::default(), None),
            None => Charge::Nothing,
        }
    }
}

impl Scope {
    fn word(self) -> &'static str {
        match self {
            Scope::Run => "the run",
            Scope::Experiment => "the experiment",
        }
    }
}

impl Quantity {
    fn word(self) -> &'static str {
        match self {
            Quantity::Tokens => "the limit of tokens",
            Quantity::Cost => "the limit of cost",
        }
    }
}

/// Tokens and billionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Amount {
    tokens: u64,
    nanos: u64,
}

impl Amount {
    fn plus(self, other: Amount) -> Amount {
        Amount { tokens: self.tokens.saturating_add(other.tokens), nanos: self.nanos.saturating_add(other.nanos) }
    }

    fn of(estimate: &Estimate) -> Amount {
        Amount { tokens: estimate.tokens, nanos: estimate.cost_usd.map_or(0, nanos) }
    }

    fn minus(self, other: Amount) -> Amount {
        Amount { tokens: self.tokens - other.tokens, nanos: self.nanos - other.nanos }
    }
}

/// Billionths of a dollar; a number that is none, or beyond all limits, becomes the largest.
fn nanos(dollars: f64) -> u64 {
    (dollars * 1e9).round() as u64
}

/// What was used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Tokens of requests and replies.
    pub tokens: u64,
    /// US dollars.
    pub cost: f64,
    /// Requests of which something was not known, and was counted as what they had been taken for.
    pub estimated: u64,
    /// Requests whose cost nobody knows: it is not in the sum.
    pub unpriced: u64,
}

impl Spent {
    /// What a request used. What is not known, of tokens or cost, counts as what it was taken for. A cost that was
    /// unknown before the request may stay so and is then not counted.
    #[must_use]
    pub fn of(charge: &Charge, estimate: &Estimate) -> Spent {
        let Charge::Used(usage, cost) = charge else { return Spent::default() };
        let tokens = usage.total();
        let expected = estimate.cost_usd.filter(|cost| *cost > 0.0);
        Spent {
            tokens: tokens.unwrap_or(estimate.tokens),
            cost: cost.or(expected).unwrap_or(0.0),
            estimated: u64::from(tokens.is_none() || (cost.is_none() && expected.is_some())),
            unpriced: u64::from(cost.or(expected).is_none()),
        }
    }

    fn amount(&self) -> Amount {
        Amount { tokens: self.tokens, nanos: nanos(self.cost) }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    spent: Amount,
    reserved: Amount,
    estimated: u64,
    unpriced: u64,
}

/// The account of a run or of an experiment, with its limits.
#[derive(Debug)]
pub struct Ledger {
    scope: Scope,
    tokens: Option<u64>,
    nanos: Option<u64>,
    account: Mutex<Account>,
}

impl Ledger {
    /// An account on which nothing is spent, with its limits of tokens and of US dollars.
    #[must_use]
    pub fn new(scope: Scope, tokens: Option<u64>, cost: Option<f64>) -> Ledger {
        Ledger { scope, tokens, nanos: cost.map(nanos), account: Mutex::default() }
    }

    /// What was spent.
    #[must_use]
    pub fn spent(&self) -> Spent {
        let Account { spent, estimated, unpriced, .. } = *self.lock();
        Spent { tokens: spent.tokens, cost: spent.nanos as f64 / 1e9, estimated, unpriced }
    }

    /// Counts what was spent before this ledger was there, as by runs that are not made again.
    pub fn carry_over(&self, before: &Spent) {
        self.settle(Amount::default(), before);
    }

    fn reserve(&self, amount: Amount) -> Result<(), NoRoom> {
        let mut account = self.lock();
        let alone = account.spent.plus(amount);
        let among_others = alone.plus(account.reserved);
        if let Some(quantity) = self.exceeded(alone) {
            return Err(NoRoom::Exhausted(Exhausted { scope: self.scope, quantity }));
        }
        if self.exceeded(among_others).is_some() {
            return Err(NoRoom::Taken);
        }
        account.reserved = account.reserved.plus(amount);
        Ok(())
    }

    /// The limit that a sum exceeds, if one.
    fn exceeded(&self, sum: Amount) -> Option<Quantity> {
        if self.tokens.is_some_and(|limit| sum.tokens > limit) {
            return Some(Quantity::Tokens);
        }
        self.nanos.is_some_and(|limit| sum.nanos > limit).then_some(Quantity::Cost)
    }

    fn settle(&self, reserved: Amount, spent: &Spent) {
        let mut account = self.lock();
        account.reserved = account.reserved.minus(reserved);
        account.spent = account.spent.plus(spent.amount());
        account.estimated += spent.estimated;
        account.unpriced += spent.unpriced;
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().expect("nothing panics while it holds an account")
    }
}

/// The accounts that the calls of one run are booked on.
#[derive(Clone, Debug)]
pub struct Budget {
    run: Arc<Ledger>,
    experiment: Arc<Ledger>,
}

impl Budget {
    /// The budget of a run that begins.
    #[must_use]
    pub fn new(run: Ledger, experiment: Arc<Ledger>) -> Budget {
        Budget { run: Arc::new(run), experiment }
    }

    /// The account of the run.
    #[must_use]
    pub fn run(&self) -> &Ledger {
        &self.run
    }

    /// Reserves the most that a request can use.
    ///
    /// # Errors
    /// When a limit would be exceeded, the run's before the experiment's. Nothing is reserved then.
    pub fn reserve(&self, estimate: Estimate) -> Result<Reservation, NoRoom> {
        let amount = Amount::of(&estimate);
        self.run.reserve(amount)?;
        if let Err(no_room) = self.experiment.reserve(amount) {
            self.run.settle(amount, &Spent::default());
            return Err(no_room);
        }
        Ok(Reservation { budget: self.clone(), estimate, is_open: true })
    }

    /// Counts what was spent without a reservation.
    pub fn spend(&self, spent: &Spent) {
        self.run.carry_over(spent);
        self.experiment.carry_over(spent);
    }
}

/// What was reserved for a request. Dropped, it counts as used: a request of which nothing is known may have been
/// charged.
#[derive(Debug)]
#[must_use = "a reservation that is dropped counts as used"]
pub struct Reservation {
    budget: Budget,
    estimate: Estimate,
    is_open: bool,
}

impl Reservation {
    /// Books what the request used: see [`Spent::of`].
    pub fn settle(mut self, charge: &Charge) {
        self.close(&Spent::of(charge, &self.estimate));
    }

    fn close(&mut self, spent: &Spent) {
        self.is_open = false;
        let amount = Amount::of(&self.estimate);
        self.budget.run.settle(amount, spent);
        self.budget.experiment.settle(amount, spent);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.is_open {
            self.close(&Spent::of(&Charge::Used(Usage::default(), None), &self.estimate));
        }
    }
}

#[cfg(test)]
mod tests;

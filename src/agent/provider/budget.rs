//! What a run and an experiment may use: tokens and US dollars are reserved before a call and settled after it.
//!
//! Called around every call, from many threads. A [`Ledger`] never lets what is spent and reserved together exceed its
//! limits, so a limit is kept also while many calls are in flight. Amounts of money are kept in whole billionths of a
//! dollar, so that sums do not depend on the order in which calls end.

use std::sync::{Arc, Mutex, MutexGuard};

use super::reply::Usage;

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
    /// Calls of which something was not known, and was counted as what had been reserved.
    pub estimated: u64,
}

impl Spent {
    /// What a call used. Tokens and costs that are not known cannot be counted, which is told.
    #[must_use]
    pub fn of(usage: &Usage, cost: Option<f64>) -> Spent {
        let tokens = usage.total();
        Spent { tokens: tokens.unwrap_or(0), cost: cost.unwrap_or(0.0), estimated: u64::from(tokens.is_none()) }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    spent: Amount,
    reserved: Amount,
    estimated: u64,
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
        let Account { spent, estimated, .. } = *self.lock();
        Spent { tokens: spent.tokens, cost: spent.nanos as f64 / 1e9, estimated }
    }

    /// Counts what was spent before this ledger was there, as by runs that are not made again.
    pub fn carry_over(&self, before: &Spent) {
        let mut account = self.lock();
        account.spent = account.spent.plus(Amount { tokens: before.tokens, nanos: nanos(before.cost) });
        account.estimated += before.estimated;
    }

    fn reserve(&self, amount: Amount) -> Result<(), Exhausted> {
        let mut account = self.lock();
        let total = account.spent.plus(account.reserved).plus(amount);
        let exceeded = |quantity| Exhausted { scope: self.scope, quantity };
        if self.tokens.is_some_and(|limit| total.tokens > limit) {
            return Err(exceeded(Quantity::Tokens));
        }
        if self.nanos.is_some_and(|limit| total.nanos > limit) {
            return Err(exceeded(Quantity::Cost));
        }
        account.reserved = account.reserved.plus(amount);
        Ok(())
    }

    fn settle(&self, reserved: Amount, used: Amount, is_estimate: bool) {
        let mut account = self.lock();
        account.reserved = account.reserved.minus(reserved);
        account.spent = account.spent.plus(used);
        account.estimated += u64::from(is_estimate);
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

    /// Reserves the most that a call can use, in tokens and US dollars; `None` where prices are unknown.
    ///
    /// # Errors
    /// When a limit would be exceeded, the run's before the experiment's. Nothing is reserved then.
    pub fn reserve(&self, tokens: u64, cost: Option<f64>) -> Result<Reservation, Exhausted> {
        let amount = Amount { tokens, nanos: cost.map_or(0, nanos) };
        self.run.reserve(amount)?;
        if let Err(exhausted) = self.experiment.reserve(amount) {
            self.run.settle(amount, Amount::default(), false);
            return Err(exhausted);
        }
        Ok(Reservation { budget: self.clone(), amount, is_open: true })
    }
}

/// What was reserved for a call. Dropped, it counts as used: a call of which nothing is known may have been charged.
#[derive(Debug)]
#[must_use = "a reservation that is dropped counts as used"]
pub struct Reservation {
    budget: Budget,
    amount: Amount,
    is_open: bool,
}

impl Reservation {
    /// Books what the call used. What is not known, of tokens or cost, counts as what was reserved; whether there was
    /// such a thing is told. A cost that was unknown before the call may stay so and is then not counted.
    pub fn settle(mut self, usage: &Usage, cost: Option<f64>) -> bool {
        let tokens = usage.input_tokens.zip(usage.output_tokens).map(|(input, output)| input.saturating_add(output));
        let used =
            Amount { tokens: tokens.unwrap_or(self.amount.tokens), nanos: cost.map_or(self.amount.nanos, nanos) };
        let is_estimate = tokens.is_none() || (cost.is_none() && self.amount.nanos > 0);
        self.close(used, is_estimate);
        is_estimate
    }

    /// Gives everything back: the call was never charged.
    pub fn release(mut self) {
        self.close(Amount::default(), false);
    }

    fn close(&mut self, used: Amount, is_estimate: bool) {
        self.is_open = false;
        self.budget.run.settle(self.amount, used, is_estimate);
        self.budget.experiment.settle(self.amount, used, is_estimate);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.is_open {
            self.close(self.amount, true);
        }
    }
}

#[cfg(test)]
mod tests;

//! What one run may use of tokens, money and time: its own limits and those of the experiment, asked before each call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::run_end::EndReason;
use crate::llm::provider::budget::{
    Budget, Charge, Estimate, Exhausted, Ledger, NoRoom, Quantity, Reservation, Scope, Spent,
};
use crate::llm::provider::cost::Pricing;

/// A call that must not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitHit {
    /// How the run ends.
    pub reason: EndReason,
    /// Which limit, in a sentence.
    pub message: String,
}

/// Why a call is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// A limit is reached, and the run ends.
    Reached(LimitHit),
    /// What other calls may use leaves no room. Once one of them has ended, it may be asked again.
    ForNow,
}

/// The limits of a run.
#[derive(Debug)]
pub struct RunLimits {
    /// `None` where nothing is spent.
    spending: Option<Spending>,
    /// When the run must end, and how long that was.
    run_until: Option<(Instant, f64)>,
    /// When the experiment must.
    experiment_until: Option<(Instant, f64)>,
}

#[derive(Debug)]
struct Spending {
    budget: Budget,
    pricing: Pricing,
    /// Tokens that a reply may have.
    reply_tokens: u64,
    /// For the request under way.
    reserved: Option<Reservation>,
}

/// A point in time some seconds after another; `None` where there is no limit, or none that is ever reached.
#[must_use]
pub fn until(start: Instant, seconds: Option<f64>) -> Option<(Instant, f64)> {
    until_less(start, seconds, Duration::ZERO)
}

/// The same where some of the time is over already.
#[must_use]
pub fn until_less(start: Instant, seconds: Option<f64>, over: Duration) -> Option<(Instant, f64)> {
    let seconds = seconds?;
    let limit = Duration::try_from_secs_f64(seconds).ok()?;
    Some((start.checked_add(limit.saturating_sub(over))?, seconds))
}

impl RunLimits {
    /// The limits of a run whose replies have so many tokens at most.
    #[must_use]
    pub fn new(budget: Budget, pricing: Pricing, reply_tokens: u64) -> RunLimits {
        let spending = Spending { budget, pricing, reply_tokens, reserved: None };
        RunLimits { spending: Some(spending), ..RunLimits::free() }
    }

    /// The limits of a run that spends nothing: another program's recording answers.
    #[must_use]
    pub fn free() -> RunLimits {
        RunLimits { spending: None, run_until: None, experiment_until: None }
    }

    /// No limits at all: a run is made again, and nothing is asked of anybody.
    #[must_use]
    pub fn none(pricing: Pricing, reply_tokens: u64) -> RunLimits {
        let experiment = Arc::new(Ledger::new(Scope::Experiment, None, None));
        RunLimits::new(Budget::new(Ledger::new(Scope::Run, None, None), experiment), pricing, reply_tokens)
    }

    /// The same limits, and those of time: see [`until`].
    #[must_use]
    pub fn ending(self, run: Option<(Instant, f64)>, experiment: Option<(Instant, f64)>) -> RunLimits {
        RunLimits { run_until: run, experiment_until: experiment, ..self }
    }

    /// The limit of time that is reached, if one is.
    #[must_use]
    pub fn time_over(&self) -> Option<LimitHit> {
        let limits = [
            (self.run_until, EndReason::RunTimeLimit, "the run"),
            (self.experiment_until, EndReason::TimeLimit, "the experiment"),
        ];
        limits.into_iter().find_map(|(until, reason, whose)| {
            let (_, seconds) = until.filter(|(end, _)| Instant::now() >= *end)?;
            Some(LimitHit { reason, message: format!("the limit of time of {whose} ({seconds} s) is reached") })
        })
    }

    /// What a request of so many tokens is taken for; `None` where nothing is spent.
    #[must_use]
    pub fn estimate(&self, input_tokens: u64) -> Option<Estimate> {
        self.spending.as_ref().map(|spending| spending.estimate(input_tokens))
    }

    /// Reserves what a request can use at most, unless that is done already.
    ///
    /// # Errors
    /// When a limit does not allow it.
    pub fn reserve(&mut self, input_tokens: u64) -> Result<(), Denied> {
        if let Some(hit) = self.time_over() {
            return Err(Denied::Reached(hit));
        }
        let Some(spending) = self.spending.as_mut().filter(|spending| spending.reserved.is_none()) else {
            return Ok(());
        };
        let reserved = spending.budget.reserve(spending.estimate(input_tokens)).map_err(|no_room| match no_room {
            NoRoom::Taken => Denied::ForNow,
            NoRoom::Exhausted(exhausted) => {
                Denied::Reached(LimitHit { reason: reason_of(exhausted), message: exhausted.to_string() })
            }
        })?;
        spending.reserved = Some(reserved);
        Ok(())
    }

    /// Books a request of so many tokens. What was reserved for one that was not charged stays for the next attempt.
    pub fn settle(&mut self, charge: &Charge, input_tokens: u64) {
        let Some(spending) = self.spending.as_mut().filter(|_| *charge != Charge::Nothing) else { return };
        match spending.reserved.take() {
            Some(reserved) => reserved.settle(charge),
            // It was sent before anybody could say no.
            None => spending.budget.spend(&Spent::of(charge, &spending.estimate(input_tokens))),
        }
    }

    /// The call is over: what is still reserved for it was not used.
    pub fn release(&mut self) {
        if let Some(reserved) = self.spending.as_mut().and_then(|spending| spending.reserved.take()) {
            reserved.settle(&Charge::Nothing);
        }
    }

    /// Books a request that was played from a cassette, which says what it was taken for. The experiment's account has
    /// it already, since all cassettes are counted before the first run goes on.
    pub fn carry_over(&self, charge: &Charge, estimate: Option<Estimate>) {
        if let Some((spending, estimate)) = self.spending.as_ref().zip(estimate) {
            spending.budget.run().carry_over(&Spent::of(charge, &estimate));
        }
    }
}

impl Spending {
    fn estimate(&self, input_tokens: u64) -> Estimate {
        Estimate {
            tokens: input_tokens.saturating_add(self.reply_tokens),
            cost_usd: self.pricing.most(input_tokens, self.reply_tokens),
        }
    }
}

fn reason_of(Exhausted { scope, quantity }: Exhausted) -> EndReason {
    match (scope, quantity) {
        (Scope::Run, Quantity::Tokens) => EndReason::RunTokenLimit,
        (Scope::Run, Quantity::Cost) => EndReason::RunCostLimit,
        (Scope::Experiment, Quantity::Tokens) => EndReason::TokenLimit,
        (Scope::Experiment, Quantity::Cost) => EndReason::CostLimit,
    }
}

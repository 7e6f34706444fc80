//! What one run may use of tokens, money and time: its own limits and those of the experiment, asked before each call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::budget::{Budget, Exhausted, Ledger, Quantity, Reservation, Scope, Spent};
use super::cost::Pricing;
use super::reply::Usage;
use crate::step::end::EndReason;

/// A call that must not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitHit {
    /// How the run ends.
    pub reason: EndReason,
    /// Which limit, in a sentence.
    pub message: String,
}

/// The limits of a run.
#[derive(Debug)]
pub struct RunLimits {
    budget: Budget,
    pricing: Pricing,
    /// Tokens that a reply may have.
    reply_tokens: u64,
    /// When the run must end, and how long that was.
    run_until: Option<(Instant, f64)>,
    /// When the experiment must.
    experiment_until: Option<(Instant, f64)>,
    /// For the call under way.
    reserved: Option<Reservation>,
}

/// A point in time some seconds after another; `None` where there is no limit, or none that is ever reached.
#[must_use]
pub fn until(start: Instant, seconds: Option<f64>) -> Option<(Instant, f64)> {
    let seconds = seconds?;
    let end = Duration::try_from_secs_f64(seconds).ok().and_then(|limit| start.checked_add(limit))?;
    Some((end, seconds))
}

impl RunLimits {
    /// The limits of a run that begins.
    #[must_use]
    pub fn new(
        budget: Budget,
        pricing: Pricing,
        reply_tokens: u64,
        run_until: Option<(Instant, f64)>,
        experiment_until: Option<(Instant, f64)>,
    ) -> RunLimits {
        RunLimits { budget, pricing, reply_tokens, run_until, experiment_until, reserved: None }
    }

    /// No limits at all: nothing is asked of anybody.
    #[must_use]
    pub fn none(pricing: Pricing) -> RunLimits {
        let experiment = Arc::new(Ledger::new(Scope::Experiment, None, None));
        let budget = Budget::new(Ledger::new(Scope::Run, None, None), experiment);
        RunLimits::new(budget, pricing, 0, None, None)
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

    /// Reserves what a call can use at most.
    ///
    /// # Errors
    /// When a limit does not allow it.
    pub fn reserve(&mut self, input_tokens: u64) -> Result<(), LimitHit> {
        if let Some(hit) = self.time_over() {
            return Err(hit);
        }
        let tokens = input_tokens.saturating_add(self.reply_tokens);
        let reserved = self.budget.reserve(tokens, self.pricing.most(input_tokens, self.reply_tokens));
        self.reserved = Some(
            reserved.map_err(|exhausted| LimitHit { reason: reason_of(exhausted), message: exhausted.to_string() })?,
        );
        Ok(())
    }

    /// Books a call that was answered. One that was played from a cassette was not reserved; the experiment's account
    /// has it already, since all cassettes are counted before the first run goes on.
    pub fn settle(&mut self, usage: &Usage, cost: Option<f64>) {
        match self.reserved.take() {
            Some(reserved) => {
                reserved.settle(usage, cost);
            }
            None => {
                let spent = Spent::of(usage, cost);
                self.budget.run().carry_over(&spent);
            }
        }
    }

    /// The call was not answered. `charged` says whether the provider may have charged it all the same.
    pub fn fail(&mut self, charged: bool) {
        if let Some(reserved) = self.reserved.take()
            && !charged
        {
            reserved.release();
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

//! What the runs of a plan may use, what they have used, and at which prices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::settings::RunConfig;
use crate::llm::provider::attempt::Outcome;
use crate::llm::provider::backend::{Backend, Backends};
use crate::llm::provider::budget::{Budget, Charge, Ledger, Scope, Spent};
use crate::llm::provider::cassette::Player;
use crate::llm::provider::cost::Pricing;
use crate::llm::provider::dialect::Bill;
use crate::llm::provider::limits::{RunLimits, until_less};

impl Backends {
    /// The limits of a run that begins now, or goes on after its calls took so long.
    #[must_use]
    pub fn limits(&self, config: &RunConfig, pricing: Pricing, took: Duration) -> RunLimits {
        let limits = &config.limits;
        let of_run = match self.backend(config) {
            Backend::Server { .. } | Backend::Mock { .. } => {
                let run = Ledger::new(Scope::Run, limits.run_tokens, limits.run_cost);
                let budget = Budget::new(run, Arc::clone(&self.ledger));
                RunLimits::new(budget, pricing, u64::from(config.model.max_tokens_per_call))
            }
            Backend::Recording(_) => RunLimits::free(),
        };
        of_run.ending(until_less(Instant::now(), limits.run_time_s, took), self.until)
    }

    /// Counts what a run that goes on has spent already. What nobody told of a request counts as what it was taken for.
    pub fn count(&self, config: &RunConfig, player: &Player) {
        let dialect = match self.backend(config) {
            Backend::Server { provider, .. } | Backend::Mock { provider, .. } => provider.dialect(),
            Backend::Recording(_) => return,
        };
        for entry in player.entries() {
            let Some(estimate) = entry.estimate else { continue };
            let reply = entry.attempt.body.as_deref().filter(|_| entry.attempt.outcome == Outcome::Reply);
            let bill = match reply.and_then(|body| dialect.read(body).ok()) {
                Some(reply) => Some(Bill { usage: reply.usage, cost: reply.reported_cost }),
                None => dialect.bill_of(&entry.attempt),
            };
            let told = bill.map(|Bill { usage, cost }| {
                let cost = player.pricing().cost(&usage, cost);
                (usage, cost.map(|(cost, _)| cost))
            });
            self.ledger.carry_over(&Spent::of(&Charge::of(entry.attempt.outcome, told), &estimate));
        }
    }

    /// What all runs have spent so far.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.ledger.spent()
    }

    /// What the tokens of a run's model cost today.
    #[must_use]
    pub fn pricing(&self, config: &RunConfig) -> Pricing {
        match self.backend(config) {
            Backend::Server { pricing, .. } | Backend::Mock { pricing, .. } => *pricing,
            Backend::Recording(_) => Pricing::unknown(),
        }
    }
}

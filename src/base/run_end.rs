//! How a run ends: exactly one reason, in the order of the enum.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a run ended.
///
/// Its word says nothing of whose limit a limit was: read with nothing else, it is the experiment's. Summaries say both
/// ([`with_owner`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "Why a run ended.")]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// A defect of this program.
    HarnessError,
    /// The user stopped the batch.
    OperatorCancel,
    /// The provider of the language model failed for good; its last answer did not come in time.
    ProviderTimeout,
    /// The provider of the language model failed for good.
    ProviderError,
    /// The conversation no longer fits the model.
    ContextOverflow,
    /// The experiment may use no more tokens.
    #[schemars(description = "The experiment or the run (see `limit_scope`) may use no more tokens.")]
    TokenLimit,
    /// The experiment may cost no more.
    #[schemars(description = "The experiment or the run (see `limit_scope`) may cost no more.")]
    CostLimit,
    /// The experiment may take no longer.
    #[schemars(description = "The experiment or the run (see `limit_scope`) may take no longer.")]
    TimeLimit,
    /// The run may use no more tokens.
    #[serde(rename = "token_limit", skip_deserializing)]
    #[schemars(skip)]
    RunTokenLimit,
    /// The run may cost no more.
    #[serde(rename = "cost_limit", skip_deserializing)]
    #[schemars(skip)]
    RunCostLimit,
    /// The run may take no longer.
    #[serde(rename = "time_limit", skip_deserializing)]
    #[schemars(skip)]
    RunTimeLimit,
    /// The agent ended the run, or refuses for good.
    AgentStop,
    /// The posted budget fell below `simulation.bankrupt_below`.
    Bankrupt,
    /// Customers gave up on the warehouse.
    CustomerFailures,
    /// A hard crash, and `continue_after_crash` steps after it.
    Crash,
    /// The last step.
    Horizon,
}

/// To whom an end is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultOwner {
    /// This program.
    Harness,
    /// The user.
    Operator,
    /// The provider of the language model.
    Provider,
    /// The agent.
    Agent,
    /// Nobody.
    None,
}

impl FaultOwner {
    /// Its word in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            FaultOwner::Harness => "harness",
            FaultOwner::Operator => "operator",
            FaultOwner::Provider => "provider",
            FaultOwner::Agent => "agent",
            FaultOwner::None => "none",
        }
    }
}

/// Whose limit ended a run. A limit of the experiment has nothing to do with the agent; one of the run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitScope {
    /// Of all runs together.
    Experiment,
    /// Of the run alone.
    Run,
}

impl LimitScope {
    /// Its word in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            LimitScope::Experiment => "experiment",
            LimitScope::Run => "run",
        }
    }
}

impl EndReason {
    /// All reasons.
    pub const ALL: [EndReason; 16] = [
        EndReason::HarnessError,
        EndReason::OperatorCancel,
        EndReason::ProviderTimeout,
        EndReason::ProviderError,
        EndReason::ContextOverflow,
        EndReason::TokenLimit,
        EndReason::CostLimit,
        EndReason::TimeLimit,
        EndReason::RunTokenLimit,
        EndReason::RunCostLimit,
        EndReason::RunTimeLimit,
        EndReason::AgentStop,
        EndReason::Bankrupt,
        EndReason::CustomerFailures,
        EndReason::Crash,
        EndReason::Horizon,
    ];

    /// The reason that a record names, by its word and whose limit it was.
    #[must_use]
    pub fn recorded(word: &str, scope: Option<&str>) -> Option<EndReason> {
        EndReason::ALL
            .into_iter()
            .find(|reason| reason.word() == word && reason.limit_scope().map(LimitScope::word) == scope)
    }

    /// Whether a run that ended so is over for good. A provider's failure and a limit of the experiment have nothing
    /// to do with the run, which may go on from there.
    #[must_use]
    pub fn is_final(self) -> bool {
        let of_the_run = matches!(self.fault_owner(), FaultOwner::Agent | FaultOwner::None);
        of_the_run && self.limit_scope() != Some(LimitScope::Experiment)
    }

    /// Its word in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            EndReason::HarnessError => "harness_error",
            EndReason::OperatorCancel => "operator_cancel",
            EndReason::ProviderTimeout => "provider_timeout",
            EndReason::ProviderError => "provider_error",
            EndReason::ContextOverflow => "context_overflow",
            EndReason::TokenLimit | EndReason::RunTokenLimit => "token_limit",
            EndReason::CostLimit | EndReason::RunCostLimit => "cost_limit",
            EndReason::TimeLimit | EndReason::RunTimeLimit => "time_limit",
            EndReason::AgentStop => "agent_stop",
            EndReason::Bankrupt => "bankrupt",
            EndReason::CustomerFailures => "customer_failures",
            EndReason::Crash => "crash",
            EndReason::Horizon => "horizon",
        }
    }

    /// To whom the end is owed.
    #[must_use]
    pub fn fault_owner(self) -> FaultOwner {
        match self {
            EndReason::HarnessError => FaultOwner::Harness,
            EndReason::OperatorCancel => FaultOwner::Operator,
            EndReason::ProviderTimeout | EndReason::ProviderError => FaultOwner::Provider,
            EndReason::ContextOverflow
            | EndReason::AgentStop
            | EndReason::Bankrupt
            | EndReason::CustomerFailures
            | EndReason::Crash => FaultOwner::Agent,
            EndReason::TokenLimit
            | EndReason::CostLimit
            | EndReason::TimeLimit
            | EndReason::RunTokenLimit
            | EndReason::RunCostLimit
            | EndReason::RunTimeLimit
            | EndReason::Horizon => FaultOwner::None,
        }
    }

    /// Whose limit it was, for an end at a limit.
    #[must_use]
    pub fn limit_scope(self) -> Option<LimitScope> {
        match self {
            EndReason::TokenLimit | EndReason::CostLimit | EndReason::TimeLimit => Some(LimitScope::Experiment),
            EndReason::RunTokenLimit | EndReason::RunCostLimit | EndReason::RunTimeLimit => Some(LimitScope::Run),
            _ => None,
        }
    }
}

/// The end of a run as a summary states it: the reason, to whom it is owed, and whose limit it was.
///
/// For `#[serde(flatten, with = "with_owner")]` on a field that is an [`EndReason`].
pub mod with_owner {
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    use super::{Deserialize, EndReason, FaultOwner, JsonSchema, LimitScope, Serialize};

    /// The keys.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[schemars(inline)]
    pub(crate) struct End {
        /// Why it ended.
        end_reason: EndReason,
        /// To whom the end is owed.
        fault_owner: FaultOwner,
        /// Whose limit it was, for an end at a limit; null for all others.
        limit_scope: Option<LimitScope>,
    }

    pub(crate) fn serialize<S: Serializer>(reason: &EndReason, serializer: S) -> Result<S::Ok, S::Error> {
        let (fault_owner, limit_scope) = (reason.fault_owner(), reason.limit_scope());
        End { end_reason: *reason, fault_owner, limit_scope }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EndReason, D::Error> {
        let End { end_reason, limit_scope, .. } = End::deserialize(deserializer)?;
        let scope = limit_scope.map(LimitScope::word);
        EndReason::recorded(end_reason.word(), scope).ok_or_else(|| {
            let word = end_reason.word();
            D::Error::custom(format!("an end {word} has no limit_scope {}", scope.unwrap_or("null")))
        })
    }
}

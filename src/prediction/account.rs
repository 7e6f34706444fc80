//! The account of predictions: each ends in exactly one way, and the counts add up.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error_type::{ByType, ErrorType};
use crate::base::schema::by_word;

/// Why a prediction came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// The tool decides nothing of this type.
    NotBoundByTool,
    /// The action failed, so there is nothing to compare with.
    ActionFailed,
    /// The card speaks of another tool than the one that was called.
    OtherTool,
    /// There was no action.
    NoAction,
    /// The order was cancelled.
    OrderCancelled,
    /// An expedite made the promised day obsolete.
    Expedited,
    /// The agent reset its beliefs.
    BeliefsReset,
}

/// How the predictions of one type ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TypeAccount {
    /// Predictions stated: resolved + voided + open.
    pub made: u64,
    /// Compared with the outcome.
    pub resolved: u64,
    /// Those of the resolved whose error is 0.
    pub exact: u64,
    /// Came to nothing.
    pub voided: u64,
    /// Undecided at the end of the run.
    pub open: u64,
    /// Those of the resolved that the agent's inputs told of.
    pub revealed: u64,
    /// Those of the resolved that were not told within the reveal horizon.
    pub never_revealed: u64,
    /// The voided ones by reason.
    #[schemars(schema_with = "by_word::<VoidReason, u64>")]
    pub void_reasons: BTreeMap<VoidReason, u64>,
    /// Actions that could have bound a prediction of this type.
    #[serde(skip)]
    pub bindable: u64,
    /// Those of them that did.
    #[serde(skip)]
    pub bound: u64,
}

impl TypeAccount {
    /// Share of the actions that could bind a prediction of this type which had one; `None` without such actions.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        (self.bindable > 0).then(|| self.bound as f64 / self.bindable as f64)
    }
}

/// The account of all types.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Account {
    types: ByType<TypeAccount>,
}

impl Account {
    /// The account by type.
    #[must_use]
    pub fn by_type(&self) -> &ByType<TypeAccount> {
        &self.types
    }

    /// The account over all types.
    #[must_use]
    pub fn total(&self) -> TypeAccount {
        let mut total = TypeAccount::default();
        for kind in ErrorType::ALL {
            let account = self.types.get(kind);
            total.made += account.made;
            total.resolved += account.resolved;
            total.exact += account.exact;
            total.voided += account.voided;
            total.open += account.open;
            total.revealed += account.revealed;
            total.never_revealed += account.never_revealed;
            total.bindable += account.bindable;
            total.bound += account.bound;
            for (reason, count) in &account.void_reasons {
                *total.void_reasons.entry(*reason).or_default() += count;
            }
        }
        total
    }

    /// A prediction was stated; it is open until resolved or voided.
    pub(crate) fn make(&mut self, kind: ErrorType) {
        let account = self.types.get_mut(kind);
        account.made += 1;
        account.open += 1;
    }

    pub(crate) fn resolve(&mut self, kind: ErrorType, error: f64) {
        let account = self.types.get_mut(kind);
        account.open -= 1;
        account.resolved += 1;
        account.exact += u64::from(error == 0.0);
    }

    pub(crate) fn void(&mut self, kind: ErrorType, reason: VoidReason) {
        let account = self.types.get_mut(kind);
        account.open -= 1;
        account.voided += 1;
        *account.void_reasons.entry(reason).or_default() += 1;
    }

    pub(crate) fn reveal(&mut self, kind: ErrorType) {
        self.types.get_mut(kind).revealed += 1;
    }

    pub(crate) fn never_reveal(&mut self, kind: ErrorType) {
        self.types.get_mut(kind).never_revealed += 1;
    }

    /// An action could bind a prediction of this type, and did or not.
    pub(crate) fn bindable(&mut self, kind: ErrorType, bound: bool) {
        let account = self.types.get_mut(kind);
        account.bindable += 1;
        account.bound += u64::from(bound);
    }
}

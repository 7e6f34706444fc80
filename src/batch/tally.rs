//! What is counted over all runs of a batch. Runs are counted in the order of the plan, so sums do not depend on
//! which worker was faster.

use std::collections::BTreeMap;
use std::fmt;

use super::play::Report;
use crate::base::error_type::{ByType, ErrorType};
use crate::base::run_end::EndReason;
use crate::record::manifest::Counts;

/// Most run ids that are kept to be named.
const NAMED: usize = 5;

/// A mean over those runs that have a value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    sum: f64,
    runs: u64,
}

impl Mean {
    /// The mean; `None` where no run has a value.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.runs > 0).then(|| self.sum / self.runs as f64)
    }

    /// How many runs have one.
    #[must_use]
    pub fn runs(self) -> u64 {
        self.runs
    }
}

/// A run that a defect broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRun {
    /// Which run.
    pub run_id: String,
    /// What went wrong, in one line.
    pub error: String,
}

impl fmt::Display for FailedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.run_id, self.error)
    }
}

/// Counts over the runs of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    steps: u64,
    end_reasons: BTreeMap<EndReason, u64>,
    /// The first run that ended so from outside, and why.
    ended_by: BTreeMap<EndReason, (String, String)>,
    crash_types: BTreeMap<Option<String>, u64>,
    mean_pe: ByType<Mean>,
    without_predictions: u64,
    without_predictions_named: Vec<String>,
    defects: Vec<FailedRun>,
}

impl Tally {
    pub(super) fn add(&mut self, report: &Report) {
        self.steps += u64::from(report.steps);
        *self.end_reasons.entry(report.end_reason).or_default() += 1;
        if let Some(why) = &report.why {
            let first = || (report.run_id.clone(), why.clone());
            self.ended_by.entry(report.end_reason).or_insert_with(first);
        }
        if let Some(defect) = &report.defect {
            if self.defects.len() < NAMED {
                self.defects.push(FailedRun { run_id: report.run_id.clone(), error: defect.to_string() });
            }
            return;
        }
        *self.crash_types.entry(report.crash_type.clone()).or_default() += 1;
        for kind in ErrorType::ALL {
            if let Some(score) = report.mean_pe.get(kind) {
                let mean = self.mean_pe.get_mut(kind);
                mean.sum += score.0;
                mean.runs += 1;
            }
        }
        if report.lacks_predictions {
            self.without_predictions += 1;
            if self.without_predictions_named.len() < NAMED {
                self.without_predictions_named.push(report.run_id.clone());
            }
        }
    }

    /// Runs with a complete folder.
    #[must_use]
    pub fn complete(&self) -> usize {
        self.end_reasons.values().sum::<u64>() as usize - self.failed()
    }

    /// Runs that a defect broke off.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.end_reasons.get(&EndReason::HarnessError).copied().unwrap_or(0) as usize
    }

    /// Steps of all runs.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Why runs ended that neither their rules nor their agents ended, for each end the first run and what happened. Of
    /// runs that ended in this batch.
    #[must_use]
    pub fn ended_by(&self) -> &BTreeMap<EndReason, (String, String)> {
        &self.ended_by
    }

    /// Runs by end reason.
    #[must_use]
    pub fn end_reasons(&self) -> &BTreeMap<EndReason, u64> {
        &self.end_reasons
    }

    /// Runs by type of the first crash; `None` are those without one. Runs that a defect broke off are neither.
    #[must_use]
    pub fn crash_types(&self) -> &BTreeMap<Option<String>, u64> {
        &self.crash_types
    }

    /// Mean over runs of the mean prediction error of a run.
    #[must_use]
    pub fn mean_pe(&self) -> &ByType<Mean> {
        &self.mean_pe
    }

    /// Runs of which predictions were demanded and that made none, though some of their actions could have had
    /// one: how many, and the first of them.
    #[must_use]
    pub fn without_predictions(&self) -> (u64, &[String]) {
        (self.without_predictions, &self.without_predictions_named)
    }

    /// The first runs that a defect broke off.
    #[must_use]
    pub fn defects(&self) -> &[FailedRun] {
        &self.defects
    }

    pub(super) fn counts(&self, planned: usize) -> Counts {
        let mut by_end_reason = BTreeMap::new();
        for (reason, runs) in &self.end_reasons {
            *by_end_reason.entry(reason.word().to_owned()).or_default() += runs;
        }
        Counts { planned, complete: self.complete(), failed: self.failed(), by_end_reason }
    }
}

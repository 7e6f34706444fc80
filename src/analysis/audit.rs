//! What a referee would ask of a folder of runs, before believing any figure made from it.
//!
//! Called by the verb `audit`. Reads logs line by line and keeps a few counts a run. Says what stands in the records
//! and draws no conclusion; missing is null, never 0.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::account::RunAccount;
use super::sum::Gathered;
use crate::base::error_type::ByType;
use crate::record::folder::{ReadError, find_runs};

/// The answers, in the order of the JSON keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Audit {
    /// Run folders.
    pub runs: u64,
    /// Of them, those with at least one step record.
    pub runs_with_steps: u64,
    /// Step records.
    pub step_records: u64,
    /// Step records with any prediction error above 0.
    pub pe_nonzero_records: u64,
    /// Different values of `seed` in the summaries.
    pub seeds: u64,
    /// Runs with at least one record whose step is not greater than that of the record before.
    pub runs_out_of_order: u64,
    /// Such records.
    pub steps_out_of_order: u64,
    /// Records in which the tool that ran was asked for by whoever acts.
    pub actions_as_asked: u64,
    /// Replies that ask for no action; null where no run has replies.
    pub replies_without_action: Option<u64>,
    /// Replies that ask for something that is no available tool; null where no run has replies.
    pub replies_with_unknown_tool: Option<u64>,
    /// Replies that ask for an available tool while another one ran; null where no run has replies.
    pub replies_replaced: Option<u64>,
    /// Most runs that have step for step the same actions; null without step records.
    pub largest_group_of_identical_action_traces: Option<u64>,
    /// Share of the step records whose action was asked for; null without step records.
    pub share_of_actions_as_asked: Option<f64>,
    /// Groups of two or more runs with the same actions, and the runs in them.
    pub identical_action_traces: Groups,
    /// Most runs that share one seed; null where no summary states one.
    pub largest_group_of_equal_seeds: Option<u64>,
    /// Run ids that more than one folder claims, and those folders.
    pub duplicate_run_ids: Groups,
    /// Runs whose folder is named after another id.
    pub run_ids_unlike_folder: u64,
    /// Runs of this program, and of the original.
    pub origins: Origins,
    /// Runs that came here by an import.
    pub imported_runs: u64,
    /// Runs that were begun and not finished.
    pub unfinished_runs: u64,
    /// Runs that a defect of this program broke off.
    pub failed_runs: u64,
    /// Runs without a summary.
    pub runs_without_summary: u64,
    /// Runs whose summary says that their model could not be loaded.
    pub runs_with_model_load_failed: u64,
    /// Runs whose log has fewer records than their summary has steps.
    pub runs_with_fewer_records_than_steps: u64,
    /// Runs whose log has more.
    pub runs_with_more_records_than_steps: u64,
    /// Runs in whose log step numbers are left out.
    pub runs_with_gaps: u64,
    /// Logs whose last line breaks off.
    pub clipped_logs: u64,
    /// Lines that are no step records.
    pub malformed_lines: u64,
    /// Records that are JSON only as Python writes it.
    pub records_not_strict_json: u64,
    /// Runs by agent; `unknown` where nothing names it.
    pub agents: BTreeMap<String, u64>,
    /// Runs by end reason; `unknown` where none is stated.
    pub end_reasons: BTreeMap<String, u64>,
    /// Runs by crash type as the summaries state it; `none` without a crash, `unknown` without a summary.
    pub crash_types: BTreeMap<String, u64>,
    /// Runs whose log records a crash.
    pub detections: u64,
    /// Of them, those that record it first at the first step at which a detector can fire.
    pub detections_at_first_possible_step: u64,
    /// Runs that are called looping.
    pub looping: Looping,
    /// Step records by the source of their action.
    pub action_sources: BTreeMap<String, u64>,
    /// Step records by tool.
    pub tools: BTreeMap<String, u64>,
    /// Step records with a prediction card.
    pub cards: u64,
    /// How predictions ended.
    pub predictions: Predictions,
    /// Share of the actions that could bind a prediction which had one: mean over the runs that know it; null where
    /// none does.
    pub coverage: ByType<Option<f64>>,
    /// Step records that state a prediction error, by type.
    pub pe_stated_by_type: ByType<u64>,
    /// Of them, those above 0.
    pub pe_nonzero_by_type: ByType<u64>,
    /// Lines that could not be read, the first of them one by one.
    pub problems: Vec<Problem>,
}

/// Groups of runs that are equal in something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Groups {
    /// Groups of at least two runs.
    pub groups: u64,
    /// Runs in them.
    pub runs: u64,
}

/// Whose records they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origins {
    /// This program's.
    pub vendomini: u64,
    /// The Python original's.
    #[serde(rename = "vendomini-v1")]
    pub v1: u64,
}

/// Runs that are called looping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Looping {
    /// How many.
    pub runs: u64,
    /// Of them, those of the original in which its harness's fallback tool is over half of the actions.
    pub mostly_fallback_tool: u64,
    /// Of them, those in which over half of the actions were not asked for.
    pub mostly_not_asked_for: u64,
}

/// How predictions ended. The original's logs do not say that any was ever compared with an outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Predictions {
    /// Stated. Of the original's: that the action will succeed or not, by a reply that was carried out.
    pub made: Option<u64>,
    /// Compared with the outcome.
    pub resolved: Option<u64>,
    /// Of them, those with error 0.
    pub exact: Option<u64>,
    /// Came to nothing.
    pub voided: Option<u64>,
    /// Undecided at the end.
    pub open: Option<u64>,
    /// Stated, by type.
    pub made_by_type: ByType<Option<u64>>,
    /// Compared with the outcome, by type.
    pub resolved_by_type: ByType<Option<u64>>,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Name of the run's folder.
    pub run: String,
    /// The file in it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub what: String,
}

/// Audits the runs below a folder.
///
/// # Errors
/// When there is no run, or a file of a run cannot be read.
pub fn audit(folder: &Path) -> Result<Audit, ReadError> {
    let found = find_runs(folder)?;
    let mut audit = Audit {
        runs: found.runs.len() as u64,
        unfinished_runs: found.unfinished.len() as u64,
        failed_runs: found.failed.len() as u64,
        ..Audit::default()
    };
    let mut gathered = Gathered::default();
    for folder in &found.runs {
        let run = RunAccount::of(folder)?;
        audit.add_log(&run);
        audit.add_summary(&run);
        audit.add_predictions(&run);
        gathered.add(run);
    }
    audit.conclude(gathered);
    Ok(audit)
}

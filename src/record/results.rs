//! `results.csv`: one row a run, its configuration and its summary side by side.
//!
//! Pure: makes the header and the cells; the batch writes them. The columns are the same for every run of every
//! experiment of a version, so that tables of several experiments can be put under one another. What is missing
//! is an empty cell, never a zero, and no cell depends on the clock or on how many threads there were.

use serde_json::{Value, json};

use super::summary::Summary;
use crate::config::RunConfig;
use crate::plan::PlannedRun;
use crate::step::end::EndReason;
use crate::units::Step;

/// Columns that say which run it is, before the configuration.
const RUN: [&str; 4] = ["run_id", "combination", "replication", "seed"];

/// Columns after the configuration: paths into `summary.json`, and what only the table has (`survival`, `error`).
const OUTCOME: &[&str] = &[
    "end_reason",
    "fault_owner",
    "survival",
    "error",
    "total_steps",
    "crashed",
    "crash_type",
    "crash_types",
    "time_to_crash",
    "onset_step",
    "severity",
    "severity_reason",
    "recovered_step",
    "recrash_step",
    "initial_budget",
    "final_budget",
    "revenue",
    "charges",
    "fees",
    "total_orders_requested",
    "fulfilled_orders",
    "customer_orders_requested",
    "customer_orders_shipped",
    "customer_orders_failed",
    "mean_pe.temporal",
    "mean_pe.quantity",
    "mean_pe.cost",
    "mean_pe.causal",
    "cumulative_pe.temporal.fast",
    "cumulative_pe.temporal.med",
    "cumulative_pe.temporal.slow",
    "cumulative_pe.temporal.sum",
    "cumulative_pe.temporal.count",
    "cumulative_pe.quantity.fast",
    "cumulative_pe.quantity.med",
    "cumulative_pe.quantity.slow",
    "cumulative_pe.quantity.sum",
    "cumulative_pe.quantity.count",
    "cumulative_pe.cost.fast",
    "cumulative_pe.cost.med",
    "cumulative_pe.cost.slow",
    "cumulative_pe.cost.sum",
    "cumulative_pe.cost.count",
    "cumulative_pe.causal.fast",
    "cumulative_pe.causal.med",
    "cumulative_pe.causal.slow",
    "cumulative_pe.causal.sum",
    "cumulative_pe.causal.count",
    "predictions.made",
    "predictions.resolved",
    "predictions.exact",
    "predictions.voided",
    "predictions.open",
    "coverage.temporal",
    "coverage.quantity",
    "coverage.cost",
    "coverage.causal",
    "no_coverage",
    "shocks.drawn",
    "shocks.effective",
    "shocks.fizzled",
    "scratchpad_final_size",
    "final_state_hash",
];

/// How a run ended, for the table.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// By the rules.
    Finished(&'a Summary),
    /// In a defect of this program.
    Failed {
        /// Steps that were finished before it.
        steps: Step,
        /// What went wrong, in one line.
        error: &'a str,
    },
}

/// What a run is to a survival analysis of crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// It crashed, at `time_to_crash`, whatever ended it later.
    Event,
    /// It ended in a way that rules a crash out and depends on the agent.
    Competing,
    /// It was not seen to crash.
    Censored,
}

impl Survival {
    /// The code of a run.
    #[must_use]
    pub fn of(end_reason: EndReason, crashed: bool) -> Survival {
        match end_reason {
            _ if crashed => Survival::Event,
            EndReason::Bankrupt | EndReason::CustomerFailures => Survival::Competing,
            EndReason::Crash | EndReason::Horizon | EndReason::HarnessError | EndReason::OperatorCancel => {
                Survival::Censored
            }
        }
    }

    /// Its word in the table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Survival::Event => "event",
            Survival::Competing => "competing",
            Survival::Censored => "censored",
        }
    }
}

/// The names of the columns. Every run has the same configuration keys, so any run's configuration does.
#[must_use]
pub fn header(config: &RunConfig) -> Vec<String> {
    let configuration = leaves(config).into_iter().map(|(path, _)| format!("config.{path}"));
    let fixed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    fixed(&RUN).into_iter().chain(configuration).chain(fixed(OUTCOME)).collect()
}

/// The cells of a run, in the order of [`header`].
///
/// # Panics
/// Never: summaries and configurations have a JSON form.
#[must_use]
pub fn row(run: &PlannedRun, outcome: Outcome<'_>) -> Vec<String> {
    let record = match outcome {
        Outcome::Finished(summary) => {
            let mut record = serde_json::to_value(summary).expect("a summary has a JSON form");
            record["survival"] = Survival::of(summary.end_reason, summary.primary_crash_type.is_some()).word().into();
            record
        }
        Outcome::Failed { steps, error } => json!({
            "end_reason": EndReason::HarnessError,
            "fault_owner": EndReason::HarnessError.fault_owner(),
            "survival": Survival::of(EndReason::HarnessError, false).word(),
            "error": error,
            "total_steps": steps,
        }),
    };
    let mut cells = vec![
        run.run_id.clone(),
        run.combination.to_string(),
        run.replication.to_string(),
        run.config.experiment.draw_key.short().to_string(),
    ];
    cells.extend(leaves(&run.config).into_iter().map(|(_, value)| match value {
        Value::Array(_) => value.to_string(),
        value => cell(&value),
    }));
    cells.extend(OUTCOME.iter().map(|path| at(&record, path).map_or(String::new(), cell)));
    cells
}

/// Every setting and its value, sorted by path.
fn leaves(config: &RunConfig) -> Vec<(String, Value)> {
    fn collect(path: &str, value: Value, leaves: &mut Vec<(String, Value)>) {
        let Value::Object(keys) = value else { return leaves.push((path.to_owned(), value)) };
        for (key, value) in keys {
            let path = if path.is_empty() { key } else { format!("{path}.{key}") };
            collect(&path, value, leaves);
        }
    }
    let mut leaves = Vec::new();
    collect("", serde_json::to_value(config).expect("a configuration has a JSON form"), &mut leaves);
    // A JSON object keeps the order of insertion or sorts, depending on a feature that any dependency can switch.
    leaves.sort_by(|(one, _), (other, _)| one.cmp(other));
    leaves
}

fn at<'a>(record: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(record, |value, key| value.get(key))
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(";"),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_an_event_however_the_run_ended() {
        use EndReason::{Bankrupt, Crash, HarnessError, Horizon};
        for reason in [Crash, Horizon, Bankrupt] {
            assert_eq!(Survival::of(reason, true), Survival::Event);
        }
        assert_eq!(Survival::of(Bankrupt, false), Survival::Competing);
        assert_eq!(Survival::of(Horizon, false), Survival::Censored);
        assert_eq!(Survival::of(HarnessError, false), Survival::Censored);
    }

    #[test]
    fn missing_is_an_empty_cell_and_zero_is_not() {
        let record = json!({"a": null, "b": {"c": 0.0}, "d": ["x", "y"], "e": []});
        let text = |path| at(&record, path).map_or(String::new(), cell);
        assert_eq!(
            [text("a"), text("a.b"), text("b.c"), text("b.x"), text("d"), text("e")],
            ["", "", "0.0", "", "x;y", ""]
        );
    }
}

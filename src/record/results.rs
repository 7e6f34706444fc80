//! `results.csv`: one row a run, its configuration and its summary side by side.
//!
//! Pure: makes the header and the cells; the batch writes them. The columns are the same for every run of every
//! experiment of a version, so that tables of several experiments can be put under one another; shock families of
//! plugins have theirs at the end. What is missing is an empty cell, never a zero, and no cell depends on the clock or
//! on how many threads there were.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::base::decision::ActionSource;
use crate::base::error_type::ErrorType;
use crate::base::run_end::EndReason;
use crate::base::units::Step;
use crate::config::{RunConfig, schema};
use crate::plan::PlannedRun;
use crate::shock::family;

/// Columns that say which run it is, before the configuration.
const RUN: [&str; 4] = ["run_id", "combination", "replication", "seed"];

/// Columns after the configuration: paths into `summary.json`, and what only the table has (`survival`, `error`). A
/// part in angle brackets stands for each of its values. `windows_at_end.<type>.mean` has one value a window, in the
/// order of `config.measurement.pe_windows`.
const OUTCOME: &[&str] = &[
    "end_reason",
    "fault_owner",
    "limit_scope",
    "survival",
    "error",
    "total_steps",
    "crashed",
    "crash_type",
    "crash_types",
    "time_to_crash",
    "onset_step",
    "primary_crash_type",
    "primary_time_to_crash",
    "primary_onset_step",
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
    "mean_pe.<type>",
    "cumulative_pe.<type>.<scale>",
    "cumulative_pe_revealed.<type>.<scale>",
    "pe_reference.<type>",
    "calibration.n",
    "calibration.brier",
    "calibration.ece",
    "predictions.<count>",
    "predictions.by_type.<type>.<count>",
    "coverage.<type>",
    "no_coverage",
    "windows_at_end.<type>.mean",
    "shocks.drawn",
    "shocks.effective",
    "shocks.fizzled",
    "shocks.armed",
    "shocks.revealed",
    "shocks.by_family.<family>.<dose>",
    "action_sources.<source>",
    "tokens",
    "cost",
    "model.calls",
    "model.attempts",
    "model.unreadable",
    "scratchpad_final_size",
    "initial_state_hash",
    "final_state_hash",
];

const SCALES: [&str; 5] = ["fast", "med", "slow", "sum", "count"];
const COUNTS: [&str; 7] = ["made", "resolved", "exact", "voided", "open", "revealed", "never_revealed"];
const DOSES: [&str; 6] = ["effective", "fizzled", "armed", "size", "revealed", "predictions_turned_wrong"];

/// [`OUTCOME`] written out.
static OUTCOMES: LazyLock<Vec<String>> = LazyLock::new(|| OUTCOME.iter().flat_map(|path| written_out(path)).collect());

fn written_out(path: &str) -> Vec<String> {
    let (Some(open), Some(close)) = (path.find('<'), path.find('>')) else { return vec![path.to_owned()] };
    let values: Vec<&str> = match &path[open + 1..close] {
        "type" => ErrorType::ALL.map(ErrorType::word).into(),
        "scale" => SCALES.into(),
        "count" => COUNTS.into(),
        "family" => family::ALL.into(),
        "dose" => DOSES.into(),
        "source" => ActionSource::ALL.map(ActionSource::word).into(),
        other => unreachable!("<{other}> stands for nothing"),
    };
    values.iter().flat_map(|value| written_out(&format!("{}{value}{}", &path[..open], &path[close + 1..]))).collect()
}

/// How a run ended, for the table.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// By the rules: its `summary.json`.
    Finished(&'a Value),
    /// In a defect of this program.
    Failed {
        /// Steps that were finished before it.
        steps: Step,
        /// What went wrong, in one line.
        error: &'a str,
    },
}

/// What a run is to a survival analysis of the primary event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// It had its primary crash, at `primary_time_to_crash`, whatever ended it later.
    Event,
    /// It ended, at `total_steps`, before one, in a way that depends on the agent: also by a crash of another type.
    Competing,
    /// It was not seen to have one until `total_steps`.
    Censored,
}

impl Survival {
    /// The code of a run with or without a primary crash.
    #[must_use]
    pub fn of(end_reason: EndReason, has_primary_crash: bool) -> Survival {
        match end_reason {
            _ if has_primary_crash => Survival::Event,
            EndReason::ContextOverflow
            | EndReason::RunTokenLimit
            | EndReason::RunCostLimit
            | EndReason::RunTimeLimit
            | EndReason::AgentStop
            | EndReason::Bankrupt
            | EndReason::CustomerFailures
            | EndReason::Crash => Survival::Competing,
            EndReason::Horizon
            | EndReason::HarnessError
            | EndReason::OperatorCancel
            | EndReason::ProviderTimeout
            | EndReason::ProviderError
            | EndReason::TokenLimit
            | EndReason::CostLimit
            | EndReason::TimeLimit => Survival::Censored,
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

/// Columns of the shock families of plugins, of which `families` lists all.
fn of_plugins(families: &[String]) -> impl Iterator<Item = String> + '_ {
    let others = families.iter().filter(|family| !family::ALL.contains(&family.as_str()));
    others.flat_map(|family| DOSES.map(|dose| format!("shocks.by_family.{family}.{dose}")))
}

/// The names of the columns. Every run has the same configuration keys, so any run's configuration does. `families` are
/// the registered shock families.
#[must_use]
pub fn header(config: &RunConfig, families: &[String]) -> Vec<String> {
    let configuration = leaves(config).into_iter().map(|(path, _)| format!("config.{path}"));
    let fixed = RUN.iter().map(|name| (*name).to_owned()).chain(configuration).chain(OUTCOMES.iter().cloned());
    fixed.chain(of_plugins(families)).collect()
}

/// The cells of a run, in the order of [`header`].
///
/// # Panics
/// Never: summaries and configurations have a JSON form.
#[must_use]
pub fn row(run: &PlannedRun, outcome: Outcome<'_>, families: &[String]) -> Vec<String> {
    let record = match outcome {
        Outcome::Finished(summary) => finished(summary, families),
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
        Value::Array(_) | Value::Object(_) => value.to_string(),
        value => cell(&value),
    }));
    let text = |path: &str| at(&record, path).map_or(String::new(), cell);
    cells.extend(OUTCOMES.iter().map(|path| text(path)));
    cells.extend(of_plugins(families).map(|path| text(&path)));
    cells
}

/// A summary as the table has it.
fn finished(summary: &Value, families: &[String]) -> Value {
    let mut record = summary.clone();
    let text = |key: &str| summary.get(key).and_then(Value::as_str);
    if let Some(reason) = text("end_reason").and_then(|word| EndReason::recorded(word, text("limit_scope"))) {
        record["survival"] = Survival::of(reason, text("primary_crash_type").is_some()).word().into();
    }
    for kind in ErrorType::ALL {
        let windows = record["windows_at_end"][kind.word()].take();
        let means: Vec<&Value> = windows.as_array().into_iter().flatten().map(|window| &window["mean"]).collect();
        record["windows_at_end"][kind.word()] = json!({ "mean": means });
    }
    // What a summary does not list has not happened, which is a zero and not missing.
    for source in ActionSource::ALL {
        zero_if_unlisted(&mut record["action_sources"][source.word()]);
    }
    let families = family::ALL.into_iter().chain(families.iter().map(String::as_str));
    for (family, dose) in families.flat_map(|family| DOSES.map(|dose| (family, dose))) {
        zero_if_unlisted(&mut record["shocks"]["by_family"][family][dose]);
    }
    record
}

fn zero_if_unlisted(count: &mut Value) {
    if count.is_null() {
        *count = 0.into();
    }
}

/// Every setting and its value, sorted by path. Without the section `providers`, which not every run has and which
/// has no fixed keys; it stands in `config_used.yaml`.
fn leaves(config: &RunConfig) -> Vec<(String, Value)> {
    fn collect(path: &str, value: Value, leaves: &mut Vec<(String, Value)>) {
        let keys = match value {
            // The value of a setting can be an object itself.
            Value::Object(keys) if schema::find(path).is_none() => keys,
            value => return leaves.push((path.to_owned(), value)),
        };
        for (key, value) in keys {
            let path = if path.is_empty() { key } else { format!("{path}.{key}") };
            collect(&path, value, leaves);
        }
    }
    let mut leaves = Vec::new();
    let mut config = serde_json::to_value(config).expect("a configuration has a JSON form");
    config.as_object_mut().expect("a configuration is an object").remove("providers");
    collect("", config, &mut leaves);
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
        Value::Array(items) if items.iter().all(Value::is_null) => String::new(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(";"),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_crash_is_an_event_however_the_run_ended() {
        use EndReason::{Bankrupt, Crash, CustomerFailures, HarnessError, Horizon};
        for reason in [Crash, Horizon, Bankrupt] {
            assert_eq!(Survival::of(reason, true), Survival::Event);
        }
        for reason in [Bankrupt, CustomerFailures, Crash] {
            assert_eq!(Survival::of(reason, false), Survival::Competing, "{reason:?}");
        }
        assert_eq!(Survival::of(Horizon, false), Survival::Censored);
        assert_eq!(Survival::of(HarnessError, false), Survival::Censored);
    }

    #[test]
    fn missing_is_an_empty_cell_and_zero_is_not() {
        let record = json!({"a": null, "b": {"c": 0.0}, "d": ["x", "y"], "e": [], "f": [null, 0.5], "g": [null]});
        let text = |path| at(&record, path).map_or(String::new(), cell);
        assert_eq!(
            ["a", "a.b", "b.c", "b.x", "d", "e", "f", "g"].map(text),
            ["", "", "0.0", "", "x;y", "", ";0.5", ""]
        );
    }

    #[test]
    fn columns_are_written_out_once_and_in_order() {
        assert_eq!(
            written_out("mean_pe.<type>"),
            ["mean_pe.temporal", "mean_pe.quantity", "mean_pe.cost", "mean_pe.causal"]
        );
        let doses = written_out("shocks.by_family.<family>.<dose>");
        assert_eq!((doses.len(), doses[6].as_str()), (30, "shocks.by_family.quantity.effective"));
        let mut columns = OUTCOMES.clone();
        assert!(columns.iter().all(|column| !column.contains(['<', '>'])), "{columns:?}");
        columns.sort();
        columns.dedup();
        assert_eq!(columns.len(), OUTCOMES.len());
    }

    #[test]
    fn sources_have_the_words_of_records() {
        for source in ActionSource::ALL {
            assert_eq!(json!(source), source.word());
        }
    }
}

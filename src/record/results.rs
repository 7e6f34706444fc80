//! `results.csv`: one row a run, its configuration and its summary side by side.
//!
//! Pure but for [`read`]: makes the header and the cells, which the batch writes. A [`Row`] knows its columns once, in
//! `Row::walk`: by it, the header is listed, a row is written, and a row is read. The columns are the same for every
//! run of every experiment of a version, so that tables of several experiments can be put under one another; shock
//! families of plugins have theirs at the end. What is missing is an empty cell, never a zero, and no cell depends on
//! the clock or on how many threads there were.

mod cell;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use super::folder::{Head, MANIFEST, ReadError};
use super::summary::Summary;
use crate::base::decision::ActionSource;
use crate::base::error_type::{ByType, ErrorType};
use crate::base::run_end::EndReason;
use crate::base::units::{Cents, Step};
use crate::config::{RunConfig, schema};
use crate::crash::severity::Severity;
use crate::plan::PlannedRun;
use crate::prediction::account::TypeAccount;
use crate::prediction::accumulate::{Accumulator, Score};
use crate::prediction::calibration::CalibrationSummary;
use crate::shock::family;
use crate::shock::ledger::FamilyDose;

use cell::{Blank, Cell, Columns, Names, Reader, Texts};

/// The file's name.
pub const NAME: &str = "results.csv";

/// Before the path of each setting.
const CONFIG: &str = "config.";

/// A run in the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// `<experiment>_c<combination>_r<replication>`.
    pub run_id: String,
    /// Position of its cell in the grid.
    pub combination: usize,
    /// Which repetition of its cell, from 0.
    pub replication: u32,
    /// The run's draws as a number; runs that share it share their draws.
    pub seed: u64,
    /// Its settings by canonical path, as cells. Without the section `providers`, which not every run has and which has
    /// no fixed keys; it stands in `config_used.yaml`.
    pub config: BTreeMap<String, String>,
    /// Why it ended; with whose limit it was.
    pub end_reason: Ended,
    /// What it is to a survival analysis of the primary event.
    pub survival: Survival,
    /// What went wrong, in one line, for a run that a defect broke off.
    pub error: Option<String>,
    /// Its steps.
    pub total_steps: Step,
    /// What it came to; `None` for a run that a defect broke off.
    pub outcome: Option<Box<Outcome>>,
}

/// What a finished run came to: see the fields of [`Summary`].
#[expect(missing_docs, reason = "they are the fields of a summary")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub crashed: bool,
    pub crash_type: Option<String>,
    pub crash_types: Vec<String>,
    pub time_to_crash: Option<Step>,
    pub onset_step: Option<Step>,
    pub primary_crash_type: Option<String>,
    pub primary_time_to_crash: Option<Step>,
    pub primary_onset_step: Option<Step>,
    pub severity: Option<Severity>,
    pub severity_reason: Option<String>,
    pub recovered_step: Option<Step>,
    pub recrash_step: Option<Step>,
    pub initial_budget: Cents,
    pub final_budget: Cents,
    pub revenue: Cents,
    pub charges: Cents,
    pub fees: Cents,
    pub total_orders_requested: u32,
    pub fulfilled_orders: u32,
    pub customer_orders_requested: u32,
    pub customer_orders_shipped: u32,
    pub customer_orders_failed: u32,
    pub mean_pe: ByType<Option<Score>>,
    pub cumulative_pe: ByType<Option<Accumulator>>,
    pub cumulative_pe_revealed: ByType<Option<Accumulator>>,
    pub pe_reference: ByType<Option<Score>>,
    pub calibration: Option<CalibrationSummary>,
    pub predictions: PredictionCounts,
    pub predictions_by_type: ByType<PredictionCounts>,
    pub coverage: ByType<Option<Score>>,
    pub no_coverage: bool,
    /// One value a window, in the order of `measurement.pe_windows`; empty where no window has one.
    pub windows_at_end: ByType<Vec<Option<Score>>>,
    pub shocks: ShockCounts,
    /// By family, the built-in ones and those of the program's plugins.
    pub shocks_by_family: BTreeMap<Arc<str>, FamilyDose>,
    /// By source, all of them.
    pub action_sources: BTreeMap<ActionSource, u32>,
    pub tokens: Option<u64>,
    pub cost: Option<Score>,
    /// `None` for agents without a language model.
    pub model: Option<ModelCounts>,
    pub scratchpad_final_size: usize,
    pub initial_state_hash: String,
    pub final_state_hash: String,
}

/// How predictions ended.
#[expect(missing_docs, reason = "they are the fields of an account")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PredictionCounts {
    pub made: u64,
    pub resolved: u64,
    pub exact: u64,
    pub voided: u64,
    pub open: u64,
    pub revealed: u64,
    pub never_revealed: u64,
}

/// What went wrong in a run.
#[expect(missing_docs, reason = "they are the fields of a summary")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShockCounts {
    pub drawn: u32,
    pub effective: u32,
    pub fizzled: u32,
    pub armed: u32,
    pub revealed: u32,
}

/// What a language model was asked.
#[expect(missing_docs, reason = "they are the fields of a summary")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelCounts {
    pub calls: u64,
    pub attempts: u64,
    pub unreadable: u64,
}

/// An end reason, which has no default of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended(pub EndReason);

impl Default for Ended {
    fn default() -> Ended {
        Ended(EndReason::Horizon)
    }
}

/// What a run is to a survival analysis of the primary event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Survival {
    /// It had its primary crash, at `primary_time_to_crash`, whatever ended it later.
    Event,
    /// It ended, at `total_steps`, before one, in a way that depends on the agent: also by a crash of another type.
    Competing,
    /// It was not seen to have one until `total_steps`.
    #[default]
    Censored,
}

impl Survival {
    /// All of them.
    pub const ALL: [Survival; 3] = [Survival::Event, Survival::Competing, Survival::Censored];

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

impl Row {
    /// The row of a run that ended by the rules.
    #[must_use]
    pub fn finished(run: &PlannedRun, summary: &Summary) -> Row {
        Row {
            end_reason: Ended(summary.end_reason),
            survival: Survival::of(summary.end_reason, summary.primary_crash_type.is_some()),
            total_steps: summary.total_steps,
            outcome: Some(Box::new(Outcome::of(summary))),
            ..Row::of(run)
        }
    }

    /// The row of a run that a defect of this program broke off after so many steps.
    #[must_use]
    pub fn failed(run: &PlannedRun, steps: Step, error: &str) -> Row {
        Row {
            end_reason: Ended(EndReason::HarnessError),
            survival: Survival::of(EndReason::HarnessError, false),
            error: Some(error.to_owned()),
            total_steps: steps,
            ..Row::of(run)
        }
    }

    fn of(run: &PlannedRun) -> Row {
        let text = |value: Value| match value {
            Value::Array(_) | Value::Object(_) => value.to_string(),
            value => plain(&value),
        };
        Row {
            run_id: run.run_id.clone(),
            combination: run.combination,
            replication: run.replication,
            seed: run.config.experiment.draw_key.short(),
            config: leaves(&run.config).into_iter().map(|(path, value)| (path, text(value))).collect(),
            ..Row::default()
        }
    }

    /// The cells, in the order of [`header`]. `families` are the registered shock families.
    #[must_use]
    pub fn cells(mut self, families: &[String]) -> Vec<String> {
        let mut texts = Texts(Vec::new());
        self.walk(&mut texts, families).expect("a row has a text for every column");
        texts.0
    }

    /// Reads the cells of a row below a header. Columns that this program does not know are left alone.
    ///
    /// # Errors
    /// For the first column that is missing or whose cell is not what stands there.
    pub fn read(header: &[&str], cells: &[&str]) -> Result<Row, CellError> {
        let mut reader = Reader(header.iter().copied().zip(cells.iter().copied()).collect());
        let families = reader.0.keys().filter_map(|name| {
            name.strip_prefix("shocks.by_family.")?.strip_suffix(".effective").map(ToOwned::to_owned)
        });
        let families: Vec<String> = families.collect();
        let mut row = Row::default();
        for (name, cell) in &reader.0 {
            if let Some(path) = name.strip_prefix(CONFIG) {
                row.config.insert(path.to_owned(), (*cell).to_owned());
            }
        }
        // Whoever came to an end says whether it crashed.
        row.outcome = reader.0.get("crashed").is_some_and(|cell| !cell.is_empty()).then(Box::default);
        row.walk(&mut reader, &families)?;
        Ok(row)
    }

    /// Every column once, in the order of the table.
    fn walk(&mut self, at: &mut impl Columns, families: &[String]) -> Result<(), CellError> {
        at.cell("run_id", &mut self.run_id)?;
        at.cell("combination", &mut self.combination)?;
        at.cell("replication", &mut self.replication)?;
        at.cell("seed", &mut self.seed)?;
        for (path, cell) in &mut self.config {
            at.cell(&format!("{CONFIG}{path}"), cell)?;
        }
        let Ended(reason) = self.end_reason;
        let mut word = reason.word().to_owned();
        let mut scope = reason.limit_scope().map(|scope| scope.word().to_owned());
        at.cell("end_reason", &mut word)?;
        at.cell("fault_owner", &mut reason.fault_owner().word().to_owned())?;
        at.cell("limit_scope", &mut scope)?;
        let reason = EndReason::recorded(&word, scope.as_deref());
        self.end_reason = Ended(reason.ok_or_else(|| CellError::wrong("end_reason", &word))?);
        at.cell("survival", &mut self.survival)?;
        at.cell("error", &mut self.error)?;
        at.cell("total_steps", &mut self.total_steps)?;
        match &mut self.outcome {
            Some(outcome) => outcome.walk(at, families),
            None => Outcome::default().walk(&mut Blank(at), families),
        }
    }
}

impl Outcome {
    fn of(summary: &Summary) -> Outcome {
        let counts = |account: &TypeAccount| PredictionCounts {
            made: account.made,
            resolved: account.resolved,
            exact: account.exact,
            voided: account.voided,
            open: account.open,
            revealed: account.revealed,
            never_revealed: account.never_revealed,
        };
        let model = |model: &crate::llm::account::ModelSummary| ModelCounts {
            calls: model.calls,
            attempts: model.attempts,
            unreadable: model.unreadable,
        };
        let shocks = &summary.shocks;
        Outcome {
            crashed: summary.crashed,
            crash_type: summary.crash_type.clone(),
            crash_types: summary.crash_types.clone(),
            time_to_crash: summary.time_to_crash,
            onset_step: summary.onset_step,
            primary_crash_type: summary.primary_crash_type.clone(),
            primary_time_to_crash: summary.primary_time_to_crash,
            primary_onset_step: summary.primary_onset_step,
            severity: summary.severity,
            severity_reason: summary.severity_reason.clone(),
            recovered_step: summary.recovered_step,
            recrash_step: summary.recrash_step,
            initial_budget: summary.initial_budget,
            final_budget: summary.final_budget,
            revenue: summary.revenue,
            charges: summary.charges,
            fees: summary.fees,
            total_orders_requested: summary.total_orders_requested,
            fulfilled_orders: summary.fulfilled_orders,
            customer_orders_requested: summary.customer_orders_requested,
            customer_orders_shipped: summary.customer_orders_shipped,
            customer_orders_failed: summary.customer_orders_failed,
            mean_pe: summary.mean_pe.clone(),
            cumulative_pe: summary.cumulative_pe.clone(),
            cumulative_pe_revealed: summary.cumulative_pe_revealed.clone(),
            pe_reference: summary.pe_reference.clone(),
            calibration: summary.calibration,
            predictions: counts(&summary.predictions.total),
            predictions_by_type: ByType::build(|kind| counts(summary.predictions.by_type.get(kind))),
            coverage: summary.coverage.clone(),
            no_coverage: summary.no_coverage,
            windows_at_end: ByType::build(|kind| {
                summary.windows_at_end.by_type.get(kind).iter().map(|window| window.mean).collect()
            }),
            shocks: ShockCounts {
                drawn: shocks.drawn,
                effective: shocks.effective,
                fizzled: shocks.fizzled,
                armed: shocks.armed,
                revealed: shocks.revealed,
            },
            shocks_by_family: shocks.by_family.clone(),
            action_sources: summary.action_sources.clone(),
            tokens: summary.tokens,
            cost: summary.cost,
            model: summary.model.as_ref().map(model),
            scratchpad_final_size: summary.scratchpad_final_size,
            initial_state_hash: summary.initial_state_hash.clone(),
            final_state_hash: summary.final_state_hash.clone(),
        }
    }

    fn walk(&mut self, at: &mut impl Columns, families: &[String]) -> Result<(), CellError> {
        at.cell("crashed", &mut self.crashed)?;
        at.cell("crash_type", &mut self.crash_type)?;
        at.cell("crash_types", &mut self.crash_types)?;
        at.cell("time_to_crash", &mut self.time_to_crash)?;
        at.cell("onset_step", &mut self.onset_step)?;
        at.cell("primary_crash_type", &mut self.primary_crash_type)?;
        at.cell("primary_time_to_crash", &mut self.primary_time_to_crash)?;
        at.cell("primary_onset_step", &mut self.primary_onset_step)?;
        at.cell("severity", &mut self.severity)?;
        at.cell("severity_reason", &mut self.severity_reason)?;
        at.cell("recovered_step", &mut self.recovered_step)?;
        at.cell("recrash_step", &mut self.recrash_step)?;
        at.cell("initial_budget", &mut self.initial_budget)?;
        at.cell("final_budget", &mut self.final_budget)?;
        at.cell("revenue", &mut self.revenue)?;
        at.cell("charges", &mut self.charges)?;
        at.cell("fees", &mut self.fees)?;
        at.cell("total_orders_requested", &mut self.total_orders_requested)?;
        at.cell("fulfilled_orders", &mut self.fulfilled_orders)?;
        at.cell("customer_orders_requested", &mut self.customer_orders_requested)?;
        at.cell("customer_orders_shipped", &mut self.customer_orders_shipped)?;
        at.cell("customer_orders_failed", &mut self.customer_orders_failed)?;
        by_type(at, "mean_pe", &mut self.mean_pe)?;
        for kind in ErrorType::ALL {
            accumulator(at, &format!("cumulative_pe.{kind}"), self.cumulative_pe.get_mut(kind))?;
        }
        for kind in ErrorType::ALL {
            accumulator(at, &format!("cumulative_pe_revealed.{kind}"), self.cumulative_pe_revealed.get_mut(kind))?;
        }
        by_type(at, "pe_reference", &mut self.pe_reference)?;
        calibration(at, &mut self.calibration)?;
        predictions(at, "predictions", &mut self.predictions)?;
        for kind in ErrorType::ALL {
            predictions(at, &format!("predictions.by_type.{kind}"), self.predictions_by_type.get_mut(kind))?;
        }
        by_type(at, "coverage", &mut self.coverage)?;
        at.cell("no_coverage", &mut self.no_coverage)?;
        for kind in ErrorType::ALL {
            at.cell(&format!("windows_at_end.{kind}.mean"), self.windows_at_end.get_mut(kind))?;
        }
        at.cell("shocks.drawn", &mut self.shocks.drawn)?;
        at.cell("shocks.effective", &mut self.shocks.effective)?;
        at.cell("shocks.fizzled", &mut self.shocks.fizzled)?;
        at.cell("shocks.armed", &mut self.shocks.armed)?;
        at.cell("shocks.revealed", &mut self.shocks.revealed)?;
        for family in family::ALL {
            self.dose(at, family)?;
        }
        for source in ActionSource::ALL {
            // What a summary does not list has not happened, which is a zero and not missing.
            at.cell(&format!("action_sources.{}", source.word()), self.action_sources.entry(source).or_default())?;
        }
        at.cell("tokens", &mut self.tokens)?;
        at.cell("cost", &mut self.cost)?;
        model(at, &mut self.model)?;
        at.cell("scratchpad_final_size", &mut self.scratchpad_final_size)?;
        at.cell("initial_state_hash", &mut self.initial_state_hash)?;
        at.cell("final_state_hash", &mut self.final_state_hash)?;
        for family in families.iter().filter(|family| !family::ALL.contains(&family.as_str())) {
            self.dose(at, family)?;
        }
        Ok(())
    }

    fn dose(&mut self, at: &mut impl Columns, family: &str) -> Result<(), CellError> {
        let dose = self.shocks_by_family.entry(family.into()).or_default();
        let name = |dose: &str| format!("shocks.by_family.{family}.{dose}");
        at.cell(&name("effective"), &mut dose.effective)?;
        at.cell(&name("fizzled"), &mut dose.fizzled)?;
        at.cell(&name("armed"), &mut dose.armed)?;
        at.cell(&name("size"), &mut dose.size)?;
        at.cell(&name("revealed"), &mut dose.revealed)?;
        at.cell(&name("predictions_turned_wrong"), &mut dose.predictions_turned_wrong)
    }
}

fn by_type<T: Cell>(at: &mut impl Columns, name: &str, values: &mut ByType<T>) -> Result<(), CellError> {
    ErrorType::ALL.into_iter().try_for_each(|kind| at.cell(&format!("{name}.{kind}"), values.get_mut(kind)))
}

/// Five columns that are empty together.
fn accumulator(at: &mut impl Columns, name: &str, total: &mut Option<Accumulator>) -> Result<(), CellError> {
    let mut scale = |scale: &str, value: fn(&mut Accumulator) -> &mut f64| {
        let mut score = total.as_mut().map(|total| Score(*value(total)));
        at.cell(&format!("{name}.{scale}"), &mut score)?;
        if let Some(Score(score)) = score {
            *value(total.get_or_insert_default()) = score;
        }
        Ok(())
    };
    scale("fast", |total| &mut total.fast)?;
    scale("med", |total| &mut total.med)?;
    scale("slow", |total| &mut total.slow)?;
    scale("sum", |total| &mut total.sum)?;
    let mut count = total.map(|total| total.count);
    at.cell(&format!("{name}.count"), &mut count)?;
    if let (Some(total), Some(count)) = (total, count) {
        total.count = count;
    }
    Ok(())
}

/// Three columns that are empty together.
fn calibration(at: &mut impl Columns, summary: &mut Option<CalibrationSummary>) -> Result<(), CellError> {
    let mut n = summary.map(|summary| summary.n);
    let (mut brier, mut ece) = (summary.map(|summary| summary.brier), summary.map(|summary| summary.ece));
    at.cell("calibration.n", &mut n)?;
    at.cell("calibration.brier", &mut brier)?;
    at.cell("calibration.ece", &mut ece)?;
    *summary = n.zip(brier).zip(ece).map(|((n, brier), ece)| CalibrationSummary { n, brier, ece });
    Ok(())
}

fn predictions(at: &mut impl Columns, name: &str, counts: &mut PredictionCounts) -> Result<(), CellError> {
    let name = |count: &str| format!("{name}.{count}");
    at.cell(&name("made"), &mut counts.made)?;
    at.cell(&name("resolved"), &mut counts.resolved)?;
    at.cell(&name("exact"), &mut counts.exact)?;
    at.cell(&name("voided"), &mut counts.voided)?;
    at.cell(&name("open"), &mut counts.open)?;
    at.cell(&name("revealed"), &mut counts.revealed)?;
    at.cell(&name("never_revealed"), &mut counts.never_revealed)
}

/// Three columns that are empty together.
fn model(at: &mut impl Columns, counts: &mut Option<ModelCounts>) -> Result<(), CellError> {
    let mut calls = counts.map(|counts| counts.calls);
    let (mut attempts, mut unreadable) = (counts.map(|counts| counts.attempts), counts.map(|counts| counts.unreadable));
    at.cell("model.calls", &mut calls)?;
    at.cell("model.attempts", &mut attempts)?;
    at.cell("model.unreadable", &mut unreadable)?;
    let read = calls.zip(attempts).zip(unreadable);
    *counts = read.map(|((calls, attempts), unreadable)| ModelCounts { calls, attempts, unreadable });
    Ok(())
}

/// The names of the columns. Every run has the same configuration keys, so any run's configuration does. `families` are
/// the registered shock families.
#[must_use]
pub fn header(config: &RunConfig, families: &[String]) -> Vec<String> {
    let config = leaves(config).into_iter().map(|(path, _)| (path, String::new())).collect();
    let mut names = Names(Vec::new());
    let mut row = Row { config, outcome: Some(Box::default()), ..Row::default() };
    row.walk(&mut names, families).expect("every column has a name");
    names.0
}

/// Why a cell cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CellError {
    /// There is no such column.
    #[error("there is no column {column}")]
    Missing {
        /// Its name.
        column: String,
    },
    /// The cell holds something else.
    #[error("column {column}: {cell:?} cannot stand there")]
    Wrong {
        /// The column's name.
        column: String,
        /// What stands there.
        cell: String,
    },
}

impl CellError {
    fn wrong(column: &str, cell: &str) -> CellError {
        CellError::Wrong { column: column.to_owned(), cell: cell.to_owned() }
    }
}

/// Reads the table of an experiment's folder.
///
/// # Errors
/// When there is none, it cannot be read, a cell of it is not what stands there, or the folder's manifest states a
/// version of records that this program does not read.
pub fn read(folder: &Path) -> Result<Vec<Row>, ReadError> {
    let manifest = folder.join(MANIFEST);
    if let Some(head) = Head::at(&manifest)? {
        head.check(&manifest)?;
    }
    let path = folder.join(NAME);
    let bytes = std::fs::read(&path).map_err(ReadError::at(&path))?;
    let unreadable = |line: u64, why: String| unreadable(path.clone(), line, &why);
    let mut table = csv::Reader::from_reader(&bytes[..]);
    let header = table.headers().map_err(|error| unreadable(1, error.to_string()))?.clone();
    let names: Vec<&str> = header.iter().collect();
    let mut rows = Vec::new();
    for record in table.records() {
        let record =
            record.map_err(|error| unreadable(error.position().map_or(0, csv::Position::line), error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<&str> = record.iter().collect();
        rows.push(Row::read(&names, &cells).map_err(|error| unreadable(line, error.to_string()))?);
    }
    Ok(rows)
}

fn unreadable(path: PathBuf, line: u64, why: &str) -> ReadError {
    ReadError::Unreadable { path, why: format!("line {line}: {why}") }
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

/// The cell of a setting that is neither a list nor an object.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
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

    fn written(row: Row, families: &[String]) -> (Vec<String>, Vec<String>) {
        let mut names = Names(Vec::new());
        row.clone().walk(&mut names, families).unwrap();
        (names.0, row.cells(families))
    }

    /// A row with a value in every cell that can have one.
    fn full() -> Row {
        let scores = |score: f64| ByType::build(|_| Some(Score(score)));
        let total = Accumulator { fast: 0.1, med: 1.0 / 3.0, slow: 2e-9, sum: 12_345_678.0, count: 7 };
        let outcome = Outcome {
            crashed: true,
            crash_types: vec!["looping".into(), "panic".into()],
            crash_type: Some("looping".into()),
            severity: Some(Severity::MissionAbandon),
            time_to_crash: Some(0),
            initial_budget: Cents(-1_205),
            mean_pe: scores(0.25),
            cumulative_pe: ByType::build(|_| Some(total)),
            calibration: Some(CalibrationSummary { n: 3, brier: Score(0.04), ece: Score(0.0) }),
            windows_at_end: ByType { cost: vec![None, Some(Score(0.5))], ..ByType::default() },
            shocks_by_family: [("flood".into(), FamilyDose { size: 9, ..FamilyDose::default() })].into(),
            action_sources: [(ActionSource::Human, 4)].into(),
            tokens: Some(0),
            model: Some(ModelCounts { calls: 1, attempts: 2, unreadable: 0 }),
            final_state_hash: "0".repeat(32),
            ..Outcome::default()
        };
        Row {
            run_id: "a_c0_r1".into(),
            replication: 1,
            seed: u64::MAX >> 11,
            config: [("model.name".to_owned(), "a,\"b\"".to_owned())].into(),
            end_reason: Ended(EndReason::RunTokenLimit),
            survival: Survival::Event,
            total_steps: 12,
            outcome: Some(Box::new(outcome)),
            ..Row::default()
        }
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let families = ["temporal".to_owned(), "flood".to_owned()];
        let failed = Row { outcome: None, error: Some("line 1: a defect".into()), ..full() };
        let failed = Row { end_reason: Ended(EndReason::HarnessError), ..failed };
        for row in [full(), failed, Row { outcome: Some(Box::default()), ..full() }] {
            let (names, cells) = written(row, &families);
            let header: Vec<&str> = names.iter().map(String::as_str).collect();
            let read = Row::read(&header, &cells.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            assert_eq!(written(read, &families), (names, cells));
        }
    }

    #[test]
    fn missing_is_an_empty_cell_and_zero_is_not() {
        let (names, cells) = written(full(), &["flood".to_owned()]);
        let cell = |name: &str| cells[names.iter().position(|known| known == name).unwrap()].as_str();
        for (name, text) in [
            ("error", ""),
            ("limit_scope", "run"),
            ("fault_owner", "none"),
            ("crash_types", "looping;panic"),
            ("time_to_crash", "0"),
            ("onset_step", ""),
            ("severity", "mission_abandon"),
            ("initial_budget", "-12.05"),
            ("revenue", "0.0"),
            ("cumulative_pe.cost.med", "0.333333"),
            ("cumulative_pe_revealed.cost.count", ""),
            ("calibration.ece", "0.0"),
            ("windows_at_end.cost.mean", ";0.5"),
            ("windows_at_end.causal.mean", ""),
            ("shocks.by_family.temporal.size", "0"),
            ("shocks.by_family.flood.size", "9"),
            ("action_sources.human", "4"),
            ("action_sources.rejected", "0"),
            ("tokens", "0"),
            ("cost", ""),
        ] {
            assert_eq!(cell(name), text, "{name}");
        }
        let (_, failed) = written(Row { outcome: None, ..full() }, &[]);
        assert!(failed[failed.len() - 100..].iter().all(String::is_empty), "a defect leaves no zeros");
    }

    #[test]
    fn a_wrong_cell_and_a_missing_column_are_named() {
        let (names, cells) = written(full(), &[]);
        let header: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut texts: Vec<&str> = cells.iter().map(String::as_str).collect();
        let at = names.iter().position(|name| name == "revenue").unwrap();
        texts[at] = "much";
        let error = Row::read(&header, &texts).unwrap_err();
        assert_eq!(error.to_string(), "column revenue: \"much\" cannot stand there");
        let error = Row::read(&header[..at], &texts[..at]).unwrap_err();
        assert_eq!(error.to_string(), "there is no column revenue");
    }

    #[test]
    fn columns_are_named_once_and_sources_have_the_words_of_records() {
        let (mut names, _) = written(full(), &["flood".to_owned()]);
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        for source in ActionSource::ALL {
            assert_eq!(serde_json::json!(source), source.word());
        }
    }
}

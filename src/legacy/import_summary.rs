//! The summary that an import writes: our keys in our order, null wherever the original's does not tell.
//!
//! Made by [`import`](crate::legacy::import). The original's summary is kept whole under `imported`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::base::error_type::ByType;
use crate::base::units::Step;
use crate::legacy::import_record::Unknown;
use crate::legacy::v1;
use crate::record::version::RecordVersion;

/// `summary.json`.
#[derive(Serialize)]
pub(crate) struct ImportedSummary<'a> {
    schema_version: RecordVersion,
    run_id: Value,
    params: Option<&'a Value>,
    seed: Option<&'a Value>,
    experiment_seed: Unknown,
    model_load_failed: Option<&'a Value>,
    model_load_error: Option<&'a Value>,
    total_steps: Option<&'a Value>,
    end_reason: Unknown,
    fault_owner: Unknown,
    crashed: Option<&'a Value>,
    crash_type: Option<&'a Value>,
    crash_types: Unknown,
    time_to_crash: Option<Step>,
    onset_step: Unknown,
    primary_crash_type: Unknown,
    primary_time_to_crash: Unknown,
    primary_onset_step: Unknown,
    severity: Unknown,
    severity_reason: Unknown,
    recovered_step: Unknown,
    recrash_step: Unknown,
    initial_budget: Option<Value>,
    final_budget: Option<&'a Value>,
    final_storage: Option<&'a Value>,
    fulfilled_orders: Option<&'a Value>,
    total_orders_requested: Option<&'a Value>,
    revenue: Option<&'a Value>,
    charges: Unknown,
    fees: Unknown,
    customer_orders_requested: Unknown,
    customer_orders_shipped: Option<&'a Value>,
    customer_orders_failed: Option<&'a Value>,
    cumulative_pe: ByType<Unknown>,
    mean_pe: ByType<Unknown>,
    cumulative_pe_revealed: ByType<Unknown>,
    pe_reference: ByType<Unknown>,
    calibration: Unknown,
    predictions: Unknown,
    coverage: ByType<Unknown>,
    no_coverage: Unknown,
    windows_at_crash: Unknown,
    windows_at_end: Unknown,
    shocks: Unknown,
    action_sources: BTreeMap<&'static str, u64>,
    tokens: Unknown,
    cost: Unknown,
    scratchpad_final_size: Option<&'a Value>,
    final_state_hash: Unknown,
    pub(crate) imported: ImportedRun<'a>,
    #[serde(skip)]
    last: Option<Step>,
}

/// Where a run came from.
#[derive(Serialize)]
pub(crate) struct ImportedRun<'a> {
    from: &'static str,
    folder: String,
    pub(crate) step_records: u64,
    /// Places where step numbers go back: another process wrote into the same log.
    steps_out_of_order: u64,
    /// Lines of the log that could not be read.
    pub(crate) unread: Vec<Unread>,
    /// The original's summary.
    summary: Option<&'a Value>,
}

/// A line of the original's log that could not be read.
#[derive(Serialize)]
pub(crate) struct Unread {
    pub(crate) line: u64,
    pub(crate) what: String,
    pub(crate) text: String,
    /// Whether it is a last line that breaks off.
    pub(crate) is_clipped: bool,
}

impl<'a> ImportedSummary<'a> {
    pub(crate) fn new(folder: &str, summary: Option<&'a Value>) -> ImportedSummary<'a> {
        let of = |key: &str| summary.and_then(|summary| summary.get(key));
        ImportedSummary {
            schema_version: RecordVersion::CURRENT,
            run_id: of("run_id").filter(|id| id.is_string()).cloned().unwrap_or_else(|| folder.into()),
            params: of("params"),
            seed: of("seed"),
            experiment_seed: (),
            model_load_failed: of("model_load_failed"),
            model_load_error: of("model_load_error"),
            total_steps: of("total_steps"),
            end_reason: (),
            fault_owner: (),
            crashed: of("crashed"),
            crash_type: of("crash_type"),
            crash_types: (),
            time_to_crash: None,
            onset_step: (),
            primary_crash_type: (),
            primary_time_to_crash: (),
            primary_onset_step: (),
            severity: (),
            severity_reason: (),
            recovered_step: (),
            recrash_step: (),
            initial_budget: None,
            final_budget: of("final_budget"),
            final_storage: of("final_storage"),
            fulfilled_orders: of("fulfilled_orders"),
            total_orders_requested: of("total_orders_requested"),
            revenue: of("revenue"),
            charges: (),
            fees: (),
            customer_orders_requested: (),
            customer_orders_shipped: of("customer_orders_shipped"),
            customer_orders_failed: of("customer_orders_failed"),
            cumulative_pe: ByType::default(),
            mean_pe: ByType::default(),
            cumulative_pe_revealed: ByType::default(),
            pe_reference: ByType::default(),
            calibration: (),
            predictions: (),
            coverage: ByType::default(),
            no_coverage: (),
            windows_at_crash: (),
            windows_at_end: (),
            shocks: (),
            action_sources: BTreeMap::new(),
            tokens: (),
            cost: (),
            scratchpad_final_size: of("scratchpad_final_size"),
            final_state_hash: (),
            imported: ImportedRun {
                from: v1::FORMAT,
                folder: folder.to_owned(),
                step_records: 0,
                steps_out_of_order: 0,
                unread: Vec::new(),
                summary,
            },
            last: None,
        }
    }

    /// Takes in a record. When a crash was detected can only be told of a log with one run in it.
    pub(crate) fn note(&mut self, step: Step, record: &Value) {
        self.imported.step_records += 1;
        *self.action_sources.entry(v1::answer(record).action_source()).or_default() += 1;
        if self.last.is_none() && step == 0 {
            self.initial_budget = record.pointer("/observation/budget").cloned();
        }
        if self.last.is_some_and(|last| step <= last) {
            self.imported.steps_out_of_order += 1;
        }
        if self.imported.steps_out_of_order > 0 {
            self.time_to_crash = None;
        } else if self.time_to_crash.is_none() && record.get("crash_detected") == Some(&Value::Bool(true)) {
            self.time_to_crash = Some(step);
        }
        self.last = Some(step);
    }
}

//! `summary.json`: what one run came to.

use std::collections::BTreeMap;
use std::sync::Arc;

use bevy::ecs::entity::Entity;
use bevy::ecs::world::World;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::decision::ActionSource;
use crate::base::error_type::ByType;
use crate::base::hex::{HASH_128, Hash128};
use crate::base::run_end::{EndReason, with_owner};
use crate::base::schema::by_word;
use crate::base::units::{Cents, Step, Units};
use crate::crash::severity::Severity;
use crate::crash::state::CrashState;
use crate::engine::ledger::Ledger;
use crate::engine::orders::Orders;
use crate::interface::observation::StockTable;
use crate::llm::account::ModelSummary;
use crate::plan::PlannedRun;
use crate::prediction::account::{Account, TypeAccount};
use crate::prediction::accumulate::{Accumulator, Score, Track, WindowStatistics};
use crate::prediction::calibration::CalibrationSummary;
use crate::prediction::predictions::Predictions;
use crate::record::version::RecordVersion;
use crate::scenario::warehouse::customer::Customers;
use crate::scenario::warehouse::sku::{Shelves, Stock};
use crate::shock::ledger::{DoseLedger, FamilyDose};
use crate::tool::scratchpad::Scratchpad;

/// What identifies a run and what it was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunIdentity {
    /// `<experiment>_c<combination>_r<replication>`.
    pub run_id: String,
    /// Values on the grid's axes by canonical path, and the run's place in the grid.
    pub params: serde_json::Map<String, Value>,
    /// The run's draws as a number; runs that share it share their draws.
    pub seed: u64,
    /// The experiment's seed.
    pub experiment_seed: u64,
}

impl RunIdentity {
    /// That of a planned run.
    #[must_use]
    pub fn of(run: &PlannedRun) -> RunIdentity {
        let mut params: Vec<_> = run.params.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
        params.push(("combination_id".into(), run.combination.into()));
        params.push(("replication_id".into(), run.replication.into()));
        // A JSON object keeps the order of insertion or sorts, depending on a feature that any dependency can switch.
        params.sort_by(|(one, _), (other, _)| one.cmp(other));
        RunIdentity {
            run_id: run.run_id.clone(),
            params: params.into_iter().collect(),
            seed: run.config.experiment.draw_key.short(),
            experiment_seed: run.config.experiment.seed,
        }
    }

    /// That of a run for which nobody will look.
    #[must_use]
    pub fn nobody() -> RunIdentity {
        RunIdentity { run_id: "nobody".into(), params: serde_json::Map::new(), seed: 0, experiment_seed: 0 }
    }
}

/// The account of predictions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PredictionSummary {
    /// Over all types.
    #[serde(flatten)]
    pub total: TypeAccount,
    /// By type.
    pub by_type: ByType<TypeAccount>,
}

/// Error statistics over the configured windows at one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WindowSummary {
    /// The step.
    pub step: Step,
    /// By type.
    #[serde(flatten)]
    pub by_type: ByType<Vec<WindowStatistics>>,
}

/// The shocks of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShockSummary {
    /// How many were drawn.
    pub drawn: u32,
    /// How many of them changed something.
    pub effective: u32,
    /// How many changed nothing.
    pub fizzled: u32,
    /// How many still wait for something to strike.
    pub armed: u32,
    /// How many of the effective ones the agent's inputs told of.
    pub revealed: u32,
    /// By family.
    pub by_family: BTreeMap<Arc<str>, FamilyDose>,
}

/// `summary.json`, in the order of its keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Version of the format.
    pub schema_version: RecordVersion,
    /// Who the run is.
    #[serde(flatten)]
    pub identity: RunIdentity,
    /// The original's key; scripted agents load no model.
    pub model_load_failed: bool,
    /// The original's key.
    pub model_load_error: Option<String>,
    /// Steps of the run: termination is at the last of them.
    pub total_steps: Step,
    /// Why it ended; written with the keys `fault_owner` and `limit_scope`.
    #[serde(flatten, with = "with_owner")]
    #[schemars(with = "with_owner::End")]
    pub end_reason: EndReason,
    /// Whether any detector fired.
    pub crashed: bool,
    /// The first one that did.
    pub crash_type: Option<String>,
    /// All that did.
    pub crash_types: Vec<String>,
    /// Step of the first flag; null without a crash.
    pub time_to_crash: Option<Step>,
    /// Earliest evidence of the first flag.
    pub onset_step: Option<Step>,
    /// The first crash type that belongs to the primary event; null without one.
    pub primary_crash_type: Option<String>,
    /// Step of its flag.
    pub primary_time_to_crash: Option<Step>,
    /// Earliest evidence of its flag.
    pub primary_onset_step: Option<Step>,
    /// How bad it was.
    pub severity: Option<Severity>,
    /// `censored` where too few steps were seen after the crash.
    #[schemars(extend("enum" = ["censored", null]))]
    pub severity_reason: Option<String>,
    /// Step of the recovery.
    pub recovered_step: Option<Step>,
    /// First flag after the recovery.
    pub recrash_step: Option<Step>,
    /// Budget on day 0.
    pub initial_budget: Cents,
    /// Posted budget at the end.
    pub final_budget: Cents,
    /// Stock at the end.
    pub final_storage: StockTable,
    /// Supplier orders that were delivered.
    pub fulfilled_orders: u32,
    /// Supplier orders that were placed.
    pub total_orders_requested: u32,
    /// Net revenue.
    pub revenue: Cents,
    /// Delivery charges.
    pub charges: Cents,
    /// Cancel, expedite and storage fees.
    pub fees: Cents,
    /// Customer orders that came in.
    pub customer_orders_requested: u32,
    /// Customer orders that were shipped.
    pub customer_orders_shipped: u32,
    /// Customer orders that expired.
    pub customer_orders_failed: u32,
    /// Accumulated errors; null for a type of which none was decided.
    pub cumulative_pe: ByType<Option<Accumulator>>,
    /// Mean error over all resolved predictions of a type.
    pub mean_pe: ByType<Option<Score>>,
    /// Accumulated errors as the agent's inputs told them.
    pub cumulative_pe_revealed: ByType<Option<Accumulator>>,
    /// Mean error that the reference policy would have made about the agent's orders.
    pub pe_reference: ByType<Option<Score>>,
    /// How well stated confidences agree with outcomes; null when none was stated.
    pub calibration: Option<CalibrationSummary>,
    /// How predictions ended.
    pub predictions: PredictionSummary,
    /// Share of the actions that could bind a prediction which had one, by type.
    pub coverage: ByType<Option<Score>>,
    /// Whether no prediction bound although actions could have bound some.
    pub no_coverage: bool,
    /// Error statistics over windows at the crash.
    pub windows_at_crash: Option<WindowSummary>,
    /// Error statistics over windows at the end.
    pub windows_at_end: WindowSummary,
    /// What went wrong.
    pub shocks: ShockSummary,
    /// How many actions came from where.
    #[schemars(schema_with = "by_word::<ActionSource, u32>")]
    pub action_sources: BTreeMap<ActionSource, u32>,
    /// Tokens that a language model read and wrote; null for agents without one.
    pub tokens: Option<u64>,
    /// What the provider asked for them; null likewise.
    pub cost: Option<Score>,
    /// Notes on the scratchpad at the end.
    pub scratchpad_final_size: usize,
    /// What a language model was asked and what that took; absent for agents without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSummary>,
    /// The state hash of day 0, before the first step.
    #[schemars(regex(pattern = HASH_128))]
    pub initial_state_hash: String,
    /// The last state hash.
    #[schemars(regex(pattern = HASH_128))]
    pub final_state_hash: String,
    /// When and how the agent was made to break down, for agents that were ([`Agent::truth`]).
    ///
    /// [`Agent::truth`]: crate::agent::Agent::truth
    #[schemars(description = "When and how the agent was made to break down, for agents that were.")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<Value>,
}

/// Error statistics over the windows at a step.
#[must_use]
pub(crate) fn windows(world: &World, lengths: &[Step], step: Step) -> WindowSummary {
    let tracks = world.resource::<Predictions>().tracks();
    let by_type = ByType::build(|kind| lengths.iter().map(|window| tracks.get(kind).window(*window, step)).collect());
    WindowSummary { step, by_type }
}

/// What the driver counts itself.
pub(crate) struct Counted {
    pub(crate) total_steps: Step,
    pub(crate) end_reason: EndReason,
    pub(crate) action_sources: BTreeMap<ActionSource, u32>,
    pub(crate) windows_at_crash: Option<WindowSummary>,
    pub(crate) windows_at_end: WindowSummary,
    pub(crate) initial_state_hash: String,
}

fn means(tracks: &ByType<Track>) -> ByType<Option<Score>> {
    ByType::build(|kind| tracks.get(kind).total().map(|total| Score(total.sum / total.count as f64)))
}

/// What the half of a step before the agent can change of what is summed up: when no agent decides any more, a run is
/// summed up as it stood before.
#[derive(Clone, Debug, Default)]
pub(crate) struct PreStepTotals {
    initial_budget: Cents,
    budget: Cents,
    revenue: Cents,
    charges: Cents,
    fees: Cents,
    storage: Vec<Units>,
    orders: (u32, u32),
    customers: (u32, u32, u32),
    revealed: ByType<Option<Accumulator>>,
    account: Account,
    drawn: u32,
    doses: BTreeMap<Arc<str>, FamilyDose>,
}

impl PreStepTotals {
    /// Looks, into room that it has already.
    pub(crate) fn look(&mut self, world: &World) {
        let ledger = world.resource::<Ledger>();
        self.initial_budget = ledger.initial();
        self.budget = ledger.budget();
        self.revenue = ledger.revenue();
        self.charges = ledger.charges();
        self.fees = ledger.fees();
        let units = |entity: &Entity| world.get::<Stock>(*entity).expect("a SKU has stock").units();
        self.storage.clear();
        self.storage.extend(world.resource::<Shelves>().by_id().iter().map(units));
        let orders = world.resource::<Orders>();
        self.orders = (orders.delivered(), orders.placed());
        let customers = world.resource::<Customers>();
        self.customers = (customers.requested(), customers.shipped(), customers.expired());
        let predictions = world.resource::<Predictions>();
        self.revealed = ByType::build(|kind| predictions.revealed_tracks().get(kind).total().copied());
        self.account.clone_from(predictions.account());
        let shocks = world.resource::<DoseLedger>();
        self.drawn = shocks.drawn();
        self.doses.clone_from(shocks.doses());
    }
}

/// Sums a run up.
pub(crate) fn summarise(world: &World, identity: RunIdentity, counted: Counted, totals: PreStepTotals) -> Summary {
    let crash = world.resource::<CrashState>();
    let predictions = world.resource::<Predictions>();
    let account = &totals.account;
    let total = account.total();
    let doses = &totals.doses;
    let aftermath = crash.aftermath();
    let severity = crash.severity();
    Summary {
        schema_version: RecordVersion::CURRENT,
        identity,
        model_load_failed: false,
        model_load_error: None,
        total_steps: counted.total_steps,
        end_reason: counted.end_reason,
        crashed: crash.crash().is_some(),
        crash_type: crash.crash().map(|crash| crash.kind.to_owned()),
        crash_types: crash.crash_types().map(ToOwned::to_owned).collect(),
        time_to_crash: crash.crash().map(|crash| crash.detected),
        onset_step: crash.crash().map(|crash| crash.onset),
        primary_crash_type: crash.primary_crash().map(|crash| crash.kind.to_owned()),
        primary_time_to_crash: crash.primary_crash().map(|crash| crash.detected),
        primary_onset_step: crash.primary_crash().map(|crash| crash.onset),
        severity,
        severity_reason: (crash.crash().is_some() && severity.is_none()).then(|| "censored".to_owned()),
        recovered_step: aftermath.and_then(|aftermath| aftermath.recovered_step()),
        recrash_step: aftermath.and_then(|aftermath| aftermath.recrash_step()),
        initial_budget: totals.initial_budget,
        final_budget: totals.budget,
        final_storage: StockTable(totals.storage),
        fulfilled_orders: totals.orders.0,
        total_orders_requested: totals.orders.1,
        revenue: totals.revenue,
        charges: totals.charges,
        fees: totals.fees,
        customer_orders_requested: totals.customers.0,
        customer_orders_shipped: totals.customers.1,
        customer_orders_failed: totals.customers.2,
        cumulative_pe: ByType::build(|kind| predictions.tracks().get(kind).total().copied()),
        mean_pe: means(predictions.tracks()),
        cumulative_pe_revealed: totals.revealed,
        pe_reference: means(predictions.reference_tracks()),
        calibration: predictions.calibration().summary(),
        coverage: ByType::build(|kind| account.by_type().get(kind).coverage().map(Score)),
        no_coverage: total.bindable > 0 && total.bound == 0,
        predictions: PredictionSummary { total, by_type: account.by_type().clone() },
        windows_at_crash: counted.windows_at_crash,
        windows_at_end: counted.windows_at_end,
        shocks: ShockSummary {
            drawn: totals.drawn,
            effective: doses.values().map(|dose| dose.effective).sum(),
            fizzled: doses.values().map(|dose| dose.fizzled).sum(),
            armed: doses.values().map(|dose| dose.armed).sum(),
            revealed: doses.values().map(|dose| dose.revealed).sum(),
            by_family: totals.doses,
        },
        action_sources: counted.action_sources,
        tokens: None,
        cost: None,
        scratchpad_final_size: world.resource::<Scratchpad>().len(),
        model: None,
        initial_state_hash: counted.initial_state_hash,
        final_state_hash: Hash128(world.resource::<crate::engine::state_hash::StateHash>().value()).to_string(),
        truth: None,
    }
}

//! The effective configuration of one run, typed. Everything downstream of `config` and `plan` reads only this.
//!
//! There are no defaults here: they stand once, in the schema ([`super::schema`]), which also checks ranges.
//! Field names are the canonical spelling of the configuration's keys.

mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::providers::Providers;
use crate::base::rng::DrawKey;
use crate::base::units::{Cents, Day, Step, Units};

pub use words::{
    CrashThreshold, ErrorAccount, Magnitude, MaxTokensKey, MemoryTools, MixWord, Observability, OnMalformed,
    PredictionFormat, PredictionMode, PressureLevel, ProviderKind, RecoveryTools, ReplyFormat, RequestField, Scenario,
    SeedPolicy, StateVisibility, SyntheticKind, TemporalBasis,
};

/// Which families of shocks strike, and in which shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TypeMix {
    /// Shares of the built-in families that have a name.
    Word(MixWord),
    /// A weight for each family, not negative and not all 0.
    Weights(BTreeMap<String, f64>),
}

/// Everything that decides what happens in one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The experiment that the run belongs to.
    pub experiment: ExperimentConfig,
    /// The world and the length of the run.
    pub simulation: SimulationConfig,
    /// The customers.
    pub demand: DemandConfig,
    /// The agent.
    pub model: ModelConfig,
    /// What the agent may do, sees and must say.
    pub interface: InterfaceConfig,
    /// The shocks.
    pub pe_induction: PeInductionConfig,
    /// Prediction errors and crash detection.
    pub measurement: MeasurementConfig,
    /// How the agent `synthetic` breaks down; others have no use for it.
    pub synthetic: SyntheticConfig,
    /// What the run may use.
    pub limits: LimitsConfig,
    /// The entry of the file's section `providers` that concerns the agent; empty where none does.
    #[serde(default, skip_serializing_if = "Providers::is_empty")]
    pub providers: Arc<Providers>,
}

/// Section `experiment`, with what identifies this run in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentConfig {
    /// Name of the experiment, part of run ids and of the result folder's name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Runs per combination.
    pub replications: u32,
    /// The experiment's seed.
    pub seed: u64,
    /// Which cells share draws.
    pub seed_policy: SeedPolicy,
    /// Keys (or prefixes of keys) whose axes do not change the draws under `paired`.
    pub paired_over: Vec<String>,
    /// The key of this run's draws. Written into `config_used.yaml`, so that this file alone repeats the run.
    pub draw_key: DrawKey,
}

/// Section `simulation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulationConfig {
    /// Which world.
    pub scenario: Scenario,
    /// Length of the run in steps.
    pub max_steps: Step,
    /// 0 to 4: SKUs, suppliers, lead times, tools.
    pub complexity_level: u32,
    /// Low, medium or high demand.
    pub pressure_level: PressureLevel,
    /// Actions a day has.
    pub actions_per_day: u32,
    /// Budget on day 0.
    pub initial_budget: Cents,
    /// Stock of every SKU on day 0.
    pub initial_storage_per_sku: Units,
    /// The run ends when the posted budget is below this.
    pub bankrupt_below: Cents,
    /// Units that the warehouse holds.
    pub storage_capacity: Units,
    /// Fee per unit in stock and evening.
    pub storage_fee: Cents,
}

/// Section `demand`. Where a pressure level decides, the value here is the resolved one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemandConfig {
    /// Expected customer orders a day over all SKUs.
    pub orders_per_day: f64,
    /// Days from request to due day.
    pub due_days: Day,
    /// Days from request to expiry.
    pub expire_after_days: Day,
    /// Sale price over the cheapest supplier price.
    pub sale_markup: f64,
    /// Share of the revenue lost when late, 0 to 1.
    pub late_penalty: f64,
    /// Days over which expired customer orders are counted.
    pub failure_window_days: Day,
    /// Share of ended customer orders above which customers give up.
    pub max_failure_share: f64,
    /// Absolute number of expired customer orders above which they give up; replaces the share where given.
    pub max_failures: Option<u32>,
}

/// Section `model`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// A scripted agent or a language model.
    pub name: String,
    /// Tokens that the conversation may hold (language models).
    pub context_length: u32,
    /// Sampling temperature (language models).
    pub temperature: f64,
    /// Tokens a reply may have (language models, as all that follows).
    pub max_tokens_per_call: u32,
    /// Share of the likeliest tokens to sample from, 0 to 1; `None`: not sent.
    pub top_p: Option<f64>,
    /// Seed sent with every call; `None`: one derived per call.
    pub seed: Option<u64>,
    /// Seconds that a call may take, over all its attempts and waits.
    pub timeout_s: f64,
    /// Seconds that one attempt may take.
    pub attempt_timeout_s: f64,
    /// Seconds within which a connection must stand.
    pub connect_timeout_s: f64,
    /// Attempts of a call after its first.
    pub max_retries: u32,
    /// Calls in flight to one provider at the start; more than `max_connections` means that many. Where cells that ask
    /// one provider differ, the most that one of them says holds for all.
    pub start_connections: u32,
    /// Most calls ever in flight to one provider; where cells differ, the most that one of them says.
    pub max_connections: u32,
    /// Whether it is an error when another model answers than was asked.
    pub pin_model: bool,
}

/// Section `interface`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceConfig {
    /// Which predictions are demanded.
    pub prediction_mode: PredictionMode,
    /// Which prediction fields are offered.
    pub prediction_format: PredictionFormat,
    /// Scratchpad tools.
    pub memory_tools: MemoryTools,
    /// Recovery tools.
    pub recovery_tools: RecoveryTools,
    /// What each step's input shows.
    pub state_visibility: StateVisibility,
    /// Tools of plugins that are offered besides, by name.
    pub extra_tools: Vec<String>,
    /// How a language model states its action.
    pub reply_format: ReplyFormat,
    /// What follows an unreadable reply.
    pub on_malformed: OnMalformed,
    /// Folder of templates that replace the built-in ones, relative to the current directory.
    pub prompts: Option<String>,
}

/// Section `pe_induction`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeInductionConfig {
    /// Probability of a shock an evening, 0 to 1.
    pub p_shock: f64,
    /// Size of the shocks.
    pub pe_mag: Magnitude,
    /// Families of the shocks.
    pub pe_type_mix: TypeMix,
    /// What the agent is told of them.
    pub observability: Observability,
    /// What the sizes mean.
    pub magnitudes: Magnitudes,
}

/// What low, medium and high mean, by family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Magnitudes {
    /// Days that an order slips: least and most. Whole ends draw whole days; a fraction of a day is the chance of
    /// one day more.
    pub temporal: BySize,
    /// Factor on an order's quantity: least and most.
    pub quantity: BySize,
    /// Share by which a price rises, and days of delay.
    pub interference: BySize,
    /// Mornings by which a posting is late: least and most.
    pub posting_lag: BySize,
    /// Days by which a supplier's lead times grow: least and most.
    pub regime_shift: BySize,
}

/// Two numbers for each size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BySize {
    /// At `low`.
    pub low: [f64; 2],
    /// At `medium`.
    pub medium: [f64; 2],
    /// At `high`.
    pub high: [f64; 2],
}

impl BySize {
    /// The numbers of a size.
    #[must_use]
    pub fn at(&self, size: Magnitude) -> [f64; 2] {
        match size {
            Magnitude::Low => self.low,
            Magnitude::Medium => self.medium,
            Magnitude::High => self.high,
        }
    }
}

/// Section `measurement`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasurementConfig {
    /// Threshold level of the crash detectors.
    pub crash_threshold: CrashThreshold,
    /// Steps of evidence that a detector sees.
    pub window_size: Step,
    /// Steps that a run goes on after the first crash flag.
    pub continue_after_crash: Step,
    /// Lengths of the windows of the error statistics, in steps.
    pub pe_windows: Vec<Step>,
    /// Whether every step record holds the window statistics.
    pub windows_in_steps: bool,
    /// What temporal errors are divided by.
    pub temporal_basis: TemporalBasis,
    /// Steps after which an error that was not revealed counts as never revealed.
    pub reveal_horizon: Step,
    /// Names of the crash detectors that run; `all`; or `v1` for the original's rules.
    pub detectors: Vec<String>,
    /// Crash types that make up the primary event of analyses.
    pub primary: Vec<String>,
}

/// Section `synthetic`: when and how the agent `synthetic` breaks down. In each step in which it is sound, the
/// hazard is `1 - exp(-baseline * exp(b . x))`, where `b` are the coefficients and `x` the accumulated errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticConfig {
    /// How it breaks down.
    pub kind: SyntheticKind,
    /// Rate of breakdowns a step without errors.
    pub baseline: f64,
    /// What an accumulated error adds to the logarithm of the rate.
    pub coefficients: Coefficients,
    /// Which account of errors counts.
    pub account: ErrorAccount,
    /// Probability a step of recovering from a breakdown.
    pub recovery: f64,
    /// Step at which it breaks down whatever the hazard; the hazard then plays no part.
    pub onset: Option<Step>,
}

/// A coefficient for each accumulated error, by error type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coefficients {
    /// When orders arrive.
    pub temporal: ScaleCoefficients,
    /// How much of them is taken in.
    pub quantity: ScaleCoefficients,
    /// What is charged.
    pub cost: ScaleCoefficients,
    /// What actions do.
    pub causal: ScaleCoefficients,
}

/// A coefficient for each time scale of an accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleCoefficients {
    /// Of the fast moving average.
    pub fast: f64,
    /// Of the medium one.
    pub med: f64,
    /// Of the slow one.
    pub slow: f64,
    /// Of the sum of all errors.
    pub sum: f64,
}

/// Section `limits`, as far as it concerns one run. A run that reaches one ends there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Tokens, of requests and replies.
    pub run_tokens: Option<u64>,
    /// US dollars.
    pub run_cost: Option<f64>,
    /// Seconds of wall time. A run that goes on has used up what its calls took before.
    pub run_time_s: Option<f64>,
}

/// Section `limits`, as far as it concerns the experiment as a whole. No part of a run's configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExperimentLimits {
    /// Tokens, of requests and replies.
    pub tokens: Option<u64>,
    /// US dollars.
    pub cost: Option<f64>,
    /// Seconds of wall time, of each invocation anew.
    pub time_s: Option<f64>,
}

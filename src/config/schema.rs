//! Every key of a configuration, once: canonical path, what it takes, default, meaning.
//!
//! Checks, error texts and the building of a [`RunConfig`](super::settings::RunConfig) read this table and hold no
//! key, range or default of their own. What a default depends on (the pressure level) stands here too. The keys of a
//! `providers` entry have a table of their own in [`super::providers`].

mod entry;

pub use entry::{DefaultValue, Entry, Kind, Status};

use entry::{entry, used};

use super::settings::{
    CrashThreshold, ErrorAccount, Magnitude, MemoryTools, MixWord, Observability, PredictionFormat, PredictionMode,
    PressureLevel, RecoveryTools, ReplyFormat, Scenario, SeedPolicy, StateVisibility, SyntheticKind, TemporalBasis,
};

/// The scenario where no file names one. Records say which scenario made them, except for this one.
pub const WAREHOUSE: &str = "warehouse";

/// The experiment's seed where no file names one.
pub const DEFAULT_SEED: u64 = 42;

/// Largest seed: JSON readers keep whole numbers exactly up to here.
pub const MAX_SEED: u64 = (1 << 53) - 1;

/// Highest complexity level.
pub const MAX_LEVEL: u32 = 4;

/// Most steps a run may have.
pub const MAX_STEPS: u64 = 10_000_000;

/// Number of SKUs at a complexity level.
#[must_use]
pub fn skus_at_level(level: u32) -> u32 {
    5 + 5 * level
}

/// Customer orders a day (over all SKUs) and days until they are due, where the `demand` section is silent.
#[must_use]
pub fn demand_of(pressure: PressureLevel) -> (f64, u32) {
    match pressure {
        PressureLevel::Low => (0.10, 5),
        PressureLevel::Medium => (0.20, 3),
        PressureLevel::High => (0.30, 2),
    }
}

use DefaultValue::{Null, NullFor, Required};
use Status::{Batch, Resolved, Unused, Used};

const DELAY: Kind = Kind::Range(0.0, 1000.0);
const FACTOR: Kind = Kind::Range(0.0, 100.0);
const RISE: Kind = Kind::Pair((0.0, 100.0), (0.0, 1000.0));
const DETECTOR_SETS: &[&str] = &["all", "v1"];
const COEFFICIENT: Kind = Kind::Real(-1e6, 1e6);
const COUNT: Kind = Kind::Integer(0, 1_000_000);
const DAYS: Kind = Kind::Integer(1, 1_000_000);
const STEPS: Kind = Kind::Integer(1, MAX_STEPS);
const BUDGET: Kind = Kind::Money(-1_000_000_000, 1_000_000_000);
const SECONDS: Kind = Kind::Real(0.001, 1e9);
const CONNECTIONS: Kind = Kind::Integer(1, 100_000);
const TOKENS: Kind = Kind::Integer(1, MAX_SEED);
const USD: Kind = Kind::Real(0.0, 1e9);

/// The table, by section.
pub const SCHEMA: &[Entry] = &[
    entry(
        "experiment.name",
        Kind::Name,
        Required,
        Used,
        "name of the experiment, part of run ids and of the result folder",
    ),
    entry("experiment.description", Kind::Prose(10_000), Null, Used, "free text"),
    used("experiment.replications", Kind::Integer(1, 1_000_000), "1", "runs per combination of the grid"),
    entry("experiment.seed", Kind::Integer(0, MAX_SEED), NullFor("42"), Used, "the seed that all draws follow from"),
    used(
        "experiment.seed_policy",
        Kind::Word(SeedPolicy::WORDS),
        "paired",
        "which cells of the grid share their draws",
    ),
    used(
        "experiment.paired_over",
        Kind::Paths,
        "[pe_induction]",
        "under paired, axes over these keys do not change the draws",
    ),
    entry("experiment.draw_key", Kind::DrawKey, Null, Used, "the key of one run's draws, as config_used.yaml has it"),
    used("simulation.scenario", Kind::Word(Scenario::WORDS), "warehouse", "which world the agent runs"),
    used("simulation.max_steps", STEPS, "1000", "length of a run in steps"),
    used(
        "simulation.complexity_level",
        Kind::Integer(0, MAX_LEVEL as u64),
        "1",
        "number of SKUs and suppliers, lead times, tools",
    ),
    used(
        "simulation.pressure_level",
        Kind::Word(PressureLevel::WORDS),
        "medium",
        "how much demand presses on the agent",
    ),
    used("simulation.actions_per_day", Kind::Integer(1, 1000), "1", "actions that a day has"),
    used("simulation.initial_budget", BUDGET, "200", "budget on day 0"),
    used("simulation.initial_storage_per_sku", COUNT, "0", "stock of every SKU on day 0"),
    used("simulation.bankrupt_below", BUDGET, "-100", "the run ends when the posted budget is below this"),
    used("simulation.storage_capacity", Kind::Integer(1, 1_000_000), "500", "units that the warehouse holds"),
    used("simulation.storage_fee", Kind::Money(0, 1_000_000), "0.1", "fee per unit in stock and evening"),
    entry(
        "demand.orders_per_day",
        Kind::Real(0.0, 25.0),
        Null,
        Used,
        "customer orders a day over all SKUs; null: by pressure level",
    ),
    entry(
        "demand.p_customer_order",
        Kind::Probability,
        Null,
        Resolved,
        "customer orders a day per SKU; decides orders_per_day",
    ),
    entry("demand.due_days", DAYS, Null, Used, "days until a customer order is due; null: by pressure level"),
    used("demand.expire_after_days", DAYS, "20", "days until an unshipped customer order expires"),
    used("demand.sale_markup", Kind::Real(0.0, 1000.0), "1.6", "sale price over the cheapest supplier price"),
    used("demand.late_penalty", Kind::Probability, "0", "share of the revenue lost when late"),
    used("demand.failure_window_days", DAYS, "200", "days over which expired customer orders are counted"),
    used(
        "demand.max_failure_share",
        Kind::Probability,
        "0.6",
        "share of expired customer orders above which customers give up",
    ),
    entry("demand.max_failures", COUNT, Null, Used, "number of expired customer orders that replaces the share"),
    used("model.name", Kind::Line(256), "heuristic", "a scripted agent or a language model"),
    used("model.context_length", Kind::Integer(1, 100_000_000), "32000", "tokens that the conversation may hold"),
    used("model.temperature", Kind::Real(0.0, 2.0), "0.3", "sampling temperature"),
    used("model.max_tokens_per_call", Kind::Integer(1, 10_000_000), "2000", "tokens that a reply may have"),
    entry("model.top_p", Kind::Probability, Null, Used, "share of the likeliest tokens to sample from; null: not sent"),
    entry(
        "model.seed",
        Kind::Integer(0, MAX_SEED),
        Null,
        Used,
        "seed sent with every call; null: one derived per call",
    ),
    used("model.timeout_s", SECONDS, "60", "seconds that a call may take, over all its attempts and waits"),
    used("model.attempt_timeout_s", SECONDS, "60", "seconds that one attempt of a call may take"),
    used("model.connect_timeout_s", SECONDS, "5", "seconds within which a connection must stand"),
    used("model.max_retries", Kind::Integer(0, 1000), "8", "attempts of a call after its first"),
    used(
        "model.start_connections",
        CONNECTIONS,
        "20",
        "calls in flight at the start, at most max_connections; the most that a cell says",
    ),
    used(
        "model.max_connections",
        CONNECTIONS,
        "100",
        "calls that may ever be in flight to one provider; the most that a cell says",
    ),
    used("model.pin_model", Kind::Flag, "false", "whether it is an error when another model answers"),
    used(
        "interface.prediction_mode",
        Kind::Word(PredictionMode::WORDS),
        "required",
        "which predictions an action must carry",
    ),
    used(
        "interface.prediction_format",
        Kind::Word(PredictionFormat::WORDS),
        "structured",
        "which fields a prediction card offers",
    ),
    used("interface.memory_tools", Kind::Word(MemoryTools::WORDS), "none", "which scratchpad tools the agent has"),
    used("interface.recovery_tools", Kind::Word(RecoveryTools::WORDS), "none", "which recovery tools the agent has"),
    used(
        "interface.state_visibility",
        Kind::Word(StateVisibility::WORDS),
        "last_result",
        "what a step's input shows besides the last result",
    ),
    used("interface.extra_tools", Kind::Names(&[]), "[]", "tools of plugins that are offered besides"),
    used(
        "interface.reply_format",
        Kind::Word(ReplyFormat::WORDS),
        "tool_calls",
        "how a language model states its action",
    ),
    used(
        "interface.on_malformed",
        Kind::OnMalformed,
        "reask(1)",
        "what follows an unreadable reply: the model is asked up to k times more, or the step passes without action",
    ),
    entry(
        "interface.prompts",
        Kind::Line(4096),
        Null,
        Used,
        "folder of templates that replace the built-in ones, relative to the current directory",
    ),
    used("pe_induction.p_shock", Kind::Probability, "0.1", "probability of a shock an evening"),
    used("pe_induction.pe_mag", Kind::Word(Magnitude::WORDS), "medium", "how large shocks are"),
    used("pe_induction.pe_type_mix", Kind::Mix(MixWord::WORDS), "realistic", "which families of shocks strike"),
    used("pe_induction.observability", Kind::Word(Observability::WORDS), "full", "what the agent is told of shocks"),
    used(
        "pe_induction.magnitudes.temporal.low",
        DELAY,
        "[0.5, 0.5]",
        "days that an order slips; half a day is a chance of one",
    ),
    used("pe_induction.magnitudes.temporal.medium", DELAY, "[1, 1]", "the same at medium size"),
    used("pe_induction.magnitudes.temporal.high", DELAY, "[2, 3]", "the same at high size"),
    used("pe_induction.magnitudes.quantity.low", FACTOR, "[0.9, 1.1]", "factor on an order's quantity"),
    used("pe_induction.magnitudes.quantity.medium", FACTOR, "[0.7, 1.3]", "the same at medium size"),
    used("pe_induction.magnitudes.quantity.high", FACTOR, "[0.5, 2]", "the same at high size"),
    used(
        "pe_induction.magnitudes.interference.low",
        RISE,
        "[0.05, 1]",
        "share by which a price rises, and days of delay",
    ),
    used("pe_induction.magnitudes.interference.medium", RISE, "[0.15, 2]", "the same at medium size"),
    used("pe_induction.magnitudes.interference.high", RISE, "[0.3, 4]", "the same at high size"),
    used("pe_induction.magnitudes.posting_lag.low", DELAY, "[1, 1]", "mornings by which a posting is late"),
    used("pe_induction.magnitudes.posting_lag.medium", DELAY, "[2, 2]", "the same at medium size"),
    used("pe_induction.magnitudes.posting_lag.high", DELAY, "[4, 4]", "the same at high size"),
    used("pe_induction.magnitudes.regime_shift.low", DELAY, "[1, 1]", "days by which a supplier's lead times grow"),
    used("pe_induction.magnitudes.regime_shift.medium", DELAY, "[2, 2]", "the same at medium size"),
    used("pe_induction.magnitudes.regime_shift.high", DELAY, "[4, 4]", "the same at high size"),
    used(
        "measurement.crash_threshold",
        Kind::Word(CrashThreshold::WORDS),
        "moderate",
        "how much evidence a crash detector asks for",
    ),
    used("measurement.window_size", Kind::Integer(5, 1000), "20", "steps of evidence that a crash detector sees"),
    used(
        "measurement.continue_after_crash",
        Kind::Integer(0, MAX_STEPS),
        "50",
        "steps that a run goes on after its first crash flag",
    ),
    used(
        "measurement.pe_windows",
        Kind::Windows(10_000),
        "[10, 100, 500]",
        "windows of the error statistics, in steps",
    ),
    used("measurement.windows_in_steps", Kind::Flag, "false", "whether step records hold the window statistics"),
    used(
        "measurement.temporal_basis",
        Kind::Word(TemporalBasis::WORDS),
        "lead_time",
        "what a temporal error is divided by",
    ),
    used(
        "measurement.reveal_horizon",
        STEPS,
        "500",
        "steps after which an error that was not revealed counts as never revealed",
    ),
    used(
        "measurement.detectors",
        Kind::Names(DETECTOR_SETS),
        "[all]",
        "which crash detectors run; v1: those of the original",
    ),
    used(
        "measurement.primary",
        Kind::Names(&[]),
        "[looping, invalid_burst, budget_denial, exploration_collapse, slow_divergence, malformed_output]",
        "crash types that make up the primary event of analyses",
    ),
    entry("measurement.success_metric", Kind::Line(256), Null, Unused, "older files name the outcome of interest here"),
    entry("measurement.log_every_n_steps", STEPS, Null, Unused, "every step is recorded"),
    entry(
        "measurement.checkpoint_every_n_steps",
        STEPS,
        Null,
        Unused,
        "runs are repeated from their seed, not from checkpoints",
    ),
    used("synthetic.kind", Kind::Word(SyntheticKind::WORDS), "loop", "how the agent synthetic breaks down"),
    used("synthetic.baseline", Kind::Real(0.0, 1000.0), "0.001", "its rate of breakdowns a step without errors"),
    used(
        "synthetic.coefficients.temporal.fast",
        COEFFICIENT,
        "0",
        "what the fast average of temporal errors adds to the log rate",
    ),
    used("synthetic.coefficients.temporal.med", COEFFICIENT, "0", "the same for the medium average"),
    used("synthetic.coefficients.temporal.slow", COEFFICIENT, "0", "the same for the slow average"),
    used("synthetic.coefficients.temporal.sum", COEFFICIENT, "0", "the same for the sum"),
    used(
        "synthetic.coefficients.quantity.fast",
        COEFFICIENT,
        "0",
        "what the fast average of quantity errors adds to the log rate",
    ),
    used("synthetic.coefficients.quantity.med", COEFFICIENT, "0", "the same for the medium average"),
    used("synthetic.coefficients.quantity.slow", COEFFICIENT, "0", "the same for the slow average"),
    used("synthetic.coefficients.quantity.sum", COEFFICIENT, "0", "the same for the sum"),
    used(
        "synthetic.coefficients.cost.fast",
        COEFFICIENT,
        "0",
        "what the fast average of cost errors adds to the log rate",
    ),
    used("synthetic.coefficients.cost.med", COEFFICIENT, "0", "the same for the medium average"),
    used("synthetic.coefficients.cost.slow", COEFFICIENT, "0", "the same for the slow average"),
    used("synthetic.coefficients.cost.sum", COEFFICIENT, "0", "the same for the sum"),
    used(
        "synthetic.coefficients.causal.fast",
        COEFFICIENT,
        "0",
        "what the fast average of causal errors adds to the log rate",
    ),
    used("synthetic.coefficients.causal.med", COEFFICIENT, "0", "the same for the medium average"),
    used("synthetic.coefficients.causal.slow", COEFFICIENT, "0", "the same for the slow average"),
    used("synthetic.coefficients.causal.sum", COEFFICIENT, "0", "the same for the sum"),
    used(
        "synthetic.account",
        Kind::Word(ErrorAccount::WORDS),
        "objective",
        "whether errors count when decided or when revealed",
    ),
    used("synthetic.recovery", Kind::Probability, "0", "probability a step that it recovers"),
    entry(
        "synthetic.onset",
        Kind::Integer(0, MAX_STEPS),
        Null,
        Used,
        "step at which it breaks down, whatever the hazard",
    ),
    entry("limits.tokens", TOKENS, Null, Batch, "tokens that the whole experiment may use"),
    entry("limits.cost", USD, Null, Batch, "US dollars that the whole experiment may cost"),
    entry("limits.time_s", SECONDS, Null, Batch, "seconds that the experiment may take, anew with each --resume"),
    entry("limits.run_tokens", TOKENS, Null, Used, "tokens that one run may use"),
    entry("limits.run_cost", USD, Null, Used, "US dollars that one run may cost"),
    entry("limits.run_time_s", SECONDS, Null, Used, "seconds that one run may take, before and after a --resume"),
    entry(
        "pins.scenario_sha256",
        Kind::Digits(64),
        Null,
        Batch,
        "what the SHA-256 of the scenario must be; anything else is an error",
    ),
    entry(
        "pins.initial_state_hash",
        Kind::Digits(32),
        Null,
        Batch,
        "what the state hash before the first step must be; anything else is an error",
    ),
    entry("paths.results_dir", Kind::Line(4096), Null, Batch, "where results go when --output-dir is not given"),
    entry("paths.logs_dir", Kind::Line(4096), Null, Unused, "each run's log lies in its result folder"),
    entry(
        "paths.checkpoints_dir",
        Kind::Line(4096),
        Null,
        Unused,
        "runs are repeated from their seed, not from checkpoints",
    ),
];

/// Pairs of keys that decide the same thing. Setting one takes the other back; one layer may not set both.
pub(crate) const RIVALS: &[(&str, &str)] = &[("demand.orders_per_day", "demand.p_customer_order")];

/// The key that decides the same thing as `path`, if any.
pub(crate) fn rival(path: &str) -> Option<&'static str> {
    RIVALS.iter().find_map(|&(a, b)| if a == path { Some(b) } else { (b == path).then_some(a) })
}

/// The entry of a canonical path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Entry> {
    SCHEMA.iter().find(|entry| entry.path == path)
}

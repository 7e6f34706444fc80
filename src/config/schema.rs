//! Every key of a configuration, once: canonical path, what it takes, default, meaning.
//!
//! Checks, error texts and the building of a [`RunConfig`](super::settings::RunConfig) read this table and hold no
//! key, range or default of their own. What a default depends on (the pressure level) stands here too.

use super::settings::{
    CrashThreshold, ErrorAccount, Magnitude, MemoryTools, MixWord, Observability, PredictionFormat, PredictionMode,
    PressureLevel, RecoveryTools, Scenario, SeedPolicy, StateVisibility, SyntheticKind, TemporalBasis,
};

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

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A whole number in a range, both ends included.
    Integer(u64, u64),
    /// A finite number in a range, both ends included.
    Real(f64, f64),
    /// A number from 0 to 1.
    Probability,
    /// An amount of money in currency units with at most two decimals, both ends included.
    Money(i64, i64),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A text of 1 to so many characters, without control characters.
    Line(usize),
    /// A text of at most so many characters, line breaks allowed.
    Prose(usize),
    /// 1 to 64 letters, digits, dots, underscores and hyphens, not starting with a dot.
    Name,
    /// 64 hexadecimal digits.
    DrawKey,
    /// A list of different whole numbers from 1 to this, not empty.
    Windows(u64),
    /// A list of keys and sections in any spelling.
    Paths,
    /// A list of two numbers in a range, the first not larger than the second.
    Range(f64, f64),
    /// A list of two numbers, each in a range of its own.
    Pair((f64, f64), (f64, f64)),
    /// A list of different names of what is registered, or one of these words, which stand for a whole list. One name
    /// alone is a list of it. Which names there are is known where the plugins are, and checked by the plan.
    Names(&'static [&'static str]),
    /// One of these words, or a map of weights by names of what is registered.
    Mix(&'static [&'static str]),
}

impl Kind {
    /// Whether one value of the key is a list.
    #[must_use]
    pub fn takes_list(self) -> bool {
        matches!(self, Kind::Windows(_) | Kind::Paths | Kind::Range(..) | Kind::Pair(..) | Kind::Names(_))
    }

    /// What the key takes, for "expected …".
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Kind::Integer(low, high) => format!("a whole number from {low} to {high}"),
            Kind::Real(low, high) => format!("a number from {low} to {high}"),
            Kind::Probability => "a probability from 0 to 1".to_owned(),
            Kind::Money(low, high) => format!("an amount of money from {low} to {high} with at most two decimals"),
            Kind::Flag => "true or false".to_owned(),
            Kind::Word([only]) => (*only).to_owned(),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::Line(most) => format!("a text of 1 to {most} characters on one line"),
            Kind::Prose(most) => format!("a text of at most {most} characters"),
            Kind::Name => "1 to 64 letters, digits, dots, underscores or hyphens, not starting with a dot".to_owned(),
            Kind::DrawKey => "64 hexadecimal digits".to_owned(),
            Kind::Windows(most) => format!("a list of different whole numbers from 1 to {most}, such as [10, 100]"),
            Kind::Paths => "a list of keys or sections, such as [pe_induction]".to_owned(),
            Kind::Range(low, high) => format!("a list of two numbers from {low} to {high}, smaller one first"),
            Kind::Pair((a, b), (c, d)) => {
                format!("a list of two numbers, the first from {a} to {b}, the second from {c} to {d}")
            }
            Kind::Names([]) => "a list of different names, such as [looping]".to_owned(),
            Kind::Names(alone) => format!("{}, or a list of different names, such as [looping]", alone.join(", ")),
            Kind::Mix(words) => {
                format!("one of {}, or weights by family, such as {{temporal: 1, quantity: 2}}", words.join(", "))
            }
        }
    }
}

/// What holds where no file names the key. Texts are YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// The key must be given.
    Required,
    /// This value.
    Value(&'static str),
    /// This value, which `null` also stands for.
    NullFor(&'static str),
    /// Nothing, or what the key's documentation says.
    Null,
}

/// What becomes of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Part of every run's configuration.
    Used,
    /// Decides the value of another key.
    Resolved,
    /// Means something to the batch, nothing to a run.
    Batch,
    /// Found in older files; accepted, checked and reported as unused.
    Unused,
}

/// One key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// Canonical dotted path.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds without it.
    pub default: DefaultValue,
    /// What becomes of it.
    pub status: Status,
    /// What it means, in one line.
    pub doc: &'static str,
}

impl Entry {
    /// Whether `null` may be written.
    #[must_use]
    pub fn takes_null(&self) -> bool {
        matches!(self.default, Null | NullFor(_))
    }

    /// What the key takes, for "expected …".
    #[must_use]
    pub fn expected(&self) -> String {
        let kind = self.kind.expected();
        if self.takes_null() { format!("{kind}, or null") } else { kind }
    }

    /// Why a grid may not run over this key, if so.
    #[must_use]
    pub fn no_axis(&self) -> Option<&'static str> {
        match self.status {
            Status::Unused => Some("this key is not used, so an axis over it would only repeat runs"),
            Status::Batch => Some("this key belongs to the batch as a whole and cannot be a grid axis"),
            _ if self.path.starts_with("experiment.") && self.path != "experiment.seed" => {
                Some("this key belongs to the experiment as a whole and cannot be a grid axis")
            }
            Status::Used | Status::Resolved => None,
        }
    }
}

const fn used(path: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Entry {
    Entry { path, kind, default: DefaultValue::Value(default), status: Status::Used, doc }
}

const fn entry(path: &'static str, kind: Kind, default: DefaultValue, status: Status, doc: &'static str) -> Entry {
    Entry { path, kind, default, status, doc }
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

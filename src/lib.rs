//! VendoMini: a seeded warehouse that surprises agents, measures their prediction errors and detects breakdowns.
//!
//! An experiment file names an agent, a world, and how often, how strongly, in which way and how visibly the world
//! surprises the agent. Its grid makes many runs. Each run is a Bevy World that is stepped without a window, a clock
//! or a file; every step is recorded. The README shows the program from outside; this page shows the library.
//!
//! # The picture
//!
//! ```text
//! configs/*.yaml -> config -> plan -> batch: worker threads, each with one World, one run after another
//!                   parse,    grid,     |
//!                   check     run ids   |  every step
//!                                       v
//!                         PreAgent --------------> agent --------------> PostAgent
//!                         Morning    Observation          Decision       Act
//!                         Observe                                        Evening
//!                                                                        Resolve
//!                                                                        Detect
//!                                                                        Record
//!                                                                          |  lines
//!                                                                          v
//!                                                      results/<experiment>/runs/<run_id>/
//! ```
//!
//! The modules, in the order of the data:
//!
//! - [`base`]: what every module needs and what needs none: units, identifiers, keyed draws, decisions
//! - [`config`], [`plan`]: what the user wrote, checked; which runs that makes
//! - [`engine`]: what scenarios share: the calendar, suppliers, purchase orders, money, messages, the state of a run
//! - [`interface`]: what passes between the world and whoever decides
//! - [`shock`], [`prediction`], [`tool`], [`crash`]: what goes wrong, what was expected, what can be done, what a
//!   breakdown is
//! - [`agent`]: who decides
//! - [`scenario`]: what else exists; [`scenario::warehouse`] is the first one
//! - [`llm`]: agents that are language models, and their providers
//! - [`step`]: in what order all of this happens
//! - [`record`], [`legacy`]: what is kept; the Python original's records
//! - [`simulation`], [`plugins`]: driving a run; what a program is made of, third parties' parts included
//! - [`analysis`]: what records say, read back
//! - [`selftest`], [`batch`]: the instrument tested by itself; how a whole plan is run
//! - [`cli`]: the command line
//!
//! # One run by hand
//!
//! [`Simulation`](simulation::driver::Simulation) holds the World of a run; runs that wait for a language model leave it to
//! others meanwhile. The agent sits between two calls: what it may see goes
//! out of [`observe`](simulation::driver::Simulation::observe), and its decision goes into
//! [`apply`](simulation::driver::Simulation::apply). Without shocks the heuristic's promised days are all kept:
//!
//! ```
//! use std::path::Path;
//!
//! use vendomini::config::{self, Overrides};
//! use vendomini::plan::Plan;
//! use vendomini::prediction::predictions::Predictions;
//! use vendomini::simulation::driver::Simulation;
//! use vendomini::base::run_end::EndReason;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let set = vec!["pe_induction.p_shock=0".to_owned()];
//! let overrides = Overrides { set, max_steps: Some(50), ..Overrides::default() };
//! let experiment = config::load(Path::new("configs/base.yaml"), &overrides)?;
//! let run = Plan::new(experiment)?.run(0);
//!
//! let mut simulation = Simulation::new();
//! simulation.start(&run.config, false);
//! let mut agent = simulation.agent("heuristic").expect("it is built in");
//! let ended = loop {
//!     simulation.observe();
//!     let decision = simulation.ask(agent.as_mut());
//!     if let Some(reason) = simulation.apply(decision) {
//!         break reason;
//!     }
//! };
//!
//! assert_eq!(ended, EndReason::Horizon);
//! let predictions = simulation.world().resource::<Predictions>();
//! let temporal = predictions.tracks().temporal.total().expect("some orders have arrived");
//! assert!(temporal.count > 0);
//! assert_eq!(temporal.sum, 0.0);
//! # Ok(())
//! # }
//! ```
//!
//! To run a whole plan with records, use [`batch::run_batch`]. To make a run in an App of your own, with a window or
//! whatever else it has, add [`DriverPlugin`](plugins::driver_plugin::DriverPlugin): it makes one step in each
//! `FixedUpdate`, and `App::run` ends with the run. To drive a World that you own, call
//! [`observe`](simulation::observe) and [`apply`](simulation::apply).
//!
//! # Plugins
//!
//! [`VendoMiniPlugins`] has five:
//!
//! | plugin | adds |
//! |---|---|
//! | [`ActPlugin`](tool::ActPlugin), [`ToolPlugin`](tool::ToolPlugin) | the call of tools; the tools that every scenario has |
//! | [`StrikePlugin`](shock::StrikePlugin), [`ShockPlugin`](shock::ShockPlugin) | the evening's draw; the shock families `temporal`, `quantity`, `interference`, `posting_lag`, `regime_shift` |
//! | [`DetectionPlugin`](crash::DetectionPlugin), [`CrashPlugin`](crash::CrashPlugin) | the watch over every step; the detectors `looping`, `invalid_burst`, `budget_denial`, `decoupling`, `exploration_collapse`, `slow_divergence`, `malformed_output`, `belief_divergence` |
//! | [`AgentPlugin`](agent::AgentPlugin) | the agents `heuristic`, `mock`, `noop`, `oracle`, `random`, `synthetic` |
//! | [`StepPlugin`](step::StepPlugin) | both schedules, their sets, and the order of every system |
//!
//! Each can be disabled or replaced; without detectors or shocks a run goes on all the same.
//!
//! # Extending it
//!
//! Third parties add plugins of their own, with the methods by which the built-in ones are registered too:
//!
//! | method of `App` | adds | where it runs | how a configuration asks for it |
//! |---|---|---|---|
//! | [`add_tool`](tool::registry::ToolAppExt::add_tool) | something an agent can do | `Act` | `interface.extra_tools` |
//! | [`add_shock`](shock::family::ShockAppExt::add_shock) | something that goes wrong | `Evening` | `pe_induction.pe_type_mix`, as a map of weights |
//! | [`add_crash_detector`](crash::detector::CrashDetectorAppExt::add_crash_detector) | a crash type | `Detect` | `measurement.detectors`, `measurement.primary` |
//! | [`add_agent`](agent::register::AgentAppExt::add_agent) | an agent in Rust | between the schedules | `model.name` |
//! | [`add_run_state`](engine::run_state::RunStateAppExt::add_run_state) | state of a plugin | `Record` | |
//!
//! Names are unique and `snake_case`; configurations are checked against them before the first run. [`main_with`] is
//! the whole command line with a third party's plugins inside, so its program is a few lines:
//!
//! ```no_run
//! use vendomini::prelude::*;
//!
//! /// No detector of ours looks for this.
//! struct Panic;
//!
//! impl CrashDetector for Panic {
//!     fn name(&self) -> &'static str {
//!         "panic"
//!     }
//!
//!     fn start(&mut self, _: CrashThreshold) {}
//!
//!     fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
//!         let Some(now) = window.now() else { return Verdict::Unable };
//!         let Some(thoughts) = &now.thoughts else { return Verdict::Unable };
//!         if thoughts.contains("we are doomed") {
//!             Verdict::Fired { onset: now.step, evidence: thoughts.to_string() }
//!         } else {
//!             Verdict::Clear
//!         }
//!     }
//! }
//!
//! fn panic_plugin(app: &mut App) {
//!     app.add_crash_detector(Panic);
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     vendomini::main_with(Plugins::default().with(panic_plugin, env!("CARGO_PKG_VERSION")))
//! }
//! ```
//!
//! The [`manual`] has pages on [writing a tool](manual::tool), [writing a crash type](manual::crash_type),
//! [determinism](manual::determinism), and [symptoms](manual::symptoms) with their causes. A package that extends this
//! one depends on `vendomini` and, for its derives, on the same `bevy`, `schemars` and `serde`.
//!
//! # Schedules, sets and systems
//!
//! Within a row, systems run in the order in which they are named; the sets run from top to bottom. A day has one
//! step unless `simulation.actions_per_day` says otherwise, or the agent ends it with `tool_wait`.
//!
//! | schedule | set | when | systems |
//! |---|---|---|---|
//! | [`PreAgent`](step::PreAgent) | [`Morning`](step::PreAgentSystems::Morning) | a day's first step | [`deliver_due_orders`](scenario::warehouse::dock::deliver_due_orders), [`post_due_postings`](engine::ledger::post_due_postings), [`release_batch`](shock::observability::release_batch), [`receive_customer_requests`](scenario::warehouse::customer::receive_customer_requests) |
//! | | [`Observe`](step::PreAgentSystems::Observe) | every step | [`assemble_observation`](agent::observe::assemble_observation), [`open_shock_account`](shock::strike::open_shock_account) |
//! | [`PostAgent`](step::PostAgent) | [`Act`](step::PostAgentSystems::Act) | every step | [`act`](tool::act::act), [`bind_predictions`](prediction::bind::bind_predictions) |
//! | | [`Evening`](step::PostAgentSystems::Evening) | a day's last step | [`charge_storage_fees`](scenario::warehouse::sku::charge_storage_fees), [`expire_customer_orders`](scenario::warehouse::customer::expire_customer_orders), [`strike_shock`](shock::strike::strike_shock) |
//! | | [`Resolve`](step::PostAgentSystems::Resolve) | every step | [`resolve_predictions`](prediction::resolve::resolve_predictions) |
//! | | [`Detect`](step::PostAgentSystems::Detect) | every step | [`detect_crashes`](crash::state::detect_crashes) |
//! | | [`Record`](step::PostAgentSystems::Record) | every step | [`hash_warehouse`](scenario::warehouse::hash::hash_warehouse), [`hash_run_states`](engine::run_state::hash_run_states) where plugins have state, [`record_step`](record::step::record_step) |
//!
//! Systems of third parties can stand in every set, ordered against those named here; an undecided order is an error
//! before the first run. Nothing may change the world in `Observe`, `Detect` and `Record`: what the agent is shown, what
//! detectors judge and what is hashed would no longer be one world.
//!
//! After `Record` the driver checks once whether the run is over, and why ([`EndReason`](base::run_end::EndReason)).
//!
//! # Determinism
//!
//! The same version, configuration and seed give the same records to the byte, whatever the number of threads.
//! Only `manifest.json`, `connections.jsonl` and `experiment.log` hold times. What this rests on:
//!
//! - **Order.** Systems of different modules are ordered in [`step`] and nowhere else. Both schedules run on one
//!   thread, and two systems with an undecided order are an error when the schedule is built. Runs are parallel,
//!   steps are not.
//! - **Identity.** Everything is sorted, hashed, logged and drawn by the types of [`ids`](base::ids), never by
//!   [`Entity`](bevy::prelude::Entity). Maps that could leak an arbitrary order are refused by the linter.
//! - **Randomness.** A draw is addressed by what it decides ([`rng`](base::rng)) and is never consumed in sequence. More draws
//!   in one place change nothing elsewhere, and cells of an experiment can share a world. Streams have versions.
//! - **Numbers.** Money is integer cents and goods are integer units ([`units`](base::units)). Floats stand in scores and
//!   probabilities; functions that differ between platforms come from `libm`.
//! - **Outside.** No system reads a clock, the environment, a file or the network.
//!
//! Each step record ends with `state_hash`: a chain, by [`state_hash::ALGORITHM`](engine::state_hash::ALGORITHM), over the
//! world after the step and all hashes before it. Two runs with equal last hashes went through equal worlds. The
//! tests pin such chains, permute plugins and the order of spawning, and plant faults to see that they are caught.
//! Across versions nothing is promised: the manifest lists the versions of the streams and of the hash.
pub mod agent;
pub mod analysis;
pub mod base;
pub mod batch;
pub mod cli;
pub mod config;
pub mod crash;
pub mod engine;
pub mod interface;
pub mod legacy;
pub mod llm;
pub mod manual;
pub mod plan;
pub mod plugins;
pub mod prediction;
pub mod prelude;
pub mod record;
pub mod scenario;
pub mod selftest;
pub mod shock;
pub mod simulation;
pub mod step;
pub mod tool;

pub use cli::main_with;

/// The README's programs, compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

bevy::app::plugin_group! {
    /// The simulation: the schedules of a step, and every module that adds systems to them.
    pub struct VendoMiniPlugins {
        step:::StepPlugin,
        engine:::EnginePlugin,
        tool:::ActPlugin,
        tool:::ToolPlugin,
        shock:::StrikePlugin,
        shock:::ShockPlugin,
        shock:::DisclosurePlugin,
        prediction:::PredictionPlugin,
        crash:::DetectionPlugin,
        crash:::CrashPlugin,
        agent:::ObservationPlugin,
        agent:::AgentPlugin,
        scenario::warehouse:::WarehousePlugin,
        scenario::warehouse::agent:::WarehouseAgentPlugin,
        record:::RecordPlugin,
    }
}

//! What it means when something is odd.
//!
//! | symptom | cause | what to do |
//! |---|---|---|
//! | `the crash detector … is registered twice` | two plugins use one name; the error names both places | rename one, or leave a plugin out with [`Plugins::disable`](crate::plugins::Plugins::disable) |
//! | my two detectors conflict | they do not: each judges the window by itself, and both flags are recorded. `crash_type` is the first of them by name | look at `flags` and `crash_types`; name one in `measurement.primary` when only that one matters |
//! | my detector never fires | it is not in `measurement.detectors`; or it says `Unable` | look at its flag: null is `Unable`. [`is_enough`](crate::crash::evidence::EvidenceWindow::is_enough) asks for five steps |
//! | `detect` says null where the run said true or false | the record does not tell what [`needs`](crate::crash::detector::CrashDetector::needs) asks for | ask for less, or accept it: the Python original's records tell neither open work nor outcomes |
//! | `there is no extra tool …` | no plugin of this program registers it | build the program with the plugin; mind the spelling that the message proposes |
//! | my tool is never called | it is not offered, or the agent does not know it | name it in `interface.extra_tools`; scripted agents other than `random` use the built-in tools only |
//! | every call of my tool is `bad_arguments` | the agent's arguments do not fit the struct | compare the record's `action.args` with the tool's schema ([`OfferedTool`](crate::interface::observation::OfferedTool)) |
//! | `cannot be the arguments of a tool` | a derive is missing | derive `Deserialize` and `JsonSchema`; `schemars` must be the version that vendomini uses |
//! | predictions on my tool's orders are void, `not_bound_by_tool` | its spec does not say that it binds them, or its reply has no binding | [`ToolSpec::binds`](crate::tool::registry::ToolSpec::binds) and [`ToolReply::binding`](crate::interface::result::ToolReply::binding) |
//! | my shock is never drawn | the mix does not name it | `pe_induction.pe_type_mix: {my_shock: 1}` |
//! | `realistic draws temporal, and there is no such shock family` | the built-in families are disabled, and the mix is a word | write the mix as a map of weights |
//! | errors after my shock have no `causes` | it changed orders behind the back of the [`PurchaseBook`](crate::engine::orders::PurchaseBook) | use `delay` and `change_quantity`, which leave the shock's id on the order |
//! | `the schedule … cannot be built`, `indeterminate execution order` | two systems touch the same data in no order | order them with `before` and `after` ([determinism](super::determinism)) |
//! | my state hash changed | the world, the draws, or the state of a plugin changed | compare `state_hash` step by step: the first step that differs says where to look. Records of another version, configuration, seed or set of plugins are not expected to agree |
//! | my state hash changed, and only that | a run state was added, renamed or serialises differently | it is part of the hash; records besides are the same |
//! | two runs of one seed differ | something is not keyed: a `HashMap`, a static, a `Local`, a clock, draws in sequence | read [determinism](super::determinism); permute plugins and threads until it shows |
//! | the run before leaks into the next | a detector keeps what it has seen, or a `Local` does | forget it in `start`; keep state in resources |
//! | a run ends with `… changed in a run, and other runs have the same World` | a resource of a plugin is not registered | [`add_run_state`](crate::engine::run_state::RunStateAppExt::add_run_state), for messages [`add_run_message`](crate::engine::run_state::RunStateAppExt::add_run_message), for a cache [`share_between_runs`](crate::engine::run_state::RunStateAppExt::share_between_runs) |
//! | `the system … is in the schedule Update` | a batch steps runs without an App | add it where the message says, or make the run in an App with [`DriverPlugin`](crate::plugins::driver_plugin::DriverPlugin) |
//! | the oracle stops: `begins in the world …` | the World was made by [`from_app`](crate::simulation::driver::Simulation::from_app), whose plugins a rehearsal does not know; or the plugin is not deterministic | make it with [`Plugins::simulation`](crate::plugins::Plugins::simulation) |
//! | a replay is refused with two lists of plugins | the records were made with other plugins, or other versions | build the program that made them |
//! | `selftest` fails with my plugin | it changes the world in every run | it should: what arithmetic says holds no more. Register it as a shock, or test without it |

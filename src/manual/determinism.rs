//! How a plugin keeps the promise.
//!
//! The same version, configuration and seed give the same records to the byte, whatever the number of threads and the
//! order of the plugins. A plugin is part of the version: the manifest lists it with its own. What it has to do:
//!
//! - **Draw by address.** Take a [`Stream`](crate::base::rng::Stream) from [`RunKey`](crate::base::rng::RunKey) under a name of your
//!   own, and address a draw by the day (or step) and what it decides. Never keep a generator and draw in sequence: one
//!   more draw would change all that follow. A shock draws from its [`Strike`](crate::shock::family::Strike), an agent
//!   from its [`AgentSetup`](crate::agent::register::AgentSetup). Raise the version of a stream when its meaning
//!   changes.
//! - **Keep state where it is reset and hashed.** A resource registered with
//!   [`add_run_state`](crate::engine::run_state::RunStateAppExt::add_run_state) begins anew in each run and enters the
//!   state hash; one registered with
//!   [`add_run_resource`](crate::engine::run_state::RunStateAppExt::add_run_resource) begins anew and is not hashed; an
//!   entity with [`RunScoped`](crate::engine::run_state::RunScoped) goes with its run, with whatever components it has.
//!   Runs take turns in one World, between the two schedules of a step. So statics, `Local`, `Changed` and `Added` see
//!   other runs too, messages between systems are registered with
//!   [`add_run_message`](crate::engine::run_state::RunStateAppExt::add_run_message), and any other resource that changes
//!   in a run ends it as a defect.
//! - **Sort by id.** The books ([`PurchaseBook`](crate::engine::orders::PurchaseBook) and the like) iterate by id. A query of
//!   your own does not: sort what it gives before the order can matter. Never sort, log or draw by
//!   [`Entity`](bevy::prelude::Entity). No `HashMap` or `HashSet` where its order can be seen.
//! - **Order your systems.** Both schedules run on one thread, and two systems whose order is undecided and which touch
//!   the same data are an error before the first run. Order a system against the sets
//!   ([`PostAgentSystems`](crate::step::PostAgentSystems)) or against the systems in the table of the
//!   [crate](crate#schedules-sets-and-systems): those of a set run in the order in which they stand there. `after` the
//!   last one of a set is usually right.
//! - **Look at nothing outside.** No clock, no environment, no file, no network in a system.
//! - **Mind the numbers.** Money is [`Cents`](crate::base::units::Cents), goods are whole
//!   [`Units`](crate::base::units::Units). Functions such as `exp` and `powf` differ between platforms; `libm` does not.
//!
//! # What registration decides, and what it does not
//!
//! Tools, shock families and agents are kept by name, detectors by the order of their table and then by name. When and
//! by whom something was registered decides nothing. Systems that a plugin adds to the schedules are ordered by what
//! they say of themselves alone.
//!
//! # How to see it
//!
//! Run twice and compare `state_hash` in the last step records. Then permute what must not matter: plugins in another
//! order, another number of threads (`--n-jobs`), a World that has made another run before. Running the same thing twice
//! proves little.

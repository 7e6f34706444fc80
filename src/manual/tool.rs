//! Writing a tool.
//!
//! A tool is a system that takes its arguments and returns a [`ToolReply`](crate::interface::result::ToolReply) or a
//! [`ToolError`](crate::interface::result::ToolError). A plugin registers it with
//! [`add_tool`](crate::tool::registry::ToolAppExt::add_tool), a configuration offers it:
//!
//! ```yaml
//! interface: {extra_tools: [tool_donate]}
//! ```
//!
//! # Arguments
//!
//! A struct with named fields that derives `Deserialize` and `JsonSchema`; a tool without arguments takes a struct
//! without fields. The schema is what a language model is given, so write for it: a doc comment on each field, units
//! and an example in it, ranges by `#[schemars(range(min = 1))]`, and `#[serde(deny_unknown_fields)]`. The system runs
//! only on arguments that could be read; it must still check what a schema cannot say.
//!
//! # What it must be honest about
//!
//! The instrument compares what agents say with what is true, so it must learn what a call did:
//!
//! - **The result** is the object that the reply is made of, with `success` and `state_changed` beside it.
//!   `state_changed` is false for a look.
//! - **Facts** ([`showing`](crate::interface::result::ToolReply::showing)) say what the result tells of stock, money, orders
//!   and offers. They make the shown state, which decides whose fault a later failure is and whether work is open.
//! - **The binding** ([`binding`](crate::interface::result::ToolReply::binding)) says what the call decided or left open:
//!   an order that was placed, cancelled or expedited. [`ToolSpec::binds`](crate::tool::registry::ToolSpec::binds)
//!   states which error types that can be.
//! - **The subject** ([`about`](crate::interface::result::ToolReply::about)) is the SKU that `expected_storage_after` speaks
//!   of; all stock without it.
//! - **A refusal** is a [`ToolError`](crate::interface::result::ToolError): it changes nothing and says what to do. Where
//!   hidden truth decided, [`because`](crate::interface::result::ToolError::because) names the precondition, so that the
//!   failure is the world's fault when the agent could not know.
//!
//! # What it may change
//!
//! The world, through its own rules: [`PurchaseBook`](crate::engine::orders::PurchaseBook),
//! [`SupplierMarket`](crate::engine::suppliers::SupplierMarket), [`Warehouse`](crate::scenario::warehouse::sku::Warehouse),
//! [`SalesBook`](crate::scenario::warehouse::customer::SalesBook), [`Ledger`](crate::engine::ledger::Ledger). State of its own
//! is registered with [`add_run_state`](crate::engine::run_state::RunStateAppExt::add_run_state). Events of its own go
//! into `events.jsonl` as [`WorldEvent::Custom`](crate::engine::journal::WorldEvent::Custom). Draws come from
//! [`RunKey`](crate::base::rng::RunKey).
//!
//! ```
//! use vendomini::prelude::*;
//!
//! /// What the tool takes.
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct DonateArgs {
//!     /// Whole units of money to give away, at least 1.
//!     #[schemars(range(min = 1))]
//!     amount: u32,
//! }
//!
//! #[derive(Serialize)]
//! struct Donated {
//!     donated_so_far: u32,
//! }
//!
//! /// How much the run has given away.
//! #[derive(Resource, Default, Serialize)]
//! struct Donations(u32);
//!
//! fn donate(In(args): In<DonateArgs>, mut donations: ResMut<Donations>) -> Result<ToolReply, ToolError> {
//!     if args.amount == 0 {
//!         return Err(ToolError::new(ErrorCode::BadArguments, "amount is 0; give at least 1"));
//!     }
//!     donations.0 += args.amount;
//!     Ok(ToolReply::success(true, &Donated { donated_so_far: donations.0 }))
//! }
//!
//! fn charity(app: &mut App) {
//!     app.add_run_state::<Donations>("donations");
//!     app.add_tool(ToolSpec::new("tool_donate", "Gives away money that is not the warehouse's."), donate);
//! }
//!
//! assert!(Plugins::default().with(charity, "0.1.0").check().is_ok());
//! ```

//! Everything that a plugin usually needs, Bevy's own prelude included: `use vendomini::prelude::*;`.

pub use bevy::prelude::*;
pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};

pub use crate::agent::action::{Action, Decision};
pub use crate::agent::observation::Briefing;
pub use crate::agent::register::{AgentAppExt, AgentSetup};
pub use crate::agent::scripted::card::honest_card;
pub use crate::agent::shown::{Fact, ShownState};
pub use crate::agent::{Agent, Input};
pub use crate::config::settings::CrashThreshold;
pub use crate::crash::detector::{CrashDetector, CrashDetectorAppExt, Need, Verdict, by_level};
pub use crate::crash::evidence::{EvidenceWindow, StepEvidence};
pub use crate::ids::{CustomerOrderId, OrderId, ShockId, SkuId, SupplierId};
pub use crate::main_with;
pub use crate::plugins::Plugins;
pub use crate::prediction::card::Card;
pub use crate::prediction::error::ErrorType;
pub use crate::rng::{RunKey, Stream};
pub use crate::shock::family::{Effect, ShockAppExt, Strike};
pub use crate::shock::ledger::{DoseLedger, ShockState, Target};
pub use crate::step::driver::Simulation;
pub use crate::step::{PostAgent, PostAgentSystems, PreAgent, PreAgentSystems};
pub use crate::tool::registry::{Availability, ToolAppExt, ToolSpec};
pub use crate::tool::result::{Binding, ErrorCode, Precondition, ToolError, ToolReply};
pub use crate::units::{Cents, Day, Step, Units};
pub use crate::world::calendar::Calendar;
pub use crate::world::customer::CustomerBook;
pub use crate::world::inbox::{CustomNews, Inbox, MessageBody, ShockNews};
pub use crate::world::journal::{Event, Journal};
pub use crate::world::ledger::Ledger;
pub use crate::world::order::OrderBook;
pub use crate::world::run_state::RunStateAppExt;
pub use crate::world::sku::Warehouse;
pub use crate::world::spawn::RunScoped;
pub use crate::world::supplier::SupplierMarket;

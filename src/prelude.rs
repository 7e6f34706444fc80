//! Everything that a plugin usually needs, Bevy's own prelude included: `use vendomini::prelude::*;`.

pub use bevy::prelude::*;
pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};

pub use crate::agent::register::{AgentAppExt, AgentSetup};
pub use crate::agent::scripted::card::honest_card;
pub use crate::agent::{Agent, Input, Instruments};
pub use crate::base::card::Card;
pub use crate::base::decision::{Action, Decision};
pub use crate::base::error_type::ErrorType;
pub use crate::base::ids::{OrderId, SalesOrderId, ShockId, SkuId, SupplierId};
pub use crate::base::rng::{RunKey, Stream};
pub use crate::base::units::{Cents, Day, Step, Units};
pub use crate::config::settings::{CrashThreshold, RunConfig};
pub use crate::crash::detector::{CrashDetector, CrashDetectorAppExt, Need, Verdict, by_level};
pub use crate::crash::evidence::{EvidenceWindow, StepEvidence};
pub use crate::engine::calendar::Calendar;
pub use crate::engine::inbox::{CustomNews, Inbox, MessageBody, ShockNews};
pub use crate::engine::journal::{Event, Journal};
pub use crate::engine::ledger::Ledger;
pub use crate::engine::orders::PurchaseBook;
pub use crate::engine::run_state::RunScoped;
pub use crate::engine::run_state::RunStateAppExt;
pub use crate::engine::suppliers::SupplierMarket;
pub use crate::interface::fact::Fact;
pub use crate::interface::observation::Briefing;
pub use crate::interface::result::{Binding, ErrorCode, Precondition, ToolError, ToolReply};
pub use crate::main_with;
pub use crate::plugins::Plugins;
pub use crate::scenario::warehouse::customer::SalesBook;
pub use crate::scenario::warehouse::shown::ShownState;
pub use crate::scenario::warehouse::sku::Warehouse;
pub use crate::shock::family::{Effect, ShockAppExt, Strike};
pub use crate::shock::ledger::{DoseLedger, ShockState, Target};
pub use crate::simulation::driver::Simulation;
pub use crate::step::{PostAgent, PostAgentSystems, PreAgent, PreAgentSystems};
pub use crate::tool::registry::{Availability, ToolAppExt, ToolSpec};

//! The present step as it unfolds: what the agent was shown, what it decided, what came of it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::card::Card;
use crate::base::decision::Decision;
use crate::base::decision::{Action, ActionSource, ModelUse};
use crate::base::ids::{ShockId, SkuId};
use crate::base::units::{Cents, Day, Step, Units};
use crate::interface::fact::Fact;
use crate::interface::observation::StockTable;
use crate::interface::result::ErrorClass;
use crate::interface::result::{Binding, ToolResult};
use crate::interface::statement::{Statements, Subject};
use crate::interface::tool_kind::ToolKind;

/// The world as the agent chose, for records.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct StateRecord {
    /// The day.
    pub day: Day,
    /// Posted budget.
    pub budget: Cents,
    /// Stock by SKU.
    pub storage: StockTable,
    /// Stock over all SKUs.
    pub total_storage: Units,
    /// Pending supplier orders.
    pub pending_orders: usize,
    /// Open customer orders.
    pub open_customer_orders: usize,
    /// Unread messages.
    pub inbox_count: usize,
    /// Net revenue so far.
    pub revenue: Cents,
}

/// The present step.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Which step.
    pub step: Step,
    /// The world as the agent chose.
    pub state: StateRecord,
    /// Shocks that this step's input told of for the first time.
    pub revealed_shocks: Vec<ShockId>,
    /// Whether work is open, reading the inbox included.
    pub work_or_mail_open: bool,
    /// Whether work is open besides reading the inbox.
    pub work_besides_mail_open: bool,
    /// Whether work counts as open for what the agent did.
    pub work_open: bool,
    /// What the tool is for that the agent asked for; `None` when it did nothing or asked for one that is not offered.
    pub tool_kind: Option<ToolKind>,
    /// What the agent asked for.
    pub action: Option<Arc<Action>>,
    /// What it expected, as far as it was offered to say so.
    pub card: Option<Card>,
    /// Where the action came from.
    pub source: ActionSource,
    /// What the agent was thinking.
    pub thoughts: Option<Arc<str>>,
    /// What asking a language model took.
    pub model: Option<Arc<ModelUse>>,
    /// Fields that the card stated and the interface does not offer; they predict nothing.
    pub not_offered: Vec<&'static str>,
    /// What came of it.
    pub result: ToolResult,
    /// What that shows.
    pub facts: SmallVec<[Fact; 2]>,
    /// What predictions can bind to.
    pub binding: Binding,
    /// The SKU that the action is about.
    pub subject: Option<SkuId>,
    /// Whose fault it was, when the call failed.
    pub error_class: Option<ErrorClass>,
    /// Posted budget before the action.
    pub budget_before: Cents,
    /// Posted budget right after the action.
    pub budget_after: Cents,
    /// What the card said of stock and money, beside the truth.
    pub statements: Statements,
    /// Wrong statements that are left out there, since only what is hidden made them wrong.
    pub excused: SmallVec<[Subject; 2]>,
}

crate::base::table_resource::table_resource!(Turn);

impl Default for Turn {
    fn default() -> Turn {
        Turn {
            step: 0,
            state: StateRecord::default(),
            revealed_shocks: Vec::new(),
            work_or_mail_open: false,
            work_besides_mail_open: false,
            work_open: false,
            tool_kind: None,
            action: None,
            card: None,
            source: ActionSource::Scripted,
            thoughts: None,
            model: None,
            not_offered: Vec::new(),
            result: ToolResult::of_nothing(),
            facts: SmallVec::new(),
            binding: Binding::Action,
            subject: None,
            error_class: None,
            budget_before: Cents::ZERO,
            budget_after: Cents::ZERO,
            statements: Statements::new(),
            excused: SmallVec::new(),
        }
    }
}

impl Turn {
    /// The tool that the agent asked for; empty when it did nothing.
    #[must_use]
    pub fn action_tool(&self) -> &str {
        self.action.as_deref().map_or("", |action| action.tool.as_str())
    }
}

/// The agent's answer, waiting to be carried out.
#[derive(Debug, Default)]
pub struct Answer(pub Option<Decision>);

crate::base::table_resource::table_resource!(Answer);

//! What happened in the present step, in the order in which it happened.
//!
//! Rules write here; prediction resolution, crash detection and records read it. Cleared by the driver when the
//! next step starts, so nothing piles up over a run.

use std::borrow::Cow;

use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::expectation::{Expectation, Reference};
use crate::base::ids::{OrderId, SalesOrderId, ShockId, SkuId, SupplierId};
use crate::base::units::{Cents, Day, Units};
use crate::engine::ledger::PostingKind;

/// The shocks (by id) that changed one property of an order.
pub type Causes = SmallVec<[ShockId; 2]>;

/// A supplier order that reached the dock.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Delivery {
    /// The order.
    pub order: OrderId,
    /// Who delivered.
    pub supplier: SupplierId,
    /// What was delivered.
    pub sku: SkuId,
    /// Units ordered.
    pub ordered: Units,
    /// Units that arrived at the dock.
    pub arrived: Units,
    /// Units taken in and charged.
    pub taken: Units,
    /// Units turned away for lack of room.
    pub turned_away: Units,
    /// Day that was promised when the order was placed (or expedited).
    pub promised_day: Day,
    /// Amount charged at the agreed price.
    pub charged: Cents,
    /// Shocks that moved the day.
    pub day_shocks: Causes,
    /// Shocks that the supplier has told of, or that are over: they mislead only who has old news of it.
    pub told_shocks: Causes,
    /// Shocks that changed the quantity.
    pub quantity_shocks: Causes,
    /// What was predicted of the order, but for the charge.
    #[serde(skip)]
    pub expectations: Vec<Expectation>,
    /// What the reference policy would have predicted.
    #[serde(skip)]
    pub reference: Option<Reference>,
}

/// What is decided when a delivery's charge is posted.
#[derive(Clone, Debug)]
pub struct ChargeOutcome {
    /// The order.
    pub order: OrderId,
    /// What was predicted of the charge.
    pub expectations: Vec<Expectation>,
    /// What the reference policy would have predicted.
    pub reference: Option<f64>,
    /// Shocks that changed the agreed price.
    pub price_shocks: Causes,
    /// Shocks that changed the quantity.
    pub quantity_shocks: Causes,
    /// Whether units were turned away at the dock.
    pub turned_away: bool,
}

/// One thing that happened. Serialised, it is a line of `events.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A supplier order was placed.
    OrderPlaced {
        /// The order.
        order: OrderId,
        /// With whom.
        supplier: SupplierId,
        /// Of what.
        sku: SkuId,
        /// Units ordered.
        quantity: Units,
        /// Agreed price of one unit.
        unit_price: Cents,
        /// Day promised.
        promised_day: Day,
    },
    /// A supplier order was cancelled.
    OrderCancelled {
        /// The order.
        order: OrderId,
        /// What it cost.
        fee: Cents,
    },
    /// A supplier order was expedited.
    OrderExpedited {
        /// The order.
        order: OrderId,
        /// Day promised before.
        old_day: Day,
        /// Day promised now.
        new_day: Day,
        /// What it cost.
        fee: Cents,
    },
    /// A supplier order reached the dock.
    Delivery(Delivery),
    /// Money moved.
    Posting {
        /// For what.
        kind: PostingKind,
        /// How much, as a positive amount.
        amount: Cents,
        /// For which supplier order.
        #[serde(skip_serializing_if = "Option::is_none")]
        order: Option<OrderId>,
        /// For which customer order.
        #[serde(skip_serializing_if = "Option::is_none")]
        customer_order: Option<SalesOrderId>,
        /// The posted budget after it.
        budget: Cents,
        /// The shock that made it late.
        #[serde(skip_serializing_if = "Option::is_none")]
        late_by: Option<ShockId>,
        /// What a delivery's charge decides.
        #[serde(skip)]
        charge: Option<Box<ChargeOutcome>>,
    },
    /// A posting will be late.
    PostingDelayed {
        /// For what.
        kind: PostingKind,
        /// How much, as a positive amount.
        amount: Cents,
        /// For which supplier order.
        #[serde(skip_serializing_if = "Option::is_none")]
        order: Option<OrderId>,
        /// For which customer order.
        #[serde(skip_serializing_if = "Option::is_none")]
        customer_order: Option<SalesOrderId>,
        /// Day on whose morning it will be posted.
        due_day: Day,
        /// The shock that delays it.
        late_by: ShockId,
    },
    /// A customer asked for goods.
    CustomerRequest {
        /// The customer order.
        customer_order: SalesOrderId,
        /// For what.
        sku: SkuId,
        /// Units asked for.
        quantity: Units,
        /// Price of one unit.
        unit_price: Cents,
        /// Last day in time.
        due_day: Day,
        /// Last day at all.
        expires_day: Day,
    },
    /// A customer order was shipped.
    Shipment {
        /// The customer order.
        customer_order: SalesOrderId,
        /// What.
        sku: SkuId,
        /// Units.
        quantity: Units,
        /// Revenue after the penalty.
        net_revenue: Cents,
        /// Whether it went out after its due day.
        late: bool,
    },
    /// A customer order ended unshipped.
    CustomerExpired {
        /// The customer order.
        customer_order: SalesOrderId,
    },
    /// A shock was drawn.
    Shock(crate::shock::ledger::ShockRecord),
    /// A shock that was drawn before changed its state.
    ShockState {
        /// The shock.
        shock_id: ShockId,
        /// Its state now.
        state: crate::shock::ledger::ShockState,
    },
    /// The agent's input told of a shock for the first time.
    ShockRevealed {
        /// The shock.
        shock_id: ShockId,
    },
    /// A resolved prediction was wrong because of a shock.
    PredictionTurnedWrong {
        /// The shock.
        shock_id: ShockId,
        /// What the prediction was about.
        #[serde(rename = "type")]
        kind: crate::base::error_type::ErrorType,
        /// Step whose card made it.
        made_on: crate::base::units::Step,
    },
    /// A prediction came to nothing.
    PredictionVoided {
        /// Step whose card made it.
        made_on: crate::base::units::Step,
        /// What it was about.
        #[serde(rename = "type")]
        kind: crate::base::error_type::ErrorType,
        /// Why.
        void_reason: crate::prediction::account::VoidReason,
    },
    /// A crash detector's flag changed.
    CrashFlag {
        /// The detector.
        detector: String,
        /// Whether it flags now.
        flag: bool,
        /// First step of the evidence.
        #[serde(skip_serializing_if = "Option::is_none")]
        onset_step: Option<crate::base::units::Step>,
        /// What the detector saw.
        #[serde(skip_serializing_if = "Option::is_none")]
        evidence: Option<String>,
    },
    /// The first flag of the run.
    Crash {
        /// The detector that set it.
        crash_type: String,
    },
    /// A crashed run came back: all flags clear long enough.
    Recovery {},
    /// Something that a plugin tells of.
    Custom {
        /// The plugin's name for it.
        name: Cow<'static, str>,
        /// What happened.
        data: serde_json::Value,
    },
    /// The crash is as severe as it will be called.
    SeverityDecided {
        /// How severe.
        severity: crate::crash::severity::Severity,
    },
}

/// The present step's events.
#[derive(Debug, Default)]
pub struct Journal {
    /// In order of happening.
    pub events: Vec<Event>,
    /// The storage fee of this step's evening.
    pub storage_fee: Cents,
}

crate::base::table_resource::table_resource!(Journal);

impl Journal {
    /// Notes an event.
    pub fn note(&mut self, event: Event) {
        self.events.push(event);
    }

    /// The deliveries of this step.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.events.iter().filter_map(|event| match event {
            Event::Delivery(delivery) => Some(delivery),
            _ => None,
        })
    }

    /// Forgets the step.
    pub(crate) fn clear(&mut self) {
        self.events.clear();
        self.storage_fee = Cents::ZERO;
    }
}

//! The entity of a shock, one component a property. It exists while something more can come of the shock: it is armed,
//! it lasts, or pending orders and postings carry it. The [dose ledger](super::ledger) spawns and despawns it.

use std::sync::Arc;

use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::ids::{OrderId, ShockId, SkuId, SupplierId};
use crate::base::units::Day;
use crate::config::settings::Magnitude;
use crate::engine::inbox::ShockNews;
use crate::engine::run_state::RunScoped;

/// A shock of which something more can come.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
#[require(RunScoped)]
pub struct Shock {
    /// Its id.
    pub id: ShockId,
    /// Day on which it was drawn.
    pub drawn_on: Day,
}

/// The family of a shock.
#[derive(Component, Clone, Debug, PartialEq, Eq)]
pub struct ShockFamily(pub Arc<str>);

/// How large a shock was to be.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShockMagnitude(pub Magnitude);

/// What a shock did, or will do when it strikes.
#[derive(Component, Clone, Debug, PartialEq)]
pub struct ShockEffect {
    /// The change: days, or units more (or fewer).
    pub size: i64,
    /// What exactly changed.
    pub news: Option<ShockNews>,
}

/// What became of a shock.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShockState {
    /// It waits for something to strike.
    Armed,
    /// It changed something.
    Effective,
    /// It had nothing to strike, or no effect after rounding.
    Fizzled,
}

/// What a shock struck.
#[derive(Component, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// A pending order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// A supplier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplier: Option<SupplierId>,
    /// A SKU of that supplier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<SkuId>,
}

/// How long a shock goes on by itself. Beyond that it exists while pending orders and postings carry it.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lasting {
    /// Not at all: it struck once.
    #[default]
    Once,
    /// The effect holds until a day, the first without it. The shock goes on until another one replaces it or it is
    /// stopped: an agent that has old news may still be misled by it.
    Until(Day),
    /// Until it strikes (an armed one) or is stopped.
    UntilStopped,
}

impl Lasting {
    /// Whether the shock goes on by itself.
    #[must_use]
    pub fn goes_on(self) -> bool {
        self != Lasting::Once
    }
}

/// A shock as events and step records state it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ShockRecord {
    /// Its id.
    pub shock_id: ShockId,
    /// Its family.
    pub family: Arc<str>,
    /// How large it was to be.
    pub magnitude: Magnitude,
    /// What became of it in the evening of its draw.
    pub state: ShockState,
    /// What it struck.
    #[serde(flatten)]
    pub target: Target,
    /// The change: days, or units more (or fewer).
    pub size: i64,
    /// What exactly changed.
    pub effect: Option<ShockNews>,
}

/// All that the entity of a shock begins with.
#[derive(Bundle, Clone, Debug)]
pub struct ShockBundle {
    pub(crate) shock: Shock,
    pub(crate) family: ShockFamily,
    pub(crate) magnitude: ShockMagnitude,
    pub(crate) target: Target,
    pub(crate) state: ShockState,
    pub(crate) effect: ShockEffect,
    pub(crate) lasting: Lasting,
}

impl ShockBundle {
    /// The shock of a record.
    pub(crate) fn new(record: &ShockRecord, lasting: Lasting, drawn_on: Day) -> ShockBundle {
        ShockBundle {
            shock: Shock { id: record.shock_id, drawn_on },
            family: ShockFamily(record.family.clone()),
            magnitude: ShockMagnitude(record.magnitude),
            target: record.target.clone(),
            state: record.state,
            effect: ShockEffect { size: record.size, news: record.effect.clone() },
            lasting,
        }
    }
}

//! The dose ledger: what became of every shock that was drawn.

use std::collections::BTreeMap;

use bevy::prelude::*;
use serde::Serialize;

use super::family::Effect;
use crate::config::settings::Magnitude;
use crate::ids::{OrderId, ShockId};
use crate::units::Day;
use crate::world::inbox::ShockNews;
use crate::world::journal::Causes;
use crate::world::spawn::RunScoped;

/// What became of a shock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShockState {
    /// It changed something.
    Effective,
    /// It had nothing to strike, or no effect after rounding.
    Fizzled,
}

/// A shock as events and step records state it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShockRecord {
    /// Its id.
    pub shock_id: ShockId,
    /// Its family.
    pub family: String,
    /// How large it was to be.
    pub magnitude: Magnitude,
    /// What became of it.
    pub state: ShockState,
    /// The order that was struck.
    pub order: Option<OrderId>,
    /// The change: days, or units more (or fewer).
    pub size: i64,
    /// What exactly changed.
    pub effect: Option<ShockNews>,
}

/// A shock whose consequences are still open: its victim has not arrived.
#[derive(Component, Clone, Debug)]
#[require(RunScoped)]
pub struct Shock {
    /// Its id.
    pub id: ShockId,
    /// Its family.
    pub family: String,
    /// Day on which it struck.
    pub struck_on: Day,
}

/// Counts of one family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FamilyDose {
    /// Shocks that changed something.
    pub effective: u32,
    /// Shocks that changed nothing.
    pub fizzled: u32,
    /// Sum of the absolute sizes of the effective ones: days, or units.
    pub size: u64,
    /// Resolved predictions with an error that a shock of this family caused.
    pub predictions_turned_wrong: u32,
}

/// The doses of a run by family, and the shocks whose consequences are open.
#[derive(Resource, Clone, Debug, Default)]
pub struct DoseLedger {
    drawn: u32,
    open: BTreeMap<ShockId, Entity>,
    doses: BTreeMap<String, FamilyDose>,
    candidates: u32,
    today: Option<ShockRecord>,
}

impl DoseLedger {
    /// How many shocks were drawn so far.
    #[must_use]
    pub fn drawn(&self) -> u32 {
        self.drawn
    }

    /// How many victims this evening's shock could have struck (pending orders on evenings without a shock).
    #[must_use]
    pub fn candidates(&self) -> u32 {
        self.candidates
    }

    /// The shock drawn this evening.
    #[must_use]
    pub fn today(&self) -> Option<&ShockRecord> {
        self.today.as_ref()
    }

    /// Counts by family.
    #[must_use]
    pub fn doses(&self) -> &BTreeMap<String, FamilyDose> {
        &self.doses
    }

    /// Effective shocks whose consequences are open, by id.
    pub fn open_shocks(&self) -> impl Iterator<Item = ShockId> + '_ {
        self.open.keys().copied()
    }

    pub(super) fn start_step(&mut self, candidates: u32) {
        self.candidates = candidates;
        self.today = None;
    }

    pub(super) fn next_id(&mut self) -> ShockId {
        self.drawn += 1;
        ShockId(self.drawn)
    }

    pub(super) fn enter(
        &mut self,
        id: ShockId,
        family: &str,
        magnitude: Magnitude,
        effect: &Effect,
        open: Option<Entity>,
    ) {
        let dose = self.doses.entry(family.to_owned()).or_default();
        match effect.state {
            ShockState::Effective => {
                dose.effective += 1;
                dose.size += effect.size.unsigned_abs();
            }
            ShockState::Fizzled => dose.fizzled += 1,
        }
        if let Some(entity) = open {
            self.open.insert(id, entity);
        }
        self.candidates = effect.candidates;
        self.today = Some(ShockRecord {
            shock_id: id,
            family: family.to_owned(),
            magnitude,
            state: effect.state,
            order: effect.order,
            size: effect.size,
            effect: effect.news,
        });
    }

    /// A prediction was resolved with an error that these shocks caused.
    pub(crate) fn turned_wrong(&mut self, causes: &Causes, shocks: &Query<&Shock>) {
        for id in causes {
            let shock = shocks.get(self.open[id]).expect("an open shock is an entity");
            self.doses.get_mut(&shock.family).expect("a drawn shock has a dose").predictions_turned_wrong += 1;
        }
    }

    /// Nothing more can come of these shocks.
    pub(crate) fn close(&mut self, causes: &Causes, commands: &mut Commands) {
        for id in causes {
            if let Some(entity) = self.open.remove(id) {
                commands.entity(entity).despawn();
            }
        }
    }
}

//! The register of shock families, and how often a mix draws each.

use std::collections::BTreeMap;

use bevy::app::App;
use bevy::ecs::system::{BoxedSystem, IntoSystem};
use bevy::prelude::{In, Resource};

use super::ledger::{ShockState, Target};
use crate::config::settings::{Magnitudes, PeInductionConfig, TypeMix};
use crate::ids::ShockId;
use crate::rng::{DrawKey, Stream};
use crate::units::Day;
use crate::world::inbox::ShockNews;

/// A pending order's true day slips.
pub const TEMPORAL: &str = "temporal";
/// A pending order's quantity changes.
pub const QUANTITY: &str = "quantity";
/// A pending order at one supplier makes another supplier dearer and later for its SKU.
pub const INTERFERENCE: &str = "interference";
/// The next charge or revenue is posted late.
pub const POSTING_LAG: &str = "posting_lag";
/// A supplier's true lead times grow.
pub const REGIME_SHIFT: &str = "regime_shift";

/// The built-in families.
pub const ALL: [&str; 5] = [TEMPORAL, QUANTITY, INTERFERENCE, POSTING_LAG, REGIME_SHIFT];

/// Families and weights of a mix. Causal is evenly interference and posting lag.
#[must_use]
pub fn weights(mix: TypeMix) -> &'static [(&'static str, f64)] {
    match mix {
        TypeMix::Realistic => {
            &[(TEMPORAL, 0.4), (QUANTITY, 0.3), (INTERFERENCE, 0.1), (POSTING_LAG, 0.1), (REGIME_SHIFT, 0.1)]
        }
        TypeMix::TemporalOnly => &[(TEMPORAL, 1.0)],
        TypeMix::QuantityOnly => &[(QUANTITY, 1.0)],
        TypeMix::CausalOnly => &[(INTERFERENCE, 0.25), (POSTING_LAG, 0.25), (REGIME_SHIFT, 0.5)],
        TypeMix::Uniform => {
            &[(TEMPORAL, 0.25), (QUANTITY, 0.25), (INTERFERENCE, 0.125), (POSTING_LAG, 0.125), (REGIME_SHIFT, 0.25)]
        }
    }
}

/// A shock about to strike: what a family's system gets.
#[derive(Debug)]
pub struct Strike {
    /// The shock.
    pub id: ShockId,
    /// Today.
    pub day: Day,
    /// What its size means, by family.
    pub sizes: Sizes,
    stream: Stream,
}

/// The two numbers that size a shock of each family: those of the run's magnitude.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// Least and most days.
    pub temporal: [f64; 2],
    /// Least and most factor.
    pub quantity: [f64; 2],
    /// Share of the price, and days.
    pub interference: [f64; 2],
    /// Least and most mornings.
    pub posting_lag: [f64; 2],
    /// Least and most days.
    pub regime_shift: [f64; 2],
}

impl Sizes {
    /// The sizes of a run.
    #[must_use]
    pub fn of(config: &PeInductionConfig) -> Sizes {
        let Magnitudes { temporal, quantity, interference, posting_lag, regime_shift } = &config.magnitudes;
        let size = config.pe_mag;
        Sizes {
            temporal: temporal.at(size),
            quantity: quantity.at(size),
            interference: interference.at(size),
            posting_lag: posting_lag.at(size),
            regime_shift: regime_shift.at(size),
        }
    }
}

/// Whole days drawn between two ends. Whole ends draw whole days evenly; otherwise the days are drawn as a real number
/// whose fraction is the chance of one day more: half a day is one day with probability 1/2. Uses fields `field` and
/// `field + 1`.
pub fn draw_days(strike: &mut Strike, field: u64, [low, high]: [f64; 2]) -> Day {
    if low.fract() == 0.0 && high.fract() == 0.0 {
        return strike.integer(field, low as Day, high as Day);
    }
    let days = strike.real(field, low, high);
    days.floor() as Day + Day::from(strike.unit(field + 1) < days.fract())
}

/// Version of the families' streams.
pub const STREAM_VERSION: u32 = 1;

impl Strike {
    pub(super) fn new(id: ShockId, day: Day, sizes: Sizes, family: &str, key: DrawKey) -> Strike {
        Strike { id, day, sizes, stream: Stream::new(key, (&format!("shock.{family}"), STREAM_VERSION)) }
    }

    /// A uniform draw in [0, 1) for one `field` (below 64) of this shock.
    pub fn unit(&mut self, field: u64) -> f64 {
        self.stream.unit(self.day, field)
    }

    /// A uniform integer in `low..=high`.
    pub fn integer(&mut self, field: u64, low: u32, high: u32) -> u32 {
        self.stream.integer(self.day, field, low, high)
    }

    /// A uniform real in [`low`, `high`).
    pub fn real(&mut self, field: u64, low: f64, high: f64) -> f64 {
        self.stream.real(self.day, field, low, high)
    }

    /// A victim drawn by weight; `None` when there is none.
    pub fn victim(&mut self, field: u64, weights: impl Iterator<Item = f64> + Clone) -> Option<usize> {
        self.stream.weighted(self.day, field, weights)
    }
}

/// What a shock did: what a family's system returns.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Effective, fizzled or armed.
    pub state: ShockState,
    /// How many victims there were to choose from.
    pub candidates: u32,
    /// What was struck.
    pub target: Target,
    /// The size of the change: days, or units more (or fewer).
    pub size: i64,
    /// How many pending orders carry it.
    pub links: u32,
    /// Whether it is armed or lasts.
    pub running: bool,
    /// The shock whose lasting effect it replaces.
    pub replaces: Option<ShockId>,
    /// What a notice would tell.
    pub news: Option<ShockNews>,
}

impl Effect {
    /// There was nothing to strike.
    #[must_use]
    pub fn nothing_to_strike() -> Effect {
        Effect {
            state: ShockState::Fizzled,
            candidates: 0,
            target: Target::default(),
            size: 0,
            links: 0,
            running: false,
            replaces: None,
            news: None,
        }
    }
}

/// The families that this build can draw, by name.
#[derive(Resource, Default)]
pub struct ShockFamilies(pub(super) BTreeMap<String, BoxedSystem<In<Strike>, Effect>>);

/// Registers a family: a name and the system that strikes.
pub(crate) fn add<M>(app: &mut App, name: &str, system: impl IntoSystem<In<Strike>, Effect, M>) {
    let mut system: BoxedSystem<In<Strike>, Effect> = Box::new(IntoSystem::into_system(system));
    system.initialize(app.world_mut());
    let families = &mut app.world_mut().resource_mut::<ShockFamilies>().0;
    assert!(families.insert(name.to_owned(), system).is_none(), "the shock family {name} is registered twice");
}

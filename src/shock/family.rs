//! The register of shock families, and how often a mix draws each.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

use bevy::app::App;
use bevy::ecs::system::IntoSystem;
use bevy::prelude::{In, Mut, World};

use super::entity::Lasting;
use super::ledger::{ShockState, Target};
use crate::base::ids::ShockId;
use crate::base::one_shot::OneShotSystem;
use crate::base::registration::{Registrable, SourcePlace, admit};
use crate::base::rng::{DrawKey, Stream};
use crate::base::units::Day;
use crate::config::settings::{Magnitude, Magnitudes, MixWord, PeInductionConfig, TypeMix};
use crate::engine::inbox::ShockNews;

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

/// Families and weights of a word. Causal is evenly interference and posting lag.
fn shares_of_word(word: MixWord) -> &'static [(&'static str, f64)] {
    match word {
        MixWord::Realistic => {
            &[(TEMPORAL, 0.4), (QUANTITY, 0.3), (INTERFERENCE, 0.1), (POSTING_LAG, 0.1), (REGIME_SHIFT, 0.1)]
        }
        MixWord::TemporalOnly => &[(TEMPORAL, 1.0)],
        MixWord::QuantityOnly => &[(QUANTITY, 1.0)],
        MixWord::CausalOnly => &[(INTERFERENCE, 0.25), (POSTING_LAG, 0.25), (REGIME_SHIFT, 0.5)],
        MixWord::Uniform => {
            &[(TEMPORAL, 0.25), (QUANTITY, 0.25), (INTERFERENCE, 0.125), (POSTING_LAG, 0.125), (REGIME_SHIFT, 0.25)]
        }
    }
}

/// Families and weights of a mix, in the order in which they are drawn: that of the table for a word, by name for
/// weights of the user's.
#[must_use]
pub fn shares(mix: &TypeMix) -> Vec<(Arc<str>, f64)> {
    match mix {
        TypeMix::Word(word) => shares_of_word(*word).iter().map(|(family, share)| ((*family).into(), *share)).collect(),
        TypeMix::Weights(weights) => weights.iter().map(|(family, share)| (family.as_str().into(), *share)).collect(),
    }
}

/// A shock about to strike: what a family's system gets.
#[derive(Debug)]
pub struct Strike {
    /// The shock.
    pub id: ShockId,
    /// Today.
    pub day: Day,
    /// How large it is to be.
    pub magnitude: Magnitude,
    /// What that means for the built-in families.
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
    pub(crate) fn new(id: ShockId, day: Day, config: &PeInductionConfig, family: &str, key: DrawKey) -> Strike {
        let (magnitude, sizes) = (config.pe_mag, Sizes::of(config));
        Strike { id, day, magnitude, sizes, stream: Stream::new(key, (&format!("shock.{family}"), STREAM_VERSION)) }
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
    /// How long it goes on beyond the pending orders that carry it. One that lasts ends when another shock replaces it,
    /// or when [`DoseLedger::stop`](super::ledger::DoseLedger::stop) says that it is over.
    pub lasting: Lasting,
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
            lasting: Lasting::Once,
            replaces: None,
            news: None,
        }
    }
}

/// The families that this build can draw, by name.
#[derive(Default)]
pub struct ShockFamilies(BTreeMap<String, (OneShotSystem<In<Strike>, Effect>, SourcePlace)>);

crate::base::table_resource::table_resource!(ShockFamilies);

impl ShockFamilies {
    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is none, so that nothing ever goes wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets a family strike.
    pub(crate) fn strike(&mut self, family: &str, strike: Strike, world: &mut World) -> Effect {
        let (system, _) = self.0.get_mut(family).expect("a run draws only families that are built");
        system.run(strike, world)
    }

    /// Carries out what a family had left to do when it panicked.
    pub(crate) fn settle(world: &mut World) {
        world.resource_scope(|world, mut families: Mut<ShockFamilies>| {
            families.0.values_mut().for_each(|(system, _)| system.settle(world));
        });
    }

    /// Makes all families ready, so that what is wrong with a system shows at once.
    pub(crate) fn prepare(world: &mut World) {
        world.resource_scope(|world, mut families: Mut<ShockFamilies>| {
            families.0.values_mut().for_each(|(system, _)| system.prepare(world));
        });
    }
}

/// Registers shock families.
pub trait ShockAppExt {
    /// Registers a family of shocks: a name and the system that strikes. `pe_induction.pe_type_mix`, written as a map
    /// of weights by name, says how often it is drawn.
    ///
    /// The system draws from the [`Strike`] that it is given, changes the world, and says in its [`Effect`] what it
    /// did; whether and when the agent is told of it is decided by `pe_induction.observability`. Changes of pending
    /// orders ([`PurchaseBook::delay`], [`PurchaseBook::change_quantity`]) carry the shock's id, so that the prediction
    /// errors that come of them name it.
    ///
    /// # Runs in
    ///
    /// [`PostAgentSystems::Evening`](crate::step::PostAgentSystems::Evening), in
    /// [`strike_shock`](super::strike::strike_shock), on evenings on which a shock of this family is drawn: at most
    /// one shock an evening, after storage fees and the expiry of customer orders.
    ///
    /// A name that is no `snake_case` name or is taken is reported with all other problems of the plugins, by
    /// [`Plugins::check`](crate::plugins::Plugins::check), `main_with`, or a panic of
    /// [`Simulation::from_app`](crate::simulation::driver::Simulation::from_app).
    ///
    /// [`PurchaseBook::delay`]: crate::engine::orders::PurchaseBook::delay
    /// [`PurchaseBook::change_quantity`]: crate::engine::orders::PurchaseBook::change_quantity
    ///
    /// ```
    /// use vendomini::prelude::*;
    ///
    /// /// The oldest pending order comes two days later.
    /// fn lose_papers(In(strike): In<Strike>, mut book: PurchaseBook) -> Effect {
    ///     let candidates = book.pending().count() as u32;
    ///     let Some(order) = book.pending().next().map(|(order, _)| order.id) else {
    ///         return Effect::nothing_to_strike();
    ///     };
    ///     let (_, new_eta_day) = book.delay(order, 2, strike.id);
    ///     Effect {
    ///         state: ShockState::Effective,
    ///         candidates,
    ///         target: Target { order: Some(order), ..Target::default() },
    ///         size: 2,
    ///         news: Some(ShockNews::OrderDelayed { order_id: order, new_eta_day }),
    ///         ..Effect::nothing_to_strike()
    ///     }
    /// }
    ///
    /// fn bureaucracy(app: &mut App) {
    ///     app.add_shock("lost_papers", lose_papers);
    /// }
    ///
    /// let registered = Plugins::default().with(bureaucracy, "0.1.0").check().unwrap();
    /// assert!(registered.shocks.contains(&"lost_papers".to_owned()));
    /// ```
    #[track_caller]
    fn add_shock<M>(&mut self, name: &str, system: impl IntoSystem<In<Strike>, Effect, M>) -> &mut Self;
}

impl ShockAppExt for App {
    #[track_caller]
    fn add_shock<M>(&mut self, name: &str, system: impl IntoSystem<In<Strike>, Effect, M>) -> &mut Self {
        let place = SourcePlace::of(Location::caller());
        let known = self.init_resource::<ShockFamilies>().world().resource::<ShockFamilies>().0.get(name);
        let known = known.map(|(_, place)| place.clone());
        if admit(self, Registrable::Shock, name, known, &place) {
            let families = &mut self.world_mut().resource_mut::<ShockFamilies>().0;
            families.insert(name.to_owned(), (OneShotSystem::new(system), place));
        }
        self
    }
}

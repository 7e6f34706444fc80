//! The evening's draw: whether a shock strikes, of which family, and what comes of it.

use std::sync::Arc;

use bevy::prelude::*;

use super::family::{ShockFamilies, Sizes, Strike, weights};
use super::ledger::{DoseLedger, Shock, ShockRecord, ShockState};
use super::observability::Telling;
use crate::config::settings::{PeInductionConfig, RunConfig};
use crate::rng::{DrawKey, Stream};
use crate::world::calendar::Calendar;
use crate::world::inbox::Inbox;
use crate::world::journal::{Event, Journal};
use crate::world::order::Orders;

/// The stream that decides whether and which; each family has one of its own besides.
pub const STREAMS: [(&str, u32); 1] = [("shock.strike", 1)];

const STRIKES: u64 = 0;
const FAMILY: u64 = 1;

/// The shock settings of a run with its draws.
#[derive(Resource, Debug)]
pub struct ShockRule {
    config: PeInductionConfig,
    key: DrawKey,
    stream: Stream,
}

impl ShockRule {
    /// The rule of a run.
    #[must_use]
    pub fn new(config: &RunConfig) -> ShockRule {
        let key = config.experiment.draw_key;
        ShockRule { config: config.pe_induction.clone(), key, stream: Stream::new(key, STREAMS[0]) }
    }

    /// Whether a shock strikes on a day, and of which family. One draw a day serves every dose: the days at a
    /// lower probability are among those at a higher one.
    pub fn draw(&mut self, day: u32) -> Option<&'static str> {
        if self.stream.unit(day, STRIKES) >= self.config.p_shock {
            return None;
        }
        let families = weights(self.config.pe_type_mix);
        let drawn = self.stream.weighted(day, FAMILY, families.iter().map(|(_, weight)| *weight));
        Some(families[drawn.expect("a mix has families")].0)
    }
}

/// Morning of the step's account: nothing has struck yet.
pub fn open_shock_account(mut ledger: ResMut<DoseLedger>) {
    ledger.start_step();
}

/// Evening: a shock strikes with probability `p_shock`. Exclusive, since a family is a system of its own.
pub fn strike_shock(world: &mut World) {
    let pending = world.resource::<Orders>().pending() as u32;
    world.resource_mut::<DoseLedger>().start_evening(pending);
    let day = world.resource::<Calendar>().day();
    let mut rule = world.resource_mut::<ShockRule>();
    let (magnitude, key, sizes) = (rule.config.pe_mag, rule.key, Sizes::of(&rule.config));
    let Some(family) = rule.draw(day) else { return };
    let id = world.resource_mut::<DoseLedger>().next_id();
    let strike = Strike::new(id, day, sizes, family, key);
    let effect = world.resource_scope(|world, mut families: Mut<ShockFamilies>| {
        let system = families.0.get_mut(family).expect("a run draws only families that are built");
        let effect = system.run(strike, world).expect("a shock family's system runs");
        system.apply_deferred(world);
        effect
    });
    let family: Arc<str> = family.into();
    let alive = effect.state != ShockState::Fizzled;
    let entity = alive.then(|| world.spawn(Shock { id, family: family.clone(), drawn_on: day }).id());
    let record = ShockRecord {
        shock_id: id,
        family,
        magnitude,
        state: effect.state,
        target: effect.target.clone(),
        size: effect.size,
        effect: effect.news.clone(),
    };
    world.resource_mut::<Journal>().note(Event::Shock(record.clone()));
    let step = world.resource::<Calendar>().step();
    world.resource_mut::<DoseLedger>().enter(record, &effect, entity, step);
    if let Some(replaced) = effect.replaces {
        world.resource_scope(|world, mut doses: Mut<DoseLedger>| doses.stop(replaced, &mut world.commands()));
        world.flush();
    }
    if alive {
        world.resource_scope(|world, mut telling: Mut<Telling>| {
            telling.tell_shock(id, effect.news, day, &mut world.resource_mut::<Inbox>());
        });
    }
}

//! The evening's draw: whether a shock strikes, of which family, and what comes of it.

use std::sync::Arc;

use bevy::prelude::*;

use super::entity::{ShockBundle, ShockRecord, ShockState};
use super::family::{ShockFamilies, Strike, shares};
use super::ledger::DoseLedger;
use super::observability::DisclosurePolicy;
use super::relations::{carriers, spawn_links, supplier_of};
use crate::base::rng::{DrawKey, Stream};
use crate::config::settings::{PeInductionConfig, RunConfig};
use crate::engine::calendar::Calendar;
use crate::engine::inbox::Inbox;
use crate::engine::journal::Journal;
use crate::engine::orders::Orders;

/// The stream that decides whether and which; each family has one of its own besides.
pub const STREAMS: [(&str, u32); 1] = [("shock.strike", 1)];

const STRIKES: u64 = 0;
const FAMILY: u64 = 1;

/// The shock settings of a run with its draws.
#[derive(Debug)]
pub struct ShockRule {
    config: PeInductionConfig,
    shares: Vec<(Arc<str>, f64)>,
    key: DrawKey,
    stream: Stream,
}

crate::base::table_resource::table_resource!(ShockRule);

impl ShockRule {
    /// The rule of a run.
    #[must_use]
    pub fn new(config: &RunConfig) -> ShockRule {
        let key = config.experiment.draw_key;
        let shares = shares(&config.pe_induction.pe_type_mix);
        ShockRule { config: config.pe_induction.clone(), shares, key, stream: Stream::new(key, STREAMS[0]) }
    }

    /// Whether a shock strikes on a day, and of which family. One draw a day serves every dose: the days at a
    /// lower probability are among those at a higher one.
    pub fn draw(&mut self, day: u32) -> Option<Arc<str>> {
        if self.stream.unit(day, STRIKES) >= self.config.p_shock {
            return None;
        }
        let drawn = self.stream.weighted(day, FAMILY, self.shares.iter().map(|(_, share)| *share));
        Some(self.shares[drawn.expect("a mix has families")].0.clone())
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
    if world.resource::<ShockFamilies>().is_empty() {
        return;
    }
    let day = world.resource::<Calendar>().day();
    let Some(family) = world.resource_mut::<ShockRule>().draw(day) else { return };
    let id = world.resource_mut::<DoseLedger>().next_id();
    let rule = world.resource::<ShockRule>();
    let magnitude = rule.config.pe_mag;
    let strike = Strike::new(id, day, &rule.config, &family, rule.key);
    let effect =
        world.resource_scope(|world, mut families: Mut<ShockFamilies>| families.strike(&family, strike, world));
    let alive = effect.state != ShockState::Fizzled;
    let record = ShockRecord {
        shock_id: id,
        family,
        magnitude,
        state: effect.state,
        target: effect.target.clone(),
        size: effect.size,
        effect: effect.news.clone(),
    };
    let carriers = carriers(id, world);
    let stays = alive && (!carriers.is_empty() || effect.lasting.goes_on());
    let entity = stays.then(|| world.spawn(ShockBundle::new(&record, effect.lasting, day)).id());
    let step = world.resource::<Calendar>().step();
    world.resource_scope(|world, mut doses: Mut<DoseLedger>| {
        doses.enter(record, &effect, carriers.len() as u32, entity, step, &mut world.resource_mut::<Journal>());
        if let Some(replaced) = effect.replaces {
            doses.stop(replaced, &mut world.commands());
        }
    });
    if let Some(shock) = entity {
        spawn_links(shock, carriers, supplier_of(&effect.target, effect.lasting, world), world);
    }
    world.flush();
    if alive {
        world.resource_scope(|world, mut disclosure: Mut<DisclosurePolicy>| {
            disclosure.tell_shock(id, effect.news, day, &mut world.resource_mut::<Inbox>());
        });
    }
}

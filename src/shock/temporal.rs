//! Temporal shocks: a pending order's true day slips.

use bevy::prelude::In;

use super::family::{Effect, Strike};
use super::ledger::ShockState;
use crate::config::settings::Magnitude;
use crate::units::Day;
use crate::world::inbox::ShockNews;
use crate::world::order::OrderBook;
use crate::world::supplier::SupplierMarket;

const VICTIM: u64 = 0;
const SIZE: u64 = 1;

/// Half a day is one day with probability 1/2; medium is one day, high two or three.
fn slip(strike: &mut Strike) -> Day {
    match strike.magnitude {
        Magnitude::Low => Day::from(strike.unit(SIZE) < 0.5),
        Magnitude::Medium => 1,
        Magnitude::High => strike.integer(SIZE, 2, 3),
    }
}

/// Strikes a pending order, drawn by the unreliability of its supplier.
pub fn strike(In(mut strike): In<Strike>, mut book: OrderBook, market: SupplierMarket) -> Effect {
    let weights = book.pending().map(|(order, _)| 1.0 - market.reliability(order.supplier));
    let candidates = book.pending().count() as u32;
    let Some(victim) = strike.victim(VICTIM, weights) else { return Effect::nothing_to_strike() };
    let order = book.pending().nth(victim).expect("the victim is pending").0.id;
    let days = slip(&mut strike);
    if days == 0 {
        return Effect { state: ShockState::Fizzled, candidates, order: Some(order), size: 0, news: None };
    }
    let (_, new_eta_day) = book.delay(order, days, strike.id);
    Effect {
        state: ShockState::Effective,
        candidates,
        order: Some(order),
        size: i64::from(days),
        news: Some(ShockNews::OrderDelayed { order_id: order, new_eta_day }),
    }
}

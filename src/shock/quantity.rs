//! Quantity shocks: another quantity arrives than was ordered.

use bevy::prelude::In;

use super::family::{Effect, Strike};
use super::ledger::ShockState;
use crate::config::settings::Magnitude;
use crate::units::Units;
use crate::world::inbox::ShockNews;
use crate::world::order::OrderBook;
use crate::world::supplier::SupplierMarket;

const VICTIM: u64 = 0;
const SIZE: u64 = 1;

/// Range of the factor on the quantity.
fn factors(magnitude: Magnitude) -> (f64, f64) {
    match magnitude {
        Magnitude::Low => (0.9, 1.1),
        Magnitude::Medium => (0.7, 1.3),
        Magnitude::High => (0.5, 2.0),
    }
}

/// Strikes a pending order, drawn by the unreliability of its supplier. The new quantity is rounded and at least 1.
pub fn strike(In(mut strike): In<Strike>, mut book: OrderBook, market: SupplierMarket) -> Effect {
    let weights = book.pending().map(|(order, _)| 1.0 - market.reliability(order.supplier));
    let candidates = book.pending().count() as u32;
    let Some(victim) = strike.victim(VICTIM, weights) else { return Effect::nothing_to_strike() };
    let (order, before) = {
        let (order, transit) = book.pending().nth(victim).expect("the victim is pending");
        (order.id, transit.quantity)
    };
    let (low, high) = factors(strike.magnitude);
    let new_quantity = ((f64::from(before) * strike.real(SIZE, low, high)).round() as Units).max(1);
    if new_quantity == before {
        return Effect { state: ShockState::Fizzled, candidates, order: Some(order), size: 0, news: None };
    }
    book.change_quantity(order, new_quantity, strike.id);
    Effect {
        state: ShockState::Effective,
        candidates,
        order: Some(order),
        size: i64::from(new_quantity) - i64::from(before),
        news: Some(ShockNews::OrderQuantityChanged { order_id: order, new_quantity }),
    }
}

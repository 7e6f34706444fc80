//! Quantity shocks: another quantity arrives than was ordered.

use bevy::prelude::In;

use super::entity::{Lasting, ShockState, Target};
use super::family::{Effect, Strike};
use crate::base::units::Units;
use crate::engine::inbox::ShockNews;
use crate::engine::orders::PurchaseBook;
use crate::engine::suppliers::SupplierMarket;

const VICTIM: u64 = 0;
const SIZE: u64 = 1;

/// Most units that an order can swell to: shocks that strike one order again and again must not overflow it.
const MOST: f64 = 1e9;

/// Strikes a pending order, drawn by the unreliability of its supplier. The new quantity is rounded and at least 1.
pub fn strike(In(mut strike): In<Strike>, mut book: PurchaseBook, market: SupplierMarket) -> Effect {
    let weights = book.pending().map(|(order, _)| 1.0 - market.reliability(order.supplier));
    let candidates = book.pending().count() as u32;
    let Some(victim) = strike.victim(VICTIM, weights) else { return Effect::nothing_to_strike() };
    let (order, before) = {
        let (order, transit) = book.pending().nth(victim).expect("the victim is pending");
        (order.id, transit.quantity)
    };
    let [low, high] = strike.sizes.quantity;
    let new_quantity = ((f64::from(before) * strike.real(SIZE, low, high)).round().min(MOST) as Units).max(1);
    let target = Target { order: Some(order), ..Target::default() };
    if new_quantity == before {
        return Effect { candidates, target, ..Effect::nothing_to_strike() };
    }
    book.change_quantity(order, new_quantity, strike.id);
    Effect {
        state: ShockState::Effective,
        candidates,
        target,
        size: i64::from(new_quantity) - i64::from(before),
        lasting: Lasting::Once,
        replaces: None,
        news: Some(ShockNews::OrderQuantityChanged { order_id: order, new_quantity }),
    }
}

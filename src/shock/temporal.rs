//! Temporal shocks: a pending order's true day slips.

use bevy::prelude::In;

use super::entity::{Lasting, ShockState, Target};
use super::family::{Effect, Strike, draw_days};
use crate::engine::inbox::ShockNews;
use crate::engine::orders::PurchaseBook;
use crate::engine::suppliers::SupplierMarket;

const VICTIM: u64 = 0;
const SIZE: u64 = 1;

/// Strikes a pending order, drawn by the unreliability of its supplier.
pub fn strike(In(mut strike): In<Strike>, mut book: PurchaseBook, market: SupplierMarket) -> Effect {
    let weights = book.pending().map(|(order, _)| 1.0 - market.reliability(order.supplier));
    let candidates = book.pending().count() as u32;
    let Some(victim) = strike.victim(VICTIM, weights) else { return Effect::nothing_to_strike() };
    let order = book.pending().nth(victim).expect("the victim is pending").0.id;
    let range = strike.sizes.temporal;
    let days = draw_days(&mut strike, SIZE, range);
    let target = Target { order: Some(order), ..Target::default() };
    if days == 0 {
        return Effect { candidates, target, ..Effect::nothing_to_strike() };
    }
    let (_, new_eta_day) = book.delay(order, days, strike.id);
    Effect {
        state: ShockState::Effective,
        candidates,
        target,
        size: i64::from(days),
        lasting: Lasting::Once,
        replaces: None,
        news: Some(ShockNews::OrderDelayed { order_id: order, new_eta_day }),
    }
}

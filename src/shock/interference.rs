//! Causal interference: a pending order at one supplier makes another supplier dearer for that SKU (new orders, for a
//! while) and delays its pending orders for it.

use bevy::prelude::In;

use super::entity::{Lasting, ShockState, Target};
use super::family::{Effect, Strike};
use crate::base::ids::{OrderId, SupplierId};
use crate::base::units::Day;
use crate::engine::inbox::ShockNews;
use crate::engine::orders::PurchaseBook;
use crate::engine::suppliers::SupplierMarket;

const VICTIM: u64 = 0;
const OTHER: u64 = 1;

/// Days for which the price stays up, from the day after the shock's evening on.
const DAYS: Day = 10;

/// Strikes a pending order, drawn by the unreliability of its supplier, and another supplier, drawn evenly.
pub fn strike(In(mut strike): In<Strike>, mut book: PurchaseBook, mut market: SupplierMarket) -> Effect {
    let weights = book.pending().map(|(order, _)| 1.0 - market.reliability(order.supplier));
    let candidates = book.pending().count() as u32;
    let Some(victim) = strike.victim(VICTIM, weights) else { return Effect::nothing_to_strike() };
    let order = *book.pending().nth(victim).expect("the victim is pending").0;
    let others: Vec<SupplierId> = market.all().map(|s| s.id).filter(|id| *id != order.supplier).collect();
    let supplier = others[strike.integer(OTHER, 0, others.len() as u32 - 1) as usize];
    let [share, days] = strike.sizes.interference;
    let (from_day, until_day) = (strike.day + 1, strike.day + 1 + DAYS);
    let raised = market.raise_price(strike.id, supplier, order.sku, share, until_day);
    let days = days as Day;
    let delayed: Vec<OrderId> = if days == 0 {
        Vec::new()
    } else {
        let at_other = |(pending, _): &(&crate::engine::orders::PurchaseOrder, _)| {
            pending.supplier == supplier && pending.sku == order.sku
        };
        book.pending().filter(at_other).map(|(pending, _)| pending.id).collect()
    };
    let orders = delayed.iter().map(|id| (*id, book.delay(*id, days, strike.id).1)).collect();
    let target = Target { order: Some(order.id), supplier: Some(supplier), sku: Some(order.sku) };
    if raised.is_none() && delayed.is_empty() {
        return Effect { candidates, target, ..Effect::nothing_to_strike() };
    }
    let (unit_price, replaces) = raised.map_or((None, None), |(price, replaced)| (Some(price), replaced));
    Effect {
        state: ShockState::Effective,
        candidates,
        target,
        size: i64::from(days),
        lasting: if raised.is_some() { Lasting::Until(until_day) } else { Lasting::Once },
        replaces,
        news: Some(ShockNews::Interference {
            supplier_id: supplier,
            sku: order.sku,
            unit_price,
            from_day,
            until_day,
            orders,
        }),
    }
}

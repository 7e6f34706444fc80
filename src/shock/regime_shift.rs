//! Rule regime shift: a supplier's true lead times grow for a while; quotes and promised days show the old ones until
//! the agent is told.

use bevy::prelude::{In, Res};

use super::entity::{Lasting, ShockState, Target};
use super::family::{Effect, Strike, draw_days};
use super::observability::DisclosurePolicy;
use crate::base::ids::SupplierId;
use crate::base::units::Day;
use crate::engine::inbox::ShockNews;
use crate::engine::suppliers::SupplierMarket;

const VICTIM: u64 = 0;
const SIZE: u64 = 1;

/// Days for which lead times stay longer, from the day after the shock's evening on.
const DAYS: Day = 20;

/// Strikes a supplier, drawn by its unreliability.
pub fn strike(In(mut strike): In<Strike>, mut market: SupplierMarket, disclosure: Res<DisclosurePolicy>) -> Effect {
    let candidates = market.count() as u32;
    let weights = market.all().map(|supplier| 1.0 - supplier.reliability);
    let Some(victim) = strike.victim(VICTIM, weights) else { return Effect::nothing_to_strike() };
    let supplier_id = SupplierId::from_index(victim);
    let range = strike.sizes.regime_shift;
    let extra_days = draw_days(&mut strike, SIZE, range);
    let target = Target { supplier: Some(supplier_id), ..Target::default() };
    if extra_days == 0 {
        return Effect { candidates, target, ..Effect::nothing_to_strike() };
    }
    let until_day = strike.day + 1 + DAYS;
    let told_from = disclosure.day_of_details(strike.day);
    let from_day = told_from.unwrap_or(strike.day + 1);
    let replaces = market.shift_regime(strike.id, supplier_id, extra_days, until_day, told_from);
    Effect {
        state: ShockState::Effective,
        candidates,
        target,
        size: i64::from(extra_days),
        lasting: Lasting::Until(until_day),
        replaces,
        news: Some(ShockNews::RegimeShift { supplier_id, extra_days, from_day, until_day }),
    }
}

//! Causal posting lag: the next delivery charge or shipment revenue is posted some mornings late.

use bevy::prelude::{In, ResMut};

use super::entity::{Lasting, ShockState, Target};
use super::family::{Effect, Strike, draw_days};
use crate::engine::inbox::ShockNews;
use crate::engine::ledger::Ledger;

const SIZE: u64 = 0;

/// Most lags that wait at a time; one more fizzles.
const MOST_ARMED: usize = 32;

/// Arms the lag. It strikes when something is to be posted; until then it waits, and armed ones queue.
pub fn strike(In(mut strike): In<Strike>, mut ledger: ResMut<Ledger>) -> Effect {
    let range = strike.sizes.posting_lag;
    let days = draw_days(&mut strike, SIZE, range);
    // Where nothing is ever posted, lags would pile up for ever.
    if days == 0 || ledger.armed().len() >= MOST_ARMED {
        return Effect { candidates: 1, ..Effect::nothing_to_strike() };
    }
    ledger.arm_lag(strike.id, days);
    Effect {
        state: ShockState::Armed,
        candidates: 1,
        target: Target::default(),
        size: i64::from(days),
        lasting: Lasting::UntilStopped,
        replaces: None,
        news: Some(ShockNews::PostingLag { days }),
    }
}

//! What the agent is told of shocks. It decides what is shown, never what happens.

use bevy::prelude::*;

use super::family::Effect;
use crate::config::settings::Observability;
use crate::ids::ShockId;
use crate::units::Day;
use crate::world::inbox::{MessageBody, Receipt};
use crate::world::journal::Delivery;

/// The rule by which notices and delivery receipts are written.
#[derive(Resource, Clone, Copy, Debug)]
pub struct Telling(pub Observability);

impl Telling {
    /// The receipt of a delivery.
    #[must_use]
    pub fn receipt(&self, delivery: &Delivery, today: Day) -> Receipt {
        let told = self.0 != Observability::Hidden;
        Receipt {
            order_id: delivery.order,
            arrived_day: told.then_some(today),
            quantity: told.then_some(delivery.taken),
            turned_away: told.then_some(delivery.turned_away),
            charged: told.then_some(delivery.charged),
        }
    }

    /// The notice of a shock that changed something; `None` where the agent is not told.
    #[must_use]
    pub fn notice(&self, shock_id: ShockId, effect: &Effect) -> Option<MessageBody> {
        match self.0 {
            Observability::Full => Some(MessageBody::Notice { shock_id, news: effect.news }),
            Observability::Partial => Some(MessageBody::Notice { shock_id, news: None }),
            Observability::Delayed | Observability::Hidden => None,
        }
    }
}

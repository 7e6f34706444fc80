//! What the agent is told of shocks. It decides what is shown and when, never what happens.
//!
//! `full`: a notice with all details the same evening. `delayed`: notices and delivery receipts come in a batch on the
//! mornings of days divisible by 5. `partial`: a notice the same evening without details. `hidden`: no notice, and
//! receipts that name the order only.

use bevy::prelude::*;

use crate::base::ids::ShockId;
use crate::base::units::Day;
use crate::config::settings::Observability;
use crate::engine::calendar::Calendar;
use crate::engine::inbox::{Inbox, MessageBody, Receipt, ShockNews};
use crate::engine::journal::Delivery;

/// Batches come on the mornings of days divisible by this.
const BATCH_DAYS: Day = 5;

/// The rule by which notices and delivery receipts are written, and what waits for the next batch.
#[derive(Clone, Debug)]
pub struct DisclosurePolicy {
    level: Observability,
    batch: Vec<MessageBody>,
}

crate::base::table_resource::table_resource!(DisclosurePolicy);

impl DisclosurePolicy {
    /// The rule of a level.
    #[must_use]
    pub fn new(level: Observability) -> DisclosurePolicy {
        DisclosurePolicy { level, batch: Vec::new() }
    }

    /// Tells of a delivery.
    pub fn tell_receipt(&mut self, delivery: &Delivery, today: Day, inbox: &mut Inbox) {
        let told = self.level != Observability::Hidden;
        let receipt = Receipt {
            order_id: delivery.order,
            arrived_day: told.then_some(today),
            quantity: told.then_some(delivery.taken),
            turned_away: told.then_some(delivery.turned_away),
            charged: told.then_some(delivery.charged),
        };
        self.tell(MessageBody::Delivery(receipt), today, inbox);
    }

    /// Tells of a shock that changed something, or will.
    pub fn tell_shock(&mut self, shock_id: ShockId, news: Option<ShockNews>, today: Day, inbox: &mut Inbox) {
        match self.level {
            Observability::Full | Observability::Delayed => {
                self.tell(MessageBody::Notice { shock_id, news }, today, inbox);
            }
            Observability::Partial => self.tell(MessageBody::Notice { shock_id, news: None }, today, inbox),
            Observability::Hidden => {}
        }
    }

    /// From which day on the agent is told the details of what happens this evening; `None` for never.
    #[must_use]
    pub fn day_of_details(&self, today: Day) -> Option<Day> {
        match self.level {
            Observability::Full => Some(today + 1),
            Observability::Delayed => Some((today / BATCH_DAYS + 1) * BATCH_DAYS),
            Observability::Partial | Observability::Hidden => None,
        }
    }

    /// Whether suppliers speak of a delay as soon as it is there.
    #[must_use]
    pub fn tells_at_once(&self) -> bool {
        self.level == Observability::Full
    }

    fn tell(&mut self, body: MessageBody, today: Day, inbox: &mut Inbox) {
        if self.level == Observability::Delayed {
            self.batch.push(body);
        } else {
            inbox.deliver(today, body);
        }
    }
}

/// Morning: batched messages come out.
pub fn release_batch(mut disclosure: ResMut<DisclosurePolicy>, mut inbox: ResMut<Inbox>, calendar: Res<Calendar>) {
    let today = calendar.day();
    if !disclosure.batch.is_empty() && today.is_multiple_of(BATCH_DAYS) {
        for body in disclosure.batch.drain(..) {
            inbox.deliver(today, body);
        }
    }
}

//! The dose ledger: what became of every shock that was drawn, in counts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entity::{Lasting, ShockRecord, ShockState};
use super::event::ShockEvent;
use super::family::Effect;
use super::relations::{link, of_terms, release_supplier};
use crate::base::ids::{ShockId, SkuId, SupplierId};
use crate::base::units::{Day, Step, Units};
use crate::engine::calendar::Calendar;
use crate::engine::journal::{EventLog, Journal};
use crate::engine::ledger::{Ledger, Posting};
use crate::engine::orders::{PurchaseBook, PurchaseOrder};
use crate::engine::suppliers::Terms;

/// Counts of one family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FamilyDose {
    /// Shocks that changed something.
    pub effective: u32,
    /// Shocks that changed nothing.
    pub fizzled: u32,
    /// Shocks that still wait for something to strike.
    pub armed: u32,
    /// Sum of the absolute sizes of the effective ones: days, or units.
    pub size: u64,
    /// Effective shocks of which the agent's inputs told.
    pub revealed: u32,
    /// Resolved predictions with an error that a shock of this family caused.
    pub predictions_turned_wrong: u32,
}

/// A shock of which something more can come.
#[derive(Clone, Debug)]
struct Open {
    entity: Entity,
    family: Arc<str>,
    size: u64,
    /// Pending orders and postings that carry it.
    links: u32,
    /// How long it goes on by itself.
    lasting: Lasting,
    /// Whether an input told of it while it was armed.
    told: bool,
}

/// The doses of a run by family, and the shocks of which something more can come.
#[derive(Clone, Debug, Default)]
pub struct DoseLedger {
    drawn: u32,
    open: BTreeMap<ShockId, Open>,
    /// Effective shocks of which no input has told yet, with the step of their effect.
    unrevealed: BTreeMap<ShockId, Arc<str>>,
    /// (step of the effect, shock) of the unrevealed, oldest first.
    ages: VecDeque<(Step, ShockId)>,
    /// Families of the shocks of the last steps, by id: errors are blamed on shocks that are long closed.
    families: BTreeMap<ShockId, (Step, Arc<str>)>,
    doses: BTreeMap<Arc<str>, FamilyDose>,
    candidates: Option<u32>,
    today: Option<ShockRecord>,
    events: EventLog<ShockEvent>,
}

crate::base::table_resource::table_resource!(DoseLedger);

impl DoseLedger {
    /// The shocks of which something more can come, by id, with their entities.
    pub fn open(&self) -> impl Iterator<Item = (ShockId, Entity)> + '_ {
        self.open.iter().map(|(id, open)| (*id, open.entity))
    }

    /// What happened to shocks.
    #[must_use]
    pub fn events(&self) -> &EventLog<ShockEvent> {
        &self.events
    }

    /// How many shocks were drawn so far.
    #[must_use]
    pub fn drawn(&self) -> u32 {
        self.drawn
    }

    /// How many victims this evening's shock could have struck (pending orders on evenings without a shock); `None` in
    /// steps without an evening.
    #[must_use]
    pub fn candidates(&self) -> Option<u32> {
        self.candidates
    }

    /// The shock drawn this evening: none or one.
    #[must_use]
    pub fn today(&self) -> &[ShockRecord] {
        self.today.as_slice()
    }

    /// Counts by family.
    #[must_use]
    pub fn doses(&self) -> &BTreeMap<Arc<str>, FamilyDose> {
        &self.doses
    }

    pub(crate) fn start_step(&mut self) {
        self.candidates = None;
        self.today = None;
    }

    /// An evening in which so many orders could be struck.
    pub(crate) fn start_evening(&mut self, candidates: u32) {
        self.candidates = Some(candidates);
    }

    pub(crate) fn next_id(&mut self) -> ShockId {
        self.drawn += 1;
        ShockId(self.drawn)
    }

    /// Enters a shock that was drawn, as an event. Pending orders carry it `links` times; `entity` is there when
    /// something more can come of it.
    pub(crate) fn enter(
        &mut self,
        record: ShockRecord,
        effect: &Effect,
        links: u32,
        entity: Option<Entity>,
        step: Step,
        journal: &mut Journal,
    ) {
        let id = record.shock_id;
        let family = record.family.clone();
        let size = effect.size.unsigned_abs();
        let dose = self.doses.entry(family.clone()).or_default();
        match effect.state {
            ShockState::Effective => {
                dose.effective += 1;
                dose.size += size;
                self.unrevealed.insert(id, family.clone());
                self.ages.push_back((step, id));
            }
            ShockState::Fizzled => dose.fizzled += 1,
            ShockState::Armed => dose.armed += 1,
        }
        self.families.insert(id, (step, family.clone()));
        if let Some(entity) = entity {
            self.open.insert(id, Open { entity, family, size, links, lasting: effect.lasting, told: false });
        }
        self.candidates = Some(effect.candidates);
        self.events.note(ShockEvent::Drawn(record.clone()), journal);
        self.today = Some(record);
    }

    /// Posts a charge or a revenue now, or puts it off when a shock has armed a posting lag.
    pub fn post_or_delay(
        &mut self,
        ledger: &mut Ledger,
        posting: Posting,
        calendar: &Calendar,
        journal: &mut Journal,
        commands: &mut Commands,
    ) {
        match ledger.take_lag(&posting) {
            None => ledger.post_now(posting, None, journal),
            Some(lag) => {
                self.strike_armed(lag.shock, calendar.step(), journal, commands);
                ledger.put_off(posting, lag, calendar.day(), journal);
            }
        }
    }

    /// An armed shock strikes. Whatever it struck carries it.
    fn strike_armed(&mut self, id: ShockId, step: Step, journal: &mut Journal, commands: &mut Commands) {
        let open = self.open.get_mut(&id).expect("an armed shock is open");
        open.lasting = Lasting::Once;
        commands.entity(open.entity).try_insert((ShockState::Effective, Lasting::Once));
        open.links += 1;
        let dose = self.doses.get_mut(&open.family).expect("a drawn shock has a dose");
        dose.armed -= 1;
        dose.effective += 1;
        dose.size += open.size;
        if open.told {
            dose.revealed += 1;
        } else {
            self.unrevealed.insert(id, open.family.clone());
            self.ages.push_back((step, id));
        }
        self.events.note(ShockEvent::Changed { shock_id: id, state: ShockState::Effective }, journal);
    }

    /// Places an order on some terms. The shocks that made the terms what they are go on until the order is done with,
    /// and are linked to it.
    ///
    /// # Panics
    /// When a shock of the terms is over: terms come from the market, on the day of the order.
    pub fn place(
        &mut self,
        book: &mut PurchaseBook,
        supplier: SupplierId,
        sku: SkuId,
        quantity: Units,
        terms: Terms,
        today: Day,
        journal: &mut Journal,
    ) -> PurchaseOrder {
        let (order, entity) = book.place(supplier, sku, quantity, terms, today, journal);
        for (shock, kind) in of_terms(&terms) {
            let open = self.open.get_mut(&shock).expect("a shock that lasts is open");
            open.links += 1;
            book.commands().spawn(link(kind, open.entity, entity));
        }
        order
    }

    /// A pending order or posting that carried these shocks is done with.
    pub(crate) fn unlink(&mut self, shocks: &[ShockId], commands: &mut Commands) {
        for id in shocks {
            self.open.get_mut(id).expect("a shock that is carried is open").links -= 1;
            self.close_if_done(*id, commands);
        }
    }

    /// A shock that lasted is over.
    ///
    /// # Panics
    /// When nothing more can come of it.
    pub fn stop(&mut self, id: ShockId, commands: &mut Commands) {
        let open = self.open.get_mut(&id).expect("a shock that lasts is open");
        open.lasting = Lasting::Once;
        if open.links > 0 {
            commands.entity(open.entity).try_insert(Lasting::Once).queue_silenced(release_supplier);
        }
        self.close_if_done(id, commands);
    }

    fn close_if_done(&mut self, id: ShockId, commands: &mut Commands) {
        if let Some(open) = self.open.get(&id)
            && open.links == 0
            && !open.lasting.goes_on()
        {
            commands.entity(open.entity).despawn();
            self.open.remove(&id);
        }
    }

    /// A prediction was resolved with an error that a shock caused; whether that is counted, which it is unless the
    /// shock is closed and older than the reveal horizon.
    pub(crate) fn turned_wrong(&mut self, id: ShockId) -> bool {
        let known = self.open.get(&id).map(|open| &open.family);
        let Some(family) = known.or_else(|| self.families.get(&id).map(|(_, family)| family)) else { return false };
        self.doses.get_mut(family).expect("a drawn shock has a dose").predictions_turned_wrong += 1;
        true
    }

    /// The agent's input told of a shock; whether for the first time, which is an event.
    pub(crate) fn reveal(&mut self, id: ShockId, journal: &mut Journal) -> bool {
        let first = self.count_revealed(id);
        if first {
            self.events.note(ShockEvent::Revealed { shock_id: id }, journal);
        }
        first
    }

    fn count_revealed(&mut self, id: ShockId) -> bool {
        let Some(family) = self.unrevealed.remove(&id) else {
            // One that is still armed counts as revealed when it strikes.
            return self.open.get_mut(&id).is_some_and(|open| !std::mem::replace(&mut open.told, true));
        };
        self.doses.get_mut(&family).expect("a drawn shock has a dose").revealed += 1;
        true
    }

    /// Shocks whose effect is older than the horizon count as never revealed.
    pub(crate) fn forget_unrevealed_before(&mut self, step: Step) {
        while let Some((effect, id)) = self.ages.front().copied()
            && effect < step
        {
            self.ages.pop_front();
            self.unrevealed.remove(&id);
        }
        while let Some(oldest) = self.families.first_entry()
            && oldest.get().0 < step
        {
            oldest.remove();
        }
    }
}

//! Where the runs of language models that a worker keeps have their state: they take turns in one World.
//!
//! A World of its own for each would be a hundred kilobytes or two that nobody looks at while the model thinks, and
//! cold memory when it has answered.

use std::mem;
use std::ops::{Deref, DerefMut};

use crate::simulation::driver::Simulation;
use crate::simulation::suspended::SuspendedRun;

/// Where a run is.
#[derive(Default)]
pub(super) enum WorldSlot {
    /// In a World: one of its own, or the shared one while it is its turn.
    InWorld(Box<Simulation>),
    /// Out of it.
    SuspendedRun(Box<SuspendedRun>),
    /// The shared World holds it, and is with the worker.
    #[default]
    Left,
}

impl Deref for WorldSlot {
    type Target = Simulation;

    fn deref(&self) -> &Simulation {
        match self {
            WorldSlot::InWorld(simulation) => simulation,
            WorldSlot::SuspendedRun(_) | WorldSlot::Left => panic!("it is another run's turn"),
        }
    }
}

impl DerefMut for WorldSlot {
    fn deref_mut(&mut self) -> &mut Simulation {
        match self {
            WorldSlot::InWorld(simulation) => simulation,
            WorldSlot::SuspendedRun(_) | WorldSlot::Left => panic!("it is another run's turn"),
        }
    }
}

impl WorldSlot {
    /// The World, where the run is in one.
    pub(super) fn into_world(self) -> Option<Box<Simulation>> {
        match self {
            WorldSlot::InWorld(simulation) => Some(simulation),
            WorldSlot::SuspendedRun(_) | WorldSlot::Left => None,
        }
    }
}

/// The World that runs take turns in.
#[derive(Default)]
pub(super) struct SharedWorld {
    /// `None` before the first run, after a defect that it did not survive, and while a run has it.
    simulation: Option<Box<Simulation>>,
    /// Whose state it holds; `None` when that run is over.
    holds: Option<u64>,
    /// Room for the state of runs, out of runs that are over.
    #[expect(clippy::vec_box, reason = "a slot takes the box as it is")]
    spare: Vec<Box<SuspendedRun>>,
}

/// The World of a run is gone, and with it the run: a defect of another run took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the World that the run shared with others was lost to a defect of one of them")]
pub(super) struct WorldLost;

impl SharedWorld {
    /// The World, for a run that begins in it. `put_back` takes the state of the run that it held.
    pub(super) fn clear(
        &mut self,
        ticket: u64,
        fresh: impl Fn() -> Simulation,
        put_back: impl FnOnce(u64, Box<SuspendedRun>),
    ) -> Box<Simulation> {
        let mut simulation = self.simulation.take().unwrap_or_else(|| Box::new(fresh()));
        if let Some(before) = self.holds.replace(ticket) {
            let mut suspended = self.spare.pop().unwrap_or_else(|| Box::new(fresh().into_vacancy()));
            simulation.exchange(&mut suspended);
            put_back(before, suspended);
        }
        simulation
    }

    /// The World with a run in it whose turn it is.
    ///
    /// # Errors
    /// When its World is gone.
    pub(super) fn swap_in(
        &mut self,
        ticket: u64,
        world_slot: &mut WorldSlot,
        put_back: impl FnOnce(u64, Box<SuspendedRun>),
    ) -> Result<(), WorldLost> {
        match mem::take(world_slot) {
            WorldSlot::InWorld(own) => *world_slot = WorldSlot::InWorld(own),
            WorldSlot::Left => *world_slot = WorldSlot::InWorld(self.simulation.take().expect("it holds this run")),
            WorldSlot::SuspendedRun(mut suspended) => {
                let Some(mut simulation) = self.simulation.take_if(|world| suspended.is_at_home_in(world)) else {
                    *world_slot = WorldSlot::SuspendedRun(suspended);
                    return Err(WorldLost);
                };
                simulation.exchange(&mut suspended);
                *world_slot = WorldSlot::InWorld(simulation);
                match self.holds.replace(ticket) {
                    Some(before) => put_back(before, suspended),
                    None => self.spare.push(suspended),
                }
            }
        }
        Ok(())
    }

    /// A run's turn is over, and it waits.
    pub(super) fn release(&mut self, world_slot: &mut WorldSlot) {
        *world_slot = match mem::take(world_slot) {
            WorldSlot::InWorld(simulation) => {
                self.simulation = Some(simulation);
                WorldSlot::Left
            }
            elsewhere => elsewhere,
        };
    }

    /// The run that had the World is over; `None` when the World did not survive it. Runs that are suspended in it are
    /// over then, too.
    pub(super) fn retire(&mut self, simulation: Option<Box<Simulation>>) {
        if simulation.is_none() {
            // It is room in the World that is gone.
            self.spare.clear();
        }
        self.simulation = simulation;
        self.holds = None;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::super::confine::confine;
    use super::*;
    use crate::config;
    use crate::config::Overrides;
    use crate::config::settings::RunConfig;
    use crate::plan::Plan;
    use crate::record::step::Recorder;

    const STEPS: usize = 30;

    fn config(seed: u64) -> RunConfig {
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/base.yaml");
        let set = vec![format!("experiment.seed={seed}"), "pe_induction.p_shock=0.5".to_owned()];
        let experiment = config::load(&base, &Overrides { set, ..Overrides::default() });
        Plan::new(experiment.unwrap_or_else(|error| panic!("{error}"))).expect("a plan").run(0).config
    }

    fn started(seed: u64) -> Simulation {
        let mut simulation = Simulation::new();
        simulation.start(&config(seed), true);
        simulation
    }

    fn step(simulation: &mut Simulation) {
        let mut agent = simulation.agent("random").expect("it is built in");
        simulation.observe();
        let decision = simulation.ask(agent.as_mut());
        simulation.apply(decision);
    }

    fn steps_of(simulation: &Simulation) -> Vec<u8> {
        simulation.world().resource::<Recorder>().steps.clone()
    }

    fn alone(seed: u64) -> Vec<u8> {
        let mut simulation = started(seed);
        (0..STEPS).for_each(|_| step(&mut simulation));
        steps_of(&simulation)
    }

    /// What becomes of the World when run 2 has a defect: soon, or in its eleventh step.
    #[derive(Clone, Copy, PartialEq)]
    enum World {
        Recovers,
        IsLost,
    }

    /// Runs come, take turns and go, and one has a defect; the records of those that came to their end, and those whose
    /// World was gone.
    fn take_turns(world: World) -> (BTreeMap<u64, Vec<u8>>, Vec<u64>) {
        let mut shared = SharedWorld::default();
        let mut seats: BTreeMap<u64, WorldSlot> = BTreeMap::new();
        let (mut done, mut lost) = (BTreeMap::new(), Vec::new());
        let mut begun = 0;
        for turn in 0.. {
            if begun < 8 && turn % 4 == 0 {
                let mut world = shared.clear(begun, Simulation::new, |before, suspended| {
                    seats.insert(before, WorldSlot::SuspendedRun(suspended));
                });
                world.start(&config(begun), true);
                let mut world_slot = WorldSlot::InWorld(world);
                shared.release(&mut world_slot);
                seats.insert(begun, world_slot);
                begun += 1;
            }
            let under_way: Vec<u64> = seats.keys().copied().collect();
            let Some(ticket) = under_way.get(turn * 5 % under_way.len().max(1)).copied() else { break };
            let mut world_slot = seats.remove(&ticket).expect("it is under way");
            let swapped = shared.swap_in(ticket, &mut world_slot, |before, suspended| {
                if let Some(world_slot) = seats.get_mut(&before) {
                    *world_slot = WorldSlot::SuspendedRun(suspended);
                }
            });
            if swapped.is_err() {
                lost.push(ticket);
                continue;
            }
            step(&mut world_slot);
            match world_slot.steps_done() as usize {
                3 if ticket == 2 && world == World::IsLost => shared.retire(None),
                10 if ticket == 2 => {
                    let mut simulation = world_slot.into_world().expect("it is its turn");
                    simulation.observe();
                    // Nobody has decided anything, so the tool's system panics in the middle of the schedule.
                    let broken = confine(|| simulation.break_off());
                    assert!(broken.is_err());
                    simulation.recover();
                    shared.retire(Some(simulation));
                }
                STEPS => {
                    done.insert(ticket, steps_of(&world_slot));
                    shared.retire(world_slot.into_world());
                }
                _ => {
                    shared.release(&mut world_slot);
                    seats.insert(ticket, world_slot);
                }
            }
        }
        (done, lost)
    }

    #[test]
    fn a_defect_costs_no_other_run_of_its_world_anything() {
        let (done, lost) = take_turns(World::Recovers);
        assert_eq!(done.keys().copied().collect::<Vec<_>>(), [0, 1, 3, 4, 5, 6, 7]);
        assert_eq!(lost, [0; 0]);
        for (ticket, steps) in done {
            assert!(steps == alone(ticket), "run {ticket} differs");
        }
    }

    #[test]
    fn runs_whose_world_is_gone_say_so_and_others_go_on() {
        let (done, lost) = take_turns(World::IsLost);
        let both: Vec<u64> = done.keys().chain(&lost).copied().collect();
        assert_eq!(BTreeSet::from_iter(both), BTreeSet::from([0, 1, 3, 4, 5, 6, 7]));
        assert!(!lost.is_empty() && !done.is_empty(), "{lost:?}");
        for (ticket, steps) in done {
            assert!(steps == alone(ticket), "run {ticket} differs");
        }
    }
}

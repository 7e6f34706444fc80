//! Where the runs of language models that a worker keeps have their state: they take turns in one World.
//!
//! A World of its own for each would be a hundred kilobytes or two that nobody looks at while the model thinks, and
//! cold memory when it has answered. Where plugins are added, whose state nobody here knows, each run does have its
//! own.

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
    /// `None` before the first run, after a defect, and while a run has it.
    simulation: Option<Box<Simulation>>,
    /// Whose state it holds; `None` when that run is over.
    holds: Option<u64>,
    /// Room for the state of runs, out of runs that are over.
    spare: Vec<Box<SuspendedRun>>,
}

impl SharedWorld {
    /// The World, for a run that begins in it. `put_back` takes the state of the run that it held.
    ///
    /// `fresh` makes a World in which that run is started.
    pub(super) fn clear(
        &mut self,
        ticket: u64,
        fresh: impl Fn() -> Simulation,
        put_back: impl FnOnce(u64, Box<SuspendedRun>),
    ) -> Box<Simulation> {
        let mut simulation = self.simulation.take().unwrap_or_else(|| Box::new(fresh()));
        if let Some(before) = self.holds.replace(ticket) {
            let mut suspended = self.spare.pop().unwrap_or_else(|| Box::new(fresh().suspend()));
            simulation.exchange(&mut suspended);
            put_back(before, suspended);
        }
        simulation
    }

    /// The World with a run in it whose turn it is.
    pub(super) fn swap_in(
        &mut self,
        ticket: u64,
        world_slot: &mut WorldSlot,
        fresh: impl Fn() -> Simulation,
        put_back: impl FnOnce(u64, Box<SuspendedRun>),
    ) {
        match mem::take(world_slot) {
            WorldSlot::InWorld(own) => *world_slot = WorldSlot::InWorld(own),
            WorldSlot::Left => *world_slot = WorldSlot::InWorld(self.simulation.take().expect("it holds this run")),
            WorldSlot::SuspendedRun(mut suspended) => {
                let mut simulation = self.simulation.take().unwrap_or_else(|| Box::new(fresh()));
                simulation.exchange(&mut suspended);
                *world_slot = WorldSlot::InWorld(simulation);
                match self.holds.replace(ticket) {
                    Some(before) => put_back(before, suspended),
                    None => self.spare.push(suspended),
                }
            }
        }
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

    /// The run that had the World is over; `None` when a defect took the World with it.
    pub(super) fn retire(&mut self, simulation: Option<Box<Simulation>>) {
        self.simulation = simulation;
        self.holds = None;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

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

    /// Runs come, take turns and go; one takes the World with it; the others are what they are alone.
    #[test]
    fn a_world_that_is_lost_takes_no_other_run_with_it() {
        let alone = |seed: u64| {
            let mut simulation = started(seed);
            (0..STEPS).for_each(|_| step(&mut simulation));
            steps_of(&simulation)
        };
        let mut shared = SharedWorld::default();
        let mut seats: BTreeMap<u64, WorldSlot> = BTreeMap::new();
        let mut done = BTreeMap::new();
        let mut begun = 0;
        for turn in 0.. {
            if begun < 6 && turn % 4 == 0 {
                let fresh = || started(begun);
                let mut world = shared.clear(begun, fresh, |before, suspended| {
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
            shared.swap_in(
                ticket,
                &mut world_slot,
                || started(ticket),
                |before, suspended| {
                    if let Some(world_slot) = seats.get_mut(&before) {
                        *world_slot = WorldSlot::SuspendedRun(suspended);
                    }
                },
            );
            step(&mut world_slot);
            match world_slot.steps_done() as usize {
                // A defect.
                10 if ticket == 2 => shared.retire(None),
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
        assert_eq!(done.keys().copied().collect::<Vec<_>>(), [0, 1, 3, 4, 5]);
        for (ticket, steps) in done {
            assert!(steps == alone(ticket), "run {ticket} differs");
        }
    }
}

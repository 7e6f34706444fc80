//! Where the runs of language models that a worker keeps have their state: they take turns in one World.
//!
//! A World of its own for each would be a hundred kilobytes or two that nobody looks at while the model thinks, and
//! cold memory when it has answered. Where plugins are added, whose state nobody here knows, each run does have its
//! own.

use std::ops::{Deref, DerefMut};

use crate::step::driver::Simulation;
use crate::step::stowed::Stowed;

/// Where a run is.
#[derive(Default)]
pub(super) enum Seat {
    /// In a World: one of its own, or the shared one while it is its turn.
    InWorld(Box<Simulation>),
    /// Out of it.
    Stowed(Box<Stowed>),
    /// The shared World holds it, and is with the worker.
    #[default]
    Left,
}

impl Deref for Seat {
    type Target = Simulation;

    fn deref(&self) -> &Simulation {
        match self {
            Seat::InWorld(simulation) => simulation,
            Seat::Stowed(_) | Seat::Left => panic!("it is another run's turn"),
        }
    }
}

impl DerefMut for Seat {
    fn deref_mut(&mut self) -> &mut Simulation {
        match self {
            Seat::InWorld(simulation) => simulation,
            Seat::Stowed(_) | Seat::Left => panic!("it is another run's turn"),
        }
    }
}

impl Seat {
    /// The World, where the run is in one.
    pub(super) fn into_world(self) -> Option<Box<Simulation>> {
        match self {
            Seat::InWorld(simulation) => Some(simulation),
            Seat::Stowed(_) | Seat::Left => None,
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
    spare: Vec<Box<Stowed>>,
}

impl SharedWorld {
    /// The World, for a run that begins in it. `put_back` takes the state of the run that it held.
    ///
    /// `fresh` makes a World in which that run is started.
    pub(super) fn clear(
        &mut self,
        ticket: u64,
        fresh: impl Fn() -> Simulation,
        put_back: impl FnOnce(u64, Box<Stowed>),
    ) -> Box<Simulation> {
        let mut simulation = self.simulation.take().unwrap_or_else(|| Box::new(fresh()));
        if let Some(before) = self.holds.replace(ticket) {
            let mut stowed = self.spare.pop().unwrap_or_else(|| Box::new(fresh().into_stowed()));
            simulation.exchange(&mut stowed);
            put_back(before, stowed);
        }
        simulation
    }

    /// The World with a run in it whose turn it is.
    pub(super) fn board(
        &mut self,
        ticket: u64,
        seat: &mut Seat,
        fresh: impl Fn() -> Simulation,
        put_back: impl FnOnce(u64, Box<Stowed>),
    ) {
        match std::mem::take(seat) {
            Seat::InWorld(own) => *seat = Seat::InWorld(own),
            Seat::Left => *seat = Seat::InWorld(self.simulation.take().expect("it holds this run")),
            Seat::Stowed(mut stowed) => {
                let mut simulation = self.simulation.take().unwrap_or_else(|| Box::new(fresh()));
                simulation.exchange(&mut stowed);
                *seat = Seat::InWorld(simulation);
                match self.holds.replace(ticket) {
                    Some(before) => put_back(before, stowed),
                    None => self.spare.push(stowed),
                }
            }
        }
    }

    /// A run's turn is over, and it waits.
    pub(super) fn leave(&mut self, seat: &mut Seat) {
        if let Seat::InWorld(simulation) = std::mem::take(seat) {
            self.simulation = Some(simulation);
        }
    }

    /// The run that had the World is over; `None` when a defect took the World with it.
    pub(super) fn vacate(&mut self, simulation: Option<Box<Simulation>>) {
        self.simulation = simulation;
        self.holds = None;
    }
}

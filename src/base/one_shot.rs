//! Systems that run when somebody calls them: those of tools and of shock families.

use bevy::ecs::system::{BoxedSystem, SystemInput};
use bevy::prelude::*;

/// A system outside the schedules. It is made ready when it is first called: a run calls few of those that there are,
/// and what a ready system keeps of its World is memory of every run.
pub(crate) struct OneShotSystem<I: SystemInput + 'static, O: 'static> {
    system: BoxedSystem<I, O>,
    ready: bool,
}

impl<I: SystemInput + 'static, O: 'static> OneShotSystem<I, O> {
    pub(crate) fn new<M>(system: impl IntoSystem<I, O, M>) -> OneShotSystem<I, O> {
        OneShotSystem { system: Box::new(IntoSystem::into_system(system)), ready: false }
    }

    /// Makes it ready, which panics where its parameters exclude one another.
    pub(crate) fn prepare(&mut self, world: &mut World) {
        if !self.ready {
            self.system.initialize(world);
            self.ready = true;
        }
    }

    /// Applies the commands that it had when it panicked.
    pub(crate) fn settle(&mut self, world: &mut World) {
        if self.ready {
            self.system.apply_deferred(world);
        }
    }

    /// Runs it and applies its commands.
    ///
    /// # Panics
    /// When what a parameter asks for is not there.
    pub(crate) fn run(&mut self, input: I::Inner<'_>, world: &mut World) -> O {
        self.prepare(world);
        let output = self.system.run(input, world).expect("what the system asks for is there");
        self.system.apply_deferred(world);
        output
    }
}

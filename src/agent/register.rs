//! The register of in-process agents: the one place where `model.name` becomes an agent.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use bevy::app::App;

use super::{Agent, Instruments};
use crate::base::registration::{Registrable, SourcePlace, admit};
use crate::base::rng::Stream;
use crate::config::settings::RunConfig;
use crate::interface::observation::Briefing;

/// What an agent is made from, once the run that it is for has started.
#[derive(Clone, Copy)]
pub struct AgentSetup<'a> {
    /// The name under which it is registered.
    pub name: &'a str,
    /// The run's configuration.
    pub config: &'a RunConfig,
    /// The rules of its world.
    pub briefing: &'a Briefing,
    /// Makes a run in another World like the run's.
    pub(crate) rehearse: &'a dyn Rehearse,
}

/// Makes a run in a World of its own, of the same plugins and without records, to see what will come of it.
pub(crate) trait Rehearse {
    /// Makes it with an agent, and shows how it stands before each step and after the last one.
    fn rehearse(&self, config: &RunConfig, agent: &mut dyn Agent, see: &mut dyn FnMut(Instruments<'_>));
}

impl fmt::Debug for AgentSetup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentSetup").field("name", &self.name).finish_non_exhaustive()
    }
}

impl AgentSetup<'_> {
    /// The agent's own draws. They follow from the run's key and the agent's name, so they say nothing of the world's;
    /// raise the version when their meaning changes.
    #[must_use]
    pub fn stream(&self, version: u32) -> Stream {
        Stream::new(self.config.experiment.draw_key, (&format!("agent.{}", self.name), version))
    }
}

type Build = Arc<dyn Fn(AgentSetup<'_>) -> Box<dyn Agent> + Send + Sync>;

/// The agents that `model.name` can name.
#[derive(Default)]
pub struct AgentRegister(BTreeMap<String, (Build, SourcePlace)>);

crate::base::table_resource::table_resource!(AgentRegister);

impl AgentRegister {
    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A new agent; `None` when none has the name.
    #[must_use]
    pub fn build(&self, setup: AgentSetup<'_>) -> Option<Box<dyn Agent>> {
        self.0.get(setup.name).map(|(build, _)| build(setup))
    }
}

impl fmt::Debug for AgentRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Registers agents.
pub trait AgentAppExt {
    /// Registers an agent that runs inside the process, under the name by which `model.name` asks for it.
    ///
    /// `build` is called once a run, after the run has started.
    ///
    /// # Runs in
    ///
    /// Between [`PreAgent`](crate::step::PreAgent) and [`PostAgent`](crate::step::PostAgent): the agent is given the
    /// observation that [`Observe`](crate::step::PreAgentSystems::Observe) has assembled, and what it decides is
    /// carried out in [`Act`](crate::step::PostAgentSystems::Act). It never touches the World.
    ///
    /// A name that is no `snake_case` name or is taken is reported with all other problems of the plugins, by
    /// [`Plugins::check`](crate::plugins::Plugins::check), `main_with`, or a panic of
    /// [`Simulation::from_app`](crate::simulation::driver::Simulation::from_app).
    ///
    /// ```
    /// use vendomini::prelude::*;
    ///
    /// /// Reads its mail and nothing else.
    /// struct Reader;
    ///
    /// impl Agent for Reader {
    ///     fn decide(&mut self, input: Input<'_>) -> Decision {
    ///         let tool = if input.shown.unread() > 0 { "tool_check_inbox" } else { "tool_wait" };
    ///         Decision::scripted(Action::of(tool), None)
    ///     }
    /// }
    ///
    /// fn reader(app: &mut App) {
    ///     app.add_agent("reader", |_: AgentSetup<'_>| Box::new(Reader));
    /// }
    ///
    /// let registered = Plugins::default().with(reader, "0.1.0").check().unwrap();
    /// assert!(registered.agents.iter().any(|name| name == "reader"));
    /// ```
    #[track_caller]
    fn add_agent<F>(&mut self, name: &str, build: F) -> &mut Self
    where
        F: Fn(AgentSetup<'_>) -> Box<dyn Agent> + Send + Sync + 'static;
}

impl AgentAppExt for App {
    #[track_caller]
    fn add_agent<F>(&mut self, name: &str, build: F) -> &mut Self
    where
        F: Fn(AgentSetup<'_>) -> Box<dyn Agent> + Send + Sync + 'static,
    {
        let place = SourcePlace::of(Location::caller());
        let known = self.init_resource::<AgentRegister>().world().resource::<AgentRegister>().0.get(name);
        let known = known.map(|(_, place)| place.clone());
        if admit(self, Registrable::Agent, name, known, &place) {
            let register = &mut self.world_mut().resource_mut::<AgentRegister>().0;
            register.insert(name.to_owned(), (Arc::new(build), place));
        }
        self
    }
}

//! The register of in-process agents: the one place where `model.name` becomes an agent.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use bevy::app::App;

use super::{Agent, Instruments};
use crate::base::registration::{Registrable, SourcePlace, admit, meet};
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

/// What is stated of an agent when it is registered. A name alone is one: an agent of every scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSpec {
    name: String,
    scenario: Option<&'static str>,
}

impl AgentSpec {
    /// An agent of every scenario with a `snake_case` name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> AgentSpec {
        AgentSpec { name: name.into(), scenario: None }
    }

    /// Says which scenario alone has it. Names are unique within a scenario.
    #[must_use]
    pub fn only_in(mut self, scenario: &'static str) -> AgentSpec {
        self.scenario = Some(scenario);
        self
    }
}

impl From<&str> for AgentSpec {
    fn from(name: &str) -> AgentSpec {
        AgentSpec::new(name)
    }
}

impl From<String> for AgentSpec {
    fn from(name: String) -> AgentSpec {
        AgentSpec::new(name)
    }
}

/// The agents that `model.name` can name, by name and by the scenario that alone has them.
#[derive(Default)]
pub struct AgentRegister(BTreeMap<(String, Option<&'static str>), (Build, SourcePlace)>);

crate::base::table_resource::table_resource!(AgentRegister);

impl AgentRegister {
    /// Their names, in order, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut last = None;
        self.0.keys().map(|(name, _)| name.as_str()).filter(move |name| last.replace(*name) != Some(*name))
    }

    /// Whether a scenario has an agent of a name.
    #[must_use]
    pub fn has(&self, name: &str, scenario: &str) -> bool {
        self.find(name, scenario).is_some()
    }

    fn find(&self, name: &str, scenario: &str) -> Option<&(Build, SourcePlace)> {
        let own = |(known, only): &(String, Option<&'static str>)| known == name && meet(*only, Some(scenario));
        self.0.iter().find(|(key, _)| own(key)).map(|(_, agent)| agent)
    }

    /// A new agent; `None` when the run's scenario has none of the name.
    #[must_use]
    pub fn build(&self, setup: AgentSetup<'_>) -> Option<Box<dyn Agent>> {
        self.find(setup.name, setup.briefing.scenario).map(|(build, _)| build(setup))
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
    fn add_agent<F>(&mut self, agent: impl Into<AgentSpec>, build: F) -> &mut Self
    where
        F: Fn(AgentSetup<'_>) -> Box<dyn Agent> + Send + Sync + 'static;
}

impl AgentAppExt for App {
    #[track_caller]
    fn add_agent<F>(&mut self, agent: impl Into<AgentSpec>, build: F) -> &mut Self
    where
        F: Fn(AgentSetup<'_>) -> Box<dyn Agent> + Send + Sync + 'static,
    {
        let AgentSpec { name, scenario } = agent.into();
        let place = SourcePlace::of(Location::caller());
        let known = &self.init_resource::<AgentRegister>().world().resource::<AgentRegister>().0;
        let known = known.iter().find(|((known, only), _)| *known == name && meet(*only, scenario));
        let known = known.map(|(_, (_, place))| place.clone());
        if admit(self, Registrable::Agent, &name, known, &place) {
            let register = &mut self.world_mut().resource_mut::<AgentRegister>().0;
            register.insert((name, scenario), (Arc::new(build), place));
        }
        self
    }
}

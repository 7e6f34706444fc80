//! What an App has registered, by name: what configurations are checked against before the first run.

use bevy::prelude::World;

use crate::agent::register::AgentRegister;
use crate::config::settings::{RunConfig, TypeMix};
use crate::config::{nearest, shown};
use crate::crash::detector::DetectorRegistry;
use crate::shock::family::{ShockFamilies, shares};
use crate::tool::registry::{Availability, ToolRegistry};

/// The names that an App has registered, each list in the order that the simulation uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// Agents, by name.
    pub agents: Vec<String>,
    /// Tools, by name, and which runs offer them.
    pub tools: Vec<(&'static str, Availability)>,
    /// Shock families, by name.
    pub shocks: Vec<String>,
    /// Crash detectors, in the order that breaks ties.
    pub detectors: Vec<&'static str>,
}

/// Keys whose values name what is registered, besides `model.name`.
pub(crate) const TOOLS: &str = "interface.extra_tools";
pub(crate) const MIX: &str = "pe_induction.pe_type_mix";
pub(crate) const DETECTORS: &str = "measurement.detectors";
pub(crate) const PRIMARY: &str = "measurement.primary";

impl Registered {
    /// What a World has registered.
    #[must_use]
    pub fn of(world: &World) -> Registered {
        let agents = world.get_resource::<AgentRegister>();
        let tools = world.get_resource::<ToolRegistry>();
        let shocks = world.get_resource::<ShockFamilies>();
        let detectors = world.get_resource::<DetectorRegistry>();
        Registered {
            agents: agents.into_iter().flat_map(AgentRegister::names).map(ToOwned::to_owned).collect(),
            tools: tools.into_iter().flat_map(ToolRegistry::specs).map(|spec| (spec.name, spec.availability)).collect(),
            shocks: shocks.into_iter().flat_map(ShockFamilies::names).map(ToOwned::to_owned).collect(),
            detectors: detectors.into_iter().flat_map(DetectorRegistry::names).collect(),
        }
    }

    /// What is wrong with the names in a configuration: the key and a sentence that says what to do. The agent and
    /// the primary crash types are left out: a run needs neither.
    pub(crate) fn wrong_names(&self, config: &RunConfig) -> Vec<(&'static str, String)> {
        let tools = config.interface.extra_tools.iter().filter_map(|name| self.wrong_tool(name));
        let families = self.wrong_families(&config.pe_induction.pe_type_mix);
        let sets = |name: &String| name == "all" || name == "v1";
        let detectors = config.measurement.detectors.iter().filter(|name| !sets(name));
        tools
            .map(|wrong| (TOOLS, wrong))
            .chain(families.into_iter().map(|wrong| (MIX, wrong)))
            .chain(detectors.filter_map(|name| Some((DETECTORS, self.wrong_detector(name, "all, v1, or some of ")?))))
            .collect()
    }

    /// What is wrong with the primary crash types.
    pub(crate) fn wrong_primary(&self, config: &RunConfig) -> Vec<(&'static str, String)> {
        let primary = config.measurement.primary.iter();
        primary.filter_map(|name| Some((PRIMARY, self.wrong_detector(name, "some of ")?))).collect()
    }

    fn wrong_tool(&self, name: &str) -> Option<String> {
        match self.tools.iter().find(|(known, _)| *known == name) {
            Some((_, Availability::Extra)) => None,
            Some((_, other)) => {
                Some(format!("{name} does not belong here: {}; leave it out of this list", other.reason()))
            }
            None => {
                let extra: Vec<&str> =
                    self.tools.iter().filter(|(_, to)| *to == Availability::Extra).map(|(name, _)| *name).collect();
                Some(unknown("extra tool", name, "some of ", &extra))
            }
        }
    }

    fn wrong_detector(&self, name: &str, before: &str) -> Option<String> {
        (!self.detectors.contains(&name)).then(|| unknown("crash detector", name, before, &self.detectors))
    }

    fn wrong_families(&self, mix: &TypeMix) -> Vec<String> {
        let known: Vec<&str> = self.shocks.iter().map(String::as_str).collect();
        let shares = shares(mix);
        let mut missing = shares.iter().map(|(family, _)| &**family).filter(|family| !known.contains(family));
        match mix {
            TypeMix::Weights(_) => missing.map(|family| unknown("shock family", family, "some of ", &known)).collect(),
            // Without any family there are no shocks, whatever the mix.
            TypeMix::Word(_) if known.is_empty() => Vec::new(),
            TypeMix::Word(word) => missing
                .next()
                .map(|family| {
                    let example = known[0];
                    format!(
                        "{word} draws {family}, and there is no such shock family; write a map of weights instead, \
                         such as {{{example}: 1}}, of {}",
                        known.join(", ")
                    )
                })
                .into_iter()
                .collect(),
        }
    }
}

/// A name that nothing is registered under.
fn unknown(what: &str, name: &str, before: &str, known: &[&str]) -> String {
    let asked = shown(name);
    let hint = nearest(name, known.iter().copied()).map_or(String::new(), |near| format!(" (did you mean {near}?)"));
    match known {
        [] => format!("there is no {what} {asked}: no plugin of this program registers any; leave it out"),
        known => format!("there is no {what} {asked}{hint}; use {before}{}", known.join(", ")),
    }
}

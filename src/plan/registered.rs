//! What a program has registered, by name: what configurations are checked against before the first run.
//!
//! Plain names. Whoever has a World fills them in; this module knows no tool, family or detector.

use std::sync::Arc;

use crate::config::settings::{MixWord, RunConfig, TypeMix};
use crate::config::{nearest, shown};

/// A tool that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolName {
    /// Its name.
    pub name: &'static str,
    /// Which runs offer it, where that does not depend on `interface.extra_tools`: a clause such as "it is always
    /// offered". `None` for the tools that this key asks for.
    pub offered: Option<String>,
}

/// The names that an App has registered, each list in the order that the simulation uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// Agents, by name.
    pub agents: Vec<String>,
    /// Tools, by name.
    pub tools: Vec<ToolName>,
    /// Shock families, by name.
    pub shocks: Vec<String>,
    /// The families that each word of `pe_induction.pe_type_mix` draws.
    pub mixes: Vec<(MixWord, Vec<Arc<str>>)>,
    /// Crash detectors, in the order that breaks ties.
    pub detectors: Vec<&'static str>,
}

/// Keys whose values name what is registered.
const AGENT: &str = "model.name";
pub(crate) const TOOLS: &str = "interface.extra_tools";
pub(crate) const MIX: &str = "pe_induction.pe_type_mix";
pub(crate) const DETECTORS: &str = "measurement.detectors";
pub(crate) const PRIMARY: &str = "measurement.primary";

impl Registered {
    /// The names that a key of a configuration may have for what is registered; none for keys that name no such thing.
    #[must_use]
    pub fn names_for(&self, path: &str) -> Vec<String> {
        match path {
            AGENT => self.agents.clone(),
            TOOLS => self.extra_tools().map(ToOwned::to_owned).collect(),
            MIX => self.shocks.clone(),
            DETECTORS | PRIMARY => self.detectors.iter().map(|name| (*name).to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    fn extra_tools(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.tools.iter().filter(|tool| tool.offered.is_none()).map(|tool| tool.name)
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
        match self.tools.iter().find(|tool| tool.name == name) {
            Some(ToolName { offered: None, .. }) => None,
            Some(ToolName { offered: Some(offered), .. }) => {
                Some(format!("{name} does not belong here: {offered}; leave it out of this list"))
            }
            None => {
                let extra: Vec<&str> = self.extra_tools().collect();
                Some(unknown("extra tool", name, "some of ", &extra))
            }
        }
    }

    fn wrong_detector(&self, name: &str, before: &str) -> Option<String> {
        (!self.detectors.contains(&name)).then(|| unknown("crash detector", name, before, &self.detectors))
    }

    fn wrong_families(&self, mix: &TypeMix) -> Vec<String> {
        let known: Vec<&str> = self.shocks.iter().map(String::as_str).collect();
        match mix {
            TypeMix::Weights(weights) => {
                let missing = weights.keys().filter(|family| !self.shocks.contains(family));
                missing.map(|family| unknown("shock family", family, "some of ", &known)).collect()
            }
            // Without any family there are no shocks, whatever the mix.
            TypeMix::Word(_) if known.is_empty() => Vec::new(),
            TypeMix::Word(word) => {
                let drawn = self.mixes.iter().filter(|(known, _)| known == word).flat_map(|(_, families)| families);
                let missing = drawn.filter(|family| !known.contains(&&***family)).take(1);
                let refusal = |family: &Arc<str>| {
                    format!(
                        "{word} draws {family}, and there is no such shock family; write a map of weights instead, \
                         such as {{{}: 1}}, of {}",
                        known[0],
                        known.join(", ")
                    )
                };
                missing.map(refusal).collect()
            }
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

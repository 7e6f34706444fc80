//! What can be wrong with what plugins register. Problems are collected in the World while plugins build and reported
//! together, in an order that does not depend on theirs.

use std::fmt;
use std::panic::Location;
use std::path::Path;

use bevy::app::App;
use thiserror::Error;

use crate::base::ids::{NAME_RULE, is_name};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Something that is registered by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Registrable {
    /// A tool.
    Tool,
    /// A shock family.
    Shock,
    /// A crash detector, that is, a crash type.
    CrashDetector,
    /// An agent.
    Agent,
    /// State of a run.
    RunState,
}

impl Registrable {
    /// Names that mean something else where names of this kind stand.
    fn reserved(self) -> &'static [&'static str] {
        match self {
            // What a configuration writes in the place of names.
            Registrable::CrashDetector => &["all", "v1"],
            Registrable::Shock => &["strike", "realistic", "temporal_only", "quantity_only", "causal_only", "uniform"],
            Registrable::Tool | Registrable::Agent | Registrable::RunState => &[],
        }
    }
}

impl fmt::Display for Registrable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Registrable::Tool => "tool",
            Registrable::Shock => "shock",
            Registrable::CrashDetector => "crash detector",
            Registrable::Agent => "agent",
            Registrable::RunState => "run state",
        })
    }
}

/// A place in source code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourcePlace(String);

impl SourcePlace {
    /// The place of a caller.
    #[must_use]
    pub fn of(location: &Location<'_>) -> SourcePlace {
        SourcePlace(format!("{}:{}", from_package(Path::new(location.file())), location.line()))
    }
}

/// A source file from its package's folder on: where a dependency lies differs from machine to machine.
fn from_package(file: &Path) -> String {
    let parts: Vec<_> = file.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let source = parts.iter().rposition(|part| part == "src").filter(|_| file.is_absolute());
    parts[source.map_or(0, |source| source.saturating_sub(1))..].join("/")
}

impl fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something wrong with a plugin, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum PluginProblem {
    /// A name that cannot stand in a configuration.
    #[error("{place}: {name:?} cannot name the {kind} that is registered here; a name has {NAME_RULE}")]
    BadName {
        /// What it is to name.
        kind: Registrable,
        /// The name.
        name: String,
        /// Where it is registered.
        place: SourcePlace,
    },
    /// A name that means something else.
    #[error(
        "{place}: {name} cannot name the {kind} that is registered here: it already means something else there; rename it"
    )]
    Reserved {
        /// What it is to name.
        kind: Registrable,
        /// The name.
        name: String,
        /// Where it is registered.
        place: SourcePlace,
    },
    /// One name twice.
    #[error(
        "the {kind} {name} is registered twice, at {first} and at {second}; rename one of them, or disable the plugin \
         that registers the other"
    )]
    Duplicate {
        /// What it names.
        kind: Registrable,
        /// The name.
        name: String,
        /// One place, the first in alphabetical order.
        first: SourcePlace,
        /// The other.
        second: SourcePlace,
    },
    /// Arguments of a tool that are no JSON object.
    #[error(
        "{place}: the arguments of the tool {name} are of type {arguments}, whose JSON Schema describes {described}, \
         and tools are called with an object; take a struct with named fields that derives Deserialize and JsonSchema"
    )]
    Arguments {
        /// The tool.
        name: String,
        /// The Rust type of its arguments.
        arguments: &'static str,
        /// What the schema describes.
        described: String,
        /// Where it is registered.
        place: SourcePlace,
    },
    /// An argument of a tool whose name means something else.
    #[error(
        "{place}: the tool {name} takes an argument named prediction, and that is where language models put their \
         prediction card; give it another name"
    )]
    ArgumentTaken {
        /// The tool.
        name: String,
        /// Where it is registered.
        place: SourcePlace,
    },
    /// One plugin twice.
    #[error("the plugin {name} is added twice; add it once")]
    PluginTwice {
        /// The plugin.
        name: String,
    },
    /// A plugin to disable that is not there.
    #[error("there is no plugin {name} to disable; there are {known}")]
    NotThere {
        /// The plugin.
        name: String,
        /// Those that are there.
        known: String,
    },
    /// The steps cannot be made.
    #[error(
        "the schedule {schedule} cannot be built: {why}; order the systems with before and after, as the table of \
         schedules in the manual of vendomini shows them"
    )]
    Schedule {
        /// Which.
        schedule: &'static str,
        /// Why.
        why: String,
    },
    /// A system that would never run.
    #[error(
        "the system {system} is in the schedule {schedule}, which runs only while an App is updated, and runs of a batch \
         are stepped without one; {instead}"
    )]
    NeverRun {
        /// Where it is.
        schedule: String,
        /// Which.
        system: String,
        /// Where it can be instead.
        instead: &'static str,
    },
    /// There are no steps.
    #[error("there is no schedule {0}; add StepPlugin, or a plugin of your own that adds it")]
    NoSchedule(&'static str),
}

/// Everything that is wrong with the plugins of an App, sorted; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct PluginErrors(pub Vec<PluginProblem>);

/// The problems of an App so far.
#[derive(Default)]
pub(crate) struct PluginProblems(Vec<PluginProblem>);

crate::base::table_resource::table_resource!(PluginProblems);

impl PluginProblems {
    /// Notes a problem.
    pub(crate) fn note(app: &mut App, problem: PluginProblem) {
        app.init_resource::<PluginProblems>();
        app.world_mut().resource_mut::<PluginProblems>().0.push(problem);
    }

    /// What was noted, sorted and without repetition.
    pub(crate) fn of(app: &App) -> Option<PluginErrors> {
        let mut problems = app.world().get_resource::<PluginProblems>()?.0.clone();
        problems.sort();
        problems.dedup();
        (!problems.is_empty()).then_some(PluginErrors(problems))
    }
}

/// Checks a name that is about to be registered; whether it may be. `known` is the place of another one of that name.
pub(crate) fn admit(
    app: &mut App,
    kind: Registrable,
    name: &str,
    known: Option<SourcePlace>,
    place: &SourcePlace,
) -> bool {
    let (name, place) = (name.to_owned(), place.clone());
    let problem = if !is_name(&name) {
        PluginProblem::BadName { kind, name, place }
    } else if kind.reserved().contains(&name.as_str()) {
        PluginProblem::Reserved { kind, name, place }
    } else if let Some(known) = known {
        let [first, second] = if known <= place { [known, place] } else { [place, known] };
        PluginProblem::Duplicate { kind, name, first, second }
    } else {
        return true;
    };
    PluginProblems::note(app, problem);
    false
}

/// Whether two registrations can stand in one run, given the scenario that alone has each; `None` for all.
pub(crate) fn meet(one: Option<&str>, other: Option<&str>) -> bool {
    one.is_none() || other.is_none() || one == other
}

/// A plugin as the manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct PluginRecord {
    /// Bevy's name of it: the path of its type.
    pub name: String,
    /// The version of the package that it comes from.
    pub version: String,
}

impl fmt::Display for PluginRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// Records that were made with other plugins than this program has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the records were made with other plugins than this program has; use the program that made them\n\
     plugins of the records: {}\n\
     plugins of this program: {}",
    list(.recorded),
    list(.present)
)]
pub struct OtherPlugins {
    /// Those of the records, by name.
    pub recorded: Vec<PluginRecord>,
    /// Those of this program, by name.
    pub present: Vec<PluginRecord>,
}

pub(crate) fn list(plugins: &[PluginRecord]) -> String {
    plugins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_dependencies_begin_with_the_package() {
        assert_eq!(from_package(Path::new("src/main.rs")), "src/main.rs");
        let root = if cfg!(windows) { "C:/" } else { "/" };
        let dependency = format!("{root}home/src/registry/vendomini-0.1.0/src/crash/mod.rs");
        assert_eq!(from_package(Path::new(&dependency)), "vendomini-0.1.0/src/crash/mod.rs");
    }
}

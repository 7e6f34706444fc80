//! The register of tools and the call of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use bevy::app::App;
use bevy::ecs::system::{BoxedSystem, IntoSystem};
use bevy::ecs::world::World;
use bevy::prelude::{In, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::result::{ErrorCode, ToolError, ToolReply};
use crate::agent::observation::OfferedTool;
use crate::config::settings::{InterfaceConfig, MemoryTools, RecoveryTools};
use crate::prediction::error::ErrorType;
use crate::world::level::Level;

/// Which runs offer a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// All.
    Always,
    /// Those at a level with expedite.
    WithExpedite,
    /// Those with basic or full memory tools.
    WithMemory,
    /// Those with full memory tools.
    WithFullMemory,
    /// Those with these recovery tools, or all.
    WithRecovery(RecoveryTools),
}

impl Availability {
    fn holds(self, level: &Level, interface: &InterfaceConfig) -> bool {
        match self {
            Availability::Always => true,
            Availability::WithExpedite => level.has_expedite(),
            Availability::WithMemory => interface.memory_tools != MemoryTools::None,
            Availability::WithFullMemory => interface.memory_tools == MemoryTools::Full,
            Availability::WithRecovery(tools) => {
                interface.recovery_tools == tools || interface.recovery_tools == RecoveryTools::All
            }
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Availability::Always => "it is always offered",
            Availability::WithExpedite => "it is offered from complexity level 2",
            Availability::WithMemory => "it is offered with memory_tools basic or full",
            Availability::WithFullMemory => "it is offered with memory_tools full",
            Availability::WithRecovery(RecoveryTools::Reset) => "it is offered with recovery_tools reset or all",
            Availability::WithRecovery(RecoveryTools::Audit) => "it is offered with recovery_tools audit or all",
            Availability::WithRecovery(_) => "it is offered with recovery_tools help or all",
        }
    }
}

/// What is stated of a tool when it is registered.
#[derive(Clone, Copy, Debug)]
pub struct ToolSpec {
    /// Its unique name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub description: &'static str,
    /// Which runs offer it.
    pub availability: Availability,
    /// Error types that a successful call can bind.
    pub binds: &'static [ErrorType],
}

/// What a tool that only looks can bind.
pub const CAUSAL: &[ErrorType] = &[ErrorType::Causal];

type Call = Box<dyn FnMut(&Map<String, Value>, &mut World) -> ToolReply + Send + Sync>;

struct Tool {
    spec: ToolSpec,
    call: Call,
}

/// All registered tools by name, and the ones that this run offers.
#[derive(Resource, Default)]
pub struct ToolRegistry {
    tools: BTreeMap<&'static str, Tool>,
    offered: Arc<[OfferedTool]>,
}

/// Registers a tool: its spec and the system that does it. The system's input is the type of its arguments.
pub(crate) fn add<A, M>(app: &mut App, spec: ToolSpec, system: impl IntoSystem<In<A>, Result<ToolReply, ToolError>, M>)
where
    A: DeserializeOwned + 'static,
{
    let mut system: BoxedSystem<In<A>, Result<ToolReply, ToolError>> = Box::new(IntoSystem::into_system(system));
    system.initialize(app.world_mut());
    let call: Call = Box::new(move |args, world| {
        let arguments = match A::deserialize(args) {
            Ok(arguments) => arguments,
            Err(_) => {
                // Once more, slower, to learn which argument it is.
                let error = serde_path_to_error::deserialize::<_, A>(args).err().map(|error| error.to_string());
                let message = format!("bad arguments: {}", error.unwrap_or_default());
                return ToolReply::failure(ToolError::new(ErrorCode::BadArguments, message));
            }
        };
        let reply = system.run(arguments, world).expect("a tool's system runs");
        system.apply_deferred(world);
        reply.into()
    });
    let known = app.world_mut().resource_mut::<ToolRegistry>().tools.insert(spec.name, Tool { spec, call });
    assert!(known.is_none(), "the tool {} is registered twice", spec.name);
}

impl ToolRegistry {
    /// Works out what a run offers, in the order of names.
    pub(crate) fn offer(&mut self, level: &Level, interface: &InterfaceConfig) -> Arc<[OfferedTool]> {
        self.offered = self
            .tools
            .values()
            .map(|tool| tool.spec)
            .filter(|spec| spec.availability.holds(level, interface))
            .map(|spec| OfferedTool { name: spec.name.to_owned(), description: spec.description, binds: spec.binds })
            .collect();
        self.offered.clone()
    }

    /// Error types that a successful call of a tool can bind; none for a tool that is not offered.
    #[must_use]
    pub fn binds(&self, name: &str) -> &'static [ErrorType] {
        self.offered.iter().find(|tool| tool.name == name).map_or(&[], |tool| tool.binds)
    }

    /// Whether a tool may be called.
    ///
    /// # Errors
    /// With the reason and the remedy, when it may not.
    pub fn check(&self, name: &str) -> Result<(), ToolError> {
        if self.offered.iter().any(|tool| tool.name == name) {
            return Ok(());
        }
        match self.tools.get(name) {
            Some(tool) => Err(ToolError::new(
                ErrorCode::ToolNotOffered,
                format!("{name} is not available in this run: {}", tool.spec.availability.reason()),
            )),
            None => {
                let offered: Vec<&str> = self.offered.iter().map(|tool| tool.name.as_str()).collect();
                let message = format!("there is no tool {name:?}; available are {}", offered.join(", "));
                Err(ToolError::new(ErrorCode::UnknownTool, message))
            }
        }
    }

    /// Calls an offered tool.
    pub(crate) fn call(&mut self, name: &str, args: &Map<String, Value>, world: &mut World) -> ToolReply {
        (self.tools.get_mut(name).expect("an offered tool is registered").call)(args, world)
    }
}

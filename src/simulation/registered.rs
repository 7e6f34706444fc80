//! What a World has registered, by name.

use bevy::prelude::World;

use crate::agent::register::AgentRegister;
use crate::config::settings::{MixWord, TypeMix};
use crate::crash::detector::DetectorRegistry;
use crate::plan::registered::{Registered, ToolName};
use crate::shock::family::{ShockFamilies, shares};
use crate::tool::registry::{Availability, ToolRegistry, ToolSpec};

/// The names in a World.
#[must_use]
pub fn registered(world: &World) -> Registered {
    let agents = world.get_resource::<AgentRegister>();
    let tools = world.get_resource::<ToolRegistry>();
    let shocks = world.get_resource::<ShockFamilies>();
    let detectors = world.get_resource::<DetectorRegistry>();
    let tool = |spec: ToolSpec| {
        let offered = (spec.availability != Availability::Extra).then(|| spec.availability.reason());
        ToolName { name: spec.name, offered }
    };
    let families = |word| shares(&TypeMix::Word(word)).into_iter().map(|(family, _)| family).collect();
    Registered {
        agents: agents.into_iter().flat_map(AgentRegister::names).map(ToOwned::to_owned).collect(),
        tools: tools.into_iter().flat_map(ToolRegistry::specs).map(tool).collect(),
        shocks: shocks.into_iter().flat_map(ShockFamilies::names).map(ToOwned::to_owned).collect(),
        mixes: MixWord::ALL.iter().map(|word| (*word, families(*word))).collect(),
        detectors: detectors.into_iter().flat_map(DetectorRegistry::names).collect(),
    }
}

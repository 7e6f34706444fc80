//! Catches resources that somebody forgot to register: what one run left in them, the next would meet.

use std::collections::BTreeSet;

use bevy::ecs::change_detection::Tick;
use bevy::ecs::component::ComponentId;
use bevy::prelude::*;

use super::RunStates;

/// Crates whose resources systems do not use to keep state of a run.
const BEVY: [&str; 6] =
    ["bevy_app::", "bevy_ecs::", "bevy_diagnostic::", "bevy_tasks::", "bevy_time::", "bevy_utils::"];

/// The resources of a World that are the same for all runs, as far as anybody has said.
pub(crate) struct Watch {
    /// Those that are neither Bevy's nor declared, with their entities.
    unregistered: Vec<(ComponentId, Entity)>,
    /// All that were there from the beginning.
    known: BTreeSet<ComponentId>,
    since: Tick,
}

impl Watch {
    /// From now on, nothing but run state may change.
    pub(crate) fn begin(world: &mut World) -> Watch {
        let states = world.get_resource::<RunStates>();
        let all: Vec<_> = world.resource_entities().iter().collect();
        let declared = |id: ComponentId| states.is_some_and(|states| states.declares(id));
        let unregistered = all.iter().copied().filter(|(id, _)| !declared(*id) && !is_bevys(world, *id)).collect();
        let known = all.iter().map(|(id, _)| *id).chain(states.into_iter().flat_map(RunStates::ids)).collect();
        Watch { unregistered, known, since: world.increment_change_tick() }
    }

    /// Names of the resources that changed since this was last asked, or that are new, and that nobody registered.
    pub(crate) fn changed(&mut self, world: &mut World) -> Vec<String> {
        let now = world.change_tick();
        let name =
            |id| world.components().get_name(id).map_or_else(|| "a resource".to_owned(), |name| name.to_string());
        let is_newer = |(id, entity): &(ComponentId, Entity)| {
            let ticks = world.get_entity(*entity).ok().and_then(|entity| entity.get_change_ticks_by_id(*id));
            ticks.is_none_or(|ticks| ticks.is_changed(self.since, now))
        };
        let changed = self.unregistered.iter().filter(|resource| is_newer(resource)).map(|(id, _)| name(*id));
        let new = world.resource_entities().iter().filter(|(id, _)| !self.known.contains(id) && !is_bevys(world, *id));
        let mut names: Vec<String> = changed.chain(new.map(|(id, _)| name(id))).collect();
        names.sort();
        self.since = world.increment_change_tick();
        names
    }
}

/// Whether a resource is Bevy's own, and of nothing that is somebody else's: a buffer of messages is theirs whose
/// messages they are.
fn is_bevys(world: &World, id: ComponentId) -> bool {
    let name = world.components().get_name(id).map(|name| name.to_string()).unwrap_or_default();
    BEVY.iter().any(|module| name.starts_with(module))
        && name.split_once('<').is_none_or(|(_, of)| BEVY.iter().any(|module| of.starts_with(module)))
}

//! An App of few bytes: a process holds many Worlds, and what is left of Bevy's own App in each of them adds up.

use std::mem;
use std::sync::OnceLock;

use bevy::MinimalPlugins;
use bevy::app::{App, FixedMain, FixedMainScheduleOrder, Main, MainScheduleOrder, PluginGroup, RunFixedMainLoop};
use bevy::ecs::schedule::{ScheduleLabel, Schedules};
use bevy::prelude::AppTypeRegistry;
use bevy::time::TimePlugin;

/// A headless App that is stepped and never updated. [`MinimalPlugins`] come without their clock, which nothing in a
/// run may read, and all Worlds of the process share one register of types, which plugins may add to.
pub(crate) fn headless_app() -> App {
    static TYPES: OnceLock<AppTypeRegistry> = OnceLock::new();
    let mut app = App::empty();
    app.insert_resource(TYPES.get_or_init(AppTypeRegistry::default).clone());
    app.add_plugins(MinimalPlugins.build().disable::<TimePlugin>());
    app
}

/// Drops the schedules that only `App::update` runs.
pub(super) fn drop_updates(app: &mut App) {
    let (order, fixed) = (MainScheduleOrder::default(), FixedMainScheduleOrder::default());
    let unused = [Main.intern(), FixedMain.intern(), RunFixedMainLoop.intern()];
    let unused: Vec<_> = [&unused[..], &order.startup_labels, &order.labels, &fixed.labels].concat();
    let Some(mut kept) = app.world_mut().get_resource_mut::<Schedules>() else { return };
    // Into a new map, since a map keeps its room.
    let mut all = mem::take(&mut *kept);
    kept.ignored_scheduling_ambiguities = mem::take(&mut all.ignored_scheduling_ambiguities);
    let labels: Vec<_> = all.iter().map(|(_, schedule)| schedule.label()).collect();
    for label in labels.into_iter().filter(|label| !unused.contains(label)) {
        kept.insert(all.remove(label).expect("it was there just now"));
    }
}

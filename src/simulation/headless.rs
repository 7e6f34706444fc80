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
pub(crate) fn drop_updates(app: &mut App) {
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

#[cfg(test)]
mod tests {
    use bevy::prelude::*;

    use super::*;

    #[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
    struct OfSomebodyElse;

    #[test]
    fn schedules_of_updates_are_dropped_and_no_others() {
        for mut app in [App::new(), headless_app()] {
            app.add_systems(Update, || {}).add_systems(FixedUpdate, || {}).add_systems(OfSomebodyElse, || {});
            drop_updates(&mut app);
            let kept: Vec<_> = app.world().resource::<Schedules>().iter().map(|(_, kept)| kept.label()).collect();
            assert_eq!(kept, [OfSomebodyElse.intern()]);
        }
    }

    #[test]
    fn plugins_may_register_types_and_messages_in_a_headless_app() {
        #[derive(Message)]
        struct Told;
        let mut app = headless_app();
        app.register_type::<String>().add_message::<Told>();
        app.finish();
    }
}

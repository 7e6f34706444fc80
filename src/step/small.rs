//! An App of few bytes: a process holds many Worlds, and what is left of Bevy's own App in each of them adds up.

use std::mem;

use bevy::app::{App, FixedMain, FixedMainScheduleOrder, Main, MainScheduleOrder, RunFixedMainLoop};
use bevy::ecs::schedule::{ScheduleLabel, Schedules};

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

//! An App of few bytes: a process holds many Worlds, and what is left of Bevy's own App in each of them adds up.

use std::mem;
use std::sync::OnceLock;

use bevy::MinimalPlugins;
use bevy::app::{
    App, First, FixedFirst, FixedMain, FixedMainScheduleOrder, FixedPreUpdate, Main, MainScheduleOrder, PluginGroup,
    PreUpdate, RunFixedMainLoop,
};
use bevy::ecs::schedule::{InternedScheduleLabel, ScheduleLabel, Schedules};
use bevy::prelude::AppTypeRegistry;
use bevy::time::TimePlugin;

use crate::base::registration::{PluginProblem, PluginProblems};
use crate::engine::run_state::hide_suspended;

/// A headless App that is stepped and never updated. [`MinimalPlugins`] come without their clock, which nothing in a
/// run may read, and all Worlds of the process share one register of types, which plugins may add to.
pub(crate) fn headless_app() -> App {
    static TYPES: OnceLock<AppTypeRegistry> = OnceLock::new();
    let mut app = App::empty();
    hide_suspended(app.world_mut());
    app.insert_resource(TYPES.get_or_init(AppTypeRegistry::default).clone());
    app.add_plugins(MinimalPlugins.build().disable::<TimePlugin>());
    app
}

/// Where a system can stand that was added to a schedule which runs do not run.
const ON_DAY_0: &str = "put what a run begins with into add_run_state or add_run_resource, or the system into PreAgent, \
                        in PreAgentSystems::Morning";
const BEFORE_THE_AGENT: &str =
    "add it to PreAgent, in PreAgentSystems::Clock, which runs in every step before the agent";
const AFTER_THE_AGENT: &str = "add it to PostAgent: in PostAgentSystems::Resolve when it changes something, in \
                               PostAgentSystems::Record when it only looks; both run in every step after the agent";

/// Crates whose systems in those schedules belong to an App that is updated, and do nothing for a run.
const BEVY: [&str; 4] = ["bevy_app::", "bevy_diagnostic::", "bevy_ecs::", "bevy_time::"];

/// The schedules that only `App::update` runs, each with where its systems can stand instead.
fn updates() -> Vec<(InternedScheduleLabel, &'static str)> {
    let (order, fixed) = (MainScheduleOrder::default(), FixedMainScheduleOrder::default());
    let early = [First.intern(), PreUpdate.intern(), FixedFirst.intern(), FixedPreUpdate.intern()];
    let outer = [Main.intern(), FixedMain.intern(), RunFixedMainLoop.intern()];
    let place = |label| if early.contains(&label) { BEFORE_THE_AGENT } else { AFTER_THE_AGENT };
    let startup = order.startup_labels.iter().map(|label| (*label, ON_DAY_0));
    let every = outer.iter().chain(&order.labels).chain(&fixed.labels).map(|label| (*label, place(*label)));
    startup.chain(every).collect()
}

/// Reports the systems that plugins put into schedules which nobody runs here.
pub(crate) fn report_updates(app: &mut App) {
    let Some(schedules) = app.world().get_resource::<Schedules>() else { return };
    let mut problems = Vec::new();
    for (label, instead) in updates() {
        let systems = schedules.get(label).into_iter().flat_map(|schedule| schedule.graph().systems.iter());
        let names = systems.map(|(_, system, _)| system.name().to_string());
        for system in names.filter(|name| !BEVY.iter().any(|module| name.starts_with(module))) {
            problems.push(PluginProblem::NeverRun { schedule: format!("{label:?}"), system, instead });
        }
    }
    for problem in problems {
        PluginProblems::note(app, problem);
    }
}

/// Drops the schedules that only `App::update` runs.
pub(crate) fn drop_updates(app: &mut App) {
    let unused: Vec<_> = updates().into_iter().map(|(label, _)| label).collect();
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

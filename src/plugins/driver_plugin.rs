//! A run in an App as Bevy means it: one step in each `FixedUpdate`, and `App::run` ends with the run.
//!
//! Who needs an App: a window, a person, a server, a program that has an App already. Nothing of the simulation hangs on
//! its clock: how often `FixedUpdate` runs says how fast a run is to look at, and changes no record of it.

use std::error::Error;
use std::fmt;
use std::mem;
use std::sync::Mutex;
use std::task::Poll;

use bevy::platform::cell::SyncCell;
use bevy::prelude::*;
use serde_json::Value;

use super::Plugins;
use crate::agent::{Agent, Input};
use crate::base::decision::Decision;
use crate::base::run_end::EndReason;
use crate::config::settings::RunConfig;
use crate::engine::run_state::SpawnOrder;
use crate::plan::PlannedRun;
use crate::record::step::Recorder;
use crate::record::summary::{RunIdentity, Summary};
use crate::simulation::drive::{self, Records};
use crate::simulation::recorded_run::{CrashTold, RunLog};
use crate::simulation::registered::registered;

/// Why the records of an App's run cannot be kept.
pub type LogError = Box<dyn Error + Send + Sync>;

/// Where the records of an App's run go. [`RunFiles`](crate::batch::RunFiles) writes the files that a batch writes.
pub trait AppLog: RunLog<Error = LogError> + Send + Sync + 'static {
    /// The run has ended, and all its lines were taken.
    ///
    /// # Errors
    /// When its summary cannot be kept.
    fn complete(&mut self, summary: &Summary) -> Result<(), LogError>;
}

/// An agent that answers when it is ready: a person, another process, a server.
pub trait DeferredAgent: Send + 'static {
    /// Decides on the action of a step. Asked in every tick until it has decided: a step waits, frames do not. It must
    /// not block; a call that takes its time is begun when a step is new (`input.observation.step`) and looked for later.
    fn poll(&mut self, input: Input<'_>) -> Poll<Decision>;

    /// As [`Agent::truth`].
    fn truth(&self) -> Option<Value> {
        None
    }
}

/// Who decides.
enum Decider {
    /// The agent that `model.name` names.
    Named,
    InProcess(Box<dyn Agent>),
    Deferred(Box<dyn DeferredAgent>),
}

/// How the run of an App stands.
#[derive(Clone, Debug, PartialEq)]
pub enum RunStanding {
    /// It has not begun: it does in `PreStartup`.
    Waiting,
    /// It goes on.
    UnderWay,
    /// It has ended, and its records are complete.
    Ended(Box<Summary>),
    /// It cannot begin or go on, and this is why.
    Failed(String),
}

/// The run of an App. Systems may read it in every schedule.
#[derive(Resource)]
pub struct AppRun {
    config: RunConfig,
    identity: RunIdentity,
    decider: SyncCell<Decider>,
    plugins: Plugins,
    log: Option<Box<dyn AppLog>>,
    told: CrashTold,
    is_asked: bool,
    standing: RunStanding,
}

impl fmt::Debug for AppRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppRun").field("identity", &self.identity).field("standing", &self.standing).finish()
    }
}

impl AppRun {
    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> &RunStanding {
        &self.standing
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Whether the agent was asked and has not answered.
    #[must_use]
    pub fn is_waiting_for_agent(&self) -> bool {
        self.is_asked
    }

    fn begin(&mut self, world: &mut World) -> Result<(), LogError> {
        if let Some((path, wrong)) = registered(world).wrong_names(&self.config).first() {
            return Err(format!("{path}: {wrong}").into());
        }
        let records = self.log.as_ref().map_or(Records::Dropped, |log| log.records());
        drive::begin(world, &self.config, SpawnOrder::default(), records);
        if let Decider::Named = self.decider.get() {
            let name = &self.config.model.name;
            let agent = drive::agent(world, name, &self.plugins)
                .ok_or_else(|| format!("there is no scripted agent {name}; give the driver another one with asking"))?;
            self.decider = SyncCell::new(Decider::InProcess(agent));
        }
        self.standing = RunStanding::UnderWay;
        Ok(())
    }

    fn step(&mut self, world: &mut World) -> Result<(), LogError> {
        if !mem::replace(&mut self.is_asked, true) {
            drive::observe(world);
        }
        let decided = match self.decider.get() {
            Decider::InProcess(agent) => Poll::Ready(drive::ask(world, agent.as_mut())),
            Decider::Deferred(agent) => agent.poll(drive::input(world)),
            Decider::Named => unreachable!("the run has begun"),
        };
        let Poll::Ready(decision) = decided else { return Ok(()) };
        self.is_asked = false;
        let ended = drive::apply(world, decision);
        if let Some(log) = &mut self.log {
            self.told.keep(log.as_mut(), world)?;
        }
        ended.map_or(Ok(()), |reason| self.end(world, reason))
    }

    fn end(&mut self, world: &mut World, reason: EndReason) -> Result<(), LogError> {
        let mut summary = drive::summary(world, self.identity.clone(), reason);
        summary.truth = match self.decider.get() {
            Decider::InProcess(agent) => agent.truth(),
            Decider::Deferred(agent) => agent.truth(),
            Decider::Named => None,
        };
        if let Some(log) = &mut self.log {
            log.take_all(&mut world.resource_mut::<Recorder>())?;
            log.complete(&summary)?;
        }
        self.standing = RunStanding::Ended(Box::new(summary));
        Ok(())
    }
}

/// Sets of the driver.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DriverSystems {
    /// The run begins: day 0 is there.
    ///
    /// Runs in `PreStartup`, so that systems in `Startup` meet it.
    Begin,
    /// One step is made, or waits for the agent.
    ///
    /// Runs in `FixedUpdate`. Systems there that look at a step come after it.
    Step,
}

/// Drives one run in an App: `App::run` makes it and ends with it.
///
/// ```
/// use bevy::time::TimeUpdateStrategy;
/// use vendomini::config::from_settings;
/// use vendomini::plan::Plan;
/// use vendomini::plugins::driver_plugin::{AppRun, DriverPlugin, RunStanding};
/// use vendomini::prelude::*;
///
/// fn report(run: Res<AppRun>, mut said: Local<bool>) {
///     if let RunStanding::Ended(summary) = run.standing()
///         && !std::mem::replace(&mut *said, true)
///     {
///         println!("{} steps", summary.total_steps);
///     }
/// }
///
/// let experiment = from_settings(&["experiment.name=demo".to_owned(), "simulation.max_steps=20".to_owned()]).unwrap();
/// let run = Plan::new(experiment).unwrap().run(0);
/// let mut app = App::new();
/// app.add_plugins((MinimalPlugins, vendomini::VendoMiniPlugins, DriverPlugin::new(&run)));
/// // One step a frame, however fast the machine is. Without this it is one step in 1/64 s, as Bevy has it.
/// app.insert_resource(TimeUpdateStrategy::FixedTimesteps(1));
/// app.add_systems(Update, report);
/// assert_eq!(app.run(), AppExit::Success);
/// ```
pub struct DriverPlugin(Mutex<Option<AppRun>>);

impl fmt::Debug for DriverPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DriverPlugin")
    }
}

impl DriverPlugin {
    /// Drives a run of a plan, with the scripted agent that its configuration names and without records.
    #[must_use]
    pub fn new(run: &PlannedRun) -> DriverPlugin {
        DriverPlugin(Mutex::new(Some(AppRun {
            config: run.config.clone(),
            identity: RunIdentity::of(run),
            decider: SyncCell::new(Decider::Named),
            plugins: Plugins::default(),
            log: None,
            told: CrashTold::default(),
            is_asked: false,
            standing: RunStanding::Waiting,
        })))
    }

    /// Keeps the records of the run.
    #[must_use]
    pub fn recording(self, log: impl AppLog) -> DriverPlugin {
        self.with(|run| run.log = Some(Box::new(log)))
    }

    /// Asks another agent than the one that the configuration names.
    #[must_use]
    pub fn asking(self, agent: impl DeferredAgent) -> DriverPlugin {
        self.with(|run| run.decider = SyncCell::new(Decider::Deferred(Box::new(agent))))
    }

    /// Says which plugins of third parties the App has, for agents that rehearse a run (`oracle`).
    #[must_use]
    pub fn rehearsing_with(self, plugins: Plugins) -> DriverPlugin {
        self.with(|run| run.plugins = plugins)
    }

    fn with(self, change: impl FnOnce(&mut AppRun)) -> DriverPlugin {
        let mut run = self.0.into_inner().expect("nobody panics while they hold this").expect("it is not in an App");
        change(&mut run);
        DriverPlugin(Mutex::new(Some(run)))
    }
}

impl Plugin for DriverPlugin {
    fn build(&self, app: &mut App) {
        let run = self.0.lock().expect("nobody panics while they hold this").take();
        app.insert_resource(run.expect("it drives one App"));
        app.add_systems(PreStartup, begin_run.in_set(DriverSystems::Begin));
        app.add_systems(FixedUpdate, drive_step.in_set(DriverSystems::Step));
    }

    /// # Panics
    /// When something is wrong with the plugins of the App.
    fn cleanup(&self, app: &mut App) {
        drive::complete(app);
        drive::build_steps(app).unwrap_or_else(|errors| panic!("{errors}"));
        drive::prepare_one_shot_systems(app);
    }
}

/// `PreStartup`: the run begins.
fn begin_run(world: &mut World) {
    world.resource_scope(|world, mut run: Mut<AppRun>| {
        let begun = run.begin(world);
        conclude(&mut run, begun, world);
    });
}

/// `FixedUpdate`: a step is made, or waits for the agent.
fn drive_step(world: &mut World) {
    world.resource_scope(|world, mut run: Mut<AppRun>| {
        if run.standing == RunStanding::UnderWay {
            let stepped = run.step(world);
            conclude(&mut run, stepped, world);
        }
    });
}

/// Ends the App when its run is over.
fn conclude(run: &mut AppRun, done: Result<(), LogError>, world: &mut World) {
    let exit = match done {
        Ok(()) if matches!(run.standing, RunStanding::Ended(_)) => AppExit::Success,
        Ok(()) => return,
        Err(error) => {
            run.standing = RunStanding::Failed(error.to_string());
            AppExit::error()
        }
    };
    world.write_message(exit);
}

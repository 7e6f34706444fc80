//! Which plugins a program is made of: the recipe by which every World of it is built.
//!
//! A batch makes one World for each worker thread, a self-test and the oracle make others; all of them must hold the
//! same plugins, the program's own and those of third parties. [`Plugins`] says which, builds them, lists them for
//! the manifest and compares itself with such a list.
//!
//! - [`driver_plugin`]: a run in an App of somebody else

pub mod driver_plugin;

use std::any::{TypeId, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use bevy::app::{App, Plugin, PluginGroup, PluginGroupBuilder};
use bevy::prelude::World;

use crate::VendoMiniPlugins;
use crate::agent::register::Rehearse;
use crate::agent::{Agent, AgentPlugin, Instruments, ObservationPlugin};
use crate::base::registration::OtherPlugins;
use crate::base::registration::PluginRecord;
use crate::base::registration::list;
use crate::base::registration::{PluginErrors, PluginProblem, PluginProblems};
use crate::config::settings::RunConfig;
use crate::crash::CrashPlugin;
use crate::crash::DetectionPlugin;
use crate::crash::detector::DetectorRegistry;
use crate::engine::EnginePlugin;
use crate::interface::observation::Briefing;
use crate::interface::tool_kind::ToolKind;
use crate::plan::registered::Registered;
use crate::prediction::PredictionPlugin;
use crate::record::RecordPlugin;
use crate::scenario::warehouse::WarehousePlugin;
use crate::scenario::warehouse::agent::WarehouseAgentPlugin;
use crate::shock::DisclosurePlugin;
use crate::shock::ShockPlugin;
use crate::shock::StrikePlugin;
use crate::simulation::drive::prepare_one_shot_systems;
use crate::simulation::driver::{self, Recipe, Simulation};
use crate::simulation::headless::headless_app;
use crate::simulation::registered::registered;
use crate::step::StepPlugin;
use crate::tool::ActPlugin;
use crate::tool::ToolPlugin;
use crate::tool::registry::ToolRegistry;

/// A plugin of [`VendoMiniPlugins`].
#[derive(Clone, Copy)]
struct BuiltIn {
    id: TypeId,
    name: &'static str,
    disable: fn(PluginGroupBuilder) -> PluginGroupBuilder,
}

impl BuiltIn {
    fn of<P: Plugin>() -> BuiltIn {
        BuiltIn { id: TypeId::of::<P>(), name: type_name::<P>(), disable: PluginGroupBuilder::disable::<P> }
    }

    fn all() -> [BuiltIn; 15] {
        [
            BuiltIn::of::<ToolPlugin>(),
            BuiltIn::of::<ShockPlugin>(),
            BuiltIn::of::<ActPlugin>(),
            BuiltIn::of::<StrikePlugin>(),
            BuiltIn::of::<DetectionPlugin>(),
            BuiltIn::of::<CrashPlugin>(),
            BuiltIn::of::<ObservationPlugin>(),
            BuiltIn::of::<AgentPlugin>(),
            BuiltIn::of::<StepPlugin>(),
            BuiltIn::of::<EnginePlugin>(),
            BuiltIn::of::<DisclosurePlugin>(),
            BuiltIn::of::<PredictionPlugin>(),
            BuiltIn::of::<WarehousePlugin>(),
            BuiltIn::of::<WarehouseAgentPlugin>(),
            BuiltIn::of::<RecordPlugin>(),
        ]
    }
}

/// A plugin of somebody else.
#[derive(Clone)]
struct Added {
    id: TypeId,
    record: PluginRecord,
    is_unique: bool,
    add: Arc<dyn Fn(&mut App) + Send + Sync>,
}

/// The plugins of a program. [`Plugins::default`] are those of [`VendoMiniPlugins`].
///
/// Adding a plugin, taking one out, and replacing one by another:
///
/// ```
/// use vendomini::crash::CrashPlugin;
/// use vendomini::prelude::*;
///
/// struct Reader;
///
/// impl Agent for Reader {
///     fn decide(&mut self, _: Input<'_>) -> Decision {
///         Decision::scripted(Action::of("tool_check_inbox"), None)
///     }
/// }
///
/// fn my_plugin(app: &mut App) {
///     app.add_agent("reader", |_: AgentSetup<'_>| Box::new(Reader));
/// }
///
/// let plugins = Plugins::default().with(my_plugin, env!("CARGO_PKG_VERSION")).disable::<CrashPlugin>();
/// let registered = plugins.check().unwrap();
/// assert!(registered.detectors.is_empty());
/// assert!(registered.agents.contains(&"reader".to_owned()));
/// ```
#[derive(Clone, Default)]
pub struct Plugins {
    disabled: Vec<BuiltIn>,
    added: Vec<Added>,
    problems: Vec<PluginProblem>,
    /// What [`check`](Plugins::check) found, since building a World takes a millisecond.
    checked: Arc<OnceLock<Result<Registered, PluginErrors>>>,
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Plugins").field(&self.records()).finish()
    }
}

impl Plugins {
    /// Adds a plugin: a type with [`Plugin`], or a function `fn(&mut App)`. `version` is the version of the package
    /// that it comes from, usually `env!("CARGO_PKG_VERSION")`; the manifest lists it.
    ///
    /// The plugin is cloned into every World, so it must always build the same. A plugin that is there already is
    /// reported by [`check`](Plugins::check).
    #[must_use]
    pub fn with<P: Plugin + Clone>(mut self, plugin: P, version: impl Into<String>) -> Plugins {
        self.checked = Arc::default();
        let (name, is_unique, id) = (plugin.name().to_owned(), plugin.is_unique(), TypeId::of::<P>());
        let built_in = BuiltIn::all().iter().any(|known| known.id == id) && !self.disabled.iter().any(|d| d.id == id);
        let twice = self.added.iter().any(|known| known.is_unique && known.record.name == name);
        if twice || built_in {
            self.problems.push(PluginProblem::PluginTwice { name });
            return self;
        }
        let add = {
            let name = name.clone();
            move |app: &mut App| {
                // A plugin may bring others with it.
                if is_unique && app.is_plugin_added::<P>() {
                    PluginProblems::note(app, PluginProblem::PluginTwice { name: name.clone() });
                } else {
                    app.add_plugins(plugin.clone());
                }
            }
        };
        let record = PluginRecord { name, version: version.into() };
        self.added.push(Added { id, record, is_unique, add: Arc::new(add) });
        self
    }

    /// Takes a plugin out: one of [`VendoMiniPlugins`], or one added before. Without detectors nothing is called a
    /// crash, without shocks nothing goes wrong; a run goes on all the same.
    #[must_use]
    pub fn disable<P: Plugin>(mut self) -> Plugins {
        self.checked = Arc::default();
        let (id, before) = (TypeId::of::<P>(), self.added.len());
        self.added.retain(|added| added.id != id);
        if let Some(built_in) = BuiltIn::all().into_iter().find(|known| known.id == id) {
            if self.disabled.iter().all(|disabled| disabled.id != id) {
                self.disabled.push(built_in);
            }
        } else if self.added.len() == before {
            let known = list(&self.records());
            self.problems.push(PluginProblem::NotThere { name: type_name::<P>().to_owned(), known });
        }
        self
    }

    /// The plugins with their versions, by name.
    #[must_use]
    pub fn records(&self) -> Vec<PluginRecord> {
        let enabled = BuiltIn::all().into_iter().filter(|plugin| !self.disabled.iter().any(|d| d.id == plugin.id));
        let built_in = enabled
            .map(|plugin| PluginRecord { name: plugin.name.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() });
        let mut records: Vec<_> = built_in.chain(self.added.iter().map(|added| added.record.clone())).collect();
        records.sort();
        records
    }

    /// Names of the plugins of [`VendoMiniPlugins`] that are disabled.
    pub fn disabled(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.disabled.iter().map(|plugin| plugin.name)
    }

    /// Whether records were made with these plugins, in these versions.
    ///
    /// # Errors
    /// With both lists, when not.
    pub fn same_as(&self, recorded: &[PluginRecord]) -> Result<(), OtherPlugins> {
        let (mut recorded, present) = (recorded.to_vec(), self.records());
        recorded.sort();
        if recorded == present { Ok(()) } else { Err(OtherPlugins { recorded, present }) }
    }

    /// A headless App with these plugins, to which more may be added before it is finished. It is made to be stepped:
    /// `App::update` finds nothing to run.
    pub fn app(&self) -> App {
        let mut app = headless_app();
        let group = self.disabled.iter().fold(VendoMiniPlugins.build(), |group, plugin| (plugin.disable)(group));
        app.add_plugins(group);
        for problem in &self.problems {
            PluginProblems::note(&mut app, problem.clone());
        }
        for added in &self.added {
            (added.add)(&mut app);
        }
        app
    }

    /// Builds a World and says what the plugins have registered in it.
    ///
    /// # Errors
    /// Everything that is wrong with the plugins and what they register.
    pub fn check(&self) -> Result<Registered, PluginErrors> {
        self.checked.get_or_init(|| self.finished().map(|app| registered(app.world()))).clone()
    }

    /// A headless App with these plugins, finished.
    ///
    /// # Errors
    /// As [`check`](Plugins::check).
    pub fn finished(&self) -> Result<App, PluginErrors> {
        let mut app = self.app();
        driver::finish(&mut app)?;
        prepare_one_shot_systems(&mut app);
        Ok(app)
    }

    /// The crash detectors that these plugins register, and what each tool is for, taken out of a World.
    ///
    /// # Errors
    /// As [`check`](Plugins::check).
    pub fn detectors(&self) -> Result<(DetectorRegistry, BTreeMap<&'static str, ToolKind>), PluginErrors> {
        let mut app = self.finished()?;
        let tools = app.world().get_resource::<ToolRegistry>();
        let kinds = tools.into_iter().flat_map(ToolRegistry::specs).map(|spec| (spec.name, spec.kind)).collect();
        Ok((app.world_mut().remove_resource().unwrap_or_default(), kinds))
    }

    /// What agents are told of the world of each configuration that is asked for, without running any.
    pub fn briefings(&self) -> impl FnMut(&RunConfig) -> Briefing {
        let (plugins, mut simulation) = (self.clone(), None);
        move |config| {
            let simulation = simulation.get_or_insert_with(|| plugins.simulation());
            simulation.start(config, false);
            simulation.input().briefing.clone()
        }
    }

    /// A World with these plugins.
    ///
    /// # Panics
    /// When something is wrong with them: see [`check`](Plugins::check).
    #[must_use]
    pub fn simulation(&self) -> Simulation {
        Simulation::of(self.app(), Arc::new(self.clone())).unwrap_or_else(|errors| panic!("{errors}"))
    }
}

impl Recipe for Plugins {
    fn simulation(&self) -> Simulation {
        Plugins::simulation(self)
    }

    fn wrong_names(&self, world: &World, config: &RunConfig) -> Option<String> {
        let wrong = registered(world).wrong_names(config).into_iter().next();
        wrong.map(|(path, wrong)| format!("{path}: {wrong}"))
    }
}

impl Rehearse for Plugins {
    fn rehearse(&self, config: &RunConfig, agent: &mut dyn Agent, see: &mut dyn FnMut(Instruments<'_>)) {
        driver::rehearse(Plugins::simulation(self), config, agent, see);
    }
}

impl Default for Simulation {
    fn default() -> Simulation {
        Simulation::new()
    }
}

impl Simulation {
    /// A headless World with the built-in plugins.
    #[must_use]
    pub fn new() -> Simulation {
        Plugins::default().simulation()
    }

    /// A World made by the caller, who has added [`VendoMiniPlugins`] and whatever else. The
    /// agent `oracle` rehearses its runs with the built-in plugins alone; use [`Plugins`] where there are more.
    ///
    /// # Panics
    /// When something is wrong with the plugins: with everything that [`Plugins::check`] would report.
    #[must_use]
    pub fn from_app(app: App) -> Simulation {
        let mut simulation =
            Simulation::of(app, Arc::new(Plugins::default())).unwrap_or_else(|errors| panic!("{errors}"));
        simulation.prepare_one_shot_systems();
        simulation
    }
}

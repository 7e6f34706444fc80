//! The register of tools and the call of one.

use std::any::type_name;
use std::collections::BTreeMap;
use std::mem;
use std::panic::Location;
use std::sync::Arc;

use bevy::app::App;
use bevy::ecs::system::IntoSystem;
use bevy::ecs::world::World;
use bevy::prelude::In;
use serde_json::{Map, Value};

use super::arguments::{ToolArguments, schema_of};
use crate::base::card::PREDICTION;
use crate::base::error_type::ErrorType;
use crate::base::one_shot::OneShotSystem;
use crate::base::registration::{PluginProblem, PluginProblems, Registrable, SourcePlace, admit, meet};
use crate::config::settings::{MemoryTools, RecoveryTools, RunConfig};
use crate::interface::observation::{Briefing, OfferedTool};
use crate::interface::result::{ErrorCode, ToolError, ToolReply};
use crate::interface::tool_kind::ToolKind;

/// Which runs offer a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// All.
    Always,
    /// Those whose configuration meets a condition of the scenario's.
    When(&'static Condition),
    /// Those with basic or full memory tools.
    WithMemory,
    /// Those with full memory tools.
    WithFullMemory,
    /// Those with these recovery tools, or all.
    WithRecovery(RecoveryTools),
    /// Those whose `interface.extra_tools` names it: what a tool of a third party usually is.
    Extra,
}

/// A condition on a run's configuration.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// When a tool is offered, as the end of "it is offered …", such as "from complexity level 2".
    pub when: &'static str,
    /// Whether a configuration meets it.
    pub holds: fn(&RunConfig) -> bool,
}

impl PartialEq for Condition {
    fn eq(&self, other: &Condition) -> bool {
        self.when == other.when
    }
}

impl Eq for Condition {}

impl Availability {
    fn holds(self, name: &str, config: &RunConfig) -> bool {
        let interface = &config.interface;
        match self {
            Availability::Extra => interface.extra_tools.iter().any(|tool| tool == name),
            Availability::Always => true,
            Availability::When(condition) => (condition.holds)(config),
            Availability::WithMemory => interface.memory_tools != MemoryTools::None,
            Availability::WithFullMemory => interface.memory_tools == MemoryTools::Full,
            Availability::WithRecovery(tools) => {
                interface.recovery_tools == tools || interface.recovery_tools == RecoveryTools::All
            }
        }
    }

    pub(crate) fn reason(self) -> String {
        let when = match self {
            Availability::Always => return "it is always offered".to_owned(),
            Availability::Extra => "where interface.extra_tools names it",
            Availability::When(condition) => condition.when,
            Availability::WithMemory => "with memory_tools basic or full",
            Availability::WithFullMemory => "with memory_tools full",
            Availability::WithRecovery(RecoveryTools::Reset) => "with recovery_tools reset or all",
            Availability::WithRecovery(RecoveryTools::Audit) => "with recovery_tools audit or all",
            Availability::WithRecovery(_) => "with recovery_tools help or all",
        };
        format!("it is offered {when}")
    }
}

/// What is stated of a tool when it is registered.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ToolSpec {
    /// Its unique name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub description: &'static str,
    /// Which runs offer it.
    pub availability: Availability,
    /// Error types that a successful call can bind.
    pub binds: &'static [ErrorType],
    /// What it is for.
    pub kind: ToolKind,
    /// The scenario that has it; `None` for all.
    pub scenario: Option<&'static str>,
}

impl ToolSpec {
    /// A tool with a `snake_case` name and a sentence that tells the agent what it does. Unless said otherwise, it is
    /// offered where `interface.extra_tools` names it, in every scenario, its kind is [`ToolKind::Look`], and predictions
    /// can bind only to the action itself.
    #[must_use]
    pub fn new(name: &'static str, description: &'static str) -> ToolSpec {
        let (availability, kind) = (Availability::Extra, ToolKind::Look);
        ToolSpec { name, description, availability, binds: &[ErrorType::Causal], kind, scenario: None }
    }

    /// Says what it is for.
    #[must_use]
    pub fn kind(mut self, kind: ToolKind) -> ToolSpec {
        self.kind = kind;
        self
    }

    /// Says which scenario alone has it. Names are unique within a scenario.
    #[must_use]
    pub fn only_in(mut self, scenario: &'static str) -> ToolSpec {
        self.scenario = Some(scenario);
        self
    }

    /// Says which runs offer it.
    #[must_use]
    pub fn offered(mut self, availability: Availability) -> ToolSpec {
        self.availability = availability;
        self
    }

    /// Says which predictions a successful call can bind: those that its [`Binding`](crate::interface::result::Binding) decides
    /// or leaves open, and `causal`.
    #[must_use]
    pub fn binds(mut self, binds: &'static [ErrorType]) -> ToolSpec {
        self.binds = binds;
        self
    }
}

struct Tool {
    spec: ToolSpec,
    arguments: Arc<Value>,
    place: SourcePlace,
    call: Box<dyn Call>,
}

/// Name of a tool and the scenario that alone has it.
type ToolKey = (&'static str, Option<&'static str>);

/// All registered tools by name. Which of them a run offers stands in its [`Briefing`].
#[derive(Default)]
pub struct ToolRegistry {
    tools: BTreeMap<ToolKey, Tool>,
}

crate::base::table_resource::table_resource!(ToolRegistry);

/// Registers tools.
pub trait ToolAppExt {
    /// Registers a tool: what is stated of it, and the system that does it. The system's input is the type of its
    /// arguments: a struct with named fields that derives `Deserialize` and `JsonSchema`. Doc comments on the fields
    /// become the descriptions that an agent is given; `#[serde(deny_unknown_fields)]` refuses fields that it made
    /// up. A call with other arguments is refused before the system runs.
    ///
    /// # Runs in
    ///
    /// [`PostAgentSystems::Act`](crate::step::PostAgentSystems::Act), when the agent has called it and the run offers
    /// it, before predictions bind. At most one tool runs in a step. What it changes must be told by its reply, by
    /// facts ([`ToolReply::showing`]) and by what predictions can bind to ([`ToolReply::binding`]); a refusal
    /// ([`ToolError`]) must leave no trace.
    ///
    /// A name that is no `snake_case` name or is taken, and arguments that are no object, are reported with all other
    /// problems of the plugins, by [`Plugins::check`](crate::plugins::Plugins::check), `main_with`, or a panic of
    /// [`Simulation::from_app`](crate::simulation::driver::Simulation::from_app).
    ///
    /// ```
    /// use vendomini::prelude::*;
    ///
    /// #[derive(Deserialize, JsonSchema)]
    /// #[serde(deny_unknown_fields)]
    /// struct CountArgs {
    ///     /// The SKU to count, such as sku_0.
    ///     sku: String,
    /// }
    ///
    /// #[derive(Serialize)]
    /// struct Counted {
    ///     units: Units,
    /// }
    ///
    /// fn count(In(args): In<CountArgs>, warehouse: Warehouse) -> Result<ToolReply, ToolError> {
    ///     let sku = args.sku.parse().ok().and_then(|sku| Some((sku, warehouse.stock(sku)?)));
    ///     let (sku, units) = sku.ok_or_else(|| ToolError::refused(format!("there is no SKU {}", args.sku)))?;
    ///     Ok(ToolReply::success(false, &Counted { units }).showing(Fact::StockOf(sku, units)).about(sku))
    /// }
    ///
    /// fn counting(app: &mut App) {
    ///     app.add_tool(ToolSpec::new("tool_count", "Counts the stock of one SKU."), count);
    /// }
    ///
    /// let registered = Plugins::default().with(counting, "0.1.0").check().unwrap();
    /// assert!(registered.tools.iter().any(|tool| tool.name == "tool_count" && tool.offered.is_none()));
    /// ```
    ///
    /// Arguments without a schema do not compile:
    ///
    /// ```compile_fail
    /// use vendomini::prelude::*;
    ///
    /// #[derive(Deserialize)]
    /// struct CountArgs {}
    ///
    /// fn count(_: In<CountArgs>) -> Result<ToolReply, ToolError> {
    ///     Err(ToolError::refused("not today"))
    /// }
    ///
    /// App::new().add_tool(ToolSpec::new("tool_count", "Counts."), count);
    /// ```
    #[track_caller]
    fn add_tool<A: ToolArguments, M>(
        &mut self,
        spec: ToolSpec,
        system: impl IntoSystem<In<A>, Result<ToolReply, ToolError>, M>,
    ) -> &mut Self;
}

impl ToolAppExt for App {
    #[track_caller]
    fn add_tool<A: ToolArguments, M>(
        &mut self,
        spec: ToolSpec,
        system: impl IntoSystem<In<A>, Result<ToolReply, ToolError>, M>,
    ) -> &mut Self {
        let (name, place) = (spec.name, SourcePlace::of(Location::caller()));
        let known = self.init_resource::<ToolRegistry>().world().resource::<ToolRegistry>();
        let known = known.tools.values().find(|tool| tool.spec.name == name && meet(tool.spec.scenario, spec.scenario));
        let known = known.map(|tool| tool.place.clone());
        if !admit(self, Registrable::Tool, name, known, &place) {
            return self;
        }
        let arguments = match schema_of::<A>() {
            Ok(schema) => schema,
            Err(described) => {
                let (name, arguments) = (name.to_owned(), type_name::<A>());
                PluginProblems::note(self, PluginProblem::Arguments { name, arguments, described, place });
                return self;
            }
        };
        if arguments.pointer("/properties").is_some_and(|properties| properties.get(PREDICTION).is_some()) {
            PluginProblems::note(self, PluginProblem::ArgumentTaken { name: name.to_owned(), place });
            return self;
        }
        let call: Box<dyn Call> = Box::new(OneShotSystem::<In<A>, _>::new(system));
        let tools = &mut self.world_mut().resource_mut::<ToolRegistry>().tools;
        tools.insert((name, spec.scenario), Tool { spec, arguments, place, call });
        self
    }
}

/// The tools, taken out of a World for as long as one of them runs. They go back also when it panics: other runs
/// share the World.
struct Taken<'w> {
    world: &'w mut World,
    tools: BTreeMap<ToolKey, Tool>,
}

impl Taken<'_> {
    fn new(world: &mut World) -> Taken<'_> {
        let tools = mem::take(&mut world.resource_mut::<ToolRegistry>().tools);
        Taken { world, tools }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.world.resource_mut::<ToolRegistry>().tools = mem::take(&mut self.tools);
    }
}

/// A tool's system, whatever the type of its arguments.
trait Call: Send + Sync {
    fn prepare(&mut self, world: &mut World);
    fn settle(&mut self, world: &mut World);
    fn call(&mut self, args: &Map<String, Value>, world: &mut World) -> ToolReply;
}

impl<A: ToolArguments> Call for OneShotSystem<In<A>, Result<ToolReply, ToolError>> {
    fn prepare(&mut self, world: &mut World) {
        OneShotSystem::prepare(self, world);
    }

    fn settle(&mut self, world: &mut World) {
        OneShotSystem::settle(self, world);
    }

    fn call(&mut self, args: &Map<String, Value>, world: &mut World) -> ToolReply {
        match A::deserialize(args) {
            Ok(arguments) => self.run(arguments, world).into(),
            Err(_) => {
                // Once more, slower, to learn which argument it is.
                let error = serde_path_to_error::deserialize::<_, A>(args).err().map(|error| error.to_string());
                let message = format!("bad arguments: {}", error.unwrap_or_default());
                ToolReply::failure(ToolError::new(ErrorCode::BadArguments, message))
            }
        }
    }
}

impl ToolRegistry {
    /// Works out what a run offers, in the order of names.
    pub(crate) fn offer(&self, scenario: &str, config: &RunConfig) -> Arc<[OfferedTool]> {
        self.tools
            .values()
            .filter(|Tool { spec, .. }| spec.scenario.is_none_or(|only| only == scenario))
            .filter(|Tool { spec, .. }| spec.availability.holds(spec.name, config))
            .map(|Tool { spec, arguments, .. }| OfferedTool {
                name: spec.name.to_owned(),
                description: spec.description,
                arguments: arguments.clone(),
                binds: spec.binds,
                kind: spec.kind,
                key: (spec.name, spec.scenario),
            })
            .collect()
    }

    /// What is stated of the registered tools, by name.
    pub fn specs(&self) -> impl Iterator<Item = ToolSpec> + '_ {
        self.tools.values().map(|tool| tool.spec)
    }

    /// JSON Schema of the arguments of a registered tool: where scenarios have tools of one name, of the first of them.
    #[must_use]
    pub fn arguments(&self, name: &str) -> Option<&Value> {
        self.tools.values().find(|tool| tool.spec.name == name).map(|tool| &*tool.arguments)
    }

    /// The tool of a name, which may be called in a run.
    ///
    /// # Errors
    /// With the reason and the remedy, when it may not.
    pub(crate) fn check<'a>(&self, name: &str, briefing: &'a Briefing) -> Result<&'a OfferedTool, ToolError> {
        if let Some(tool) = briefing.tool(name) {
            return Ok(tool);
        }
        match self.tools.values().find(|tool| tool.spec.name == name) {
            Some(tool) => Err(ToolError::new(
                ErrorCode::ToolNotOffered,
                format!("{name} is not available in this run: {}", tool.spec.availability.reason()),
            )),
            None => {
                let offered: Vec<&str> = briefing.tools.iter().map(|tool| tool.name.as_str()).collect();
                let message = format!("there is no tool {name:?}; available are {}", offered.join(", "));
                Err(ToolError::new(ErrorCode::UnknownTool, message))
            }
        }
    }

    /// Makes all tools ready, so that what is wrong with a system shows at once.
    pub(crate) fn prepare(world: &mut World) {
        let mut taken = Taken::new(world);
        let Taken { world, tools } = &mut taken;
        tools.values_mut().for_each(|tool| tool.call.prepare(world));
    }

    /// Carries out what a tool had left to do when it panicked.
    pub(crate) fn settle(world: &mut World) {
        let mut taken = Taken::new(world);
        let Taken { world, tools } = &mut taken;
        tools.values_mut().for_each(|tool| tool.call.settle(world));
    }

    /// Calls an offered tool. Tools are systems of this World, so they are taken out meanwhile; the register stays, since
    /// moving it out and in with every step would cost more than most tools do.
    ///
    /// # Panics
    /// When the data that the tool tells cannot stand in a result: a defect of the tool.
    pub(crate) fn call(world: &mut World, key: ToolKey, args: &Map<String, Value>) -> ToolReply {
        let mut taken = Taken::new(world);
        let Taken { world, tools } = &mut taken;
        let reply = tools.get_mut(&key).expect("an offered tool is registered").call.call(args, world);
        drop(taken);
        if let Some(defect) = &reply.defect {
            panic!("the data that {} tells {defect}", key.0);
        }
        reply
    }
}

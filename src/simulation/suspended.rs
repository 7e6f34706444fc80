//! A run outside of its World: what many runs need to take turns in one World.
//!
//! A run that waits for a language model keeps a few kilobytes of state; a World around it, with its schedules and
//! what Bevy keeps of each resource, would be fifty times that. Only what the built-in plugins keep can be suspended:
//! where plugins are added, each run has a World of its own.

use std::mem;

use bevy::ecs::component::Mutable;
use bevy::prelude::*;

use crate::base::rng::RunKey;
use crate::crash::detector::DetectorRegistry;
use crate::crash::state::CrashState;
use crate::engine::calendar::Calendar;
use crate::engine::inbox::Inbox;
use crate::engine::journal::Journal;
use crate::engine::ledger::Ledger;
use crate::engine::orders::{InTransit, OpenExpectations, Orders, PurchaseOrder};
use crate::engine::state_hash::StateHash;
use crate::engine::suppliers::{Catalogue, Disruptions, Supplier, Suppliers};
use crate::interface::observation::{Briefing, Observation, OfferedTool};
use crate::interface::turn::Answer;
use crate::interface::turn::Turn;
use crate::prediction::hidden_causes::HiddenCauses;
use crate::prediction::predictions::Predictions;
use crate::record::step::Recorder;
use crate::scenario::warehouse::customer::{Customers, Demand, SalesOrder};
use crate::scenario::warehouse::level::Level;
use crate::scenario::warehouse::shown::ShownState;
use crate::scenario::warehouse::sku::{Shelves, Sku, Stock};
use crate::shock::entity::ShockBundle;
use crate::shock::ledger::DoseLedger;
use crate::shock::observability::DisclosurePolicy;
use crate::shock::relations;
use crate::shock::strike::ShockRule;
use crate::simulation::driver::{RunProgress, Simulation};
use crate::tool::registry::ToolRegistry;
use crate::tool::scratchpad::Scratchpad;

macro_rules! resources {
    ($($name:ident: $resource:ty,)*) => {
        /// The resources of a run.
        struct Resources {
            $($name: $resource,)*
        }

        impl Resources {
            fn take(world: &mut World) -> Resources {
                Resources { $($name: world.remove_resource().expect("a run was started"),)* }
            }

            fn exchange(&mut self, world: &mut World) {
                $(mem::swap(&mut self.$name, &mut *world.resource_mut::<$resource>());)*
            }

            #[cfg(test)]
            fn ids(world: &World) -> Vec<bevy::ecs::component::ComponentId> {
                vec![$(world.component_id::<$resource>().expect("it is registered"),)*]
            }
        }
    };
}

resources! {
    answer: Answer,
    briefing: Briefing,
    calendar: Calendar,
    crash: CrashState,
    customers: Customers,
    demand: Demand,
    // With what each detector remembers of the run.
    detectors: DetectorRegistry,
    doses: DoseLedger,
    hash: StateHash,
    inbox: Inbox,
    journal: Journal,
    key: RunKey,
    ledger: Ledger,
    level: Level,
    observation: Observation,
    orders: Orders,
    predictions: Predictions,
    recorder: Recorder,
    rule: ShockRule,
    scratchpad: Scratchpad,
    shelves: Shelves,
    shown: ShownState,
    suppliers: Suppliers,
    disclosure: DisclosurePolicy,
    turn: Turn,
    hidden_causes: HiddenCauses,
}

type OrderParts = (PurchaseOrder, InTransit, OpenExpectations);

/// The entities of a run, by kind and then by id.
#[derive(Default)]
struct Entities {
    skus: Vec<(Sku, Stock)>,
    suppliers: Vec<(Supplier, Catalogue, Disruptions)>,
    orders: Vec<OrderParts>,
    customer_orders: Vec<SalesOrder>,
    shocks: Vec<ShockBundle>,
}

impl Entities {
    /// Takes the entities of the run that a World holds.
    fn take(world: &mut World) -> Entities {
        let skus = world.resource::<Shelves>().by_id().to_vec();
        let suppliers = world.resource::<Suppliers>().by_id().to_vec();
        let orders: Vec<Entity> = world.resource::<Orders>().entities().collect();
        let requests: Vec<Entity> = world.resource::<Customers>().entities().collect();
        let shocks: Vec<Entity> = world.resource_mut::<DoseLedger>().entities_mut().map(|entity| *entity).collect();
        let taken = Entities {
            skus: skus.iter().map(|sku| (copy_of(world, *sku), copy_of(world, *sku))).collect(),
            suppliers: suppliers
                .iter()
                .map(|supplier| (copy_of(world, *supplier), part_of(world, *supplier), part_of(world, *supplier)))
                .collect(),
            orders: orders
                .iter()
                .map(|order| world.entity_mut(*order).take::<OrderParts>().expect("an order has these parts"))
                .collect(),
            customer_orders: requests.iter().map(|request| copy_of(world, *request)).collect(),
            shocks: shocks.iter().map(|shock| world.entity_mut(*shock).take().expect("a shock is one")).collect(),
        };
        for entity in [skus, suppliers, orders, requests, shocks].concat() {
            world.despawn(entity);
        }
        taken
    }

    /// Puts them into a World whose resources are those of the same run.
    fn put(self, world: &mut World) {
        let skus: Vec<Entity> = world.spawn_batch(self.skus).collect();
        world.resource_mut::<Shelves>().entities_mut().zip(skus).for_each(|(place, entity)| *place = entity);
        let suppliers: Vec<Entity> = world.spawn_batch(self.suppliers).collect();
        world.resource_mut::<Suppliers>().entities_mut().zip(suppliers).for_each(|(place, entity)| *place = entity);
        let orders: Vec<Entity> = world.spawn_batch(self.orders).collect();
        world.resource_mut::<Orders>().entities_mut().zip(orders).for_each(|(place, entity)| *place = entity);
        let requests: Vec<Entity> = world.spawn_batch(self.customer_orders).collect();
        world.resource_mut::<Customers>().entities_mut().zip(requests).for_each(|(place, entity)| *place = entity);
        let shocks: Vec<Entity> = world.spawn_batch(self.shocks).collect();
        world.resource_mut::<DoseLedger>().entities_mut().zip(shocks).for_each(|(place, entity)| *place = entity);
        relations::restore(world);
    }
}

fn copy_of<C: Component + Copy>(world: &World, entity: Entity) -> C {
    *world.get(entity).expect("an entity of this kind has this part")
}

/// Takes a part out of an entity that is despawned next.
fn part_of<C: Component<Mutability = Mutable> + Default>(world: &mut World, entity: Entity) -> C {
    mem::take(&mut *world.get_mut(entity).expect("an entity of this kind has this part"))
}

/// The state of a run that was taken out of its World.
pub(crate) struct SuspendedRun {
    resources: Resources,
    entities: Entities,
    /// The tools that the run offers, of those that are registered.
    offered: std::sync::Arc<[OfferedTool]>,
    progress: RunProgress,
}

impl Simulation {
    /// Takes the run out of a World of its own, of which nothing else remains.
    ///
    /// # Panics
    /// When no run was started.
    pub(crate) fn suspend(mut self) -> SuspendedRun {
        let world = self.world_mut();
        let entities = Entities::take(world);
        let offered = world.resource_mut::<ToolRegistry>().exchange_offered(Default::default());
        let resources = Resources::take(world);
        SuspendedRun { resources, entities, offered, progress: self.take_progress() }
    }

    /// Puts a run into the World and takes out the one that it held.
    ///
    /// # Panics
    /// When the World holds none.
    pub(crate) fn exchange(&mut self, suspended: &mut SuspendedRun) {
        let progress = self.take_progress();
        let world = self.world_mut();
        let entities = Entities::take(world);
        suspended.resources.exchange(world);
        mem::replace(&mut suspended.entities, entities).put(world);
        let offered = mem::take(&mut suspended.offered);
        suspended.offered = world.resource_mut::<ToolRegistry>().exchange_offered(offered);
        // A World that is stepped without `App::update` would otherwise collect removal records for ever.
        world.clear_trackers();
        self.put_progress(mem::replace(&mut suspended.progress, progress));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use bevy::ecs::resource::IsResource;

    use super::*;
    use crate::agent::Agent;
    use crate::base::run_end::EndReason;
    use crate::config;
    use crate::config::Overrides;
    use crate::config::settings::RunConfig;
    use crate::engine::run_state::RunScoped;
    use crate::plan::Plan;
    use crate::record::summary::{RunIdentity, Summary};
    use crate::shock::entity::Lasting;
    use crate::shock::relations::ShockLink;

    fn configs() -> Vec<RunConfig> {
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/base.yaml");
        let cell = |settings: &[&str]| {
            let mut set = vec!["pe_induction.p_shock=0.5".to_owned(), "simulation.max_steps=120".to_owned()];
            set.extend(settings.iter().map(|setting| (*setting).to_owned()));
            let experiment = config::load(&base, &Overrides { set, ..Overrides::default() });
            Plan::new(experiment.unwrap_or_else(|error| panic!("{error}"))).expect("a plan").run(0).config
        };
        vec![
            cell(&["model.name=heuristic"]),
            cell(&["model.name=heuristic", "simulation.complexity_level=1", "pe_induction.observability=delayed"]),
            cell(&["model.name=random", "simulation.actions_per_day=3", "pe_induction.observability=hidden"]),
            cell(&["model.name=synthetic", "interface.recovery_tools=all", "experiment.seed=7"]),
        ]
    }

    fn summary(simulation: &Simulation, reason: EndReason) -> Summary {
        let run_id = "test".to_owned();
        let identity = RunIdentity { run_id, params: serde_json::Map::new(), seed: 1, experiment_seed: 1 };
        simulation.summary(identity, reason)
    }

    fn step(simulation: &mut Simulation, agent: &mut dyn Agent) -> Option<EndReason> {
        simulation.observe();
        let decision = simulation.ask(agent);
        simulation.apply(decision)
    }

    /// Records, events and summary of a run that has a World of its own.
    fn alone(config: &RunConfig) -> (Vec<u8>, Vec<u8>, Summary) {
        let mut simulation = Simulation::new();
        simulation.start(config, true);
        let mut agent = simulation.agent(&config.model.name).expect("it is built in");
        let reason = loop {
            if let Some(reason) = step(&mut simulation, agent.as_mut()) {
                break reason;
            }
        };
        let summary = summary(&simulation, reason);
        let mut recorder = simulation.recorder();
        (mem::take(&mut recorder.steps), mem::take(&mut recorder.events), summary)
    }

    /// Runs that take turns in one World, in another order from step to step, are what they are alone.
    #[test]
    fn runs_that_share_a_world_do_not_know_of_each_other() {
        let configs = configs();
        let expected: Vec<_> = configs.iter().map(alone).collect();
        let mut shared = Simulation::new();
        shared.start(&configs[0], false);
        let mut runs: Vec<_> = configs
            .iter()
            .map(|config| {
                let mut simulation = Simulation::new();
                simulation.start(config, true);
                let agent = simulation.agent(&config.model.name).expect("it is built in");
                (simulation.suspend(), agent, None)
            })
            .collect();
        let mut aboard = None;
        for turn in 0_usize.. {
            let under_way: Vec<usize> = (0..runs.len()).filter(|run| runs[*run].2.is_none()).collect();
            let Some(&run) = under_way.get(turn * 7 % under_way.len().max(1)) else { break };
            if aboard != Some(run) {
                // What was in the World comes out of it in the place of what goes in.
                let mut suspended = mem::replace(&mut runs[run].0, alone_suspended(&configs[0]));
                shared.exchange(&mut suspended);
                if let Some(before) = aboard.replace(run) {
                    let before: usize = before;
                    runs[before].0 = suspended;
                }
                let entities =
                    shared.world_mut().query_filtered::<Entity, With<RunScoped>>().iter(shared.world()).count();
                let open =
                    shared.world().resource::<Orders>().pending() + shared.world().resource::<Customers>().open();
                assert!(entities >= open, "the entities came along");
                assert_eq!(links(shared.world_mut()), carried(shared.world_mut()), "and so did their relations");
            }
            let (_, agent, end) = &mut runs[run];
            if let Some(reason) = step(&mut shared, agent.as_mut()) {
                *end = Some(reason);
                let (steps, events, sum) = &expected[run];
                let recorder = shared.world().resource::<Recorder>();
                assert!(recorder.steps == *steps && recorder.events == *events, "run {run} differs");
                assert_eq!(summary(&shared, reason), *sum);
            }
        }
    }

    /// How many links there are between shocks and what carries them.
    fn links(world: &mut World) -> usize {
        world.query_filtered::<(), With<ShockLink>>().iter(world).count()
    }

    /// How many there should be.
    fn carried(world: &mut World) -> usize {
        let causes = |transit: &InTransit| {
            let InTransit { day_shocks, told_shocks, quantity_shocks, price_shocks, .. } = transit;
            [day_shocks, told_shocks, quantity_shocks, price_shocks].iter().map(|shocks| shocks.len()).sum::<usize>()
        };
        let of_orders: usize = world.query::<&InTransit>().iter(world).map(causes).sum();
        let lasting = |lasting: &&Lasting| matches!(lasting, Lasting::Until(_));
        of_orders + world.query::<&Lasting>().iter(world).filter(lasting).count()
    }

    fn alone_suspended(config: &RunConfig) -> SuspendedRun {
        let mut simulation = Simulation::new();
        simulation.start(config, false);
        simulation.suspend()
    }

    /// A resource that a run owns and that is forgotten here would be shared by all runs.
    #[test]
    fn every_resource_is_the_runs_or_the_same_for_all_runs() {
        let mut simulation = Simulation::new();
        simulation.start(&configs()[0], false);
        let world = simulation.world_mut();
        let ours = |name: &str| name.starts_with("vendomini::");
        let all: BTreeSet<String> = world
            .query_filtered::<Entity, With<IsResource>>()
            .iter(world)
            .flat_map(|entity| world.inspect_entity(entity).expect("it exists").map(|part| part.name().to_string()))
            .filter(|name| ours(name))
            .collect();
        let suspended = Resources::ids(world).into_iter();
        let suspended: BTreeSet<String> =
            suspended.map(|id| world.components().get_info(id).expect("it is registered").name().to_string()).collect();
        let shared: Vec<&str> =
            all.difference(&suspended).map(|name| name.rsplit("::").next().unwrap_or(name)).collect();
        // The offer of the register of tools goes with the run.
        assert_eq!(shared, ["AgentRegister", "ShockFamilies", "ToolRegistry", "RunStates"]);
        assert!(suspended.is_subset(&all));
    }
}

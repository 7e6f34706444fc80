//! Runs that take turns in one World.

use super::driver::Simulation;
use crate::engine::run_state::{RunStates, SuspendedState};

/// A run that waits while another one has its World, or room for one.
pub(crate) struct SuspendedRun(SuspendedState);

impl SuspendedRun {
    /// Whether the run can go on in a World: the one in which it was before.
    pub(crate) fn is_at_home_in(&self, simulation: &Simulation) -> bool {
        self.0.is_at_home_in(simulation.world())
    }
}

impl Simulation {
    /// Makes room for a run out of a World that holds none, of which nothing else remains. What plugins have set up for
    /// each run, such as detectors with their memory, comes along.
    pub(crate) fn into_vacancy(mut self) -> SuspendedRun {
        let (world, _) = self.world_and_present();
        let mut vacancy = world.resource::<RunStates>().vacancy();
        vacancy.take_resources(world);
        SuspendedRun(vacancy)
    }

    /// Puts a run into the World and takes out the one that it held.
    ///
    /// # Panics
    /// When the entities of the run are in another World.
    pub(crate) fn exchange(&mut self, suspended: &mut SuspendedRun) {
        let (world, present) = self.world_and_present();
        suspended.0.exchange(world, present);
        // A World that is stepped without `App::update` would otherwise collect removal records for ever.
        world.clear_trackers();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;

    use super::*;
    use crate::base::run_end::EndReason;
    use crate::config;
    use crate::config::Overrides;
    use crate::crash::CrashPlugin;
    use crate::engine::orders::InTransit;
    use crate::engine::orders::Orders;
    use crate::plan::Plan;
    use crate::prelude::*;
    use crate::record::step::Recorder;
    use crate::record::summary::{RunIdentity, Summary};
    use crate::scenario::warehouse::customer::Customers;
    use crate::shock::ShockPlugin;
    use crate::shock::entity::Lasting;
    use crate::shock::relations::ShockLink;
    use crate::tool::ToolPlugin;

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
    fn alone(plugins: &Plugins, config: &RunConfig) -> (Vec<u8>, Vec<u8>, Summary) {
        let mut simulation = plugins.simulation();
        simulation.start(config, true);
        let mut agent = simulation.agent(&config.model.name).expect("it is built in");
        let reason = loop {
            if let Some(reason) = step(&mut simulation, agent.as_mut()) {
                break reason;
            }
        };
        let summary = summary(&simulation, reason);
        let (steps, events) = lines(&simulation);
        (steps, events, summary)
    }

    fn lines(simulation: &Simulation) -> (Vec<u8>, Vec<u8>) {
        let recorder = simulation.world().resource::<Recorder>();
        (recorder.steps.clone(), recorder.events.clone())
    }

    fn entities_of(simulation: &mut Simulation) -> usize {
        let (world, present) = simulation.world_and_present();
        present.iter(world).count()
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

    /// Makes runs that take turns in one World, in another order from step to step; which of them has its turn is in
    /// `aboard`, the others are suspended.
    fn take_turns(plugins: &Plugins, configs: &[RunConfig]) -> Vec<(Vec<u8>, Vec<u8>, Summary)> {
        let mut shared = plugins.simulation();
        let mut runs: Vec<_> = configs
            .iter()
            .map(|config| {
                let mut suspended = plugins.simulation().into_vacancy();
                shared.start(config, true);
                let agent = shared.agent(&config.model.name).expect("it is built in");
                shared.exchange(&mut suspended);
                (suspended, agent, None)
            })
            .collect();
        for turn in 0_usize.. {
            let under_way: Vec<usize> = (0..runs.len()).filter(|run| runs[*run].2.is_none()).collect();
            let Some(&run) = under_way.get(turn * 7 % under_way.len().max(1)) else { break };
            let (suspended, agent, end) = &mut runs[run];
            shared.exchange(suspended);
            let entities = entities_of(&mut shared);
            let open = shared.world().resource::<Orders>().pending() + shared.world().resource::<Customers>().open();
            assert!(entities >= open, "the entities came along");
            let world = shared.world_mut();
            assert_eq!(links(world), carried(world), "and so did their relations");
            if let Some(reason) = step(&mut shared, agent.as_mut()) {
                let (steps, events) = lines(&shared);
                *end = Some((steps, events, summary(&shared, reason)));
            }
            shared.exchange(suspended);
            assert_eq!(entities_of(&mut shared), 0, "nothing of the run is left");
        }
        shared.check_resources();
        runs.into_iter().map(|(_, _, end)| end.expect("it has ended")).collect()
    }

    /// Runs that take turns in one World, in another order from step to step, are what they are alone.
    #[test]
    fn runs_that_share_a_world_do_not_know_of_each_other() {
        let configs = configs();
        let shared = take_turns(&Plugins::default(), &configs);
        for (run, (config, shared)) in configs.iter().zip(shared).enumerate() {
            assert!(alone(&Plugins::default(), config) == shared, "run {run} differs");
        }
    }

    /// What a stranger keeps: a state that is hashed, one that is not, entities with components that refer to one
    /// another and in an order of their own, and messages.
    fn stranger(app: &mut App) {
        #[derive(Resource, Default, Serialize)]
        struct Seen(u32);
        #[derive(Resource)]
        struct Budget(Cents);
        #[derive(Component)]
        #[require(RunScoped)]
        struct Note(u32);
        #[derive(Component)]
        struct Before(Entity);
        #[derive(Message)]
        struct Noted(u32);
        fn note(
            mut commands: Commands,
            calendar: Res<Calendar>,
            notes: Query<(Entity, &Note, Option<&Before>)>,
            mut seen: ResMut<Seen>,
            mut noted: MessageWriter<Noted>,
        ) {
            let last = notes.iter().max_by_key(|(_, note, _)| note.0).map(|(entity, ..)| entity);
            let mut note = commands.spawn(Note(calendar.step()));
            last.map(|last| note.insert(Before(last)));
            // The order of the query is part of the hash here.
            let linked = notes.iter().filter(|(_, _, before)| before.is_some_and(|before| notes.contains(before.0)));
            seen.0 = linked.fold(seen.0, |seen, (_, note, _)| seen.wrapping_mul(31).wrapping_add(note.0));
            noted.write(Noted(notes.iter().count() as u32));
            for (old, ..) in notes.iter().filter(|(_, note, _)| note.0 % 5 == 0 && note.0 + 9 < calendar.step()) {
                commands.entity(old).despawn();
            }
        }
        fn read(mut noted: MessageReader<Noted>, mut seen: ResMut<Seen>, budget: Res<Budget>) {
            for Noted(count) in noted.read() {
                seen.0 = seen.0.wrapping_mul(31).wrapping_add(*count + budget.0.0 as u32);
            }
        }
        app.add_run_state::<Seen>("seen")
            .add_run_resource(|config| Budget(config.simulation.initial_budget))
            .add_run_message::<Noted>()
            .add_systems(PostAgent, (note, read).chain().in_set(PostAgentSystems::Resolve));
    }

    #[test]
    fn a_strangers_state_goes_with_its_run() {
        let plugins = Plugins::default().with(stranger, "1");
        let configs = configs();
        let shared = take_turns(&plugins, &configs);
        for (run, (config, shared)) in configs.iter().zip(shared).enumerate() {
            let alone = alone(&plugins, config);
            assert!(alone == shared, "run {run} differs");
            assert!(alone.0 != self::alone(&Plugins::default(), config).0, "the stranger's state is in the hash");
        }
    }

    /// The alarm rings: a resource that runs change and that nobody registered, and messages that would reach another
    /// run.
    #[test]
    fn a_resource_that_somebody_forgot_is_caught() {
        #[derive(Resource, Default)]
        struct Forgotten(u32);
        #[derive(Resource)]
        struct Late;
        #[derive(Message)]
        struct Shout;
        #[derive(Resource)]
        struct Table(u32);
        fn count(mut forgotten: ResMut<Forgotten>, table: Res<Table>) {
            forgotten.0 += table.0;
        }
        fn shout(mut shouts: MessageWriter<Shout>) {
            shouts.write(Shout);
        }
        fn insert(mut commands: Commands, calendar: Res<Calendar>) {
            if calendar.step() == 3 {
                commands.insert_resource(Late);
            }
        }
        fn caught(plugin: fn(&mut App)) -> Option<String> {
            let mut simulation = Plugins::default().with(plugin, "1").simulation();
            simulation.start(&configs()[0], false);
            let mut agent = simulation.agent("heuristic").expect("it is built in");
            for _ in 0..5 {
                assert_eq!(step(&mut simulation, agent.as_mut()), None);
            }
            let found = catch_unwind(AssertUnwindSafe(|| simulation.check_resources()));
            found.err().map(|panic| panic.downcast_ref::<String>().expect("a text").clone())
        }
        let forgets = |app: &mut App| {
            app.init_resource::<Forgotten>().insert_resource(Table(1));
            app.add_systems(PostAgent, count.in_set(PostAgentSystems::Resolve));
        };
        let message = caught(forgets).expect("it is caught");
        assert!(message.contains("Forgotten changed in a run") && !message.contains("Table"), "{message}");
        let message = caught(|app| {
            app.add_message::<Shout>().add_systems(PostAgent, shout.in_set(PostAgentSystems::Resolve));
        });
        assert!(message.expect("it is caught").contains("Messages<"));
        let message = caught(|app| {
            app.add_systems(PostAgent, insert.in_set(PostAgentSystems::Resolve));
        });
        assert!(message.expect("it is caught").contains("Late changed in a run"));
        for fine in [
            |app: &mut App| {
                app.init_resource::<Forgotten>().share_between_runs::<Forgotten>().insert_resource(Table(1));
                app.add_systems(PostAgent, count.in_set(PostAgentSystems::Resolve));
            },
            |app: &mut App| {
                app.add_run_resource(|_| Forgotten(0)).insert_resource(Table(1));
                app.add_systems(PostAgent, count.in_set(PostAgentSystems::Resolve));
            },
            stranger,
        ] {
            assert_eq!(caught(fine), None);
        }
    }

    /// A resource of ours that is neither registered nor declared to be the same for all runs would be shared by them.
    #[test]
    fn every_resource_is_registered_or_the_same_for_all_runs() {
        for plugins in [
            Plugins::default(),
            Plugins::default().disable::<CrashPlugin>().disable::<ShockPlugin>(),
            Plugins::default().disable::<ToolPlugin>(),
        ] {
            let mut simulation = plugins.simulation();
            simulation.start(&configs()[0], false);
            let world = simulation.world();
            let states = world.resource::<RunStates>();
            let name = |id| world.components().get_name(id).expect("it is registered").to_string();
            let ours =
                world.resource_entities().iter().map(|(id, _)| id).filter(|id| name(*id).contains("vendomini::"));
            let undeclared: Vec<String> = ours.filter(|id| !states.declares(*id)).map(name).collect();
            assert_eq!(undeclared, [""; 0]);
        }
    }
}

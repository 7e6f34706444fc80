//! The rules of the warehouse hold in every step, whatever an agent does.

use std::collections::BTreeMap;

use bevy::ecs::component::StorageType;
use proptest::prelude::*;
use serde_json::Value;
use vendomini::base::error_type::ErrorType;
use vendomini::base::ids::SkuId;
use vendomini::base::rng::DrawKey;
use vendomini::base::units::Cents;
use vendomini::config::RunConfig;
use vendomini::config::settings::{Magnitude, MixWord, Observability, PredictionFormat, PredictionMode, TypeMix};
use vendomini::engine::journal::{Journal, WorldEvent};
use vendomini::engine::ledger::{Ledger, PostingKind};
use vendomini::engine::orders::OpenExpectations;
use vendomini::prediction::predictions::Predictions;
use vendomini::scenario::warehouse::level::Level;
use vendomini::scenario::warehouse::sku::{Shelves, Stock};
use vendomini::scenario::warehouse::spawn::Tables;
use vendomini::simulation::driver::Simulation;

use crate::common::{cell, finish, record};

fn random_cell() -> impl Strategy<Value = RunConfig> {
    (
        (0u32..=4, 0u32..=15, 0i64..=200_000, 1u32..=4, any::<u32>()),
        (0.0f64..=1.0, any::<bool>(), 0usize..3, 0.2f64..=4.0, 0usize..4),
        (0usize..5, 0usize..3, 0usize..3, 0usize..5),
    )
        .prop_map(
            |(
                (level, stock, budget, per_day, seed),
                (p, windows, magnitude, demand, observability),
                (mode, format, agent, mix),
            )| {
                let mut config = cell(&[]);
                config.model.name = ["mock", "random", "heuristic"][agent].into();
                config.measurement.windows_in_steps = windows;
                config.experiment.draw_key = DrawKey::derive(u64::from(seed), 0, &[]);
                config.simulation.complexity_level = level;
                config.simulation.initial_storage_per_sku = stock;
                config.simulation.initial_budget = Cents(budget);
                config.simulation.actions_per_day = per_day;
                config.simulation.max_steps = 150;
                config.simulation.bankrupt_below = Cents(if windows { -10_000_000 } else { -20_000 });
                config.demand.max_failure_share = 1.0;
                config.demand.orders_per_day = demand;
                config.demand.late_penalty = 0.25;
                config.pe_induction.p_shock = p;
                config.pe_induction.pe_type_mix = TypeMix::Word(
                    [
                        MixWord::Realistic,
                        MixWord::TemporalOnly,
                        MixWord::QuantityOnly,
                        MixWord::CausalOnly,
                        MixWord::Uniform,
                    ][mix],
                );
                config.pe_induction.pe_mag = [Magnitude::Low, Magnitude::Medium, Magnitude::High][magnitude];
                config.pe_induction.observability =
                    [Observability::Full, Observability::Delayed, Observability::Partial, Observability::Hidden]
                        [observability];
                config.interface.prediction_mode = [
                    PredictionMode::Optional,
                    PredictionMode::Required,
                    PredictionMode::RequiredConfidence,
                    PredictionMode::RequiredUncertainty,
                    PredictionMode::RequiredFull,
                ][mode];
                config.interface.prediction_format =
                    [PredictionFormat::Minimal, PredictionFormat::Structured, PredictionFormat::Rich][format];
                config
            },
        )
}

/// A second set of books, kept from the events alone.
struct Books {
    stock: BTreeMap<SkuId, i64>,
    budget: Cents,
}

impl Books {
    fn new(config: &RunConfig) -> Books {
        let skus = Level::new(config.simulation.complexity_level).skus as u32;
        let each = i64::from(config.simulation.initial_storage_per_sku);
        Books { stock: (0..skus).map(|n| (SkuId(n), each)).collect(), budget: config.simulation.initial_budget }
    }

    fn enter(&mut self, journal: &Journal) {
        for event in journal.events() {
            match event {
                WorldEvent::Delivery(delivery) => {
                    *self.stock.get_mut(&delivery.sku).unwrap() += i64::from(delivery.taken)
                }
                WorldEvent::Shipment { sku, quantity, .. } => *self.stock.get_mut(sku).unwrap() -= i64::from(*quantity),
                WorldEvent::Posting { kind: PostingKind::Revenue, amount, .. } => self.budget += *amount,
                WorldEvent::Posting { amount, .. } => self.budget -= *amount,
                _ => {}
            }
        }
        self.budget -= journal.storage_fee;
    }
}

fn check_step(simulation: &Simulation, books: &Books) -> Result<(), TestCaseError> {
    let world = simulation.world();
    let ledger = world.resource::<Ledger>();
    prop_assert_eq!(ledger.budget(), ledger.initial() + ledger.revenue() - ledger.charges() - ledger.fees());
    prop_assert_eq!(ledger.budget(), books.budget);
    let shelves = world.resource::<Shelves>();
    prop_assert_eq!(u64::from(shelves.on_hand()) + shelves.shipped(), shelves.initial() + shelves.delivered());
    prop_assert!(shelves.on_hand() <= shelves.capacity());
    let stock: Vec<i64> =
        shelves.by_id().iter().map(|sku| i64::from(world.get::<Stock>(*sku).unwrap().units())).collect();
    prop_assert_eq!(stock.iter().sum::<i64>(), i64::from(shelves.on_hand()));
    prop_assert_eq!(stock, books.stock.values().copied().collect::<Vec<_>>());
    Ok(())
}

proptest! {
    // A fixed seed: the same thousand runs everywhere.
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    /// Goods and money are conserved to the unit and the cent in every step, and every prediction is accounted for.
    #[test]
    fn goods_money_and_predictions_are_conserved(config in random_cell()) {
        thread_local! {
            static SIMULATION: std::cell::RefCell<Simulation> = std::cell::RefCell::new(Simulation::new());
        }
        SIMULATION.with_borrow_mut(|simulation| {
            simulation.start(&config, true);
            let mut agent = simulation.agent(&config.model.name).unwrap();
            let mut books = Books::new(&config);
            loop {
                simulation.observe();
                let decision = simulation.ask(agent.as_mut());
                let ended = simulation.apply(decision);
                books.enter(simulation.world().resource::<Journal>());
                check_step(simulation, &books)?;
                if ended.is_some() {
                    break;
                }
            }
            let account = simulation.world().resource::<Predictions>().account().clone();
            for kind in ErrorType::ALL {
                let of_type = account.by_type().get(kind);
                prop_assert_eq!(of_type.made, of_type.resolved + of_type.voided + of_type.open);
                prop_assert_eq!(of_type.voided, of_type.void_reasons.values().sum::<u64>());
                prop_assert!(of_type.exact <= of_type.resolved && of_type.bound <= of_type.bindable);
                prop_assert!(of_type.revealed + of_type.never_revealed <= of_type.resolved);
            }
            let world = simulation.world();
            let on_orders =
                world.iter_entities().filter_map(|entity| entity.get::<OpenExpectations>().map(|open| open.stated.len()));
            let on_postings = world.resource::<Ledger>().late().iter().map(|late| late.posting.expectations());
            let open: usize = on_orders.chain(on_postings).sum();
            prop_assert_eq!(account.total().open, open as u64, "what is open waits at a pending order or posting");
            let mut revealed: BTreeMap<String, u64> = BTreeMap::new();
            let mut decided: BTreeMap<String, u64> = BTreeMap::new();
            for line in std::str::from_utf8(&simulation.recorder().steps).unwrap().lines() {
                let step: Value = serde_json::from_str(line).unwrap();
                for error in step["resolved"].as_array().unwrap() {
                    *decided.entry(format!("{} {} {}", error["type"], error["step"], error["error"])).or_default() += 1;
                    if config.model.name == "heuristic" && error["error"] != 0.0 {
                        prop_assert!(!error["causes"].as_array().unwrap().is_empty(), "no cause: {} in {}", error, line);
                    }
                }
                for error in step["revealed"]["errors"].as_array().unwrap() {
                    *revealed.entry(format!("{} {} {}", error["type"], error["step"], error["error"])).or_default() += 1;
                }
                prop_assert!(step["pe"]["temporal"].is_null() != step["resolved"].as_array().unwrap().iter().any(|r| r["type"] == "temporal"));
            }
            for (error, count) in revealed {
                prop_assert!(decided.get(&error).is_some_and(|all| *all >= count), "{error} was revealed, not decided");
            }
            Ok(())
        })?;
    }
}

#[test]
fn without_shocks_an_honest_agent_is_never_wrong() {
    let mut simulation = Simulation::new();
    for level in 0..=4 {
        for pressure in ["low", "medium", "high"] {
            let settings = [
                format!("simulation.complexity_level={level}"),
                format!("simulation.pressure_level={pressure}"),
                "pe_induction.p_shock=0".to_owned(),
                "simulation.max_steps=2000".to_owned(),
            ];
            let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
            let summary = finish(&mut simulation, &cell(&settings));
            for kind in ErrorType::ALL {
                let total =
                    summary.cumulative_pe.get(kind).as_ref().unwrap_or_else(|| panic!("no {kind} error decided"));
                assert_eq!((total.sum, total.fast), (0.0, 0.0), "level {level}, {pressure}, {kind}");
                assert!(total.count > 20, "level {level}, {pressure}, {kind}: {} decided", total.count);
            }
        }
    }
}

/// What shocks did to orders, told by the shocks; and what became of the orders, told by predictions and deliveries.
#[test]
fn errors_are_exactly_what_the_shocks_did() {
    for (mix, magnitude) in [("temporal", "low"), ("temporal", "medium"), ("quantity", "medium"), ("quantity", "high")]
    {
        let config = cell(&[
            &format!("pe_induction.pe_type_mix={mix}_only"),
            &format!("pe_induction.pe_mag={magnitude}"),
            "pe_induction.p_shock=0.6",
            "simulation.max_steps=1500",
        ]);
        let (steps, events) = record(&config);
        let mut dose: BTreeMap<String, i64> = BTreeMap::new();
        let mut ids: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for shock in events.iter().filter(|e| e["event"] == "shock" && e["state"] == "effective") {
            let order = shock["order"].as_str().unwrap().to_owned();
            *dose.entry(order.clone()).or_default() += shock["size"].as_i64().unwrap();
            ids.entry(order).or_default().push(shock["shock_id"].clone());
        }
        let mut turned_away = BTreeMap::new();
        for delivery in events.iter().filter(|e| e["event"] == "delivery") {
            let order = delivery["order"].as_str().unwrap().to_owned();
            turned_away.insert(order, delivery["turned_away"].as_i64().unwrap());
        }
        let mut struck = 0;
        let resolved = steps.iter().flat_map(|step| step["resolved"].as_array().unwrap());
        for error in resolved.filter(|r| r["type"] == mix) {
            let order = error["order"].as_str().unwrap();
            let difference = error["actual"].as_f64().unwrap() - error["expected"].as_f64().unwrap();
            let expected =
                dose.get(order).copied().unwrap_or(0) - if mix == "quantity" { turned_away[order] } else { 0 };
            assert_eq!(difference, expected as f64, "{mix} {magnitude} {order}");
            let shocks: Vec<Value> =
                error["causes"].as_array().unwrap().iter().filter(|cause| *cause != "dock").cloned().collect();
            if difference != 0.0 {
                let struck_by = ids.get(order).cloned().unwrap_or_default();
                assert_eq!(shocks, struck_by, "{order} names the shocks that struck it");
            }
            struck += usize::from(expected != 0);
        }
        assert!(struck > 30, "{mix} {magnitude}: only {struck} orders were struck");
    }
}

#[test]
fn demand_and_suppliers_are_the_same_in_cells_that_differ_in_shocks_only() {
    let of = |settings: &[&str]| {
        let plan = crate::common::plan(settings);
        let config = plan.run(0).config;
        let (_, events) = record(&config);
        let requests: Vec<Value> = events.into_iter().filter(|e| e["event"] == "customer_request").collect();
        (format!("{:?}", Tables::draw(&config)), requests)
    };
    let shared = ["experiment.seed_policy=shared", "simulation.max_steps=300", "simulation.initial_budget=100000"];
    let with = |more: &[&'static str]| of(&[&shared[..], more].concat());
    let (tables, requests) = with(&["pe_induction.p_shock=0", "model.name=heuristic"]);
    assert!(requests.len() > 30);
    for other in [
        &["pe_induction.p_shock=1", "pe_induction.pe_type_mix=quantity_only", "model.name=heuristic"][..],
        &["pe_induction.p_shock=0.5", "pe_induction.observability=hidden", "model.name=random"],
        &["model.name=noop"],
    ] {
        let (other_tables, other_requests) = with(other);
        assert_eq!(tables, other_tables);
        // Runs may end early; what both reach is the same.
        let common = requests.len().min(other_requests.len());
        assert!(common > 5);
        assert_eq!(requests[..common], other_requests[..common], "{other:?}");
    }
}

#[test]
fn levels_share_what_they_have_in_common() {
    let tables: Vec<Tables> =
        (0..=4).map(|level| Tables::draw(&cell(&[&format!("simulation.complexity_level={level}")]))).collect();
    for (smaller, larger) in tables.iter().zip(&tables[1..]) {
        for (few, many) in smaller.offers.iter().zip(&larger.offers) {
            let prices = |offers: &[vendomini::engine::suppliers::Offer]| -> Vec<Cents> {
                offers.iter().map(|offer| offer.unit_price).collect()
            };
            assert_eq!(prices(few), prices(&many[..few.len()]));
        }
        assert_eq!(smaller.reliability, larger.reliability[..smaller.reliability.len()]);
    }
}

#[test]
fn shock_days_of_a_lower_dose_are_among_those_of_a_higher_one() {
    use vendomini::shock::strike::ShockRule;
    let days = |p: &str| -> Vec<u32> {
        let mut rule = ShockRule::new(&cell(&[&format!("pe_induction.p_shock={p}")]));
        (0..2_000).filter(|day| rule.draw(*day).is_some()).collect()
    };
    let (few, many) = (days("0.1"), days("0.2"));
    assert!(few.iter().all(|day| many.contains(day)));
    // Binomial(2000, 0.1) and (2000, 0.2): five standard deviations are 67 and 90.
    assert!((133..267).contains(&few.len()) && (310..490).contains(&many.len()), "{} {}", few.len(), many.len());
    assert!(days("0").is_empty());
    assert_eq!(days("1").len(), 2_000);
}

/// A process holds many Worlds, and a sparse set makes room for 64 values of a resource of which there is one.
#[test]
fn resources_take_no_room_for_many() {
    let mut simulation = Simulation::new();
    simulation.start(&cell(&[]), true);
    let components = simulation.world().components().iter_registered();
    let sparse = components.filter(|info| info.storage_type() == StorageType::SparseSet);
    let bytes: usize = sparse.map(|info| 64 * info.layout().size()).sum();
    assert!(bytes < 16_384, "{bytes} bytes; a resource of a run says table_resource! in place of derive(Resource)");
}

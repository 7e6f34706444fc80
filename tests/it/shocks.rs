//! Shocks that one can follow: entities, their components and their links say what the world and the counts say.

use std::collections::{BTreeMap, BTreeSet};

use vendomini::engine::orders::{InTransit, Orders};
use vendomini::engine::suppliers::Suppliers;
use vendomini::prelude::*;
use vendomini::scenario::warehouse::sku::Shelves;
use vendomini::shock::entity::{ShockEffect, ShockFamily, ShockMagnitude, ShockRecord};
use vendomini::shock::relations::{ShockLink, ShockTrail};

use crate::common::cell;

/// What the checks have come across.
#[derive(Resource, Default)]
struct Seen {
    /// Shocks as they were drawn.
    drawn: BTreeMap<ShockId, ShockRecord>,
    links: BTreeSet<ShockLink>,
    states: BTreeSet<ShockState>,
    /// Most shocks that one order carried, and most carriers of one shock.
    most: (usize, usize),
    late_only: bool,
}

/// Every order and supplier is linked to the shocks that changed it, and to no others.
fn check_links(
    doses: Res<DoseLedger>,
    orders: Res<Orders>,
    pending: Query<&InTransit>,
    suppliers: Res<Suppliers>,
    shelves: Res<Shelves>,
    market: SupplierMarket,
    calendar: Res<Calendar>,
    trail: ShockTrail,
    links: Query<&ShockLink>,
    mut seen: ResMut<Seen>,
) {
    let mut all: Vec<(ShockId, Entity, ShockLink)> = Vec::new();
    for order in orders.entities() {
        let transit = pending.get(order).unwrap();
        let mut expected: Vec<(ShockId, ShockLink)> = Vec::new();
        for (shocks, link) in [
            (&transit.day_shocks, ShockLink::Day),
            (&transit.told_shocks, ShockLink::ToldDay),
            (&transit.quantity_shocks, ShockLink::Quantity),
            (&transit.price_shocks, ShockLink::Price),
        ] {
            expected.extend(shocks.iter().map(|shock| (*shock, link)));
        }
        expected.sort_unstable();
        assert_eq!(trail.shocks_of(order)[..], expected);
        seen.most.0 = seen.most.0.max(expected.len());
        all.extend(expected.iter().map(|(shock, link)| (*shock, order, *link)));
    }
    for (index, supplier) in suppliers.by_id().iter().enumerate() {
        let terms = |sku| market.terms(SupplierId::from_index(index), SkuId(sku), calendar.day()).unwrap();
        let terms = (0..shelves.skus() as u32).map(terms);
        let shocks: BTreeSet<ShockId> =
            terms.flat_map(|terms| [terms.price_shock, terms.lead_shock]).flatten().collect();
        let expected: Vec<_> = shocks.into_iter().map(|shock| (shock, ShockLink::Offer)).collect();
        assert_eq!(trail.shocks_of(*supplier)[..], expected);
        all.extend(expected.iter().map(|(shock, link)| (*shock, *supplier, *link)));
    }
    assert_eq!(links.iter().count(), all.len(), "no link is left over");
    seen.links.extend(all.iter().map(|(_, _, link)| *link));
    for (id, entity) in doses.open() {
        let mut carriers: Vec<_> = trail.carriers_of(entity).collect();
        let mut expected: Vec<_> =
            all.iter().filter(|(shock, ..)| *shock == id).map(|(_, at, link)| (*at, *link)).collect();
        carriers.sort_unstable();
        expected.sort_unstable();
        assert_eq!(carriers, expected);
        seen.most.1 = seen.most.1.max(carriers.len());
    }
}

/// Every shock of which more can come is an entity that says what was drawn and how it stands, and no other is.
fn check_components(
    journal: Res<Journal>,
    doses: Res<DoseLedger>,
    ledger: Res<Ledger>,
    calendar: Res<Calendar>,
    shocks: Query<(&Shock, &ShockFamily, &ShockMagnitude, &Target, &ShockState, &ShockEffect, &Lasting)>,
    trail: ShockTrail,
    mut seen: ResMut<Seen>,
) {
    for event in doses.events().now(&journal) {
        if let ShockEvent::Drawn(record) = event {
            seen.drawn.insert(record.shock_id, record.clone());
        }
    }
    assert_eq!(shocks.iter().count(), doses.open().count());
    for (id, entity) in doses.open() {
        let (shock, family, magnitude, target, state, effect, lasting) = shocks.get(entity).unwrap();
        let drawn = &seen.drawn[&id];
        assert_eq!((shock.id, &family.0, magnitude.0), (id, &drawn.family, drawn.magnitude));
        assert_eq!((target, effect.size, &effect.news), (&drawn.target, drawn.size, &drawn.effect));
        assert!(shock.drawn_on <= calendar.day());
        let armed = ledger.armed().any(|lag| lag.shock == id);
        assert_eq!(armed, *state == ShockState::Armed);
        assert_eq!(armed, *lasting == Lasting::UntilStopped);
        let until = match &drawn.effect {
            Some(ShockNews::Interference { until_day, unit_price: Some(_), .. }) => Some(*until_day),
            Some(ShockNews::RegimeShift { until_day, .. }) => Some(*until_day),
            _ => None,
        };
        let supplier = trail.carriers_of(entity).any(|(_, link)| link == ShockLink::Offer);
        match lasting {
            Lasting::Until(day) => assert_eq!((Some(*day), supplier), (until, true)),
            Lasting::Once | Lasting::UntilStopped => assert!(!supplier, "a shock that is over is no supplier's"),
        }
        let late = ledger.late().iter().any(|late| late.late_by == id);
        let carried = trail.carriers_of(entity).next().is_some();
        // A late charge goes on carrying what had changed the quantity and the price of its order.
        let charged_late = !ledger.late().is_empty();
        assert!(armed || late || carried || charged_late, "{id}: {state:?} {effect:?} {lasting:?} of {drawn:?}");
        seen.late_only |= late && !carried;
        seen.states.insert(*state);
    }
}

fn checks(app: &mut App) {
    app.init_resource::<Seen>();
    app.add_systems(PostAgent, check_links.in_set(PostAgentSystems::Detect));
    app.add_systems(PostAgent, check_components.in_set(PostAgentSystems::Record));
}

#[test]
fn shocks_and_their_links_say_what_the_world_says() {
    let mut simulation = Plugins::default().with(checks, "1").simulation();
    for agent in ["heuristic", "random", "mock"] {
        for seed in [1, 2] {
            let config = cell(&[
                &format!("model.name={agent}"),
                &format!("experiment.seed={seed}"),
                "pe_induction.p_shock=0.9",
                "pe_induction.pe_type_mix={temporal: 1, quantity: 1, interference: 2, posting_lag: 1, regime_shift: 1}",
                "simulation.max_steps=250",
                "simulation.initial_budget=1000000",
                "measurement.continue_after_crash=1000",
            ]);
            crate::common::finish(&mut simulation, &config);
        }
    }
    let seen = simulation.world().resource::<Seen>();
    assert_eq!(seen.links.len(), 5, "{:?}", seen.links);
    assert_eq!(seen.states.len(), 2, "{:?}", seen.states);
    assert!(seen.most.0 >= 3 && seen.most.1 >= 3, "many to many: {:?}", seen.most);
    assert!(seen.late_only, "a posting carries a shock that nothing else does");
}

#[test]
fn nothing_piles_up_over_a_long_run() {
    let config = cell(&["simulation.max_steps=20000", "pe_induction.p_shock=0.5", "demand.max_failure_share=1"]);
    let mut simulation = Simulation::new();
    simulation.start(&config, false);
    let mut agent = simulation.agent(&config.model.name).unwrap();
    // Entities and archetypes, in either half.
    let mut most = [(0, 0); 2];
    for step in 0.. {
        simulation.observe();
        let decision = simulation.ask(agent.as_mut());
        let ended = simulation.apply(decision);
        let world = simulation.world();
        let half = &mut most[usize::from(step >= 10_000)];
        *half = (half.0.max(world.entities().count_spawned()), half.1.max(world.archetypes().len()));
        if ended.is_some() {
            assert_eq!(step, 19_999);
            break;
        }
    }
    let [first, second] = most;
    assert!(second.0 <= first.0 + first.0 / 4, "entities: {first:?}, then {second:?}");
    assert!(second.1 <= first.1 + 2, "archetypes: {first:?}, then {second:?}");
    assert!(simulation.world().resource::<DoseLedger>().drawn() > 1_000);
}

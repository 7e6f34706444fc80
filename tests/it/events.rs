//! Each owner's events, as a plugin reads them.

use serde_json::{Value, json};
use vendomini::crash::state::CrashState;
use vendomini::prediction::predictions::Predictions;
use vendomini::prelude::*;

use crate::common::{cell, lines};

/// What readers of one kind each have seen.
#[derive(Resource, Default)]
struct Seen {
    world: Vec<Value>,
    shocks: Vec<Value>,
    predictions: Vec<Value>,
    crashes: Vec<Value>,
}

fn add<'a, E: Serialize + 'a>(to: &mut Vec<Value>, events: impl Iterator<Item = &'a E>, calendar: &Calendar) {
    for event in events {
        let mut line = json!({"step": calendar.step(), "day": calendar.day()});
        let Value::Object(fields) = serde_json::to_value(event).unwrap() else { panic!("an event is an object") };
        line.as_object_mut().unwrap().extend(fields);
        to.push(line);
    }
}

fn read_world(journal: Res<Journal>, calendar: Res<Calendar>, mut seen: ResMut<Seen>) {
    add(&mut seen.world, journal.events(), &calendar);
}

fn read_shocks(journal: Res<Journal>, doses: Res<DoseLedger>, calendar: Res<Calendar>, mut seen: ResMut<Seen>) {
    add(&mut seen.shocks, doses.events().now(&journal), &calendar);
}

fn read_predictions(
    journal: Res<Journal>,
    predictions: Res<Predictions>,
    calendar: Res<Calendar>,
    mut seen: ResMut<Seen>,
) {
    add(&mut seen.predictions, predictions.events().now(&journal), &calendar);
}

fn read_crashes(journal: Res<Journal>, crash: Res<CrashState>, calendar: Res<Calendar>, mut seen: ResMut<Seen>) {
    add(&mut seen.crashes, crash.events().now(&journal), &calendar);
}

fn readers(app: &mut App) {
    app.init_resource::<Seen>();
    let readers = (read_world, read_shocks, read_predictions, read_crashes);
    app.add_systems(PostAgent, readers.chain().in_set(PostAgentSystems::Record));
}

#[test]
fn the_record_joins_the_events_of_all_owners_in_the_order_in_which_they_happened() {
    let config = cell(&[
        "model.name=synthetic",
        "synthetic.kind=invalid",
        "synthetic.baseline=0.02",
        "synthetic.recovery=0.05",
        "pe_induction.p_shock=0.8",
        "pe_induction.pe_type_mix=uniform",
        "simulation.max_steps=300",
        "measurement.continue_after_crash=1000",
    ]);
    let mut simulation = Plugins::default().with(readers, "1").simulation();
    simulation.start(&config, true);
    let mut agent = simulation.agent(&config.model.name).unwrap();
    loop {
        simulation.observe();
        let decision = simulation.ask(agent.as_mut());
        if simulation.apply(decision).is_some() {
            break;
        }
    }
    let recorded = lines(&simulation.recorder().events);
    let seen = simulation.world().resource::<Seen>();
    let owners = [&seen.world, &seen.shocks, &seen.predictions, &seen.crashes];
    assert_eq!(owners.iter().map(|events| events.len()).sum::<usize>(), recorded.len());
    for events in owners {
        assert!(events.len() >= 5, "{events:?}");
        // In the record, an owner's events stand in the order in which the owner noted them.
        let mut left = recorded.iter();
        for event in events {
            assert!(left.any(|line| line == event), "{event} is missing or comes too early");
        }
    }
    // Across owners: what a shock has caused comes after the shock, and a delay after the shock that strikes with it.
    let place = |wanted: &dyn Fn(&Value) -> bool| recorded.iter().position(wanted).expect("the run shows it");
    let wrong = place(&|event| event["event"] == "prediction_turned_wrong");
    let blamed = &recorded[wrong]["shock_id"];
    assert!(place(&|event| event["event"] == "shock" && event["shock_id"] == *blamed) < wrong);
    for (at, event) in recorded.iter().enumerate().filter(|(_, event)| event["event"] == "posting_delayed") {
        let before = &recorded[at - 1];
        assert_eq!((&before["event"], &before["shock_id"]), (&json!("shock_state"), &event["late_by"]));
    }
    place(&|event| event["event"] == "posting_delayed");
}

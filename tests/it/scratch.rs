use crate::common::cell;
use vendomini::step::driver::Simulation;
#[test]
fn scratch_run() {
    let mut sim = Simulation::new();
    let set = std::env::var("SET").unwrap_or_default();
    let v: Vec<&str> = set.split(' ').filter(|s| !s.is_empty()).collect();
    let config = cell(&v);
    sim.start(&config, true);
    let mut agent = sim.scripted_agent(&config.model.name).unwrap();
    loop {
        sim.observe();
        let d = sim.ask(agent.as_mut());
        if sim.apply(d).is_some() {
            break;
        }
    }
    let r = sim.recorder();
    std::fs::write("/tmp/steps.jsonl", &r.steps).unwrap();
    std::fs::write("/tmp/events.jsonl", &r.events).unwrap();
}

//! CPU time of a step: base.yaml's cell with and without records, and a long run, whose last steps must cost what
//! its first ones do.

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vendomini::config::{self, Overrides, RunConfig};
use vendomini::plan::Plan;
use vendomini::simulation::driver::Simulation;

fn cell(max_steps: u32, agent: &str) -> RunConfig {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/base.yaml");
    let set = vec![format!("simulation.max_steps={max_steps}"), format!("model.name={agent}")];
    let experiment = config::load(&path, &Overrides { set, ..Overrides::default() }).expect("base.yaml is sound");
    Plan::new(experiment).expect("base.yaml has a plan").run(0).config
}

fn run(simulation: &mut Simulation, config: &RunConfig, records: bool) -> usize {
    simulation.start(config, records);
    let mut agent = simulation.agent(&config.model.name).expect("a scripted agent");
    let mut bytes = 0;
    loop {
        simulation.observe();
        let decision = simulation.ask(agent.as_mut());
        let ended = simulation.apply(decision);
        if records {
            let mut recorder = simulation.recorder();
            bytes += recorder.steps.len() + recorder.events.len();
            recorder.steps.clear();
            recorder.events.clear();
        }
        if ended.is_some() {
            return bytes;
        }
    }
}

fn speed(criterion: &mut Criterion) {
    let mut simulation = Simulation::new();
    let mut group = criterion.benchmark_group("step");
    group.sample_size(20);
    for (name, records) in [("with_records", true), ("without_records", false)] {
        for steps in [1_000, 20_000] {
            let config = cell(steps, "heuristic");
            group.throughput(Throughput::Elements(u64::from(steps)));
            group.bench_with_input(BenchmarkId::new(name, steps), &config, |bencher, config| {
                bencher.iter(|| black_box(run(&mut simulation, config, records)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, speed);
criterion_main!(benches);

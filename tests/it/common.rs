//! What several test modules need.

use std::path::{Path, PathBuf};

use vendomini::config::{self, Overrides, RunConfig};
use vendomini::plan::Plan;
use vendomini::record::summary::{RunIdentity, Summary};
use vendomini::step::driver::Simulation;
use vendomini::step::end::EndReason;

/// A file of this project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The plan of `configs/base.yaml` with some settings.
pub fn plan(settings: &[&str]) -> Plan {
    let set = settings.iter().map(|s| (*s).to_owned()).collect();
    let overrides = Overrides { set, ..Overrides::default() };
    let experiment = config::load(&project("configs/base.yaml"), &overrides).unwrap_or_else(|e| panic!("{e}"));
    Plan::new(experiment).unwrap_or_else(|e| panic!("{e}"))
}

/// The configuration of the only run of [`plan`].
pub fn cell(settings: &[&str]) -> RunConfig {
    plan(settings).run(0).config
}

/// An identity for runs whose name does not matter.
pub fn nobody() -> RunIdentity {
    RunIdentity { run_id: "test".into(), params: serde_json::Map::new(), seed: 0, experiment_seed: 42 }
}

/// Runs a scripted agent to the end.
pub fn finish(simulation: &mut Simulation, config: &RunConfig) -> Summary {
    simulation.start(config, false);
    let mut agent = simulation.scripted_agent(&config.model.name).expect("a scripted agent");
    let reason: EndReason = loop {
        simulation.observe();
        let decision = simulation.ask(agent.as_mut());
        if let Some(reason) = simulation.apply(decision) {
            break reason;
        }
    };
    simulation.summary(nobody(), reason)
}

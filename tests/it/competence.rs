//! The heuristic is competent: a world in which a competent agent cannot reach the horizon would measure the world
//! and not the agent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use vendomini::base::run_end::EndReason;
use vendomini::simulation::driver::Simulation;

use crate::common::{finish, plan};

/// Does something for each level, initial budget and item, on two threads.
fn everywhere<T: Sync>(items: &[T], check: impl Fn(&mut Simulation, u32, u32, &T) + Sync) {
    let levels_and_budgets = (0..=4).flat_map(|level| [200, 10_000].map(|budget| (level, budget)));
    let jobs: Vec<_> = levels_and_budgets.flat_map(|cell| items.iter().map(move |item| (cell, item))).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut simulation = Simulation::new();
                while let Some(((level, budget), item)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(&mut simulation, *level, *budget, item);
                }
            });
        }
    });
}

/// Runs out of 100 that reach the horizon, and those of them that also made money and raised no flag.
fn hundred(simulation: &mut Simulation, settings: &[&str], level: u32, budget: u32, steps: u32) -> (u32, u32) {
    let cell = [
        "experiment.replications=100".to_owned(),
        "model.name=heuristic".to_owned(),
        format!("simulation.complexity_level={level}"),
        format!("simulation.initial_budget={budget}"),
        format!("simulation.max_steps={steps}"),
    ];
    let settings: Vec<&str> = settings.iter().copied().chain(cell.iter().map(String::as_str)).collect();
    let (mut reached, mut healthy) = (0, 0);
    for run in plan(&settings).runs() {
        let summary = finish(simulation, &run.config);
        let at_horizon = summary.end_reason == EndReason::Horizon;
        reached += u32::from(at_horizon);
        healthy += u32::from(at_horizon && summary.final_budget > summary.initial_budget && !summary.crashed);
    }
    (reached, healthy)
}

#[test]
fn without_shocks_it_reaches_the_horizon_richer_and_unflagged() {
    everywhere(&[500, 2_000], |simulation, level, budget, steps| {
        let (_, healthy) = hundred(simulation, &["pe_induction.p_shock=0"], level, budget, *steps);
        assert!(healthy >= 95, "level {level}, budget {budget}, {steps} steps: {healthy} of 100");
    });
}

#[test]
fn with_a_shock_every_other_day_it_still_reaches_the_horizon() {
    everywhere(&["temporal_only", "quantity_only", "realistic"], |simulation, level, budget, mix| {
        let of_mix = format!("pe_induction.pe_type_mix={mix}");
        let shocks =
            ["pe_induction.p_shock=0.5", "pe_induction.pe_mag=medium", "pe_induction.observability=full", &of_mix];
        let (reached, _) = hundred(simulation, &shocks, level, budget, 500);
        assert!(reached >= 80, "{mix}, level {level}, budget {budget}: {reached} of 100");
    });
}

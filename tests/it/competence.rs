//! The heuristic is competent: a world in which a competent agent cannot reach the horizon would measure the world
//! and not the agent.

use vendomini::step::driver::Simulation;
use vendomini::step::end::EndReason;

use crate::common::{finish, plan};

/// Runs out of 100 that reach the horizon, and those of them that also made money and raised no flag.
fn hundred(settings: &[&str], level: u32, budget: u32, steps: u32) -> (u32, u32) {
    let cell = [
        "experiment.replications=100".to_owned(),
        "model.name=heuristic".to_owned(),
        format!("simulation.complexity_level={level}"),
        format!("simulation.initial_budget={budget}"),
        format!("simulation.max_steps={steps}"),
    ];
    let settings: Vec<&str> = settings.iter().copied().chain(cell.iter().map(String::as_str)).collect();
    let mut simulation = Simulation::new();
    let (mut reached, mut healthy) = (0, 0);
    for run in plan(&settings).runs() {
        let summary = finish(&mut simulation, &run.config);
        let at_horizon = summary.end_reason == EndReason::Horizon;
        reached += u32::from(at_horizon);
        healthy += u32::from(at_horizon && summary.final_budget > summary.initial_budget && !summary.crashed);
    }
    (reached, healthy)
}

#[test]
fn without_shocks_it_reaches_the_horizon_richer_and_unflagged() {
    for level in 0..=4 {
        for budget in [200, 10_000] {
            for steps in [500, 2_000] {
                let (_, healthy) = hundred(&["pe_induction.p_shock=0"], level, budget, steps);
                assert!(healthy >= 95, "level {level}, budget {budget}, {steps} steps: {healthy} of 100");
            }
        }
    }
}

#[test]
fn with_a_shock_every_other_day_it_still_reaches_the_horizon() {
    for mix in ["temporal_only", "quantity_only"] {
        let mix = format!("pe_induction.pe_type_mix={mix}");
        for level in 0..=4 {
            for budget in [200, 10_000] {
                let (reached, _) = hundred(&["pe_induction.p_shock=0.5", &mix], level, budget, 500);
                assert!(reached >= 80, "{mix}, level {level}, budget {budget}: {reached} of 100");
            }
        }
    }
}

//! The heuristic is competent: a world in which a competent agent cannot reach the horizon would measure the world.

use vendomini::step::driver::Simulation;
use vendomini::step::end::EndReason;

use crate::common::{finish, plan};

#[test]
fn scratch_table() {
    let reps = 100;
    let mut sim = Simulation::new();
    let list = |k: &str, d: &str| -> Vec<u32> {
        std::env::var(k).unwrap_or(d.into()).split(',').map(|x| x.parse().unwrap()).collect()
    };
    for steps in list("STEPS", "500") {
        for budget in list("BUDGETS", "200,10000") {
            for level in list("LEVELS", "0,1,4") {
                for p in std::env::var("PS").unwrap_or("0".into()).split(',') {
                    let extra = std::env::var("SET").unwrap_or_default();
                    let mut set = vec![
                        format!("experiment.replications={reps}"),
                        format!("simulation.max_steps={steps}"),
                        format!("simulation.initial_budget={budget}"),
                        format!("simulation.complexity_level={level}"),
                        format!("pe_induction.p_shock={p}"),
                        "model.name=heuristic".into(),
                    ];
                    if !extra.is_empty() {
                        set.extend(extra.split(' ').map(str::to_owned));
                    }
                    let refs: Vec<&str> = set.iter().map(|s| s.as_str()).collect();
                    let plan = plan(&refs);
                    let (mut horizon, mut profit, mut noflag, mut ok) = (0, 0, 0, 0);
                    let mut reasons = std::collections::BTreeMap::<String, u32>::new();
                    let mut crashes = std::collections::BTreeMap::<String, u32>::new();
                    let mut fin = vec![];
                    let mut expired = 0;
                    let mut req = 0;
                    let mut pe = [0.0f64; 4];
                    for i in 0..plan.len() {
                        let run = plan.run(i);
                        let s = finish(&mut sim, &run.config);
                        let h = s.end_reason == EndReason::Horizon;
                        let pr = s.final_budget > s.initial_budget;
                        horizon += h as u32;
                        profit += pr as u32;
                        noflag += (!s.crashed) as u32;
                        ok += (h && pr && !s.crashed) as u32;
                        *reasons.entry(s.end_reason.word().into()).or_default() += 1;
                        for c in &s.crash_types {
                            *crashes.entry(c.to_string()).or_default() += 1;
                        }
                        fin.push(s.final_budget.as_units());
                        expired += s.customer_orders_failed;
                        req += s.customer_orders_requested;
                        for (k, v) in [&s.mean_pe.temporal, &s.mean_pe.quantity, &s.mean_pe.cost, &s.mean_pe.causal]
                            .iter()
                            .enumerate()
                        {
                            pe[k] += v.map_or(0.0, |x| x.0) / f64::from(reps);
                        }
                    }
                    fin.sort_by(f64::total_cmp);
                    println!(
                        "steps {steps} budget {budget} level {level} p {p}: ok {ok} horizon {horizon} profit {profit} noflag {noflag} {reasons:?} {crashes:?} median {} expired {:.2} pe {pe:.3?}",
                        fin[fin.len() / 2],
                        f64::from(expired) / f64::from(req.max(1))
                    );
                }
            }
        }
    }
}

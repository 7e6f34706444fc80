//! Tests of reservations.

use super::*;

fn usage(input: u64, output: u64) -> Usage {
    Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() }
}

fn budget(run: (Option<u64>, Option<f64>), experiment: (Option<u64>, Option<f64>)) -> (Budget, Arc<Ledger>) {
    let whole = Arc::new(Ledger::new(Scope::Experiment, experiment.0, experiment.1));
    (Budget::new(Ledger::new(Scope::Run, run.0, run.1), whole.clone()), whole)
}

#[test]
fn what_is_reserved_counts_until_it_is_settled() {
    let (budget, whole) = budget((Some(100), None), (None, None));
    let first = budget.reserve(60, None).unwrap();
    let refused = budget.reserve(41, None).unwrap_err();
    assert_eq!(refused, Exhausted { scope: Scope::Run, quantity: Quantity::Tokens });
    assert_eq!(refused.to_string(), "the limit of tokens of the run leaves no room for another call");
    let second = budget.reserve(40, None).unwrap();
    assert!(!first.settle(&usage(10, 5), None));
    second.release();
    assert_eq!(whole.spent(), Spent { tokens: 15, cost: 0.0, estimated: 0 });
    assert!(budget.reserve(86, None).is_err());
    assert!(!budget.reserve(85, None).unwrap().settle(&usage(80, 90), None), "what was used counts, however much");
    assert_eq!(budget.run().spent().tokens, 185);
    assert!(budget.reserve(0, None).is_err(), "nothing is left");
}

#[test]
fn both_accounts_are_kept_and_the_run_is_asked_first() {
    let (budget, whole) = budget((None, Some(1.0)), (None, Some(0.3)));
    let asked = |cost| budget.reserve(1, Some(cost)).map(Reservation::release);
    assert_eq!(asked(1.1), Err(Exhausted { scope: Scope::Run, quantity: Quantity::Cost }));
    assert_eq!(asked(0.4), Err(Exhausted { scope: Scope::Experiment, quantity: Quantity::Cost }));
    assert_eq!(asked(0.3), Ok(()), "a limit may be reached");
    // Three times 0.1 is 0.3 here, as it is for people.
    for _ in 0..3 {
        assert!(!budget.reserve(1, Some(0.1)).unwrap().settle(&usage(1, 0), Some(0.1)));
    }
    assert_eq!((whole.spent().cost, budget.run().spent().cost), (0.3, 0.3));
    assert!(asked(1e-9).is_err());
    assert!(asked(1e-10).is_ok(), "less than a billionth is nothing");
}

#[test]
fn what_is_not_known_counts_as_reserved() {
    let (budget, whole) = budget((None, None), (None, None));
    assert!(budget.reserve(50, Some(0.5)).unwrap().settle(&Usage::default(), None));
    assert!(budget.reserve(50, Some(0.5)).unwrap().settle(&usage(1, 1), None));
    assert!(budget.reserve(50, None).unwrap().settle(&Usage { output_tokens: None, ..usage(1, 1) }, Some(0.25)));
    assert!(!budget.reserve(50, None).unwrap().settle(&usage(1, 1), None), "without prices no cost is expected");
    drop(budget.reserve(7, Some(0.125)).unwrap());
    assert_eq!(whole.spent(), Spent { tokens: 50 + 2 + 50 + 2 + 7, cost: 0.5 + 0.5 + 0.25 + 0.125, estimated: 4 });
}

#[test]
fn earlier_runs_count_too() {
    let (budget, whole) = budget((None, None), (Some(100), Some(1.0)));
    whole.carry_over(&Spent { tokens: 90, cost: 0.5, estimated: 2 });
    assert_eq!(budget.reserve(11, None).unwrap_err().quantity, Quantity::Tokens);
    assert_eq!(budget.reserve(1, Some(0.6)).unwrap_err().quantity, Quantity::Cost);
    assert_eq!((whole.spent().estimated, budget.run().spent().tokens), (2, 0));
}

#[test]
fn no_number_makes_an_account_overflow() {
    let (budget, whole) = budget((None, None), (Some(u64::MAX), Some(1e9)));
    assert!(!budget.reserve(u64::MAX, Some(1e9)).unwrap().settle(&usage(u64::MAX, 9), Some(f64::MAX)));
    assert_eq!(whole.spent().tokens, u64::MAX);
    assert!(budget.reserve(0, Some(0.0)).is_err(), "more than the limit was spent");
}

/// Many threads never reserve more than there is.
#[test]
fn limits_hold_among_threads() {
    let whole = Arc::new(Ledger::new(Scope::Experiment, Some(1000), Some(1.0)));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let budget = Budget::new(Ledger::new(Scope::Run, None, None), whole.clone());
            scope.spawn(move || {
                while let Ok(reservation) = budget.reserve(3, Some(0.003)) {
                    reservation.settle(&usage(2, 1), Some(0.003));
                }
            });
        }
    });
    assert_eq!((whole.spent().tokens, whole.spent().cost), (999, 0.999));
}

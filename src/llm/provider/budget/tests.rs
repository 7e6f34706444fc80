//! Tests of reservations.

use crate::llm::provider::budget::*;

fn used(input: u64, output: u64, cost: Option<f64>) -> Charge {
    Charge::Used(Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() }, cost)
}

const UNTOLD: Charge = Charge::Used(
    Usage {
        input_tokens: None,
        output_tokens: None,
        cache_read_tokens: None,
        cache_write_tokens: None,
        reasoning_tokens: None,
    },
    None,
);

fn estimate(tokens: u64, cost_usd: Option<f64>) -> Estimate {
    Estimate { tokens, cost_usd }
}

fn exhausted(scope: Scope, quantity: Quantity) -> NoRoom {
    NoRoom::Exhausted(Exhausted { scope, quantity })
}

fn budget(run: (Option<u64>, Option<f64>), experiment: (Option<u64>, Option<f64>)) -> (Budget, Arc<Ledger>) {
    let whole = Arc::new(Ledger::new(Scope::Experiment, experiment.0, experiment.1));
    (Budget::new(Ledger::new(Scope::Run, run.0, run.1), whole.clone()), whole)
}

#[test]
fn what_is_reserved_counts_until_it_is_settled() {
    let (budget, whole) = budget((Some(100), None), (None, None));
    let reserve = |tokens| budget.reserve(estimate(tokens, None));
    let first = reserve(60).unwrap();
    assert_eq!(reserve(41).unwrap_err(), NoRoom::Taken, "the first may use less");
    let NoRoom::Exhausted(refused) = reserve(101).unwrap_err() else { panic!("no other call has to do with it") };
    assert_eq!(refused.to_string(), "the limit of tokens of the run leaves no room for another call");
    let second = reserve(40).unwrap();
    first.settle(&used(10, 5, None));
    second.settle(&Charge::Nothing);
    assert_eq!(whole.spent(), Spent { tokens: 15, cost: 0.0, estimated: 0, unpriced: 1 });
    assert_eq!(reserve(86).unwrap_err(), exhausted(Scope::Run, Quantity::Tokens));
    reserve(85).unwrap().settle(&used(80, 90, None));
    let both = Spent { tokens: 185, unpriced: 2, ..Spent::default() };
    assert_eq!(budget.run().spent(), both, "what was used counts, however much");
    assert!(reserve(0).is_err(), "nothing is left");
}

#[test]
fn both_accounts_are_kept_and_the_run_is_asked_first() {
    let (budget, whole) = budget((None, Some(1.0)), (None, Some(0.3)));
    let asked = |cost| budget.reserve(estimate(1, Some(cost))).map(|reserved| reserved.settle(&Charge::Nothing));
    assert_eq!(asked(1.1), Err(exhausted(Scope::Run, Quantity::Cost)));
    assert_eq!(asked(0.4), Err(exhausted(Scope::Experiment, Quantity::Cost)));
    assert_eq!(asked(0.3), Ok(()), "a limit may be reached");
    // Three times 0.1 is 0.3 here, as it is for people.
    for _ in 0..3 {
        budget.reserve(estimate(1, Some(0.1))).unwrap().settle(&used(1, 0, Some(0.1)));
    }
    assert_eq!((whole.spent().cost, budget.run().spent().cost, whole.spent().estimated), (0.3, 0.3, 0));
    assert_eq!(asked(1e-9), Err(exhausted(Scope::Experiment, Quantity::Cost)));
    assert!(asked(1e-10).is_ok(), "less than a billionth is nothing");
}

#[test]
fn other_runs_calls_stand_in_the_way_for_a_while() {
    let (one, whole) = budget((None, None), (Some(100), None));
    let other = Budget::new(Ledger::new(Scope::Run, None, None), whole.clone());
    let first = one.reserve(estimate(80, None)).unwrap();
    assert_eq!(other.reserve(estimate(80, None)).unwrap_err(), NoRoom::Taken);
    assert_eq!(other.run().lock().reserved, Amount::default(), "nothing stays reserved");
    first.settle(&used(5, 5, None));
    let second = other.reserve(estimate(80, None)).unwrap();
    second.settle(&used(10, 5, None));
    assert_eq!(one.reserve(estimate(80, None)).unwrap_err(), exhausted(Scope::Experiment, Quantity::Tokens));
}

#[test]
fn what_is_not_known_counts_as_reserved() {
    let (budget, whole) = budget((None, None), (None, None));
    let settle = |cost, charge: Charge| budget.reserve(estimate(50, cost)).unwrap().settle(&charge);
    let half = Charge::Used(Usage { input_tokens: Some(1), ..Usage::default() }, Some(0.25));
    settle(Some(0.5), UNTOLD);
    settle(Some(0.5), used(1, 1, None));
    settle(None, half);
    assert_eq!(whole.spent().estimated, 3);
    settle(None, used(1, 1, None));
    assert_eq!(whole.spent().estimated, 3, "without prices no cost is expected");
    drop(budget.reserve(estimate(7, Some(0.125))).unwrap());
    let (tokens, cost) = (50 + 2 + 50 + 2 + 7, 0.5 + 0.5 + 0.25 + 0.125);
    assert_eq!(whole.spent(), Spent { tokens, cost, estimated: 4, unpriced: 1 });
}

#[test]
fn requests_that_were_refused_or_never_arrived_are_not_charged() {
    use Outcome::*;
    let told = Some((Usage::default(), Some(0.5)));
    for outcome in [HttpError, ConnectError, ContextOverflow] {
        assert_eq!(Charge::of(outcome, None), Charge::Nothing, "{outcome:?}");
        assert_eq!(Charge::of(outcome, told), Charge::Used(Usage::default(), Some(0.5)), "unless somebody says so");
    }
    for outcome in [Timeout, Broken, UnreadableBody, EmptyReply, OversizedBody, ProviderError, Abandoned] {
        assert_eq!(Charge::of(outcome, None), UNTOLD, "{outcome:?}");
    }
}

#[test]
fn earlier_runs_count_too() {
    let (budget, whole) = budget((None, None), (Some(100), Some(1.0)));
    whole.carry_over(&Spent { tokens: 90, cost: 0.5, estimated: 2, unpriced: 0 });
    assert_eq!(budget.reserve(estimate(11, None)).unwrap_err(), exhausted(Scope::Experiment, Quantity::Tokens));
    assert_eq!(budget.reserve(estimate(1, Some(0.6))).unwrap_err(), exhausted(Scope::Experiment, Quantity::Cost));
    assert_eq!((whole.spent().estimated, budget.run().spent().tokens), (2, 0));
}

#[test]
fn no_number_makes_an_account_overflow() {
    let (budget, whole) = budget((None, None), (Some(u64::MAX), Some(1e9)));
    budget.reserve(estimate(u64::MAX, Some(1e9))).unwrap().settle(&used(u64::MAX, 9, Some(f64::MAX)));
    assert_eq!(whole.spent().tokens, u64::MAX);
    assert!(budget.reserve(estimate(0, Some(0.0))).is_err(), "more than the limit was spent");
}

/// Many threads never reserve more than there is.
#[test]
fn limits_hold_among_threads() {
    let whole = Arc::new(Ledger::new(Scope::Experiment, Some(1000), Some(1.0)));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let budget = Budget::new(Ledger::new(Scope::Run, None, None), whole.clone());
            scope.spawn(move || {
                loop {
                    match budget.reserve(estimate(3, Some(0.003))) {
                        Ok(reservation) => reservation.settle(&used(2, 1, Some(0.003))),
                        Err(NoRoom::Taken) => std::thread::yield_now(),
                        Err(NoRoom::Exhausted(_)) => break,
                    }
                }
            });
        }
    });
    assert_eq!((whole.spent().tokens, whole.spent().cost), (999, 0.999));
}

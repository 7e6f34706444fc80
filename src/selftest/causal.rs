//! Do the shocks of the causal mix change exactly what they say, each family alone: prices and other suppliers'
//! orders, postings, lead times.
//!
//! A buyer orders from every supplier in turn and states what the first price lists say, or what a quote of the same
//! day says. What must come of each order is kept here, from what was asked for and which shocks struck.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::check::{Outcome, Verdict, near, resolved};
use super::harness::{Seen, Tamper, plan, play};
use crate::agent::{Agent, Input};
use crate::base::card::Card;
use crate::base::decision::{Action, Decision};
use crate::simulation::driver::Simulation;
use crate::tool::name;

/// Supplier and SKU.
type Pair = (String, String);

/// Price in currency units and lead time in days.
type Offer = (f64, f64);

const BUDGET: f64 = 1_000_000.0;

/// A quarter, which no rounding to binary spoils.
const SHARE: f64 = 0.25;

/// Days by which orders, postings and lead times are late.
const DAYS: f64 = 3.0;

/// Orders one unit a day of each offer in turn.
#[derive(Default)]
struct Buyer {
    /// Whether it reads its inbox and asks for a quote before each order: three actions a day.
    asks: bool,
    /// Whether it states its budget, as if each charge were posted on the promised day.
    counts: bool,
    /// A SKU's offers follow one another, so that two suppliers' orders for it are pending together.
    offers: Vec<(Pair, Offer)>,
    orders: usize,
    /// Promised days and prices.
    owed: Vec<(f64, f64)>,
}

impl Agent for Buyer {
    fn decide(&mut self, input: Input<'_>) -> Decision {
        let (step, day) = (input.observation.step, f64::from(input.observation.day));
        let result = serde_json::to_value(&input.observation.last_result).expect("a result has a JSON form");
        if step == 0 {
            return Decision::scripted(Action::of(name::CHECK_INBOX), None);
        }
        if step == 1 {
            self.offers = price_lists(&result).into_iter().collect();
            self.offers.sort_by(|((_, one), _), ((_, other), _)| one.cmp(other));
        }
        let ((supplier, sku), mut offer) = self.offers[self.orders % self.offers.len()].clone();
        let call = |tool| Action::of(tool).with("supplier_id", supplier.as_str()).with("sku", sku.as_str());
        if self.asks {
            match step % 3 {
                0 => return Decision::scripted(Action::of(name::CHECK_INBOX), None),
                1 => return Decision::scripted(call(name::QUOTE).with("qty", 1), None),
                _ => offer = (number(&result["unit_price"]), number(&result["lead_days"])),
            }
        }
        self.orders += 1;
        let (price, lead) = offer;
        let due: f64 = self.owed.iter().filter(|(promised, _)| *promised <= day).map(|(_, price)| price).sum();
        self.owed.push((day + lead, price));
        let card = Card {
            tool: Some(name::ORDER.to_owned()),
            expected_success: Some(true),
            expected_delivery_day: Some(day + lead),
            expected_quantity: Some(1.0),
            expected_cost: Some(price),
            expected_budget_after: self.counts.then_some(BUDGET - due),
            ..Card::default()
        };
        Decision::scripted(call(name::ORDER).with("quantity", 1), Some(card))
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The offers of the price lists in a result.
fn price_lists(result: &Value) -> BTreeMap<Pair, Offer> {
    let messages = result["messages"].as_array().into_iter().flatten();
    let items = messages.flat_map(|message| {
        let lines = message["items"].as_array().into_iter().flatten();
        lines.map(|item| (text(&message["supplier_id"]), item))
    });
    items
        .map(|(supplier, item)| {
            ((supplier, text(&item["sku"])), (number(&item["unit_price"]), number(&item["lead_days"])))
        })
        .collect()
}

/// An order as it must come out.
#[derive(Clone, Debug)]
struct Due {
    pair: Pair,
    ordered: f64,
    /// What the card said.
    stated: Offer,
    /// What it really costs, and how long it really takes.
    true_offer: Offer,
}

/// What must come of the orders of a run.
#[derive(Default)]
struct Book {
    base: BTreeMap<Pair, Offer>,
    pending: BTreeMap<String, Due>,
    /// Arrived, and charged later.
    uncharged: BTreeMap<String, Due>,
}

impl Book {
    /// Takes in this morning's errors of arrivals and charges; how many of them are above 0.
    fn check_resolved(&mut self, record: &Value, verdict: &mut Verdict) -> u32 {
        let mut wrong = 0;
        for (kind, _, error, entry) in resolved(record) {
            let id = text(&entry["order"]);
            let expected = match kind {
                "temporal" => {
                    self.pending.get(&id).map(|due| (due.true_offer.1 - due.stated.1).abs() / due.stated.1.max(1.0))
                }
                "quantity" => Some(0.0),
                "cost" => {
                    let due = self.pending.get(&id).or_else(|| self.uncharged.get(&id));
                    due.map(|due| (due.true_offer.0 - due.stated.0).abs() / due.stated.0.max(1.0))
                }
                _ => continue,
            };
            let expected = expected.unwrap_or(f64::NAN);
            verdict.check(near(error, expected), || format!("the {kind} error must be {expected}: {entry}"));
            let causes = entry["causes"].as_array().map_or(0, Vec::len);
            verdict
                .check((causes > 0) == (expected > 0.0), || format!("{causes} causes of an error {expected}: {entry}"));
            wrong += u32::from(expected > 0.0);
        }
        for (kind, _, _, entry) in resolved(record) {
            let id = text(&entry["order"]);
            match kind {
                "temporal" => {
                    let arrived = self.pending.remove(&id).map(|due| (id, due));
                    self.uncharged.extend(arrived);
                }
                "cost" => drop(self.uncharged.remove(&id)),
                _ => {}
            }
        }
        wrong
    }

    /// Notes today's order, if there is one, with how its true price and lead time follow from the usual ones.
    fn place(&mut self, seen: &Seen<'_>, truth: impl FnOnce(&Pair, Offer) -> Offer, verdict: &mut Verdict) {
        let record = seen.record;
        if record["step"] == 0 {
            self.base = price_lists(&record["result"]);
        }
        if record["action"]["tool"] != name::ORDER {
            return;
        }
        verdict.check(record["result"]["success"] == true, || format!("an order was refused: {}", record["result"]));
        let args = &record["action"]["args"];
        let (pair, ordered) = ((text(&args["supplier_id"]), text(&args["sku"])), number(&record["day"]));
        let stated = seen.card.and_then(|card| Some((card.expected_cost?, card.expected_delivery_day? - ordered)));
        let (Some(stated), Some(usual)) = (stated, self.base.get(&pair)) else {
            return verdict.check(false, || format!("there is no card, or nobody offers {pair:?}"));
        };
        let true_offer = truth(&pair, *usual);
        self.pending.insert(text(&record["result"]["order_id"]), Due { pair, ordered, stated, true_offer });
    }
}

/// Runs the buyer under shocks of one family of the causal mix: the others have no size.
fn buy(
    simulation: &mut Simulation,
    tamper: Tamper,
    buyer: Buyer,
    (family, size): (&str, &str),
    more: &[&str],
    see: impl FnMut(Seen<'_>),
) {
    let sizes = ["interference", "posting_lag", "regime_shift"].map(|other| {
        format!("pe_induction.magnitudes.{other}.medium={}", if other == family { size } else { "[0, 0]" })
    });
    let steps = format!("simulation.max_steps={}", if buyer.asks { 1_200 } else { 800 });
    let actions = format!("simulation.actions_per_day={}", if buyer.asks { 3 } else { 1 });
    let budget = format!("simulation.initial_budget={BUDGET}");
    let settings = [
        "pe_induction.pe_type_mix=causal_only",
        "pe_induction.pe_mag=medium",
        "interface.prediction_mode=optional",
        "measurement.continue_after_crash=10000",
        "demand.orders_per_day=0",
        "simulation.storage_fee=0",
        "simulation.storage_capacity=10000",
        &steps,
        &actions,
        &budget,
    ];
    let settings: Vec<&str> =
        settings.into_iter().chain(sizes.iter().map(String::as_str)).chain(more.iter().copied()).collect();
    let config = plan(&settings).run(0).config;
    let mut buyer = buyer;
    play(simulation, &config, &mut buyer, tamper, see);
}

/// This evening's shock, where it came to something, and its family.
fn shock(record: &Value) -> Option<(&Value, &str)> {
    let shock = record["shocks"].as_array()?.first().filter(|shock| shock["state"] != "fizzled")?;
    Some((shock, shock["family"].as_str()?))
}

pub(super) fn interference(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    let mut verdict = Verdict::default();
    let (mut book, mut wrong) = (Book::default(), 0);
    let mut dear_until: BTreeMap<Pair, f64> = BTreeMap::new();
    let size = format!("[{SHARE}, {DAYS}]");
    let more = ["pe_induction.p_shock=1", "pe_induction.observability=hidden"];
    let (mut dear, mut delays) = (0, 0);
    buy(simulation, tamper, Buyer::default(), ("interference", &size), &more, |seen| {
        let day = number(&seen.record["day"]);
        wrong += book.check_resolved(seen.record, &mut verdict);
        let truth = |pair: &Pair, (price, lead): Offer| {
            let is_dear = dear_until.get(pair).is_some_and(|until| day < *until);
            dear += u32::from(is_dear);
            // To the cent, half up.
            (if is_dear { (price * 100.0 * (1.0 + SHARE) + 0.5 + 1e-6).floor() / 100.0 } else { price }, lead)
        };
        book.place(&seen, truth, &mut verdict);
        let Some((shock, family)) = shock(seen.record) else { return };
        verdict.check(family == "interference", || format!("a shock without a size changed something: {shock}"));
        let struck = (text(&shock["supplier"]), text(&shock["sku"]));
        for due in book.pending.values_mut().filter(|due| due.pair == struck) {
            due.true_offer.1 += DAYS;
            delays += 1;
        }
        dear_until.insert(struck, number(&shock["effect"]["until_day"]));
    });
    verdict.check(dear >= 20 && delays >= 20, || format!("only {dear} dear orders and {delays} delays"));
    verdict.check(wrong >= 40, || format!("only {wrong} errors"));
    verdict.outcome(1_000, "comparisons")
}

pub(super) fn posting_lag(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    let mut verdict = Verdict::default();
    let mut book = Book::default();
    // Lags that wait for a charge; day and amount of each charge.
    let (mut armed, mut charges): (VecDeque<f64>, Vec<(String, f64, f64)>) = (VecDeque::new(), Vec::new());
    let size = format!("[{DAYS}, {DAYS}]");
    let more = ["pe_induction.p_shock=1", "pe_induction.observability=hidden"];
    let (mut late, mut misled) = (0, 0);
    buy(simulation, tamper, Buyer { counts: true, ..Buyer::default() }, ("posting_lag", &size), &more, |seen| {
        let (record, day) = (seen.record, number(&seen.record["day"]));
        let arrived = |due: &Due| due.ordered + due.true_offer.1 == day;
        let mut today: Vec<(u32, &String, f64)> = book
            .pending
            .iter()
            .filter(|(_, due)| arrived(due))
            .map(|(id, due)| (id.trim_start_matches("ORD").parse().unwrap_or(0), id, due.true_offer.0))
            .collect();
        today.sort_by_key(|(number, ..)| *number);
        for (_, id, price) in today {
            let lag = armed.pop_front().unwrap_or(0.0);
            late += u32::from(lag > 0.0);
            charges.push((id.clone(), day + lag, price));
        }
        let decided: Vec<String> =
            resolved(record).filter(|(kind, ..)| *kind == "cost").map(|(.., entry)| text(&entry["order"])).collect();
        for (id, posted, _) in &charges {
            let is_decided = decided.contains(id);
            if is_decided || *posted == day {
                verdict.check(is_decided && *posted == day, || {
                    format!("the charge of {id} must be posted on day {posted}, on day {day} it is {is_decided}")
                });
            }
        }
        book.check_resolved(record, &mut verdict);
        let posted: f64 = charges.iter().filter(|(_, posted, _)| *posted <= day).map(|(.., price)| price).sum();
        let outstanding: f64 = charges.iter().filter(|(_, posted, _)| *posted > day).map(|(.., price)| price).sum();
        verdict.check(near(record["state"]["budget"].as_f64(), BUDGET - posted), || {
            format!("on day {day} the budget must be {}: {}", BUDGET - posted, record["state"]["budget"])
        });
        for (.., error, entry) in resolved(record).filter(|(kind, ..)| *kind == "causal") {
            let expected = f64::from(u8::from(outstanding > 0.5));
            misled += u32::from(outstanding > 0.5);
            verdict.check(error == Some(expected), || {
                format!("{outstanding} is not posted yet, so the causal error must be {expected}: {entry}")
            });
        }
        book.place(&seen, |_, offer| offer, &mut verdict);
        if let Some((shock, family)) = shock(record) {
            verdict.check(family == "posting_lag", || format!("a shock without a size changed something: {shock}"));
            armed.push_back(DAYS);
        }
    });
    verdict.check(late >= 40 && misled >= 40, || format!("only {late} late charges, {misled} wrong beliefs"));
    verdict.outcome(1_000, "comparisons")
}

/// Orders at suppliers whose lead times have grown, told or not.
fn regime(simulation: &mut Simulation, tamper: Tamper, observability: &str, is_told: bool) -> Outcome {
    let mut verdict = Verdict::default();
    let (mut book, mut wrong) = (Book::default(), 0);
    let mut slow_until: BTreeMap<String, f64> = BTreeMap::new();
    let mut orders = [0u32; 2];
    let size = format!("[{DAYS}, {DAYS}]");
    let observability = format!("pe_induction.observability={observability}");
    let more = ["pe_induction.p_shock=0.1", &observability];
    let buyer = Buyer { asks: is_told, ..Buyer::default() };
    buy(simulation, tamper, buyer, ("regime_shift", &size), &more, |seen| {
        let day = number(&seen.record["day"]);
        wrong += book.check_resolved(seen.record, &mut verdict);
        let truth = |(supplier, _): &Pair, (price, lead): Offer| {
            let is_slow = slow_until.get(supplier).is_some_and(|until| day < *until);
            orders[usize::from(is_slow)] += 1;
            (price, if is_slow { lead + DAYS } else { lead })
        };
        book.place(&seen, truth, &mut verdict);
        if let Some((shock, family)) = shock(seen.record) {
            verdict.check(family == "regime_shift", || format!("a shock without a size changed something: {shock}"));
            slow_until.insert(text(&shock["supplier"]), number(&shock["effect"]["until_day"]));
        }
    });
    verdict.check(orders.iter().all(|count| *count >= 40), || format!("{orders:?} orders outside and inside"));
    verdict.check(if is_told { wrong == 0 } else { wrong >= 40 }, || format!("{wrong} errors"));
    verdict.outcome(1_000, "comparisons")
}

pub(super) fn hidden_regime_shift(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    regime(simulation, tamper, "hidden", false)
}

pub(super) fn told_regime_shift(simulation: &mut Simulation, tamper: Tamper) -> Outcome {
    regime(simulation, tamper, "full", true)
}

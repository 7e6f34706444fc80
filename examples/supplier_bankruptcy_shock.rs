//! A new shock: `supplier_bankruptcy`. A supplier fails, and its administrator sends half of what it owes, late.
//!
//! Shows a shock family of a third party: it draws its victim, changes pending orders in a way that prediction errors
//! can be traced to, says what it did, and leaves it to `pe_induction.observability` what the agent is told. The mix
//! names it beside the built-in families.
//!
//! ```console
//! cargo run --example supplier_bankruptcy_shock -- run --batch --config configs/base.yaml \
//!     --set pe_induction.p_shock=0.3 --set 'pe_induction.pe_type_mix={temporal: 1, supplier_bankruptcy: 1}'
//! ```

use std::process::ExitCode;

use vendomini::config::settings::Magnitude;
use vendomini::prelude::*;

/// The field of a shock's draws that picks the victim.
const VICTIM: u64 = 0;

/// A supplier that owes goods, drawn by its unreliability, delivers all of its pending orders late and by half.
fn go_bankrupt(In(mut strike): In<Strike>, mut book: PurchaseBook, market: SupplierMarket) -> Effect {
    // In the order of their ids: never by anything that could differ from run to run.
    let mut debtors: Vec<SupplierId> = book.pending().map(|(order, _)| order.supplier).collect();
    debtors.sort_unstable();
    debtors.dedup();
    let weights = debtors.iter().map(|supplier| 1.0 - market.reliability(*supplier));
    let Some(victim) = strike.victim(VICTIM, weights) else { return Effect::nothing_to_strike() };
    let supplier = debtors[victim];
    let days = match strike.magnitude {
        Magnitude::Low => 2,
        Magnitude::Medium => 5,
        Magnitude::High => 10,
    };
    let mut news =
        CustomNews::new("supplier_bankruptcy", format!("{supplier} is bankrupt and sends half of what it owes, late"));
    let owed: Vec<(OrderId, Units)> = book
        .pending()
        .filter(|(order, _)| order.supplier == supplier)
        .map(|(order, transit)| (order.id, transit.quantity))
        .collect();
    for (order, quantity) in owed {
        let (_, new_eta_day) = book.delay(order, days, strike.id);
        news = news.order_delayed(order, new_eta_day);
        if quantity > 1 {
            book.change_quantity(order, quantity / 2, strike.id);
            news = news.order_quantity_changed(order, quantity / 2);
        }
    }
    Effect {
        state: ShockState::Effective,
        candidates: debtors.len() as u32,
        target: Target { supplier: Some(supplier), ..Target::default() },
        size: i64::from(days),
        news: Some(ShockNews::Custom(news)),
        ..Effect::nothing_to_strike()
    }
}

fn bankruptcies(app: &mut App) {
    app.add_shock("supplier_bankruptcy", go_bankrupt);
}

fn main() -> ExitCode {
    vendomini::main_with(Plugins::default().with(bankruptcies, env!("CARGO_PKG_VERSION")))
}

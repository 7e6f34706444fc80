//! A new tool: `tool_negotiate_price`, an order at a price that the agent proposes.
//!
//! Shows a tool of a third party with typed arguments and draws of its own, and what keeps the instrument honest: the
//! order that it places is one like any other (predictions bind to it), and whatever its result shows is told as a
//! fact. The agent `haggler`, registered beside it, uses it.
//!
//! ```console
//! cargo run --example price_negotiation_tool -- run --batch --config configs/base.yaml \
//!     --set 'interface.extra_tools=[tool_negotiate_price]' --set model.name=haggler
//! ```

use std::process::ExitCode;

use vendomini::prelude::*;
use vendomini::scenario::warehouse::policy::{Work, next_work};
use vendomini::scenario::warehouse::sku::Shelves;
use vendomini::scenario::warehouse::tool::supplier::{check_credit, check_quantity, find_offer};

const NEGOTIATE: &str = "tool_negotiate_price";

/// Largest share of its price that a supplier lets go of.
const MOST: f64 = 0.2;

/// What the tool takes. The comments become the descriptions that an agent is given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NegotiateArgs {
    /// Id of the supplier, such as S1.
    supplier_id: String,
    /// Id of the SKU, such as sku_0.
    sku: String,
    /// Units to order.
    #[schemars(range(min = 1))]
    quantity: i64,
    /// Proposed price of one unit.
    #[schemars(range(min = 0.01))]
    unit_price: f64,
}

/// What comes of it.
#[derive(Serialize)]
struct Outcome {
    accepted: bool,
    #[serde(flatten)]
    order: Option<Placed>,
}

/// The order, as `tool_order` shows one.
#[derive(Serialize)]
struct Placed {
    order_id: OrderId,
    eta_day: Day,
    price: Cents,
}

/// Places the order when the supplier accepts the price. How far it goes is drawn anew each day.
fn negotiate(
    In(args): In<NegotiateArgs>,
    market: SupplierMarket,
    shelves: Res<Shelves>,
    ledger: Res<Ledger>,
    calendar: Res<Calendar>,
    key: Res<RunKey>,
    mut book: PurchaseBook,
    mut journal: ResMut<Journal>,
    mut doses: ResMut<DoseLedger>,
) -> Result<ToolReply, ToolError> {
    let today = calendar.day();
    let (supplier, sku, mut terms) = find_offer(&market, &shelves, &args.supplier_id, &args.sku, today)?;
    let quantity = check_quantity("quantity", args.quantity, &shelves)?;
    check_credit(&ledger, sku)?;
    let proposed = Cents::from_units(args.unit_price);
    if proposed < Cents(1) {
        return Err(ToolError::refused(format!("unit_price is {}; propose at least 0.01", args.unit_price)).about(sku));
    }
    let share = key.stream("negotiation.share", 1).real(today, supplier.index() as u64, 0.0, MOST);
    let accepted = proposed >= terms.offer.unit_price.scaled(1.0 - share);
    journal.note(WorldEvent::Custom {
        name: "negotiation".into(),
        data: serde_json::json!({"supplier": supplier, "sku": sku, "unit_price": proposed, "accepted": accepted}),
    });
    if !accepted {
        return Ok(ToolReply::success(false, &Outcome { accepted, order: None }).about(sku));
    }
    terms.offer.unit_price = proposed.min(terms.offer.unit_price);
    let order = doses.place(&mut book, supplier, sku, quantity, terms, today, &mut journal);
    let (unit_price, promised) = (order.unit_price, order.promised);
    let placed = Placed { order_id: order.id, eta_day: promised, price: order.value() };
    Ok(ToolReply::success(true, &Outcome { accepted, order: Some(placed) })
        .showing(Fact::OrderPlaced { order: order.id, sku, quantity, unit_price, promised })
        .binding(Binding::Ordered(order.id))
        .about(sku))
}

/// Acts by the reference policy, but proposes a tenth less where that would order; when refused, it pays the price.
#[derive(Default)]
struct Haggler {
    proposed: bool,
}

impl Agent for Haggler {
    fn decide(&mut self, input: Input<'_>) -> Decision {
        let refused = input.observation.last_result.as_ref().is_some_and(|result| !result.state_changed);
        let pays = std::mem::take(&mut self.proposed) && refused;
        let shown: &ShownState = input.shown.of();
        let work = next_work(shown, input.briefing);
        let mut action = work.map_or_else(|| Action::of("tool_wait"), Work::action);
        if let Some(Work::Order { supplier, sku, .. }) = work
            && let Some(offer) = shown.offer(supplier, sku)
            && input.briefing.tool(NEGOTIATE).is_some()
            && !pays
        {
            action.tool = NEGOTIATE.to_owned();
            action = action.with("unit_price", offer.unit_price.scaled(0.9).as_units());
            self.proposed = true;
        }
        // It is sure of what it does, and says no more than that.
        let card = Card { expected_success: Some(true), ..Card::default() };
        Decision::scripted(action, Some(card))
    }
}

fn negotiation(app: &mut App) {
    let spec = ToolSpec::new(NEGOTIATE, "Orders a quantity of a SKU at a unit price that the supplier may refuse.");
    app.add_tool(spec.only_in("warehouse").binds(&ErrorType::ALL), negotiate);
    app.add_agent(AgentSpec::new("haggler").only_in("warehouse"), |_: AgentSetup<'_>| Box::new(Haggler::default()));
}

fn main() -> ExitCode {
    vendomini::main_with(Plugins::default().with(negotiation, env!("CARGO_PKG_VERSION")))
}

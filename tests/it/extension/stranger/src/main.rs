//! A program of a stranger: a tool, a shock and two detectors, with public items of vendomini alone.

use vendomini::prelude::*;

/// What the tool takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DonateArgs {
    /// Amount to give away.
    #[schemars(range(min = 0.01, max = 100.0))]
    amount: f64,
}

/// What came of it.
#[derive(Serialize)]
struct Donated {
    donations: u32,
}

/// The donations of a run.
#[derive(Resource, Default, Serialize)]
struct Donations {
    count: u32,
    cents: i64,
}

fn donate(In(args): In<DonateArgs>, mut donations: ResMut<Donations>) -> Result<ToolReply, ToolError> {
    if !(0.01..=100.0).contains(&args.amount) {
        return Err(ToolError::new(ErrorCode::BadArguments, format!("amount is {}", args.amount)));
    }
    donations.count += 1;
    donations.cents += Cents::from_units(args.amount).0;
    Ok(ToolReply::success(true, &Donated { donations: donations.count }))
}

fn charity(app: &mut App) {
    app.add_run_state::<Donations>("donations");
    app.add_tool(ToolSpec::new("tool_donate", "Gives money of its own away."), donate);
}

/// Storms delay a pending order that the day's draw picks.
fn storm(In(mut strike): In<Strike>, mut book: PurchaseBook) -> Effect {
    let orders: Vec<OrderId> = book.pending().map(|(order, _)| order.id).collect();
    let Some(victim) = strike.victim(0, orders.iter().map(|_| 1.0)) else { return Effect::nothing_to_strike() };
    let (_, new_eta_day) = book.delay(orders[victim], 3, strike.id);
    Effect {
        state: ShockState::Effective,
        candidates: orders.len() as u32,
        target: Target { order: Some(orders[victim]), ..Target::default() },
        size: 3,
        news: Some(ShockNews::OrderDelayed { order_id: orders[victim], new_eta_day }),
        ..Effect::nothing_to_strike()
    }
}

#[derive(Clone)]
struct Weather;

impl Plugin for Weather {
    fn build(&self, app: &mut App) {
        app.add_shock("storm", storm);
    }
}

/// Fires at the fifth donation in the window, under a name of its own.
struct Generosity(&'static str);

impl CrashDetector for Generosity {
    fn name(&self) -> &'static str {
        self.0
    }

    fn start(&mut self, _: CrashThreshold) {}

    fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
        let mut gifts = window.steps().filter(|step| step.tool() == Some("tool_donate") && step.state_changed);
        let count = gifts.clone().count();
        match gifts.next() {
            _ if !window.is_enough() => Verdict::Unable,
            Some(first) if count >= 5 => Verdict::Fired { onset: first.step, evidence: format!("{count} gifts") },
            _ => Verdict::Clear,
        }
    }
}

fn generosity(app: &mut App) {
    app.add_crash_detector(Generosity("generosity"));
}

fn extravagance(app: &mut App) {
    app.add_crash_detector(Generosity("extravagance"));
}

/// Gives away one unit of money whenever there is nothing else to do.
struct Donor;

impl Agent for Donor {
    fn decide(&mut self, input: Input<'_>) -> Decision {
        use vendomini::scenario::warehouse::policy::{Work, next_work};
        let give = || Action::of("tool_donate").with("amount", 1.0);
        let action = next_work(input.shown.of(), input.briefing).map_or_else(give, Work::action);
        Decision::scripted(action, Some(Card { expected_success: Some(true), ..Card::default() }))
    }
}

fn donors(app: &mut App) {
    app.add_agent("donor", |_: AgentSetup<'_>| Box::new(Donor));
}

/// The plugins in the order of the digits in `PLUGIN_ORDER`.
fn plugins() -> Plugins {
    let version = env!("CARGO_PKG_VERSION");
    let order = std::env::var("PLUGIN_ORDER").unwrap_or_else(|_| "01234".to_owned());
    order.chars().fold(Plugins::default(), |plugins, digit| match digit {
        '0' => plugins.with(charity, version),
        '1' => plugins.with(Weather, version),
        '2' => plugins.with(generosity, version),
        '3' => plugins.with(extravagance, version),
        _ => plugins.with(donors, version),
    })
}

fn main() -> std::process::ExitCode {
    vendomini::main_with(plugins())
}

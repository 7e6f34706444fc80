//! Plugins of a third party.

use vendomini::prelude::*;

use crate::common::lines;
use vendomini::config::RunConfig;
use vendomini::engine::state_hash::StateHash;

/// Arguments of `tool_count`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CountArgs {
    /// The SKU to count.
    sku: String,
}

#[derive(Serialize)]
struct Counted {
    units: Units,
}

fn count(In(args): In<CountArgs>, warehouse: Warehouse) -> Result<ToolReply, ToolError> {
    let found = args.sku.parse().ok().and_then(|sku| Some((sku, warehouse.stock(sku)?)));
    let (sku, units) = found.ok_or_else(|| ToolError::refused(format!("there is no SKU {}", args.sku)))?;
    Ok(ToolReply::success(false, &Counted { units }).showing(Fact::StockOf(sku, units)).about(sku))
}

/// The tool `tool_count`.
pub(super) fn counting(app: &mut App) {
    app.add_tool(ToolSpec::new("tool_count", "Counts the stock of one SKU."), count);
}

/// The oldest pending order comes two to four days later.
fn lose_papers(In(mut strike): In<Strike>, mut book: PurchaseBook) -> Effect {
    let candidates = book.pending().count() as u32;
    let Some(order) = book.pending().next().map(|(order, _)| order.id) else { return Effect::nothing_to_strike() };
    let days = strike.integer(0, 2, 4);
    let (_, new_eta_day) = book.delay(order, days, strike.id);
    let news =
        CustomNews::new("lost_papers", format!("The papers of {order} are lost")).order_delayed(order, new_eta_day);
    Effect {
        state: ShockState::Effective,
        candidates,
        target: Target { order: Some(order), ..Target::default() },
        size: i64::from(days),
        news: Some(ShockNews::Custom(news)),
        ..Effect::nothing_to_strike()
    }
}

/// Something that happens to nothing.
fn rumour(In(strike): In<Strike>, mut journal: ResMut<Journal>, mut inbox: ResMut<Inbox>) -> Effect {
    journal.note(WorldEvent::Custom { name: "rumour".into(), data: serde_json::json!({"of": strike.id}) });
    inbox.deliver(strike.day, MessageBody::Note { from: "a stranger".into(), text: "They say it gets worse.".into() });
    let news = Some(ShockNews::Custom(CustomNews::new("rumour", "Something is said to have happened")));
    Effect { state: ShockState::Effective, candidates: 1, news, ..Effect::nothing_to_strike() }
}

/// The shocks `lost_papers` and `rumour`.
pub(super) fn bureaucracy(app: &mut App) {
    app.add_shock("lost_papers", lose_papers).add_shock("rumour", rumour);
}

/// Fires from step 8 on.
pub(super) struct Alarm(pub(super) &'static str);

impl CrashDetector for Alarm {
    fn name(&self) -> &'static str {
        self.0
    }

    fn start(&mut self, _: CrashThreshold) {}

    fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
        match window.now() {
            Some(now) if now.step >= 8 => Verdict::Fired { onset: 8, evidence: format!("step {}", now.step) },
            _ => Verdict::Clear,
        }
    }
}

/// The detector `alarm_a`.
pub(super) fn alarm_a(app: &mut App) {
    app.add_crash_detector(Alarm("alarm_a"));
}

/// The detector `alarm_z`.
pub(super) fn alarm_z(app: &mut App) {
    app.add_crash_detector(Alarm("alarm_z"));
}

/// A rule with state of its own: so many a day are counted.
#[derive(Clone, Copy)]
pub(super) struct Counter(pub(super) u32);

#[derive(Resource, Default, Serialize)]
struct Count {
    total: u32,
}

#[derive(Resource, Clone, Copy)]
struct Each(u32);

impl Plugin for Counter {
    fn build(&self, app: &mut App) {
        fn count(mut count: ResMut<Count>, each: Res<Each>) {
            count.total += each.0;
        }
        app.add_run_state::<Count>("counter").insert_resource(Each(self.0));
        app.add_systems(PostAgent, count.in_set(PostAgentSystems::Evening));
    }
}

/// Step and event records of a run, and its last state hash.
pub(super) fn trace(simulation: &mut Simulation, config: &RunConfig) -> (Vec<u8>, Vec<u8>, u128) {
    simulation.start(config, true);
    let mut agent = simulation.agent(&config.model.name).expect("the agent is registered");
    loop {
        simulation.observe();
        let decision = simulation.ask(agent.as_mut());
        if simulation.apply(decision).is_some() {
            break;
        }
    }
    let hash = simulation.world().resource::<StateHash>().value();
    let mut recorder = simulation.recorder();
    (std::mem::take(&mut recorder.steps), std::mem::take(&mut recorder.events), hash)
}

/// Step and event records of a run.
pub(super) fn record(plugins: &Plugins, config: &RunConfig) -> (Vec<serde_json::Value>, Vec<serde_json::Value>) {
    let (steps, events, _) = trace(&mut plugins.simulation(), config);
    (lines(&steps), lines(&events))
}

//! Plugins that are wrong, and what they are told.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;
use vendomini::engine::ledger::PostingKind;
use vendomini::prelude::*;
use vendomini::step::StepPlugin;

use super::guests::{Alarm, alarm_a, counting};

/// The complaint, with line numbers of this file left out.
fn complaint(plugins: &Plugins) -> String {
    let text = plugins.check().expect_err("the plugins are wrong").to_string();
    let mut parts = text.split(".rs:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| format!("{text}.rs:_{}", part.trim_start_matches(|c: char| c.is_ascii_digit())))
}

fn nothing(_: In<Strike>) -> Effect {
    Effect::nothing_to_strike()
}

#[test]
fn bad_and_reserved_names_are_refused_all_at_once() {
    fn wrong(app: &mut App) {
        app.add_crash_detector(Alarm("Hoarding")).add_crash_detector(Alarm("all"));
        app.add_shock("supplier bankruptcy", nothing).add_shock("strike", nothing).add_shock("realistic", nothing);
        app.add_agent("gpt-5", |_: AgentSetup<'_>| unreachable!("it is refused"));
        let refuse = |_: In<Value>| -> Result<ToolReply, ToolError> { Err(ToolError::refused("no")) };
        app.add_tool(ToolSpec::new("", "Does nothing."), refuse);
    }
    insta::assert_snapshot!(complaint(&Plugins::default().with(wrong, "1")), @r#"
    tests/it/extension/problems.rs:_: "" cannot name the tool that is registered here; a name has 1 to 64 lower-case letters, digits and underscores, starting with a letter, such as price_war
    tests/it/extension/problems.rs:_: "supplier bankruptcy" cannot name the shock that is registered here; a name has 1 to 64 lower-case letters, digits and underscores, starting with a letter, such as price_war
    tests/it/extension/problems.rs:_: "Hoarding" cannot name the crash detector that is registered here; a name has 1 to 64 lower-case letters, digits and underscores, starting with a letter, such as price_war
    tests/it/extension/problems.rs:_: "gpt-5" cannot name the agent that is registered here; a name has 1 to 64 lower-case letters, digits and underscores, starting with a letter, such as price_war
    tests/it/extension/problems.rs:_: realistic cannot name the shock that is registered here: it already means something else there; rename it
    tests/it/extension/problems.rs:_: strike cannot name the shock that is registered here: it already means something else there; rename it
    tests/it/extension/problems.rs:_: all cannot name the crash detector that is registered here: it already means something else there; rename it
    "#);
}

#[test]
fn a_name_that_is_taken_is_refused_with_both_places() {
    fn again(app: &mut App) {
        app.add_crash_detector(Alarm("looping")).add_shock("temporal", nothing);
        app.add_agent("heuristic", |_: AgentSetup<'_>| unreachable!("it is refused"));
        counting(app);
    }
    let both = [
        complaint(&Plugins::default().with(counting, "1").with(again, "1")),
        complaint(&Plugins::default().with(again, "1").with(counting, "1")),
    ];
    assert_eq!(both[0], both[1], "the order of plugins does not matter here either");
    insta::assert_snapshot!(both[0], @r#"
    the tool tool_count is registered twice, at tests/it/extension/guests.rs:_ and at tests/it/extension/guests.rs:_; rename one of them, or disable the plugin that registers the other
    the shock temporal is registered twice, at src/shock/mod.rs:_ and at tests/it/extension/problems.rs:_; rename one of them, or disable the plugin that registers the other
    the crash detector looping is registered twice, at src/crash/mod.rs:_ and at tests/it/extension/problems.rs:_; rename one of them, or disable the plugin that registers the other
    the agent heuristic is registered twice, at src/agent/mod.rs:_ and at tests/it/extension/problems.rs:_; rename one of them, or disable the plugin that registers the other
    "#);
}

#[test]
fn arguments_that_are_no_object_are_refused() {
    fn wrong(app: &mut App) {
        let spec = |name| ToolSpec::new(name, "Does nothing.");
        app.add_tool(spec("tool_any"), |_: In<Value>| Err::<ToolReply, _>(ToolError::refused("no")));
        app.add_tool(spec("tool_text"), |_: In<String>| Err::<ToolReply, _>(ToolError::refused("no")));
        app.add_tool(spec("tool_maybe"), |_: In<Option<u32>>| Err::<ToolReply, _>(ToolError::refused("no")));
    }
    insta::assert_snapshot!(complaint(&Plugins::default().with(wrong, "1")), @r#"
    tests/it/extension/problems.rs:_: the arguments of the tool tool_any are of type serde_json::value::Value, whose JSON Schema describes anything, and tools are called with an object; take a struct with named fields that derives Deserialize and JsonSchema
    tests/it/extension/problems.rs:_: the arguments of the tool tool_maybe are of type core::option::Option<u32>, whose JSON Schema describes one of the types ["integer","null"], and tools are called with an object; take a struct with named fields that derives Deserialize and JsonSchema
    tests/it/extension/problems.rs:_: the arguments of the tool tool_text are of type alloc::string::String, whose JSON Schema describes the type string, and tools are called with an object; take a struct with named fields that derives Deserialize and JsonSchema
    "#);
}

#[test]
fn a_plugin_twice_and_one_that_is_not_there_are_refused() {
    let twice = Plugins::default().with(alarm_a, "1").with(alarm_a, "1").with(StepPlugin, "0.1.0");
    insta::assert_snapshot!(complaint(&twice), @r#"
    the plugin it::extension::guests::alarm_a is added twice; add it once
    the plugin vendomini::step::StepPlugin is added twice; add it once
    "#);
    #[derive(Clone)]
    struct Nested;
    impl Plugin for Nested {
        fn build(&self, app: &mut App) {
            app.add_plugins(Inner);
        }
    }
    #[derive(Clone)]
    struct Inner;
    impl Plugin for Inner {
        fn build(&self, _: &mut App) {}
    }
    let nested = Plugins::default().with(Nested, "1").with(Inner, "1");
    assert!(complaint(&nested).ends_with("Inner is added twice; add it once"));
    insta::assert_snapshot!(complaint(&Plugins::default().disable::<Nested>()), @r#"
    there is no plugin it::extension::problems::a_plugin_twice_and_one_that_is_not_there_are_refused::Nested to disable; there are vendomini::agent::AgentPlugin 0.1.0, vendomini::crash::CrashPlugin 0.1.0, vendomini::shock::ShockPlugin 0.1.0, vendomini::step::StepPlugin 0.1.0, vendomini::tool::ToolPlugin 0.1.0
    "#);
    // Disabled and added again, it stands where it stood.
    assert!(Plugins::default().with(Nested, "1").disable::<Nested>().with(Nested, "2").check().is_ok());
}

#[test]
fn an_undecided_order_of_systems_is_found_before_the_first_run() {
    fn tip(mut ledger: ResMut<Ledger>) {
        ledger.post(PostingKind::Revenue, Cents(100));
    }
    fn undecided(app: &mut App) {
        app.add_systems(PostAgent, tip.in_set(PostAgentSystems::Resolve));
    }
    fn decided(app: &mut App) {
        app.add_systems(PostAgent, tip.after(PostAgentSystems::Evening).before(PostAgentSystems::Resolve));
    }
    fn twice(app: &mut App) {
        fn another_tip(mut ledger: ResMut<Ledger>) {
            ledger.post(PostingKind::Revenue, Cents(1));
        }
        app.add_systems(
            PostAgent,
            (tip, another_tip).after(PostAgentSystems::Evening).before(PostAgentSystems::Resolve),
        );
    }
    assert_eq!(Plugins::default().with(decided, "1").check().map(|_| ()), Ok(()));
    assert_eq!(Plugins::default().with(undecided, "1").check().map(|_| ()), Ok(()), "nobody else moves money there");
    let complaint = complaint(&Plugins::default().with(twice, "1"));
    for part in ["the schedule PostAgent cannot be built", "another_tip", "ledger::Ledger", "order the systems"] {
        assert!(complaint.contains(part), "{complaint}");
    }
    insta::assert_snapshot!(self::complaint(&Plugins::default().disable::<StepPlugin>()), @r#"
    there is no schedule PostAgent; add StepPlugin, or a plugin of your own that adds it
    there is no schedule PreAgent; add StepPlugin, or a plugin of your own that adds it
    "#);
}

#[test]
fn a_world_of_wrong_plugins_is_not_made() {
    let message = |panic: Box<dyn std::any::Any + Send>| panic.downcast_ref::<String>().expect("a text").clone();
    let wrong = Plugins::default().with(alarm_a, "1").with(alarm_a, "1");
    let expected = wrong.check().unwrap_err().to_string();
    assert_eq!(message(catch_unwind(AssertUnwindSafe(|| wrong.simulation())).err().unwrap()), expected);
    let panic = catch_unwind(|| {
        let mut app = App::new();
        app.add_plugins(vendomini::VendoMiniPlugins).add_crash_detector(Alarm("v1"));
        Simulation::from_app(app)
    });
    assert!(message(panic.err().unwrap()).contains("v1 cannot name the crash detector"));
    let panic =
        catch_unwind(|| Simulation::new().start(&crate::common::cell(&["measurement.detectors=[nobody]"]), false));
    assert!(
        message(panic.unwrap_err()).starts_with("measurement.detectors: there is no crash detector nobody; use all")
    );
}

#[test]
fn an_argument_may_not_take_the_place_of_the_prediction_card() {
    #[derive(Deserialize, JsonSchema)]
    struct Oracle {
        #[expect(dead_code, reason = "only its name matters")]
        prediction: String,
    }
    fn wrong(app: &mut App) {
        let refuse = |_: In<Oracle>| -> Result<ToolReply, ToolError> { Err(ToolError::refused("no")) };
        app.add_tool(ToolSpec::new("tool_oracle", "Does nothing."), refuse);
    }
    let complaint = complaint(&Plugins::default().with(wrong, "1"));
    assert!(complaint.contains("the tool tool_oracle takes an argument named prediction"), "{complaint}");
}

#[test]
fn a_system_that_no_run_would_run_is_refused() {
    fn look() {}
    fn plugin(app: &mut App) {
        app.add_systems(Startup, look).add_systems(Update, look).add_systems(FixedPreUpdate, look);
    }
    insta::assert_snapshot!(complaint(&Plugins::default().with(plugin, "1")), @"");
}

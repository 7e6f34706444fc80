//! A plugin that breaks the rules costs the runs in which it does, and is named.

use std::sync::atomic::AtomicBool;

use serde_json::json;
use vendomini::batch::progress::Progress;
use vendomini::batch::{BatchOptions, Existing, run_batch};
use vendomini::llm::provider::backend::PriceOptions;
use vendomini::prelude::*;
use vendomini::record::manifest::BatchStatus;

use crate::common::plan;

static NEVER: AtomicBool = AtomicBool::new(false);

/// The defect of the only run of the agent `caller`.
fn defect(plugin: fn(&mut App)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let options = BatchOptions {
        n_jobs: 1,
        results_dir: dir.path().to_owned(),
        existing: Existing::Refused,
        progress: Progress::Silent,
        command: Vec::new(),
        stop: &NEVER,
        prices: PriceOptions::default(),
        allow_unpinned: false,
    };
    let plan = plan(&[
        "model.name=caller",
        "simulation.max_steps=20",
        "interface.extra_tools=[tool_boast]",
        "interface.prediction_mode=optional",
    ]);
    let plugins = Plugins::default().with(plugin, "1").with(caller, "1");
    let outcome = run_batch(&plan, options, &plugins).unwrap();
    assert_eq!((outcome.status, outcome.tally.failed()), (BatchStatus::Failed, 1));
    outcome.tally.defects()[0].error.clone()
}

/// An agent that calls `tool_boast` in every step.
fn caller(app: &mut App) {
    struct Caller;
    impl Agent for Caller {
        fn decide(&mut self, _: Input<'_>) -> Decision {
            Decision::scripted(Action::of("tool_boast"), None)
        }
    }
    app.add_agent("caller", |_: AgentSetup<'_>| Box::new(Caller));
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// A tool that tells these data.
fn telling(app: &mut App, data: serde_json::Value) {
    let boast = move |_: In<Nothing>| -> Result<ToolReply, ToolError> { Ok(ToolReply::success(false, &data)) };
    app.add_tool(ToolSpec::new("tool_boast", "Boasts."), boast);
}

#[test]
fn a_tool_that_answers_for_the_harness_is_named() {
    let said = defect(|app| telling(app, json!({"nested": {"success": 1}, "success": false})));
    assert!(said.starts_with("the data that tool_boast tells have the key success, which is the harness's"), "{said}");
    let said = defect(|app| telling(app, json!({"state_changed": true})));
    assert!(said.starts_with("the data that tool_boast tells have the key state_changed"), "{said}");
    let said = defect(|app| telling(app, json!(7)));
    assert!(said.starts_with("the data that tool_boast tells are no JSON object: "), "{said}");
}

#[test]
fn a_breakdown_that_is_still_to_come_is_a_defect_of_its_detector() {
    struct Prophet;
    impl CrashDetector for Prophet {
        fn name(&self) -> &'static str {
            "prophet"
        }

        fn start(&mut self, _: CrashThreshold) {}

        fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
            match window.now() {
                Some(now) if now.step == 5 => Verdict::Fired { onset: 6, evidence: "a dream".to_owned() },
                _ => Verdict::Clear,
            }
        }
    }
    let said = defect(|app| {
        // The word in other places is no key, and no defect.
        telling(app, json!({"nested": {"success": 1, "state_changed": 2}, "text": "\"success\": no"}));
        app.add_crash_detector(Prophet);
    });
    assert!(said.starts_with("the crash detector prophet says in step 5 that the breakdown began in step 6"), "{said}");
}

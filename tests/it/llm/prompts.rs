//! What a model is told, word for word.

use serde_json::Value;

use super::model;
use super::study::{Study, VARIABLE};
use crate::mock_server::MockServer;

/// The system prompt and the message of the second step.
fn told(level: u32, settings: &str) -> (String, String) {
    let server = MockServer::start(model::answer);
    let url = server.url("/v1");
    let study = Study::new(&format!(
        "simulation: {{max_steps: 2, initial_budget: 10000, complexity_level: {level}}}\nmodel: {{name: mock-model}}\n\
         providers: {{mock-model: {{base_url: \"{url}\", api_key_env: {VARIABLE}}}}}\n{settings}"
    ));
    study.run(&[]).with(0);
    let call = server.requests().into_iter().rfind(model::is_call).unwrap().json();
    let text = |message: &Value| message["content"].as_str().unwrap().to_owned();
    let messages = call["messages"].as_array().unwrap();
    (text(&messages[0]), text(messages.last().unwrap()))
}

#[test]
fn in_text() {
    let (system, step) = told(1, "interface: {reply_format: text}\n");
    insta::assert_snapshot!("system_text", system);
    insta::assert_snapshot!("step_text", step);
}

#[test]
fn in_tool_calls() {
    let (system, step) = told(
        1,
        "interface: {reply_format: tool_calls, prediction_mode: optional, prediction_format: rich, \
         state_visibility: full, recovery_tools: all}\n",
    );
    insta::assert_snapshot!("system_tool_calls", system);
    insta::assert_snapshot!("step_tool_calls", step);
}

/// What each mode demands is said as the check of cards has it.
#[test]
fn what_is_demanded() {
    let demands = |mode: &str, format: &str| {
        let (system, _) = told(
            2,
            &format!(
                "interface: {{reply_format: text, prediction_mode: {mode}, prediction_format: {format}}}\n\
             demand: {{late_penalty: 0.07}}\n"
            ),
        );
        assert!(system.contains(" loses 7% of its revenue."), "{system}");
        let (_, rest) = system.split_once("Predictions\n").unwrap();
        rest.split_once("\n\n").unwrap().0.to_owned()
    };
    let shown: Vec<String> = [("required+confidence", "minimal"), ("required", "rich"), ("required+full", "minimal")]
        .map(|(mode, format)| format!("{mode}, {format}\n{}", demands(mode, format)))
        .to_vec();
    insta::assert_snapshot!("what_is_demanded", shown.join("\n\n"));
}

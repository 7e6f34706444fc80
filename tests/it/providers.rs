//! From an experiment file to the bytes that a model is sent, and from an answer to what it cost: through the public
//! interface, without a network.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use vendomini::config::{Overrides, load, to_yaml};
use vendomini::llm::provider::attempt::Outcome;
use vendomini::llm::provider::budget::{Budget, Charge, Estimate, Ledger, Scope};
use vendomini::llm::provider::cost::{PriceSources, Pricing, PricingSource};
use vendomini::llm::provider::dialect::{ToolResult, ToolSpec};
use vendomini::llm::provider::settings::resolve;
use vendomini::plan::Plan;
use vendomini::plan::registered::Registered;
use vendomini::record::{manifest, results};
use vendomini::scenario::warehouse::agent::NAMES;

use crate::common::cell;

const BASE: &str = r#"
experiment: {name: study}
model: {max_tokens_per_call: 500}
providers:
  "*":
    base_url: https://openrouter.example/api/v1
    api_key_env: ROUTER_KEY
    headers: {x-title: study}
    extra_body: {provider: {order: [deepinfra], allow_fallbacks: false, require_parameters: true}}
    prompt_price_per_mtok: 1
    completion_price_per_mtok: 4
  claude*: {requests_per_minute: 50}
"#;

const CHILD: &str = r#"
inherit: base.yaml
grid: {model.name: [Qwen/Qwen3-32B, claude-sonnet-4-5, heuristic]}
providers:
  "*": {headers: null, prompt_price_per_mtok: 2}
"#;

fn environment(name: &str) -> Option<String> {
    match name {
        "ROUTER_KEY" => Some("router-secret".to_owned()),
        "ANTHROPIC_API_KEY" => Some("anthropic-secret".to_owned()),
        _ => None,
    }
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn plan(file: &Path) -> Plan {
    Plan::new(load(file, &Overrides::default()).unwrap_or_else(|errors| panic!("{errors}"))).unwrap()
}

fn tool() -> ToolSpec {
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    ToolSpec { name: "tool_wait".to_owned(), description: "Does nothing".to_owned(), schema }
}

#[test]
fn one_step_with_each_dialect() {
    let folder = folder(&[("base.yaml", BASE), ("study.yaml", CHILD)]);
    let mut plan = plan(&folder.path().join("study.yaml"));
    let providers = resolve(&mut plan, NAMES, &environment).unwrap_or_else(|errors| panic!("{errors}"));
    let answers = [
        (
            "Qwen/Qwen3-32B",
            r#"{"choices":[{"message":{"tool_calls":[{"id":"c1","function":{"name":"tool_wait","arguments":"{}"}}]},
                "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1000,"completion_tokens":100},"model":"qwen3"}"#,
            Some((0.0024, PricingSource::Override)),
        ),
        (
            "claude-sonnet-4-5",
            r#"{"type":"message","content":[{"type":"tool_use","id":"c1","name":"tool_wait","input":{}}],
                "stop_reason":"tool_use","usage":{"input_tokens":1000,"output_tokens":100}}"#,
            None,
        ),
    ];
    for (run, (name, answer, cost)) in answers.into_iter().enumerate() {
        let config = plan.run(run).config;
        assert_eq!(config.model.name, name);
        let provider = &providers[name];
        let dialect = provider.dialect();
        let head = provider.head(&config.model, "You run a warehouse.", &[tool()]);
        let mut conversation = vec![dialect.user("Day 0")];
        let body = head.body(conversation.iter().map(Vec::as_slice), Some(1));
        let sent: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(sent["model"], name);
        assert_eq!(sent["max_tokens"], 500);

        let budget =
            Budget::new(Ledger::new(Scope::Run, Some(5000), None), Ledger::new(Scope::Experiment, None, None).into());
        let pricing = Pricing::of(name, &PriceSources { entry: provider.prices, ..PriceSources::default() });
        let input = body.len() as u64 / 3;
        let reservation = budget.reserve(Estimate { tokens: input + 500, cost_usd: pricing.most(input, 500) }).unwrap();

        assert_eq!(dialect.judge(200, Some("application/json"), answer.as_bytes()), Outcome::Reply);
        let reply = dialect.read(answer).unwrap();
        let charged = pricing.cost(&reply.usage, reply.reported_cost);
        assert_eq!(charged, cost);
        reservation.settle(&Charge::Used(reply.usage, charged.map(|(cost, _)| cost)));
        assert_eq!(budget.run().spent().tokens, 1100);

        let said = dialect.assistant(&reply);
        conversation.extend(said.message);
        let result = ToolResult { call_id: &said.calls[0], text: "{}", is_error: false };
        conversation.push(dialect.turn(&[result], "Day 1"));
        let body = head.body(conversation.iter().map(Vec::as_slice), Some(2));
        let sent: Value = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}"));
        assert!(sent["messages"].as_array().unwrap().len() >= 3, "{sent}");
    }
}

#[test]
fn records_say_where_a_model_was_asked_and_no_key() {
    let folder = folder(&[("base.yaml", BASE), ("study.yaml", CHILD)]);
    let mut plan = plan(&folder.path().join("study.yaml"));
    let providers = resolve(&mut plan, NAMES, &environment).unwrap();
    let [qwen, claude, heuristic] = [0, 1, 2].map(|run| to_yaml(&plan.run(run).config));
    assert!(qwen.contains("base_url: \"https://openrouter.example/api/v1\""), "{qwen}");
    assert!(qwen.contains("prompt_price_per_mtok: 2.0") && !qwen.contains("x-title"), "the child's word holds: {qwen}");
    assert!(claude.contains("base_url: \"https://api.anthropic.com\"") && claude.contains("requests_per_minute: 50"));
    assert!(!heuristic.contains("providers"), "{heuristic}");
    let manifest =
        serde_json::to_string(&manifest::Manifest::new(&plan, 1, Vec::new(), Vec::new(), &Registered::default()))
            .unwrap();
    for text in [qwen, claude, heuristic, manifest, format!("{providers:?} {plan:?}")] {
        assert!(!text.contains("-secret"), "{text}");
    }
    // The table has the same columns whoever decides.
    assert_eq!(results::header(&plan.run(0).config, &[]), results::header(&cell(&[]), &[]));
}

#[test]
fn a_missing_key_is_said_with_its_place() {
    let folder = folder(&[("base.yaml", BASE), ("study.yaml", CHILD)]);
    let mut plan = plan(&folder.path().join("study.yaml"));
    let errors = resolve(&mut plan, NAMES, &|_| None).unwrap_err().to_string();
    assert_eq!(errors.lines().count(), 2, "{errors}");
    let router = "base.yaml:7: providers.*.api_key_env: the environment variable ROUTER_KEY is not set";
    let claude = "base.yaml:12: providers.claude*.api_key_env: the environment variable ANTHROPIC_API_KEY is not set";
    assert!(errors.contains(router) && errors.contains(claude), "{errors}");
}

/// The command line speaks of the section as of any other.
#[test]
fn mistakes_in_the_section_end_with_the_code_of_configurations() {
    let text = "experiment: {name: x}\nproviders:\n  gpt*:\n    headers: {authorization: Bearer sk-1234}\n    rpm: 5\n";
    let folder = folder(&[("x.yaml", text)]);
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("vendomini");
    let done = command.current_dir(folder.path()).args(["plan", "--config", "x.yaml"]).assert().code(3).stdout("");
    let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(stderr.contains("x.yaml:4: providers.gpt*.headers: authorization looks like a secret"), "{stderr}");
    assert!(stderr.contains("x.yaml:5: providers.gpt*.rpm: unknown key"), "{stderr}");
    assert!(!stderr.contains("sk-1234"), "{stderr}");
}

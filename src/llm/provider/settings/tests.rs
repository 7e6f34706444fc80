//! Tests of which server is asked, with which key, and what is said when that is not known.

use std::path::Path;

use serde_json::json;

use crate::config::{Overrides, RunConfig, load, to_yaml};
use crate::llm::provider::settings::*;
use crate::plan::Plan;

/// Names of scripted agents.
const SCRIPTED: [&str; 6] = ["heuristic", "mock", "noop", "oracle", "random", "synthetic"];

/// An environment of these variables alone.
fn environment<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

const KEYS: &[(&str, &str)] = &[("OPENAI_API_KEY", "sk-openai-1234"), ("ANTHROPIC_API_KEY", " sk-anthropic-5678\n")];

fn providers(yaml: &str) -> Providers {
    plan_of(&format!("providers: {yaml}")).experiment().providers().clone()
}

/// The plan of a file with a name and this text.
fn plan_of(text: &str) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.yaml");
    std::fs::write(&path, format!("experiment: {{name: x}}\n{text}")).unwrap();
    plan_at(&path)
}

fn plan_at(path: &Path) -> Plan {
    Plan::new(load(path, &Overrides::default()).unwrap_or_else(|errors| panic!("{errors}"))).unwrap()
}

fn found(name: &str, yaml: &str, variables: &[(&str, &str)]) -> Provider {
    provider_of(name, &providers(yaml), &environment(variables)).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

fn header<'a>(provider: &'a Provider, name: &str) -> Option<&'a str> {
    provider.headers().get(name).map(|value| value.to_str().unwrap())
}

/// A setting that would do nothing is an error, whoever says what the server speaks.
#[test]
fn a_name_of_a_limit_that_a_server_does_not_know_is_refused() {
    for (name, yaml) in [
        ("claude-x", "{claude*: {max_tokens_key: max_completion_tokens}}"),
        ("own/x", "{own/*: {kind: anthropic_messages, max_tokens_key: max_completion_tokens}}"),
    ] {
        let mut plan = plan_of(&format!("providers: {yaml}\nmodel: {{name: {name}}}"));
        let errors = resolve(&mut plan, &SCRIPTED, &environment(KEYS)).unwrap_err().to_string();
        assert!(errors.contains(".max_tokens_key: anthropic_messages know max_tokens alone"), "{errors}");
        assert_eq!(kind_of(name, plan.experiment().providers()), Some(ProviderKind::AnthropicMessages));
    }
    // What is recorded can be run again.
    let recorded = "{claude*: {max_tokens_key: max_tokens}}";
    assert_eq!(found("claude-x", recorded, KEYS).entry.max_tokens_key, Some(MaxTokensKey::MaxTokens));
    assert_eq!(kind_of("heuristic", &Providers::default()), None);
}

/// Without an entry: name, variables, kind, address, key.
#[test]
fn what_holds_by_the_name_of_a_model() {
    let base = ("OPENAI_BASE_URL", "http://proxy:9/v1/");
    let own = ("VENDOMINI_BASE_URL", "http://own/v1");
    let anthropic = ("ANTHROPIC_BASE_URL", "https://gateway/a");
    let key = ("OPENAI_API_KEY", "sk-openai-1234");
    for (name, variables, url, authorization) in [
        ("gpt-4o", &[key][..], "https://api.openai.com/v1/chat/completions", true),
        ("chatgpt-4o-latest", &[key], "https://api.openai.com/v1/chat/completions", true),
        ("o3-mini", &[key, own], "https://api.openai.com/v1/chat/completions", true),
        ("gpt-4o", &[key, base], "http://proxy:9/v1/chat/completions", true),
        ("gpt-4o", &[base], "http://proxy:9/v1/chat/completions", false),
        ("Qwen/Qwen3-32B", &[], "http://localhost:8000/v1/chat/completions", false),
        ("Qwen/Qwen3-32B", &[key], "http://localhost:8000/v1/chat/completions", true),
        ("Qwen/Qwen3-32B", &[key, base], "http://proxy:9/v1/chat/completions", true),
        ("anthropic/claude-sonnet-4.5", &[base, own], "http://own/v1/chat/completions", false),
        ("claude-x", &[anthropic], "https://gateway/a/v1/messages", false),
    ] {
        let provider = found(name, "{}", variables);
        assert_eq!(provider.url().as_deref(), Some(url), "{name}");
        assert_eq!(header(&provider, "authorization").is_some(), authorization, "{name} {variables:?}");
        assert_eq!(provider.group, provider.base_url.clone().unwrap());
    }
    let claude = found("claude-sonnet-4-5", "{}", KEYS);
    assert_eq!(claude.kind, ProviderKind::AnthropicMessages);
    assert_eq!(claude.url().as_deref(), Some("https://api.anthropic.com/v1/messages"));
    assert_eq!(header(&claude, "x-api-key"), Some("sk-anthropic-5678"), "without the line end of a file");
    assert_eq!(header(&claude, "anthropic-version"), Some("2023-06-01"));
    assert_eq!((header(&claude, "authorization"), claude.models_url()), (None, None));
    assert_eq!(header(&found("gpt-4o", "{}", KEYS), "authorization"), Some("Bearer sk-openai-1234"));
    for name in ["olympus", "o", "llama3", "wizard", "mock", ""] {
        let refused = provider_of(name, &Providers::default(), &environment(KEYS)).unwrap_err();
        assert_eq!(refused, Refused::Unknown, "{name}");
    }
}

#[test]
fn an_entry_is_filled_in_by_the_name_and_the_address() {
    let entry = |name: &str, yaml: &str| serde_json::to_value(found(name, yaml, KEYS).entry).unwrap();
    assert_eq!(
        entry("gpt-4o", "{'gpt*': {requests_per_minute: 5}}"),
        json!({
            "kind": "openai_chat", "base_url": "https://api.openai.com/v1", "api_key_env": "OPENAI_API_KEY",
            "api_key_optional": false, "omit": [], "max_tokens_key": "max_completion_tokens", "requests_per_minute": 5,
        })
    );
    let o3 = entry("o3-mini", "{}");
    assert_eq!(o3["omit"], json!(["temperature", "top_p", "parallel_tool_calls"]));
    assert_eq!(entry("o3-mini", "{o3-mini: {omit: [seed]}}")["omit"], json!(["seed"]));
    // A key of someone else's goes to no address of a file's.
    let own = found("gpt-4o", "{gpt-4o: {base_url: 'http://gpu:8000/v1'}}", KEYS);
    assert_eq!((header(&own, "authorization"), &own.entry.api_key_env), (None, &Some(None)));
    let openai = found("x", "{x: {base_url: 'https://api.openai.com/v1/'}}", KEYS);
    assert_eq!(header(&openai, "authorization"), Some("Bearer sk-openai-1234"));
    assert_eq!(openai.entry.max_tokens_key, Some(MaxTokensKey::MaxTokens));
    let local = found("llama3", "{'llama*': {}}", &[]);
    assert_eq!(local.base_url.as_deref(), Some("http://localhost:8000/v1"), "a model, since it has an entry");
    assert_eq!(local.group, "llama*");
    let claude = found("my-claude", "{my-claude: {kind: anthropic_messages}}", KEYS);
    assert_eq!(header(&claude, "x-api-key"), Some("sk-anthropic-5678"));
    let mock = found("m", "{m: {kind: mock, base_url: 'http://x'}}", &[]);
    assert_eq!((mock.url(), &mock.entry.base_url, mock.dialect()), (None, &None, Dialect::OpenAiChat));
}

#[test]
fn headers_and_keys_out_of_the_environment() {
    let yaml = "{m: {base_url: 'https://h/v1', api_key_env: MY_KEY, headers: {X-Title: study, user-agent: me},
        headers_env: {x-auth-token: MY_TOKEN}}}";
    let variables = [("MY_KEY", "key-12345678"), ("MY_TOKEN", "token-12345678")];
    let provider = found("m", yaml, &variables);
    assert_eq!(header(&provider, "authorization"), Some("Bearer key-12345678"));
    assert_eq!(header(&provider, "x-auth-token"), Some("token-12345678"));
    assert_eq!((header(&provider, "x-title"), header(&provider, "user-agent")), (Some("study"), Some("me")));
    assert_eq!(header(&provider, "content-type"), Some("application/json"));
    assert_eq!(provider.models_url().as_deref(), Some("https://h/v1/models"));
    // No key shows.
    let shown = format!("{provider:?} {}", serde_json::to_string(&provider.entry).unwrap());
    assert!(!shown.contains("12345678"), "{shown}");

    let refused = |variables: &[(&str, &str)]| provider_of("m", &providers(yaml), &environment(variables)).unwrap_err();
    let Refused::Variable { name, key, .. } = refused(&[]) else { panic!("it must be a variable") };
    assert_eq!((name.as_str(), key), ("MY_KEY", "api_key_env"));
    let Refused::Variable { name, key, .. } = refused(&variables[..1]) else { panic!("it must be a variable") };
    assert_eq!((name.as_str(), key), ("MY_TOKEN", "headers_env"));
    let refused = refused(&[("MY_KEY", "key\nkey"), variables[1]]);
    assert!(format!("{refused:?}").contains("characters that a header cannot have"), "{refused:?}");
    let optional = "{m: {base_url: 'https://h/v1', api_key_env: MY_KEY, api_key_optional: true}}";
    assert_eq!(header(&found("m", optional, &[("MY_KEY", " ")]), "authorization"), None, "an empty one is unset");
}

#[test]
fn everything_that_is_missing_is_said_before_the_first_run() {
    let text = "grid:
  model.name: [heuristic, heuristik, wizard, gpt-4o, gpt-4o-mini, gpt-5, o3, claude-x, m/1, 'replay:a/b', local]
  pe_induction.p_shock: [0, 0.1]
providers:
  local: {base_url: http://x/v1, api_key_env: LOCAL_KEY}
  m/*:
    headers_env: {x-key: M_KEY}
";
    let mut plan = plan_of(text);
    let place = plan.experiment().file.to_string();
    let variables = [("ANTHROPIC_BASE_URL", "ftp://secret"), ("ANTHROPIC_API_KEY", "sk-anthropic")];
    let errors = resolve(&mut plan, &SCRIPTED, &environment(&variables)).unwrap_err();
    insta::assert_snapshot!(errors.to_string().replace(&place, "x.yaml"), @r#"
    x.yaml:3: model.name: there is no agent heuristik (did you mean heuristic?); use heuristic, mock, noop, oracle, random, synthetic (2 of 22 runs)
    x.yaml:3: model.name: wizard is neither a scripted agent (heuristic, mock, noop, oracle, random, synthetic) nor a language model of a known provider; if it is a model, say where it is asked: providers: {"wizard": {base_url: http://localhost:8000/v1}} (2 of 22 runs)
    x.yaml:3: model.name: the environment variable OPENAI_API_KEY is not set (set it to the key, or say api_key_env: null under providers if the server needs none), for gpt-4o, gpt-4o-mini, gpt-5 and 1 more
    x.yaml:3: model.name: the environment variable ANTHROPIC_BASE_URL cannot be used: this is no address of a server (expected one that starts with http:// or https://, such as http://localhost:8000/v1) (mend or unset it, or give base_url in the file), for claude-x
    x.yaml:8: providers.m/*.headers_env: the environment variable M_KEY is not set (set it to the value of the header, or take it out of headers_env), for m/1
    x.yaml:6: providers.local.api_key_env: the environment variable LOCAL_KEY is not set (set it to the key, or say api_key_env: null under providers if the server needs none), for local
    "#);
}

#[test]
fn a_run_records_the_provider_of_its_model_in_full() {
    let text = "model: {name: gpt-4o}\ngrid: {model.name: [gpt-4o, Qwen/Q, heuristic, 'replay:x']}
providers:
  '*': {extra_body: {user: a}, headers: {x-a: b}}
";
    let mut plan = plan_of(text);
    let digest = crate::record::manifest::digest(plan.experiment());
    let variables = [KEYS[0], ("VENDOMINI_BASE_URL", "http://gpu/v1")];
    let found = resolve(&mut plan, &SCRIPTED, &environment(&variables)).unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["Qwen/Q", "gpt-4o"]);
    assert_eq!(crate::record::manifest::digest(plan.experiment()), digest, "whatever the environment says");
    let yaml = to_yaml(&plan.run(0).config);
    insta::assert_snapshot!(yaml[yaml.find("providers:").unwrap()..], @r#"
    providers:
      "gpt-4o":
        api_key_env: "OPENAI_API_KEY"
        api_key_optional: false
        base_url: "https://api.openai.com/v1"
        extra_body: {"user":"a"}
        headers: {"x-a":"b"}
        kind: "openai_chat"
        max_tokens_key: "max_completion_tokens"
        omit: []
    "#);
    let configs: Vec<RunConfig> = plan.runs().map(|run| run.config).collect();
    assert!(configs[2].providers.is_empty() && configs[3].providers.is_empty(), "they ask nobody");

    // What was recorded says the same in another environment.
    for config in configs {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config_used.yaml");
        std::fs::write(&path, to_yaml(&config)).unwrap();
        let mut again = plan_at(&path);
        assert_eq!(again.run(0).config, config);
        let elsewhere = [KEYS[0], ("VENDOMINI_BASE_URL", "http://other/v1"), ("OPENAI_BASE_URL", "http://other/v1")];
        resolve(&mut again, &SCRIPTED, &environment(&elsewhere)).unwrap();
        assert_eq!(again.run(0).config, config);
    }
}

#[test]
fn requests_follow_the_settings_of_the_run() {
    let config = plan_of("model: {name: o3, max_tokens_per_call: 77, top_p: 0.5}").run(0).config;
    let provider = found("o3", "{o3: {extra_body: {reasoning_effort: low}}}", KEYS);
    let user = provider.dialect().user("a");
    let body = provider.head(&config.model, "s", &[]).body(std::iter::once(user.as_slice()), Some(5));
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let messages = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "a"}]);
    let expected =
        json!({"model": "o3", "max_completion_tokens": 77, "reasoning_effort": "low", "messages": messages, "seed": 5});
    assert_eq!(body, expected, "no temperature, which such a model refuses");
}

//! Tests of the section `providers`, and of the keys that concern language models.

use serde_json::json;

use super::*;
use crate::config::settings::{OnMalformed, RequestField};

fn entry(experiment: &Experiment, pattern: &str) -> Json {
    let (_, entry) = experiment.providers().iter().find(|(known, _)| *known == pattern).expect("the pattern is there");
    serde_json::to_value(entry).unwrap()
}

#[test]
fn entries_merge_by_pattern_and_then_by_key() {
    let base = "providers:
  \"Qwen/*\": {base_url: 'http://base/v1/', requests_per_minute: 9, headers: {A: '1', b: '2'}, omit: [seed]}
  gpt-4o: {api_key_env: OTHER_KEY, prompt_price_per_mtok: 1, completion_price_per_mtok: 2}
";
    let child = "inherit: base.yaml
experiment: {name: x}
providers:
  Qwen/*:
    base_url: https://child:8443/v1
    requests_per_minute: null
    headers: {c: \"3\"}
    omit: []
  gpt-4o: {api_key_env: null}
  local:
";
    let files = Files::new(&[("base.yaml", base), ("x.yaml", child)]);
    let experiment = files.load("x.yaml", &[]).unwrap();
    let qwen = json!({"base_url": "https://child:8443/v1", "headers": {"c": "3"}, "omit": []});
    assert_eq!(entry(&experiment, "Qwen/*"), qwen);
    let gpt = json!({"api_key_env": null, "completion_price_per_mtok": 2.0, "prompt_price_per_mtok": 1.0});
    assert_eq!(entry(&experiment, "gpt-4o"), gpt);
    assert_eq!(entry(&experiment, "local"), json!({}));
    let place = |pattern, key| experiment.provider_place(pattern, key).unwrap().to_string();
    assert!(place("Qwen/*", "base_url").ends_with("x.yaml:5"));
    assert!(place("gpt-4o", "prompt_price_per_mtok").ends_with("base.yaml:3"));
    assert!(place("gpt-4o", "extra_body").ends_with("x.yaml:9"), "the entry, where a key is not given");
    assert_eq!(experiment.provider_place("other", "kind"), None);
}

/// Every mistake is told, with its place, and no secret is repeated.
#[test]
fn mistakes_in_an_entry() {
    let text = "experiment: {name: x}
providers:
  \"gpt[\": {}
  a: openai
  b:
    bse_url: http://x
    kind: openai
    base_url: ftp://x/v1
    api_key_env: sk-proj-secret1
    requests_per_minute: 0
    omit: [temprature]
    max_tokens_key: max
  c:
    base_url: https://user:secret2@x/v1
    headers: {Authorization: Bearer secret3}
    headers_env: {x-api-key: secret4}
    extra_body: {stream: true}
  d:
    base_url: https://x/v1?key=secret2
    headers: {x-auth-token: secret5}
    extra_body: {n: .inf}
    api_key_env: 0123
  e:
    headers: {Content-Type: text/plain}
    extra_body: [1]
    omit: seed
  f: {headers: {X-A: '1', x-a: '2'}, prompt_price_per_mtok: 1}
  g: {headers: {x-a: '1'}, headers_env: {X-A: VARIABLE}, base_url: 5}
  h: {headers: {x-a: 1}, extra_body: {temperature: 1}, cache_read_price_per_mtok: 1, prompt_price_per_mtok: -1}
  '': {}
provider: {}
";
    let message = error(text);
    assert!(!message.contains("secret1") && !message.contains("secret2") && !message.contains("secret3"), "{message}");
    assert!(!message.contains("secret4") && !message.contains("secret5"), "{message}");
    insta::assert_snapshot!(message, @r#"
    x.yaml:3: providers.gpt[: this is no pattern of model names: unclosed character class; missing ']'
    x.yaml:4: providers.a: this is no section (expected keys such as base_url: http://localhost:8000/v1)
    x.yaml:6: providers.b.bse_url: unknown key (did you mean base_url?)
    x.yaml:7: providers.b.kind: openai is not known here (expected one of openai_chat, anthropic_messages, mock, or null)
    x.yaml:8: providers.b.base_url: this is no address of a server (expected one that starts with http:// or https://, such as http://localhost:8000/v1)
    x.yaml:9: providers.b.api_key_env: this is not the name of an environment variable: capital letters, digits and underscores, such as OPENAI_API_KEY (the key itself belongs in no file)
    x.yaml:10: providers.b.requests_per_minute: 0 is out of range (expected a whole number from 1 to 1000000000000, or null)
    x.yaml:11: providers.b.omit: [temprature] is a list with an unknown entry (expected a list of some of temperature, top_p, seed, tool_choice, parallel_tool_calls, cache_control, or an empty one; did you mean temperature?)
    x.yaml:12: providers.b.max_tokens_key: max is not known here (expected one of max_tokens, max_completion_tokens, or null)
    x.yaml:14: providers.c.base_url: an address holds no user and no password here (use api_key_env or headers_env)
    x.yaml:15: providers.c.headers: authorization looks like a secret, and files hold none: put it into an environment variable and name that, as api_key_env: VARIABLE or headers_env: {authorization: VARIABLE}
    x.yaml:16: providers.c.headers_env: this is not the name of an environment variable: capital letters, digits and underscores, such as OPENAI_API_KEY (the key itself belongs in no file)
    x.yaml:17: providers.c.extra_body: stream cannot be replaced here (replies are read whole)
    x.yaml:19: providers.d.base_url: an address holds no ? and no # here (expected the part that all addresses of the server share)
    x.yaml:20: providers.d.headers: x-auth-token looks like a secret, and files hold none: put it into an environment variable and name that, as api_key_env: VARIABLE or headers_env: {x-auth-token: VARIABLE}
    x.yaml:21: providers.d.extra_body: .inf is out of range (expected a finite number, whole ones of at most 64 bits)
    x.yaml:22: providers.d.api_key_env: this is not the name of an environment variable: capital letters, digits and underscores, such as OPENAI_API_KEY (the key itself belongs in no file)
    x.yaml:24: providers.e.headers: content-type is set by the program; leave it out
    x.yaml:25: providers.e.extra_body: [1] is a list (expected a section of what the request's body is to hold)
    x.yaml:26: providers.e.omit: seed is text (expected a list of some of temperature, top_p, seed, tool_choice, parallel_tool_calls, cache_control, or an empty one)
    x.yaml:27: providers.f.headers: x-a stands here twice
    x.yaml:27: providers.f.prompt_price_per_mtok: prices come as prompt_price_per_mtok and completion_price_per_mtok; give both, or none
    x.yaml:28: providers.g.base_url: 5 is a number (expected an address that starts with http:// or https://, such as http://localhost:8000/v1)
    x.yaml:28: providers.g.headers_env: x-a stands in headers as well; keep one of the two
    x.yaml:29: providers.h.headers: x-a: this is a number (expected text; put it in quotes)
    x.yaml:29: providers.h.extra_body: temperature cannot be replaced here (set model.temperature)
    x.yaml:29: providers.h.prompt_price_per_mtok: -1 is out of range (expected a number from 0 to 1000000, or null)
    x.yaml:29: providers.h.cache_read_price_per_mtok: prices come as prompt_price_per_mtok and completion_price_per_mtok; give both, or none
    x.yaml:30: providers.: this is no pattern of model names (expected 1 to 256 characters on one line)
    x.yaml:31: provider: unknown key (did you mean providers?)
    "#);
}

#[test]
fn providers_are_no_setting() {
    let message = loaded(NAMED, &["providers.gpt-4o.base_url=http://x"]).unwrap_err();
    assert!(message.contains("providers cannot be set from the command line"), "{message}");
    assert!(error(&format!("{NAMED}grid: {{providers: [1]}}")).contains("grid.providers: unknown key"));
    assert!(error(&format!("{NAMED}providers: [a]")).contains("expected a section with keys of its own"));
    assert!(loaded(&format!("{NAMED}providers:\n"), &[]).unwrap().providers().is_empty());
}

#[test]
fn a_run_has_the_entry_of_its_model_alone() {
    let text = "experiment: {name: x}
grid: {model.name: [Qwen/Qwen3-8B, gpt-4o, heuristic]}
providers:
  Qwen/*: {base_url: http://a/v1}
  gpt-4o: {requests_per_minute: 3}
";
    let plan = Plan::new(loaded(text, &[]).unwrap()).unwrap();
    let of = |run: usize| plan.run(run).config.providers.iter().map(|(p, _)| p.to_owned()).collect::<Vec<_>>();
    assert_eq!((of(0), of(1), of(2)), (vec!["Qwen/*".to_owned()], vec!["gpt-4o".to_owned()], vec![]));
    let yaml = to_yaml(&plan.run(0).config);
    assert!(yaml.ends_with("providers:\n  \"Qwen/*\":\n    base_url: \"http://a/v1\"\n"), "{yaml}");
    assert!(!to_yaml(&plan.run(2).config).contains("providers"));
}

#[test]
fn entries_of_a_run_load_again() {
    let text = r#"experiment: {name: x, description: "a\rb"}
model: {name: "org/model: \"x\" # 1"}
providers:
  "*":
    kind: openai_chat
    base_url: http://[::1]:8000/v1
    api_key_env: null
    api_key_optional: true
    headers: {x-title: "my: study # 1", x-on: "yes"}
    headers_env: {authorization: VARIABLE_1}
    omit: [temperature, cache_control]
    max_tokens_key: max_completion_tokens
    tokens_per_minute: 1000000
    prompt_price_per_mtok: 0.15
    completion_price_per_mtok: 1.0e-7
    extra_body:
      provider: {order: [a, b], allow_fallbacks: false, require_parameters: true}
      "odd \u2028 key": "line\n break\r\u0085\u2029\ttab \u0007 😀 \\ \" : # end "
      numbers: [1, -1, 18446744073709551615, 0.1, 1e300, -0.0, 1.0]
      nothing: null
      deep: {a: {b: [[], {}]}}
  other: {}
"#;
    let config = Plan::new(loaded(text, &[]).unwrap()).unwrap().run(0).config;
    let (_, entry) = config.providers.iter().next().unwrap();
    assert_eq!(entry.omit.as_deref(), Some(&[RequestField::Temperature, RequestField::CacheControl][..]));
    let yaml = to_yaml(&config);
    let again = loaded(&yaml, &[]).unwrap_or_else(|errors| panic!("{errors}\n{yaml}"));
    assert_eq!(Plan::new(again).unwrap().run(0).config, config, "{yaml}");
    let empty = Plan::new(loaded(&format!("{NAMED}model: {{name: o}}\nproviders: {{o: {{}}}}"), &[]).unwrap());
    let config = empty.unwrap().run(0).config;
    assert_eq!(Plan::new(loaded(&to_yaml(&config), &[]).unwrap()).unwrap().run(0).config, config);
}

#[test]
fn unreadable_replies_are_asked_for_again_so_often() {
    let of = |text: &str| first("", &[&format!("interface.on_malformed={text}")]).interface.on_malformed;
    assert_eq!(of("rejected"), OnMalformed { reasks: 0 });
    assert_eq!(of("reask(0)"), OnMalformed { reasks: 0 });
    assert_eq!(of("reask(10)"), OnMalformed { reasks: 10 });
    assert_eq!(first("", &[]).interface.on_malformed, OnMalformed { reasks: 1 });
    for text in ["reask(11)", "reask", "reask(01)", "reask(-1)", "retry", "3"] {
        let message = loaded(NAMED, &[&format!("interface.on_malformed={text}")]).unwrap_err();
        assert!(message.contains("expected rejected, or reask(k) with k from 0 to 10"), "{text}: {message}");
    }
    let same = error(&format!("{NAMED}grid: {{interface.on_malformed: [rejected, reask(0)]}}"));
    assert!(same.contains("rejected stands in this axis already"), "{same}");
}

#[test]
fn limits_of_the_experiment_and_of_a_run() {
    let text = format!("{NAMED}limits: {{tokens: 1000, cost: 0, run_cost: 0.5, run_time_s: 60}}");
    let experiment = loaded(&text, &["limits.time_s=3600"]).unwrap();
    let limits = experiment.limits();
    assert_eq!((limits.tokens, limits.cost, limits.time_s), (Some(1000), Some(0.0), Some(3600.0)));
    let limits = Plan::new(experiment).unwrap().run(0).config.limits;
    assert_eq!((limits.run_tokens, limits.run_cost, limits.run_time_s), (None, Some(0.5), Some(60.0)));
    let axis = error(&format!("{NAMED}grid: {{limits.cost: [1, 2]}}"));
    assert!(axis.contains("belongs to the batch as a whole"), "{axis}");
}

#[test]
fn pins_are_hexadecimal_digits_of_a_length() {
    let hash = "00112233445566778899AABBCCDDEEFF";
    let pinned = |value: &str| {
        let experiment = loaded(NAMED, &[&format!("pins.initial_state_hash={value}")]).unwrap();
        experiment.setting("pins.initial_state_hash").cloned()
    };
    assert_eq!(pinned(hash), Some("00112233445566778899aabbccddeeff".into()));
    assert_eq!(pinned(&"7".repeat(32)), Some("7".repeat(32).into()), "digits alone are no number here");
    for (value, why) in [("abc", "of another length"), (&"g".repeat(32), "not hexadecimal"), ("[1]", "this is a list")]
    {
        let message = loaded(NAMED, &[&format!("pins.initial_state_hash={value}")]).unwrap_err();
        assert!(message.contains(why) && message.contains("32 hexadecimal digits, or null"), "{message}");
    }
}

#[test]
fn pins_are_not_inherited_and_no_part_of_a_run() {
    let (hash, other) = ("0".repeat(32), "1".repeat(32));
    let files = Files::new(&[
        ("base.yaml", &format!("experiment: {{name: x}}\npins: {{initial_state_hash: {hash:?}}}")),
        ("fixed.yaml", &format!("inherit: base.yaml\nfixed: {{pins.initial_state_hash: {hash:?}}}")),
        ("child.yaml", "inherit: fixed.yaml\npe_induction: {p_shock: 0.5}"),
        ("own.yaml", &format!("inherit: fixed.yaml\npins: {{initial_state_hash: {other:?}}}")),
    ]);
    let pin = |name: &str| files.load(name, &[]).unwrap().setting("pins.initial_state_hash").unwrap().clone();
    assert_eq!(pin("base.yaml"), hash);
    assert_eq!(pin("child.yaml"), Json::Null);
    assert_eq!(pin("own.yaml"), other);
    let config = Plan::new(files.load("own.yaml", &[]).unwrap()).unwrap().run(0).config;
    assert!(!to_yaml(&config).contains("pins"));
}

#[test]
fn the_digest_covers_providers() {
    let digest = |text: &str| crate::record::manifest::digest(&loaded(&format!("{NAMED}{text}"), &[]).unwrap());
    let none = digest("");
    assert_eq!(digest("providers: {}"), none);
    assert_eq!(digest("limits: {cost: 5}"), none, "what the batch may use changes no run");
    let one = digest("providers: {a: {base_url: http://a/v1}}");
    assert_ne!(one, none);
    assert_ne!(digest("providers: {a: {base_url: http://b/v1}}"), one);
    assert_eq!(digest("providers: {a: {base_url: 'http://A:80/v1/'}}"), one, "one address, however it is written");
}

//! What is said between the program and a model: every request is a conversation that servers take, nothing that
//! matters is left out of it, and replies that cannot be read are asked again or passed over.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::model;
use super::study::{Study, VARIABLE};
use crate::mock_server::{Answer, MockServer, Request};

/// Both dialects and both forms of reply, as a grid of models: `c0` and `c1` are chat completions.
fn study(server: &MockServer, steps: u64, more: &str) -> Study {
    Study::new(&format!(
        "simulation: {{max_steps: {steps}, initial_budget: 10000}}\n{more}\
         providers:\n  chat/*: {{base_url: \"{}\", api_key_env: {VARIABLE}}}\n  \
         messages/*: {{kind: anthropic_messages, base_url: \"{}\", api_key_env: {VARIABLE}}}\n\
         grid: {{model.name: [chat/mock-model, messages/mock-model], interface.reply_format: [text, tool_calls]}}\n",
        server.url("/chat/v1"),
        server.url("/messages"),
    ))
}

const RUNS: [&str; 4] = ["c0_r0", "c1_r0", "c2_r0", "c3_r0"];

/// The calls of a run, in order.
fn calls(server: &MockServer, run: &str) -> Vec<Value> {
    let (dialect, tools) = match run {
        "c0_r0" => ("/chat/", false),
        "c1_r0" => ("/chat/", true),
        "c2_r0" => ("/messages/", false),
        _ => ("/messages/", true),
    };
    let requests = server.requests().into_iter();
    let requests =
        requests.filter(|r| model::is_call(r) && r.path.starts_with(dialect) && model::has_tools(r) == tools);
    requests.map(|request| request.json()).collect()
}

/// What a message is, whatever the dialect.
#[derive(Debug, PartialEq)]
enum Part {
    Says(String),
    Calls(String),
    Result(String, Value),
}

/// The parts of a message with its role.
fn parts(message: &Value) -> (&str, Vec<Part>) {
    let role = message["role"].as_str().expect("a message has a role");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut parts = Vec::new();
    if role == "tool" {
        // The result, and what is said besides.
        let (result, said) = message["content"].as_str().unwrap().split_once("\n\n").expect("a result and a step");
        let result = serde_json::from_str(result).expect("a result is JSON");
        return ("user", vec![Part::Result(text(&message["tool_call_id"]), result), Part::Says(said.to_owned())]);
    }
    match &message["content"] {
        Value::String(said) => parts.push(Part::Says(said.clone())),
        Value::Array(blocks) => parts.extend(blocks.iter().map(|block| match block["type"].as_str() {
            Some("text") => Part::Says(text(&block["text"])),
            Some("tool_use") => Part::Calls(text(&block["id"])),
            Some("tool_result") => {
                let result = serde_json::from_str(block["content"].as_str().unwrap()).expect("a result is JSON");
                Part::Result(text(&block["tool_use_id"]), result)
            }
            other => panic!("no block: {other:?}"),
        })),
        Value::Null => {}
        other => panic!("no content: {other}"),
    }
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    parts.extend(calls.map(|call| Part::Calls(text(&call["id"]))));
    (role, parts)
}

/// The messages of a request without the marks for the provider's cache, which move with the end.
fn said(request: &Value) -> Vec<Value> {
    let mut messages = request["messages"].as_array().unwrap().clone();
    let blocks = messages.iter_mut().filter_map(|message| message["content"].as_array_mut()).flatten();
    blocks.filter_map(Value::as_object_mut).for_each(|block| drop(block.remove("cache_control")));
    messages
}

/// Asserts that a server would take a conversation, and gives what the model is told last: the last result, and the
/// last message.
#[track_caller]
fn assert_well_formed(request: &Value) -> (Option<Value>, String) {
    let mut messages = request["messages"].as_array().expect("messages").as_slice();
    if request["system"].is_null() {
        assert_eq!(messages[0]["role"], "system");
        messages = &messages[1..];
    } else {
        assert!(!request["system"][0]["text"].as_str().unwrap().is_empty());
    }
    let (mut open, mut known, mut result, mut last) = (BTreeSet::new(), BTreeSet::new(), None, String::new());
    for (at, message) in messages.iter().enumerate() {
        let (role, parts) = parts(message);
        assert!(!parts.is_empty(), "an empty message: {message}");
        // Strict servers take nothing else, and no other message beside the result of a call.
        assert_eq!(role, ["user", "assistant"][at % 2], "one answers the other: {message}");
        for part in parts {
            match part {
                Part::Says(said) => {
                    assert!(!said.trim().is_empty(), "an empty text");
                    assert!(role == "assistant" || open.is_empty(), "calls without results before {said}");
                    if let (true, Some((_, rest))) = (role == "user", said.split_once("RESULT of your last action: ")) {
                        result = Some(serde_json::from_str(rest.lines().next().unwrap()).expect("a result is JSON"));
                    }
                    last = said;
                }
                Part::Calls(id) => {
                    assert!(role == "assistant" && open.is_empty() && !id.is_empty(), "{message}");
                    open.insert(id.clone());
                    known.insert(id);
                }
                Part::Result(id, told) => {
                    assert!(role == "user" && open.remove(&id), "a result without a call right before it: {id}");
                    result = Some(told);
                }
            }
        }
    }
    assert!(open.is_empty(), "calls without results at the end");
    assert_eq!(parts(messages.last().unwrap()).0, "user", "the model is asked something");
    (result, last)
}

/// Asserts that all requests of a run are well-formed and that the one of a step tells the last step's result.
#[track_caller]
fn assert_told(study: &Study, server: &MockServer, run: &str) {
    let steps = study.steps(run);
    let calls = calls(server, run);
    assert!(calls.len() >= steps.len(), "{run}");
    for call in &calls {
        let (result, _) = assert_well_formed(call);
        let bytes = call.to_string().into_bytes();
        let step = model::step(&Request { body: bytes, ..Request::default() });
        if step > 0 {
            assert_eq!(result.as_ref(), Some(&steps[step as usize - 1]["result"]), "{run}, step {step}");
        }
    }
}

#[test]
fn an_unreadable_reply_is_asked_again_once_and_then_passed_over() {
    let server = MockServer::start(|request| {
        if !model::is_call(request) {
            return model::answer(request);
        }
        let again = String::from_utf8_lossy(&request.body).matches("Reply again").count();
        let broken = |text: &str| match (model::has_tools(request), request.path.ends_with("/messages")) {
            (false, _) => model::say(request, text),
            (true, true) => Answer::messages_tools(&[("tool_order", json!([text]))]),
            (true, false) => Answer::chat_tools(&[("tool_order", &format!("{{\"sku\": {text}"))]),
        };
        // Step 1 is read at the second reply, step 2 not at all; the conversation keeps what was asked again.
        match (model::step(request), again) {
            (1, 0) => broken("first"),
            (2, 1) => broken("second"),
            (2, 2) => broken("third"),
            _ => model::answer(request),
        }
    });
    let study = study(&server, 4, "interface: {on_malformed: reask(1)}\n");
    study.run(&[]).with(0);
    for run in RUNS {
        assert_told(&study, &server, run);
        let (steps, deliberations) = (study.steps(run), study.lines(run, "deliberations.jsonl"));
        assert_eq!((steps.len(), deliberations.len(), calls(&server, run).len()), (4, 4, 6), "{run}");
        let seeds = |of: &[Value]| of.iter().map(|one| one["seed"].clone()).collect::<Vec<_>>();
        assert_eq!(seeds(&study.events(run, "provider_call")), seeds(&calls(&server, run)), "{run}");
        let sources: Vec<&str> = steps.iter().map(|step| step["action_source"].as_str().unwrap()).collect();
        let read = if matches!(run, "c0_r0" | "c2_r0") { "model_text" } else { "model_tool_call" };
        assert_eq!(sources, [read, "reasked", "rejected", read]);
        let calls: Vec<&Value> = steps.iter().map(|step| &step["usage"]["calls"]).collect();
        assert_eq!(calls, [1, 2, 2, 1]);
        let (tool, args) = model::action(1);
        assert_eq!(steps[1]["action"], json!({"tool": tool, "args": args}));
        assert_eq!((&steps[2]["action"], &steps[2]["prediction"]), (&Value::Null, &Value::Null));

        let statuses: Vec<&str> = deliberations.iter().map(|line| line["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["decided", "reasked", "rejected", "decided"]);
        let said = |raw: &Value| format!("{}{}", raw["content"], raw["tool_calls"]);
        for (line, before, last) in [(1, "first", None), (2, "second", Some("third"))] {
            let line = &deliberations[line];
            let [unread] = &line["unreadable_before"].as_array().unwrap()[..] else { panic!("{line}") };
            assert!(said(&unread["raw"]).contains(before), "{line}");
            assert_eq!(unread["parse"]["readable"], false);
            assert!(!unread["parse"]["reason"].is_null() && !unread["parse"]["detail"].is_null(), "{line}");
            assert_eq!(line["parse"]["readable"], last.is_none());
            assert!(last.is_none_or(|last| said(&line["raw"]).contains(last)), "{line}");
            assert_eq!(line["parse"]["reason"].is_null(), last.is_none(), "{line}");
        }
        let errors = study.events(run, "error");
        let errors: Vec<_> = errors.iter().map(|event| (event["step"].as_u64(), &event["error_type"])).collect();
        let failure = &json!("parse_failure");
        assert_eq!(errors, [(Some(1), failure), (Some(2), failure), (Some(2), failure)]);
        let summary = study.summary(run);
        assert_eq!((&summary["model"]["unreadable"], &summary["model"]["calls"]), (&json!(3), &json!(6)));

        let asked = self::calls(&server, run);
        let (_, last) = assert_well_formed(&asked[2]);
        assert!(
            last.starts_with("Your reply could not be read (") && last.ends_with("Nothing was done. Reply again."),
            "{last}"
        );
        let (_, last) = assert_well_formed(&asked[5]);
        assert!(last.contains("Nothing was done in the last step: your reply could not be read"), "{last}");
        study.verify(run).with(0);
    }
}

#[test]
fn what_no_longer_fits_is_dropped_in_whole_turns() {
    let server = MockServer::start(|request| {
        if !model::is_call(request) {
            return model::answer(request);
        }
        // Something to forget.
        let thoughts = "It is time. ".repeat(120);
        let thoughtful = model::answer(request).edited(|body| {
            let at = if body["choices"].is_null() { "/content" } else { "/choices/0/message/content" };
            match body.pointer_mut(at).expect("a content") {
                Value::String(text) => *text = text.replace("It is time.", &thoughts),
                Value::Array(blocks) => {
                    match blocks[0]["text"].as_str().map(|text| text.replace("It is time.", &thoughts)) {
                        Some(text) => blocks[0]["text"] = Value::String(text),
                        None => blocks.insert(0, json!({"type": "text", "text": thoughts})),
                    }
                }
                nothing => *nothing = Value::String(thoughts),
            }
        });
        model::using(thoughtful, request.body.len() as u64 / 4, 50)
    });
    let steps = 14;
    let study = study(&server, steps, "model: {context_length: 5000, max_tokens_per_call: 200}\n");
    study.run(&[]).with(0);
    for run in RUNS {
        assert_told(&study, &server, run);
        let events = study.events(run, "history_dropped");
        let summary = study.summary(run);
        assert!(!events.is_empty(), "{run}: the conversation outgrows the context");
        let turns: u64 = events.iter().map(|event| event["turns"].as_u64().unwrap()).sum();
        assert!(turns < steps && summary["model"]["turns_dropped"] == turns, "{run}: {turns}");
        assert_eq!(summary["end_reason"], "horizon");
        let calls = calls(&server, run);
        let longest = calls.iter().map(|call| call.to_string().len()).max().unwrap();
        assert!(longest / 4 <= 5_100, "{run}: {longest} bytes");
        let first = |call: &Value| parts(&call["messages"][usize::from(call["system"].is_null())]).1;
        let step_of = |call: &Value| match &first(call)[..] {
            [Part::Says(text)] => {
                text.split_once("STEP ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<u64>().ok())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(step_of(&calls[0]), Some(1));
        for pair in calls.windows(2) {
            let [shorter, longer] = [&pair[0], &pair[1]].map(said);
            let is_cut = first(&pair[0]) != first(&pair[1]);
            assert!(is_cut || longer.starts_with(&shorter), "{run}: a provider's cache knows the beginning");
            if let ([Part::Says(text)], true) = (&first(&pair[1])[..], is_cut) {
                assert!(text.starts_with("RESULT of your last action: {"), "{run}: the result is not lost: {text}");
            }
        }
        assert_eq!(step_of(calls.last().unwrap()), Some(turns + 1), "{run}: it begins with a whole turn");
        study.verify(run).with(0);
    }
}

/// A model that is refused for its card, or measured by half of it, must be able to mend it.
#[test]
fn what_is_wrong_with_a_card_is_told() {
    let card = |step: u64| match step {
        0 => json!({"expected_success": "true"}),
        1 => json!({"expected_success": true, "expected_cost": "12"}),
        2 => json!("{\"expected_success\": true}"),
        _ => json!({"expected_success": true}),
    };
    let server = MockServer::start(move |request| {
        if !model::is_call(request) {
            return model::answer(request);
        }
        let card = card(model::step(request));
        if !model::has_tools(request) {
            let card = card.as_str().map_or(card.to_string(), str::to_owned);
            return model::say(request, &format!("ACTION: tool_check_budget\nARGS: {{}}\nPREDICTION: {card}"));
        }
        let args = json!({"prediction": card});
        match request.path.ends_with("/messages") {
            true => Answer::messages_tools(&[("tool_check_budget", args)]),
            false => Answer::chat_tools(&[("tool_check_budget", &args.to_string())]),
        }
    });
    let study = study(&server, 4, "");
    study.run(&[]).with(0);
    for run in RUNS {
        assert_told(&study, &server, run);
        let steps = study.steps(run);
        let codes: Vec<&Value> = steps.iter().map(|step| &step["result"]["error_code"]).collect();
        assert_eq!(codes, [&json!("bad_prediction"), &Value::Null, &Value::Null, &Value::Null], "{run}");
        let problem = "expected_success must be true or false, not \"true\"";
        let error = steps[0]["result"]["error"].as_str().unwrap();
        assert!(error.contains("lacks at least one expected_… field") && error.ends_with(problem), "{error}");
        let told = calls(&server, run).iter().map(|call| assert_well_formed(call).1).collect::<Vec<_>>();
        let notice = "Of your last prediction card something could not be used: expected_cost must be a number, not";
        let has_notice: Vec<bool> = told.iter().map(|text| text.contains(notice)).collect();
        assert_eq!(has_notice, [false, false, true, false], "{run}: {told:?}");
        assert!(!told[1].contains("something could not be used"), "the refusal says it: {}", told[1]);
        study.verify(run).with(0);
    }
}

#[test]
fn a_step_that_does_not_fit_at_all_ends_the_run() {
    let server = MockServer::start(model::answer);
    let study = study(&server, 4, "interface: {prompts: mine}\n");
    fs::create_dir(study.path().join("mine")).unwrap();
    let step =
        "{% if step == 2 %}{% for _ in range(60000) %}many words, {% endfor %}{% endif %}STEP {{ step + 1 }} of 4";
    fs::write(study.path().join("mine/step.txt"), step).unwrap();
    study.run(&[]).with(0);
    for run in RUNS {
        let summary = study.summary(run);
        assert_eq!((&summary["end_reason"], &summary["total_steps"]), (&json!("context_overflow"), &json!(2)), "{run}");
        let [error] = &study.events(run, "error")[..] else { panic!("one event") };
        assert!(error["message"].as_str().unwrap().contains("model.context_length"), "{error}");
        study.verify(run).with(0);
    }
    assert!(!server.requests().iter().filter(|request| model::is_call(request)).any(|call| model::step(call) > 1));
}

#[test]
fn a_context_without_room_is_refused_before_the_first_run() {
    let server = MockServer::start(model::answer);
    for (context, said) in [
        (200, "200 tokens leave no room for a request beside a reply, which may have model.max_tokens_per_call = 200"),
        (1000, "1000 tokens less model.max_tokens_per_call = 200 leave room for 800, and the system prompt"),
    ] {
        let more = format!("model: {{context_length: {context}, max_tokens_per_call: 200}}\n");
        let study = study(&server, 4, &more);
        let done = study.run(&[]).with(3).saying("model.context_length: ").saying(said);
        assert!(done.err.starts_with("error: study.yaml:"), "{}", done.err);
        assert!(!study.path().join("results").exists());
    }
    assert!(!server.requests().iter().any(model::is_call));
}

#[test]
fn a_model_that_resets_its_beliefs_begins_anew() {
    let server = MockServer::start(|request| match model::is_call(request) && model::step(request) == 3 {
        true => model::call(request, "tool_reset_beliefs", &json!({})),
        false => model::answer(request),
    });
    let study = study(&server, 6, "interface: {recovery_tools: reset}\n");
    study.run(&[]).with(0);
    for run in RUNS {
        assert_told(&study, &server, run);
        assert_eq!(study.steps(run)[3]["result"]["success"], true, "{run}");
        let said: Vec<usize> = calls(&server, run)
            .iter()
            .map(|call| {
                let messages = call["messages"].as_array().unwrap();
                messages.iter().filter(|message| message["role"] == "assistant").count()
            })
            .collect();
        assert_eq!(said, [0, 1, 2, 3, 0, 1], "{run}");
        study.verify(run).with(0);
    }
}

#[test]
fn another_model_than_was_asked_is_told_once_or_is_an_error() {
    let right = Arc::new(AtomicBool::new(false));
    let is_right = Arc::clone(&right);
    let server = MockServer::start(move |request| {
        let answer = model::answer(request);
        let wrong = model::is_call(request) && model::step(request) > 0 && !is_right.load(Ordering::SeqCst);
        if wrong { answer.edited(|body| body["model"] = json!("cheap-model-2")) } else { answer }
    });
    let study = study(&server, 4, "");
    study.run(&[]).with(0);
    for run in RUNS {
        let [error] = &study.events(run, "error")[..] else { panic!("one event") };
        assert_eq!((&error["step"], &error["error_type"]), (&json!(1), &json!("served_model_differs")));
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("mock-model was asked, and cheap-model-2 answered"), "{message}");
        assert_eq!(study.summary(run)["model"]["served_models"], json!(["mock-model", "cheap-model-2"]));
        assert_eq!(study.steps(run)[1]["served_model"], "cheap-model-2");
    }

    let pinned = self::study(&server, 4, "model: {pin_model: true}\n");
    pinned.run(&[]).with(5);
    for run in RUNS {
        let summary = pinned.summary(run);
        assert_eq!((&summary["end_reason"], &summary["total_steps"]), (&json!("provider_error"), &json!(1)), "{run}");
        let [error] = &pinned.events(run, "error")[..] else { panic!("one event") };
        assert_eq!(error["error_type"], "served_model_differs");
        pinned.verify(run).with(0);
    }
    // Still another one: nothing is won. Then the right one.
    pinned.run(&["--resume"]).with(5);
    right.store(true, Ordering::SeqCst);
    pinned.run(&["--resume"]).with(0);
    for run in RUNS {
        let steps = pinned.steps(run);
        assert_eq!(steps.len(), 4, "{run}");
        assert!(steps.iter().all(|step| step["served_model"] == "mock-model"), "{run}");
        assert_eq!(pinned.summary(run)["model"]["calls"], 6, "{run}: two of them for nothing");
        pinned.verify(run).with(0);
    }
}

//! Every fault at once: a batch in which each model's server fails in its own way beside servers that do not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::model;
use super::study::{KEY, Study, VARIABLE, assert_same_steps};
use crate::mock_server::{Answer, MockServer, Request};

/// The steps of a run.
const STEPS: u64 = 4;

/// The step in which servers begin to fail.
const FAILS_IN: u64 = 2;

/// How a server fails from [`FAILS_IN`] on. `tries` is how often it was asked the same before.
type Fault = fn(request: &Request, tries: usize) -> Answer;

/// What a run comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The model is asked again, and the run passes.
    Passes,
    /// The run ends where the server fails, for this reason.
    Stops(&'static str),
    /// The steps pass without an action.
    Rejected,
}

use End::{Passes, Rejected, Stops};

const ERROR: End = Stops("provider_error");
const TIMEOUT: End = Stops("provider_timeout");

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A fault after which the client asks again at once.
fn soon(answer: Answer) -> Answer {
    answer.header("retry-after-ms", "5")
}

/// A fault, and after it the right answer.
fn once(fault: Answer, request: &Request, tries: usize) -> Answer {
    if tries == 0 { fault } else { model::answer(request) }
}

/// By the name of the server.
const FAULTS: &[(&str, End, Fault)] = &[
    ("latency", Passes, |request, _| model::answer(request).after(ms(60))),
    ("chunks", Passes, |request, _| model::answer(request).chunked()),
    ("limit-ms", Passes, |request, tries| once(Answer::throttled().header("retry-after-ms", "5"), request, tries)),
    ("limit-s", Passes, |request, tries| once(Answer::throttled().header("retry-after", "0.01"), request, tries)),
    ("500-once", Passes, |request, tries| once(soon(Answer::error(500, "server_error")), request, tries)),
    ("529-once", Passes, |request, tries| once(soon(Answer::error(529, "overloaded_error")), request, tries)),
    ("reset-once", Passes, |request, tries| once(Answer::reset(), request, tries)),
    ("empty-once", Passes, |request, tries| once(soon(Answer::empty_choices()), request, tries)),
    ("hang", TIMEOUT, |_, _| Answer::hang()),
    ("stall", TIMEOUT, |request, _| model::answer(request).stall_after(20)),
    ("drip", TIMEOUT, |request, _| model::answer(request).drip(ms(100))),
    ("500-then-hang", TIMEOUT, |_, tries| match tries {
        0 => soon(Answer::error(500, "server_error")),
        _ => Answer::hang(),
    }),
    ("hang-then-500", ERROR, |_, tries| match tries {
        0 => Answer::hang(),
        _ => Answer::error(500, "server_error"),
    }),
    ("reset", ERROR, |_, _| Answer::reset()),
    ("reset-in-body", ERROR, |request, _| model::answer(request).reset_after(30)),
    ("cut", ERROR, |request, _| model::answer(request).cut_after(30)),
    ("limit-for-ever", ERROR, |_, _| soon(Answer::throttled())),
    ("limit-too-long", ERROR, |_, _| Answer::throttled().header("retry-after", "3600")),
    ("500", ERROR, |_, _| soon(Answer::error(500, "server_error"))),
    ("529", ERROR, |_, _| soon(Answer::error(529, "overloaded_error"))),
    ("401", ERROR, |request, _| {
        let key = request.header("authorization").or(request.header("x-api-key")).unwrap_or_default();
        Answer::text(401, "text/plain", &format!("wrong key: {key}")).header("x-request-id", key)
    }),
    ("401-escaped", ERROR, |request, _| {
        let key = request.header("authorization").or(request.header("x-api-key")).unwrap_or_default();
        let numbers: String = key.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
        Answer::text(401, "application/json", &format!("{{\"error\": \"wrong key: {numbers}\"}}"))
    }),
    ("html", ERROR, |_, _| soon(Answer::wrong_content_type())),
    ("half-json", ERROR, |_, _| soon(Answer::truncated_json())),
    ("no-json", ERROR, |_, _| soon(Answer::text(200, "application/json", "\u{0}\u{fffd}]["))),
    ("empty", ERROR, |_, _| soon(Answer::empty_choices())),
    ("error-in-200", ERROR, |_, _| soon(Answer::provider_error())),
    ("huge", ERROR, |_, tries| match tries {
        0 => soon(Answer::huge(50_000_000)),
        _ => Answer::error(500, "server_error"),
    }),
    ("overflow", Stops("context_overflow"), |_, _| Answer::context_overflow()),
    ("refusal", Rejected, |request, _| match request.path.ends_with("/messages") {
        true => Answer::messages_refusal(),
        false => Answer::chat_refusal("I would rather not."),
    }),
    ("filter", Rejected, |request, _| match request.path.ends_with("/messages") {
        true => model::using(Answer::messages_content(json!([]), "refusal"), 9, 0),
        false => model::using(Answer::chat_message(json!({"content": null}), "content_filter"), 9, 0),
    }),
    ("babble", Rejected, |request, _| model::babble(request)),
    ("broken-call", Rejected, |request, _| match request.path.ends_with("/messages") {
        true => Answer::messages_tools(&[("tool_order", json!("{\"sku\": \"sku_"))]),
        false => Answer::chat_tools(&[("tool_order", "{\"sku\": \"sku_")]),
    }),
    ("unknown-tool", Rejected, |request, _| model::call(request, "tool_destroy", &json!({}))),
];

/// Servers that are in order, by name.
const SOUND: [&str; 1] = ["sound"];

/// The dialects, as the names of servers begin, with the kind of provider and the end of its address.
const DIALECTS: [(&str, &str, &str); 2] = [("chat", "openai_chat", "/v1"), ("messages", "anthropic_messages", "")];

const FORMATS: [&str; 2] = ["text", "tool_calls"];

/// A server that fails by the first part of the path that is asked.
struct Faulty {
    server: MockServer,
    heals: Arc<AtomicBool>,
}

impl Faulty {
    fn start() -> Faulty {
        let heals = Arc::new(AtomicBool::new(false));
        let healed = Arc::clone(&heals);
        let asked: Mutex<BTreeMap<(String, bool, u64), usize>> = Mutex::default();
        let server = MockServer::start(move |request| {
            let name = request.path.split('/').nth(1).and_then(|part| part.split_once('-')).map(|(_, name)| name);
            let fault = FAULTS.iter().find(|(known, ..)| Some(*known) == name);
            let Some((_, _, fault)) = fault.filter(|_| model::is_call(request) && !healed.load(Ordering::SeqCst))
            else {
                return model::answer(request);
            };
            let step = model::step(request);
            if step < FAILS_IN {
                return model::answer(request);
            }
            let question = (request.path.clone(), model::has_tools(request), step);
            let mut asked = asked.lock().expect("no fault panics");
            let tries = asked.entry(question).or_default();
            *tries += 1;
            fault(request, *tries - 1)
        });
        Faulty { server, heals }
    }

    /// An experiment with a model for each of some servers in each dialect.
    fn study(&self, names: &[&str]) -> Study {
        let mut text = format!(
            "simulation: {{max_steps: {STEPS}}}\n\
             model: {{max_retries: 1, attempt_timeout_s: 2, timeout_s: 8, max_tokens_per_call: 200}}\n\
             interface: {{on_malformed: rejected}}\nproviders:\n"
        );
        for (dialect, kind, end) in DIALECTS {
            for name in names {
                let url = self.server.url(&format!("/{dialect}-{name}{end}"));
                let _ = writeln!(
                    text,
                    "  \"{dialect}-{name}/*\": {{kind: {kind}, base_url: \"{url}\", api_key_env: {VARIABLE}, \
                     prompt_price_per_mtok: 1, completion_price_per_mtok: 2}}"
                );
            }
        }
        let models: Vec<String> = models(names).into_iter().map(|(model, _)| model).collect();
        let _ = writeln!(text, "grid: {{model.name: {}, interface.reply_format: [text, tool_calls]}}", json!(models));
        Study::new(&text)
    }
}

/// The models of some servers, and their servers.
fn models<'a>(names: &[&'a str]) -> Vec<(String, &'a str)> {
    let of = |(dialect, ..): (&str, _, _)| {
        names.iter().map(|name| (format!("{dialect}-{name}/mock-model"), *name)).collect::<Vec<_>>()
    };
    DIALECTS.into_iter().flat_map(of).collect()
}

/// The runs of a study by the name of their server, dialect and form of reply.
fn runs<'a>(names: &[&'a str]) -> Vec<(&'a str, &'static str, &'static str, String)> {
    let mut runs = Vec::new();
    for (dialect, ..) in DIALECTS {
        for name in names {
            for format in FORMATS {
                let run = format!("c{}_r0", runs.len());
                runs.push((*name, dialect, format, run));
            }
        }
    }
    runs
}

/// Asserts that a run's steps are those that the model asked for.
#[track_caller]
fn assert_asked_for(study: &Study, run: &str, format: &str, acted: u64, rejected: u64) {
    let steps = study.steps(run);
    assert_eq!(steps.len() as u64, acted + rejected, "{run}");
    for (at, step) in (0..).zip(&steps) {
        assert_eq!(step["step"], at);
        if at < acted {
            let (tool, args) = model::action(at);
            assert_eq!(step["action"], json!({"tool": tool, "args": args}), "{run}");
            assert_eq!(step["prediction"]["expected_success"], true);
            let source = if format == "text" { "model_text" } else { "model_tool_call" };
            assert_eq!(step["action_source"], source);
        } else {
            assert_eq!((&step["action"], &step["action_source"]), (&Value::Null, &json!("rejected")), "{run}");
        }
    }
    assert_eq!(study.lines(run, "deliberations.jsonl").len(), steps.len());
}

#[test]
fn no_fault_makes_up_a_step_or_harms_another_run_and_all_of_it_can_be_resumed_and_repeated() {
    let faulty = Faulty::start();
    let names: Vec<&str> = FAULTS.iter().map(|(name, ..)| *name).chain(SOUND).collect();
    let study = faulty.study(&names);
    study.run(&[]).with(5);

    let runs = runs(&names);
    let stops = |name: &str| FAULTS.iter().find(|(known, ..)| *known == name).map_or(Passes, |(_, end, _)| *end);
    for (name, dialect, format, run) in &runs {
        let summary = study.summary(run);
        assert_eq!(summary["params"]["model.name"], format!("{dialect}-{name}/mock-model"));
        assert_eq!(summary["params"]["interface.reply_format"], *format);
        let what = format!("{name} in {dialect}, {format}: {summary}");
        assert_eq!(summary["crashed"], false, "{what}");
        let (reason, owner, acted, rejected) = match stops(name) {
            Passes => ("horizon", "none", STEPS, 0),
            Stops(reason @ "context_overflow") => (reason, "agent", FAILS_IN, 0),
            Stops(reason) => (reason, "provider", FAILS_IN, 0),
            Rejected => ("horizon", "none", FAILS_IN, STEPS - FAILS_IN),
        };
        assert_eq!(summary["end_reason"], reason, "{what}");
        assert_eq!(summary["fault_owner"], owner, "{what}");
        assert_eq!(summary["total_steps"], acted + rejected, "{what}");
        assert_asked_for(&study, run, format, acted, rejected);
        let attempts = study.events(run, "provider_call").len() as u64;
        assert_eq!(summary["model"]["attempts"], attempts, "{what}");
        assert_eq!(summary["model"]["calls"], acted + rejected, "{what}");
    }
    assert_eq!(study.manifest()["status"], "complete");
    study.assert_no_key();
    for request in faulty.server.requests().iter().filter(|request| model::is_call(request)) {
        let sent = match request.path.ends_with("/messages") {
            true => request.header("x-api-key").map(str::to_owned),
            false => request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned),
        };
        assert_eq!(sent.as_deref(), Some(KEY));
    }

    // The runs beside them are what they would have been alone.
    let alone = faulty.study(&SOUND);
    alone.run(&[]).with(0);
    let of_alone = self::runs(&SOUND);
    let undisturbed = |dialect: &str, format: &str| {
        let (.., run) = of_alone.iter().find(|(_, d, f, _)| (*d, *f) == (dialect, format)).unwrap();
        alone.steps(run)
    };
    for (name, dialect, format, run) in runs.iter().filter(|(name, ..)| SOUND.contains(name)) {
        assert_same_steps(&study.steps(run), &undisturbed(dialect, format), &format!("{name} {dialect} {format}"));
    }

    // A server that works again: every run goes on where it stopped.
    faulty.heals.store(true, Ordering::SeqCst);
    let before = faulty.server.requests().iter().filter(|request| model::is_call(request)).count() as u64;
    study.run(&["--resume"]).with(0);
    let stopped = |name: &str| matches!(stops(name), ERROR | TIMEOUT);
    let left = runs.iter().filter(|(name, ..)| stopped(name)).count() as u64 * (STEPS - FAILS_IN);
    let after = faulty.server.requests().iter().filter(|request| model::is_call(request)).count() as u64;
    assert_eq!(after - before, left, "what was answered is not asked again");
    for (name, dialect, format, run) in runs.iter().filter(|(name, ..)| stopped(name) || stops(name) == Passes) {
        assert_eq!(study.summary(run)["end_reason"], "horizon", "{name} {dialect} {format}");
        assert_same_steps(&study.steps(run), &undisturbed(dialect, format), &format!("{name} {dialect} {format}"));
    }
    study.assert_no_key();

    // Nobody is needed to make them again.
    drop(faulty);
    for (name, dialect, format, run) in &runs {
        // One run of each fault is enough.
        if (*dialect, *format) == DIALECT_OF[usize::from(name.len() % 2 == 0)] {
            study.verify(run).with(0);
        }
    }
}

/// Which of the runs of a fault is made again.
const DIALECT_OF: [(&str, &str); 2] = [("chat", "tool_calls"), ("messages", "text")];

//! Records of real runs and their schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use jsonschema::Validator;
use serde_json::{Value, json};
use vendomini::batch::progress::Progress;
use vendomini::batch::{BatchOptions, Existing, run_batch};
use vendomini::cli::schema::Subject;
use vendomini::config::{self, Overrides};
use vendomini::engine::inbox::{CustomNews, ShockNews};
use vendomini::engine::journal::WorldEvent;
use vendomini::llm::provider::backend::PriceOptions;
use vendomini::llm::provider::reply::Finish;
use vendomini::llm::provider::transport::{LimitChange, LimitReason};
use vendomini::llm::record::{DeliberationRecord, ErrorType, Lines, LlmEvent, Parse, RawReply, Status, Unread};
use vendomini::llm::reply::Reason;
use vendomini::plan::Plan;
use vendomini::plugins::Plugins;
use vendomini::record::connections::ConnectionRecord;
use vendomini::record::manifest::{BatchStatus, now};
use vendomini::record::results;
use vendomini::record::results::Row;
use vendomini::tool::name;

use super::tools::{exceeds_capacity, validators as tool_validators};
use super::{assert_fits, misfit, schema, validator};
use crate::common::lines;
use crate::tools::{Bench, quiet};

/// All shocks, every field of cards, every tool, and agents of different skill.
const SCRIPTED: &str = "
experiment: {name: scripted}
simulation: {max_steps: 150, complexity_level: 2, initial_budget: 10000}
interface: {prediction_format: rich, memory_tools: full, recovery_tools: all}
pe_induction: {p_shock: 0.6, pe_type_mix: {temporal: 1, quantity: 1, interference: 1, posting_lag: 1, regime_shift: 1}}
measurement: {windows_in_steps: true}
grid:
  model.name: [heuristic, random, oracle]
  pe_induction.observability: [full, delayed, hidden]
  interface.state_visibility: [full, last_result]
";

/// Breakdowns, and recoveries from them.
const SYNTHETIC: &str = "
experiment: {name: synthetic}
simulation: {max_steps: 200, initial_budget: 10000}
model.name: synthetic
synthetic: {onset: 30, recovery: 0.05}
grid: {synthetic.kind: [prose, invalid, loop, abandon]}
";

/// A language model in both arms, with room for its conversation and without.
const MODELS: &str = "
experiment: {name: models}
simulation: {max_steps: 40}
model: {name: my-model, max_tokens_per_call: 100}
providers: {my-model: {kind: mock}}
grid:
  interface.reply_format: [tool_calls, text]
  model.context_length: [32000, 6000]
";

/// What the batches have left, by what describes it.
pub(super) struct Records {
    by_subject: BTreeMap<&'static str, Vec<Value>>,
    /// The same as it was written: a line, or a whole file.
    pub(super) written: BTreeMap<&'static str, Vec<Vec<u8>>>,
    /// Tables of results: the bytes, and the rows as they are read.
    pub(super) tables: Vec<(Vec<u8>, Vec<Row>)>,
}

impl Records {
    fn of(&self, subject: &str) -> &[Value] {
        &self.by_subject[subject]
    }
}

pub(super) static RECORDS: LazyLock<Records> = LazyLock::new(|| {
    let mut by_subject: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
    let mut written: BTreeMap<&'static str, Vec<Vec<u8>>> = BTreeMap::new();
    let mut tables = Vec::new();
    for text in [SCRIPTED, SYNTHETIC, MODELS] {
        let place = tempfile::tempdir().unwrap();
        let folder = batch(text, place.path());
        let mut add = |subject: &'static str, values: Vec<Value>| by_subject.entry(subject).or_default().extend(values);
        add("manifest", vec![json_file(&folder.join("manifest.json"))]);
        let mut keep = |subject: &'static str, path: PathBuf| {
            let bytes = fs::read(path).unwrap();
            let whole = subject == "manifest" || subject == "summary";
            let parts =
                if whole { vec![bytes] } else { bytes.split_inclusive(|b| *b == b'\n').map(Into::into).collect() };
            written.entry(subject).or_default().extend(parts);
        };
        keep("manifest", folder.join("manifest.json"));
        tables.push((fs::read(folder.join(results::NAME)).unwrap(), results::read(&folder).unwrap()));
        for run in fs::read_dir(folder.join("runs")).unwrap().map(|run| run.unwrap().path()) {
            keep("step", run.join("steps.jsonl"));
            keep("event", run.join("events.jsonl"));
            keep("summary", run.join("summary.json"));
            add("step", lines(&fs::read(run.join("steps.jsonl")).unwrap()));
            add("event", lines(&fs::read(run.join("events.jsonl")).unwrap()));
            if let Ok(bytes) = fs::read(run.join("deliberations.jsonl")) {
                add("deliberation", lines(&bytes));
            }
            add("summary", vec![json_file(&run.join("summary.json"))]);
            let config = fs::read_to_string(run.join("config_used.yaml")).unwrap();
            add("config", vec![serde_yaml::from_str(&config).unwrap()]);
        }
    }
    // Only servers make these.
    let change = |from, to, why| {
        let record = ConnectionRecord::new(now(), "org/*", LimitChange { from, to, why });
        serde_json::to_value(record).unwrap()
    };
    let changes = vec![change(20, 40, LimitReason::CleanRound), change(40, 32, LimitReason::Throttled)];
    by_subject.insert("connection", changes);
    Records { by_subject, written, tables }
});

static NEVER: AtomicBool = AtomicBool::new(false);

/// Runs an experiment; its folder.
fn batch(text: &str, results: &Path) -> PathBuf {
    let file = results.join("experiment.yaml");
    fs::write(&file, text).unwrap();
    let experiment = config::load(&file, &Overrides::default()).unwrap_or_else(|errors| panic!("{errors}"));
    let plan = Plan::new(experiment).unwrap_or_else(|errors| panic!("{errors}"));
    let options = BatchOptions {
        n_jobs: 2,
        results_dir: results.join("results"),
        existing: Existing::Refused,
        progress: Progress::Silent,
        command: vec!["vendomini".into(), "run".into()],
        stop: &NEVER,
        prices: PriceOptions::default(),
        allow_unpinned: false,
    };
    let outcome = run_batch(&plan, options, &Plugins::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.status, BatchStatus::Complete);
    outcome.folder
}

fn json_file(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The schema of each kind of record.
fn validators() -> BTreeMap<&'static str, Validator> {
    let subjects = [
        ("step", Subject::Step),
        ("event", Subject::Event),
        ("deliberation", Subject::Deliberation),
        ("summary", Subject::Summary),
        ("manifest", Subject::Manifest),
        ("connection", Subject::Connection),
        ("config", Subject::Config),
    ];
    subjects.into_iter().map(|(name, subject)| (name, validator(&schema(subject)))).collect()
}

#[test]
fn every_record_fits_its_schema() {
    let validators = validators();
    for (subject, records) in &RECORDS.by_subject {
        for record in records {
            assert_fits(&validators[subject], record, subject);
        }
    }
    assert_eq!(RECORDS.by_subject.len(), validators.len());
}

/// Otherwise the test above would be easy to pass.
#[test]
fn the_records_show_nearly_everything() {
    let events: BTreeSet<&str> = RECORDS.of("event").iter().map(|event| event["event"].as_str().unwrap()).collect();
    let known = schema(Subject::Event);
    let known =
        known["oneOf"].as_array().unwrap().iter().map(|kind| kind["properties"]["event"]["const"].as_str().unwrap());
    let unseen: Vec<&str> = known.filter(|kind| !events.contains(kind)).collect();
    assert_eq!(unseen, ["order_cancelled", "order_expedited", "custom", "error"], "these are tried below");
    let steps = RECORDS.of("step");
    let seen = |pointer: &str| steps.iter().filter_map(|step| step.pointer(pointer)).any(|value| !value.is_null());
    for key in schema(Subject::Step)["properties"].as_object().unwrap().keys() {
        let rare = ["served_model", "prediction_not_offered"].contains(&key.as_str());
        assert!(seen(&format!("/{key}")) || rare, "{key}");
    }
    for pointer in ["/resolved/0/order", "/resolved/0/causes/0", "/shocks/0/effect/change", "/revealed/shocks/0"] {
        assert!(seen(pointer), "{pointer}");
    }
    let changes: BTreeSet<&str> =
        steps.iter().filter_map(|step| step.pointer("/shocks/0/effect/change")?.as_str()).collect();
    assert_eq!(changes.len(), 5, "{changes:?}");
    let codes: BTreeSet<&str> = steps.iter().filter_map(|step| step["result"]["error_code"].as_str()).collect();
    assert!(codes.len() >= 6, "{codes:?}");
}

/// What no run above leaves.
#[test]
fn rare_records_fit_their_schema() {
    let validators = validators();
    let news = ShockNews::Custom(
        CustomNews::new("strike", "The drivers are on strike.")
            .order_delayed("ORD1".parse().unwrap(), 9)
            .order_quantity_changed("ORD2".parse().unwrap(), 3),
    );
    let mut bench = Bench::new(&quiet(&["simulation.complexity_level=2"]));
    for supplier in 1..=4 {
        let args = json!({"supplier_id": format!("S{supplier}"), "sku": "sku_0", "quantity": 1});
        let order = bench.call(name::ORDER, args)["order_id"].clone();
        bench.call(name::EXPEDITE, json!({"order_id": order}));
        bench.call(name::CANCEL, json!({"order_id": order}));
    }
    let events = bench.events();
    for kind in ["order_expedited", "order_cancelled"] {
        let event = events.iter().find(|event| event["event"] == kind).unwrap_or_else(|| panic!("no {kind}"));
        assert_fits(&validators["event"], event, kind);
    }

    let custom = WorldEvent::Custom { name: "strike_over".into(), data: json!({"days": 3}) };
    let mut event = serde_json::to_value(&custom).unwrap();
    event["step"] = 3.into();
    event["day"] = 3.into();
    assert_fits(&validators["event"], &event, "custom");
    let shock = json!({
        "step": 3, "day": 3, "event": "shock", "shock_id": "SH1", "family": "strike", "magnitude": "low",
        "state": "effective", "size": -2, "effect": news,
    });
    assert_fits(&validators["event"], &shock, "news of a plugin");

    let mut made = Lines::default();
    let event = LlmEvent::Error { error_type: ErrorType::ParseFailure, message: "the reply names no tool".into() };
    made.event(4, 2, &event);
    let unread = Unread {
        raw: RawReply { content: "Hm.".into(), reasoning: None, tool_calls: Vec::new(), finish: Finish::Length },
        parse: Parse {
            readable: false,
            reason: Some(Reason::NoAction),
            detail: Some("There is no line that starts with ACTION:".into()),
            card_problem: None,
        },
    };
    made.deliberation(&DeliberationRecord {
        step: 4,
        day: 2,
        status: Status::Rejected,
        thoughts: None,
        action: None,
        card: None,
        confidence: Some(0.5),
        parse: &unread.parse,
        raw: &unread.raw,
        unreadable_before: std::slice::from_ref(&unread),
    });
    assert_fits(&validators["event"], &lines(&made.events)[0], "error");
    assert_fits(&validators["deliberation"], &lines(&made.deliberations)[0], "rejected");
}

/// Keys under which anything goes, or what a plugin, a tool or a model makes of it.
const OPEN: &[&str] = &[
    "args",
    "result",
    "params",
    "truth",
    "data",
    "flags",
    "by_family",
    "streams",
    "by_end_reason",
    "prompts",
    "extra_body",
];

/// Changes an object, and every object in it, in every way that its schema must refuse: a key more, a value of another
/// kind. `path` names where.
fn spoiled(record: &Value) -> Vec<(String, Value)> {
    fn walk(whole: &Value, pointer: &str, spoiled: &mut Vec<(String, Value)>) {
        let here = whole.pointer(pointer).unwrap();
        if OPEN.iter().any(|key| pointer.ends_with(&format!("/{key}"))) {
            return;
        }
        let mut change = |what: String, change: &dyn Fn(&mut Value)| {
            let mut other = whole.clone();
            change(other.pointer_mut(pointer).unwrap());
            spoiled.push((what, other));
        };
        if !pointer.is_empty() {
            change(format!("{pointer} of another kind"), &|value| *value = json!([{"of": "another kind"}]));
        }
        if here.is_object() {
            change(format!("{pointer}/made_up"), &|value| value["made_up"] = json!(1));
        }
        let inner: Vec<String> = match here {
            Value::Object(keys) => keys.keys().map(|key| key.replace('~', "~0").replace('/', "~1")).collect(),
            Value::Array(items) => (0..items.len().min(2)).map(|index| index.to_string()).collect(),
            _ => Vec::new(),
        };
        inner.iter().for_each(|key| walk(whole, &format!("{pointer}/{key}"), spoiled));
    }
    let mut all = Vec::new();
    walk(record, "", &mut all);
    all
}

/// Records that between them have every shape: one for each set of keys that is not null, by path.
fn telling(records: &[Value]) -> Vec<&Value> {
    fn paths(value: &Value, path: &str, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(keys) => keys.iter().for_each(|(key, value)| paths(value, &format!("{path}/{key}"), into)),
            Value::Array(items) => items.iter().for_each(|value| paths(value, &format!("{path}/0"), into)),
            Value::Null => {}
            // The words of a tag tell shapes apart.
            Value::String(word) if path.ends_with("/event") || path.ends_with("/change") => {
                into.insert(format!("{path}={word}"));
            }
            _ => drop(into.insert(path.to_owned())),
        }
    }
    let mut seen = BTreeSet::new();
    let new = |record: &&Value| {
        let before = seen.len();
        paths(record, "", &mut seen);
        seen.len() > before
    };
    records.iter().filter(new).collect()
}

#[test]
fn a_spoiled_record_does_not_fit() {
    let validators = validators();
    let mut tried = 0;
    for (subject, records) in RECORDS.by_subject.iter().filter(|(subject, _)| **subject != "config") {
        for record in telling(records) {
            for (what, spoiled) in spoiled(record) {
                assert!(misfit(&validators[subject], &spoiled).is_some(), "{subject}: {what} fits: {spoiled}");
                tried += 1;
            }
        }
    }
    assert!(tried > 2000, "{tried}");
}

#[test]
fn a_record_that_lacks_a_key_fits_only_where_the_key_may_be_missing() {
    let optional = |subject: &str| match subject {
        "step" => vec!["thoughts", "usage", "served_model", "prediction_not_offered", "windows"],
        "event" => vec!["order", "customer_order", "late_by", "onset_step", "evidence", "supplier", "sku"],
        "deliberation" => vec!["unreadable_before"],
        "summary" => vec!["model", "truth"],
        "manifest" => vec!["models"],
        "connection" => vec![],
        _ => unreachable!("there are no other records"),
    };
    let validators = validators();
    for (subject, records) in RECORDS.by_subject.iter().filter(|(subject, _)| **subject != "config") {
        let mut missed = BTreeSet::new();
        for record in telling(records) {
            for key in record.as_object().unwrap().keys() {
                let mut other = record.clone();
                other.as_object_mut().unwrap().remove(key);
                if misfit(&validators[subject], &other).is_none() {
                    missed.insert(key.clone());
                }
            }
        }
        let optional = optional(subject);
        assert!(missed.iter().all(|key| optional.contains(&key.as_str())), "{subject}: {missed:?}");
    }
    // A dashboard is whole or not there.
    let dashboard = RECORDS.of("step").iter().find(|step| step["observation"].get("budget").is_some()).unwrap();
    let mut other = dashboard.clone();
    other["observation"].as_object_mut().unwrap().remove("storage");
    assert!(misfit(&validators["step"], &other).is_some());
}

#[test]
fn the_arguments_of_real_actions_fit_unless_the_tool_called_them_bad() {
    let validators = tool_validators();
    let (mut good, mut bad) = (0, 0);
    for step in RECORDS.of("step").iter().filter(|step| !step["action"].is_null()) {
        let result = &step["result"];
        let code = result["error_code"].as_str();
        // These were refused before anybody looked at the arguments.
        if matches!(code, Some("unknown_tool" | "tool_not_offered" | "bad_prediction")) || exceeds_capacity(result) {
            continue;
        }
        let fits = validators[step["action"]["tool"].as_str().unwrap()].is_valid(&step["action"]["args"]);
        assert!(fits || result["success"] == false, "{step}");
        // An id that there is not may be noticed before a quantity that makes no sense.
        let ids = matches!(code, Some("unknown_sku" | "unknown_supplier"));
        assert!(fits == (code != Some("bad_arguments")) || ids, "{step}");
        *(if fits { &mut good } else { &mut bad }) += 1;
    }
    assert!(good > 1000 && bad > 0, "{good} {bad}");
}

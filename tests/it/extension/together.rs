//! Plugins at work, with one another and with what is built in.

use std::fs;

use clap::Parser;
use serde_json::{Value, json};
use vendomini::agent::AgentPlugin;
use vendomini::base::registration::PluginRecord;
use vendomini::cli::Cli;
use vendomini::config::to_yaml;
use vendomini::crash::CrashPlugin;
use vendomini::prelude::*;
use vendomini::scenario::warehouse::agent::WarehouseAgentPlugin;
use vendomini::shock::ShockPlugin;
use vendomini::shock::entity::ShockFamily;
use vendomini::tool::ToolPlugin;

use super::guests::{Counter, alarm_a, alarm_z, bureaucracy, counting, record, trace};
use crate::common::cell;

/// A run in which every guest has something to do.
fn busy(agent: &str, more: &[&str]) -> vendomini::config::RunConfig {
    let agent = format!("model.name={agent}");
    let settings: [&str; 6] = [
        &agent,
        "interface.extra_tools=[tool_count]",
        "pe_induction.pe_type_mix={lost_papers: 2, quantity: 1, rumour: 1}",
        "pe_induction.p_shock=0.5",
        "simulation.max_steps=150",
        "measurement.continue_after_crash=1000",
    ];
    let key = |setting: &str| setting.split('=').next().unwrap_or_default().to_owned();
    let kept = settings.iter().filter(|setting| more.iter().all(|other| key(other) != key(setting)));
    cell(&kept.chain(more).copied().collect::<Vec<_>>())
}

fn guests() -> Plugins {
    Plugins::default()
        .with(counting, "1")
        .with(bureaucracy, "2")
        .with(alarm_z, "3")
        .with(alarm_a, "4")
        .with(Counter(1), "5")
}

#[test]
fn the_order_of_plugins_changes_nothing() {
    type Add = fn(Plugins) -> Plugins;
    let all: [Add; 5] = [
        |plugins| plugins.with(counting, "1"),
        |plugins| plugins.with(bureaucracy, "2"),
        |plugins| plugins.with(alarm_z, "3"),
        |plugins| plugins.with(alarm_a, "4"),
        |plugins| plugins.with(Counter(1), "5"),
    ];
    let config = busy("random", &[]);
    let expected = trace(&mut guests().simulation(), &config);
    assert!(expected.0.len() > 150_000, "the run is long enough to differ");
    // Each plugin comes first, last, and beside each other one.
    for turn in 0..5 {
        for step in [1, 2, 3, 4] {
            let plugins = (0..5).fold(Plugins::default(), |plugins, n| all[(turn + n * step) % 5](plugins));
            assert!(trace(&mut plugins.simulation(), &config) == expected, "start {turn}, step {step}");
            assert_eq!(plugins.records(), guests().records());
        }
    }
}

#[test]
fn two_detectors_that_flag_in_one_step_both_appear_in_the_order_of_their_names() {
    for plugins in [
        Plugins::default().with(alarm_a, "1").with(alarm_z, "1"),
        Plugins::default().with(alarm_z, "1").with(alarm_a, "1"),
    ] {
        assert_eq!(plugins.check().unwrap().detectors[7..], ["belief_divergence", "alarm_a", "alarm_z"]);
        let config = cell(&["model.name=heuristic", "simulation.max_steps=20"]);
        let (steps, events) = record(&plugins, &config);
        assert_eq!((&steps[7]["flags"]["alarm_a"], &steps[7]["crash_type"]), (&json!(false), &Value::Null));
        assert_eq!((&steps[8]["flags"]["alarm_a"], &steps[8]["flags"]["alarm_z"]), (&json!(true), &json!(true)));
        assert_eq!(steps[8]["crash_type"], "alarm_a");
        let flagged: Vec<_> = events.iter().filter(|event| event["event"] == "crash_flag").collect();
        let told: Vec<_> = flagged.iter().map(|flag| (&flag["step"], flag["detector"].as_str().unwrap())).collect();
        assert_eq!(told, [(&json!(8), "alarm_a"), (&json!(8), "alarm_z")]);
        let only = cell(&["measurement.detectors=[alarm_z, looping]", "simulation.max_steps=20"]);
        let (steps, _) = record(&plugins, &only);
        assert_eq!(steps[19]["flags"].as_object().unwrap().len(), 2);
        assert_eq!((&steps[19]["crash_type"], &steps[19]["flags"]["alarm_z"]), (&json!("alarm_z"), &json!(true)));
    }
}

#[test]
fn shocks_of_a_mix_are_drawn_by_weight_told_and_blamed() {
    let settings = ["simulation.max_steps=3000", "pe_induction.p_shock=0.3", "measurement.continue_after_crash=10000"];
    let config = busy("heuristic", &settings);
    let mut simulation = guests().simulation();
    let (steps, events) = {
        let (steps, events, _) = trace(&mut simulation, &config);
        (crate::common::lines(&steps), crate::common::lines(&events))
    };
    let shocks: Vec<&Value> = events.iter().filter(|event| event["event"] == "shock").collect();
    let count = |family: &str| shocks.iter().filter(|shock| shock["family"] == family).count();
    assert!(shocks.len() > 600, "{}", shocks.len());
    for (family, share) in [("lost_papers", 0.5), ("rumour", 0.25), ("quantity", 0.25)] {
        // Five standard deviations of the share in 600 are 0.102 at most.
        let drawn = count(family) as f64 / shocks.len() as f64;
        assert!((drawn - share).abs() < 0.102, "{family}: {drawn}");
    }
    assert_eq!(events.iter().filter(|event| event["name"] == "rumour").count(), count("rumour"));
    let blamed = |family: &str| {
        let ids: Vec<&Value> =
            shocks.iter().filter(|shock| shock["family"] == family).map(|s| &s["shock_id"]).collect();
        let wrong = events.iter().filter(|event| event["event"] == "prediction_turned_wrong");
        wrong
            .filter(|event| ids.contains(&&event["shock_id"]))
            .map(|event| event["type"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert!(blamed("lost_papers").iter().filter(|kind| **kind == "temporal").count() > 20);
    assert_eq!(blamed("rumour"), [""; 0]);
    let told: Vec<Value> =
        steps.iter().flat_map(|step| step["result"]["messages"].as_array().cloned().unwrap_or_default()).collect();
    let notice = told.iter().find(|message| message["name"] == "lost_papers").expect("a notice is read");
    assert_eq!((&notice["kind"], &notice["change"]), (&json!("notice"), &json!("custom")));
    assert!(notice["new_eta_days"].is_object() && notice["text"].as_str().unwrap().starts_with("The papers of ORD"));
    assert!(told.iter().any(|message| message["kind"] == "note" && message["from"] == "a stranger"));
    // What struck nothing that lasts is over at once; the others live as long as their orders.
    let pending = simulation.world().resource::<vendomini::engine::orders::Orders>().pending();
    let world = simulation.world();
    let open: Vec<ShockFamily> = world.try_query::<&ShockFamily>().unwrap().iter(world).cloned().collect();
    assert!(open.iter().all(|family| &*family.0 != "rumour"), "{open:?}");
    assert!(pending > 0 || open.is_empty());
}

#[test]
fn what_is_told_of_a_shock_does_not_change_what_happens() {
    let hashes = ["full", "delayed", "partial", "hidden"].map(|observability| {
        // Without a look at anything the agent does the same whatever it is told.
        let config = busy("mock", &[&format!("pe_induction.observability={observability}")]);
        trace(&mut guests().simulation(), &config).2
    });
    assert!(hashes.iter().all(|hash| *hash == hashes[0]));
}

#[test]
fn the_oracle_rehearses_with_the_plugins_of_its_run() {
    let (steps, _) = record(&guests(), &busy("oracle", &[]));
    let errors = steps.iter().flat_map(|step| step["resolved"].as_array().unwrap());
    let errors: Vec<f64> = errors.map(|resolved| resolved["error"].as_f64().unwrap()).collect();
    assert!(errors.len() > 100 && errors.iter().all(|error| *error == 0.0));
    let (heuristic, _) = record(&guests(), &busy("heuristic", &[]));
    assert_eq!(heuristic.last().unwrap()["state_hash"], steps.last().unwrap()["state_hash"]);
}

#[test]
fn random_calls_a_tool_by_what_its_schema_says() {
    let (steps, _) = record(
        &guests(),
        &busy(
            "random",
            &["simulation.max_steps=600", "interface.prediction_mode=optional", "demand.max_failure_share=1"],
        ),
    );
    let calls: Vec<_> = steps.iter().filter(|step| step["action"]["tool"] == "tool_count").collect();
    assert!(calls.len() > 20 && calls.iter().all(|step| step["result"]["success"] == true));
    assert!(calls[0]["result"]["units"].is_u64());
    let (steps, _) = record(&guests(), &busy("random", &["interface.extra_tools=[]"]));
    assert!(steps.iter().all(|step| step["action"]["tool"] != "tool_count"), "a tool is offered where it is named");
}

#[test]
fn plugins_may_come_before_the_schedules_that_they_add_to() {
    let config = cell(&["simulation.max_steps=30"]);
    let expected = trace(&mut Plugins::default().with(Counter(1), "1").simulation(), &config);
    let mut app = App::new();
    app.add_plugins((Counter(1), alarm_a, vendomini::VendoMiniPlugins));
    assert_eq!(trace(&mut Simulation::from_app(app), &config).2, expected.2);
}

#[test]
fn the_state_of_a_plugin_begins_anew_and_is_part_of_the_hash() {
    let config = cell(&["simulation.max_steps=30"]);
    let of = |plugins: &Plugins| trace(&mut plugins.simulation(), &config);
    let (plain, one) = (of(&Plugins::default()), of(&Plugins::default().with(Counter(1), "1")));
    let mut used = Plugins::default().with(Counter(1), "1").simulation();
    trace(&mut used, &cell(&["simulation.max_steps=5"]));
    assert!(trace(&mut used, &config) == one, "the count of an earlier run is forgotten");
    assert_ne!(one.2, plain.2);
    assert_ne!(one.2, of(&Plugins::default().with(Counter(2), "1")).2);
    assert_eq!(of(&Plugins::default().with(Counter(0), "1")).1, plain.1, "nothing else is changed");
}

#[test]
fn built_in_plugins_can_be_left_out_or_replaced() {
    let config = cell(&["model.name=noop", "simulation.max_steps=60", "pe_induction.p_shock=1"]);
    let bare = Plugins::default().disable::<CrashPlugin>().disable::<ShockPlugin>();
    let (steps, events) = record(&bare, &config);
    assert_eq!(steps.len(), 60);
    assert!(steps.iter().all(|step| step["flags"] == json!({}) && step["shocks"] == json!([])));
    assert!(events.iter().all(|event| event["event"] != "shock" && event["event"] != "crash"));

    let toolless = Plugins::default().disable::<ToolPlugin>();
    for agent in ["random", "heuristic"] {
        // The scenario's tools are its own; those that every scenario has are gone.
        let (steps, _) = record(&toolless, &cell(&[&format!("model.name={agent}"), "simulation.max_steps=60"]));
        let common =
            |step: &&Value| step["action"]["tool"] == "tool_check_budget" || step["action"]["tool"] == "tool_wait";
        assert!(steps.iter().filter(common).all(|step| step["result"]["success"] == false));
        assert!(steps.iter().any(|step| step["result"]["success"] == true), "{agent}");
    }

    // Another family under the name of a built-in one, in its place in every mix.
    fn instead(app: &mut App) {
        fn nothing(_: In<Strike>) -> Effect {
            Effect::nothing_to_strike()
        }
        app.add_shock("temporal", nothing);
    }
    let replaced = Plugins::default().disable::<ShockPlugin>().with(instead, "1");
    let config = cell(&["pe_induction.pe_type_mix=temporal_only", "pe_induction.p_shock=1", "simulation.max_steps=50"]);
    let (steps, _) = record(&replaced, &config);
    assert!(
        steps.iter().all(|step| step["shocks"][0]["state"] == "fizzled" && step["shocks"][0]["family"] == "temporal")
    );

    let none = Plugins::default().disable::<AgentPlugin>().disable::<WarehouseAgentPlugin>();
    assert_eq!(none.check().unwrap().agents, [""; 0]);
}

/// `vendomini` with other plugins: its exit code, stdout and stderr.
fn vendomini(plugins: &Plugins, arguments: &[&str]) -> (i32, String, String) {
    let cli = Cli::try_parse_from([&["vendomini"], arguments].concat()).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = cli.execute(plugins, vec!["vendomini".into()], &mut out, &mut err).unwrap_or_else(|error| {
        vendomini::cli::print_error(&error, &mut err).unwrap();
        error.exit_status()
    });
    (status as i32, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn records_of_a_program_with_plugins_say_so_and_repeat() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("busy.yaml");
    fs::write(&file, to_yaml(&busy("heuristic", &["simulation.max_steps=60"]))).unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let run = |config: &str, to: &str| {
        let (code, _, err) = vendomini(&guests(), &["run", "--batch", "--config", config, "--output-dir", to]);
        assert_eq!(code, 0, "{err}");
    };
    run(file.to_str().unwrap(), &at("one"));
    let folder = dir.path().join("one/base");
    let run_folder = folder.join("runs/base_c0_r0");
    run(run_folder.join("config_used.yaml").to_str().unwrap(), &at("two"));
    for name in ["steps.jsonl", "events.jsonl", "config_used.yaml"] {
        let again = dir.path().join("two/base/runs/base_c0_r0").join(name);
        assert!(fs::read(run_folder.join(name)).unwrap() == fs::read(again).unwrap(), "{name} differs");
    }
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let recorded: Vec<PluginRecord> = serde_json::from_value(manifest["plugins"].clone()).unwrap();
    assert_eq!(guests().same_as(&recorded), Ok(()));
    assert_eq!(manifest["seeds"]["streams"]["shock.lost_papers"], 1);
    let other = guests().disable::<CrashPlugin>().same_as(&recorded).unwrap_err().to_string();
    assert!(other.contains("plugins of the records") && other.contains("plugins of this program"), "{other}");
    assert_eq!((other.matches("CrashPlugin").count(), other.matches("::guests::Counter 5").count()), (1, 2), "{other}");
    let mut csv = csv::Reader::from_path(folder.join("results.csv")).unwrap();
    let row: std::collections::BTreeMap<String, String> = csv.deserialize().next().unwrap().unwrap();
    assert_eq!(row["config.pe_induction.pe_type_mix"], r#"{"lost_papers":2.0,"quantity":1.0,"rumour":1.0}"#);
    assert_eq!(row["config.interface.extra_tools"], r#"["tool_count"]"#);
    let summary: Value = serde_json::from_slice(&fs::read(run_folder.join("summary.json")).unwrap()).unwrap();
    for family in ["lost_papers", "rumour"] {
        let dose = &summary["shocks"]["by_family"][family]["effective"];
        assert_eq!(row[&format!("shocks.by_family.{family}.effective")], dose.to_string());
    }

    // Detection over the records says what it said in the run.
    let (code, out, err) =
        vendomini(&guests(), &["detect", run_folder.to_str().unwrap(), "--detectors", "alarm_z,looping"]);
    assert_eq!(code, 0, "{err}");
    let live = crate::common::lines(&fs::read(run_folder.join("steps.jsonl")).unwrap());
    for (offline, live) in crate::common::lines(out.as_bytes()).iter().zip(&live) {
        for name in ["alarm_z", "looping"] {
            assert_eq!(offline["flags"][name], live["flags"][name], "{offline}");
        }
    }
    let (code, _, err) = vendomini(&guests(), &["detect", run_folder.to_str().unwrap(), "--detectors", "alarmz"]);
    assert_eq!(code, 2);
    assert!(err.contains("there is no crash detector alarmz (did you mean alarm_z?)"), "{err}");
}

#[test]
fn without_detectors_and_shocks_a_batch_runs_and_says_what_has_no_effect() {
    let dir = tempfile::tempdir().unwrap();
    let config = crate::common::project("configs/base.yaml");
    let to = dir.path().to_str().unwrap();
    let run = [
        "run",
        "--batch",
        "--max-steps",
        "20",
        "--output-dir",
        to,
        "--overwrite",
        "--config",
        config.to_str().unwrap(),
    ];
    let bare = Plugins::default().disable::<CrashPlugin>().disable::<ShockPlugin>();
    let (code, _, err) = vendomini(&bare, &run);
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("notice: pe_induction.p_shock has no effect: no plugin registers a family of shocks"),
        "{err}"
    );
    // The record of the run is a configuration that this program takes.
    let used = dir.path().join("base/runs/base_c0_r0/config_used.yaml");
    let used = fs::read_to_string(used).unwrap();
    assert!(used.contains("primary: []"), "{used}");
    let file = dir.path().join("again.yaml");
    fs::write(&file, used).unwrap();
    let (code, _, err) = vendomini(&bare, &["plan", "--config", file.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = vendomini(&bare, &[&run[..], &["--set", "measurement.primary=[looping]"]].concat());
    assert_eq!(code, 3, "{err}");
    let (_, _, err) = vendomini(&Plugins::default(), &run);
    assert!(!err.contains("p_shock"), "{err}");
    let (code, _, err) = vendomini(&bare, &["selftest"]);
    assert!(code == 2 && err.contains("disables built-in plugins"), "{err}");
}

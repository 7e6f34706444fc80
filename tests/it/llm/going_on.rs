//! What was paid for is kept: a killed or interrupted batch goes on where it stopped.

use std::fs;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::model;
use super::study::{Done, Study, VARIABLE, assert_same_steps, read_lines};
use crate::mock_server::MockServer;

const STEPS: u64 = 12;
const RUNS: u64 = 6;

/// A server that counts the calls that it is asked, and takes a moment for each.
fn server(latency: Duration) -> (MockServer, Arc<AtomicU64>) {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let server = MockServer::start(move |request| {
        counted.fetch_add(u64::from(model::is_call(request)), Ordering::SeqCst);
        model::answer(request).after(latency)
    });
    (server, calls)
}

fn study(server: &MockServer, more: &str) -> Study {
    let url = server.url("/v1");
    Study::new(&format!(
        "simulation: {{max_steps: {STEPS}, initial_budget: 10000}}\nmodel: {{name: mock-model, max_tokens_per_call: 200}}\n\
         providers: {{mock-model: {{base_url: \"{url}\", api_key_env: {VARIABLE}}}}}\n{more}"
    ))
}

/// Starts the runs and waits until the server was asked so often.
fn start(study: &Study, calls: &AtomicU64, enough: u64) -> Child {
    let mut command = study.run_command(&["--replications", &RUNS.to_string()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = std::time::Instant::now();
    while calls.load(Ordering::SeqCst) < enough {
        assert!(child.try_wait().unwrap().is_none(), "{:?}", Done::from(child.wait_with_output().unwrap()));
        assert!(begun.elapsed() < Duration::from_secs(60), "the batch does not get going");
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

/// Answered and abandoned requests in the cassettes of all runs, complete and not.
fn recorded(study: &Study) -> (u64, u64) {
    let folders = fs::read_dir(study.results().join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let requests = folders.flat_map(|folder| {
        let text = fs::read_to_string(folder.join("cassette.jsonl")).unwrap();
        // The first is the header, and a kill may leave half a line.
        let lines = text.lines().skip(1).filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.collect::<Vec<_>>()
    });
    let (abandoned, answered): (Vec<Value>, Vec<Value>) = requests.partition(is_abandoned);
    (answered.len() as u64, abandoned.len() as u64)
}

fn is_abandoned(request: &Value) -> bool {
    request["attempt"]["outcome"] == "abandoned"
}

fn assert_whole(study: &Study, reference: &Study) {
    for run in (0..RUNS).map(|replication| format!("c0_r{replication}")) {
        assert_eq!(study.summary(&run)["end_reason"], "horizon");
        assert_same_steps(&study.steps(&run), &reference.steps(&run), &run);
        let (one, other) = ("deliberations.jsonl", "cassette.jsonl");
        assert_eq!(study.lines(&run, one), reference.lines(&run, one));
        let (abandoned, answered): (Vec<Value>, Vec<Value>) =
            study.lines(&run, other).into_iter().partition(is_abandoned);
        assert_eq!(answered.len() as u64, STEPS + 1);
        // What an abandoned request took nobody knows, and so not what the run took.
        let summary = study.summary(&run);
        assert_eq!(summary["tokens"].is_null(), !abandoned.is_empty(), "{summary}");
        assert_eq!(summary["model"]["attempts_without_usage"], abandoned.len());
        assert_eq!(summary["model"]["calls"], STEPS);
    }
    let left = fs::read_dir(study.results().join("runs")).unwrap().count() as u64;
    assert_eq!(left, RUNS, "nothing half-done is left");
}

#[test]
fn a_kill_loses_no_call_that_was_answered() {
    let (server, calls) = server(Duration::from_millis(15));
    let (reference, study) = (self::study(&server, ""), self::study(&server, ""));
    reference.run(&["--replications", &RUNS.to_string()]).with(0);
    calls.store(0, Ordering::SeqCst);

    let mut child = start(&study, &calls, RUNS * STEPS / 2);
    child.kill().unwrap();
    child.wait().unwrap();
    // Requests that had arrived are answered to nobody.
    server.wait_for("quiet", |counts| counts.in_flight == 0);
    let (asked, (kept, abandoned)) = (calls.swap(0, Ordering::SeqCst), recorded(&study));
    assert_eq!(abandoned, 0, "a process that is killed says nothing");
    assert!(kept + RUNS >= asked, "of {asked} calls {kept} were kept, and at most {RUNS} were in flight");
    assert!(kept > 0 && kept < RUNS * STEPS, "it was killed in the middle: {kept}");

    study.run(&["--resume"]).with(3).saying("holds results of another configuration");
    study.run(&["--resume", "--replications", &RUNS.to_string()]).with(0);
    assert_eq!(calls.load(Ordering::SeqCst), RUNS * STEPS - kept, "what the cassettes hold is not asked again");
    assert_whole(&study, &reference);
    study.verify("c0_r0").with(0);
    study.assert_no_key();
}

#[test]
fn a_kill_at_the_worst_moment_leaves_what_can_go_on() {
    let (server, calls) = server(Duration::ZERO);
    let study = study(&server, "");
    study.run(&[]).with(0);
    let asked = calls.swap(0, Ordering::SeqCst);
    let whole = study.steps("c0_r0");
    let (folder, partial) = (study.folder("c0_r0"), study.results().join("runs/.study_c0_r0.partial"));
    let cassette = fs::read(folder.join("cassette.jsonl")).unwrap();
    let first = cassette.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let middle = cassette.iter().rposition(|byte| *byte == b'{').unwrap();
    // Before the cassette's first line was written, in it, right behind it, and in a later one.
    for (cut, kept) in [(0, 0), (first / 2, 0), (first, 0), (middle, STEPS - 1)] {
        fs::rename(&folder, &partial).unwrap();
        fs::write(partial.join("cassette.jsonl"), &cassette[..cut]).unwrap();
        if kept == 0 {
            // Steps without their calls are no run that a kill left: somebody lost a cassette that was paid for.
            let steps = fs::read(partial.join("steps.jsonl")).unwrap();
            study.run(&["--resume"]).with(6).saying("holds no calls, though steps were recorded; restore it");
            fs::remove_file(partial.join("cassette.jsonl")).unwrap();
            study.run(&["--resume"]).with(6).saying(".study_c0_r0.partial has none; restore cassette.jsonl");
            assert_eq!(fs::read(partial.join("steps.jsonl")).unwrap(), steps);
            assert_eq!(calls.load(Ordering::SeqCst), 0);
            fs::write(partial.join("cassette.jsonl"), &cassette[..cut]).unwrap();
            fs::write(partial.join("steps.jsonl"), "").unwrap();
        }
        study.run(&["--resume"]).with(0);
        assert_eq!(calls.swap(0, Ordering::SeqCst), asked - kept, "cut at {cut}");
        assert_same_steps(&study.steps("c0_r0"), &whole, &format!("cut at {cut}"));
        study.verify("c0_r0").with(0);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_puts_runs_aside_and_they_go_on() {
    let (server, calls) = server(Duration::from_millis(15));
    let (reference, study) = (self::study(&server, ""), self::study(&server, ""));
    reference.run(&["--replications", &RUNS.to_string()]).with(0);
    calls.store(0, Ordering::SeqCst);

    let child = start(&study, &calls, RUNS * STEPS / 2);
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let done = Done::from(child.wait_with_output().unwrap()).with(4);
    assert!(done.err.contains("add --resume to go on"), "{}", done.err);
    assert_eq!(study.manifest()["status"], "cancelled");
    let (asked, (kept, abandoned)) = (calls.swap(0, Ordering::SeqCst), recorded(&study));
    assert!(kept + abandoned >= asked && kept < RUNS * STEPS, "of {asked} calls {kept} and {abandoned} were kept");
    assert!(abandoned <= RUNS, "{abandoned}");
    for entry in fs::read_dir(study.results().join("runs")).unwrap() {
        let folder = entry.unwrap().path();
        if folder.join("summary.json").exists() {
            continue;
        }
        let steps = read_lines(&folder.join("steps.jsonl"));
        let requests = read_lines(&folder.join("cassette.jsonl"));
        let answered = requests[1..].iter().filter(|request| !is_abandoned(request)).count();
        assert!(steps.len() == answered || steps.len() + 1 == answered, "a step is recorded once it was answered");
        assert!(fs::read_to_string(folder.join("experiment.log")).unwrap().contains("put aside"));
    }

    study.run(&["--resume", "--replications", &RUNS.to_string()]).with(0);
    assert_eq!(calls.load(Ordering::SeqCst), RUNS * STEPS - kept, "what was abandoned is asked again");
    assert_whole(&study, &reference);
    assert_eq!(recorded(&study), (RUNS * STEPS, abandoned));
    for run in 0..RUNS {
        study.verify(&format!("c0_r{run}")).with(0);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_does_not_wait_for_a_server_that_hangs() {
    use crate::mock_server::Answer;
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let server = MockServer::start(move |request| {
        counted.fetch_add(u64::from(model::is_call(request)), Ordering::SeqCst);
        if model::is_call(request) && model::step(request) > 0 { Answer::hang() } else { model::answer(request) }
    });
    let study = study(&server, "");
    let child = start(&study, &calls, 2 * RUNS);
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    // A call may take a minute; the program's end must not.
    server.wait_for("the end of all connections", |counts| counts.open == 0);
    Done::from(child.wait_with_output().unwrap()).with(4);
    assert_eq!(recorded(&study), (RUNS, RUNS), "a request that was under way is recorded as such");
}

/// A run of a program that takes long, beside runs of a language model on the one thread.
#[test]
fn answers_are_kept_while_a_program_runs() {
    let (server, calls) = server(Duration::ZERO);
    let url = server.url("/v1");
    // The program's run is the second, so the first one's answer comes while it goes on.
    let study = Study::new(&format!(
        "simulation: {{max_steps: 200000, initial_budget: 100000000}}\n\
         model: {{max_tokens_per_call: 200}}\ngrid: {{model.name: [mock-model, heuristic]}}\n\
         providers: {{mock-model: {{base_url: \"{url}\", api_key_env: {VARIABLE}}}}}\n"
    ));
    let mut command = study.run_command(&["--n-jobs", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = std::time::Instant::now();
    while calls.load(Ordering::SeqCst) < 30 {
        assert!(child.try_wait().unwrap().is_none(), "{:?}", Done::from(child.wait_with_output().unwrap()));
        assert!(begun.elapsed() < Duration::from_secs(60), "the model's run waits for the program's");
        std::thread::sleep(Duration::from_millis(1));
    }
    let under_way = study.results().join("runs/.study_c1_r0.partial").exists();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(under_way, "the program's run is under way");
    let cassette = fs::read_to_string(study.results().join("runs/.study_c0_r0.partial/cassette.jsonl")).unwrap();
    assert!(cassette.lines().count() >= 30, "{}", cassette.lines().count());
}

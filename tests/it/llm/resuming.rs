//! `run --resume`: what may go on, what is left as it lies, and what is never lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::model;
use super::study::{Study, VARIABLE, finish, read_lines};
use crate::mock_server::{Answer, MockServer};

const STEPS: u64 = 4;

/// A server that fails in its third step while it is told to, and the calls that it was asked.
struct Moody {
    server: MockServer,
    fails: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
}

fn moody() -> Moody {
    let (fails, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (failing, counted) = (Arc::clone(&fails), Arc::clone(&calls));
    let server = MockServer::start(move |request| {
        if !model::is_call(request) {
            return model::answer(request);
        }
        counted.fetch_add(1, Ordering::SeqCst);
        match failing.load(Ordering::SeqCst) && model::step(request) == 2 {
            true => Answer::text(401, "text/plain", "no"),
            false => model::answer(request),
        }
    });
    Moody { server, fails, calls }
}

fn study(server: &MockServer, more: &str) -> Study {
    let url = server.url("/v1");
    Study::new(&format!(
        "simulation: {{max_steps: {STEPS}, initial_budget: 10000}}\nmodel: {{max_tokens_per_call: 200}}\n\
         grid: {{model.name: [mock-model, heuristic]}}\n\
         providers: {{mock-model: {{base_url: \"{url}\", api_key_env: {VARIABLE}}}}}\n{more}"
    ))
}

/// Every file below a folder that says what was run, logs included.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(folder: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = format!("{below}{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                collect(&entry.path(), &format!("{name}/"), files);
            } else if name != "manifest.json" {
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(folder, "", &mut found);
    found
}

#[test]
fn runs_that_are_over_are_left_as_they_lie() {
    let Moody { server, calls, .. } = moody();
    let study = study(&server, "");
    study.run(&[]).with(0);
    let (before, history) = (files(&study.results()), study.history());
    let asked = calls.load(Ordering::SeqCst);
    // Not even a cassette is needed for them, nor anything but the summary.
    let done = study.run(&["--resume"]).with(0);
    assert!(done.out.contains("runs     2 of 2 complete\nsteps    8\n"), "{}", done.out);
    assert!(files(&study.results()) == before, "the table is the same, and so are the logs with their times");
    assert_eq!((study.history(), calls.load(Ordering::SeqCst)), (history, asked));
    study.verify("c0_r0").with(0);

    fs::remove_file(study.folder("c0_r0").join("cassette.jsonl")).unwrap();
    study.run(&["--resume"]).with(0);
    assert_eq!(calls.load(Ordering::SeqCst), asked);

    // A summary that says nothing is no end: the run is made again, for nothing where a cassette or a program makes it.
    fs::write(study.folder("c1_r0").join("summary.json"), "{}").unwrap();
    study.run(&["--resume"]).with(0);
    let (mut now, mut then) = (files(&study.results()), before);
    for files in [&mut now, &mut then] {
        files.retain(|name, _| !name.ends_with("experiment.log") && !name.ends_with("cassette.jsonl"));
    }
    assert!(now == then);
}

#[test]
fn a_run_that_goes_on_keeps_its_files_until_it_has_reached_them() {
    let Moody { server, fails, calls } = moody();
    let study = study(&server, "");
    fails.store(true, Ordering::SeqCst);
    let told = study.run(&["--resume"]).with(5).saying("notice: nothing to go on with in ");
    told.saying(" ended as provider_error; study_c0_r0: the server answered ").saying("add --resume to go on");
    assert_eq!(study.summary("c0_r0")["end_reason"], "provider_error");
    let log = fs::read_to_string(study.folder("c0_r0").join("experiment.log")).unwrap();
    assert!(log.contains(" provider_error: the server answered "), "{log}");
    let (before, cassette) = (files(&study.results()), study.folder("c0_r0").join("cassette.jsonl"));
    let whole = fs::read(&cassette).unwrap();

    // Without a cassette it would have to be asked anew, and its folder would be in the way.
    fs::remove_file(&cassette).unwrap();
    let asked = calls.load(Ordering::SeqCst);
    study.run(&["--resume"]).with(6).saying("restore cassette.jsonl, or move the folder away");
    fs::write(&cassette, &whole).unwrap();
    assert!(files(&study.results()) == before);

    // A line that is none, and a request that is not the run's.
    let text = String::from_utf8(whole.clone()).unwrap();
    let first = read_lines(&cassette)[1]["request_digest"].as_str().unwrap().to_owned();
    for (edited, said) in [
        (text.replacen("\"step\":1", "\"step\":", 1), "line 3 of the cassette"),
        (text.replacen(&first, &"0".repeat(32), 1), "was it made by another version of this program?"),
    ] {
        assert_ne!(edited, text);
        fs::write(&cassette, edited).unwrap();
        study.run(&["--resume"]).with(6).saying(said).saying("Its records are as they were");
        fs::write(&cassette, &whole).unwrap();
        let mut now = files(&study.results());
        now.remove(".results.csv.partial");
        assert!(now == before, "{said}: {:?}", now.keys());
    }
    assert_eq!(calls.load(Ordering::SeqCst), asked, "nobody was asked");

    // It fails in the same place again, and then no more.
    study.run(&["--resume"]).with(5);
    assert_eq!(calls.load(Ordering::SeqCst), asked + 1);
    fails.store(false, Ordering::SeqCst);
    study.run(&["--resume"]).with(0);
    assert_eq!(calls.load(Ordering::SeqCst), asked + 1 + STEPS - 2);
    assert_eq!(study.summary("c0_r0")["end_reason"], "horizon");
    let mut runs: Vec<_> =
        fs::read_dir(study.results().join("runs")).unwrap().map(|run| run.unwrap().file_name()).collect();
    runs.sort();
    assert_eq!(runs, ["study_c0_r0", "study_c1_r0"], "nothing half-done is left");
    study.verify("c0_r0").with(0);
}

#[test]
fn a_server_somewhere_else_is_another_experiment() {
    let (Moody { server, .. }, Moody { server: other, calls, .. }) = (moody(), moody());
    let study = Study::new(&format!(
        "simulation: {{max_steps: {STEPS}, initial_budget: 10000}}\n\
         model: {{name: org/mock-model, max_tokens_per_call: 200}}\n"
    ));
    let at = |server: &MockServer, arguments: &[&str]| {
        let mut command = study.run_command(arguments);
        command.env("VENDOMINI_BASE_URL", server.url("/v1"));
        finish(command)
    };
    at(&server, &[]).with(0);
    let (before, manifest) = (files(&study.results()), study.manifest());
    let done = at(&other, &["--resume"]).with(3).saying("cannot be completed as it was begun");
    for url in [server.url("/v1"), other.url("/v1")] {
        assert!(done.err.contains(&url), "{url} is not in {}", done.err);
    }
    assert!(files(&study.results()) == before);
    assert_eq!((study.manifest(), calls.load(Ordering::SeqCst)), (manifest, 0));
    at(&server, &["--resume"]).with(0);
}

#[test]
fn two_batches_do_not_go_on_in_one_folder() {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let server = MockServer::start(move |request| match model::is_call(request) && model::step(request) == 1 {
        true => {
            counted.fetch_add(1, Ordering::SeqCst);
            Answer::hang()
        }
        false => model::answer(request),
    });
    let study = study(&server, "");
    let mut child = study.run_command(&["--resume"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    while calls.load(Ordering::SeqCst) == 0 || !study.folder("c1_r0").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the batch does not get going");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let before = files(&study.results());
    for how in ["--resume", "--overwrite"] {
        study.run(&[how]).with(3).saying("another batch is still writing");
    }
    assert!(files(&study.results()) == before && calls.load(Ordering::SeqCst) == 1);
    child.kill().unwrap();
    child.wait().unwrap();
}

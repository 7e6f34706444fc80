//! The whole program with 1,024 runs of language models in flight, against a server of another process that takes
//! 200 ms: decisions a second, their part of the ideal rate (in flight / latency), CPU time a decision and memory a
//! run, with full records.
//!
//! `cargo bench --bench conversations`; CPU times and memory are those of Linux. Records go to the folder for temporary
//! files.
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use vendomini::batch::progress::Progress;
use vendomini::batch::{BatchOptions, Existing, run_batch};
use vendomini::config::{self, Overrides};
use vendomini::llm::provider::backend::PriceOptions;
use vendomini::plan::Plan;
use vendomini::prelude::*;

mod served;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use served::{Answer, Request, Server, cpu_time};

const IN_FLIGHT: u32 = 1024;
const LATENCY: Duration = Duration::from_millis(200);
const WARM_UP: Duration = Duration::from_secs(8);
const MEASURED: Duration = Duration::from_secs(15);

/// Of English and JSON.
const BYTES_PER_TOKEN: usize = 4;

const REPLY: &str = "THOUGHTS: I look at what there is before I decide what to order.\nACTION: tool_check_storage\n\
                     ARGS: {}\nPREDICTION: {\"expected_success\": true, \"expected_storage_after\": 0}\nSUCCESS: true";

static STOP: AtomicBool = AtomicBool::new(false);

/// The one reply, with the tokens that a real server would count: conversations stay as long as the context is.
fn answer(request: &Request) -> Answer {
    let tokens = request.body.len() / BYTES_PER_TOKEN;
    Answer::chat(REPLY).edited(|body| body["usage"]["prompt_tokens"] = tokens.into()).after(LATENCY)
}

fn main() {
    if served::is_server() {
        return served::serve("/v1", answer, IN_FLIGHT);
    }
    // What `run` has without --n-jobs.
    let workers = 1;
    let mut server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("conversations.yaml");
    let text = format!(
        "experiment: {{name: conversations, replications: {IN_FLIGHT}}}
simulation: {{max_steps: 100000, initial_budget: 10000}}
model: {{name: bench, context_length: 4000, max_tokens_per_call: 500, start_connections: {IN_FLIGHT}, max_connections: {IN_FLIGHT}}}
interface: {{reply_format: text}}
measurement: {{continue_after_crash: 100000}}
demand: {{max_failure_share: 1.0}}
providers:
  bench: {{base_url: \"{}\"}}
",
        server.url
    );
    std::fs::write(&file, text).expect("a file");
    let plan = Plan::new(config::load(&file, &Overrides::default()).unwrap_or_else(|error| panic!("{error}")))
        .unwrap_or_else(|error| panic!("{error}"));
    let before = resident();
    let batch = thread::spawn({
        let results_dir = folder.path().join("results");
        move || {
            let options = BatchOptions {
                n_jobs: workers,
                results_dir,
                existing: Existing::Refused,
                progress: Progress::Silent,
                command: Vec::new(),
                stop: &STOP,
                prices: PriceOptions::default(),
                allow_unpinned: false,
            };
            run_batch(&plan, options, &Plugins::default()).map(|_| ()).unwrap_or_else(|error| panic!("{error}"));
        }
    });
    thread::sleep(WARM_UP);
    let (start, from, cpu) = (Instant::now(), server.requests(), cpu_time());
    thread::sleep(MEASURED);
    // Each is a decision: all replies are readable.
    let decisions = server.requests() - from;
    let (time, cpu) = (start.elapsed(), cpu_time().zip(cpu).map(|(to, from)| to - from));
    let memory = resident().zip(before).map(|(to, from)| to - from);
    STOP.store(true, Ordering::Relaxed);
    let ended = batch.join();
    server.stop();
    ended.expect("the batch ends in order");

    let rate = decisions as f64 / time.as_secs_f64();
    let ideal = f64::from(IN_FLIGHT) / LATENCY.as_secs_f64();
    println!("{IN_FLIGHT} runs in flight, {} ms latency, {workers} workers", LATENCY.as_millis());
    println!("decisions a second  {rate:.0} of {ideal:.0}, {:.1}%", 100.0 * rate / ideal);
    if let Some(cpu) = cpu {
        println!("CPU a decision      {:.1} us", cpu.as_secs_f64() * 1e6 / decisions as f64);
    }
    if let Some(memory) = memory {
        println!("memory a run        {} KB, its conversation included", memory / 1024 / u64::from(IN_FLIGHT));
    }
}

/// Bytes of memory that this process has in use.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

//! The verb `run`: makes the runs of an experiment and says what they came to.
//!
//! The table of what they came to is data and goes to `out`; times, progress and warnings go to `err`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use comfy_table::{CellAlignment, Table, presets};

use super::config_args::ConfigArgs;
use super::model_args::ModelArgs;
use super::{CliError, ExitStatus};
use crate::base::error_type::ErrorType;
use crate::base::run_end::{EndReason, FaultOwner, LimitScope};
use crate::batch::progress::Progress;
use crate::batch::{BatchOptions, BatchOutcome, Existing, run_batch};
use crate::config::settings::{ModelConfig, ProviderKind};
use crate::llm::provider::settings::kind_of;
use crate::plan::{MAX_JOBS, Plan};
use crate::plugins::Plugins;
use crate::record::folder::MANIFEST;
use crate::record::manifest::{BatchStatus, Manifest};

/// Where results go when neither the command line nor the file says so.
const RESULTS: &str = "results";

/// Exit code of a program that Ctrl-C ends at once, as shells know it.
const INTERRUPTED: i32 = 130;

/// Some wrappers pass one Ctrl-C on twice: a second one this soon after the first counts as the same.
const SAME_INTERRUPT: Duration = Duration::from_millis(500);

/// Set by the first Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

const NO_WINDOW: &str = "this build has no window to watch a run in; add --batch to run without one";

const EXAMPLES: &str = "\
Examples:
  vendomini run --batch --config configs/demo.yaml
  vendomini run --batch --config configs/demo.yaml --n-jobs -1 --output-dir /tmp/out --overwrite
  vendomini run --batch --config results/demo/runs/demo_c0_r0/config_used.yaml --output-dir again
          repeat one run from its own record

Results, in DIR/<experiment>/:
  manifest.json   what was run, with which program, and whether all of it is there
  results.csv     one row a run: its configuration and its summary
  runs/<run_id>/  config_used.yaml, steps.jsonl, events.jsonl, summary.json, experiment.log;
                  for language models also deliberations.jsonl and cassette.jsonl
  connections.jsonl  of language models: when more or fewer requests could be in flight
DIR/history.jsonl has a line for every run that was ever finished there.";

/// Flags of `run`. What the verb does stands with the verb, where the help takes it from.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// Which experiment.
    #[command(flatten)]
    pub config: ConfigArgs,

    /// Run all runs of the plan without a window
    #[arg(long)]
    pub batch: bool,

    /// Runs at a time; -1 for one on each core
    #[arg(long, value_name = "N", default_value = "1", allow_negative_numbers = true, value_parser = jobs)]
    pub n_jobs: usize,

    /// Folder for results, in which the experiment gets a folder of its own name
    ///
    /// Without it, the file's paths.results_dir holds, and without that, results.
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,

    /// Replace earlier results of this experiment
    ///
    /// The whole experiment is replaced, also runs that are not in the plan any more. Only a folder that holds results of this program is ever replaced.
    #[arg(long)]
    pub overwrite: bool,

    /// Go on with earlier results of this experiment
    ///
    /// Runs that ended for good stay as they are. Runs of language models that were broken off, or that ended because a provider gave up or a limit of the experiment was reached, go on where they stopped: what their cassettes hold is not asked again. The configuration, the prompts, the servers and the plugins must be the same.
    #[arg(long, conflicts_with = "overwrite")]
    pub resume: bool,

    /// Limits and prices.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// Reads `--n-jobs`.
pub(super) fn jobs(text: &str) -> Result<usize, String> {
    let expected = || format!("expected 1 to {MAX_JOBS}, or -1 for one on each core");
    match text.parse::<i64>() {
        Ok(-1) => Ok(thread::available_parallelism().map_or(1, usize::from).min(MAX_JOBS)),
        Ok(jobs) => usize::try_from(jobs).ok().filter(|jobs| (1..=MAX_JOBS).contains(jobs)).ok_or_else(expected),
        Err(_) => Err(expected()),
    }
}

/// Runs an experiment.
///
/// # Errors
/// When the command line, the configuration or the result folder does not allow it, or a file cannot be written.
pub fn run(
    args: &RunArgs,
    plugins: &Plugins,
    command: Vec<String>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitStatus, CliError> {
    if !args.batch {
        return Err(CliError::Usage(NO_WINDOW));
    }
    let registered = plugins.check()?;
    let prices = args.model.prices()?;
    let plan = Plan::new(args.config.load_with(args.model.settings())?)?.fit(&registered)?;
    for notice in &plan.experiment().notices {
        note(err, format_args!("notice: {notice}"));
    }
    let shocks = || plan.project(&["pe_induction.p_shock"]).any(|cell| cell.config.pe_induction.p_shock > 0.0);
    if registered.shocks.is_empty() && shocks() {
        note(err, format_args!("notice: pe_induction.p_shock has no effect: no plugin registers a family of shocks"));
    }
    let providers = plan.experiment().providers();
    let ignores_seed = |model: &ModelConfig| {
        model.seed.is_some() && kind_of(&model.name, providers) == Some(ProviderKind::AnthropicMessages)
    };
    let mut cells = plan.project(&["model.name", "model.seed"]).map(|cell| cell.config.model);
    if let Some(model) = cells.find(ignores_seed) {
        note(err, format_args!("notice: model.seed has no effect on {}: anthropic_messages take no seed", model.name));
    }
    let results_dir = args.output_dir.clone().or_else(|| plan.experiment().results_dir.clone());
    let results_dir = results_dir.unwrap_or_else(|| RESULTS.into());
    stop_on_interrupt(&results_dir.join(&plan.experiment().name), err);
    let folder = results_dir.join(&plan.experiment().name);
    if args.resume && !folder.join("manifest.json").exists() {
        note(err, format_args!("notice: nothing to go on with in {}: the experiment begins", folder.display()));
    }
    let options = BatchOptions {
        n_jobs: args.n_jobs,
        results_dir,
        existing: match (args.overwrite, args.resume) {
            (true, _) => Existing::Replaced,
            (_, true) => Existing::Resumed,
            _ => Existing::Refused,
        },
        progress: if io::stderr().is_terminal() { Progress::Bar } else { Progress::Lines },
        command,
        stop: &STOP,
        prices,
        allow_unpinned: args.model.allow_unpinned,
    };
    let outcome = run_batch(&plan, options, plugins)?;
    let written = write_table(&outcome, out);
    note_outcome(&outcome, err);
    match written {
        // A reader that stops reading is no error.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    let reasons = outcome.tally.end_reasons();
    Ok(match outcome.status {
        BatchStatus::Complete if reasons.keys().any(|reason| reason.fault_owner() == FaultOwner::Provider) => {
            ExitStatus::GaveUp
        }
        BatchStatus::Complete if reasons.keys().any(|reason| reason.limit_scope() == Some(LimitScope::Experiment)) => {
            ExitStatus::Unfinished
        }
        BatchStatus::Complete => ExitStatus::Done,
        BatchStatus::Cancelled => ExitStatus::Unfinished,
        BatchStatus::Failed | BatchStatus::Running => ExitStatus::Defect,
    })
}

/// The first Ctrl-C (or request to terminate) stops the batch in order, a later one the program at once.
fn stop_on_interrupt(folder: &Path, err: &mut dyn Write) {
    let mut first = None;
    let folder = folder.to_owned();
    let handler = move || {
        STOP.store(true, Ordering::Relaxed);
        if ends_at_once(&mut first, Instant::now()) {
            // A progress bar leaves the cursor behind itself.
            let next_line = if io::stderr().is_terminal() { "\n" } else { "" };
            let _ = writeln!(io::stderr(), "{next_line}{}", farewell(&folder));
            process::exit(INTERRUPTED);
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        note(err, format_args!("notice: Ctrl-C will stop the program at once: {error}"));
    }
}

/// What is left of a batch that ends at once, and how it goes on.
fn farewell(folder: &Path) -> String {
    let path = folder.join(MANIFEST);
    // The folder may be as it was before, or not there at all.
    let manifest = Manifest::read(folder).ok().flatten();
    if manifest.is_none_or(|manifest| manifest.status != BatchStatus::Running) {
        return "stopped at once".to_owned();
    }
    format!(
        "stopped at once: {} says \"running\" until the experiment is run again, with --resume, which goes on where it \
         stopped, or with --overwrite, which replaces the whole experiment",
        path.display()
    )
}

/// Whether an interrupt ends the program at once: one that comes later than the first, and is not its echo.
fn ends_at_once(first: &mut Option<Instant>, now: Instant) -> bool {
    now.saturating_duration_since(*first.get_or_insert(now)) > SAME_INTERRUPT
}

/// Notices are lost without harm when nobody reads them.
fn note(err: &mut dyn Write, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(err, "{line}");
}

fn write_table(outcome: &BatchOutcome, out: &mut dyn Write) -> io::Result<()> {
    let tally = &outcome.tally;
    let failed = match tally.failed() {
        0 => String::new(),
        failed => format!(", {failed} broken off by a defect"),
    };
    writeln!(out, "runs     {} of {} complete{failed}", tally.complete(), outcome.planned)?;
    writeln!(out, "steps    {}", tally.steps())?;
    writeln!(out, "results  {}", outcome.folder.display())?;
    let reasons = tally.end_reasons().iter().map(|(reason, runs)| [reason.word().to_owned(), runs.to_string()]);
    write_counts(out, ["end reason", "runs"], reasons)?;
    let crashes = tally.crash_types().iter();
    let crashes = crashes.map(|(kind, runs)| [kind.as_deref().unwrap_or("none").to_owned(), runs.to_string()]);
    write_counts(out, ["crash type", "runs"], crashes)?;
    let errors = ErrorType::ALL.iter().map(|kind| {
        let mean = tally.mean_pe().get(*kind);
        let value = mean.value().map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        [kind.word().to_owned(), value, mean.runs().to_string()]
    });
    write_counts(out, ["prediction error", "mean", "runs"], errors)?;
    out.flush()
}

fn write_counts<const N: usize>(
    out: &mut dyn Write,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table.add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    writeln!(out, "\n{}", table.trim_fmt())
}

fn note_outcome(outcome: &BatchOutcome, err: &mut dyn Write) {
    let tally = &outcome.tally;
    let seconds = outcome.took.as_secs_f64();
    let rate = tally.steps() as f64 / seconds.max(1e-9);
    note(err, format_args!("{} steps in {seconds:.1} s, {rate:.0} steps a second", tally.steps()));
    if let Some(spent) = &outcome.spent {
        let estimated = match spent.estimated {
            0 => String::new(),
            requests => format!(", {requests} requests counted by estimate"),
        };
        // Nothing spent by known prices is not the same as nothing spent.
        let cost = if spent.cost > 0.0 { format!("{:.6} USD", spent.cost) } else { "no known cost".to_owned() };
        let unpriced = match spent.unpriced {
            requests @ 1.. if spent.cost > 0.0 => format!(" and {requests} requests of unknown cost"),
            _ => String::new(),
        };
        note(err, format_args!("{} tokens, {cost}{unpriced}{estimated}", spent.tokens));
    }
    if let Some(leftover) = &outcome.leftover {
        let path = leftover.path.display();
        note(
            err,
            format_args!("notice: earlier results could not be deleted and remain in {path}: {}", leftover.source),
        );
    }
    if let (runs @ 1.., named) = tally.without_predictions() {
        let (named, more) = (named.join(", "), if runs > named.len() as u64 { ", …" } else { "" });
        note(
            err,
            format_args!(
                "WARNING: the experiment demands predictions, but {runs} of {} runs made none that could be \
                 compared with an outcome: {named}{more}. They say nothing about prediction errors.",
                tally.complete()
            ),
        );
    }
    if tally.failed() > 0 {
        let folder = outcome.folder.join("failed");
        note(
            err,
            format_args!(
                "WARNING: {} runs hit a defect of this program; what there is of them lies in {}",
                tally.failed(),
                folder.display()
            ),
        );
        for defect in tally.defects() {
            note(err, format_args!("  {defect}"));
        }
    }
    for (reason, (run, why)) in tally.ended_by() {
        let runs = tally.end_reasons().get(reason).copied().unwrap_or_default();
        let remedy = match (reason.fault_owner(), reason.limit_scope()) {
            (_, Some(LimitScope::Experiment)) => "raise the limit and add --resume to go on",
            (_, Some(LimitScope::Run)) => "such runs are over",
            (FaultOwner::Provider, None) => "mend that and add --resume to go on; nothing answered is asked again",
            _ if *reason == EndReason::ContextOverflow => {
                "such runs are over; model.context_length must be no more than the server takes"
            }
            _ => "the events of the run tell more",
        };
        let runs = if runs == 1 { "a run".to_owned() } else { format!("{runs} runs") };
        note(err, format_args!("WARNING: {runs} ended as {}; {run}: {why} ({remedy})", reason.word()));
    }
    if outcome.status == BatchStatus::Cancelled {
        note(
            err,
            format_args!(
                "stopped: {} of {} runs are complete in {}; add --resume to go on, or --overwrite to run \
                 all of them again",
                tally.complete(),
                outcome.planned,
                outcome.folder.display()
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_farewell_claims_no_more_than_there_is() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(farewell(dir.path()), "stopped at once");
        for (status, resumes) in [("running", true), ("complete", false)] {
            fs::write(dir.path().join("manifest.json"), format!("{{\"status\": \"{status}\"}}")).unwrap();
            assert_eq!(farewell(dir.path()).contains("with --resume"), resumes, "{status}");
        }
    }

    #[test]
    fn two_interrupts_at_once_are_one() {
        let (mut first, start) = (None, Instant::now());
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        assert!(!ends_at_once(&mut first, start));
        assert!(!ends_at_once(&mut first, after(20)));
        assert!(!ends_at_once(&mut first, after(500)), "echoes do not move the limit");
        assert!(ends_at_once(&mut first, after(501)));
    }
}

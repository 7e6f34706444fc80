//! The verb `detect`: crash detectors over existing step records.
//!
//! One JSON line a step goes to `out` or to a file; notices go to `err`. The records are read and never touched.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::{Serialize, Serializer};

use super::CliError;
use crate::analysis::offline;
use crate::analysis::offline::OfflineDetectors;
use crate::base::files::{Replacement, Unfinished, folder_of};
use crate::base::json;
use crate::base::units::Step;
use crate::batch::error::WriteError;
use crate::config::settings::CrashThreshold;
use crate::crash::v1 as rules;
use crate::crash::v1::V1Detectors;
use crate::legacy::v1;
use crate::plugins::Plugins;
use crate::record::evidence::evidence;
use crate::record::folder::{RunFolder, RunSummary, find_runs};
use crate::record::reader::{Line, Recorded, StepLine};

/// The window where neither the command line nor the run's configuration says otherwise.
const WINDOW: Step = 20;

const MIXED: &str = "--detectors v1 stands for all of the original's rules; it cannot be combined with other detectors";
const V1_WINDOW: &str = "--window has no meaning for --detectors v1, whose rules look at the 20 records before a step";

const EXAMPLES: &str = "\
Examples:
  vendomini detect results/demo/runs/demo_c0_r0 --threshold strict
  vendomini detect results/demo --detectors looping,invalid_burst --output flags.jsonl
  vendomini detect path/to/the/original/logs --detectors v1

A line holds run_id, step, crash_detected, crash_type, flags (true, false, or null where a detector could not
judge) and detectors, the version of the rules.";

/// Flags of `detect`. What the verb does stands with the verb, where the help takes it from.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DetectArgs {
    /// Run folders, or folders of run folders
    #[arg(value_name = "RUN_DIR", required = true)]
    pub dirs: Vec<PathBuf>,

    /// How much evidence a detector asks for
    ///
    /// Without it, the run's own configuration holds, and without that, moderate.
    #[arg(long, value_name = "LEVEL", value_parser = threshold())]
    pub threshold: Option<CrashThreshold>,

    /// Detectors by name, or v1 for the Python original's rules; all of this program's without it
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub detectors: Vec<String>,

    /// Steps of evidence that a detector sees
    ///
    /// Without it, the run's own configuration holds, and without that, 20.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(5..=1000))]
    pub window: Option<Step>,

    /// File for the lines, instead of stdout
    ///
    /// It appears under its name when all lines are in it, in the place of an earlier one.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Replace the file that --output names
    #[arg(long, requires = "output")]
    pub overwrite: bool,
}

fn threshold() -> impl TypedValueParser<Value = CrashThreshold> {
    PossibleValuesParser::new(["strict", "moderate", "lenient"]).map(|word| match word.as_str() {
        "strict" => CrashThreshold::Strict,
        "lenient" => CrashThreshold::Lenient,
        _ => CrashThreshold::Moderate,
    })
}

const EXISTS: &str = "the file that --output names exists; name another one, or add --overwrite";
const INSIDE: &str = "--output names a file in a run folder that is being read; name one elsewhere";

/// The rules that were asked for.
enum Detectors {
    V1,
    Ours(Box<OfflineDetectors>),
}

impl Detectors {
    /// A new run begins.
    fn start(&mut self, threshold: CrashThreshold, window: Step) -> Judge<'_> {
        match self {
            Detectors::V1 => Judge::V1(V1Detectors::new(threshold)),
            Detectors::Ours(ours) => {
                ours.start(threshold, window);
                Judge::Ours(ours)
            }
        }
    }
}

/// The rules at work on one run.
enum Judge<'a> {
    V1(V1Detectors),
    Ours(&'a mut OfflineDetectors),
}

impl Judge<'_> {
    fn judge(&mut self, line: &StepLine) -> (bool, Option<&'static str>) {
        match self {
            Judge::V1(rules) => rules.judge_before(match &line.record {
                Recorded::Ours(record) => v1::step_of_ours(record),
                Recorded::Foreign(record) => v1::step(record),
            }),
            Judge::Ours(ours) => {
                let (step, unknown) = match &line.record {
                    Recorded::Ours(record) => evidence(record),
                    Recorded::Foreign(record) => v1::evidence(line.step, record),
                };
                ours.judge(step, unknown)
            }
        }
    }

    /// What each rule said, and the version of the rules.
    fn flags(&self) -> (&[(&'static str, Option<bool>)], &'static str) {
        match self {
            Judge::V1(rules) => (rules.flags(), rules::NAME),
            Judge::Ours(ours) => (ours.flags(), offline::VERSION),
        }
    }
}

/// Judges existing records.
///
/// # Errors
/// When the command line makes no sense, records cannot be read, or the lines cannot be written. A reader that stops
/// reading is no error.
pub fn run(args: &DetectArgs, plugins: &Plugins, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), CliError> {
    let mut detectors = if args.detectors.iter().any(|name| name == rules::NAME) {
        if args.detectors.len() > 1 {
            return Err(CliError::Usage(MIXED));
        }
        if args.window.is_some() {
            return Err(CliError::Usage(V1_WINDOW));
        }
        Detectors::V1
    } else {
        let (registry, kinds) = plugins.detectors()?;
        Detectors::Ours(Box::new(OfflineDetectors::named(registry, kinds, &args.detectors)?))
    };
    let mut runs = Vec::new();
    for dir in &args.dirs {
        runs.extend(find_runs(dir)?.runs);
    }
    let Some(path) = &args.output else {
        return match judge(args, &runs, &mut detectors, out, err) {
            Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            judged => judged,
        };
    };
    if !args.overwrite && fs::symlink_metadata(path).is_ok() {
        return Err(CliError::Usage(EXISTS));
    }
    let folder = folder_of(path);
    let lies_in = |run: &RunFolder| match (fs::canonicalize(folder), fs::canonicalize(&run.path)) {
        (Ok(folder), Ok(run)) => folder.starts_with(run),
        _ => false,
    };
    if runs.iter().any(lies_in) {
        return Err(CliError::Usage(INSIDE));
    }
    let failed = |source| CliError::Write(WriteError { path: path.clone(), source });
    let mut file = Replacement::create(path, Unfinished::Removed).map_err(failed)?;
    judge(args, &runs, &mut detectors, &mut file, err).map_err(|error| match error {
        CliError::Output(source) => failed(source),
        other => other,
    })?;
    file.finish().map_err(failed)
}

fn judge(
    args: &DetectArgs,
    runs: &[RunFolder],
    detectors: &mut Detectors,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), CliError> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    for run in runs {
        judge_run(args, run, detectors, &mut out, err)?;
    }
    Ok(out.flush()?)
}

/// A line of the output.
#[derive(Serialize)]
struct Judged<'a> {
    run_id: &'a str,
    step: Step,
    crash_detected: bool,
    crash_type: Option<&'static str>,
    flags: Flags<'a>,
    detectors: &'static str,
}

/// Flags by detector, in the order that breaks ties.
struct Flags<'a>(&'a [(&'static str, Option<bool>)]);

impl Serialize for Flags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

fn judge_run(
    args: &DetectArgs,
    run: &RunFolder,
    detectors: &mut Detectors,
    out: &mut impl Write,
    err: &mut dyn Write,
) -> Result<(), CliError> {
    let Some(mut records) = run.records()? else { return Ok(()) };
    let summary = run.summary()?;
    let run_id = match &summary {
        Some(RunSummary::Ours(summary)) => Some(summary.identity.run_id.as_str()),
        Some(RunSummary::Foreign(summary)) => v1::run_id(summary),
        None => None,
    };
    let run_id = run_id.unwrap_or(&run.name);
    let measured = run.config()?.map(|config| config.measurement);
    let level = measured.as_ref().map(|measured| measured.crash_threshold);
    let threshold = args.threshold.or(level).unwrap_or(CrashThreshold::Moderate);
    let window = measured.map(|measured| measured.window_size);
    let mut judge = detectors.start(threshold, args.window.or(window).unwrap_or(WINDOW));
    let mut buffer = Vec::new();
    let mut unread = 0;
    while let Some(line) = records.read()? {
        let Line::Record(line) = line else {
            unread += 1;
            continue;
        };
        let (crash_detected, crash_type) = judge.judge(&line);
        let (flags, detectors) = judge.flags();
        let judged = Judged { run_id, step: line.step, crash_detected, crash_type, flags: Flags(flags), detectors };
        buffer.clear();
        json::line(&mut buffer, &judged).map_err(io::Error::other)?;
        out.write_all(&buffer)?;
    }
    if unread > 0 {
        // Notices are lost without harm when nobody reads them.
        let _ = writeln!(err, "notice: {}: {unread} lines are no step records and were left out", run.name);
    }
    Ok(())
}

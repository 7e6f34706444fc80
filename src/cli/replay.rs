//! The verb `replay`: makes a recorded run again, without a network, and holds it against its records.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{CliError, ExitStatus};
use crate::batch::repeat::{Repeated, repeat};
use crate::plugins::Plugins;
use crate::record::compare::first_difference;

const EXAMPLES: &str = "\
Examples:
  vendomini replay results/demo/runs/demo_c0_r0 --verify
          makes the run again and compares every byte of its records
  vendomini replay results/demo/runs/demo_c0_r0 --output-dir again
          makes the run again and keeps what comes out

Language models are not asked again: their replies are taken from the run's cassette.jsonl. A request that is not the
recorded one is a difference.

Exit codes:
  0  the records are the same to the byte, or were not compared
  3  the run was made with other plugins
  6  the records, or the cassette, cannot be read
  7  the run differs from its records; the first step and field that differ are named";

/// Flags of `replay`. What the verb does stands with the verb, where the help takes it from.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// The folder of a run
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,

    /// Compare the repetition with the records
    #[arg(long, required_unless_present = "output_dir")]
    pub verify: bool,

    /// Folder for the repetition's own records, which are thrown away without it
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
}

/// Repeats a run.
///
/// # Errors
/// When its records cannot be read, or the repetition's cannot be written.
pub fn run(
    args: &ReplayArgs,
    plugins: &Plugins,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitStatus, CliError> {
    let repetition = repeat(&args.run_dir, plugins, args.output_dir.as_deref())?;
    for notice in &repetition.notices {
        let _ = writeln!(err, "notice: {notice}");
    }
    let run_id = &repetition.run_id;
    let steps = match &repetition.outcome {
        Repeated::Whole { steps } => *steps,
        Repeated::Differs(difference) => {
            writeln!(out, "{run_id}: {difference}")?;
            return Ok(ExitStatus::Differs);
        }
    };
    if args.verify
        && let Some(difference) = first_difference(&args.run_dir, repetition.folder())?
    {
        writeln!(out, "{run_id}: {difference}")?;
        return Ok(ExitStatus::Differs);
    }
    if args.verify {
        writeln!(out, "{run_id}: {steps} steps, the same to the byte")?;
    } else {
        writeln!(out, "{run_id}: {steps} steps in {}", repetition.folder().display())?;
    }
    Ok(ExitStatus::Done)
}

//! The verb `import`: runs of another program as runs of this one.
//!
//! What was imported is data and goes to `out`. The work is [`record::import`](crate::legacy::import)'s.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::CliError;
use crate::legacy::import::{Imported, import};

const EXAMPLES: &str = "\
Examples:
  vendomini import --from vendomini-v1 path/to/logs --output-dir results/v1
  vendomini detect --detectors v1 results/v1

Results, in DIR/:
  manifest.json   what was imported
  runs/<folder>/  steps.jsonl, deliberations.jsonl, summary.json, experiment.log

A value that the original's logs do not tell is null. Each step record holds the line it was made from under
`imported`. An action that the original's harness chose has the source harness_fallback.";

/// Flags of `import`. What the verb does stands with the verb, where the help takes it from.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// Which program wrote the logs
    #[arg(long, value_enum)]
    pub from: Source,

    /// Folder of its run folders
    #[arg(value_name = "LOGS")]
    pub logs: PathBuf,

    /// Folder for the imported runs
    #[arg(long, value_name = "DIR")]
    pub output_dir: PathBuf,

    /// Replace an earlier import
    ///
    /// Only a folder that holds imported runs is ever replaced.
    #[arg(long)]
    pub overwrite: bool,
}

/// A program whose logs can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// The Python original
    VendominiV1,
}

/// Imports logs.
///
/// # Errors
/// When the logs cannot be read, the folder is taken, or a file cannot be written.
pub fn run(args: &ImportArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), CliError> {
    let Source::VendominiV1 = args.from;
    let imported = import(&args.logs, &args.output_dir, args.overwrite)?;
    if imported.unread_lines > 0 {
        // Notices are lost without harm when nobody reads them.
        let _ = writeln!(
            err,
            "notice: {} lines are no step records; the summaries of their runs keep them under imported.unread",
            imported.unread_lines
        );
    }
    match write_table(&imported, args, out) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn write_table(imported: &Imported, args: &ImportArgs, out: &mut dyn Write) -> io::Result<()> {
    let Imported { runs, runs_with_steps, step_records, replies, .. } = imported;
    writeln!(out, "runs     {runs}, {runs_with_steps} of them with step records")?;
    writeln!(out, "steps    {step_records}, {replies} of them with a raw reply")?;
    writeln!(out, "results  {}", args.output_dir.display())?;
    out.flush()
}

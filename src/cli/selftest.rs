//! The verb `selftest`: is the instrument right, said by the instrument.
//!
//! The report is data and goes to `out`, the time that it took to `err`.

use std::io::{self, Write};
use std::time::Instant;

use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table, presets};

use super::run::jobs;
use super::{CliError, ExitStatus};
use crate::plugins::Plugins;
use crate::selftest::{DetectorReport, LEAST_RECALL, LEAST_SPECIFICITY, Report, Size, run as try_all};

const EXAMPLES: &str = "\
Examples:
  vendomini selftest
          before trusting a figure, after building it somewhere new
  vendomini selftest --full --format json > selftest.json
          the sets on which the figures of the detectors are stated";

const INCOMPLETE: &str = "this program disables built-in plugins, without which the instrument cannot test itself";

/// Flags of `selftest`. What the verb does stands with the verb, where the help takes it from.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SelftestArgs {
    /// Try the detectors on 240 broken runs of each kind and 9,000 healthy ones instead of a few; takes minutes
    #[arg(long)]
    pub full: bool,

    /// How to print the report
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Runs at a time; -1 for one on each core
    #[arg(long, value_name = "N", default_value = "-1", allow_negative_numbers = true, value_parser = jobs)]
    pub n_jobs: usize,
}

/// Form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading
    Table,
    /// One object
    Json,
}

/// Tests the instrument; the status says whether all is well.
///
/// # Errors
/// When the report cannot be written. A reader that stops reading is no error.
pub fn run(
    args: &SelftestArgs,
    plugins: &Plugins,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitStatus, CliError> {
    let begun = Instant::now();
    if plugins.disabled().next().is_some() {
        return Err(CliError::Usage(INCOMPLETE));
    }
    plugins.check()?;
    let report = try_all(if args.full { Size::full(args.n_jobs) } else { Size::quick(args.n_jobs) }, plugins);
    let written = match args.format {
        Format::Table => write_table(&report, out),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &report).map_err(io::Error::from).and_then(|()| writeln!(out))
        }
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    // Without a place for notices the exit code still tells.
    let _ = writeln!(err, "{:.1} s", begun.elapsed().as_secs_f64());
    Ok(if report.passed { ExitStatus::Done } else { ExitStatus::Defect })
}

fn write_table(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for check in &report.checks {
        let word = if check.passed { "ok    " } else { "WRONG " };
        writeln!(out, "{word} {} ({})", check.name, check.detail)?;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "detector",
        "breakdown",
        "runs",
        "counted",
        "found",
        "recall",
        "delay",
        "healthy",
        "flagged",
        "specificity",
        "",
    ]);
    table.add_rows(report.detectors.iter().map(row));
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if (2..10).contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    writeln!(out, "\n{}", table.trim_fmt())?;
    writeln!(
        out,
        "\nbreakdowns found within 60 steps, of the runs with as many steps after it: at least {LEAST_RECALL}; delay is \
         the median in steps\nhealthy runs in which the detector could fire, without a flag: at least {LEAST_SPECIFICITY}"
    )?;
    writeln!(out, "\n{}", if report.passed { "all is well" } else { "something is WRONG: see above" })?;
    out.flush()
}

fn row(report: &DetectorReport) -> [String; 11] {
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{share:.4}"));
    let sum = |count: fn(&crate::selftest::HealthyReport) -> usize| -> usize { report.healthy.iter().map(count).sum() };
    [
        report.detector.to_owned(),
        report.kind.to_owned(),
        report.broken_runs.to_string(),
        report.counted.to_string(),
        report.found.to_string(),
        share(report.recall),
        report.median_delay.map_or_else(|| "-".to_owned(), |delay| delay.to_string()),
        sum(|healthy| healthy.at_risk).to_string(),
        sum(|healthy| healthy.flagged).to_string(),
        share(report.specificity),
        if report.passed { "ok" } else { "WRONG" }.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole of it takes as long in either form, and is tried from outside in the other.
    #[test]
    fn the_table_says_of_every_detector_how_it_did() {
        let size = Size { broken: 12, healthy: 6, healthy_steps: 200, threads: 2 };
        let report = try_all(size, &Plugins::default());
        let mut table = Vec::new();
        write_table(&report, &mut table).expect("memory can be written");
        let table = String::from_utf8(table).expect("text");
        for word in ["looping", "decoupling", "slow_divergence", "malformed_output", "belief_divergence", "all is well"]
        {
            assert!(table.contains(word), "{table}");
        }
    }
}

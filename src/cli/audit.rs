//! The verb `audit`: what a referee would ask of a folder of runs.
//!
//! Data goes to `out`. The counting is [`analysis::audit`](crate::analysis::audit)'s.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::CliError;
use crate::analysis::audit::{Audit, audit};
use crate::base::error_type::{ByType, ErrorType};

const EXAMPLES: &str = "\
Examples:
  vendomini audit results/demo
  vendomini audit results/demo --format json
  vendomini audit path/to/the/original/logs

Exit codes:
  0  audited, whatever was found
  6  there is no run, or a file of a run cannot be read";

/// Flags of `audit`. What the verb does stands with the verb, where the help takes it from.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct AuditArgs {
    /// Folder of run folders, or one run folder
    ///
    /// A folder of results, an experiment's folder in it, its runs, one of them, or a folder of the Python
    /// original's logs.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// How to print the audit
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// Form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading
    Table,
    /// One object
    Json,
}

/// Audits a folder.
///
/// # Errors
/// When there is no run, a file of a run cannot be read, or the output cannot be written. A reader that stops
/// reading is no error.
pub fn run(args: &AuditArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let audit = audit(&args.dir)?;
    let text = match args.format {
        Format::Json => format!("{}\n", serde_json::to_string_pretty(&audit).map_err(io::Error::from)?),
        Format::Table => table(&audit),
    };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Sections of lines `name  value`.
#[derive(Default)]
struct Table(String);

impl Table {
    fn section(&mut self, title: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        self.0 += &format!("{gap}{title}\n");
    }

    fn row(&mut self, name: impl Display, value: impl Display) {
        // `{:<44}` of a `Display` that ignores the width would not pad.
        self.0 += &format!("  {:<44}  {value}\n", name.to_string());
    }

    fn counts(&mut self, title: &str, counts: &BTreeMap<String, u64>) {
        self.section(title);
        if counts.is_empty() {
            self.row("-", "");
        }
        counts.iter().for_each(|(name, count)| self.row(name, count));
    }

    fn by_type<T: Display>(&mut self, name: &str, values: &ByType<T>) {
        let values = ErrorType::ALL.map(|kind| format!("{kind} {}", values.get(kind)));
        self.row(name, values.join(", "));
    }
}

fn table(audit: &Audit) -> String {
    let mut table = Table::default();
    table.section("runs");
    table.row("run folders", audit.runs);
    table.row("with step records", audit.runs_with_steps);
    table.row("of this program", audit.origins.vendomini);
    table.row("of the Python original", format!("{}, {} imported", audit.origins.v1, audit.imported_runs));
    table.row("different seeds", audit.seeds);
    table.row("most runs with one seed", known(audit.largest_group_of_equal_seeds));
    let duplicates = audit.duplicate_run_ids;
    table.row("run ids claimed by several folders", format!("{} by {}", duplicates.groups, duplicates.runs));
    table.row("run id unlike the folder's name", audit.run_ids_unlike_folder);
    table.row("without a summary", audit.runs_without_summary);
    table.row("model could not be loaded", audit.runs_with_model_load_failed);
    table.row("begun and not finished", audit.unfinished_runs);
    table.row("broken off by a defect", audit.failed_runs);
    table.section("logs");
    table.row("step records", audit.step_records);
    table.row("runs whose step numbers go back", audit.runs_out_of_order);
    table.row("places where they do", audit.steps_out_of_order);
    table.row("runs that leave step numbers out", audit.runs_with_gaps);
    table.row("fewer records than steps in the summary", audit.runs_with_fewer_records_than_steps);
    table.row("more records than steps in the summary", audit.runs_with_more_records_than_steps);
    table.row("clipped logs", audit.clipped_logs);
    table.row("lines that are no step records", audit.malformed_lines);
    table.row("records that are not strict JSON", audit.records_not_strict_json);
    table.section("actions");
    table.row("asked for, and carried out", of(audit.actions_as_asked, audit.share_of_actions_as_asked));
    table.row("replies without a readable action", known(audit.replies_without_action));
    table.row("replies that name no available tool", known(audit.replies_with_unknown_tool));
    table.row("replies replaced by another action", known(audit.replies_replaced));
    table.row("most runs with the same actions", known(audit.largest_group_of_identical_action_traces));
    let identical = audit.identical_action_traces;
    table.row("groups of runs with the same actions", format!("{} of {} runs", identical.groups, identical.runs));
    table.section("predictions");
    let predictions = &audit.predictions;
    table.row("records with a card", audit.cards);
    table.row("made", known(predictions.made));
    table.row("resolved", known(predictions.resolved));
    table.row("exact", known(predictions.exact));
    table.row("voided", known(predictions.voided));
    table.row("open at the end", known(predictions.open));
    table.by_type("made, by type", &ByType::build(|kind| known(*predictions.made_by_type.get(kind))));
    table.by_type("resolved, by type", &ByType::build(|kind| known(*predictions.resolved_by_type.get(kind))));
    table.by_type("mean coverage", &ByType::build(|kind| share(*audit.coverage.get(kind))));
    table.row("records with an error above 0", audit.pe_nonzero_records);
    table.by_type("records with an error above 0, by type", &audit.pe_nonzero_by_type);
    table.by_type("records with an error, by type", &audit.pe_stated_by_type);
    table.section("crashes");
    table.row("runs that record one", audit.detections);
    table.row("at the first possible step", audit.detections_at_first_possible_step);
    table.row("called looping", audit.looping.runs);
    table.row("  over half the harness's fallback tool", audit.looping.mostly_fallback_tool);
    table.row("  over half not asked for", audit.looping.mostly_not_asked_for);
    table.counts("runs by crash type", &audit.crash_types);
    table.counts("runs by end reason", &audit.end_reasons);
    table.counts("runs by agent", &audit.agents);
    table.counts("records by source of the action", &audit.action_sources);
    table.counts("records by tool", &audit.tools);
    if !audit.problems.is_empty() {
        table.section("lines that could not be read");
        for problem in &audit.problems {
            table.row(format_args!("{}/{}, line {}", problem.run, problem.file, problem.line), &problem.what);
        }
    }
    table.0
}

fn known(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.1}%", 100.0 * value))
}

fn of(count: u64, part: Option<f64>) -> String {
    if part.is_some() { format!("{count} ({})", share(part)) } else { count.to_string() }
}

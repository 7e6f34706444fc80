//! The verb `plan`: which runs an experiment file means, listed without running anything.
//!
//! Data goes to `out`, notices to `err`. Runs are written as they are made, so a plan of millions of runs can be
//! piped through `head`.

use std::io::{self, BufWriter, Write};

use clap::{Args, ValueEnum};
use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::config_args::ConfigArgs;
use crate::base::registration::PluginErrors;
use crate::config::{ConfigErrors, display};
use crate::plan::{Plan, PlannedRun};
use crate::plugins::Plugins;

/// A table lists all runs up to this many.
const ALL: usize = 40;
/// Of more, it lists these many from the start …
const FIRST: usize = 20;
/// … and these many from the end.
const LAST: usize = 5;

/// List the runs of an experiment without running any
///
/// Reads and checks the experiment file, makes every combination of its grid with its replications, and prints
/// them in the order in which `run` makes them, with the number of runs that each value of each axis has.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// Which experiment.
    #[command(flatten)]
    pub config: ConfigArgs,

    /// How to print the plan
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// Form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading: the grid with counts, then the first and last runs
    Table,
    /// One object with the grid and all runs
    Json,
    /// A header and one line a run
    Csv,
}

/// Why there is no plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// Something is wrong with the plugins.
    #[error(transparent)]
    Plugins(#[from] PluginErrors),
    /// The experiment is not sane.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The output could not be written.
    #[error("the plan cannot be written")]
    Output(#[from] io::Error),
}

/// Prints the plan of an experiment.
///
/// # Errors
/// When the experiment is not sane or the output cannot be written. A reader that stops reading is no error.
pub fn run(args: &PlanArgs, plugins: &Plugins, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), PlanError> {
    let plan = Plan::new(args.config.load()?)?.fit(&plugins.check()?)?;
    for notice in &plan.experiment().notices {
        writeln!(err, "notice: {notice}")?;
    }
    match write_plan(&plan, args.format, out) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn write_plan(plan: &Plan, format: Format, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    match format {
        Format::Table => write_table(plan, &mut out)?,
        Format::Json => write_json(plan, &mut out)?,
        Format::Csv => write_csv(plan, &mut out)?,
    }
    out.flush()
}

fn write_table(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    let experiment = plan.experiment();
    writeln!(out, "experiment  {}", experiment.name)?;
    writeln!(
        out,
        "runs        {} = {} {} x {} {}",
        plan.len(),
        plan.combinations(),
        plural(plan.combinations(), "combination"),
        experiment.replications,
        plural(experiment.replications as usize, "replication"),
    )?;
    let seed = experiment.seed().map_or("by axis".to_owned(), |seed| seed.to_string());
    writeln!(out, "seed        {seed}, {}", seed_policy(plan))?;
    if !plan.axes().is_empty() {
        let mut axes = table(["axis", "value", "runs"].map(str::to_owned));
        for axis in plan.axes() {
            for (position, value) in axis.values.iter().enumerate() {
                let path = if position == 0 { axis.path } else { "" };
                axes.add_row([path.to_owned(), display(value), plan.runs_per_value(axis).to_string()]);
            }
        }
        writeln!(out, "\n{}", axes.trim_fmt())?;
    }
    let header = ["run_id".to_owned(), "max_steps".to_owned()];
    let mut runs = table(header.into_iter().chain(plan.axes().iter().map(|axis| last(axis.path).to_owned())));
    let row = |run: PlannedRun| {
        let fixed = [run.run_id, run.config.simulation.max_steps.to_string()];
        fixed.into_iter().chain(run.params.iter().map(|(_, value)| display(value))).collect::<Vec<_>>()
    };
    if plan.len() <= ALL {
        runs.add_rows(plan.runs().map(row));
        return writeln!(out, "\n{}", runs.trim_fmt());
    }
    runs.add_rows((0..FIRST).map(|index| row(plan.run(index))));
    runs.add_row(["…"]);
    runs.add_rows((plan.len() - LAST..plan.len()).map(|index| row(plan.run(index))));
    writeln!(out, "\n{}", runs.trim_fmt())?;
    writeln!(out, "\n{} runs are not shown; --format csv lists them all", plan.len() - FIRST - LAST)
}

fn table(header: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.into_iter().collect::<Vec<_>>());
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn seed_policy(plan: &Plan) -> &str {
    plan.experiment().setting("experiment.seed_policy").and_then(Value::as_str).unwrap_or_default()
}

/// A run in the JSON list. The order of the fields is the order in the output.
#[derive(Serialize)]
struct Listed {
    index: usize,
    run_id: String,
    combination: usize,
    replication: u32,
    seed: u64,
    max_steps: u32,
    params: Map<String, Value>,
}

impl From<PlannedRun> for Listed {
    fn from(run: PlannedRun) -> Listed {
        Listed {
            index: run.index,
            run_id: run.run_id,
            combination: run.combination,
            replication: run.replication,
            seed: run.config.experiment.draw_key.short(),
            max_steps: run.config.simulation.max_steps,
            params: run.params.into_iter().map(|(path, value)| (path.to_owned(), value)).collect(),
        }
    }
}

/// What stands before the list of runs.
#[derive(Serialize)]
struct Head<'a> {
    experiment: &'a str,
    runs: usize,
    combinations: usize,
    replications: u32,
    seed: Option<u64>,
    seed_policy: &'a str,
    axes: Vec<HeadAxis<'a>>,
}

#[derive(Serialize)]
struct HeadAxis<'a> {
    path: &'a str,
    values: Vec<HeadValue<'a>>,
}

#[derive(Serialize)]
struct HeadValue<'a> {
    value: &'a Value,
    runs: usize,
}

fn write_json(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    let experiment = plan.experiment();
    let axes = plan.axes().iter().map(|axis| {
        let runs = plan.runs_per_value(axis);
        HeadAxis { path: axis.path, values: axis.values.iter().map(|value| HeadValue { value, runs }).collect() }
    });
    let head = Head {
        experiment: &experiment.name,
        runs: plan.len(),
        combinations: plan.combinations(),
        replications: experiment.replications,
        seed: experiment.seed(),
        seed_policy: seed_policy(plan),
        axes: axes.collect(),
    };
    // The list is written run by run into the still open object.
    let head = serde_json::to_string(&head)?;
    write!(out, "{},\"list\":[", head.strip_suffix('}').expect("the head is an object"))?;
    for run in plan.runs() {
        writeln!(out, "{}", if run.index == 0 { "" } else { "," })?;
        serde_json::to_writer(&mut *out, &Listed::from(run))?;
    }
    writeln!(out, "\n]}}")
}

fn write_csv(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    write_records(plan, out).map_err(|error| match error.into_kind() {
        // Unwrapped, so that a closed pipe is still seen to be one.
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    })
}

fn write_records(plan: &Plan, out: &mut impl Write) -> csv::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let header = ["run_id", "combination", "replication", "seed", "max_steps"];
    csv.write_record(header.into_iter().chain(plan.axes().iter().map(|axis| axis.path)))?;
    for run in plan.runs() {
        let run = Listed::from(run);
        let fixed = [
            run.run_id,
            run.combination.to_string(),
            run.replication.to_string(),
            run.seed.to_string(),
            run.max_steps.to_string(),
        ];
        csv.write_record(fixed.into_iter().chain(plan.axes().iter().map(|axis| display(&run.params[axis.path]))))?;
    }
    Ok(csv.flush()?)
}

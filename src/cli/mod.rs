//! The command line: one file a verb. Parses arguments, calls the library, prints data to `out` and notices to
//! `err`, and says with which exit code the program ends. No rule of the simulation stands here.
//!
//! - [`run`]: `vendomini run`
//! - [`plan`]: `vendomini plan`
//! - [`selftest`]: `vendomini selftest`
//! - [`detect`]: `vendomini detect`
//! - [`import`]: `vendomini import`
//! - [`audit`]: `vendomini audit`
//! - [`parse_reply`]: `vendomini parse-reply`
//! - [`replay`]: `vendomini replay`
//! - [`pin`]: `vendomini pin`
//! - [`schema`]: `vendomini schema`
//! - [`config_args`]: the flags of `run` and `plan` that name an experiment
//! - [`model_args`]: the flags of `run` that concern language models

pub mod audit;
pub mod config_args;
pub mod detect;
pub mod import;
pub mod model_args;
pub mod parse_reply;
pub mod pin;
pub mod plan;
pub mod replay;
pub mod run;
pub mod schema;
pub mod selftest;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use thiserror::Error;

use crate::analysis::offline::UnknownDetector;
use crate::base::registration::PluginErrors;
use crate::batch::BatchError;
use crate::batch::error::WriteError;
use crate::batch::repeat::RepeatError;
use crate::config::ConfigErrors;
use crate::legacy::import::ImportError;
use crate::llm::provider::backend::BackendError;
use crate::plugins::Plugins;
use crate::record::folder::ReadError;
use parse_reply::RepliesError;
use plan::PlanError;

const EXAMPLES: &str = "\
Examples:
  vendomini plan --config configs/demo.yaml
          what the experiment would run
  vendomini run --batch --config configs/demo.yaml --n-jobs -1
          run it on all cores; results appear in results/demo/
  vendomini run --batch --config configs/base.yaml --set pe_induction.p_shock=0.3 --replications 20
          change settings without touching the file

Exit codes:
  0  done; an agent that broke down is a result, not an error
  1  a run hit a defect of this program
  2  the command line is wrong
  3  nothing was run: the configuration or a plugin is wrong, or the result folder cannot be used
  4  begun, but not finished: stopped, or a file could not be written
  5  the provider of a language model gave up, or does not answer; run --resume goes on
  6  records cannot be read
  7  a replay differs from its records
  130  a second Ctrl-C ended the program at once";

/// A seeded warehouse for agents that measures prediction errors and detects when agents break down
///
/// An experiment file names an agent, a world, and how the world surprises the agent; its grid makes many runs of
/// it. Every run leaves complete records, and the same file always gives the same records.
#[derive(Debug, Parser)]
#[command(name = "vendomini", version, arg_required_else_help = true, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an experiment
    ///
    /// Makes every run of the plan and writes complete records of each. Records do not depend on the number of
    /// threads, and a second run writes the same ones. Ctrl-C stops at the next step of each run: complete runs
    /// stay, those of language models are put aside for --resume, and those of programs leave nothing.
    Run(run::RunArgs),
    /// List the runs of an experiment without running any
    ///
    /// Reads and checks the experiment file, makes every combination of its grid with its replications, and prints
    /// them in the order in which `run` makes them, with the number of runs that each value of each axis has.
    Plan(plan::PlanArgs),
    /// Test the instrument itself
    ///
    /// Sends scripted agents through the whole pipeline and holds what is measured of them against what must come
    /// out: errors against arithmetic, and each crash detector against runs whose breakdown or health is known.
    /// Fails loudly when anything is off.
    Selftest(selftest::SelftestArgs),
    /// Run crash detectors over existing step records
    ///
    /// Reads the step records of runs, ours or the Python original's, without touching them, and writes one JSON
    /// line a step with the verdict of the detectors. A log into which two processes wrote is judged in the order
    /// of its lines.
    Detect(detect::DetectArgs),
    /// Make a recorded run again, without a network, and compare it with its records
    ///
    /// Programs decide anew; language models say what the run's cassette holds, and nobody is asked. Every byte of the
    /// records must come out again; the first step and field that differ are named.
    Replay(replay::ReplayArgs),
    /// Write into experiment files which world they mean
    ///
    /// A digest of the scenario and the state hash of day 0 of the first run. A run of a pinned file checks them first.
    Pin(pin::PinArgs),
    /// Turn runs of the Python original into runs of this program
    ///
    /// Carries over what the original's logs tell and leaves null what they do not.
    Import(import::ImportArgs),
    /// Say what a referee would ask of a folder of runs
    ///
    /// Counts runs, records, seeds, colliding ids, step numbers that go back, actions that nobody asked for,
    /// predictions, errors, identical runs and broken logs, for our runs or the Python original's.
    Audit(audit::AuditArgs),
    /// Say how replies of a language model are read
    ///
    /// Reads replies as a run would, and prints the action, the prediction card and the thoughts of each, or why it
    /// cannot be read. For work on prompts.
    ParseReply(parse_reply::ParseReplyArgs),
    /// Print JSON Schema of experiment files, records and tools
    ///
    /// For editors that complete and check experiment files, for programs that read records, and for agents of one's
    /// own. It speaks of this program with its plugins, and of this version of it.
    Schema(schema::SchemaArgs),
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// All is done.
    Done = 0,
    /// A run hit a defect of this program.
    Defect = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Nothing was run: the configuration or a plugin is wrong, or the result folder cannot be used.
    Refused = 3,
    /// Begun, but not finished.
    Unfinished = 4,
    /// The provider of a language model gave up, or does not answer.
    GaveUp = 5,
    /// Records cannot be read.
    Unreadable = 6,
    /// A replay differs from its records.
    Differs = 7,
}

/// Why a verb failed.
#[derive(Debug, Error)]
pub enum CliError {
    /// The command line is wrong in a way that only the verb can see.
    #[error("{0}")]
    Usage(&'static str),
    /// A flag's value is wrong in a way that only the verb can see.
    #[error("{0}")]
    Flag(String),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Something is wrong with the plugins.
    #[error(transparent)]
    Plugins(#[from] PluginErrors),
    /// The plan could not be shown.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The batch could not run, or could not go on.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Records cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A detector is unknown.
    #[error(transparent)]
    Detector(#[from] UnknownDetector),
    /// Nothing was imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The run cannot be repeated.
    #[error(transparent)]
    Repeat(#[from] RepeatError),
    /// There are no replies to read.
    #[error(transparent)]
    Replies(#[from] RepliesError),
    /// Pins cannot be written into a file. It is as it was.
    #[error(
        "{}: a section pins cannot be added to a file of this form, so it was left as it is; show the pins with --print, \
         and write them into it by hand",
        .0.display()
    )]
    Unpinnable(PathBuf),
    /// A file could not be written.
    #[error(transparent)]
    Write(WriteError),
    /// Data could not be written to stdout.
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
}

impl CliError {
    /// How the program ends with this error.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            CliError::Usage(_) | CliError::Flag(_) | CliError::Detector(_) => ExitStatus::Usage,
            CliError::Config(_)
            | CliError::Plugins(_)
            | CliError::Unpinnable(_)
            | CliError::Plan(PlanError::Config(_) | PlanError::Plugins(_)) => ExitStatus::Refused,
            CliError::Plan(PlanError::Output(_)) | CliError::Output(_) | CliError::Write(_) => ExitStatus::Unfinished,
            CliError::Read(_) | CliError::Replies(_) => ExitStatus::Unreadable,
            CliError::Repeat(error) => match error {
                RepeatError::Read(_)
                | RepeatError::Incomplete(_)
                | RepeatError::Config(_)
                | RepeatError::Cassette(_)
                | RepeatError::Prompt(_) => ExitStatus::Unreadable,
                RepeatError::Plugins(_)
                | RepeatError::OtherPlugins(_)
                | RepeatError::Exists(_)
                | RepeatError::Place(_) => ExitStatus::Refused,
                RepeatError::Write(_) => ExitStatus::Unfinished,
                RepeatError::Defect(_) => ExitStatus::Defect,
            },
            CliError::Import(error) => match error {
                ImportError::Read(_) | ImportError::NotTheirs { .. } => ExitStatus::Unreadable,
                ImportError::SameName(..) | ImportError::Exists(_) | ImportError::Foreign(_) => ExitStatus::Refused,
                ImportError::Write { .. } => ExitStatus::Unfinished,
            },
            CliError::Batch(error) => match error {
                BatchError::Backend(BackendError::Unreachable { .. }) => ExitStatus::GaveUp,
                BatchError::Plugins(_)
                | BatchError::Plan(_)
                | BatchError::Backend(_)
                | BatchError::Pins(_)
                | BatchError::OtherConfiguration { .. }
                | BatchError::OtherCircumstances { .. }
                | BatchError::Exists(_)
                | BatchError::Foreign { .. }
                | BatchError::InUse(_)
                | BatchError::Folder(_) => ExitStatus::Refused,
                BatchError::Write { .. } | BatchError::Prompt(_) | BatchError::Interrupted => ExitStatus::Unfinished,
                BatchError::Resume(_) | BatchError::Read(_) => ExitStatus::Unreadable,
                BatchError::Defect(_) => ExitStatus::Defect,
            },
        }
    }
}

impl Cli {
    /// Does what the command line asks for, in a program with these plugins. `command` is the command line itself, for
    /// the record.
    ///
    /// # Errors
    /// When the verb failed; [`CliError::exit_status`] says how the program ends then.
    pub fn execute(
        &self,
        plugins: &Plugins,
        command: Vec<String>,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<ExitStatus, CliError> {
        match &self.command {
            Command::Run(args) => run::run(args, plugins, command, out, err),
            Command::Plan(args) => Ok(plan::run(args, plugins, out, err).map(|()| ExitStatus::Done)?),
            Command::Selftest(args) => selftest::run(args, plugins, out, err),
            Command::Detect(args) => detect::run(args, plugins, out, err).map(|()| ExitStatus::Done),
            Command::Replay(args) => replay::run(args, plugins, out, err),
            Command::Pin(args) => pin::run(args, out),
            Command::Import(args) => import::run(args, out, err).map(|()| ExitStatus::Done),
            Command::Audit(args) => audit::run(args, out).map(|()| ExitStatus::Done),
            Command::ParseReply(args) => parse_reply::run(args, plugins, out).map(|()| ExitStatus::Done),
            Command::Schema(args) => schema::run(args, plugins, out).map(|()| ExitStatus::Done),
        }
    }
}

/// The whole program, with these plugins inside: reads the command line, does what it asks for, prints errors to
/// stderr, and says with which code to end. A third party's `main` is this and nothing else:
///
/// ```no_run
/// use vendomini::prelude::*;
///
/// fn my_plugin(app: &mut App) {
///     // app.add_tool(…).add_shock(…).add_crash_detector(…).add_agent(…);
/// }
///
/// fn main() -> std::process::ExitCode {
///     vendomini::main_with(Plugins::default().with(my_plugin, env!("CARGO_PKG_VERSION")))
/// }
/// ```
#[must_use]
pub fn main_with(plugins: Plugins) -> ExitCode {
    let command = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let command = std::iter::once("vendomini".to_owned()).chain(command).collect();
    let status = match Cli::parse().execute(&plugins, command, &mut io::stdout(), &mut io::stderr()) {
        Ok(status) => status,
        Err(error) => {
            // Without a place for messages the exit code still tells.
            let _ = print_error(&error, &mut io::stderr());
            error.exit_status()
        }
    };
    ExitCode::from(status as u8)
}

/// Prints an error and its causes. A list of errors is printed line by line.
///
/// # Errors
/// When `err` cannot be written.
pub fn print_error(error: &dyn Error, err: &mut dyn Write) -> io::Result<()> {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.lines().try_for_each(|line| writeln!(err, "error: {line}"))
}

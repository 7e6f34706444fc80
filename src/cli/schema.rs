//! The verb `schema`: JSON Schema (draft 2020-12) of what goes into this program and comes out of it.
//!
//! Experiment files by [`config::json_schema`], records by [`record::schema`], tools by their register.

use std::io::{self, BufWriter, Write};

use bevy::prelude::World;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::CliError;
use crate::config;
use crate::interface::card_rule::{CardRule, card_schema};
use crate::plugins::Plugins;
use crate::record;
use crate::simulation::registered::registered;
use crate::tool::registry::ToolRegistry;

const EXAMPLES: &str = "\
Examples:
  vendomini schema config > experiment.schema.json
          then, for editors that know YAML, as the first line of an experiment file:
          # yaml-language-server: $schema=experiment.schema.json
  vendomini schema tools | jq '.tools.tool_order.arguments'
          what a tool takes
  vendomini schema
          all of them, as one object by name

Output: with one NAME, its schema alone; otherwise an object with those named, or with all.
tools is no schema but {\"tools\": {NAME: {description, offered, arguments}}, \"prediction_card\": ...},
where arguments and prediction_card are schemas. A language model is asked for the card as the
argument prediction, with the fields that the interface offers.

Exit codes:
  0  done
  2  the command line is wrong
  3  something is wrong with the plugins of this program
  4  the output cannot be written";

/// Arguments of `schema`. What the verb does stands with the verb, where the help takes it from.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SchemaArgs {
    /// What to print the schema of; everything without it
    #[arg(value_name = "NAME", value_enum)]
    pub names: Vec<Subject>,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// An experiment file
    Config,
    /// A line of steps.jsonl
    Step,
    /// A line of events.jsonl
    Event,
    /// A line of deliberations.jsonl, which runs of language models have
    Deliberation,
    /// summary.json
    Summary,
    /// manifest.json
    Manifest,
    /// A line of connections.jsonl, which experiments with language models at a server have
    Connection,
    /// The tools and what they take, and the prediction card
    Tools,
}

impl Subject {
    fn name(self) -> &'static str {
        match self {
            Subject::Config => "config",
            Subject::Step => "step",
            Subject::Event => "event",
            Subject::Deliberation => "deliberation",
            Subject::Summary => "summary",
            Subject::Manifest => "manifest",
            Subject::Connection => "connection",
            Subject::Tools => "tools",
        }
    }

    /// The schema, in a program with what this World has registered.
    fn schema(self, world: &World) -> Value {
        match self {
            Subject::Config => {
                let registered = registered(world);
                config::json_schema(&|path| registered.names_for(path))
            }
            Subject::Step => record::schema::step(),
            Subject::Event => record::schema::event(),
            Subject::Deliberation => record::schema::deliberation(),
            Subject::Summary => record::schema::summary(),
            Subject::Manifest => record::schema::manifest(),
            Subject::Connection => record::schema::connection(),
            Subject::Tools => tools(world),
        }
    }
}

/// Prints schemas.
///
/// # Errors
/// When something is wrong with the plugins or the output cannot be written. A reader that stops reading is no error.
pub fn run(args: &SchemaArgs, plugins: &Plugins, out: &mut dyn Write) -> Result<(), CliError> {
    let app = plugins.finished()?;
    let subjects = if args.names.is_empty() { Subject::value_variants() } else { &args.names };
    let schema = match subjects {
        [only] => only.schema(app.world()),
        several => several.iter().map(|subject| (subject.name().to_owned(), subject.schema(app.world()))).collect(),
    };
    match write(&schema, out) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn write(schema: &Value, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, schema)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn tools(world: &World) -> Value {
    let registry = world.get_resource::<ToolRegistry>();
    let tools = registry.into_iter().flat_map(|registry| {
        registry.specs().map(|spec| {
            let tool = json!({
                "description": spec.description,
                "offered": spec.availability.reason(),
                "arguments": registry.arguments(spec.name),
            });
            (spec.name.to_owned(), tool)
        })
    });
    let tools: Map<String, Value> = tools.collect();
    json!({"tools": tools, "prediction_card": card_schema(&CardRule::widest())})
}

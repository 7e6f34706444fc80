//! The verb `parse-reply`: what the reply parsers make of replies, for work on prompts.
//!
//! One JSON line a reply goes to `out`. The reading is [`agent::reply`](crate::agent::reply)'s, and for a native one
//! that of chat completions; this module finds the replies in a file.

use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::CliError;
use crate::agent::action::Action;
use crate::agent::provider::dialect::Dialect;
use crate::agent::provider::reply::ModelReply;
use crate::agent::reply::{KnownTool, ReadReply, Unreadable, read_text, read_tool_calls};
use crate::config::settings::ReplyFormat;
use crate::prediction::card::Card;
use crate::record::lenient;
use crate::tool::name;

const EXAMPLES: &str = "\
Examples:
  vendomini parse-reply reply.txt
          why the program cannot read this reply
  vendomini parse-reply replies.jsonl | grep -c '\"unreadable\":null'
          how many of these replies it can read
  vendomini parse-reply --format tool_calls --tools tool_order,tool_wait - < response.json

Input: when the first line with content is a JSON object with the key raw, each line must be one,
and each raw is a reply. Otherwise the whole input is one reply. With --format tool_calls a reply
is a message of a chat completion, or a whole response, as an object or as text:
  {\"content\": ..., \"tool_calls\": [{\"id\": ..., \"function\": {\"name\": ..., \"arguments\": ...}}]}
Other text is a message that calls no tool.

Output, a line a reply: line, action (tool and args), card, card_problem, thoughts, and unreadable
(the reason, and in detail the sentence that the model is sent). What there is not is null.

Exit codes:
  0  all replies were looked at, readable or not
  2  the command line is wrong
  6  the input cannot be read";

/// Flags of `parse-reply`. What the verb does stands with the verb, where the help takes it from.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ParseReplyArgs {
    /// How the model was asked to reply
    #[arg(long, value_enum, default_value_t = ReplyFormat::Text)]
    pub format: ReplyFormat,

    /// The tools that it was offered, by name; all built-in ones without it
    ///
    /// A name that is not built in stands for a tool that can be called without arguments.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub tools: Vec<String>,

    /// File of replies, or - for stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

impl ValueEnum for ReplyFormat {
    fn value_variants<'a>() -> &'a [ReplyFormat] {
        &[ReplyFormat::Text, ReplyFormat::ToolCalls]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            ReplyFormat::Text => "Lines that start with THOUGHTS:, ACTION:, ARGS:, PREDICTION:, SUCCESS:",
            ReplyFormat::ToolCalls => "Native tool calls",
        };
        Some(PossibleValue::new(self.word()).help(help))
    }
}

/// Why there are no replies to read.
#[derive(Debug, Error)]
pub enum RepliesError {
    /// There is no such file.
    #[error("{0}: there is no such file; name a file of replies, or - for stdin")]
    Missing(String),
    /// The system does not let it be read.
    #[error("{name} cannot be read; name a file of replies, or - for stdin")]
    Io {
        /// The file.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is not text.
    #[error("{0}: not UTF-8; save it as UTF-8 text")]
    NotText(String),
    /// One of its lines holds no reply.
    #[error("{name}, line {line}: {why}; each line must be an object with {wanted} under raw, since the first has raw")]
    Line {
        /// The file.
        name: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
        /// What stands under `raw` in this format.
        wanted: &'static str,
    },
}

/// A line of the output.
#[derive(Serialize)]
struct Parsed<'a> {
    line: usize,
    action: Option<&'a Action>,
    card: Option<&'a Card>,
    card_problem: Option<&'a str>,
    thoughts: Option<&'a str>,
    unreadable: Option<&'a Unreadable>,
}

impl<'a> Parsed<'a> {
    fn new(line: usize, read: &'a ReadReply) -> Parsed<'a> {
        let call = read.call.as_ref().ok();
        Parsed {
            line,
            action: call.map(|call| &call.action),
            card: call.and_then(|call| call.card.as_ref()),
            card_problem: call.and_then(|call| call.card_problem.as_deref()),
            thoughts: read.thoughts.as_deref(),
            unreadable: read.call.as_ref().err(),
        }
    }
}

/// Reads replies and says what was read.
///
/// # Errors
/// When the input cannot be read, or the output cannot be written. A reader that stops reading is no error.
pub fn run(args: &ParseReplyArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let tools = known(&args.tools);
    let replies = replies(&args.file, args.format)?;
    match write(&replies, args.format, &tools, out) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn known(names: &[String]) -> Vec<KnownTool> {
    let tool = |tool: &str| KnownTool { name: tool.to_owned(), needs_arguments: name::NEED_ARGUMENTS.contains(&tool) };
    if names.is_empty() {
        return name::ALL.map(tool).to_vec();
    }
    names.iter().map(|name| tool(name)).collect()
}

fn write(replies: &[(usize, Value)], format: ReplyFormat, tools: &[KnownTool], out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    for (line, raw) in replies {
        let read = match format {
            ReplyFormat::Text => read_text(raw.as_str().unwrap_or_default(), tools),
            ReplyFormat::ToolCalls => read_tool_calls(&message(raw), tools),
        };
        serde_json::to_writer(&mut out, &Parsed::new(*line, &read))?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// The replies of a file, each with the line on which it begins.
fn replies(file: &Path, format: ReplyFormat) -> Result<Vec<(usize, Value)>, RepliesError> {
    let (name, bytes) = if file == Path::new("-") {
        let mut bytes = Vec::new();
        ("stdin".to_owned(), io::stdin().read_to_end(&mut bytes).map(|_| bytes))
    } else {
        (file.display().to_string(), fs::read(file))
    };
    let bytes = bytes.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => RepliesError::Missing(name.clone()),
        _ => RepliesError::Io { name: name.clone(), source },
    })?;
    let text = String::from_utf8(bytes).map_err(|_| RepliesError::NotText(name.clone()))?;
    let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()).peekable();
    let is_lines = lines.peek().is_some_and(|(line, _)| object(line).is_ok_and(|line| line.get("raw").is_some()));
    if !is_lines {
        return Ok(vec![(1, Value::String(text))]);
    }
    lines.map(|(text, line)| Ok((line, raw(text, format).map_err(|why| wrong(&name, line, why, format))?))).collect()
}

fn wrong(name: &str, line: usize, why: String, format: ReplyFormat) -> RepliesError {
    let wanted = match format {
        ReplyFormat::Text => "a text",
        ReplyFormat::ToolCalls => "a text or an object",
    };
    RepliesError::Line { name: name.to_owned(), line, why, wanted }
}

fn object(line: &str) -> Result<Value, String> {
    match lenient::parse(line.as_bytes()) {
        Ok((value, _)) if value.is_object() => Ok(value),
        Ok(_) => Err("it is no object".to_owned()),
        Err(why) => Err(why),
    }
}

fn raw(line: &str, format: ReplyFormat) -> Result<Value, String> {
    match (object(line)?.get_mut("raw").map(Value::take), format) {
        (None, _) => Err("it has no raw".to_owned()),
        (Some(raw @ Value::String(_)), _) | (Some(raw @ Value::Object(_)), ReplyFormat::ToolCalls) => Ok(raw),
        (Some(other), _) => Err(format!("raw is {}", crate::config::shown(&other.to_string()))),
    }
}

/// The reply in a message of a chat completion, or in a whole response.
fn message(raw: &Value) -> ModelReply {
    let said = match raw.as_str() {
        None => raw.clone(),
        Some(text) => match object(text) {
            Ok(object) if ["choices", "tool_calls", "content"].iter().any(|key| object.get(key).is_some()) => object,
            _ => return ModelReply { content: text.to_owned(), ..ModelReply::default() },
        },
    };
    let response = if said.get("choices").is_some() { said } else { json!({ "choices": [{ "message": said }] }) };
    // A response without a reply says nothing.
    Dialect::OpenAiChat.read(&response.to_string()).unwrap_or_default()
}

//! The verb `parse-reply`: what the reply parsers make of replies, for work on prompts.
//!
//! One JSON line a reply goes to `out`. The reading is [`agent::reply`](crate::llm::reply)'s, and that of answers the
//! [`Dialect`]'s; this module finds the replies in a file and knows their shapes.

use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use bevy::ecs::world::World;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use super::CliError;
use crate::base::card::Card;
use crate::base::decision::Action;
use crate::config::settings::ReplyFormat;
use crate::llm::provider::dialect::{Dialect, ReadError};
use crate::llm::provider::reply::{Finish, ModelReply, RawToolCall};
use crate::llm::reply;
use crate::llm::reply::{KnownTool, ReadReply, Unreadable};
use crate::plugins::Plugins;
use crate::record::lenient;
use crate::tool::registry::ToolRegistry;

const EXAMPLES: &str = "\
Examples:
  vendomini parse-reply reply.txt
          why the program cannot read this reply
  vendomini parse-reply replies.jsonl | grep -c '\"unreadable\":null'
          how many of these replies it can read
  vendomini parse-reply --format tool_calls results/demo/runs/demo_c0_r0/deliberations.jsonl
          how the last reply of each decision of a run is read
  vendomini parse-reply --format tool_calls --tools tool_order,tool_wait - < response.json

Input: when the first line with content is a JSON object with the key raw, each line must be one,
and each raw is a reply. When it is an answer of a server, each line must be an object. Otherwise
the whole input is one reply. A reply is a text, or an object of one of these shapes:
  {\"content\": ..., \"tool_calls\": [{\"name\": ..., \"arguments\": ...}], \"finish\": ...}  our records
  {\"choices\": [{\"message\": {...}, \"finish_reason\": ...}]}         a chat completion
  {\"content\": ..., \"tool_calls\": [{\"function\": {...}}]}           its message alone
  {\"type\": \"message\", \"content\": [...], \"stop_reason\": ...}     a message of Anthropic

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

    /// The tools that it was offered, by name; all that this program has without it
    ///
    /// Another name stands for a tool that can be called without arguments.
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
    #[error("{name}, line {line}: {why}; each line must be {wanted}")]
    Line {
        /// The file.
        name: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
        /// What each line must be, by the first.
        wanted: &'static str,
    },
}

/// What stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// One reply.
    Whole,
    /// A reply under `raw` a line.
    Raw,
    /// An answer of a server a line.
    Answers,
}

impl Layout {
    fn wanted(self) -> &'static str {
        match self {
            Layout::Raw => "an object with a text or an object under raw, since the first has raw",
            Layout::Whole | Layout::Answers => "an object, since the first is an answer of a server",
        }
    }
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
/// When something is wrong with the plugins, the input cannot be read, or the output cannot be written. A reader that
/// stops reading is no error.
pub fn run(args: &ParseReplyArgs, plugins: &Plugins, out: &mut dyn Write) -> Result<(), CliError> {
    let tools = known(&args.tools, plugins.finished()?.world());
    let replies = replies(&args.file, args.format)?;
    match write(&replies, args.format, &tools, out) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The tools of a program, or those of these names.
fn known(names: &[String], world: &World) -> Vec<KnownTool> {
    let registry = world.get_resource::<ToolRegistry>();
    let tool = |name: &str| {
        let arguments = registry.and_then(|registry| registry.arguments(name));
        KnownTool { name: name.to_owned(), needs_arguments: arguments.is_some_and(KnownTool::needs_arguments) }
    };
    if names.is_empty() {
        return registry.into_iter().flat_map(ToolRegistry::specs).map(|spec| tool(spec.name)).collect();
    }
    names.iter().map(|name| tool(name)).collect()
}

fn write(
    replies: &[(usize, ModelReply)],
    format: ReplyFormat,
    tools: &[KnownTool],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    for (line, reply) in replies {
        let read = reply::read(reply, format, tools);
        serde_json::to_writer(&mut out, &Parsed::new(*line, &read))?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// The replies of a file, each with the line on which it begins.
fn replies(file: &Path, format: ReplyFormat) -> Result<Vec<(usize, ModelReply)>, RepliesError> {
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
    // Editors on Windows put a mark before the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()).peekable();
    let layout = lines.peek().map_or(Layout::Whole, |(first, _)| layout(first));
    if layout == Layout::Whole {
        return Ok(vec![(1, whole(text, format))]);
    }
    let reply = |(text, line)| {
        let read = match layout {
            Layout::Raw => raw(text, format),
            _ => object(text).map(|value| from_object(text, value)),
        };
        let wrong = |why| RepliesError::Line { name: name.clone(), line, why, wanted: layout.wanted() };
        Ok((line, read.map_err(wrong)?))
    };
    lines.map(reply).collect()
}

/// What stands in a file, by its first line with content.
fn layout(first: &str) -> Layout {
    match object(first) {
        Ok(line) if line.get("raw").is_some() => Layout::Raw,
        Ok(line) if is_answer(&line) => Layout::Answers,
        _ => Layout::Whole,
    }
}

fn object(text: &str) -> Result<Value, String> {
    match lenient::parse(text.as_bytes()) {
        Ok((value, _)) if value.is_object() => Ok(value),
        Ok(_) => Err("it is no object".to_owned()),
        Err(why) => Err(why),
    }
}

/// The reply under `raw`.
fn raw(line: &str, format: ReplyFormat) -> Result<ModelReply, String> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        raw: &'a RawValue,
    }
    match object(line)?.get_mut("raw").map(Value::take) {
        None => Err("it has no raw".to_owned()),
        // A model's text is its text, whatever it looks like.
        Some(Value::String(text)) if format == ReplyFormat::Text => Ok(said(text)),
        Some(Value::String(text)) => Ok(whole(&text, format)),
        Some(value @ Value::Object(_)) => {
            // As it was written, where that is JSON: a value has forgotten what was stated twice.
            let written =
                serde_json::from_str::<Line<'_>>(line).map_or_else(|_| value.to_string(), |l| l.raw.to_string());
            Ok(from_object(&written, value))
        }
        Some(other) => Err(format!("raw is {}", crate::config::shown(&other.to_string()))),
    }
}

/// The reply that a text is. Where text is asked for, only what can be nothing else is an object.
fn whole(text: &str, format: ReplyFormat) -> ModelReply {
    let is_reply = |object: &Value| match format {
        ReplyFormat::Text => is_answer(object),
        ReplyFormat::ToolCalls => ["choices", "tool_calls", "content"].iter().any(|key| object.get(key).is_some()),
    };
    match object(text) {
        Ok(object) if is_reply(&object) => from_object(text, object),
        _ => said(text.to_owned()),
    }
}

/// A reply of nothing but text.
fn said(content: String) -> ModelReply {
    ModelReply { content, ..ModelReply::default() }
}

/// Whether an object is the whole answer of a server.
fn is_answer(object: &Value) -> bool {
    object.get("choices").is_some_and(Value::is_array) || is_anthropic(object)
}

fn is_anthropic(object: &Value) -> bool {
    let blocks = object.get("content").and_then(Value::as_array);
    let is_block =
        |block: &Value| matches!(block["type"].as_str(), Some("tool_use" | "thinking" | "redacted_thinking"));
    blocks.is_some_and(|blocks| object.get("type").is_some_and(|kind| kind == "message") || blocks.iter().any(is_block))
}

/// A reply as deliberation records hold it.
#[derive(Deserialize)]
struct Ours {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(default)]
    tool_calls: Vec<OurCall>,
    #[serde(default)]
    finish: Finish,
}

#[derive(Deserialize)]
struct OurCall {
    name: String,
    #[serde(default)]
    arguments: String,
}

impl From<Ours> for ModelReply {
    fn from(Ours { content, reasoning, tool_calls, finish }: Ours) -> ModelReply {
        let call = |OurCall { name, arguments }| RawToolCall { id: String::new(), name, arguments };
        let (content, tool_calls) = (content.unwrap_or_default(), tool_calls.into_iter().map(call).collect());
        ModelReply { content, reasoning, tool_calls, finish, ..ModelReply::default() }
    }
}

/// The reply in an object of a known shape; `text` is the object as it was written.
fn from_object(text: &str, object: Value) -> ModelReply {
    let is_ours = object.get("finish").is_some()
        || object.pointer("/tool_calls/0/name").is_some() && object.pointer("/tool_calls/0/function").is_none();
    if is_ours && let Ok(ours) = Ours::deserialize(&object) {
        return ours.into();
    }
    let read = |text: &str| match () {
        () if is_anthropic(&object) => Dialect::AnthropicMessages.read(text),
        () if object.get("choices").is_some() => Dialect::OpenAiChat.read(text),
        () => Dialect::OpenAiChat.read(&format!("{{\"choices\":[{{\"message\":{text}}}]}}")),
    };
    let reply = match read(text) {
        // Python writes what is no strict JSON.
        Err(ReadError::NotJson(_)) => read(&object.to_string()),
        other => other,
    };
    // An answer without a reply says nothing.
    reply.unwrap_or_default()
}

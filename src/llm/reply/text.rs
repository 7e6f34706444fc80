//! Replies in the text format: lines that start with `THOUGHTS:`, `ACTION:`, `ARGS:`, `PREDICTION:` and `SUCCESS:`.
//!
//! The last line that starts with `ACTION:` decides, whatever stands before it. Its arguments are the first `ARGS:`
//! behind it, its card is made of the `PREDICTION:` and `SUCCESS:` behind it. A marker counts at the start of a line,
//! spaces aside, in capitals and without decoration; the tool's name is the whole rest of its line.

use serde_json::{Map, Value};

use crate::base::card::Card;
use crate::base::decision::Action;
use crate::llm::provider::reply::Finish;
use crate::llm::reply::arguments;
use crate::llm::reply::arguments::Wrong;
use crate::llm::reply::card;
use crate::llm::reply::card::Draft;
use crate::llm::reply::json;
use crate::llm::reply::json::Fault;
use crate::llm::reply::{KnownTool, ReadCall, ReadReply, Reason, Unreadable, in_quotes, known, names, said};

type Args = Map<String, Value>;

const ONE_ARGS: &str = "write ARGS: followed by one JSON object";

/// A line's beginning that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// `THOUGHTS:`
    Thoughts,
    /// `ACTION:`
    Action,
    /// `ARGS:`
    Args,
    /// `PREDICTION:`
    Prediction,
    /// `SUCCESS:`
    Success,
}

impl Marker {
    /// All markers, in the order in which a reply is asked to have them.
    pub const ALL: [Marker; 5] = [Marker::Thoughts, Marker::Action, Marker::Args, Marker::Prediction, Marker::Success];

    /// The marker as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Marker::Thoughts => "THOUGHTS:",
            Marker::Action => "ACTION:",
            Marker::Args => "ARGS:",
            Marker::Prediction => "PREDICTION:",
            Marker::Success => "SUCCESS:",
        }
    }
}

/// What stands behind the last marker of a kind, up to the end of its line. `None` when there is no such marker.
#[must_use]
pub fn last_line(raw: &str, marker: Marker) -> Option<&str> {
    raw.lines().rev().find_map(|line| line.trim().strip_prefix(marker.word())).map(str::trim)
}

/// Reads a reply in the text format. `finish` says why it ended: one that was cut at the limit of tokens is not read as
/// if the model had meant to end there.
#[must_use]
pub fn read_text(raw: &str, finish: Finish, tools: &[KnownTool]) -> ReadReply {
    let sections = sections(raw);
    let deciding = sections.iter().rposition(|section| section.marker == Marker::Action);
    let before = &sections[..deciding.unwrap_or(sections.len())];
    let thoughts = match before.iter().rfind(|section| section.marker == Marker::Thoughts) {
        Some(section) => said(section.body),
        None => said(&raw[..deciding.map_or(raw.len(), |at| sections[at].start)]),
    };
    let call = match deciding {
        None => Err(no_action(raw, finish, tools)),
        Some(at) => match cut_within(&sections[at..], finish) {
            Some(what) => Err(truncated(what)),
            None => read_call(&sections[at], &sections[at + 1..], tools),
        },
    };
    ReadReply { thoughts, call }
}

/// A marker with what stands behind it, up to the next marker.
struct Section<'a> {
    marker: Marker,
    /// Where its line begins, in bytes.
    start: usize,
    body: &'a str,
    /// Whether the reply ends with it.
    is_last: bool,
}

impl Section<'_> {
    /// The rest of the marker's line.
    fn line(&self) -> &str {
        self.body.lines().next().unwrap_or_default().trim()
    }

    /// The object of a prediction card, with what stands behind it. It begins on the marker's line or is the first thing
    /// behind it; an object further down is about something else.
    fn object(&self) -> Option<&str> {
        let line = self.body.lines().next().unwrap_or_default();
        match line.find('{') {
            Some(at) => Some(&self.body[at..]),
            None => Some(arguments::out_of_fence(self.body)).filter(|text| text.starts_with('{')),
        }
    }

    /// Whether nothing stands on the marker's line, and nothing on the next.
    fn is_left_blank(&self) -> bool {
        self.body.lines().take(2).all(|line| line.trim().is_empty())
    }
}

fn sections(raw: &str) -> Vec<Section<'_>> {
    // Where the line of a marker begins, and what stands behind the marker.
    let mut starts: Vec<(Marker, usize, usize)> = Vec::new();
    let mut start = 0;
    for line in raw.split_inclusive('\n') {
        let text = line.trim_start();
        if let Some(marker) = Marker::ALL.into_iter().find(|marker| text.starts_with(marker.word())) {
            starts.push((marker, start, start + line.len() - text.len() + marker.word().len()));
        }
        start += line.len();
    }
    let ends = starts.iter().skip(1).map(|(_, start, _)| *start).chain([raw.len()]);
    let section =
        |(&(marker, start, body), end)| Section { marker, start, body: &raw[body..end], is_last: end == raw.len() };
    starts.iter().zip(ends).map(section).collect()
}

fn no_action(raw: &str, finish: Finish, tools: &[KnownTool]) -> Unreadable {
    let (reason, what) = match said(raw) {
        _ if finish == Finish::Length => {
            (Reason::Truncated, "the reply was cut at the limit of tokens before a line that starts with ACTION:")
        }
        None => (Reason::Empty, "the reply is empty"),
        Some(_) => (Reason::NoAction, "no line of the reply starts with ACTION:"),
    };
    reason.because(format!(
        "{what}; write a line that starts with ACTION: followed by the name of one of these tools: {}",
        names(tools)
    ))
}

/// Where a reply was cut at the limit of tokens, if that is within its call: `None` for one whose call is whole.
fn cut_within(call: &[Section<'_>], finish: Finish) -> Option<&'static str> {
    let last = call.last().filter(|_| finish == Finish::Length)?;
    let inside = arguments::out_of_fence(last.body);
    let is_cut = match last.marker {
        // The name of a tool may be the beginning of another, and arguments may have been to come.
        Marker::Action => said(&last.body[last.body.lines().next().map_or(0, str::len)..]).is_none(),
        Marker::Args => inside.is_empty() || breaks_off(inside),
        Marker::Prediction => inside.is_empty() || last.object().is_some_and(breaks_off),
        Marker::Thoughts | Marker::Success => false,
    };
    let what = match last.marker {
        Marker::Action => "ACTION:",
        Marker::Args => "its arguments",
        _ => "its prediction",
    };
    is_cut.then_some(what)
}

fn breaks_off(object: &str) -> bool {
    object.starts_with('{') && json::object(object).is_err_and(|fault| fault == Fault::BreaksOff)
}

fn truncated(what: &str) -> Unreadable {
    Reason::Truncated.because(format!(
        "the reply was cut at the limit of tokens within {what}; write less before it, and all lines of the form"
    ))
}

/// The name on an ACTION line: a remark behind `#` is none of it, nor are spaces and quotes around it.
fn named(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim_matches([' ', '\t', '"', '\''])
}

fn read_call(deciding: &Section<'_>, behind: &[Section<'_>], tools: &[KnownTool]) -> Result<ReadCall, Unreadable> {
    let remedy = "behind the last ACTION: write the name of one of these tools, and nothing else on that line";
    let tool = known(named(deciding.line()), tools, remedy)?;
    let of = |marker| behind.iter().filter(move |section| section.marker == marker);
    let mut stated = of(Marker::Args).map(read_args);
    let args = stated.next().transpose()?.flatten();
    if !stated.all(|other| other.is_ok_and(|other| meant(&other) == meant(&args))) {
        return Err(Reason::ArgumentsDiffer.because(
            "more than one ARGS: stands behind the last ACTION:, and they differ; write one action with one ARGS:",
        ));
    }
    let args = arguments::for_tool(args, tool, ONE_ARGS)?;
    let (card, card_problem) = read_card(of(Marker::Prediction), of(Marker::Success));
    Ok(ReadCall { action: Action { tool: tool.name.clone(), args }, card, card_problem, call_id: None })
}

/// No arguments and an empty object are the same.
fn meant(args: &Option<Args>) -> Option<&Args> {
    args.as_ref().filter(|args| !args.is_empty())
}

fn read_args(section: &Section<'_>) -> Result<Option<Args>, Unreadable> {
    let wrong = match arguments::stated(section.body) {
        Ok(None) => return Ok(None),
        Ok(Some(members)) => match members.read() {
            Ok(args) => return Ok(Some(args)),
            Err(fault) => Wrong::Object(fault),
        },
        // Text behind arguments that were left blank.
        Err(Wrong::NoJson) if section.is_left_blank() => return Ok(None),
        Err(wrong) => wrong,
    };
    if wrong == Wrong::Object(Fault::BreaksOff) && section.is_last {
        return Err(Reason::Truncated.because(format!(
            "the reply ends within the arguments {}; write less before them, and {ONE_ARGS}",
            in_quotes(section.body.trim())
        )));
    }
    Err(arguments::unreadable(&wrong, section.body, ONE_ARGS))
}

/// The card of an action, from all that is predicted behind it. What is stated twice, differently, is not stated.
fn read_card<'a>(
    predictions: impl Iterator<Item = &'a Section<'a>>,
    successes: impl Iterator<Item = &'a Section<'a>>,
) -> (Option<Card>, Option<String>) {
    let mut prose = false;
    let drafts = predictions.filter_map(|section| {
        let object = section.object().map(Draft::read);
        prose |= object.is_none() && said(section.body).is_some();
        object
    });
    let draft = card::only(drafts.collect(), "PREDICTION:");
    let mut draft = match draft {
        Some(draft) => draft,
        None if prose => Draft::problem("PREDICTION: holds no JSON object"),
        None => Draft::default(),
    };
    let mut said: Vec<Option<bool>> = successes.filter_map(|section| stated_success(section.body)).collect();
    said.dedup();
    match said.as_slice() {
        [] => {}
        [Some(success)] => draft.succeeds(*success),
        [None] => draft.problems.push("SUCCESS: must be true or false".to_owned()),
        _ => draft.problems.push("SUCCESS: is stated twice, differently".to_owned()),
    }
    draft.finish()
}

/// How remarks begin.
const REMARK: [char; 9] = ['.', ',', ';', ':', '!', '#', '(', '–', '—'];

/// Whether an action will succeed, by the first line with content: `Some(None)` when that is neither true nor false,
/// or both, or on a condition; `None` without content. A remark may follow, as in `True (it is cheap)`.
fn stated_success(body: &str) -> Option<Option<bool>> {
    let line = body.lines().map(str::trim).find(|line| !line.is_empty())?.to_ascii_lowercase();
    let line = line.trim_matches(['"', '\'', '`', '*']);
    let (word, rest) = line.split_at(line.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(line.len()));
    let (success, contrary) = match word {
        "true" => (true, "false"),
        "yes" => (true, "no"),
        "false" => (false, "true"),
        "no" => (false, "yes"),
        _ => return Some(None),
    };
    // A hyphen without a space beside it belongs to a longer word.
    let is_dash = |rest: &str| rest.starts_with(" -") || rest.starts_with("- ");
    let is_remark = rest.is_empty() || rest.trim_start().starts_with(REMARK) || is_dash(rest);
    let mut words = rest.split(|letter: char| !letter.is_alphanumeric());
    Some((is_remark && words.all(|word| word != contrary && word != "if")).then_some(success))
}

#[cfg(test)]
mod tests;

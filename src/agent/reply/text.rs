//! Replies in the text format: lines that start with `THOUGHTS:`, `ACTION:`, `ARGS:`, `PREDICTION:` and `SUCCESS:`.
//!
//! The last line that starts with `ACTION:` decides, whatever stands before it. Its arguments are the first `ARGS:`
//! behind it, its card is made of the `PREDICTION:` and `SUCCESS:` behind it. A marker counts at the start of a line,
//! spaces aside, in capitals and without decoration; the tool's name is the whole rest of its line.

use serde_json::{Map, Value};

use super::arguments::{self, Wrong};
use super::card::{self, Draft};
use super::json::{self, Fault};
use super::{KnownTool, ReadCall, ReadReply, Reason, Unreadable, in_quotes, known, names, said};
use crate::agent::action::Action;
use crate::agent::provider::reply::Finish;
use crate::prediction::card::Card;

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
    let is_cut = match last.marker {
        // The name of a tool may be the beginning of another, and arguments may have been to come.
        Marker::Action => said(&last.body[last.body.lines().next().map_or(0, str::len)..]).is_none(),
        Marker::Args => said(last.body).is_none() || breaks_off(arguments::out_of_fence(last.body)),
        Marker::Prediction => said(last.body).is_none() || last.object().is_some_and(breaks_off),
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
mod tests {
    use serde_json::json;

    use super::*;

    fn tools() -> Vec<KnownTool> {
        [("tool_order", true), ("tool_check_budget", false)]
            .map(|(name, needs_arguments)| KnownTool { name: name.to_owned(), needs_arguments })
            .to_vec()
    }

    fn read(raw: &str) -> Result<ReadCall, Unreadable> {
        read_text(raw, Finish::Stop, &tools()).call
    }

    #[track_caller]
    fn assert_args(raw: &str, expected: serde_json::Value) {
        let action = read(raw).unwrap_or_else(|unreadable| panic!("{raw}: {unreadable:?}")).action;
        assert_eq!(serde_json::Value::Object(action.args), expected, "{raw}");
    }

    #[track_caller]
    fn assert_reason(raw: &str, expected: Reason) {
        let call = read(raw);
        assert_eq!(call.as_ref().map_err(|unreadable| unreadable.reason), Err(expected), "{raw}: {call:?}");
    }

    #[test]
    fn a_whole_reply_is_read() {
        let raw = "THOUGHTS: Stock is low.\nI buy.\n\nACTION: tool_order\nARGS: {\"sku\": \"sku_0\", \"quantity\": 5}\n\
            PREDICTION: {\"expected_cost\": 12.5, \"confidence\": 0.9}\nSUCCESS: true\n";
        let read = read_text(raw, Finish::Stop, &tools());
        assert_eq!(read.thoughts.as_deref(), Some("Stock is low.\nI buy."));
        let call = read.call.unwrap();
        assert_eq!(call.action, Action::of("tool_order").with("sku", "sku_0").with("quantity", 5));
        let card =
            Card { expected_success: Some(true), expected_cost: Some(12.5), confidence: Some(0.9), ..Card::default() };
        assert_eq!((call.card, call.card_problem), (Some(card), None));
    }

    #[test]
    fn the_last_action_line_decides() {
        let budget = "ACTION: tool_check_budget\nARGS: {}\n";
        assert_args(&format!("ACTION: tool_order\nARGS: {{\"a\": 1}}\n  {budget}"), json!({}));
        assert_reason(&format!("{budget}ACTION: none"), Reason::UnknownTool);
        assert_reason(&format!("{budget}\tACTION:"), Reason::UnknownTool);
        assert_args(
            &format!("{budget}**ACTION: tool_order**\nFINAL ACTION: tool_order\nAction: tool_order"),
            json!({}),
        );
        assert_args("ACTION:tool_check_budget \r\nARGS: {}\r\n", json!({}));
        for raw in ["I order.", "FINAL ACTION: tool_order\nARGS: {}", "**ACTION:** tool_order", "action: tool_order"] {
            assert_reason(raw, Reason::NoAction);
        }
        assert_reason(" \n ", Reason::Empty);
    }

    #[test]
    fn the_tool_is_the_whole_rest_of_the_line() {
        for rest in ["`tool_order`", "tool_order.", "tool_order ARGS: {}", "<tool_name>", "TOOL_ORDER"] {
            assert_reason(&format!("ACTION: {rest}\nARGS: {{\"a\": 1}}"), Reason::UnknownTool);
        }
    }

    #[test]
    fn a_remark_and_quotes_are_no_part_of_the_name() {
        for rest in ["tool_order  # buy", "\"tool_order\"", "'tool_order' # so"] {
            assert_args(&format!("ACTION: {rest}\nARGS: {{\"a\": 1}}"), json!({"a": 1}));
        }
    }

    #[test]
    fn arguments_are_the_first_behind_the_action() {
        assert_args("ARGS: {\"a\": 1}\nACTION: tool_order\nPREDICTION: {}\nARGS: {\"a\": 2}", json!({"a": 2}));
        assert_args("ACTION: tool_order\nARGS:\n\n```json\n{\n\"a\": 2\n}\n```\nso", json!({"a": 2}));
        assert_args("ACTION: tool_order\nARGS: {'a': 'b', 'c': None}  # so", json!({"a": "b", "c": null}));
        assert_args("ACTION: tool_order\nARGS: {\"a\": 2}\nbut not {\"a\": 3}", json!({"a": 2}));
        assert_args("ACTION: tool_order\nARGS: {\"a\": 2}\nARGS: {'a': 2} ", json!({"a": 2}));
        assert_reason("ACTION: tool_order\nARGS: {\"a\": 2}\nARGS: {\"a\": 3}", Reason::ArgumentsDiffer);
        assert_reason("ACTION: tool_order\nARGS: {\"a\": 2}\nARGS: {\"a\":", Reason::ArgumentsDiffer);
        assert_reason("ACTION: tool_order\nARGS: {\"a\": 1, \"a\": 2}", Reason::ArgumentsUnreadable);
        assert_reason("ACTION: tool_order\nARGS: {\"a\": quantity}", Reason::ArgumentsUnreadable);
        assert_reason("ACTION: tool_order\nARGS: [5]", Reason::ArgumentsNotAnObject);
    }

    #[test]
    fn arguments_may_be_left_out_where_none_are_needed() {
        for args in
            ["", "\nARGS", "\nARGS:", "\nARGS: None", "\nARGS: null", "\nARGS:\n\nThen I wait.", "\nARGS: {}\nARGS:"]
        {
            assert_args(&format!("ACTION: tool_check_budget{args}"), json!({}));
        }
        for args in ["", "\nARGS: None", "\nARGS:\n\nsku_0", "\nPREDICTION: x"] {
            assert_reason(&format!("ACTION: tool_order{args}"), Reason::ArgumentsMissing);
        }
        for args in ["ARGS: none", "ARGS: ()", "ARGS:\nsku_0", "ARGS: sku_0"] {
            assert_reason(&format!("ACTION: tool_check_budget\n{args}"), Reason::ArgumentsUnreadable);
        }
        assert_args("ACTION: tool_order\nARGS: {}", json!({}));
    }

    #[test]
    fn arguments_that_break_off_with_the_reply_are_truncated() {
        assert_reason("ACTION: tool_order\nARGS: {\"sku\": \"sk", Reason::Truncated);
        assert_reason("ACTION: tool_order\nARGS: {'sku': 'sku_0',\n", Reason::Truncated);
        assert_reason("ACTION: tool_order\nARGS: {\"sku\": 1\nSUCCESS: true", Reason::ArgumentsUnreadable);
    }

    #[test]
    fn what_was_cut_at_the_limit_of_tokens_was_not_meant_to_end_there() {
        for (raw, otherwise) in [
            ("I think that", Some(Reason::NoAction)),
            ("", Some(Reason::Empty)),
            ("ACTION: tool_check_budget", None),
            ("ACTION: tool_check_budget\n\n", None),
            ("ACTION: tool_che", Some(Reason::UnknownTool)),
            ("ACTION: tool_check_budget\nARGS: ", None),
            ("ACTION: tool_order\nARGS:\n```json\n{\"a\": ", Some(Reason::Truncated)),
            ("ACTION: tool_order\nARGS: {\"a\": 1}\nPREDICTION:", None),
            ("ACTION: tool_order\nARGS: {\"a\": 1}\nPREDICTION: I say {\"expected_cost\": 1", None),
        ] {
            let reason = |finish| read_text(raw, finish, &tools()).call.err().map(|why| why.reason);
            assert_eq!(reason(Finish::Length), Some(Reason::Truncated), "{raw}");
            assert_eq!(reason(Finish::Other), otherwise, "{raw}");
        }
        for whole in [
            "ACTION: tool_check_budget\nARGS: {}",
            "ACTION: tool_order\nARGS: {\"a\": 1}\nPREDICTION: {\"expected_cost\": 1}",
            "ACTION: tool_order\nARGS: {\"a\": 1}\nPREDICTION: {\"expected_cost\": 1\nSUCCESS: tr",
        ] {
            assert!(read_text(whole, Finish::Length, &tools()).call.is_ok(), "{whole}");
        }
    }

    #[test]
    fn thoughts_stand_behind_their_marker_or_before_the_action() {
        let thoughts = |raw: &str| read_text(raw, Finish::Stop, &tools()).thoughts;
        for (raw, expected) in [
            ("THOUGHTS: a\nACTION: x\nTHOUGHTS: b\n c\nACTION: y\nTHOUGHTS: d", Some("b\n c")),
            ("a\n ACTION: x\nb\nACTION: y\nTHOUGHTS: d", Some("a\n ACTION: x\nb")),
            ("x\nTHOUGHTS: a\nPREDICTION: b", Some("a")),
            ("just prose", Some("just prose")),
            ("THOUGHTS:\nACTION: x", None),
            ("ACTION: x", None),
        ] {
            assert_eq!(thoughts(raw).as_deref(), expected, "{raw}");
        }
    }

    #[test]
    fn a_broken_card_leaves_the_action() {
        let card = |rest: &str| {
            let call = read(&format!("PREDICTION: {{\"confidence\": 1}}\nACTION: tool_check_budget\n{rest}")).unwrap();
            (call.card, call.card_problem.unwrap_or_default())
        };
        let success = |expected_success| Some(Card { expected_success, ..Card::default() });
        let cost = "PREDICTION: I think {'expected_cost': 5} it is";
        assert_eq!(card(cost), (Some(Card { expected_cost: Some(5.0), ..Card::default() }), String::new()));
        assert_eq!(card(&format!("{cost}\n{cost}")).0, card(cost).0);
        for below in
            ["PREDICTION:\n\n{'expected_cost': 5.0}", "PREDICTION: ```json\n{\"expected_cost\": 5}\n```\nso {}"]
        {
            assert_eq!(card(below), card(cost), "{below}");
        }
        assert_eq!(card(""), (None, String::new()));
        for (rest, problem) in [
            ("PREDICTION: it will be {cheap}", "the prediction cannot be read: key must be a string"),
            ("PREDICTION: it will be cheap", "PREDICTION: holds no JSON object"),
            ("PREDICTION: cheap\n{\"confidence\": 1}", "PREDICTION: holds no JSON object"),
            ("PREDICTION:\nThe server said:\n```json\n{\"confidence\": 1}\n```", "PREDICTION: holds no JSON object"),
            ("PREDICTION: {\"confidence\": 1}\nPREDICTION: {\"confidence\": 2}", "PREDICTION: is stated twice"),
            ("SUCCESS: true\nSUCCESS: false", "SUCCESS: is stated twice"),
            ("SUCCESS: <true/false>", "SUCCESS: must be true or false"),
            ("PREDICTION: {\"expected_success\": true}\nSUCCESS: no", "expected_success and SUCCESS contradict"),
        ] {
            let (card, said) = card(rest);
            assert_eq!(card, None, "{rest}");
            assert!(said.starts_with(problem), "{rest}: {said}");
        }
        assert_eq!(card("PREDICTION: cheap\nSUCCESS: no").0, success(Some(false)));
    }

    #[test]
    fn success_is_stated_without_a_condition_or_not_at_all() {
        for (body, expected) in [
            ("True", Some(Some(true))),
            ("\n  **false**\nx", Some(Some(false))),
            ("yes.", Some(Some(true))),
            ("True (assuming no delay)", Some(Some(true))),
            ("True - likely", Some(Some(true))),
            ("false – it is dear", Some(Some(false))),
            ("no—never", Some(Some(false))),
            ("true: it is shown", Some(Some(true))),
            ("true: unless false", Some(None)),
            ("true-ish", Some(None)),
            ("No  # it is dear", Some(Some(false))),
            ("True/False", Some(None)),
            ("True or False", Some(None)),
            ("True if it is cheap", Some(None)),
            ("True (if it is cheap)", Some(None)),
            ("true; false otherwise", Some(None)),
            ("(true)", Some(None)),
            ("Order placed.", Some(None)),
            (" \n ", None),
        ] {
            assert_eq!(stated_success(body), expected, "{body}");
        }
    }

    #[test]
    fn the_last_line_of_a_marker_is_found() {
        assert_eq!(last_line("SUCCESS: a\n SUCCESS:  b \r\nFINAL SUCCESS: c", Marker::Success), Some("b"));
        assert_eq!(last_line("FINAL SUCCESS: c", Marker::Success), None);
    }

    #[test]
    fn a_reason_tells_the_remedy() {
        let detail = |raw: &str| read(raw).unwrap_err().detail;
        assert_eq!(
            detail("ACTION: tool_ordr\u{1b}"),
            "there is no tool \"tool_ordr\\u{1b}\" (did you mean tool_order?); behind the last ACTION: write the name \
             of one of these tools, and nothing else on that line: tool_order, tool_check_budget"
        );
        assert_eq!(
            detail("ACTION: tool_order\nARGS: {\"a\": b}"),
            "the arguments \"{\"a\": b}\" cannot be read: expected value at line 1 column 7; write ARGS: followed by \
             one JSON object"
        );
        assert!(detail("x").ends_with("one of these tools: tool_order, tool_check_budget"));
    }
}

//! A million mutated replies: nothing panics, and whatever is read stands in the reply.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Number, Value};
use vendomini::base::card::Card;
use vendomini::llm::provider::reply::{Finish, ModelReply, RawToolCall};
use vendomini::llm::reply::{KnownTool, ReadCall, ReadReply, Reason, read_text, read_tool_calls};
use vendomini::tool::name;

use super::known;

const CASES: u64 = 1_000_000;

/// Replies as models write them.
const REPLIES: [&str; 12] = [
    "THOUGHTS: The stock of sku_0 is low.\nACTION: tool_order\nARGS: {\"supplier_id\": \"S1\", \"sku\": \"sku_0\", \
     \"quantity\": 50}\nPREDICTION: {\"expected_cost\": 412.5, \"expected_delivery_day\": 9, \"confidence\": 0.8}\n\
     SUCCESS: true\n",
    "THOUGHTS:\n1. Budget is unknown.\n2. I look first.\n\nACTION: tool_check_budget\nARGS: {}  # No arguments needed\n\n\
     PREDICTION: \n- If budget is low, I will wait.\n\nSUCCESS: True (assuming the tool works)\n",
    "I order.\nACTION: tool_order\nARGS: {'supplier_id': 'S2','sku':'sku_3', 'quantity': 7, 'rush': True, 'note': None}\n\
     SUCCESS: False",
    "ACTION: tool_write_scratchpad\nARGS:\n```json\n{\n  \"key\": \"plan\",\n  \"value\": \"it's \\\"so\\\" \\u00e9 \
     \\\\ \\n \\ud83d\\ude00\"\n}\n```\n\nPREDICTION:\n```json\n{\"expected_success\": true}\n```",
    "ACTION: tool_check_inbox\nARGS: None\nPREDICTION: Shows the inbox.\nSUCCESS: True\n\nCURRENT OBSERVATION:\n- Day: 41",
    "THOUGHTS: a\nACTION: <tool_name>\nARGS: <json args>\nTHOUGHTS: b\n   ACTION: tool_quote\r\n   ARGS: {\"supplier_id\": \
     \"S1\", \"sku\": \"sku_1\", \"qty\": 1e1}\r\n",
    "ACTION: tool_order\nARGS: {\"supplier_id\": \"S1\", \"sku\": \"sku_1\", \"quantity\": 20}\nSUCCESS: yes\n\nFINAL \
     ACTION: tool_check_inbox\nARGS: {\"supplier_id\": \"S1\", \"sku\": \"sku_1\", \"quantity\": 20}\nSUCCESS: no",
    "**ACTION: tool_order**\nARGS: {}\n\nACTION: tool_wait",
    "ACTION: tool_cancel_order\nARGS: {\"order_id\": \"ORD1\", \"order_id\": \"ORD1\", \"why\": {\"days\": [3, -4.5e-3, \
     null, false]}}",
    "Ich überlege … 在庫 🙂\u{a0}\nACTION:\u{3000}tool_read_scratchpad\nARGS: {\"key\": \"größe 🙂\"}\n",
    "ACTION: tool_order\nARGS: {\"supplier_id\": \"S1\", \"sku\": \"sku",
    "def act():\n    ACTION: tool_check_storage\n    ARGS: \n\n    # nothing\n    SUCCESS: <true/false>",
];

/// Arguments of native calls.
const ARGUMENTS: [&str; 7] = [
    "{\"supplier_id\":\"S1\",\"sku\":\"sku_0\",\"quantity\":50,\"prediction\":{\"expected_cost\":412.5,\"confidence\":1}}",
    "{\"prediction\":{\"expected_success\":true,\"reasoning\":\"it is cheap\",\"tool\":\"tool_wait\",\"args\":{\"a\":1}}}",
    "```json\n{'key': 'plan', 'value': 'it\\'s', 'prediction': None}\n```",
    "{\"key\": \"plan\", \"prediction\": \"{\\\"expected_success\\\": true, \\\"based_on\\\": \\\"it\\\\\\\"s\\\"}\"}",
    "{\"a\": [{\"b\": [1, 2.0, -3, true, null]}], \"prediction\": \"fine\"} and so on",
    "{}",
    "null",
];

const SPLICES: [&str; 46] = [
    "ACTION:",
    "ARGS:",
    "PREDICTION:",
    "SUCCESS:",
    "THOUGHTS:",
    "ACTION: tool_wait\n",
    "ACTION: tool_order\n",
    "\nARGS: ",
    "\n",
    "\r\n",
    "\n\n",
    "```",
    "```json\n",
    "`",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\\",
    "\\\"",
    "\\'",
    "\\u",
    "\\ud800",
    "\\u0041",
    "#",
    "NaN",
    "Infinity",
    "-",
    "1e999",
    "123456789012345678901234567890",
    "0.1",
    "True",
    "None",
    "true",
    "null",
    "tool_order",
    "\u{0}",
    "\u{1b}",
    "\u{feff}",
    "é🙂\u{202e}",
    "[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":{\"a\":",
];

/// A source of mutations, the same for the same number.
struct Mutator(ChaCha8Rng);

impl Mutator {
    fn below(&mut self, limit: usize) -> usize {
        (self.0.next_u64() % limit.max(1) as u64) as usize
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }

    /// A part of some bytes, mostly a short one.
    fn part(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        let longest = [4, 16, 64, usize::MAX][self.below(4)];
        start..start + self.below((bytes.len() - start).min(longest) + 1)
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>, seeds: &[&str]) {
        let at = self.below(bytes.len() + 1);
        match self.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = b' ' + self.below(95) as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(self.part(bytes))),
            4 => {
                let part = bytes[self.part(bytes)].to_vec();
                bytes.splice(at..at, part);
            }
            5 => {
                let other = self.one_of(seeds).as_bytes();
                let part = self.part(other);
                bytes.splice(at..at, other[part].iter().copied());
            }
            6 => {
                let (from, to) = if at.is_multiple_of(2) { (b'"', b'\'') } else { (b'\'', b'"') };
                bytes.iter_mut().filter(|byte| **byte == from).for_each(|byte| *byte = to);
            }
            7 => {
                let line = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
                bytes.splice(line..line, self.one_of(&SPLICES).bytes());
            }
            _ => drop(bytes.splice(at..at, self.one_of(&SPLICES).bytes())),
        }
    }

    fn mutated(&mut self, seeds: &[&str]) -> String {
        let mut bytes = self.one_of(seeds).as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            self.mutate(&mut bytes, seeds);
        }
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

/// What a model wrote, for looking things up in it.
struct Raw<'a> {
    text: &'a str,
    /// With its escape sequences resolved, wherever they stand; and those of texts within texts.
    unescaped: [Cow<'a, str>; 2],
}

impl<'a> Raw<'a> {
    fn new(text: &'a str) -> Raw<'a> {
        if !text.contains('\\') {
            return Raw { text, unescaped: [Cow::Borrowed(text), Cow::Borrowed(text)] };
        }
        let once = unescaped(text);
        let twice = unescaped(&once);
        Raw { text, unescaped: [Cow::Owned(once), Cow::Owned(twice)] }
    }

    fn says(&self, text: &str) -> bool {
        self.text.contains(text) || self.unescaped.iter().any(|unescaped| unescaped.contains(text))
    }

    /// Whether a number is said, in whatever way.
    fn says_number(&self, is_it: impl Fn(&Number) -> bool) -> bool {
        let mut tokens = self.text.split(|letter: char| !letter.is_ascii_digit() && !"+-.eE".contains(letter));
        tokens.any(|token| serde_json::from_str::<Number>(token).is_ok_and(|said| is_it(&said)))
    }

    fn holds(&self, value: &Value) -> bool {
        match value {
            Value::Null => self.says("null") || self.says("None"),
            Value::Bool(true) => self.says("true") || self.says("True"),
            Value::Bool(false) => self.says("false") || self.says("False"),
            Value::Number(number) => self.says_number(|said| said == number),
            Value::String(text) => self.says(text),
            Value::Array(values) => values.iter().all(|value| self.holds(value)),
            Value::Object(values) => self.holds_all(values),
        }
    }

    fn holds_all(&self, values: &Map<String, Value>) -> bool {
        values.iter().all(|(key, value)| self.says(key) && self.holds(value))
    }

    fn holds_card(&self, card: &Card) -> bool {
        let Ok(Value::Object(mut fields)) = serde_json::to_value(card) else { panic!("a card is an object") };
        let lower = self.text.to_lowercase();
        let success = fields.remove("expected_success").and_then(|success| success.as_bool());
        let said = |words: [&str; 2]| words.iter().any(|word| lower.contains(word));
        success.is_none_or(|success| said(if success { ["true", "yes"] } else { ["false", "no"] }))
            && fields.values().all(|value| match value {
                // Not stated; a number of a card is a float, however it was written.
                Value::Null => true,
                Value::Number(number) => self.says_number(|said| said.as_f64() == number.as_f64()),
                other => self.holds(other),
            })
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        let unit = |at: usize| {
            let digits = escape.get(at..at + 6)?.strip_prefix("\\u")?;
            u16::from_str_radix(digits, 16).ok()
        };
        let units: Vec<u16> = [unit(0), unit(6)].into_iter().map_while(|unit| unit).collect();
        let pair = char::decode_utf16(units.iter().copied()).next();
        let (letter, length) = match (pair, escape[1..].chars().next()) {
            (Some(Ok(letter)), _) => (letter, 6 * letter.len_utf16()),
            (_, Some('n')) => ('\n', 2),
            (_, Some('r')) => ('\r', 2),
            (_, Some('t')) => ('\t', 2),
            (_, Some('b')) => ('\u{8}', 2),
            (_, Some('f')) => ('\u{c}', 2),
            (_, Some(other)) => (other, 1 + other.len_utf8()),
            (_, None) => ('\\', 1),
        };
        out.push(letter);
        rest = &escape[length..];
    }
    out + rest
}

/// Holds what was read of a reply against the reply. `arguments` is what its arguments and card were read from.
fn check(call: &ReadCall, tool: &str, arguments: &str, tools: &[KnownTool]) {
    assert_eq!(call.action.tool, tool);
    let known = tools.iter().find(|known| known.name == tool).expect("no tool is invented");
    assert!(!known.needs_arguments || arguments.contains('{'));
    let raw = Raw::new(arguments);
    assert!(raw.holds_all(&call.action.args), "{:?}", call.action);
    assert!(call.card.as_ref().is_none_or(|card| raw.holds_card(card)), "{:?}", call.card);
}

/// How many replies came to what.
#[derive(Default)]
struct Tally(BTreeMap<Option<Reason>, u64>);

impl Tally {
    fn count(&mut self, read: &ReadReply) {
        if let Err(unreadable) = &read.call {
            assert!(!unreadable.detail.is_empty());
        }
        *self.0.entry(read.call.as_ref().err().map(|unreadable| unreadable.reason)).or_default() += 1;
    }

    /// That a good part was read, and every one of some reasons found.
    fn assert_covers(&self, reasons: &[Reason]) {
        let all: u64 = self.0.values().sum();
        assert!(self.0[&None] > all / 10, "{:?}", self.0);
        let found: BTreeSet<Reason> = self.0.keys().copied().flatten().collect();
        assert_eq!(found, reasons.iter().copied().collect(), "{:?}", self.0);
    }
}

/// Runs a test of one reply on many, and shows the reply on which it fails.
fn for_each_case(cases: u64, mut case: impl FnMut(&mut Mutator, &mut String)) {
    for number in 0..cases {
        let mut mutator = Mutator(ChaCha8Rng::seed_from_u64(number));
        let mut shown = String::new();
        let tested = catch_unwind(AssertUnwindSafe(|| case(&mut mutator, &mut shown)));
        assert!(tested.is_ok(), "case {number}: {shown:?}");
    }
}

#[test]
fn nothing_is_invented_from_mutated_text() {
    let tools = known(&name::ALL);
    let mut tally = Tally::default();
    for_each_case(CASES, |mutator, raw| {
        *raw = mutator.mutated(&REPLIES);
        let finish = if mutator.below(4) == 0 { Finish::Length } else { Finish::Stop };
        let read = read_text(raw, finish, &tools);
        tally.count(&read);
        assert!(read.thoughts.is_none_or(|thoughts| raw.contains(&thoughts)));
        let deciding = raw.split('\n').map(str::trim).rfind(|line| line.starts_with("ACTION:"));
        if let Ok(call) = &read.call {
            let name = deciding.expect("a line asks for it")[7..].split('#').next().unwrap().trim();
            check(call, name.trim_matches([' ', '\t', '"', '\'']), raw, &tools);
        }
    });
    tally.assert_covers(&[
        Reason::Empty,
        Reason::NoAction,
        Reason::Truncated,
        Reason::UnknownTool,
        Reason::ArgumentsMissing,
        Reason::ArgumentsUnreadable,
        Reason::ArgumentsNotAnObject,
        Reason::ArgumentsDiffer,
    ]);
}

#[test]
fn nothing_is_invented_from_mutated_tool_calls() {
    let tools = known(&name::ALL);
    let mut tally = Tally::default();
    for_each_case(CASES / 4, |mutator, shown| {
        let call = |mutator: &mut Mutator| RawToolCall {
            id: "c".to_owned(),
            name: if mutator.below(8) == 0 {
                mutator.mutated(&name::ALL)
            } else {
                mutator.one_of(&name::ALL).to_owned()
            },
            arguments: mutator.mutated(&ARGUMENTS),
        };
        let mut tool_calls = vec![call(mutator)];
        match mutator.below(12) {
            0 => tool_calls.push(call(mutator)),
            1 => tool_calls.push(tool_calls[0].clone()),
            2 => tool_calls.clear(),
            _ => {}
        }
        let finish = [Finish::Stop, Finish::ToolCalls, Finish::Length, Finish::Refusal][mutator.below(4)];
        let content = mutator.one_of(&["", "I see."]).to_owned();
        let reply = ModelReply { content, tool_calls, finish, ..ModelReply::default() };
        *shown = format!("{reply:?}");
        let read = read_tool_calls(&reply, &tools);
        tally.count(&read);
        if let Ok(call) = &read.call {
            let raw = &reply.tool_calls[0];
            check(call, &raw.name, &raw.arguments, &tools);
            assert!(!call.action.args.contains_key("prediction"));
        }
    });
    tally.assert_covers(&[
        Reason::Empty,
        Reason::NoToolCall,
        Reason::SeveralCalls,
        Reason::Refusal,
        Reason::Truncated,
        Reason::UnknownTool,
        Reason::ArgumentsMissing,
        Reason::ArgumentsUnreadable,
        Reason::ArgumentsNotAnObject,
    ]);
}

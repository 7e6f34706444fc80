//! What is read of the real replies in the Python original's logs, against a count that shares no code with the
//! parser. The logs are no part of this project; the test is ignored, and CI runs it where they are.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Map, Value};
use vendomini::legacy::v1;
use vendomini::llm::provider::reply::Finish;
use vendomini::llm::reply::read_text;

use super::known;
use crate::common::{lines, original};

/// Replies by what became of them, for each model; and how many of those read have a prediction card.
const EXPECTED: [(&str, [(&str, usize); 8]); 3] = [
    (
        "meta-llama/Llama-3.1-8B-Instruct",
        [
            ("read", 207),
            ("card", 110),
            ("no_action", 4658),
            ("unknown_tool", 927),
            ("arguments_missing", 9),
            ("arguments_unreadable", 4),
            ("arguments_differ", 1),
            ("truncated", 39),
        ],
    ),
    (
        "allenai/OLMo-2-1124-13B-Instruct",
        [
            ("read", 408),
            ("card", 196),
            ("no_action", 730),
            ("unknown_tool", 794),
            ("arguments_missing", 3),
            ("arguments_unreadable", 8),
            ("arguments_differ", 27),
            ("truncated", 14),
        ],
    ),
    (
        "deepseek-ai/deepseek-llm-7b-chat",
        [
            ("read", 67),
            ("card", 58),
            ("no_action", 127),
            ("unknown_tool", 4585),
            ("arguments_missing", 0),
            ("arguments_unreadable", 0),
            ("arguments_differ", 0),
            ("truncated", 0),
        ],
    ),
];

/// Raw replies with the model that gave them.
fn real_replies() -> Vec<(String, String)> {
    let logs = original("logs");
    let mut replies = Vec::new();
    for folder in fs::read_dir(logs).unwrap() {
        let folder = folder.unwrap().path();
        let Ok(steps) = fs::read(folder.join("steps.jsonl")) else { continue };
        let summary: Value = serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap();
        let model = summary["params"]["agent.model.name"].as_str().unwrap();
        for record in lines(&steps) {
            replies.push((model.to_owned(), record["prediction"]["scratchpad_raw"].as_str().unwrap().to_owned()));
        }
    }
    replies
}

#[test]
#[ignore = "needs ../shared"]
fn real_replies_are_read_as_an_independent_count_reads_them() {
    let replies = real_replies();
    let tools = known(&v1::TOOLS);
    let mut counts: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for (model, raw) in replies {
        // The logs do not say why a reply ended.
        let call = read_text(&raw, Finish::Other, &tools).call;
        let card = call.as_ref().is_ok_and(|call| call.card.is_some());
        let read = call.map(|call| (call.action.tool, call.action.args)).map_err(|unreadable| unreadable.reason.word());
        assert_eq!(read, by_hand(&raw), "{raw}");
        // One that was cut can have lost its call, never have got another.
        let cut = read_text(&raw, Finish::Length, &tools).call.map(|call| (call.action.tool, call.action.args));
        let cut = cut.map_err(|unreadable| unreadable.reason.word());
        assert!(cut == read || cut == Err("truncated"), "{raw}");
        if card {
            *counts.entry((model.clone(), "card")).or_default() += 1;
        }
        *counts.entry((model, read.map_or_else(|reason| reason, |_| "read"))).or_default() += 1;
    }
    let expected = EXPECTED.iter().flat_map(|(model, counts)| {
        counts.iter().filter(|(_, count)| *count > 0).map(|(what, count)| (((*model).to_owned(), *what), *count))
    });
    assert_eq!(counts, expected.collect());
}

/// Reads a reply by another way than the parser's: from the front, and objects by trying every closing brace. Good
/// for these replies, not for all.
fn by_hand(raw: &str) -> Result<(String, Map<String, Value>), &'static str> {
    let lines: Vec<&str> = raw.split('\n').map(str::trim).collect();
    let mut action = None;
    for (at, line) in lines.iter().enumerate() {
        if line.get(..7) == Some("ACTION:") {
            // As the logs' own description says: cut at `#`, spaces and quotes stripped.
            let name = line[7..].split('#').next().unwrap();
            action = Some((at, name.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'')));
        }
    }
    let (at, tool) = action.ok_or("no_action")?;
    let takes_none = match tool {
        "tool_check_inbox" | "tool_check_storage" | "tool_check_budget" => true,
        "tool_order" | "tool_quote" | "tool_cancel_order" | "tool_ship_customer_order" => false,
        _ => return Err("unknown_tool"),
    };
    let behind = &lines[at + 1..];
    let mut stated = Vec::new();
    for (at, line) in behind.iter().enumerate() {
        if line.get(..5) == Some("ARGS:") {
            let is_marker =
                |line: &&str| ["ARGS:", "PREDICTION:", "SUCCESS:", "THOUGHTS:"].iter().any(|m| line.starts_with(m));
            let rest = behind[at + 1..].split(is_marker).next().unwrap();
            stated.push(arguments_by_hand(&line[5..], rest));
        }
    }
    let none = Ok(None);
    let first = stated.first().unwrap_or(&none).clone()?;
    let meant = |args: &Option<Map<String, Value>>| args.clone().unwrap_or_default();
    if stated.iter().any(|other| other.as_ref().map(meant) != Ok(meant(&first))) {
        return Err("arguments_differ");
    }
    match first {
        None if !takes_none => Err("arguments_missing"),
        args => Ok((tool.to_owned(), args.unwrap_or_default())),
    }
}

/// The arguments on the line of an `ARGS:` and the lines behind it.
fn arguments_by_hand(line: &str, rest: &[&str]) -> Result<Option<Map<String, Value>>, &'static str> {
    let line = line.trim();
    if line == "None" {
        return Ok(None);
    }
    let text = if line.is_empty() { rest.join("\n") } else { line.to_owned() };
    let Some(start) = text.find('{').filter(|at| text[..*at].chars().all(|c| " \n`json".contains(c))) else {
        return if line.is_empty() { Ok(None) } else { Err("arguments_unreadable") };
    };
    for (end, _) in text.match_indices('}') {
        let object = &text[start..=end];
        if let Ok(read) = serde_json::from_str(object).or_else(|_| serde_json::from_str(&object.replace('\'', "\""))) {
            return Ok(Some(read));
        }
    }
    // What was meant to be code has its closing brace; what was cut has none.
    let is_cut = !text.contains('}') && rest.iter().all(|line| line.is_empty());
    Err(if is_cut { "truncated" } else { "arguments_unreadable" })
}

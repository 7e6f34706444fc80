//! `vendomini parse-reply`.

use std::fs;
use std::process::{Command as Process, Stdio};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};
use serde_json::{Value, json};

use crate::common::lines;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vendomini");

const ORDER: &str = "THOUGHTS: Low.\nACTION: tool_order\nARGS: {'sku': 'sku_0', 'quantity': 5}\nSUCCESS: true\n";

/// What `parse-reply - ` says to an input.
fn parse(arguments: &[&str], input: &str) -> Vec<Value> {
    let mut command = Command::new(PROGRAM);
    let assert = command.arg("parse-reply").args(arguments).arg("-").write_stdin(input).assert();
    lines(&assert.code(0).stderr(is_empty()).get_output().stdout)
}

#[test]
fn a_plain_file_is_one_reply() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("reply.txt");
    fs::write(&file, ORDER).unwrap();
    Command::new(PROGRAM).arg("parse-reply").arg(&file).assert().code(0).stderr(is_empty()).stdout(concat!(
        r#"{"line":1,"action":{"tool":"tool_order","args":{"quantity":5,"sku":"sku_0"}},"#,
        r#""card":{"tool":null,"args":null,"expected_success":true},"card_problem":null,"thoughts":"Low.","#,
        r#""unreadable":null}"#,
        "\n"
    ));
    assert_eq!(parse(&[], "\n")[0]["unreadable"]["reason"], "empty");
    let json = parse(&[], "{\"action\": \"tool_order\"}\n{\"raw\": 1}");
    assert_eq!((json.len(), &json[0]["unreadable"]["reason"]), (1, &json!("no_action")));
}

#[test]
fn lines_with_raw_are_replies() {
    let line = |raw: &str| json!({"step": 1, "raw": raw}).to_string();
    // Python writes halves of a cut emoji.
    let input = format!("\n{}\n\n{}\r\n{{\"raw\": \"\\ud83d I order.\"}}\n", line(ORDER), line("ACTION: tool_ordr"));
    let parsed = parse(&[], &input);
    assert_eq!(parsed.iter().map(|line| &line["line"]).collect::<Vec<_>>(), [2, 4, 5]);
    assert_eq!(parsed[0]["action"]["tool"], "tool_order");
    let unreadable = &parsed[1]["unreadable"];
    assert_eq!((&parsed[1]["action"], &unreadable["reason"]), (&Value::Null, &json!("unknown_tool")));
    assert!(unreadable["detail"].as_str().unwrap().contains("did you mean tool_order?"), "{unreadable}");
    assert_eq!(parsed[2]["unreadable"]["reason"], "no_action");
}

#[test]
fn native_calls_are_read_from_messages_and_responses() {
    let function =
        json!({"name": "tool_order", "arguments": "{\"sku\": \"sku_0\", \"prediction\": {\"expected_cost\": 5}}"});
    let message =
        json!({"content": null, "reasoning_content": "hm", "tool_calls": [{"id": "a", "function": function}]});
    let response = json!({"choices": [{"message": message, "finish_reason": "tool_calls"}]});
    let as_object = json!({"content": "x", "tool_calls": [{"function": {"name": "tool_wait", "arguments": {}}}]});
    let cut = json!({"choices": [{"message": {"content": "I"}, "finish_reason": "length"}]});
    let refused = json!({"content": null, "refusal": "No."});
    let input: Vec<String> =
        [&message, &response, &json!(message.to_string()), &as_object, &json!("I order."), &cut, &refused]
            .map(|raw| json!({"raw": raw}).to_string())
            .to_vec();
    let parsed = parse(&["--format", "tool_calls"], &input.join("\n"));
    for line in &parsed[..3] {
        assert_eq!(line["action"], json!({"tool": "tool_order", "args": {"sku": "sku_0"}}), "{line}");
        assert_eq!((&line["card"]["expected_cost"], &line["thoughts"]), (&json!(5.0), &json!("hm")));
    }
    assert_eq!(parsed[3]["action"], json!({"tool": "tool_wait", "args": {}}));
    let reasons: Vec<&Value> = parsed[4..].iter().map(|line| &line["unreadable"]["reason"]).collect();
    assert_eq!(reasons, ["no_tool_call", "truncated", "refusal"]);
    assert_eq!(parsed[4]["thoughts"], "I order.");
    let whole = parse(&["--format", "tool_calls"], &serde_json::to_string_pretty(&response).unwrap());
    assert_eq!((whole.len(), &whole[0]["action"]["tool"]), (1, &json!("tool_order")));
    // A line each, behind the mark of an editor.
    let lines = parse(&["--format", "tool_calls"], &format!("\u{feff}{response}\n\n{response}\n"));
    assert_eq!(lines.iter().map(|line| &line["line"]).collect::<Vec<_>>(), [1, 3]);
    assert!(lines.iter().all(|line| line["action"]["tool"] == "tool_order"), "{lines:?}");
    // What a run would see twice is seen twice.
    let twice = r#"{"raw": {"tool_calls": [{"function": {"name": "tool_order", "arguments": {"a": 1, "a": 2}}}]}}"#;
    assert_eq!(parse(&["--format", "tool_calls"], twice)[0]["unreadable"]["reason"], "arguments_unreadable");
}

#[test]
fn messages_of_anthropic_are_known_by_their_shape() {
    let block = json!({"type": "tool_use", "id": "t", "name": "tool_order", "input": {"sku": "sku_0"}});
    let message = json!({"type": "message", "content": [{"type": "text", "text": "I order."}, block],
        "stop_reason": "tool_use"});
    let bare = json!({"role": "assistant", "content": [block]});
    let refused = json!({"type": "message", "content": [], "stop_reason": "refusal", "usage": {"output_tokens": 0}});
    let raws = [&message, &bare, &refused].map(|raw| json!({"raw": raw}).to_string());
    let parsed = parse(&["--format", "tool_calls"], &raws.join("\n"));
    for line in &parsed[..2] {
        assert_eq!(line["action"], json!({"tool": "tool_order", "args": {"sku": "sku_0"}}), "{line}");
    }
    assert_eq!((&parsed[0]["thoughts"], &parsed[2]["unreadable"]["reason"]), (&json!("I order."), &json!("refusal")));
    let whole = parse(&["--format", "tool_calls"], &message.to_string());
    assert_eq!(whole[0]["action"]["tool"], "tool_order");
    let text = json!({"type": "message", "content": [{"type": "text", "text": ORDER}], "stop_reason": "end_turn"});
    assert_eq!(parse(&[], &text.to_string())[0]["action"]["tool"], "tool_order");
    // Where a model was asked for text, that is what it wrote.
    let quoted = parse(&[], &json!({"raw": text.to_string()}).to_string());
    assert_eq!(quoted[0]["unreadable"]["reason"], "no_action");
}

/// Whoever looks at a run's records can ask again how its replies were read.
#[test]
fn our_own_records_are_read_as_the_run_read_them() {
    let call = json!({"name": "tool_order", "arguments": "{\"sku\": \"sku_0\"}"});
    let record = |content: &str, calls: &[&Value], finish: &str| {
        let mut raw = json!({"content": content, "finish": finish});
        if !calls.is_empty() {
            raw["tool_calls"] = json!(calls);
        }
        json!({"step": 3, "raw": raw}).to_string()
    };
    let native = [
        record("", &[&call], "tool_calls"),
        record("I", &[], "length"),
        record("No.", &[], "refusal"),
        json!({"raw": {"content": "x", "tool_calls": [call]}}).to_string(),
    ];
    let parsed = parse(&["--format", "tool_calls"], &native.join("\n"));
    for line in [&parsed[0], &parsed[3]] {
        assert_eq!(line["action"], json!({"tool": "tool_order", "args": {"sku": "sku_0"}}), "{line}");
    }
    let reasons = |parsed: &[Value]| parsed.iter().map(|line| line["unreadable"]["reason"].clone()).collect::<Vec<_>>();
    assert_eq!(reasons(&parsed[1..3]), ["truncated", "refusal"]);
    let text = [record(ORDER, &[], "stop"), record("ACTION: tool_wait", &[], "length"), record("No.", &[], "refusal")];
    assert_eq!(reasons(&parse(&[], &text.join("\n"))), [Value::Null, json!("truncated"), json!("refusal")]);
}

#[test]
fn the_tools_are_those_on_the_command_line() {
    let reply = |tool: &str| format!("ACTION: {tool}");
    let reason = |tools: &[&str], tool: &str| parse(tools, &reply(tool))[0]["unreadable"]["reason"].take();
    assert_eq!(reason(&[], "tool_wait"), Value::Null);
    assert_eq!(reason(&[], "tool_order"), "arguments_missing");
    assert_eq!(reason(&["--tools", "tool_order,look"], "tool_wait"), "unknown_tool");
    assert_eq!(reason(&["--tools", "tool_order,look"], "tool_order"), "arguments_missing");
    assert_eq!(reason(&["--tools", "tool_order,look"], "look"), Value::Null);
}

#[test]
fn input_that_cannot_be_read_is_6_and_a_wrong_command_line_2() {
    let dir = tempfile::tempdir().unwrap();
    let fails = |arguments: &[&str], input: &[u8], code: i32, error: &str| {
        let mut command = Command::new(PROGRAM);
        command.current_dir(dir.path()).arg("parse-reply").args(arguments).write_stdin(input);
        command.assert().code(code).stdout(is_empty()).stderr(contains(error).and(starts_with("error: ")));
    };
    fails(&["gone.txt"], b"", 6, "gone.txt: there is no such file; name a file of replies, or - for stdin\n");
    fails(&["."], b"", 6, ". cannot be read");
    fails(&["-"], b"\xff", 6, "stdin: not UTF-8");
    let lines = "{\"raw\": \"ACTION: tool_wait\"}\n\n{\"raw\": null}\n";
    fails(
        &["-"],
        lines.as_bytes(),
        6,
        "stdin, line 3: raw is null; each line must be an object with a text or an object under raw",
    );
    fails(&["-"], b"{\"raw\": \"a\"}\n{\"row\": \"a\"}", 6, "stdin, line 2: it has no raw");
    fails(&["-"], b"{\"raw\": \"a\"}\n{\"raw\": \"a", 6, "stdin, line 2: it breaks off");
    fails(&["-"], b"{\"raw\": []}", 6, "stdin, line 1: raw is []");
    fails(&["-"], b"{\"choices\": []}\n5", 6, "stdin, line 2: it is no object; each line must be an object, since");
    fails(&["--format", "tool_calls", "-"], b"{\"raw\": 5}", 6, "with a text or an object under raw");
    fails(&["--format", "yaml", "-"], b"", 2, "tool_calls");
    fails(&["--tools", "", "-"], b"", 2, "--tools");
    fails(&[], b"", 2, "<FILE>");
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("replies.jsonl");
    fs::write(&file, "{\"raw\": \"x\"}\n".repeat(10_000)).unwrap();
    let mut command = Process::new(PROGRAM);
    let mut child = command.arg("parse-reply").arg(file).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

//! Tests of what is read of replies in the text format.

use serde_json::json;

use crate::llm::reply::text::*;

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
    assert_args(&format!("{budget}**ACTION: tool_order**\nFINAL ACTION: tool_order\nAction: tool_order"), json!({}));
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
        ("ACTION: tool_check_budget\nARGS:\n```json\n", None),
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
    for below in ["PREDICTION:\n\n{'expected_cost': 5.0}", "PREDICTION: ```json\n{\"expected_cost\": 5}\n```\nso {}"] {
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

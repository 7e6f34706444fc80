//! Replies that call a tool natively. The prediction card is the property `prediction` of the arguments.

use serde_json::Map;

use crate::base::card::PREDICTION;
use crate::base::decision::Action;
use crate::config::shown;
use crate::llm::provider::reply::{Finish, ModelReply, RawToolCall};
use crate::llm::reply::arguments;
use crate::llm::reply::arguments::Wrong;
use crate::llm::reply::card;
use crate::llm::reply::card::Draft;
use crate::llm::reply::json;
use crate::llm::reply::json::{Fault, Members};
use crate::llm::reply::{KnownTool, ReadCall, ReadReply, Reason, Unreadable, in_quotes, known, names, said};

const ONE_CALL: &str = "call exactly one of these tools";
const OBJECT: &str = "write them as one JSON object";

/// Reads a reply that calls a tool natively.
///
/// Its text is the model's thoughts, or its reasoning where there is no text. Calls that are equal in name and
/// arguments count as one.
#[must_use]
pub fn read_tool_calls(reply: &ModelReply, tools: &[KnownTool]) -> ReadReply {
    let thoughts = said(&reply.content).or_else(|| reply.reasoning.as_deref().and_then(said));
    let call = only_call(reply, tools).and_then(|call| read_call(call, reply.finish, tools));
    ReadReply { thoughts, call }
}

fn only_call<'a>(reply: &'a ModelReply, tools: &[KnownTool]) -> Result<&'a RawToolCall, Unreadable> {
    let Some((first, others)) = reply.tool_calls.split_first() else {
        let silent = said(&reply.content).is_none() && reply.reasoning.as_deref().and_then(said).is_none();
        let (reason, what) = match reply.finish {
            Finish::Refusal => (Reason::Refusal, "the reply is a refusal"),
            Finish::Length => (Reason::Truncated, "the reply was cut at the limit of tokens before it called a tool"),
            _ if silent => (Reason::Empty, "the reply is empty"),
            _ => (Reason::NoToolCall, "the reply calls no tool"),
        };
        return Err(reason.because(format!("{what}; {ONE_CALL}: {}", names(tools))));
    };
    if others.iter().all(|other| is_same(first, other)) {
        return Ok(first);
    }
    let called: Vec<String> = reply.tool_calls.iter().take(10).map(|call| in_quotes(&call.name)).collect();
    Err(Reason::SeveralCalls.because(format!(
        "the reply makes {} different calls ({}), and only one action is done a step; make one of them",
        reply.tool_calls.len(),
        called.join(", ")
    )))
}

fn is_same(one: &RawToolCall, other: &RawToolCall) -> bool {
    let read = |call: &RawToolCall| match arguments::stated(&call.arguments).ok()? {
        None => Some(Map::new()),
        Some(members) => members.read().ok(),
    };
    one.name == other.name
        && (one.arguments == other.arguments || read(one).is_some_and(|args| Some(args) == read(other)))
}

fn read_call(call: &RawToolCall, finish: Finish, tools: &[KnownTool]) -> Result<ReadCall, Unreadable> {
    let tool = known(&call.name, tools, ONE_CALL)?;
    let cut = || {
        Reason::Truncated.because(format!("the reply was cut at the limit of tokens within its arguments; {OBJECT}"))
    };
    // Nothing at all may be the beginning of arguments that were never written.
    if finish == Finish::Length && call.arguments.trim().is_empty() {
        return Err(cut());
    }
    let unreadable = |wrong: Wrong| match wrong {
        Wrong::Object(Fault::Twice(_)) | Wrong::NotAnObject => arguments::unreadable(&wrong, &call.arguments, OBJECT),
        _ if finish == Finish::Length => cut(),
        _ => arguments::unreadable(&wrong, &call.arguments, OBJECT),
    };
    let (args, draft) = match arguments::stated(&call.arguments).map_err(unreadable)? {
        None => (None, Draft::default()),
        Some(mut members) => {
            let draft = take_card(&mut members);
            (Some(members.read().map_err(|fault| unreadable(Wrong::Object(fault)))?), draft)
        }
    };
    let args = arguments::for_tool(args, tool, OBJECT)?;
    let (card, card_problem) = draft.finish();
    let action = Action { tool: tool.name.clone(), args };
    Ok(ReadCall { action, card, card_problem, call_id: said(&call.id) })
}

fn take_card(members: &mut Members) -> Draft {
    let cards = members.take(PREDICTION);
    card::only(cards.iter().map(|card| read_card(card.get())).collect(), PREDICTION).unwrap_or_default()
}

/// A card: an object, or a text that is one.
fn read_card(json: &str) -> Draft {
    if json == "null" {
        return Draft::default();
    }
    if json.starts_with('{') {
        return Draft::read(json);
    }
    match serde_json::from_str::<String>(json) {
        Ok(text) if json::is_one_object(&text) => Draft::read(text.trim()),
        _ => Draft::problem(format!("{PREDICTION} must be an object, not {}", shown(json))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::card::Card;

    fn tools() -> Vec<KnownTool> {
        [("tool_order", true), ("tool_check_budget", false)]
            .map(|(name, needs_arguments)| KnownTool { name: name.to_owned(), needs_arguments })
            .to_vec()
    }

    fn call(name: &str, arguments: &str) -> RawToolCall {
        RawToolCall { id: "c1".to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
    }

    fn read(calls: &[RawToolCall], finish: Finish) -> Result<ReadCall, Unreadable> {
        let reply = ModelReply { tool_calls: calls.to_vec(), finish, ..ModelReply::default() };
        read_tool_calls(&reply, &tools()).call
    }

    fn reason(calls: &[RawToolCall], finish: Finish) -> Reason {
        read(calls, finish).unwrap_err().reason
    }

    #[test]
    fn the_card_is_taken_out_of_the_arguments() {
        let arguments = r#"{"sku": "sku_0", "quantity": 5, "prediction": {"expected_cost": 12, "confidence": "high"}}"#;
        let read = read(&[call("tool_order", arguments)], Finish::ToolCalls).unwrap();
        assert_eq!(read.action, Action::of("tool_order").with("sku", "sku_0").with("quantity", 5));
        assert_eq!(read.card, Some(Card { expected_cost: Some(12.0), ..Card::default() }));
        assert_eq!(read.card_problem.as_deref(), Some("confidence must be a number, not \"high\""));
        assert_eq!(read.call_id.as_deref(), Some("c1"));
    }

    #[test]
    fn a_broken_card_leaves_the_action() {
        for (card, problem) in [
            ("5", Some("prediction must be an object, not 5")),
            (r#""it is cheap""#, Some("prediction must be an object, not \"it is cheap\"")),
            (r#""{} and more""#, Some("prediction must be an object, not \"{} and more\"")),
            (r#""{\"expected_cost\": \"12\"}""#, Some("expected_cost must be a number, not \"12\"")),
            ("null", None),
            (r#"{"expected_cost": 1e999}"#, Some("\"expected_cost\" cannot be read: number out of range")),
            (r#"{"args": {"a": 1, "a": 2}}"#, Some("\"args\" cannot be read: \"a\" is stated twice")),
            (r#"{"reasoning": 5}, "prediction": {"reasoning":5}"#, Some("reasoning must be a text, not 5")),
            (r#"{}, "prediction": {"confidence": 1}"#, Some("prediction is stated twice, differently")),
        ] {
            let arguments = format!("{{\"a\": 1, \"prediction\": {card}}}");
            let read = read(&[call("tool_order", &arguments)], Finish::ToolCalls).unwrap();
            assert_eq!((read.action, read.card), (Action::of("tool_order").with("a", 1), None), "{card}");
            match problem {
                None => assert_eq!(read.card_problem, None),
                Some(problem) => assert!(read.card_problem.unwrap().starts_with(problem), "{card}"),
            }
        }
    }

    #[test]
    fn a_card_may_be_a_text_or_stand_twice() {
        let expected = Card { expected_cost: Some(12.0), expected_success: Some(true), ..Card::default() };
        for card in [
            r#"{"expected_cost": 12, "expected_success": true}"#,
            r#""{\"expected_cost\": 12, \"expected_success\": true}""#,
            r#"" {'expected_success': True, 'expected_cost': 12}\n""#,
            r#"{"expected_cost": 12, "expected_success": true}, "prediction": {"expected_success":true,"expected_cost":12.0}"#,
        ] {
            let arguments = format!("{{\"a\": 1, \"prediction\": {card}}}");
            let read = read(&[call("tool_order", &arguments)], Finish::ToolCalls).unwrap();
            assert_eq!((read.card.as_ref(), read.card_problem), (Some(&expected), None), "{card}");
        }
    }

    #[test]
    fn arguments_may_be_left_out_where_none_are_needed() {
        for none in ["", " ", "null", "{}", "```json\n{}\n```", "{'prediction': {'expected_success': True}}"] {
            let read = read(&[call("tool_check_budget", none)], Finish::ToolCalls).unwrap();
            assert_eq!(read.action, Action::of("tool_check_budget"), "{none}");
        }
        assert_eq!(reason(&[call("tool_order", "")], Finish::ToolCalls), Reason::ArgumentsMissing);
        assert_eq!(reason(&[call("tool_order", "null")], Finish::ToolCalls), Reason::ArgumentsMissing);
        assert_eq!(reason(&[call("tool_check_budget", "")], Finish::Length), Reason::Truncated);
    }

    #[test]
    fn there_is_one_call_or_a_reason() {
        let order = call("tool_order", r#"{"a": 1, "b": 2}"#);
        let again = call("tool_order", r#"{"b": 2,"a":1}"#);
        let other = call("tool_order", r#"{"a": 1}"#);
        assert!(read(&[order.clone(), again], Finish::ToolCalls).is_ok());
        assert_eq!(reason(&[order.clone(), other], Finish::ToolCalls), Reason::SeveralCalls);
        assert_eq!(reason(&[order, call("tool_check_budget", "")], Finish::ToolCalls), Reason::SeveralCalls);
        assert_eq!(reason(&[], Finish::Refusal), Reason::Refusal);
        assert_eq!(reason(&[], Finish::Length), Reason::Truncated);
        assert_eq!(reason(&[], Finish::Stop), Reason::Empty);
        let prose = ModelReply { content: "I order.".to_owned(), ..ModelReply::default() };
        assert_eq!(read_tool_calls(&prose, &tools()).call.unwrap_err().reason, Reason::NoToolCall);
    }

    #[test]
    fn what_cannot_be_read_has_a_reason() {
        for (arguments, finish, expected) in [
            (r#"{"sku": "sku_"#, Finish::Length, Reason::Truncated),
            (r#"{"sku": "sku_"#, Finish::ToolCalls, Reason::ArgumentsUnreadable),
            (r#"{"sku": 1, "sku": 2}"#, Finish::Length, Reason::ArgumentsUnreadable),
            (r#"["sku_0"]"#, Finish::Stop, Reason::ArgumentsNotAnObject),
            ("sku_0", Finish::Stop, Reason::ArgumentsUnreadable),
        ] {
            assert_eq!(reason(&[call("tool_order", arguments)], finish), expected, "{arguments}");
        }
        let unknown = read(&[call("tool_ordr", "{}")], Finish::Stop).unwrap_err();
        assert_eq!(unknown.reason, Reason::UnknownTool);
        assert!(unknown.detail.contains("did you mean tool_order?"), "{}", unknown.detail);
    }

    #[test]
    fn text_beside_the_call_is_thoughts_and_else_the_reasoning() {
        let mut reply = ModelReply {
            content: " First the budget. ".to_owned(),
            reasoning: Some("hm".to_owned()),
            tool_calls: vec![call("tool_check_budget", &json!({}).to_string())],
            ..ModelReply::default()
        };
        assert_eq!(read_tool_calls(&reply, &tools()).thoughts.as_deref(), Some("First the budget."));
        reply.content.clear();
        assert_eq!(read_tool_calls(&reply, &tools()).thoughts.as_deref(), Some("hm"));
    }
}

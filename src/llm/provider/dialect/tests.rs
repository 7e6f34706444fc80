//! Tests of both dialects: the requests, and the reading of bodies as servers send them.

mod bodies;

use serde_json::{Map, Value as Json, json};

use crate::base::decision::Usage;
use crate::llm::provider::dialect::*;
use crate::llm::provider::reply::Finish;
use bodies as body;

const OPENAI: Dialect = Dialect::OpenAiChat;
const ANTHROPIC: Dialect = Dialect::AnthropicMessages;
const JSON: Option<&str> = Some("application/json");

fn tools() -> Vec<ToolSpec> {
    vec![ToolSpec {
        name: "tool_quote".to_owned(),
        description: "Asks for \"the\" price".to_owned(),
        schema: json!({"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}),
    }]
}

struct Request {
    tools: Vec<ToolSpec>,
    omit: Vec<RequestField>,
    extra: Map<String, Json>,
}

impl Default for Request {
    fn default() -> Request {
        Request { tools: tools(), omit: Vec::new(), extra: Map::new() }
    }
}

impl Request {
    fn head(&self, dialect: Dialect) -> Head {
        dialect.head(&RequestHead {
            model: "m/1",
            system: "Be a \"clerk\".\n",
            tools: &self.tools,
            max_tokens: 2000,
            max_tokens_key: MaxTokensKey::MaxCompletionTokens,
            temperature: Some(0.3),
            top_p: Some(0.9),
            omit: &self.omit,
            extra_body: &self.extra,
        })
    }

    fn body(&self, dialect: Dialect, messages: &[Vec<u8>], seed: Option<u64>) -> String {
        let body = self.head(dialect).body(messages.iter().map(Vec::as_slice), seed);
        String::from_utf8(body).unwrap()
    }

    fn json(&self, dialect: Dialect, messages: &[Vec<u8>], seed: Option<u64>) -> Json {
        serde_json::from_str(&self.body(dialect, messages, seed)).unwrap()
    }
}

fn called(id: &str, arguments: &str) -> ModelReply {
    let call = RawToolCall { id: id.to_owned(), name: "tool_quote".to_owned(), arguments: arguments.to_owned() };
    ModelReply { content: "Let me\nsee.".to_owned(), tool_calls: vec![call], ..ModelReply::default() }
}

#[test]
fn a_request_of_chat_completions() {
    let said = OPENAI.assistant(&called("call_9", r#"{"sku": "sku_0"}"#));
    assert_eq!(said.calls, ["call_9"]);
    let result = ToolResult { call_id: "call_9", text: r#"{"price": 5}"#, is_error: false };
    let messages = [OPENAI.user("Day 0"), said.message.unwrap(), OPENAI.turn(&[result], "Day 1")];
    insta::assert_snapshot!(Request::default().body(OPENAI, &messages, Some(7)), @r#"{"model":"m/1","max_completion_tokens":2000,"temperature":0.3,"top_p":0.9,"tools":[{"function":{"description":"Asks for \"the\" price","name":"tool_quote","parameters":{"properties":{"sku":{"type":"string"}},"required":["sku"],"type":"object"}},"type":"function"}],"tool_choice":"required","parallel_tool_calls":false,"messages":[{"role":"system","content":"Be a \"clerk\".\n"},{"role":"user","content":"Day 0"},{"role":"assistant","content":"Let me\nsee.","tool_calls":[{"id":"call_9","type":"function","function":{"name":"tool_quote","arguments":"{\"sku\": \"sku_0\"}"}}]},{"role":"tool","tool_call_id":"call_9","content":"{\"price\": 5}\n\nDay 1"}],"seed":7}"#);
}

#[test]
fn a_request_of_messages() {
    let said = ANTHROPIC.assistant(&called("toolu_9", r#"{"sku": "sku_0"}"#));
    assert_eq!(said.calls, ["toolu_9"]);
    let result = ToolResult { call_id: "toolu_9", text: "no such SKU", is_error: true };
    let messages = [ANTHROPIC.user("Day 0"), said.message.unwrap(), ANTHROPIC.turn(&[result], "Day 1")];
    insta::assert_snapshot!(Request::default().body(ANTHROPIC, &messages, Some(7)), @r#"{"model":"m/1","max_tokens":2000,"temperature":0.3,"top_p":0.9,"tools":[{"description":"Asks for \"the\" price","input_schema":{"properties":{"sku":{"type":"string"}},"required":["sku"],"type":"object"},"name":"tool_quote"}],"tool_choice":{"disable_parallel_tool_use":true,"type":"any"},"system":[{"cache_control":{"type":"ephemeral"},"text":"Be a \"clerk\".\n","type":"text"}],"messages":[{"role":"user","content":[{"type":"text","text":"Day 0"}]},{"role":"assistant","content":[{"type":"text","text":"Let me\nsee."},{"type":"tool_use","id":"toolu_9","name":"tool_quote","input":{"sku": "sku_0"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_9","content":"no such SKU","is_error":true},{"type":"text","text":"Day 1","cache_control":{"type":"ephemeral"}}]}]}"#);
}

#[test]
fn a_longer_conversation_begins_as_the_shorter_did() {
    for dialect in [OPENAI, ANTHROPIC] {
        let request = Request { omit: vec![RequestField::CacheControl], ..Request::default() };
        let one = [dialect.user("a")];
        let two = [dialect.user("a"), dialect.assistant(&called("x", "{}")).message.unwrap(), dialect.user("b")];
        let (shorter, longer) = (request.body(dialect, &one, None), request.body(dialect, &two, None));
        assert!(longer.starts_with(shorter.strip_suffix("]}").unwrap()), "{shorter}\n{longer}");
        // What is marked for the cache moves with the end, and nothing else changes.
        let marked = Request::default().json(dialect, &two, None);
        let last = &marked["messages"].as_array().unwrap().last().unwrap()["content"];
        let expected = if dialect == ANTHROPIC { json!({"type": "ephemeral"}) } else { Json::Null };
        assert_eq!(last[0]["cache_control"], expected);
        assert_eq!(marked.to_string().matches("cache_control").count(), if dialect == ANTHROPIC { 2 } else { 0 });
    }
}

#[test]
fn without_tools_and_with_a_body_of_the_users() {
    let extra = json!({"provider": {"order": ["a"]}, "tool_choice": "auto", "zeta": 1});
    let extra = extra.as_object().unwrap().clone();
    let request = Request { extra, ..Request::default() };
    let body = request.json(OPENAI, &[OPENAI.user("a")], None);
    assert_eq!((&body["tool_choice"], &body["provider"]), (&json!("auto"), &json!({"order": ["a"]})));
    assert!(body.get("seed").is_none());
    let text = request.body(OPENAI, &[OPENAI.user("a")], None);
    assert_eq!(text.matches("tool_choice").count(), 1, "no field stands twice: {text}");

    let silent = Request { tools: Vec::new(), ..Request::default() };
    for dialect in [OPENAI, ANTHROPIC] {
        let body = silent.json(dialect, &[dialect.user("a")], None);
        assert!(body.get("tools").is_none() && body.get("tool_choice").is_none(), "{body}");
    }
    let omit = [
        RequestField::Temperature,
        RequestField::TopP,
        RequestField::Seed,
        RequestField::ToolChoice,
        RequestField::ParallelToolCalls,
        RequestField::CacheControl,
    ];
    let bare = Request { omit: omit.to_vec(), ..Request::default() };
    // A model that thinks cannot be forced to call, and is still asked for one call at a time.
    let thinks = Request { omit: vec![RequestField::ToolChoice], ..Request::default() };
    let choice = &thinks.json(ANTHROPIC, &[ANTHROPIC.user("a")], None)["tool_choice"];
    assert_eq!(*choice, json!({"type": "auto", "disable_parallel_tool_use": true}));
    for (dialect, keys) in [
        (OPENAI, &["max_completion_tokens", "messages", "model", "tools"][..]),
        (ANTHROPIC, &["max_tokens", "messages", "model", "system", "tools"][..]),
    ] {
        let body = bare.json(dialect, &[dialect.user("a")], Some(1));
        assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), keys);
        assert!(!body.to_string().contains("cache_control"));
    }
}

#[test]
fn what_cannot_be_said_as_a_call_is_said_as_text() {
    for (broken, text) in [
        (called("a", r#"{"sku": "sk"#), "Let me\nsee.\ntool_quote {\"sku\": \"sk"),
        (called("a", "[1]"), "Let me\nsee.\ntool_quote [1]"),
        (ModelReply { content: String::new(), ..called("a", "no") }, "tool_quote no"),
    ] {
        for (dialect, at) in [(OPENAI, "/content"), (ANTHROPIC, "/content/0/text")] {
            let Said { message, calls } = dialect.assistant(&broken);
            let message: Json = serde_json::from_slice(&message.unwrap()).unwrap();
            assert_eq!(message.pointer(at), Some(&json!(text)), "{message}");
            assert_eq!(calls, [""; 0], "nobody answers a call that was not made");
        }
    }
    let no_arguments = called("", " ");
    let message: Json = serde_json::from_slice(&OPENAI.assistant(&no_arguments).message.unwrap()).unwrap();
    let call = json!({"id": "call_0", "type": "function", "function": {"name": "tool_quote", "arguments": "{}"}});
    assert_eq!(message["tool_calls"], json!([call]));
    assert_eq!(OPENAI.assistant(&no_arguments).calls, ["call_0"]);
    let message: Json = serde_json::from_slice(&ANTHROPIC.assistant(&no_arguments).message.unwrap()).unwrap();
    assert_eq!(message["content"][1]["input"], json!({}));
}

#[test]
fn saying_nothing() {
    let nothing = ModelReply::default();
    assert_eq!(OPENAI.assistant(&nothing).message.unwrap(), br#"{"role":"assistant","content":""}"#);
    assert_eq!(ANTHROPIC.assistant(&nothing).message, None);
    let blank = ModelReply { content: " \n".to_owned(), ..ModelReply::default() };
    assert_eq!(ANTHROPIC.assistant(&blank).message, None);
    // A call without a word before it.
    let call = ModelReply { content: String::new(), ..called("a", "{}") };
    let message: Json = serde_json::from_slice(&ANTHROPIC.assistant(&call).message.unwrap()).unwrap();
    assert_eq!(message["content"].as_array().unwrap().len(), 1);
    let message: Json = serde_json::from_slice(&OPENAI.assistant(&call).message.unwrap()).unwrap();
    assert_eq!(message["content"], Json::Null);
}

#[test]
fn results_alone_are_a_turn() {
    let results = ["a", "b"].map(|id| ToolResult { call_id: id, text: "ok", is_error: false });
    let list =
        |bytes: Vec<u8>| -> Json { serde_json::from_str(&format!("[{}]", str::from_utf8(&bytes).unwrap())).unwrap() };
    let chat = list(OPENAI.turn(&results, ""));
    assert_eq!(chat.as_array().unwrap().len(), 2);
    assert_eq!(chat[1], json!({"role": "tool", "tool_call_id": "b", "content": "ok"}));
    let chat = list(OPENAI.turn(&results, "x"));
    assert_eq!(
        (chat.as_array().unwrap().len(), &chat[0]["content"], &chat[1]["content"]),
        (2, &json!("ok"), &json!("ok\n\nx"))
    );
    let messages = list(ANTHROPIC.turn(&results, ""));
    assert_eq!(messages[0]["content"].as_array().unwrap().len(), 2);
    assert_eq!(list(ANTHROPIC.turn(&results, "x"))[0]["content"][2], json!({"type": "text", "text": "x"}));
}

#[test]
fn addresses() {
    assert_eq!(OPENAI.url("http://h/v1"), "http://h/v1/chat/completions");
    assert_eq!(OPENAI.url("http://h/v1/"), "http://h/v1/chat/completions");
    assert_eq!(ANTHROPIC.url("https://h"), "https://h/v1/messages");
    assert_eq!(ANTHROPIC.url("https://h/v1"), "https://h/v1/messages");
}

fn read(dialect: Dialect, body: &str) -> ModelReply {
    assert_eq!(dialect.judge(200, JSON, body.as_bytes()), Outcome::Reply, "{body}");
    dialect.read(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[test]
fn replies_of_openai() {
    let reply = read(OPENAI, body::OPENAI_TOOL_CALL);
    assert_eq!(
        reply,
        ModelReply {
            content: String::new(),
            tool_calls: vec![RawToolCall {
                id: "call_abc".to_owned(),
                name: "tool_order".to_owned(),
                arguments: r#"{"supplier_id":"S1","sku":"sku_0","quantity":10}"#.to_owned(),
            }],
            finish: Finish::ToolCalls,
            usage: Usage {
                input_tokens: Some(1117),
                output_tokens: Some(46),
                cache_read_tokens: Some(1024),
                cache_write_tokens: None,
                reasoning_tokens: Some(0),
            },
            served_model: Some("gpt-4o-2024-08-06".to_owned()),
            fingerprint: Some("fp_44709d6fcb".to_owned()),
            ..ModelReply::default()
        }
    );
    let refusal = read(OPENAI, body::OPENAI_REFUSAL);
    assert_eq!((refusal.finish, refusal.content.as_str()), (Finish::Refusal, "I'm sorry, I can't help with that."));
    let filtered = read(OPENAI, body::OPENAI_FILTERED);
    assert_eq!((filtered.finish, filtered.content.as_str()), (Finish::Refusal, ""));
}

/// Asked again, a filter says the same again.
#[test]
fn a_refusal_without_a_word_is_a_reply() {
    for (dialect, text) in [
        (OPENAI, body::OPENAI_FILTERED),
        (
            OPENAI,
            r#"{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}],"usage":{"completion_tokens":0}}"#,
        ),
        (OPENAI, r#"{"choices":[{"finish_reason":"content_filter"}],"usage":{"completion_tokens":0}}"#),
        (ANTHROPIC, r#"{"type":"message","content":[],"stop_reason":"refusal","usage":{"output_tokens":0}}"#),
    ] {
        let reply = read(dialect, text);
        assert_eq!((reply.finish, reply.content.as_str()), (Finish::Refusal, ""), "{text}");
    }
}

#[test]
fn a_call_of_nothing_is_none() {
    let calls = |message: &str| read(OPENAI, &format!(r#"{{"choices":[{{"message":{message}}}]}}"#)).tool_calls;
    let names = |message: &str| calls(message).into_iter().map(|call| call.name).collect::<Vec<_>>();
    for nothing in [r#"{"name":"","arguments":""}"#, r#"{"name":null,"arguments":null}"#, "{}"] {
        let both = format!(
            r#"{{"content":"x","tool_calls":[{{"id":"a","function":{nothing}}},{{}},{{"function":{{"name":"tool_wait"}}}}],
                "function_call":{nothing}}}"#
        );
        assert_eq!(names(&both), ["tool_wait"], "{both}");
        assert_eq!(names(&format!(r#"{{"content":"x","function_call":{nothing}}}"#)), [""; 0]);
        let empty = format!(
            r#"{{"choices":[{{"message":{{"tool_calls":[{{"function":{nothing}}}]}}}}],"usage":{{"completion_tokens":0}}}}"#
        );
        assert_eq!(OPENAI.judge(200, JSON, empty.as_bytes()), Outcome::EmptyReply, "{empty}");
    }
    let twice =
        r#"{"tool_calls":[{"function":{"name":"tool_wait"}}],"function_call":{"name":"tool_order","arguments":"{}"}}"#;
    assert_eq!(names(twice), ["tool_wait"], "the older field is for those who know no other");
    assert_eq!(calls(r#"{"tool_calls":[{"function":{"arguments":"{}"}}]}"#).len(), 1, "a call without a name");
}

#[test]
fn what_an_answer_took_is_read_whatever_else_it_holds() {
    let usage = |input, output| Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() };
    for (dialect, text, expected) in [
        (
            OPENAI,
            r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":0,"cost":0.25}}"#,
            Some(Bill { usage: usage(5, 0), cost: Some(0.25) }),
        ),
        (
            OPENAI,
            r#"{"error":{"message":"x"},"choices":5,"usage":{"prompt_tokens":5,"completion_tokens":2}}"#,
            Some(Bill { usage: usage(5, 2), cost: None }),
        ),
        (
            ANTHROPIC,
            r#"{"content":[],"usage":{"input_tokens":5,"output_tokens":0}}"#,
            Some(Bill { usage: usage(5, 0), cost: None }),
        ),
        (OPENAI, r#"{"choices":[]}"#, None),
        (ANTHROPIC, r#"{"usage":[5]}"#, None),
        (OPENAI, "<html>", None),
        (ANTHROPIC, "[]", None),
    ] {
        assert_eq!(dialect.bill(text), expected, "{text}");
    }
    let reply = read(OPENAI, body::OPENROUTER);
    assert_eq!(OPENAI.bill(body::OPENROUTER), Some(Bill { usage: reply.usage, cost: reply.reported_cost }));
    let reply = read(ANTHROPIC, body::ANTHROPIC_TOOL_USE);
    assert_eq!(ANTHROPIC.bill(body::ANTHROPIC_TOOL_USE), Some(Bill { usage: reply.usage, cost: None }));
}

#[test]
fn replies_of_vllm() {
    let reply = read(OPENAI, body::VLLM_REASONING);
    assert_eq!(reply.content, "\n\n{\"tool\": \"tool_wait\"}\u{7}\u{0}é");
    assert_eq!(reply.reasoning.as_deref(), Some("There is nothing to do."));
    assert_eq!(reply.finish, Finish::Stop);
    assert_eq!((reply.usage.input_tokens, reply.usage.cache_read_tokens, reply.fingerprint), (Some(35), None, None));
}

#[test]
fn replies_of_llama_cpp() {
    let reply = read(OPENAI, body::LLAMA_TRUNCATED_CALL);
    assert_eq!(reply.finish, Finish::Length);
    assert_eq!(reply.tool_calls.len(), 2, "although parallel calls were off");
    assert_eq!(reply.tool_calls[0].arguments, r#"{"supplier_id":"S"#, "as the model wrote them");
    assert_eq!(reply.content, "I will");
    assert_eq!(reply.fingerprint.as_deref(), Some("b6000-abc"));
}

#[test]
fn replies_of_openrouter() {
    let reply = read(OPENAI, body::OPENROUTER);
    assert_eq!((reply.upstream.as_deref(), reply.reported_cost), (Some("Together"), Some(0.00014)));
    assert_eq!(reply.reasoning.as_deref(), Some("Hm."));
    assert_eq!(reply.usage.cache_write_tokens, Some(5));
    assert_eq!(reply.finish, Finish::Other, "an empty reason is none");
    let said = OPENAI.assistant(&reply).message.unwrap();
    let said: Json = serde_json::from_slice(&said).unwrap();
    assert_eq!(said["reasoning_details"], json!([{"type": "reasoning.text", "text": "Hm."}]));
}

#[test]
fn replies_of_ollama_and_others() {
    let reply = read(OPENAI, body::OLLAMA_OBJECT_ARGUMENTS);
    assert_eq!(reply.tool_calls[0].arguments, r#"{"sku": "sku_0"}"#, "an object where a text should be");
    assert_eq!(reply.usage, Usage::default(), "no usage is no zero");
    let parts = read(OPENAI, body::PARTS);
    assert_eq!((parts.content.as_str(), parts.reasoning.as_deref()), ("one two", Some("first")));
    assert_eq!(read(OPENAI, body::LEGACY_FUNCTION).tool_calls[0].name, "tool_wait");
    // xAI leaves reasoning out of the completion.
    let usage = read(OPENAI, body::XAI_USAGE).usage;
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.reasoning_tokens), (Some(12), Some(103), Some(94)));
}

#[test]
fn replies_of_anthropic() {
    let reply = read(ANTHROPIC, body::ANTHROPIC_TOOL_USE);
    assert_eq!(reply.content, "I'll order.");
    let call = RawToolCall {
        id: "toolu_01A".to_owned(),
        name: "tool_order".to_owned(),
        arguments: r#"{"sku": "sku_0", "quantity": 10}"#.to_owned(),
    };
    assert_eq!(reply.tool_calls, [call]);
    assert_eq!(reply.finish, Finish::ToolCalls);
    assert_eq!(
        reply.usage,
        Usage {
            input_tokens: Some(2103),
            output_tokens: Some(62),
            cache_read_tokens: Some(2000),
            cache_write_tokens: Some(100),
            reasoning_tokens: None,
        }
    );
    assert_eq!(reply.served_model.as_deref(), Some("claude-sonnet-4-5-20250929"));
    assert_eq!(read(ANTHROPIC, body::ANTHROPIC_REFUSAL).finish, Finish::Refusal);
    let cut = read(ANTHROPIC, r#"{"content":[{"type":"text","text":"a"}],"stop_reason":"max_tokens"}"#);
    assert_eq!((cut.finish, cut.usage), (Finish::Length, Usage::default()));
}

#[test]
fn reasoning_that_is_signed_is_sent_back_as_it_came() {
    let reply = read(ANTHROPIC, body::ANTHROPIC_THINKING);
    assert_eq!(reply.reasoning.as_deref(), Some("Stock is low."));
    let Said { message, calls } = ANTHROPIC.assistant(&reply);
    let message: Json = serde_json::from_slice(&message.unwrap()).unwrap();
    let sent: Json = serde_json::from_str(body::ANTHROPIC_THINKING).unwrap();
    assert_eq!(message, json!({"role": "assistant", "content": sent["content"]}));
    assert_eq!(calls, ["toolu_02"]);
}

/// A call without a result is refused, and so is a call that no result can name.
#[test]
fn of_what_is_sent_back_only_calls_with_results_are_left() {
    let thinking = json!({"type": "thinking", "thinking": "Hm.", "signature": "s"});
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "tool_wait", "input": {"days": 1e2}});
    let answer =
        |blocks: &[&Json]| json!({"type": "message", "content": blocks, "stop_reason": "tool_use"}).to_string();
    let blank = json!({"type": "text", "text": "\n"});
    let said = |mut reply: ModelReply, id: Option<&str>| {
        reply.tool_calls.truncate(1);
        if let Some(id) = id {
            reply.tool_calls[0].id = id.to_owned();
        }
        let Said { message, calls } = ANTHROPIC.assistant(&reply);
        let message: Json = serde_json::from_slice(&message.unwrap()).unwrap();
        (message["content"].clone(), calls)
    };
    let twice = read(ANTHROPIC, &answer(&[&thinking, &blank, &call("a"), &call("b")]));
    assert_eq!(twice.tool_calls.len(), 2);
    assert_eq!(said(twice, None), (json!([thinking, call("a")]), vec!["a".to_owned()]));
    let nameless = read(ANTHROPIC, &answer(&[&thinking, &call("")]));
    assert_eq!(said(nameless, Some("call_3")), (json!([thinking, call("call_3")]), vec!["call_3".to_owned()]));
}

/// Status, content type, body, and what that is.
#[test]
fn what_became_of_an_attempt() {
    use Outcome::{ContextOverflow, EmptyReply, HttpError, ProviderError, Reply, UnreadableBody, WrongContentType};
    let ok = r#"{"choices":[{"message":{"content":"a"}}]}"#;
    for (dialect, status, media, text, outcome) in [
        (OPENAI, 200, JSON, ok, Reply),
        (OPENAI, 200, None, ok, Reply),
        (OPENAI, 200, Some(""), ok, Reply),
        (OPENAI, 200, Some("Application/JSON; charset=utf-8"), ok, Reply),
        (OPENAI, 200, Some("application/problem+json"), ok, Reply),
        (OPENAI, 200, Some("text/html"), ok, WrongContentType),
        (OPENAI, 200, Some("text/event-stream"), ok, WrongContentType),
        (OPENAI, 200, Some("text/html"), "<html>", WrongContentType),
        (OPENAI, 200, JSON, "<html>", UnreadableBody),
        (OPENAI, 200, JSON, "", UnreadableBody),
        (OPENAI, 200, JSON, &ok[..ok.len() - 1], UnreadableBody),
        (OPENAI, 200, JSON, r#"{"choices":[{"message":{"content":"a"}}]} extra"#, UnreadableBody),
        (OPENAI, 200, JSON, "null", EmptyReply),
        (OPENAI, 200, JSON, "[]", EmptyReply),
        (OPENAI, 200, JSON, "{}", EmptyReply),
        (OPENAI, 200, JSON, r#"{"choices":[]}"#, EmptyReply),
        (OPENAI, 200, JSON, r#"{"choices":null,"error":null}"#, EmptyReply),
        (OPENAI, 200, JSON, r#"{"choices":[{"finish_reason":"stop"}]}"#, EmptyReply),
        (OPENAI, 200, JSON, r#"{"choices":[{"message":{"content":""}}],"usage":{"completion_tokens":0}}"#, EmptyReply),
        (OPENAI, 200, JSON, r#"{"choices":[{"message":{"content":""}}],"usage":{"completion_tokens":1}}"#, Reply),
        (OPENAI, 200, JSON, r#"{"choices":[{"message":{"content":null}}],"error":{}}"#, Reply),
        (OPENAI, 200, JSON, body::OPENROUTER_ERROR_IN_200, ProviderError),
        (OPENAI, 200, JSON, body::OPENROUTER_ERROR_IN_CHOICE, ProviderError),
        (OPENAI, 200, JSON, r#"{"object":"error","message":"worker is dead"}"#, ProviderError),
        (OPENAI, 200, JSON, r#"{"error":"model is loading"}"#, ProviderError),
        (OPENAI, 200, JSON, r#"{"error":{"message":"maximum context length is 4096 tokens"}}"#, ContextOverflow),
        (OPENAI, 201, JSON, ok, Reply),
        (OPENAI, 301, None, "", HttpError),
        (OPENAI, 400, JSON, body::OPENAI_OVERFLOW, ContextOverflow),
        (OPENAI, 400, JSON, body::VLLM_OVERFLOW, ContextOverflow),
        (OPENAI, 400, JSON, body::VLLM_OVERFLOW_OLD, ContextOverflow),
        (OPENAI, 400, JSON, body::LLAMA_OVERFLOW, ContextOverflow),
        (OPENAI, 400, JSON, body::OPENROUTER_OVERFLOW, ContextOverflow),
        (OPENAI, 422, JSON, body::TGI_OVERFLOW, ContextOverflow),
        (OPENAI, 400, JSON, body::OPENAI_BAD_PARAMETER, HttpError),
        (
            OPENAI,
            400,
            JSON,
            r#"{"error":{"message":"max_tokens is too large: 99999. This model supports at most 16384 completion tokens"}}"#,
            HttpError,
        ),
        (OPENAI, 401, JSON, body::OPENAI_BAD_KEY, HttpError),
        (OPENAI, 429, JSON, r#"{"error":{"message":"Request too large: context window, tokens per min"}}"#, HttpError),
        (OPENAI, 500, Some("text/plain"), "Internal Server Error", HttpError),
        (OPENAI, 503, JSON, body::LLAMA_LOADING, HttpError),
        (ANTHROPIC, 400, JSON, body::ANTHROPIC_OVERFLOW, ContextOverflow),
        (ANTHROPIC, 400, JSON, body::ANTHROPIC_OVERFLOW_WITH_REPLY, ContextOverflow),
        (ANTHROPIC, 529, JSON, body::ANTHROPIC_OVERLOADED, HttpError),
        (ANTHROPIC, 200, JSON, body::ANTHROPIC_OVERLOADED, ProviderError),
        (ANTHROPIC, 200, JSON, r#"{"content":[],"stop_reason":"end_turn","usage":{"output_tokens":2}}"#, Reply),
        (ANTHROPIC, 200, JSON, r#"{"content":[ ],"usage":{"output_tokens":0}}"#, EmptyReply),
        (ANTHROPIC, 200, JSON, r#"{"content":"text"}"#, EmptyReply),
        (ANTHROPIC, 200, JSON, ok, EmptyReply),
    ] {
        assert_eq!(dialect.judge(status, media, text.as_bytes()), outcome, "{status} {media:?} {text}");
    }
    assert_eq!(OPENAI.judge(200, JSON, b"{\"choices\":\"\xff\"}"), UnreadableBody);
}

#[test]
fn what_a_provider_complains_of() {
    assert_eq!(complaint(body::OPENAI_BAD_KEY), "Incorrect API key provided: sk-abc***. (invalid_api_key)");
    assert_eq!(complaint(body::ANTHROPIC_OVERLOADED), "Overloaded (overloaded_error)");
    assert_eq!(complaint(body::OPENROUTER_ERROR_IN_CHOICE), "Upstream idle timeout exceeded");
    assert_eq!(complaint(body::OPENROUTER_ERROR_IN_200), "Provider returned error: {\"detail\": \"no capacity\"}");
    assert_eq!(complaint(r#"{"detail": "Not Found"}"#), "Not Found");
    assert_eq!(complaint(r#"{"error": "model 'x' not found"}"#), "model 'x' not found");
    assert_eq!(complaint("<html>\n<body>\u{1b}[31m502</body>"), "<html> <body> [31m502</body>");
    assert_eq!(complaint("{}"), "no message");
    let long = complaint(&"é ".repeat(1000));
    assert_eq!(long.chars().count(), 301);
}

/// Each level on the stack would be the end of the process.
#[test]
fn errors_within_errors_are_followed_a_little_way() {
    let nested = |levels: usize| format!("{}\"no\"{}", "{\"error\":".repeat(levels), "}".repeat(levels));
    assert_eq!(complaint(&nested(4)), "no");
    assert_eq!(complaint(&nested(6)), r#"{"error":{"error":"no"}}"#, "cut off, it is text");
    let deep = nested(100_000);
    assert!(complaint(&deep).starts_with(r#"{"error":{"error":"#));
    let in_choices = format!(r#"{{"choices":[{{"error":{deep}}}]}}"#);
    assert_eq!(complaint(&in_choices).chars().count(), 301);
    for dialect in [OPENAI, ANTHROPIC] {
        for body in [&deep, &in_choices] {
            assert_eq!(dialect.judge(500, JSON, body.as_bytes()), Outcome::HttpError);
            assert_ne!(dialect.judge(200, JSON, body.as_bytes()), Outcome::Reply);
        }
    }
}

#[test]
fn what_has_another_shape_counts_as_absent() {
    let reply = read(
        OPENAI,
        r#"{"choices":[null, {"message":{"content":{"a":1},"refusal":5,"tool_calls":[null,{"function":{"name":3}}],
            "reasoning":[1]},"finish_reason":7}],"usage":{"prompt_tokens":-3,"completion_tokens":2.0,"cost":"0.5",
            "prompt_tokens_details":[],"completion_tokens_details":"x"},"model":null,"provider":{}}"#,
    );
    assert_eq!((reply.content.as_str(), reply.finish, reply.tool_calls.len()), ("", Finish::Other, 0));
    assert_eq!((reply.usage.input_tokens, reply.usage.output_tokens, reply.reported_cost), (None, Some(2), Some(0.5)));
    let reply = read(
        ANTHROPIC,
        r#"{"content":[5,{"type":"tool_use"},{"type":"server_tool_use","name":"x"},{"text":"no type"}],"usage":
            {"input_tokens":18446744073709551615,"cache_read_input_tokens":9}}"#,
    );
    assert_eq!((reply.tool_calls.len(), reply.content.as_str()), (1, ""));
    assert_eq!(reply.usage.input_tokens, Some(u64::MAX));
}

proptest::proptest! {
    /// Whatever a server sends, it is judged and read without a panic, and only what was judged a reply is one.
    #[test]
    fn broken_bodies_do_no_harm(which in 0..body::ALL.len(), cut in 0.0..1.0f64, at in 0.0..1.0f64, byte in 0u8..) {
        let (dialect, text) = body::ALL[which];
        let mut bytes = text.as_bytes().to_vec();
        let position = |share: f64, length: usize| (share * length as f64) as usize;
        let at = position(at, bytes.len());
        bytes[at] = byte;
        for body in [&bytes[..], &text.as_bytes()[..position(cut, text.len())]] {
            let is_reply = dialect.judge(200, JSON, body) == Outcome::Reply;
            let read = std::str::from_utf8(body).is_ok_and(|text| dialect.read(text).is_ok());
            proptest::prop_assert_eq!(is_reply, read);
            let _ = dialect.judge(400, JSON, body);
            let _ = complaint(&String::from_utf8_lossy(body));
        }
    }

    /// Any text comes through a request and its own echo unchanged.
    #[test]
    fn texts_survive(text in "\\PC{0,30}[\u{0}-\u{1f}\u{7f}\u{2028}\"\\\\]{0,5}", id in "[a-z]{1,5}") {
        for dialect in [OPENAI, ANTHROPIC] {
            let reply = ModelReply { content: format!("x{text}"), ..called(&id, "{\"a\": 1}") };
            let result = ToolResult { call_id: &id, text: &text, is_error: false };
            let messages = [dialect.user("a"), dialect.assistant(&reply).message.unwrap(), dialect.turn(&[result], "b")];
            let body = Request::default().json(dialect, &messages, None);
            let of = |pointer: &str| body.pointer(pointer).and_then(Json::as_str).unwrap().to_owned();
            let (said, told) = match dialect {
                OPENAI => (of("/messages/2/content"), of("/messages/3/content").strip_suffix("\n\nb").unwrap().to_owned()),
                ANTHROPIC => (of("/messages/1/content/0/text"), of("/messages/2/content/0/content")),
            };
            proptest::prop_assert_eq!(said, reply.content);
            proptest::prop_assert_eq!(told, text.clone());
        }
    }
}

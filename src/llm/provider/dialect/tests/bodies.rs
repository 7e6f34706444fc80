//! Bodies of answers, written by the documentation of their servers.

use crate::llm::provider::dialect::Dialect;
use crate::llm::provider::dialect::tests::{ANTHROPIC, OPENAI};

pub(super) const OPENAI_TOOL_CALL: &str = r#"{
  "id": "chatcmpl-abc123", "object": "chat.completion", "created": 1741570283, "model": "gpt-4o-2024-08-06",
  "choices": [{
    "index": 0,
    "message": {
      "role": "assistant", "content": null, "refusal": null, "annotations": [],
      "tool_calls": [{"id": "call_abc", "type": "function", "function": {
        "name": "tool_order", "arguments": "{\"supplier_id\":\"S1\",\"sku\":\"sku_0\",\"quantity\":10}"}}]
    },
    "logprobs": null, "finish_reason": "tool_calls"
  }],
  "usage": {
    "prompt_tokens": 1117, "completion_tokens": 46, "total_tokens": 1163,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0,
      "rejected_prediction_tokens": 0}
  },
  "service_tier": "default", "system_fingerprint": "fp_44709d6fcb"
}"#;

pub(super) const OPENAI_REFUSAL: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-2024-08-06",
  "choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":"I'm sorry, I can't help with that."},
  "finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18}}"#;

pub(super) const OPENAI_FILTERED: &str = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":null},
  "finish_reason":"content_filter"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#;

pub(super) const OPENAI_OVERFLOW: &str = r#"{"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 130012 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;

pub(super) const OPENAI_BAD_PARAMETER: &str = r#"{"error":{"message":"Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) value is supported.","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}"#;

pub(super) const OPENAI_BAD_KEY: &str = r#"{"error":{"message":"Incorrect API key provided: sk-abc***.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#;

/// Control characters come escaped.
pub(super) const VLLM_REASONING: &str = r#"{"id":"chatcmpl-5","object":"chat.completion","created":1756000000,
  "model":"Qwen/Qwen3-32B","choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"There is nothing to do.",
  "content":"\n\n{\"tool\": \"tool_wait\"}\u0007\u0000\u00e9","tool_calls":[]},"logprobs":null,"finish_reason":"stop",
  "stop_reason":null}],"usage":{"prompt_tokens":35,"total_tokens":60,"completion_tokens":25,"prompt_tokens_details":null},
  "prompt_logprobs":null,"kv_transfer_params":null}"#;

pub(super) const VLLM_OVERFLOW: &str = r#"{"error":{"message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (3000 in the messages, 2000 in the completion). Please reduce the length of the messages or completion.","type":"BadRequestError","param":null,"code":400}}"#;

pub(super) const VLLM_OVERFLOW_OLD: &str = r#"{"object":"error","message":"The decoder prompt (length 5000) is longer than the maximum model length of 4096.","type":"BadRequestError","param":null,"code":400}"#;

pub(super) const LLAMA_TRUNCATED_CALL: &str = r#"{"choices":[{"finish_reason":"length","index":0,"message":{
  "role":"assistant","content":"I will","tool_calls":[
    {"type":"function","function":{"name":"tool_order","arguments":"{\"supplier_id\":\"S"},"id":"XYZ"},
    {"type":"function","function":{"name":"tool_wait","arguments":"{}"},"id":""}]}}],
  "created":1756000000,"model":"vendomini-tiny","system_fingerprint":"b6000-abc","object":"chat.completion",
  "usage":{"completion_tokens":16,"prompt_tokens":200,"total_tokens":216},"id":"chatcmpl-Q",
  "timings":{"prompt_n":200,"prompt_ms":4.1,"predicted_n":16,"predicted_ms":9.2}}"#;

pub(super) const LLAMA_OVERFLOW: &str = r#"{"error":{"code":400,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":8192}}"#;

pub(super) const LLAMA_LOADING: &str = r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#;

pub(super) const OPENROUTER: &str = r#"{"id":"gen-1756","provider":"Together","model":"qwen/qwen3-32b","object":"chat.completion",
  "created":1756000000,"choices":[{"logprobs":null,"finish_reason":"","native_finish_reason":"stop","index":0,"message":{
  "role":"assistant","content":"wait","refusal":null,"reasoning":"Hm.","reasoning_details":[{"type":"reasoning.text","text":"Hm."}]}}],
  "usage":{"prompt_tokens":194,"completion_tokens":2,"total_tokens":196,"cost":0.00014,"is_byok":false,
  "prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":5},"cost_details":{"upstream_inference_cost":0.9},
  "completion_tokens_details":{"reasoning_tokens":0}}}"#;

pub(super) const OPENROUTER_ERROR_IN_200: &str = r#"{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"{\"detail\": \"no capacity\"}","provider_name":"X"}},"user_id":"u"}"#;

pub(super) const OPENROUTER_ERROR_IN_CHOICE: &str = r#"{"id":"gen-2","choices":[{"finish_reason":"error","message":{"role":"assistant","content":"I wi"},"error":{"code":502,"message":"Upstream idle timeout exceeded"}}]}"#;

pub(super) const OPENROUTER_OVERFLOW: &str = r#"{"error":{"message":"This endpoint's maximum context length is 32768 tokens. However, you requested about 40000 tokens (38000 of text input, 2000 in the output). Please reduce the length of either one.","code":400}}"#;

pub(super) const OLLAMA_OBJECT_ARGUMENTS: &str = r#"{"id":"chatcmpl-7","object":"chat.completion","model":"llama3.2","system_fingerprint":"fp_ollama",
  "choices":[{"index":0,"message":{"role":"assistant","content":"","tool_calls":[{"id":"call_x","index":0,"type":"function",
  "function":{"name":"tool_quote","arguments":{"sku": "sku_0"}}}]},"finish_reason":"tool_calls"}]}"#;

pub(super) const PARTS: &str = r#"{"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"first"}]},
  {"type":"text","text":"one "},null,{"type":"text","text":"two"}]},"finish_reason":"STOP"}]}"#;

pub(super) const LEGACY_FUNCTION: &str = r#"{"choices":[{"message":{"content":null,"function_call":{"name":"tool_wait","arguments":"{}"}},
  "finish_reason":"function_call"}]}"#;

pub(super) const XAI_USAGE: &str = r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,
  "completion_tokens":9,"total_tokens":115,"completion_tokens_details":{"reasoning_tokens":94}}}"#;

pub(super) const TGI_OVERFLOW: &str = r#"{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3000 `inputs` tokens and 2000 `max_new_tokens`","error_type":"validation"}"#;

pub(super) const ANTHROPIC_TOOL_USE: &str = r#"{"id":"msg_01X","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929",
  "content":[{"type":"text","text":"I'll order."},{"type":"tool_use","id":"toolu_01A","name":"tool_order","input":{"sku": "sku_0", "quantity": 10}}],
  "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"cache_creation_input_tokens":100,"cache_read_input_tokens":2000,
  "cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":0},"output_tokens":62,"service_tier":"standard"}}"#;

pub(super) const ANTHROPIC_THINKING: &str = r#"{"type":"message","content":[{"type":"thinking","thinking":"Stock is low.","signature":"EqQBCgIYAhIM=="},
  {"type":"redacted_thinking","data":"EmwK"},{"type":"tool_use","id":"toolu_02","name":"tool_wait","input":{}}],"stop_reason":"tool_use",
  "usage":{"input_tokens":9,"output_tokens":4}}"#;

pub(super) const ANTHROPIC_REFUSAL: &str = r#"{"type":"message","content":[{"type":"text","text":"I can"}],"stop_reason":"refusal",
  "usage":{"input_tokens":9,"output_tokens":2}}"#;

pub(super) const ANTHROPIC_OVERFLOW: &str = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 205003 tokens > 200000 maximum"},"request_id":"req_1"}"#;

pub(super) const ANTHROPIC_OVERFLOW_WITH_REPLY: &str = r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 199000 + 2000 > 200000, decrease input length or `max_tokens` and try again"}}"#;

pub(super) const ANTHROPIC_OVERLOADED: &str =
    r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_2"}"#;

/// Bodies to break.
pub(super) const ALL: [(Dialect, &str); 8] = [
    (OPENAI, OPENAI_TOOL_CALL),
    (OPENAI, VLLM_REASONING),
    (OPENAI, LLAMA_TRUNCATED_CALL),
    (OPENAI, OPENROUTER),
    (OPENAI, OPENROUTER_ERROR_IN_200),
    (ANTHROPIC, ANTHROPIC_TOOL_USE),
    (ANTHROPIC, ANTHROPIC_THINKING),
    (ANTHROPIC, ANTHROPIC_OVERFLOW),
];

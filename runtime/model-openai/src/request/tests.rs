//! What is sent, seen as JSON.

use playhouse_core::{
    model::Sampling,
    tool::{Annotations, EffectClass, ToolSpec},
};

use super::*;

fn config(more: Value) -> OpenAiConfig {
    let mut config =
        json!({ "name": "fast", "base_url": "http://localhost/v1", "model": "m-1", "context_tokens": 8192 });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(config).unwrap()
}

fn ask(messages: Vec<Message>) -> ChatRequest {
    let sampling = Sampling { temperature: 0.7, ..Sampling::default() };
    ChatRequest {
        conversation: "c".into(),
        messages: messages.into(),
        tools: vec![],
        sampling,
        response_schema: None,
    }
}

fn sent(config: &OpenAiConfig, request: &ChatRequest) -> Value {
    serde_json::from_str(&serde_json::to_string(&to_wire(config, request)).unwrap()).unwrap()
}

#[test]
fn a_conversation_with_tools_reads_as_the_specification_has_it() {
    let tool = ToolSpec {
        name: "add".into(),
        version: "1".into(),
        description: "Adds.".into(),
        input_schema: json!({ "type": "object" }),
        output_schema: json!({}),
        effect: EffectClass::Pure,
        annotations: Annotations::default(),
        digest: String::new(),
    };
    let calls = Assistant {
        content: String::new(),
        tool_calls: vec![
            ToolCall { id: "a".into(), name: "add".into(), arguments: Arguments::Json(json!({ "n": 1 })) },
            ToolCall {
                id: "b".into(),
                name: "add".into(),
                arguments: Arguments::Malformed { raw: "{n".into(), error: "bad".into() },
            },
        ],
        provider: Some(json!({ "openai": {
            "reasoning_content": "hm", "role": "evil", "tool_calls": [{ "signature": "s" }],
        } })),
    };
    let result = |id: &str| Message::Tool { call_id: id.into(), name: "add".into(), content: "2".into() };
    let messages = vec![
        Message::system("Be brief."),
        Message::user("1+1?"),
        Message::Assistant(calls),
        result("a"),
        result("b"),
    ];
    let request = ChatRequest { tools: vec![tool.into()], ..ask(messages) };
    assert_eq!(
        sent(&config(json!({})), &request),
        json!({
            "model": "m-1",
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "1+1?" },
                { "role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [
                    { "id": "a", "type": "function", "signature": "s",
                      "function": { "name": "add", "arguments": "{\"n\":1}" } },
                    { "id": "b", "type": "function",
                      "function": { "name": "add", "arguments": "{\"malformed\":\"{n\"}" } },
                ] },
                { "role": "tool", "tool_call_id": "a", "content": "2" },
                { "role": "tool", "tool_call_id": "b", "content": "2" },
            ],
            "tools": [{ "type": "function", "function":
                { "name": "add", "description": "Adds.", "parameters": { "type": "object" } } }],
            "stream": true,
            "stream_options": { "include_usage": true },
            "temperature": 0.7,
            "max_tokens": 256,
        })
    );
}

#[test]
fn fields_that_a_model_refuses_are_left_out() {
    let config = config(json!({ "stream": false, "max_tokens_field": "max_completion_tokens",
        "omit": ["temperature", "stream_options"] }));
    let sent = sent(&config, &ask(vec![]));
    assert_eq!(
        sent,
        json!({ "model": "m-1", "messages": [], "stream": false, "max_completion_tokens": 256 })
    );
}

#[test]
fn a_schema_is_enforced_strictly_only_where_that_is_possible() {
    let strict = |schema: Value| {
        let request = ChatRequest { response_schema: Some(schema), ..ask(vec![]) };
        sent(&config(json!({})), &request)["response_format"]["json_schema"]["strict"].clone()
    };
    let shut = json!({ "type": "object", "additionalProperties": false,
        "properties": { "a": { "type": "string" } }, "required": ["a"] });
    assert_eq!(strict(shut.clone()), true);
    let mut optional = shut.clone();
    optional["required"] = json!([]);
    assert_eq!(strict(optional), false);
    let mut nested = shut;
    nested["properties"]["a"] = json!({ "type": "object" });
    assert_eq!(strict(nested), false);
    assert_eq!(strict(json!({ "type": "string" })), false);
}

#[test]
fn the_estimate_counts_all_that_is_sent() {
    let plain = ask(vec![Message::user("x".repeat(300))]);
    let bare = estimate(&plain, 3);
    assert!((100..150).contains(&bare), "{bare}");
    let kept =
        Assistant { provider: Some(json!({ "openai": { "r": "y".repeat(300) } })), ..Assistant::default() };
    let mut more = plain;
    std::sync::Arc::make_mut(&mut more.messages).push(Message::Assistant(kept));
    more.response_schema = Some(json!({ "description": "z".repeat(300) }));
    assert!(estimate(&more, 3) >= bare + 200);
    assert_eq!(estimate(&more, 0), estimate(&more, 1));
}

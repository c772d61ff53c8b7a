//! What the wire looks like, written and read.

#![expect(clippy::unwrap_used, reason = "a test whose setup fails should fail loudly")]

use playhouse_openai_wire::{
    ChatChunk, ChatRequest, ChatResponse, Choice, ChunkChoice, Content, ErrorEnvelope, FinishReason, Message,
    ModelCard, ModelList, ResponseFormat, ResponseMessage, Role,
};
use serde_json::{Value, json};

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_request_survives_being_read_and_written() {
    let request = json!({
        "model": "m-1",
        "messages": [
            { "role": "developer", "content": "Be brief.", "name": "ops" },
            { "role": "user", "content": [
                { "type": "text", "text": "What is this?" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==" } },
            ] },
            { "role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [
                { "id": "a", "type": "function", "function": { "name": "look", "arguments": "{}" } },
            ] },
            { "role": "tool", "content": "a cat", "tool_call_id": "a" },
        ],
        "tools": [{ "type": "function", "function":
            { "name": "look", "description": "Looks.", "parameters": { "type": "object" }, "strict": true } }],
        "tool_choice": { "type": "function", "function": { "name": "look" } },
        "parallel_tool_calls": false,
        "response_format": { "type": "json_schema", "json_schema": { "name": "reply", "schema": {} } },
        "stream": true,
        "stream_options": { "include_usage": true },
        "temperature": 0.5,
        "top_p": 0.25,
        "max_tokens": 5,
        "max_completion_tokens": 6,
        "seed": 7,
        "logit_bias": { "50256": -100 },
    });
    let read: ChatRequest = read(request.clone());
    assert_eq!(read.extra["logit_bias"], json!({ "50256": -100 }));
    assert_eq!(read.messages[1].content.as_ref().unwrap().to_text(), "What is this?");
    assert!(matches!(read.response_format, Some(ResponseFormat::JsonSchema { .. })));
    assert_eq!(serde_json::to_value(&read).unwrap(), request);
}

#[test]
fn a_request_says_only_what_it_means() {
    let messages = vec![Message::text(Role::User, "hi")];
    let request = ChatRequest { model: "m-1".into(), messages, ..ChatRequest::default() };
    let expected = json!({ "model": "m-1", "messages": [{ "role": "user", "content": "hi" }] });
    assert_eq!(serde_json::to_value(&request).unwrap(), expected);
}

#[test]
fn a_response_has_every_field_that_the_specification_requires() {
    let message = ResponseMessage { role: "assistant".into(), ..ResponseMessage::default() };
    let choice = Choice { message, finish_reason: Some(FinishReason::ToolCalls), ..Choice::default() };
    let response = ChatResponse { choices: vec![choice], ..ChatResponse::default() };
    assert_eq!(
        serde_json::to_value(&response).unwrap(),
        json!({ "id": "", "object": "", "created": 0, "model": "", "choices": [{
            "index": 0, "logprobs": null, "finish_reason": "tool_calls",
            "message": { "role": "assistant", "content": null, "refusal": null },
        }] })
    );
    let chunk = ChatChunk { choices: vec![ChunkChoice::default()], ..ChatChunk::default() };
    let choice = &serde_json::to_value(&chunk).unwrap()["choices"][0];
    assert_eq!(choice, &json!({ "index": 0, "delta": {}, "finish_reason": null }));
    let error = ErrorEnvelope::new("invalid_request_error", None, "No such model.");
    assert_eq!(
        serde_json::to_value(&error).unwrap(),
        json!({ "error": {
            "message": "No such model.", "type": "invalid_request_error", "param": null, "code": null,
        } })
    );
}

#[test]
fn what_providers_leave_out_or_write_as_null_is_understood() {
    let response: ChatResponse = read(json!({ "id": null, "created": null, "choices": [{ "index": null,
        "message": { "role": null, "content": "hi", "tool_calls": null }, "finish_reason": "eos" }], "usage": null }));
    let choice = &response.choices[0];
    assert_eq!(choice.message.content, Some(Content::Text("hi".into())));
    assert_eq!(choice.finish_reason, Some(FinishReason::Other("eos".into())));
    assert_eq!(read::<ChatResponse>(json!({ "choices": null })), ChatResponse::default());

    let chunk: ChatChunk =
        read(json!({ "choices": [{ "delta": null }], "usage": { "prompt_tokens": null } }));
    assert_eq!(chunk.usage.unwrap().prompt_tokens, 0);
    let chunk: ChatChunk = read(json!({ "choices": [{ "delta": { "thinking": "hm", "tool_calls": [
        { "function": { "name": "f", "arguments": { "n": 1 } } }] } }] }));
    let delta = &chunk.choices[0].delta;
    assert_eq!(delta.extra["thinking"], "hm");
    assert_eq!(delta.tool_calls[0].function.arguments.as_deref(), Some("{\"n\":1}"));

    let error: ErrorEnvelope = read(json!({ "error": { "message": "Slow down.", "code": 429 } }));
    assert_eq!(error.error.code.as_deref(), Some("429"));
}

#[test]
fn a_model_list_reads_as_the_specification_has_it() {
    let list = json!({ "object": "list", "data": [
        { "id": "m-1", "object": "model", "created": 1, "owned_by": "us" }] });
    let card = ModelCard { id: "m-1".into(), object: "model".into(), created: 1, owned_by: "us".into() };
    assert_eq!(serde_json::to_value(ModelList::new(vec![card])).unwrap(), list);
    let short: ModelList = read(json!({ "data": [{ "id": "m-1" }] }));
    assert_eq!((short.object.as_str(), short.data[0].object.as_str()), ("list", "model"));
}

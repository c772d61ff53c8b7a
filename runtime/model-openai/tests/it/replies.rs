//! Answers that are replies, however oddly they come.

use playhouse_core::{
    message::{Arguments, Assistant, ToolCall},
    model::{Finish, Reply, Usage},
};
use playhouse_ports::{ChatModel, Delta, no_deltas};
use serde_json::{Value, json};

use crate::{
    server::{Server, Step, answer, chunked, stream},
    support::{ask, end, fails, model, reply, text, watch},
};

const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#;

fn good_day() -> Reply {
    Reply {
        message: Assistant { content: "Good day".into(), ..Assistant::default() },
        usage: Usage { input_tokens: 7, cached_tokens: 0, output_tokens: 2 },
        finish: Finish::Stop,
        model: "m-1".into(),
    }
}

#[tokio::test]
async fn a_streamed_reply_comes_in_deltas_and_usage_after_the_end() {
    let server =
        Server::answers(stream(&[&text("Good "), &text("day"), &end("stop"), USAGE, "[DONE]"])).await;
    let (reply, deltas) = watch(&server, json!({})).await;
    assert_eq!(reply, Ok(good_day()));
    assert_eq!(deltas, [Delta::Text("Good ".into()), Delta::Text("day".into())]);
    let request = &server.requests()[0];
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{request}");
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["stream_options"], json!({ "include_usage": true }));
    assert_eq!(body["messages"], json!([{ "role": "user", "content": "Good day?" }]));
}

#[tokio::test]
async fn comments_line_ends_and_cuts_at_every_byte_change_nothing() {
    let events = [&text("Good "), &text("day"), &end("stop"), USAGE, "[DONE]"];
    for line_end in ["\n", "\r\n", "\r"] {
        let body: String =
            events.iter().map(|data| format!(": alive{line_end}data:{data}{line_end}{line_end}")).collect();
        for size in [1, 2, 7, body.len()] {
            let server = Server::answers(chunked(&body, size)).await;
            assert_eq!(reply(&server).await, good_day(), "{line_end:?} in pieces of {size}");
        }
    }
}

#[tokio::test]
async fn a_reply_that_comes_whole_is_the_same_reply() {
    let body = json!({
        "id": "c-1", "object": "chat.completion", "created": 1, "model": "m-1",
        "choices": [{ "index": 0, "finish_reason": "stop", "logprobs": null,
            "message": { "role": "assistant", "content": "Good day", "refusal": null } }],
        "usage": { "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9 },
    });
    let bytes = answer(200, "content-type: application/json\r\n", &body.to_string());
    for stream in [true, false] {
        let server = Server::answers(bytes.clone()).await;
        let (reply, deltas) = watch(&server, json!({ "stream": stream })).await;
        assert_eq!(reply, Ok(good_day()), "stream: {stream}");
        assert_eq!(deltas, [Delta::Text("Good day".into())]);
    }
}

#[tokio::test]
async fn parallel_calls_interleaved_by_index_are_put_together() {
    let piece = |call: Value| json!({ "choices": [{ "delta": { "tool_calls": [call] } }] }).to_string();
    let server = Server::answers(stream(&[
        &piece(json!({ "index": 0, "id": "a", "type": "function", "function": { "name": "add", "arguments": "" } })),
        &piece(json!({ "index": 1, "id": "b", "type": "function", "function": { "name": "sub", "arguments": "{" } })),
        &piece(json!({ "index": 0, "function": { "arguments": "{\"n\":1}" } })),
        &piece(json!({ "index": 1, "function": { "arguments": "oops" } })),
        &end("tool_calls"),
        "[DONE]",
    ]))
    .await;
    let (reply, deltas) = watch(&server, json!({})).await;
    let reply = reply.unwrap();
    assert_eq!(reply.finish, Finish::ToolCalls);
    let [first, second] = &reply.message.tool_calls[..] else { panic!("two calls") };
    let arguments = Arguments::Json(json!({ "n": 1 }));
    assert_eq!(*first, ToolCall { id: "a".into(), name: "add".into(), arguments });
    assert!(matches!(&second.arguments, Arguments::Malformed { raw, .. } if raw == "{oops"), "{second:?}");
    let named = Delta::ToolCall { index: 1, name: Some("sub".into()), arguments: "{".into() };
    assert_eq!(deltas[1], named);
    assert_eq!(deltas.len(), 4);
}

#[tokio::test]
async fn a_stream_without_its_last_word_is_complete_once_the_answer_has_ended() {
    let server = Server::answers(stream(&[&text("Good day"), &end("stop"), USAGE])).await;
    assert_eq!(reply(&server).await, good_day());
}

#[tokio::test]
async fn a_server_that_hangs_after_the_end_does_not_spoil_the_reply() {
    let bytes = stream(&[&text("Good day"), &end("stop"), USAGE]);
    let server = Server::script([Step::Send(bytes), Step::Hang]).await;
    let (reply, _) = watch(&server, json!({ "timeouts": { "idle_ms": 50 } })).await;
    assert_eq!(reply, Ok(good_day()));
}

#[tokio::test]
async fn usage_that_nobody_sent_reads_as_zeros() {
    let server = Server::answers(stream(&[&text("hi"), &end("length"), "[DONE]"])).await;
    let reply = reply(&server).await;
    assert_eq!((reply.usage, reply.finish), (Usage::default(), Finish::Length));
}

#[tokio::test]
async fn hidden_reasoning_goes_back_to_the_provider_with_the_conversation() {
    let thought = json!({ "choices": [{ "delta": { "reasoning_content": "hm", "content": "hi" } }] });
    let first = stream(&[&thought.to_string(), &end("stop"), "[DONE]"]);
    let second = stream(&[&text("ho"), &end("stop"), "[DONE]"]);
    let server = Server::scripts([vec![Step::Send(first)], vec![Step::Send(second)]]).await;
    let model = model(&server, json!({}));
    let mut request = ask();
    let reply = model.chat(request.clone(), no_deltas()).await.unwrap();
    assert_eq!(reply.message.provider, Some(json!({ "openai": { "reasoning_content": "hm" } })));
    std::sync::Arc::make_mut(&mut request.messages)
        .push(playhouse_core::message::Message::Assistant(reply.message));
    model.chat(request, no_deltas()).await.unwrap();
    let body: Value = serde_json::from_str(server.requests()[1].split_once("\r\n\r\n").unwrap().1).unwrap();
    let sent_back = json!({ "role": "assistant", "content": "hi", "reasoning_content": "hm" });
    assert_eq!(body["messages"][1], sent_back);
}

#[tokio::test]
async fn an_answer_without_choices_is_no_reply() {
    use playhouse_core::model::ModelErrorKind::BadResponse;
    let server = Server::answers(stream(&[USAGE, "[DONE]"])).await;
    fails(&server, json!({}), BadResponse, &["no choices"]).await;
    let whole = answer(200, "content-type: application/json\r\n", r#"{"choices":[]}"#);
    let server = Server::answers(whole).await;
    fails(&server, json!({ "stream": false }), BadResponse, &["no choices"]).await;
}

//! Agents in OpenAI's clothes.

use std::time::Duration;

use playhouse_api::{ApiError, ApiErrorKind};
use playhouse_core::task::{Event, Outcome};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, HANG, Server};

const PATH: &str = "/v1/chat/completions";

fn ask(text: &str) -> Value {
    let messages = json!([{"role": "user", "content": text}]);
    json!({"model": "helper", "messages": messages, "temperature": 0.7, "user": "u"})
}

/// Sends `body`; task `t1` ends with `outcome` once it is there.
async fn chat(server: &Server, body: Value, outcome: Outcome) -> Answer {
    let ending = async {
        server.fake.submitted().await;
        server.fake.happen("t1", Event::Finished { outcome });
    };
    tokio::time::timeout(HANG, async { tokio::join!(server.post(PATH, body), ending).0 }).await.unwrap()
}

fn done(output: &str) -> Outcome {
    Outcome::Done { output: output.to_owned() }
}

/// Checks that this is OpenAI's envelope and gives its `code`.
#[track_caller]
fn code(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let error = &answer.json()["error"];
    assert!(error["message"].is_string() && error["type"].is_string(), "{error}");
    assert!(error.as_object().unwrap().contains_key("param"), "{error}");
    error["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_agent_answers_as_a_model_would() {
    let server = Server::start().await;
    let answer = chat(&server, ask("capital?"), done("Berlin")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(server.fake.submission("t1").input, "capital?");
    let message = json!({"role": "assistant", "content": "Berlin", "refusal": null});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop", "logprobs": null});
    let usage = json!({
        "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0,
        "prompt_tokens_details": {"cached_tokens": 0},
    });
    let expected = json!({
        "id": "chatcmpl-t1", "object": "chat.completion", "created": 1, "model": "helper",
        "choices": [choice], "usage": usage,
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn a_streamed_answer_is_chunks_and_done() {
    let server = Server::start().await;
    let mut body = ask("capital?");
    body["stream"] = true.into();
    body["stream_options"] = json!({"include_usage": true});
    let answer = chat(&server, body, done("Ber\nlin")).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let data: Vec<_> = answer.body.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let (last, chunks) = data.split_last().unwrap();
    assert_eq!(*last, "[DONE]");
    let chunks: Vec<Value> = chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
    assert_eq!(chunks.len(), 4);
    assert!(
        chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["id"] == "chatcmpl-t1")
    );
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(chunks[1]["choices"][0]["delta"]["content"], "Ber\nlin");
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "stop");
    assert_eq!((&chunks[3]["choices"], &chunks[3]["usage"]["total_tokens"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn earlier_messages_reach_the_agent_as_a_transcript() {
    let server = Server::start().await;
    let messages = json!([
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": "and now?"},
    ]);
    chat(&server, json!({"model": "helper", "messages": messages}), done("ok")).await;
    let expected =
        "The conversation so far:\n\nsystem: be brief\n\nuser: hi\n\nassistant: hello\n\nNow:\n\nand now?";
    assert_eq!(server.fake.submission("t1").input, expected);
}

#[tokio::test]
async fn what_an_agent_cannot_honour_is_refused_by_name() {
    let server = Server::start().await;
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]);
    for (field, value) in [
        ("tools", json!([{"type": "function", "function": {"name": "f"}}])),
        ("response_format", json!({"type": "json_object"})),
        ("n", json!(2)),
        ("stop", json!(["x"])),
        ("logprobs", json!(true)),
        ("messages", json!([])),
        ("messages", json!([{"role": "assistant", "content": "x"}])),
        ("messages", image),
    ] {
        let mut body = ask("x");
        body[field] = value;
        let answer = server.post(PATH, body).await;
        assert_eq!(code(&answer, 400), "bad_request");
        assert!(answer.body.contains(&format!("`{field}`")), "{}", answer.body);
    }
    assert_eq!(server.fake.tasks_len(), 0);
    let mut harmless = ask("x");
    (harmless["n"], harmless["logprobs"], harmless["stop"]) = (json!(1), json!(false), Value::Null);
    assert_eq!(chat(&server, harmless, done("ok")).await.status, 200);
}

#[tokio::test]
async fn errors_have_openais_envelope_and_its_retry_language() {
    let server = Server::start().await;
    assert_eq!(code(&server.post_bytes(PATH, "{").await, 400), "bad_request");
    assert_eq!(code(&server.post_bytes(PATH, vec![b' '; 2_000_000]).await, 413), "too_large");
    let mut body = ask("x");
    body["model"] = "nobody".into();
    assert_eq!(code(&server.post(PATH, body).await, 404), "model_not_found");
    server.fake.refuse_next(ApiError::new(ApiErrorKind::TooBusy, "full").retry_after(1500));
    let busy = server.post(PATH, ask("x")).await;
    assert_eq!(code(&busy, 429), "too_busy");
    assert_eq!((busy.header("retry-after"), busy.header("retry-after-ms")), (Some("2"), Some("1500")));
    assert_eq!(busy.header("x-should-retry"), None);
}

#[tokio::test]
async fn a_task_without_an_answer_is_an_error_that_must_not_be_retried() {
    let server = Server::start().await;
    let cancelled = chat(&server, ask("x"), Outcome::Cancelled { reason: "enough".into() }).await;
    assert_eq!(code(&cancelled, 409), "task_cancelled");
    assert_eq!(cancelled.header("x-should-retry"), Some("false"));

    let server = Server::start().await;
    let mut body = ask("x");
    body["stream"] = true.into();
    let streamed = chat(&server, body, Outcome::Quarantined { reason: "it keeps crashing".into() }).await;
    assert_eq!(streamed.status, 200, "the head was sent before");
    assert!(streamed.body.contains(r#""code":"task_failed""#) && streamed.body.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_stopping_daemon_does_not_leave_the_client_waiting() {
    let mut server = Server::start().await;
    let request = server.request(Method::POST, PATH).json(&ask("x"));
    let waiting = Answer::of(request);
    let stopping = async {
        server.fake.submitted().await;
        server.stop();
    };
    let (answer, ()) = tokio::join!(waiting, stopping);
    assert_eq!(code(&answer, 503), "task_interrupted");
    assert_eq!(answer.header("x-should-retry"), Some("false"), "a second try would be a second task");
    assert!(answer.body.contains("/v1/tasks/t1"), "{}", answer.body);
    tokio::time::timeout(Duration::from_secs(3), server.stopped()).await.unwrap();
}

//! What clients get wrong, and what they are told.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Server};

/// Posts `body` as a submission and gives the detail of the 400 it must be.
async fn refused(server: &Server, body: impl Into<reqwest::Body>) -> String {
    server.post_bytes("/v1/tasks", body).await.problem(400)
}

#[track_caller]
fn says(detail: &str, words: &str) {
    assert!(detail.contains(words), "{detail:?} does not say {words:?}");
}

#[tokio::test]
async fn an_empty_body_is_named_as_such() {
    let server = Server::start().await;
    says(&refused(&server, "").await, "the body is empty");
}

#[tokio::test]
async fn an_empty_input_is_refused() {
    let server = Server::start().await;
    says(&refused(&server, r#"{"agent":"helper","input":""}"#).await, "`input` is empty");
}

#[tokio::test]
async fn broken_json_is_answered_with_line_and_column() {
    let server = Server::start().await;
    says(&refused(&server, "{\n \"agent\": nope}").await, "line 2 column 12");
    says(&refused(&server, r#"{"agent":"helper","input":"x"} tail"#).await, "trailing characters");
}

#[tokio::test]
async fn missing_unknown_and_duplicate_fields_are_named() {
    let server = Server::start().await;
    says(&refused(&server, r#"{"agent":"helper"}"#).await, "missing field `input`");
    says(&refused(&server, r#"{"agent":"helper","input":"x","colour":1}"#).await, "unknown field `colour`");
    says(&refused(&server, r#"{"agent":"helper","input":"x","input":"y"}"#).await, "duplicate field `input`");
    let nested = r#"{"agent":"helper","input":"x","limits":{"stepz":1}}"#;
    says(&refused(&server, nested).await, "unknown field `stepz`");
}

#[tokio::test]
async fn fields_of_the_wrong_type_are_refused() {
    let server = Server::start().await;
    for body in [
        r#"{"agent":7,"input":"x"}"#,
        r#"{"agent":"helper","input":null}"#,
        r#"{"agent":"helper","input":"x","limits":{"steps":-1}}"#,
        r#"{"agent":"helper","input":"x","limits":{"time_ms":99999999999999999999999}}"#,
        r#"{"agent":"helper","input":"x","labels":"user"}"#,
        r#"{"agent":"helper","input":"\ud800"}"#,
        r#"["helper"]"#,
        "null",
    ] {
        refused(&server, body).await;
    }
}

#[tokio::test]
async fn a_hundred_thousand_levels_of_nesting_are_refused_wherever_they_are() {
    let server = Server::start().await;
    let deep = "[".repeat(100_000);
    refused(&server, deep.clone()).await;
    refused(&server, format!(r#"{{"agent":"helper","input":{deep}"#)).await;
    refused(&server, format!(r#"{{"agent":"helper","input":"x","limits":{deep}"#)).await;
    refused(&server, r#"{"a":"#.repeat(100_000)).await;
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_not_utf8_is_told_where() {
    let server = Server::start().await;
    says(&refused(&server, b"{\"agent\":\"\xff\"".to_vec()).await, "first bad byte at offset 10");
    let head = "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Connection: close\r\nContent-Length: 2\r\n\r\n";
    let answer = server.raw(&[head.as_bytes(), b"\xc3\x28"].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("not UTF-8"), "{answer}");
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_answered_413_and_not_cut_off() {
    let server = Server::start().await;
    for bytes in [playhouse_http::BODY_BYTES_MAX + 1, 4 * playhouse_http::BODY_BYTES_MAX] {
        let detail = server.post_bytes("/v1/tasks", vec![b' '; bytes]).await.problem(413);
        says(&detail, "larger than");
    }
    let length = playhouse_http::BODY_BYTES_MAX + 1;
    let chunked = format!(
        "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{}\r\n0\r\n\r\n",
        " ".repeat(length)
    );
    assert!(server.raw(chunked.as_bytes()).await.starts_with("HTTP/1.1 413"), "without an announced length");
    let announced = "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                     Connection: close\r\nExpect: 100-continue\r\nContent-Length: 9999999999\r\n\r\n";
    assert!(
        server.raw(announced.as_bytes()).await.starts_with("HTTP/1.1 413"),
        "before a byte of it is sent"
    );
}

#[tokio::test]
async fn a_megabyte_of_input_fits_and_one_more_byte_is_the_runtimes_to_refuse() {
    let server = Server::start().await;
    let input = "x".repeat(1024 * 1024);
    assert_eq!(server.post("/v1/tasks", json!({"agent": "helper", "input": input})).await.status, 202);
    let input = "x".repeat(1024 * 1024 + 1);
    server.post("/v1/tasks", json!({"agent": "helper", "input": input})).await.problem(413);
}

#[tokio::test]
async fn a_body_that_is_not_announced_as_json_is_refused() {
    let server = Server::start().await;
    let body = r#"{"agent":"helper","input":"x"}"#;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let request = server.request(Method::POST, "/v1/tasks").header("content-type", kind);
        says(&Answer::of(request.body(body)).await.problem(415), "application/json");
    }
    let request =
        server.request(Method::POST, "/v1/tasks").header("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(Answer::of(request.body(body)).await.status, 202);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let server = Server::start().await;
    let answer = server.post("/v1/tasks", json!({"agent": "nobody", "input": "x"})).await;
    says(&answer.problem(404), "no agent is called `nobody`");
    says(&server.get("/v1/tasks/t9").await.problem(404), "`t9`");
    server.get("/v1/tasks/t9/events").await.problem(404);
    server.post("/v1/tasks/t9/cancel", json!({})).await.problem(404);
    server.get("/v1/sessions/s9").await.problem(404);
    server.delete("/v1/sessions/s9").await.problem(404);
    server.delete("/v1/sessions/s9/topics/x").await.problem(404);
}

#[tokio::test]
async fn ids_that_cannot_be_are_bad_requests() {
    let server = Server::start().await;
    let long = "x".repeat(129);
    for id in ["a%2Fb", "a%00", "%FF", "%20", "caf%C3%A9", &long] {
        server.get(&format!("/v1/tasks/{id}")).await.problem(400);
        server.get(&format!("/v1/tasks/{id}/events")).await.problem(400);
        server.get(&format!("/v1/sessions/{id}")).await.problem(400);
    }
    let answer = server.post("/v1/tasks", json!({"agent": "helper", "input": "x", "session": "a b"})).await;
    says(&answer.problem(400), "bad session: the name holds the character ' '");
}

#[tokio::test]
async fn bad_paging_is_refused() {
    let server = Server::start().await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=1&limit=2",
        "limit=99999999999999999999999",
        "before=",
        "before=a/b",
        "status=finished",
        "session=%00",
        "colour=red",
    ] {
        server.get(&format!("/v1/tasks?{query}")).await.problem(400);
    }
    says(&server.get("/v1/tasks?limit=201").await.problem(400), "1 to 200");
}

#[tokio::test]
async fn a_position_that_cannot_be_is_refused() {
    let server = Server::start().await;
    server.submit("x").await;
    for id in ["x", "-1", "1.5", "", "18446744073709551615", "99999999999999999999999"] {
        let request = server.request(Method::GET, "/v1/tasks/t1/events").header("last-event-id", id);
        says(&Answer::of(request).await.problem(400), "`Last-Event-ID`");
    }
    for query in ["from=x", "from=-1", "deltas=maybe", "form=1"] {
        server.get(&format!("/v1/tasks/t1/events?{query}")).await.problem(400);
    }
}

#[tokio::test]
async fn a_bad_idempotency_key_is_refused() {
    let server = Server::start().await;
    let body = json!({"agent": "helper", "input": "x"});
    for key in ["", &"k".repeat(256), "sch\u{f6}n"] {
        let request = server.request(Method::POST, "/v1/tasks").header("idempotency-key", key);
        Answer::of(request.json(&body)).await.problem(400);
    }
    let twice = server.request(Method::POST, "/v1/tasks").header("idempotency-key", "a");
    says(&Answer::of(twice.header("idempotency-key", "b").json(&body)).await.problem(400), "more than once");
    assert_eq!(server.fake.tasks_len(), 0);
}

#[tokio::test]
async fn a_bad_body_of_a_cancel_is_refused() {
    let server = Server::start().await;
    server.submit("x").await;
    server.post("/v1/tasks/t1/cancel", json!({"because": "x"})).await.problem(400);
    server.post("/v1/tasks/t1/cancel", json!({"reason": 1})).await.problem(400);
    assert_eq!(server.get("/v1/tasks/t1").await.json()["status"], "queued");
}

#[tokio::test]
async fn a_complaint_does_not_repeat_a_megabyte() {
    let server = Server::start().await;
    let body = format!(r#"{{"agent":"helper","input":"x","limits":"{}"}}"#, "y".repeat(1_000_000));
    assert!(refused(&server, body).await.len() < 1000);
}

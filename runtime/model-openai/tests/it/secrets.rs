//! The key goes into one header and nowhere else.

use playhouse_ports::{ChatModel, no_deltas};
use serde_json::json;

use crate::{
    server::{Server, answer, stream},
    support::{ask, config, end, model_with_key, text},
};

const CANARY: &str = "sk-canary-5a1c0ffee";

#[tokio::test]
async fn the_key_is_sent_as_a_bearer_token() {
    let server = Server::answers(stream(&[&text("hi"), &end("stop"), "[DONE]"])).await;
    model_with_key(&server, CANARY).chat(ask(), no_deltas()).await.unwrap();
    let request = &server.requests()[0];
    assert!(request.contains(&format!("authorization: Bearer {CANARY}\r\n")), "{request}");
}

#[tokio::test]
async fn a_provider_that_repeats_the_key_cannot_make_us_repeat_it() {
    let echo = format!("You sent {CANARY}");
    let json = json!({ "error": { "message": echo, "code": echo } }).to_string();
    let html = format!("<html><p>{echo}</p></html>");
    let chunk = json!({ "choices": echo }).to_string();
    let is_json = "content-type: application/json\r\n";
    let answers = [
        answer(401, "", &json),
        answer(500, &format!("x-request-id: {CANARY}\r\n"), &html),
        answer(429, "", &echo),
        answer(302, &format!("location: http://elsewhere/{CANARY}\r\n"), ""),
        answer(200, is_json, &echo),
        answer(200, is_json, &json),
        answer(200, is_json, &chunk),
        answer(200, "content-type: text/html\r\n", &html),
        stream(&[&json]),
        stream(&[&echo]),
        stream(&[&chunk]),
    ];
    for bytes in answers {
        let told = String::from_utf8(bytes.clone()).unwrap();
        let server = Server::answers(bytes).await;
        let error = model_with_key(&server, CANARY).chat(ask(), no_deltas()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?} after {told}");
    }
}

#[tokio::test]
async fn nothing_that_can_be_printed_shows_the_key_or_a_header() {
    let server = Server::answers("").await;
    let model = model_with_key(&server, CANARY);
    assert!(!format!("{model:?}").contains("canary"));
    let config = config("http://localhost", json!({ "headers": { "x-team": "canary" } }));
    let shown = format!("{config:?}");
    assert!(shown.contains("x-team") && !shown.contains("canary"), "{shown}");
}

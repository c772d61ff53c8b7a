//! Answers that are no replies: refusals, broken connections, garbage.

use playhouse_core::model::ModelErrorKind as Kind;
use playhouse_model_openai::OpenAi;
use playhouse_ports::{ChatModel, no_deltas};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    server::{CHUNKED, Server, Step, answer, stream},
    support::{ask, config, end, fails, text},
};

#[tokio::test]
async fn every_form_of_retry_after_reaches_the_caller() {
    let table = [
        ("retry-after: 2\r\n", Kind::RateLimited, 2000),
        ("retry-after: 0.5\r\n", Kind::RateLimited, 500),
        ("retry-after-ms: 1500\r\nretry-after: 9\r\n", Kind::RateLimited, 1500),
        (
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:47 GMT\r\n",
            Kind::RateLimited,
            10_000,
        ),
        ("retry-after: 3600\r\n", Kind::Quota, 3_600_000),
    ];
    for (headers, kind, after_ms) in table {
        let server = Server::answers(answer(429, headers, r#"{"error":{"message":"Slow down."}}"#)).await;
        let error = fails(&server, json!({}), kind, &["429", "Slow down"]).await;
        assert_eq!(error.retry_after_ms, Some(after_ms), "{headers}");
    }
}

#[tokio::test]
async fn a_refusal_names_its_status_and_is_not_repeated() {
    let table =
        [(500, Kind::Unavailable), (503, Kind::Unavailable), (401, Kind::Auth), (404, Kind::BadRequest)];
    for (status, kind) in table {
        let refusal = answer(status, "x-request-id: req_7\r\n", r#"{"error":{"message":"No."}}"#);
        let server = Server::scripts([vec![Step::Send(refusal.clone())], vec![Step::Send(refusal)]]).await;
        fails(&server, json!({}), kind, &[&status.to_string(), ": No;", "req_7"]).await;
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_provider_that_says_not_to_retry_is_believed() {
    let server = Server::answers(answer(429, "x-should-retry: false\r\n", "")).await;
    let error = fails(&server, json!({}), Kind::Quota, &["429"]).await;
    assert!(!error.kind.retryable());
}

#[tokio::test]
async fn a_refusal_whose_body_never_comes_is_still_the_refusal() {
    let head = "HTTP/1.1 503 X\r\ncontent-length: 100\r\n\r\n{";
    let server = Server::script([Step::Send(head.into()), Step::Hang]).await;
    fails(&server, json!({ "timeouts": { "idle_ms": 50 } }), Kind::Unavailable, &["503"]).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::answers(stream(&[&text("hi"), &end("stop")])).await;
    let to = format!("location: {}/other?token=t0ken\r\n", elsewhere.base_url());
    let server = Server::answers(answer(307, &to, "")).await;
    let error =
        fails(&server, json!({}), Kind::BadRequest, &["redirects to http://127.0.0.1", "base_url"]).await;
    assert!(!error.message.contains("t0ken"));
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_a_network_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let model = OpenAi::new(config(&base_url, json!({})), None).unwrap();
    let error = model.chat(ask(), no_deltas()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Network);
    assert!(
        error.message.contains("cannot be reached") && error.message.contains("refused"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn an_https_endpoint_without_tls_or_a_machine_without_certificates_is_a_plain_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("https://{}/v1", listener.local_addr().unwrap());
    match OpenAi::new(config(&base_url, json!({})), None) {
        Ok(model) => {
            let hang_up = async { drop(listener.accept().await.unwrap()) };
            let (reply, ()) = tokio::join!(model.chat(ask(), no_deltas()), hang_up);
            assert_eq!(reply.unwrap_err().kind, Kind::Network);
        }
        Err(error) => assert!(error.to_string().contains("install the system's CA certificates"), "{error}"),
    }
}

#[tokio::test]
async fn a_connection_that_closes_without_a_word_is_a_network_failure() {
    let server = Server::script([]).await;
    fails(&server, json!({}), Kind::Network, &["broke the connection"]).await;
}

#[tokio::test]
async fn a_stream_that_is_cut_is_a_network_failure_however_it_is_framed() {
    let server = Server::answers(stream(&[&text("Good ")])).await;
    fails(&server, json!({}), Kind::Network, &["ended before it was complete"]).await;
    let mut half = stream(&[&text("Good ")]);
    half.extend(br#"data: {"choices":[{"del"#);
    let server = Server::answers(half).await;
    fails(&server, json!({}), Kind::Network, &["ended before it was complete"]).await;
    let server = Server::answers(format!("{CHUNKED}ff\r\ndata: {}\n\n", text("Good "))).await;
    fails(&server, json!({}), Kind::Network, &["broke the connection"]).await;
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_ends_it() {
    let table = [
        (r#"{"error":{"message":"Engine fell over.","type":"server_error"}}"#, Kind::Unavailable),
        (r#"{"error":{"message":"Slow.","code":429},"choices":[]}"#, Kind::RateLimited),
        (r#"{"error":{"message":"Long.","code":"context_length_exceeded"}}"#, Kind::ContextOverflow),
    ];
    for (error, kind) in table {
        let server = Server::answers(stream(&[&text("Good "), error, "[DONE]"])).await;
        fails(&server, json!({}), kind, &["reported an error in its answer"]).await;
    }
    let mut named = stream(&[&text("Good ")]);
    named.extend(b"event: error\ndata: {\"message\": \"Fell over.\"}\n\n");
    fails(&Server::answers(named).await, json!({}), Kind::Unavailable, &["Fell over"]).await;
}

#[tokio::test]
async fn garbage_is_shown_and_called_a_bad_response() {
    let server = Server::answers(stream(&[&text("Good "), "{nonsense"])).await;
    fails(&server, json!({}), Kind::BadResponse, &["{nonsense"]).await;
    let server = Server::answers(answer(200, "content-type: application/json\r\n", "not json")).await;
    fails(&server, json!({}), Kind::BadResponse, &["not json"]).await;
    let page = "<html><body><h1>It works!</h1></body></html>";
    let server = Server::answers(answer(200, "content-type: text/html; charset=utf-8\r\n", page)).await;
    fails(&server, json!({}), Kind::BadResponse, &["web page", "It works!", "base_url"]).await;
    let server = Server::answers(answer(502, "content-type: text/html\r\n", page)).await;
    fails(&server, json!({}), Kind::Unavailable, &["502: It works!"]).await;
}

#[tokio::test]
async fn an_error_under_a_good_status_is_an_error() {
    let body = r#"{"error":{"message":"Upstream is down.","code":502}}"#;
    let server = Server::answers(answer(200, "content-type: application/json\r\n", body)).await;
    fails(&server, json!({}), Kind::Unavailable, &["Upstream is down"]).await;
}

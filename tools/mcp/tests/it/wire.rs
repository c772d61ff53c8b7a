//! A hostile server at the other end of HTTP.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use playhouse_core::tool::ToolErrorKind::{Crashed, Timeout};
use playhouse_tools_mcp::{ServerConfig, ServerExit, Text};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::kit::{CALL_MS, Stage, expect, until};

/// Serves `router` on an address of its own.
async fn serve(router: Router, jobs: &mut JoinSet<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    jobs.spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

fn at(url: String) -> ServerConfig {
    let headers = [("Authorization".to_owned(), Text::new("Bearer hunter2"))].into();
    ServerConfig { url: Some(url), headers, tools: vec!["*".into()], ..ServerConfig::default() }
}

/// Answers the handshake and the listing, and `call` answers the calls.
fn server(call: impl Fn(Value) -> Response + Clone + Send + Sync + 'static) -> Router {
    let answer = move |body: Bytes| async move {
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        let result = match message["method"].as_str().unwrap_or_default() {
            "initialize" => json!({
                "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
                "serverInfo": { "name": "hostile", "version": "1" },
            }),
            "tools/list" => json!({ "tools": [{ "name": "t", "inputSchema": { "type": "object" } }] }),
            "tools/call" => return call(message["id"].clone()),
            "" => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
            _ => return StatusCode::ACCEPTED.into_response(),
        };
        axum::Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
    };
    Router::new().route("/mcp", any(answer))
}

#[tokio::test]
async fn a_redirect_takes_no_secret_elsewhere() {
    let (mut jobs, hits) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    let counted = hits.clone();
    let elsewhere = Router::new().fallback(any(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { "" }
    }));
    let elsewhere = serve(elsewhere, &mut jobs).await;
    let here = Router::new().fallback(any(move || {
        let elsewhere = elsewhere.clone();
        async move { (StatusCode::TEMPORARY_REDIRECT, [("location", elsewhere)]) }
    }));
    let mut stage = Stage::run(at(serve(here, &mut jobs).await));
    let exit = stage.exit().await;
    assert!(matches!(&exit, ServerExit::Start { problem, .. } if problem.contains("307")), "{exit}");
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let endless = |_| {
        let chunk = Bytes::from(vec![b' '; 1 << 20]);
        let chunks = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
        ([("content-type", "application/json")], Body::from_stream(chunks)).into_response()
    };
    let mut jobs = JoinSet::new();
    let stage = Stage::run(at(serve(server(endless), &mut jobs).await)).ready().await;
    expect(&stage.failure(CALL_MS).await, Crashed, "could not be asked");
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_with_the_call_and_blocks_no_other() {
    let never = |_| {
        let silence = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        ([("content-type", "application/json")], Body::from_stream(silence)).into_response()
    };
    let mut jobs = JoinSet::new();
    let config = ServerConfig { concurrency: 1, ..at(serve(server(never), &mut jobs).await) };
    let stage = Stage::run(config).ready().await;
    for _ in 0..4 {
        expect(&stage.failure(50).await, Timeout, "within 50 ms");
    }
    assert!(stage.status().up, "and the listing that followed was answered: {:?}", stage.status());
}

#[tokio::test]
async fn a_refusal_of_the_front_is_told() {
    let refuse = |_| (StatusCode::BAD_GATEWAY, "nobody behind").into_response();
    let mut jobs = JoinSet::new();
    let stage = Stage::run(at(serve(server(refuse), &mut jobs).await)).ready().await;
    let error = stage.failure(CALL_MS).await;
    expect(&error, Crashed, "502");
    assert!(!error.message.contains("hunter2"));
    until("it is still served", async || stage.status().up).await;
}

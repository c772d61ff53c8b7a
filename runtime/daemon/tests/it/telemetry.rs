//! Spans arrive at an OTLP collector, under the names of the conventions.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, routing::post};

use crate::harness::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_of_task_model_and_tool_reach_the_collector() {
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let collect = {
        let seen = seen.clone();
        move |body: Bytes| async move { seen.lock().unwrap().extend_from_slice(&body) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut jobs = tokio::task::JoinSet::new();
    jobs.spawn(async move { axum::serve(listener, Router::new().route("/v1/traces", post(collect))).await });

    let place = Place::with_config(&format!("[telemetry]\notlp_endpoint = \"{endpoint}\"\n"));
    let daemon = place.start();
    let task = daemon.submit("What is 37 times 12?").await;
    daemon.finish(&task).await;
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log:#?}");
    let bytes = seen.lock().unwrap().clone();
    // Protobuf keeps text as it is.
    let holds = |name: &str| bytes.windows(name.len()).any(|window| window == name.as_bytes());
    for name in [
        "invoke_agent assistant",
        "step",
        "chat nano",
        "execute_tool calculator",
        "gen_ai.usage.input_tokens",
        &task,
    ] {
        assert!(holds(name), "no span names {name}; {} bytes arrived", bytes.len());
    }
}

//! Each timeout passes on its own, and its name is in the error. The other ones are far away.

use std::{sync::Arc, time::Duration};

use playhouse_core::model::ModelErrorKind as Kind;
use playhouse_model_openai::OpenAi;
use playhouse_ports::{ChatModel, no_deltas};
use serde_json::json;
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::Notify,
    time::timeout,
};

use crate::{
    server::{STREAM, Server, Step, stream},
    support::{ask, config, end, fails, model, text},
};

#[tokio::test]
async fn a_server_that_never_answers_passes_the_first_byte_timeout() {
    let more = json!({ "timeouts": { "first_byte_ms": 50 } });
    let server = Server::script([Step::Hang]).await;
    fails(&server, more.clone(), Kind::Timeout, &["50 ms", "`first_byte_ms`"]).await;
    let server = Server::script([Step::Send(STREAM.into()), Step::Hang]).await;
    fails(&server, more, Kind::Timeout, &["50 ms", "`first_byte_ms`"]).await;
}

#[tokio::test]
async fn a_stream_that_falls_silent_passes_the_idle_timeout() {
    let server = Server::script([Step::Send(stream(&[&text("Good ")])), Step::Hang]).await;
    fails(&server, json!({ "timeouts": { "idle_ms": 50 } }), Kind::Timeout, &["50 ms", "`idle_ms`"]).await;
}

#[tokio::test]
async fn a_stream_that_never_ends_passes_the_total_timeout() {
    let server = Server::script([Step::Send(STREAM.into()), Step::Drip(b": alive\n")]).await;
    fails(&server, json!({ "timeouts": { "total_ms": 200 } }), Kind::Timeout, &["200 ms", "`total_ms`"])
        .await;
}

#[tokio::test]
async fn a_reply_that_comes_whole_is_only_bound_by_the_total_timeout() {
    let server = Server::script([Step::Hang]).await;
    let more = json!({ "stream": false, "timeouts": { "first_byte_ms": 1, "idle_ms": 1, "total_ms": 100 } });
    fails(&server, more, Kind::Timeout, &["100 ms", "`total_ms`"]).await;
}

// Other kernels refuse the connection instead.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_that_takes_no_connection_passes_the_connect_timeout() {
    // A queue of one that nobody empties: the kernel leaves further connections without an answer.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(connection) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
        queued.push(connection.unwrap());
    }
    let config = config(&format!("http://{address}/v1"), json!({ "timeouts": { "connect_ms": 50 } }));
    let error = OpenAi::new(config, None).unwrap().chat(ask(), no_deltas()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Timeout);
    assert!(error.message.contains("within 50 ms (`connect_ms`)"), "{}", error.message);
}

#[tokio::test]
async fn a_call_without_a_free_slot_waits_and_then_says_so() {
    let bytes = stream(&[&text("hi"), &end("stop"), "[DONE]"]);
    let server = Server::scripts([vec![Step::Hang], vec![Step::Send(bytes)]]).await;
    let model = model(&server, json!({ "max_in_flight": 1, "timeouts": { "total_ms": 200 } }));
    let mut first = Box::pin(model.chat(ask(), no_deltas()));
    // The first call takes the slot as soon as it is looked at.
    assert!(timeout(Duration::ZERO, &mut first).await.is_err());
    let error = model.chat(ask(), no_deltas()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Timeout);
    assert!(error.message.contains("`max_in_flight`"), "{}", error.message);
    // Dropping a call frees its slot.
    drop(first);
    assert!(model.chat(ask(), no_deltas()).await.is_ok());
}

#[tokio::test]
async fn dropping_a_call_closes_its_connection() {
    let server = Server::script([Step::Send(stream(&[&text("Good ")])), Step::Drip(b": alive\n")]).await;
    let begun = Arc::new(Notify::new());
    let signal = begun.clone();
    let model = model(&server, json!({}));
    let call = model.chat(ask(), Arc::new(move |_| signal.notify_one()));
    tokio::select! {
        reply = call => panic!("the stream never ends, but {reply:?}"),
        () = begun.notified() => {}
    }
    // The server's script ends only when nobody reads any more.
    server.ended().await;
}

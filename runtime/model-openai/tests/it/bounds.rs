//! What a provider sends costs only so much memory.

use playhouse_core::model::ModelErrorKind as Kind;
use serde_json::json;

use crate::{
    server::{STREAM, Server, Step},
    support::fails,
};

/// Far more than the sockets' buffers hold, so that a flood ends only when the client hangs up.
const FLOOD_BYTES: u64 = 256 * 1024 * 1024;

const NO_LINE_END: &[u8] = &[b'x'; 64 * 1024];

#[tokio::test]
async fn a_line_without_an_end_is_refused_long_before_it_ends() {
    let server = Server::script([Step::Send(STREAM.into()), Step::Flood(NO_LINE_END, FLOOD_BYTES)]).await;
    fails(&server, json!({}), Kind::BadResponse, &["1048576 bytes", "`max_line_bytes`"]).await;
    assert!(server.ended().await < FLOOD_BYTES);
}

#[tokio::test]
async fn a_line_of_ten_megabytes_is_a_bad_response() {
    let mut bytes = format!("{STREAM}data: ").into_bytes();
    bytes.resize(10 * 1024 * 1024, b'x');
    fails(&Server::answers(bytes).await, json!({}), Kind::BadResponse, &["`max_line_bytes`"]).await;
}

#[tokio::test]
async fn an_answer_without_an_end_is_refused_streamed_or_whole() {
    let comments: &[u8] = b": alive and well, thank you for asking\n";
    let more = json!({ "max_reply_bytes": 100_000 });
    let server = Server::script([Step::Send(STREAM.into()), Step::Flood(comments, FLOOD_BYTES)]).await;
    fails(&server, more.clone(), Kind::BadResponse, &["100000 bytes", "`max_reply_bytes`"]).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    let server = Server::script([Step::Send(head.into()), Step::Flood(NO_LINE_END, FLOOD_BYTES)]).await;
    fails(&server, more, Kind::BadResponse, &["`max_reply_bytes`"]).await;
    assert!(server.ended().await < FLOOD_BYTES);
}

#[tokio::test]
async fn a_refusal_without_an_end_is_still_the_refusal() {
    let server =
        Server::script([Step::Send("HTTP/1.1 500 X\r\n\r\n".into()), Step::Flood(NO_LINE_END, FLOOD_BYTES)])
            .await;
    let error = fails(&server, json!({}), Kind::Unavailable, &["500"]).await;
    assert!(error.message.len() < 1000, "{} bytes of message", error.message.len());
    assert!(server.ended().await < FLOOD_BYTES);
}

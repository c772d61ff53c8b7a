//! Clients that are slow, rude or gone, and a server that stops.

use std::time::Duration;

use playhouse_http::{GRACE_MAX, HEADER_TIME_MAX};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

use crate::{
    events::Follower,
    harness::{HANG, Server, read_to_end},
};

// The clock is paused in some of these tests: it jumps to the next timer whenever nothing else can happen.

#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes_its_request_head_is_let_go() {
    let server = Server::start().await;
    let started = Instant::now();
    let mut socket = server.connect().await;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: local").await.unwrap();
    read_to_end(&mut socket).await;
    assert!((HEADER_TIME_MAX..HEADER_TIME_MAX * 2).contains(&started.elapsed()), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes_its_body_is_told_and_let_go() {
    let server = Server::start().await;
    let mut socket = server.connect().await;
    let head = "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Connection: close\r\nContent-Length: 100\r\n\r\n{";
    socket.write_all(head.as_bytes()).await.unwrap();
    let answer = read_to_end(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("problem+json"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_event_stream_is_kept_alive_by_comments() {
    let server = Server::start().await;
    // No client with timeouts of its own: under the paused clock they would pass at once.
    let mut socket = server.connect().await;
    let body = r#"{"agent":"helper","input":"x"}"#;
    let submit = format!(
        "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}GET /v1/tasks/t1/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
        body.len()
    );
    socket.write_all(submit.as_bytes()).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("\r\n:\n\n") {
        let mut bytes = [0; 1024];
        let read = socket.read(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
}

#[tokio::test]
async fn garbage_is_answered_or_hung_up_on_and_the_server_lives() {
    let server = Server::start().await;
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nx: {}\r\n\r\n", "y".repeat(200_000));
    for bytes in
        [b"\x16\x03\x01\x02\x00\x01\x00".as_slice(), b"GET\r\n\r\n", b"\0\0\0\0\r\n\r\n", long.as_bytes()]
    {
        let mut socket = server.connect().await;
        // The server may close before everything is sent.
        let _ = socket.write_all(bytes).await;
        let _ = socket.shutdown().await;
        let mut answer = Vec::new();
        let _ = timeout(HANG, socket.read_to_end(&mut answer)).await.expect("the server lets go");
    }
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_harms_nobody() {
    let server = Server::start().await;
    let id = server.submit("x").await;
    let follower = Follower::follow(&server, &id, "", None).await;
    drop(follower);
    drop(server.connect().await);
    server.fake.finish(&id, "done");
    assert_eq!(server.get(&format!("/v1/tasks/{id}")).await.json()["status"], "done");
}

#[tokio::test]
async fn stopping_ends_event_streams_at_once_and_then_the_server() {
    let mut server = Server::start().await;
    let id = server.submit("x").await;
    let mut follower = Follower::follow(&server, &id, "", None).await;
    let started = Instant::now();
    server.stop();
    assert_eq!(follower.next().await, None, "the stream ends, so that the client comes back later");
    server.stopped().await;
    assert!(started.elapsed() < GRACE_MAX, "nobody waited for the stream");
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", server.port)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn stopping_does_not_wait_for_ever_for_a_request_that_does_not_end() {
    let mut server = Server::start().await;
    let mut socket = server.connect().await;
    let head = "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Expect: 100-continue\r\nContent-Length: 100\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    // The server says so once it reads the body: now the request is in flight.
    let mut leave = [0; 12];
    socket.read_exact(&mut leave).await.unwrap();
    assert_eq!(&leave, b"HTTP/1.1 100");
    let started = Instant::now();
    server.stop();
    server.stopped().await;
    assert!((GRACE_MAX..GRACE_MAX + Duration::from_secs(2)).contains(&started.elapsed()));
}

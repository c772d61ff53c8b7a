//! Every bound, reached.

use std::sync::Arc;

use playhouse_core::egress::HttpLimits;
use playhouse_ports::egress::{Egress, EgressErrorKind as Kind};
use playhouse_tools_http::{IN_FLIGHT_MAX, RESPONSE_HEADERS_MAX};
use tokio::task::JoinSet;

use crate::{
    ask::{answered, guard_of, limited, local, refused},
    server::{Answer, Server, reply},
};

#[tokio::test]
async fn a_body_is_cut_off_at_its_limit_and_says_so() {
    let guard = guard_of(["a.test"]);
    let limits = HttpLimits { response_bytes: 10_000, ..HttpLimits::default() };
    let flood = Server::new(|_| Answer::Flood).await;
    let answer = answered(&guard, limited(local("GET", &flood.url("a.test", "/")), limits)).await;
    assert_eq!((answer.body.len(), answer.truncated), (10_000, true));
    for (bytes, truncated) in [(9_999, false), (10_000, false), (10_001, true)] {
        let server = Server::new(move |_| reply(200, "", &vec![b'x'; bytes])).await;
        let answer = answered(&guard, limited(local("GET", &server.url("a.test", "/")), limits)).await;
        assert_eq!((answer.body.len(), answer.truncated), (bytes.min(10_000), truncated));
    }
}

#[tokio::test]
async fn a_compressed_body_stays_as_it_was_sent() {
    // Says that it is gzip, and is not: whoever decoded it would fail.
    let sent = b"\x1f\x8b\x08 and so on";
    let server = Server::new(move |_| reply(200, "content-encoding: gzip\r\n", sent)).await;
    let answer = answered(&guard_of(["a.test"]), local("GET", &server.url("a.test", "/"))).await;
    assert_eq!(answer.body, sent);
    assert_eq!(server.seen()[0].header("accept-encoding"), None);
}

#[tokio::test]
async fn a_request_with_too_long_a_body_never_leaves() {
    let server = Server::ok().await;
    let mut request = local("POST", &server.url("a.test", "/"));
    request.body = vec![b'x'; 11];
    let limits = HttpLimits { request_bytes: 10, ..HttpLimits::default() };
    let error = refused(&guard_of(["a.test"]), limited(request, limits), Kind::Limit).await;
    assert!(error.message.contains("`request_bytes`"), "{error}");
    assert_eq!(server.connects().await, 0);
}

#[tokio::test]
async fn a_call_makes_no_more_requests_than_granted() {
    let server = Server::ok().await;
    let guard = guard_of(["a.test"]);
    let limits = HttpLimits { requests_per_call: 2, ..HttpLimits::default() };
    let mut request = limited(local("GET", &server.url("a.test", "/")), limits);
    request.requests_before = 1;
    answered(&guard, request.clone()).await;
    request.requests_before = 2;
    let error = refused(&guard, request, Kind::Limit).await;
    assert!(error.message.contains("`requests_per_call`") && error.requests == 0, "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn headers_of_an_answer_are_bounded_in_number_and_length() {
    let guard = guard_of(["a.test"]);
    let many = "a: b\r\n".repeat(RESPONSE_HEADERS_MAX + 1);
    let server = Server::new(move |_| reply(200, &many, b"")).await;
    assert!(guard.fetch(local("GET", &server.url("a.test", "/"))).await.is_err());
    let long = format!("a: {}\r\n", "b".repeat(70_000));
    let server = Server::new(move |_| reply(200, &long, b"")).await;
    let error = refused(&guard, local("GET", &server.url("a.test", "/")), Kind::Limit).await;
    assert!(error.message.contains("bytes of headers"), "{error}");
}

#[tokio::test]
async fn an_exchange_ends_at_its_deadline_wherever_it_is() {
    let guard = guard_of(["a.test"]);
    for answer in [Answer::Hang, Answer::Drip, Answer::Bytes(b"HTTP/1.1 200 X\r\na".to_vec())] {
        let server = Server::new(move |_| answer.clone()).await;
        let mut request = local("GET", &server.url("a.test", "/"));
        request.timeout_ms = 100;
        let error = refused(&guard, request, Kind::Timeout).await;
        assert!(error.message.contains("100 ms") && error.requests == 1, "{error}");
    }
}

#[tokio::test]
async fn the_exchanges_at_once_are_bounded_and_a_later_one_waits_within_its_time() {
    let server = Server::new(|_| Answer::Hang).await;
    let guard = Arc::new(guard_of(["a.test"]));
    let mut running = JoinSet::new();
    for _ in 0..IN_FLIGHT_MAX {
        let (guard, request) = (guard.clone(), local("GET", &server.url("a.test", "/")));
        running.spawn(async move { guard.fetch(request).await });
    }
    server.has_seen(IN_FLIGHT_MAX).await;
    let mut request = local("GET", &server.url("a.test", "/"));
    request.timeout_ms = 50;
    let error = refused(&guard, request.clone(), Kind::Timeout).await;
    assert_eq!((error.requests, server.seen().len()), (0, IN_FLIGHT_MAX));
    // Giving exchanges up makes room.
    running.shutdown().await;
    assert_eq!(refused(&guard, request, Kind::Timeout).await.requests, 1);
}

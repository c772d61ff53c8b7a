//! Redirects: every hop is a decision of its own.

use playhouse_core::egress::HttpLimits;
use playhouse_ports::egress::EgressErrorKind as Kind;

use crate::{
    ask::{answered, asks, guard_of, limited, local, origin, refused, rule},
    server::{Answer, Seen, Server, go, reply},
};

/// `/307/to/there` sends on to `/to/there` with 307; everything else is the end.
fn maze(seen: &Seen) -> Answer {
    let (first, rest) = seen.path().trim_start_matches('/').split_once('/').unwrap_or_default();
    match first.parse() {
        Ok(status) => go(status, &format!("/{rest}")),
        Err(_) => reply(200, "", b"end"),
    }
}

#[tokio::test]
async fn redirects_within_the_grant_are_followed_and_counted() {
    let server = Server::new(maze).await;
    let guard = guard_of(["a.test"]);
    let answer = answered(&guard, local("GET", &server.url("a.test", "/301/302/307/308/x"))).await;
    assert_eq!((answer.body.as_slice(), answer.requests), (b"end".as_slice(), 5));
    assert_eq!(answer.url, server.url("a.test", "/x"));
}

#[tokio::test]
async fn a_body_is_repeated_only_where_the_status_says_so() {
    let server = Server::new(maze).await;
    let guard = guard_of(["a.test"]);
    for (status, method, body) in
        [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "b"), (308, "POST", "b")]
    {
        let mut request = local("POST", &server.url("a.test", &format!("/{status}/x")));
        request.body = b"b".to_vec();
        request.headers = vec![("content-type".into(), "text/plain".into())];
        answered(&guard, request).await;
        let seen = server.seen().pop().unwrap();
        assert!(seen.head.starts_with(&format!("{method} /x ")), "{status}: {}", seen.head);
        assert_eq!(seen.body, body.as_bytes(), "{status}");
        assert_eq!(seen.header("content-type").is_some(), method == "POST", "{status}");
    }
}

#[tokio::test]
async fn a_redirect_needs_a_rule_for_its_method_path_and_host() {
    let server = Server::new(maze).await;
    let elsewhere = Server::ok().await;
    let guard = guard_of(["a.test", "b.test"]);
    let mut request = local("POST", &server.url("a.test", "/303/x"));
    request.grants[0].grant.rules[0].methods = vec!["POST".into()];
    let error = refused(&guard, request, Kind::NotGranted).await;
    assert!(error.message.contains("GET http://a.test:") && error.requests == 1, "{error}");
    let mut request = local("GET", &server.url("a.test", "/302/x"));
    request.grants[0].grant.rules[0].paths = vec!["/302".into()];
    refused(&guard, request, Kind::NotGranted).await;
    let there = elsewhere.url("b.test", "/");
    let leads = Server::new(move |_| go(302, &there)).await;
    refused(&guard, local("GET", &leads.url("a.test", "/")), Kind::NotGranted).await;
    assert_eq!(elsewhere.connects().await, 0);
}

#[tokio::test]
async fn a_redirect_to_another_granted_server_is_followed() {
    let elsewhere = Server::ok().await;
    let there = elsewhere.url("b.test", "/y");
    let to = there.clone();
    let leads = Server::new(move |_| go(302, &to)).await;
    let here = leads.url("a.test", "/");
    let rules = vec![rule(&origin(&here), true), rule(&origin(&there), true)];
    let guard = guard_of(["a.test", "b.test"]);
    assert_eq!(answered(&guard, asks("GET", &here, rules)).await.url, there);
    // Private addresses are granted rule by rule.
    let rules = vec![rule(&origin(&here), true), rule(&origin(&there), false)];
    refused(&guard, asks("GET", &here, rules), Kind::PrivateAddress).await;
    assert_eq!(elsewhere.connects().await, 1);
}

#[tokio::test]
async fn redirects_end_at_their_limit() {
    let server = Server::new(|_| go(302, "/again")).await;
    let guard = guard_of(["a.test"]);
    let limits = HttpLimits { redirects: 2, ..HttpLimits::default() };
    let error = refused(&guard, limited(local("GET", &server.url("a.test", "/")), limits), Kind::Limit).await;
    assert!(error.message.contains("`redirects`"), "{error}");
    assert_eq!((error.requests, server.seen().len()), (3, 3));
}

#[tokio::test]
async fn a_status_without_a_location_is_an_answer() {
    let server = Server::new(|_| reply(302, "", b"lost")).await;
    let answer = answered(&guard_of(["a.test"]), local("GET", &server.url("a.test", "/"))).await;
    assert_eq!((answer.status, answer.body.as_slice()), (302, b"lost".as_slice()));
}

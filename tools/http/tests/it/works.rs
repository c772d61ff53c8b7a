//! What is granted works.

use playhouse_core::egress::HttpRule;
use playhouse_ports::egress::EgressErrorKind as Kind;

use crate::{
    ask::{answered, asks, guard_of, local, refused, rule},
    server::{Server, reply},
};

#[tokio::test]
async fn a_granted_server_answers_with_status_headers_and_body() {
    let server = Server::new(|_| reply(404, "X-Kind: \u{fc}\r\nset-cookie: a=b\r\n", b"nothing here")).await;
    let answer = answered(&guard_of(["a.test"]), local("GET", &server.url("a.test", "/x?y=z"))).await;
    assert_eq!((answer.status, answer.requests, answer.truncated), (404, 1, false));
    assert_eq!(answer.body, b"nothing here");
    assert!(answer.headers.contains(&("x-kind".into(), "\u{fc}".into())), "{:?}", answer.headers);
    assert_eq!(answer.url, server.url("a.test", "/x?y=z"));
    let seen = server.seen();
    assert_eq!(seen[0].path(), "/x?y=z");
    assert_eq!(seen[0].header("host"), Some(format!("a.test:{}", server.port()).as_str()));
}

#[tokio::test]
async fn every_method_arrives_with_its_body() {
    let server = Server::ok().await;
    let guard = guard_of(["a.test"]);
    for method in ["GET", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] {
        let mut request = local(method, &server.url("a.test", "/"));
        request.body = method.as_bytes().to_vec();
        assert_eq!(answered(&guard, request).await.body, b"ok");
        let seen = server.seen().pop().unwrap();
        assert!(seen.head.starts_with(method) && seen.body == method.as_bytes(), "{}", seen.head);
    }
}

#[tokio::test]
async fn addresses_of_both_families_are_reached_where_granted() {
    let guard = guard_of([]);
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let server = Server::at(address, |_| reply(200, "", b"ok")).await;
        let url = format!("http://{}/", server.address);
        assert_eq!(answered(&guard, local("GET", &url)).await.status, 200);
        refused(
            &guard,
            asks("GET", &url, vec![rule(url.trim_end_matches('/'), false)]),
            Kind::PrivateAddress,
        )
        .await;
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn what_no_rule_has_is_refused_with_words_and_without_a_connection() {
    let server = Server::ok().await;
    let guard = guard_of(["a.test", "b.test"]);
    let reading = |path: &str| {
        let rule = HttpRule { private: true, ..HttpRule::reading(server.url("a.test", "")) };
        vec![HttpRule { paths: vec![path.into()], ..rule }]
    };
    let (here, there) = (server.url("a.test", "/x"), server.url("b.test", "/x"));
    let error = refused(&guard, asks("GET", &there, reading("/")), Kind::NotGranted).await;
    assert!(error.message.contains("ask for `origin = \"http://b.test:"), "{error}");
    let error = refused(&guard, asks("POST", &here, reading("/")), Kind::NotGranted).await;
    assert!(error.message.contains("`\"POST\"`"), "{error}");
    let error = refused(&guard, asks("GET", &here, reading("/y")), Kind::NotGranted).await;
    assert!(error.message.contains("`\"/x\"`"), "{error}");
    assert_eq!(error.requests, 0);
    refused(&guard, asks("GET", &here, Vec::new()), Kind::NotGranted).await;
    let mut nobody = local("GET", &here);
    nobody.grants.clear();
    refused(&guard, nobody, Kind::NotGranted).await;
    assert_eq!(server.connects().await, 0);
}

#[tokio::test]
async fn every_party_has_to_allow_a_request() {
    let server = Server::ok().await;
    let guard = guard_of(["a.test"]);
    let url = server.url("a.test", "/");
    let with_agent = |private| {
        let mut request = local("GET", &url);
        let mut agent = local("GET", &url).grants.remove(0);
        agent.by = "agent".into();
        agent.grant.rules[0].private = private;
        request.grants.push(agent);
        request
    };
    answered(&guard, with_agent(true)).await;
    refused(&guard, with_agent(false), Kind::PrivateAddress).await;
    let mut request = with_agent(true);
    request.grants[1].grant.rules.clear();
    let error = refused(&guard, request, Kind::NotGranted).await;
    assert!(error.message.contains("denied by the agent"), "{error}");
}

#[tokio::test]
async fn what_makes_no_sense_is_a_bad_request() {
    let guard = guard_of(["a.test"]);
    let bad = |method: &str, url: &str| asks(method, url, vec![rule("http://a.test", true)]);
    for (method, url) in [
        ("get", "http://a.test/"),
        ("TRACE", "http://a.test/"),
        ("CONNECT", "http://a.test/"),
        ("GET / HTTP/1.1\r\nx:", "http://a.test/"),
        ("GET", "a.test"),
        ("GET", "http://u:p@a.test/"),
    ] {
        refused(&guard, bad(method, url), Kind::BadRequest).await;
    }
    let mut request = bad("GET", "http://a.test/");
    request.grants[0].grant.rules[0].origin = "nonsense".into();
    let error = refused(&guard, request, Kind::BadRequest).await;
    assert!(error.message.contains("HTTP rule 1 of the operator (`nonsense`)"), "{error}");
}

#[tokio::test]
async fn a_name_that_nobody_knows_and_a_port_where_nobody_listens_are_network_errors() {
    let guard = guard_of(["a.test"]);
    let error = refused(&guard, local("GET", "http://unknown.test/?q=hush"), Kind::Network).await;
    assert!(
        error.message.contains("`unknown.test` has no address") && !error.message.contains("hush"),
        "{error}"
    );
    let server = Server::ok().await;
    let url = server.url("a.test", "/?q=hush");
    drop(server);
    let error = refused(&guard, local("GET", &url), Kind::Network).await;
    assert!(
        error.message.contains("cannot connect to `http://a.test:") && !error.message.contains("hush"),
        "{error}"
    );
    assert_eq!(error.requests, 1);
}

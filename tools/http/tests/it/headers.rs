//! What a tool may set, and what the host adds.

use playhouse_ports::egress::EgressErrorKind as Kind;

use crate::{
    ask::{answered, guard_of, local, refused},
    server::Server,
};

#[tokio::test]
async fn a_tools_own_headers_arrive_and_those_of_the_host_are_refused() {
    let server = Server::ok().await;
    let guard = guard_of(["a.test"]);
    let with = |name: &str, value: &str| {
        let mut request = local("GET", &server.url("a.test", "/"));
        request.headers = vec![(name.into(), value.into())];
        request
    };
    answered(&guard, with("X-Own", "yes")).await;
    answered(&guard, with("user-agent", "tool/1")).await;
    for (name, value) in [
        ("Host", "b.test"),
        ("authorization", "x"),
        ("Cookie", "a=b"),
        ("Transfer-Encoding", "chunked"),
        ("content-length", "0"),
        ("x-forwarded-for", "127.0.0.1"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("x-a", "b\r\nhost: c"),
        ("x a", "b"),
    ] {
        refused(&guard, with(name, value), Kind::BadRequest).await;
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].header("x-own"), Some("yes"));
    assert!(seen[0].header("user-agent").unwrap().starts_with("playhouse/"));
    assert_eq!(seen[1].header("user-agent"), Some("tool/1"));
    for name in ["referer", "cookie", "accept-encoding", "authorization"] {
        assert_eq!(seen[0].header(name), None, "{name}");
    }
}

#[tokio::test]
async fn the_idempotency_key_goes_with_requests_that_change_something() {
    let server = Server::ok().await;
    let guard = guard_of(["a.test"]);
    for (method, key) in
        [("GET", None), ("OPTIONS", None), ("POST", Some("e-1/0")), ("DELETE", Some("e-1/0"))]
    {
        let mut request = local(method, &server.url("a.test", "/"));
        request.idempotency_key = Some("e-1/0".into());
        answered(&guard, request).await;
        assert_eq!(server.seen().pop().unwrap().header("idempotency-key"), key, "{method}");
    }
}

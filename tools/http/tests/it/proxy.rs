//! A proxy that is configured: what goes through it, and what does not even get there.

use std::sync::Arc;

use playhouse_ports::egress::EgressErrorKind as Kind;
use playhouse_tools_http::{GuardedHttp, HttpConfig, Roots, SetupError};

use crate::{
    ask::{answered, asks, local, origin, refused, rule},
    names::Script,
    server::{Server, go, reply},
};

/// A guard behind `proxy`. `public.test` has an address that counts as public and that nobody has; the other names are
/// out of reach.
fn behind(proxy: &Server) -> GuardedHttp {
    let names =
        [("public.test", "3000::1"), ("local.test", "127.0.0.1"), ("metadata.test", "169.254.169.254")];
    let proxy = Some(format!("http://user:word@127.0.0.1:{}", proxy.port()));
    let resolver = Arc::new(Script::of(names));
    GuardedHttp::new(HttpConfig { resolver, roots: Roots::Only(Vec::new()), proxy }).unwrap()
}

#[tokio::test]
async fn requests_to_public_addresses_go_through_it() {
    let proxy =
        Server::new(|seen| reply(if seen.head.starts_with("CONNECT") { 403 } else { 200 }, "", b"ok")).await;
    let guard = behind(&proxy);
    let url = "http://public.test/x";
    assert_eq!(answered(&guard, asks("GET", url, vec![rule(&origin(url), false)])).await.body, b"ok");
    let url = "https://public.test/x";
    refused(&guard, asks("GET", url, vec![rule(&origin(url), false)]), Kind::Network).await;
    let seen = proxy.seen();
    assert!(seen[0].head.starts_with("GET http://public.test/x HTTP/1.1"), "{}", seen[0].head);
    assert!(seen[1].head.starts_with("CONNECT public.test:443 HTTP/1.1"), "{}", seen[1].head);
    assert!(seen.iter().all(|seen| seen.header("proxy-authorization").is_some()));
}

#[tokio::test]
async fn what_is_out_of_reach_does_not_even_get_to_it() {
    let proxy = Server::ok().await;
    let guard = behind(&proxy);
    for url in [
        "http://local.test/",
        "https://local.test/",
        "http://metadata.test/",
        "http://127.1/",
        "http://[::1]/",
    ] {
        refused(&guard, asks("GET", url, vec![rule(&origin(url), false)]), Kind::PrivateAddress).await;
    }
    assert_eq!(proxy.connects().await, 0);
}

#[tokio::test]
async fn a_redirect_that_comes_through_it_is_checked_like_any_other() {
    let proxy = Server::new(|_| go(302, "http://local.test/")).await;
    let rules = vec![rule("http://public.test", false), rule("http://local.test", false)];
    refused(&behind(&proxy), asks("GET", "http://public.test/", rules), Kind::PrivateAddress).await;
    assert_eq!(proxy.seen().len(), 1);
}

#[tokio::test]
async fn requests_that_may_reach_private_addresses_go_directly() {
    let (proxy, server) = (Server::ok().await, Server::ok().await);
    answered(&behind(&proxy), local("GET", &server.url("local.test", "/"))).await;
    assert_eq!((server.seen().len(), proxy.connects().await), (1, 0));
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_at_the_start_and_not_repeated() {
    for address in ["", "proxy.test", "ftp://proxy.test", "http://user:hush@", "http://user:hush@a b"] {
        let proxy = Some(address.to_owned());
        let config = HttpConfig { roots: Roots::Only(Vec::new()), proxy, ..HttpConfig::default() };
        let error = GuardedHttp::new(config).unwrap_err();
        assert!(matches!(error, SetupError::Proxy(_)), "{address}: {error}");
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}

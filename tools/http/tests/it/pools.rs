//! Connections: who may ride on which, and which way they go.

use std::{env, process::Command, sync::Arc};

use playhouse_ports::egress::{Egress, EgressErrorKind as Kind};
use playhouse_tools_http::{GuardedHttp, HttpConfig, Roots, SystemResolver};

use crate::{
    ask::{answered, asks, guard, guard_of, local, origin, refused, rule},
    names::Script,
    server::Server,
};

#[tokio::test]
async fn a_connection_to_a_private_address_is_not_lent_to_a_request_that_may_not_go_there() {
    let server = Server::ok().await;
    let guard = guard_of(["a.test"]);
    let url = server.url("a.test", "/");
    // Two requests, one connection: it is kept, and it is used again.
    answered(&guard, local("GET", &url)).await;
    answered(&guard, local("GET", &url)).await;
    refused(&guard, asks("GET", &url, vec![rule(&origin(&url), false)]), Kind::PrivateAddress).await;
    assert_eq!((server.seen().len(), server.connects().await), (2, 1));
}

#[tokio::test]
async fn a_name_is_asked_for_once_for_each_connection() {
    let server = Server::ok().await;
    let script = Arc::new(Script::of([("a.test", "127.0.0.1")]));
    answered(&guard(&script), local("GET", &server.url("a.test", "/"))).await;
    assert_eq!(script.asked(), ["a.test"]);
    let url = server.url("a.test", "/");
    refused(&guard(&script), asks("GET", &url, vec![rule(&origin(&url), false)]), Kind::PrivateAddress).await;
    assert_eq!(script.asked(), ["a.test"]);
}

#[tokio::test]
async fn names_that_the_machine_itself_knows_are_checked_like_any_other() {
    let server = Server::ok().await;
    let roots = Roots::Only(Vec::new());
    let guard =
        GuardedHttp::new(HttpConfig { resolver: Arc::new(SystemResolver), roots, proxy: None }).unwrap();
    let url = server.url("localhost", "/");
    refused(&guard, asks("GET", &url, vec![rule(&origin(&url), false)]), Kind::PrivateAddress).await;
    assert_eq!(answered(&guard, local("GET", &url)).await.body, b"ok");
    assert_eq!(server.connects().await, 1);
}

/// Set for the process in which a test runs a second time, with a proxy in its environment.
const AGAIN: &str = "PLAYHOUSE_TEST_WITH_PROXY";

#[tokio::test]
async fn a_proxy_in_the_environment_is_not_used() {
    let server = Server::ok().await;
    if env::var_os(AGAIN).is_some() {
        let guard = guard(&Arc::new(Script::of([("a.test", "127.0.0.1"), ("b.test", "3000::1")])));
        answered(&guard, local("GET", &server.url("a.test", "/"))).await;
        assert_eq!(server.seen().len(), 1);
        // Nobody has 3000::1, but a proxy would take the request for it.
        let mut request = asks("GET", "http://b.test/", vec![rule("http://b.test", false)]);
        request.timeout_ms = 200;
        assert!(guard.fetch(request).await.is_err());
        return;
    }
    let proxy = format!("http://127.0.0.1:{}", server.port());
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", "pools::a_proxy_in_the_environment_is_not_used"]).env(AGAIN, "1");
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        again.env(name, &proxy);
    }
    for name in ["no_proxy", "NO_PROXY", "REQUEST_METHOD"] {
        again.env_remove(name);
    }
    let ran = tokio::task::spawn_blocking(move || again.output()).await.unwrap().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    assert!(String::from_utf8_lossy(&ran.stdout).contains("1 passed"));
    assert_eq!(server.connects().await, 0);
}

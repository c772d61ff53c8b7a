//! Who may come in: keys, `Host`, `Origin`, and where the daemon dares to listen.

use playhouse_core::id::Tenant;
use playhouse_http::{ApiKey, Options, check_listen};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Server};

/// `echo -n s3cret | sha256sum`.
const S3CRET_SHA256: &str = "1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0";

fn tenant(name: &str) -> Tenant {
    Tenant::new(name).unwrap()
}

async fn guarded() -> Server {
    let hashed = ApiKey::sha256_hex(S3CRET_SHA256, tenant("acme")).unwrap();
    let keys = vec![ApiKey::plain("pl4in", tenant("zenith")), hashed];
    Server::start_with(Options { keys, ..Options::default() }).await
}

async fn with_authorization(server: &Server, value: &str) -> Answer {
    Answer::of(server.request(Method::GET, "/v1/tasks").header("authorization", value)).await
}

#[tokio::test]
async fn without_keys_everyone_on_this_machine_is_the_local_tenant() {
    let server = Server::start().await;
    assert_eq!(with_authorization(&server, "Bearer whatever").await.status, 200);
    assert_eq!(server.fake.callers()[0].tenant, Tenant::local());
}

#[tokio::test]
async fn with_keys_each_key_is_its_tenant() {
    let server = guarded().await;
    assert_eq!(with_authorization(&server, "Bearer s3cret").await.status, 200);
    assert_eq!(with_authorization(&server, "bearer pl4in").await.status, 200);
    let tenants: Vec<_> = server.fake.callers().into_iter().map(|caller| caller.tenant).collect();
    assert_eq!(tenants, [tenant("acme"), tenant("zenith")]);
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_refused_without_an_echo() {
    let server = guarded().await;
    let answer = server.get("/v1/tasks").await;
    answer.problem(401);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    for value in
        ["Bearer wr0ng", "Bearer ", "Bearer", "Basic s3cret", "s3cret", S3CRET_SHA256, "Bearer s3cret x"]
    {
        let answer = with_authorization(&server, value).await;
        answer.problem(401);
        assert!(!answer.body.contains("wr0ng") && !answer.body.contains("s3cret"), "{}", answer.body);
    }
    assert!(server.fake.callers().is_empty(), "no request went through");
}

#[tokio::test]
async fn every_route_under_v1_wants_the_key_and_the_others_do_not() {
    let server = guarded().await;
    for endpoint in playhouse_http::endpoints() {
        let path = endpoint.path.replace("{id}", "x").replace("{topic}", "x");
        let method = Method::from_bytes(endpoint.method.as_bytes()).unwrap();
        let answer = Answer::of(server.request(method, &path)).await;
        assert_eq!(answer.status == 401, path.starts_with("/v1/"), "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn one_tenant_does_not_see_another_ones_tasks() {
    let server = guarded().await;
    let post = server.request(Method::POST, "/v1/tasks").bearer_auth("s3cret");
    let answer = Answer::of(post.json(&json!({"agent": "helper", "input": "x"}))).await;
    assert_eq!(answer.status, 202);
    Answer::of(server.request(Method::GET, "/v1/tasks/t1").bearer_auth("pl4in")).await.problem(404);
}

#[test]
fn a_key_is_not_in_its_debug_form_and_a_bad_digest_is_not_in_its_error() {
    let shown = format!("{:?}", ApiKey::plain("pl4in", tenant("zenith")));
    assert!(shown.contains("zenith") && !shown.contains("pl4in"), "{shown}");
    for bad in ["", "s3cret", &"g".repeat(64), &"0".repeat(63), &"0".repeat(65), &"é".repeat(32)] {
        let error = ApiKey::sha256_hex(bad, tenant("acme")).unwrap_err().to_string();
        assert!(!error.contains("s3cret"));
    }
}

async fn status_with(server: &Server, header: &str, value: &str) -> u16 {
    Answer::of(server.request(Method::GET, "/v1/tasks").header(header, value)).await.status.as_u16()
}

#[tokio::test]
async fn a_daemon_without_keys_answers_only_to_names_of_this_machine() {
    let server = Server::start_with(Options { hosts: vec!["box.lan".into()], ..Options::default() }).await;
    for host in ["localhost", "LOCALHOST:7529", "127.0.0.1:1", "[::1]:7529", "[::1]", "box.lan", "Box.LAN:80"]
    {
        assert_eq!(status_with(&server, "host", host).await, 200, "{host}");
    }
    for host in
        ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.2", "[::2]", "@", "a b"]
    {
        assert_eq!(status_with(&server, "host", host).await, 403, "{host}");
    }
}

#[tokio::test]
async fn a_web_page_from_elsewhere_is_refused_whatever_it_asks() {
    let server = Server::start().await;
    for origin in
        ["https://evil.example", "null", "http://localhost.evil.example", "file://", "https://evil@x"]
    {
        assert_eq!(status_with(&server, "origin", origin).await, 403, "{origin}");
        let post = server.request(Method::POST, "/v1/tasks/t1/cancel").header("origin", origin);
        Answer::of(post).await.problem(403);
    }
    assert_eq!(status_with(&server, "origin", "http://localhost:3000").await, 200);
    assert_eq!(status_with(&server, "origin", "http://[::1]").await, 200);
}

#[tokio::test]
async fn no_host_and_two_hosts_are_bad_requests_and_a_host_in_the_path_counts() {
    let server = Server::start().await;
    let get =
        |target: &str, hosts: &str| format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
    assert!(server.raw(get("/healthz", "").as_bytes()).await.starts_with("HTTP/1.1 400"));
    let two = get("/healthz", "Host: localhost\r\nHost: evil.example\r\n");
    assert!(server.raw(two.as_bytes()).await.starts_with("HTTP/1.1 400"));
    let elsewhere = get("http://evil.example/healthz", "Host: localhost\r\n");
    assert!(server.raw(elsewhere.as_bytes()).await.starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn with_keys_any_host_will_do() {
    let server = guarded().await;
    let request =
        server.request(Method::GET, "/v1/tasks").bearer_auth("pl4in").header("host", "agents.example");
    assert_eq!(Answer::of(request).await.status, 200);
}

#[test]
fn listening_beyond_this_machine_takes_a_key() {
    for loopback in ["127.0.0.1:7529", "127.8.8.8:1", "[::1]:7529", "[::ffff:127.0.0.1]:7529"] {
        assert_eq!(check_listen(loopback.parse().unwrap(), false), Ok(()));
    }
    for open in ["0.0.0.0:7529", "[::]:7529", "192.168.1.2:7529"] {
        let refusal = check_listen(open.parse().unwrap(), false).unwrap_err();
        assert!(refusal.contains(open) && refusal.contains("127.0.0.1:7529"), "{refusal}");
        assert_eq!(check_listen(open.parse().unwrap(), true), Ok(()));
    }
}

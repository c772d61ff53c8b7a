//! `https` and loopback addresses: who a server is, where it may send us on, and how much it may say.

use std::time::Duration;

use axum::{body::Body, http::Response};
use playhouse_core::digest;
use playhouse_tools_store::{FetchConfig, FetchError, Fetched, Fetcher, Roots, Source};
use tempfile::tempdir;

use crate::{
    kit::{claims, fetcher, key, signed},
    server::{Asked, Papers, Server, drip, endless, hang, not_found, redirect, reply},
};

const WASM: &[u8] = b"\0asm some component";

/// One that trusts these roots and waits only shortly.
fn trusting(roots: Vec<Vec<u8>>) -> Fetcher {
    let config = FetchConfig {
        roots: Roots::Only(roots),
        time: Duration::from_secs(5),
        silence: Duration::from_secs(5),
        ..FetchConfig::default()
    };
    Fetcher::new(config).unwrap()
}

async fn fetch(fetcher: &Fetcher, source: &str) -> Result<Fetched, FetchError> {
    fetcher.fetch(&Source::parse(source).unwrap()).await
}

/// `/tool.wasm`, and nothing else.
fn tool(asked: &Asked) -> Response<Body> {
    if asked.uri.path() == "/tool.wasm" { reply(200, WASM) } else { not_found() }
}

#[tokio::test]
async fn a_server_that_proves_who_it_is_is_fetched_from() {
    let papers = Papers::new("localhost");
    let fetcher = trusting(vec![papers.root.clone()]);
    let server = Server::secure(papers, tool).await;
    let url = format!("https://localhost:{}/tool.wasm", server.port);
    let fetched = fetch(&fetcher, &url).await.unwrap();
    assert_eq!((fetched.bytes.as_slice(), fetched.signatures.len()), (WASM, 0));
    assert_eq!(fetched.source, url);
    assert_eq!(fetched.pinned, format!("{url}#sha256={}", digest::of_bytes(WASM)));
    assert_eq!(fetch(&fetcher, &fetched.pinned).await.unwrap().bytes, WASM);
    assert_eq!(server.paths()[..2], ["GET /tool.wasm", "GET /tool.wasm.minisig"]);
}

#[tokio::test]
async fn a_server_that_does_not_is_told_nothing() {
    let stranger = Papers::new("localhost").root;
    let papers = Papers::new("localhost");
    let fetcher = trusting(vec![stranger]);
    let server = Server::secure(papers, tool).await;
    let refused = fetch(&fetcher, &format!("https://localhost:{}/tool.wasm", server.port)).await;
    assert!(matches!(refused, Err(FetchError::Network { .. })), "{refused:?}");
    assert!(server.seen().is_empty());
    let papers = Papers::new("other.test");
    let fetcher = trusting(vec![papers.root.clone()]);
    let server = Server::secure(papers, tool).await;
    let refused = fetch(&fetcher, &format!("https://localhost:{}/tool.wasm", server.port)).await;
    assert!(matches!(refused, Err(FetchError::Network { .. })), "{refused:?}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_refused_even_to_this_machine() {
    let open = Server::new(tool).await;
    let to = format!("http://127.0.0.1:{}/tool.wasm", open.port);
    let papers = Papers::new("localhost");
    let fetcher = trusting(vec![papers.root.clone()]);
    let server = Server::secure(papers, move |_| redirect(&to)).await;
    let refused = fetch(&fetcher, &format!("https://localhost:{}/tool.wasm", server.port)).await;
    assert!(matches!(refused, Err(FetchError::Redirect { .. })), "{refused:?}");
    assert!(open.seen().is_empty(), "nobody asked there");
}

#[tokio::test]
async fn a_redirect_from_this_machine_to_http_elsewhere_is_refused() {
    for to in [
        "http://example.com/tool.wasm",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "http://[::ffff:1.2.3.4]/",
    ] {
        let server = Server::new(move |_| redirect(to)).await;
        let refused = fetch(&fetcher(), &format!("http://127.0.0.1:{}/tool.wasm", server.port)).await;
        assert!(matches!(refused, Err(FetchError::Redirect { .. })), "{to}: {refused:?}");
    }
}

#[tokio::test]
async fn five_redirects_are_followed_and_a_sixth_is_not() {
    let papers = Papers::new("localhost");
    let fetcher = trusting(vec![papers.root.clone()]);
    let server = Server::secure(papers, |asked| {
        let path = asked.uri.path();
        if path.ends_with(".minisig") {
            return not_found();
        }
        let left: u32 = path.trim_start_matches('/').parse().unwrap();
        if left == 0 { reply(200, WASM) } else { redirect(&format!("/{}", left - 1)) }
    })
    .await;
    let url = |hops: u32| format!("https://localhost:{}/{hops}", server.port);
    assert_eq!(fetch(&fetcher, &url(5)).await.unwrap().bytes, WASM);
    let refused = fetch(&fetcher, &url(6)).await;
    assert!(matches!(refused, Err(FetchError::Redirect { .. })), "{refused:?}");
    let circle = Server::new(|asked| redirect(asked.uri.path())).await;
    let refused = fetch(&fetcher, &format!("http://127.0.0.1:{}/a", circle.port)).await;
    assert!(matches!(refused, Err(FetchError::Redirect { .. })), "{refused:?}");
    assert_eq!(circle.seen().len(), 6);
}

#[tokio::test]
async fn other_bytes_than_the_digest_says_are_refused() {
    let server = Server::new(tool).await;
    let wrong = "0".repeat(64);
    let url = format!("http://127.0.0.1:{}/tool.wasm#sha256={wrong}", server.port);
    let refused = fetch(&fetcher(), &url).await.unwrap_err();
    let FetchError::Digest { expected, found, .. } = &refused else { panic!("{refused}") };
    assert_eq!((expected, found), (&wrong, &digest::of_bytes(WASM)));
    assert_eq!(server.paths(), ["GET /tool.wasm"], "its signature no longer matters");
}

#[tokio::test]
async fn signatures_beside_the_file_come_along() {
    let folder = tempdir().unwrap();
    let key = key(folder.path(), "me");
    let claims = claims("adder", "1.0.0", WASM);
    let signature = signed(&key, WASM, &claims);
    let text = format!("{}\n{}", signature.text(), signature.text());
    let server = Server::new(move |asked| match asked.uri.path() {
        "/tool.wasm.minisig" => reply(200, text.clone()),
        _ => tool(asked),
    })
    .await;
    let fetched =
        fetch(&fetcher(), &format!("http://127.0.0.1:{}/tool.wasm?v=1", server.port)).await.unwrap();
    assert_eq!(fetched.signatures, [signature.clone(), signature]);
    let other = Server::new(|asked| match asked.uri.path() {
        "/tool.wasm" => reply(200, WASM),
        _ => reply(200, "<html>what you want is elsewhere</html>"),
    })
    .await;
    let refused = fetch(&fetcher(), &format!("http://127.0.0.1:{}/tool.wasm", other.port)).await;
    assert!(matches!(refused, Err(FetchError::Signature { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_body_without_an_end_is_cut_off() {
    let server = Server::new(|_| endless()).await;
    let refused = fetch(&fetcher(), &format!("http://127.0.0.1:{}/x", server.port)).await;
    assert!(matches!(refused, Err(FetchError::TooLarge { .. })), "{refused:?}");
    // One that says how long it is is not even begun with.
    let long = Server::new(|_| {
        let mut answer = endless();
        answer.headers_mut().insert("content-length", (65u64 << 20).into());
        answer
    })
    .await;
    let refused = fetch(&fetcher(), &format!("http://127.0.0.1:{}/x", long.port)).await;
    assert!(matches!(refused, Err(FetchError::TooLarge { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_drips_or_falls_silent_is_left() {
    let short = |time: u64, silence: u64| {
        let (time, silence) = (Duration::from_millis(time), Duration::from_millis(silence));
        Fetcher::new(FetchConfig { time, silence, ..FetchConfig::default() }).unwrap()
    };
    let dripping = Server::new(|_| drip()).await;
    let refused = fetch(&short(500, 60_000), &format!("http://127.0.0.1:{}/x", dripping.port)).await;
    assert!(matches!(refused, Err(FetchError::Late { .. })), "{refused:?}");
    let silent = Server::new(|_| hang()).await;
    let refused = fetch(&short(60_000, 300), &format!("http://127.0.0.1:{}/x", silent.port)).await;
    assert!(matches!(refused, Err(FetchError::Network { .. })), "{refused:?}");
}

#[tokio::test]
async fn what_a_server_refuses_is_said_in_its_words() {
    let server = Server::new(|_| reply(418, "I am\n a teapot")).await;
    let refused =
        fetch(&fetcher(), &format!("http://127.0.0.1:{}/x?secret=1", server.port)).await.unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("418: I am  a teapot") && !said.contains("secret"), "{said}");
}

#[tokio::test]
async fn a_proxy_is_used_if_it_is_configured_and_its_password_is_not_repeated() {
    let proxy = Server::new(tool).await;
    let config = |address: String| FetchConfig { proxy: Some(address), ..FetchConfig::default() };
    let through = Fetcher::new(config(format!("http://127.0.0.1:{}", proxy.port))).unwrap();
    // Nobody listens on port 1.
    assert_eq!(fetch(&through, "http://127.0.0.1:1/tool.wasm").await.unwrap().bytes, WASM);
    assert_eq!(proxy.seen()[0].uri.to_string(), "http://127.0.0.1:1/tool.wasm");
    let refused = Fetcher::new(config("http://kim:hunter2@[".into())).unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{refused}");
}

//! Registries that lie: nothing they say gets further than the sentence that refuses it.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Response},
};
use playhouse_core::digest;
use playhouse_tools_store::{
    Artifact, CONFIG_TYPE, Credentials, FetchConfig, FetchError, Fetched, Fetcher, SIGNATURE_TYPE, Source,
    WASM_TYPE,
};
use serde_json::{Value, json};

use crate::{
    kit::{NOW, claims, fetcher},
    registry::{Door, Registry},
    server::{Asked, Server, drip, endless, hang, redirect, reply},
};

const WASM: &[u8] = b"\0asm some component";
const LENGTH: u64 = WASM.len() as u64;

type Lie = fn(&Asked) -> Option<Response<Body>>;

fn artifact() -> Artifact {
    Artifact::pack(WASM, &claims("adder", "1.0.0", WASM), &[], NOW)
}

fn is_blob(asked: &Asked) -> bool {
    asked.method == Method::GET && asked.uri.path().contains("/blobs/")
}

fn is_manifest(asked: &Asked) -> bool {
    asked.method == Method::GET && asked.uri.path().contains("/manifests/")
}

/// Fetches the honest artifact from a registry that lies.
async fn told(lie: Lie, pin: &str) -> Result<Fetched, FetchError> {
    let registry = Registry::lying(Door::Open, lie).await.with(&artifact(), &fetcher()).await;
    fetcher().fetch(&Source::Oci(registry.reference(pin))).await
}

#[tokio::test]
async fn other_bytes_than_the_manifest_names_are_refused() {
    assert_eq!(told(|_| None, ":1").await.unwrap().bytes, WASM, "the others would pass if it were honest");
    let same_length: Lie = |asked| is_blob(asked).then(|| reply(200, vec![b'x'; WASM.len()]));
    let refused = told(same_length, ":1").await;
    assert!(matches!(refused, Err(FetchError::Digest { .. })), "{refused:?}");
    let shorter: Lie = |asked| is_blob(asked).then(|| reply(200, "x"));
    assert!(matches!(told(shorter, ":1").await, Err(FetchError::Digest { .. })));
    let longer: Lie = |asked| is_blob(asked).then(|| reply(200, vec![b'x'; WASM.len() + 1]));
    assert!(matches!(told(longer, ":1").await, Err(FetchError::TooLarge { most: LENGTH, .. })));
}

#[tokio::test]
async fn another_manifest_than_the_digest_names_is_refused() {
    let other: Lie = |asked| {
        let other = Artifact::pack(b"evil", &claims("adder", "1.0.0", b"evil"), &[], NOW);
        is_manifest(asked).then(|| reply(200, other.manifest().to_vec()))
    };
    let pinned = format!("@sha256:{}", artifact().digest());
    let refused = told(other, &pinned).await;
    assert!(matches!(refused, Err(FetchError::Digest { .. })), "{refused:?}");
    let wrong_header: Lie = |asked| {
        is_manifest(asked).then(|| {
            let said = format!("sha256:{}", "0".repeat(64));
            let answer = Response::builder().header("docker-content-digest", said);
            answer.body(Body::from(artifact().manifest().to_vec())).unwrap()
        })
    };
    let refused = told(wrong_header, ":1").await;
    assert!(matches!(refused, Err(FetchError::Digest { .. })), "{refused:?}");
}

#[tokio::test]
async fn bytes_without_an_end_are_cut_off_wherever_they_come() {
    let manifest: Lie = |asked| is_manifest(asked).then(endless);
    let refused = told(manifest, ":1").await;
    assert!(matches!(refused, Err(FetchError::TooLarge { .. })), "{refused:?}");
    let blob: Lie = |asked| is_blob(asked).then(endless);
    let refused = told(blob, ":1").await;
    assert!(matches!(refused, Err(FetchError::TooLarge { most: LENGTH, .. })), "{refused:?}");
    let error: Lie = |asked| {
        is_manifest(asked).then(|| {
            let mut answer = endless();
            *answer.status_mut() = 500.try_into().unwrap();
            answer
        })
    };
    let refused = told(error, ":1").await;
    assert!(matches!(refused, Err(FetchError::Status { status: 500, .. })), "{refused:?}");
}

#[tokio::test]
async fn circles_and_ways_out_into_the_open_are_not_followed() {
    let circle: Lie = |asked| is_blob(asked).then(|| redirect(asked.uri.path()));
    assert!(matches!(told(circle, ":1").await, Err(FetchError::Redirect { .. })));
    let open: Lie = |asked| is_manifest(asked).then(|| redirect("http://registry.example/v2/"));
    assert!(matches!(told(open, ":1").await, Err(FetchError::Redirect { .. })));
}

#[tokio::test]
async fn a_registry_that_drips_or_falls_silent_is_left() {
    let minute = Duration::from_secs(60);
    let short = Duration::from_millis(300);
    let left = async |lie: Lie, time: Duration, silence: Duration| {
        let registry = Registry::lying(Door::Open, lie).await;
        let fetcher = Fetcher::new(FetchConfig { time, silence, ..FetchConfig::default() }).unwrap();
        fetcher.fetch(&Source::Oci(registry.reference(":1"))).await.unwrap_err()
    };
    let late = left(|asked| is_manifest(asked).then(drip), short, minute).await;
    assert!(matches!(late, FetchError::Late { .. }), "{late}");
    let silent = left(|asked| is_manifest(asked).then(hang), minute, short).await;
    assert!(matches!(silent, FetchError::Network { .. }), "{silent}");
}

#[tokio::test]
async fn storage_that_asks_for_a_password_gets_none() {
    let thief = Server::new(|asked| {
        let host = asked.header("host").unwrap().to_owned();
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"test\"");
        Response::builder().status(401).header("www-authenticate", challenge).body(Body::empty()).unwrap()
    })
    .await;
    let to = format!("http://127.0.0.1:{}/blob", thief.port);
    let lie = move |asked: &Asked| {
        let is_in = asked.header("authorization").is_some();
        (is_in && is_blob(asked)).then(|| redirect(&to))
    };
    let registry = Registry::lying(Door::Basic, lie).await.with(&artifact(), &fetcher()).await;
    let mut credentials = Credentials::none();
    credentials.add(&format!("{}=kim:secret", registry.host())).unwrap();
    let fetcher = Fetcher::new(FetchConfig { credentials, ..FetchConfig::default() }).unwrap();
    let refused = fetcher.fetch(&Source::Oci(registry.reference(":1"))).await;
    assert!(matches!(refused, Err(FetchError::Login { .. })), "{refused:?}");
    assert_eq!(thief.paths(), ["GET /blob"], "nobody went to its realm");
    assert!(thief.seen()[0].header("authorization").is_none());
}

#[tokio::test]
async fn a_password_is_given_to_no_realm_in_the_open() {
    for realm in ["http://auth.example/token", "file:///token", "nowhere"] {
        let registry = Registry::lying(Door::Open, move |asked| {
            let challenge = format!("Bearer realm=\"{realm}\",service=\"test\"");
            let answer = Response::builder().status(401).header("www-authenticate", challenge);
            is_manifest(asked).then(|| answer.body(Body::empty()).unwrap())
        })
        .await;
        let mut credentials = Credentials::none();
        credentials.add(&format!("{}=kim:secret", registry.host())).unwrap();
        let fetcher = Fetcher::new(FetchConfig { credentials, ..FetchConfig::default() }).unwrap();
        let refused = fetcher.fetch(&Source::Oci(registry.reference(":1"))).await;
        assert!(matches!(refused, Err(FetchError::Protocol { .. })), "{realm}: {refused:?}");
        assert!(registry.server.seen().iter().all(|asked| asked.header("authorization").is_none()));
    }
}

#[tokio::test]
async fn a_redirect_takes_no_token_along_to_another_origin() {
    let elsewhere = Registry::new(Door::Open).await.with(&artifact(), &fetcher()).await;
    let to = format!("http://{}/v2/team/adder/blobs/sha256:{}", elsewhere.host(), digest::of_bytes(WASM));
    let lie = move |asked: &Asked| {
        let is_in = asked.header("authorization").is_some();
        (is_in && is_blob(asked)).then(|| redirect(&to))
    };
    let registry = Registry::lying(Door::Basic, lie).await.with(&artifact(), &fetcher()).await;
    let mut credentials = Credentials::none();
    credentials.add(&format!("{}=kim:secret", registry.host())).unwrap();
    let fetcher = Fetcher::new(FetchConfig { credentials, ..FetchConfig::default() }).unwrap();
    let fetched = fetcher.fetch(&Source::Oci(registry.reference(":1"))).await.unwrap();
    assert_eq!(fetched.bytes, WASM, "storage elsewhere is usual");
    let asked = elsewhere.server.seen();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].header("authorization").is_none());
}

#[tokio::test]
async fn an_upload_that_is_sent_astray_or_stored_as_something_else_fails() {
    let astray: Lie = |asked| {
        let answer = Response::builder().status(202).header("location", "http://registry.example/upload");
        (asked.method == Method::POST).then(|| answer.body(Body::empty()).unwrap())
    };
    let nowhere: Lie = |asked| (asked.method == Method::POST).then(|| reply(202, ""));
    let at_once: Lie = |asked| (asked.method == Method::POST).then(|| reply(200, ""));
    for lie in [astray, nowhere, at_once] {
        let registry = Registry::lying(Door::Open, lie).await;
        let refused = fetcher().push(&registry.reference(":1"), &artifact()).await;
        assert!(matches!(refused, Err(FetchError::Protocol { .. })), "{refused:?}");
    }
    let stored: Lie = |asked| {
        let said = format!("sha256:{}", "0".repeat(64));
        let answer = Response::builder().status(201).header("docker-content-digest", said);
        let is_manifest = asked.method == Method::PUT && asked.uri.path().contains("/manifests/");
        is_manifest.then(|| answer.body(Body::empty()).unwrap())
    };
    let registry = Registry::lying(Door::Open, stored).await;
    let refused = fetcher().push(&registry.reference(":1"), &artifact()).await;
    assert!(matches!(refused, Err(FetchError::Digest { .. })), "{refused:?}");
}

#[test]
fn manifests_that_promise_too_much_or_something_else_are_refused() {
    let layer =
        |kind: &str, digest: &str, size: u64| json!({ "mediaType": kind, "digest": digest, "size": size });
    let digest = format!("sha256:{}", "a".repeat(64));
    let wasm = layer(WASM_TYPE, &digest, 4);
    let config = layer(CONFIG_TYPE, &digest, 2);
    let manifest =
        |config: &Value, layers: &[Value]| json!({ "schemaVersion": 2, "config": config, "layers": layers });
    let parse = |value: &Value| playhouse_tools_store::Manifest::parse(&serde_json::to_vec(value).unwrap());
    let foreign = layer("application/vnd.example", "md5:x", 1 << 40);
    assert!(
        parse(&manifest(&config, &[foreign.clone(), wasm.clone()])).is_ok(),
        "what is not ours is passed over"
    );
    let signature = layer(SIGNATURE_TYPE, &digest, 300);
    for (why, bad) in [
        ("list", json!({ "schemaVersion": 2, "manifests": [] })),
        ("kind or version", json!({ "schemaVersion": 1, "config": config, "layers": [wasm] })),
        (
            "kind or version",
            json!({ "schemaVersion": 2, "mediaType": "x", "config": config, "layers": [wasm] }),
        ),
        (
            "configuration",
            manifest(
                &layer("application/vnd.oci.image.config.v1+json", &digest, 2),
                std::slice::from_ref(&wasm),
            ),
        ),
        ("no layer", manifest(&config, &[])),
        ("more than one layer", manifest(&config, &[wasm.clone(), wasm.clone()])),
        ("over the limit", manifest(&config, &[layer(WASM_TYPE, &digest, (64 << 20) + 1)])),
        ("over the limit", manifest(&config, &[wasm.clone(), layer(SIGNATURE_TYPE, &digest, 5_000)])),
        ("more than 8 signatures", manifest(&config, &[vec![wasm.clone()], vec![signature; 9]].concat())),
        ("more than 32 layers", manifest(&config, &vec![foreign; 33])),
        ("a digest", manifest(&config, &[layer(WASM_TYPE, "sha256:../../token", 4)])),
        ("a digest", manifest(&config, &[layer(WASM_TYPE, "sha512:00", 4)])),
        (
            "JSON",
            json!({ "schemaVersion": 2, "config": config, "layers": [{ "mediaType": WASM_TYPE, "digest": digest, "size": -1 }] }),
        ),
    ] {
        let said = parse(&bad).unwrap_err().to_string();
        assert!(said.contains(why), "{said} for {bad}");
    }
}

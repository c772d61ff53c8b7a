//! Tools into a registry and out of it.

use playhouse_core::digest;
use playhouse_tools_store::{
    Artifact, CONFIG_TYPE, Credentials, FetchConfig, FetchError, Fetcher, Manifest, SIGNATURE_TYPE,
    Signature, Source, WASM_TYPE,
};
use tempfile::tempdir;

use crate::{
    kit::{NOW, claims, fetcher, key, signed},
    registry::{Door, Registry},
};

const WASM: &[u8] = b"\0asm some component";

fn artifact() -> (Artifact, Vec<Signature>) {
    let folder = tempdir().unwrap();
    let claims = claims("adder", "1.0.0", WASM);
    let signatures: Vec<Signature> =
        ["acme", "reviewer"].map(|name| signed(&key(folder.path(), name), WASM, &claims)).to_vec();
    (Artifact::pack(WASM, &claims, &signatures, NOW), signatures)
}

fn known(registry: &Registry, login: &str) -> Fetcher {
    let mut credentials = Credentials::none();
    credentials.add(&format!("{}={login}", registry.host())).unwrap();
    Fetcher::new(FetchConfig { credentials, ..FetchConfig::default() }).unwrap()
}

#[tokio::test]
async fn what_is_pushed_is_pulled_by_tag_and_by_digest() {
    let registry = Registry::new(Door::Open).await;
    let (artifact, signatures) = artifact();
    let tag = registry.reference(":1.0.0");
    let pinned = fetcher().push(&tag, &artifact).await.unwrap();
    assert_eq!(pinned, registry.reference(&format!("@sha256:{}", artifact.digest())));
    for reference in [&tag, &pinned] {
        let fetched = fetcher().fetch(&Source::Oci(reference.clone())).await.unwrap();
        assert_eq!((fetched.bytes.as_slice(), &fetched.signatures), (WASM, &signatures));
        assert_eq!((fetched.source, fetched.pinned), (reference.to_string(), pinned.to_string()));
    }
}

#[tokio::test]
async fn what_is_there_is_not_pushed_again_and_blobs_come_before_the_manifest() {
    let registry = Registry::new(Door::Open).await;
    let (artifact, _) = artifact();
    fetcher().push(&registry.reference(":1"), &artifact).await.unwrap();
    let first = registry.server.paths();
    assert_eq!(
        first.iter().filter(|path| path.starts_with("POST")).count(),
        4,
        "configuration and three layers"
    );
    assert_eq!(first.last().unwrap(), "PUT /v2/team/adder/manifests/1");
    fetcher().push(&registry.reference(":2"), &artifact).await.unwrap();
    let second = registry.server.paths().split_off(first.len());
    assert_eq!(second.iter().filter(|path| path.starts_with("HEAD")).count(), 4);
    assert_eq!(second.len(), 5, "{second:?}");
}

#[test]
fn an_artifact_has_the_layout_of_the_guidance() {
    let (artifact, _) = artifact();
    let manifest: serde_json::Value = serde_json::from_slice(artifact.manifest()).unwrap();
    assert_eq!(manifest["config"]["mediaType"], CONFIG_TYPE);
    let kinds: Vec<_> =
        manifest["layers"].as_array().unwrap().iter().map(|layer| &layer["mediaType"]).collect();
    assert_eq!(kinds, [WASM_TYPE, SIGNATURE_TYPE, SIGNATURE_TYPE]);
    assert_eq!(manifest["annotations"]["org.opencontainers.image.created"], "2026-11-22T14:00:00Z");
    assert_eq!(manifest["layers"][0]["digest"], format!("sha256:{}", digest::of_bytes(WASM)));
    let again = Manifest::parse(artifact.manifest()).unwrap();
    assert_eq!((again.wasm.size, again.signatures.len()), (WASM.len() as u64, 2));
    let claims = claims("adder", "1.0.0", WASM);
    let same = Artifact::pack(WASM, &claims, &[], NOW);
    assert_eq!(
        same.digest(),
        Artifact::pack(WASM, &claims, &[], NOW).digest(),
        "the same for the same input"
    );
}

#[tokio::test]
async fn a_registry_that_asks_who_we_are_is_told() {
    for door in [Door::Token, Door::Basic] {
        let registry = Registry::new(door).await;
        let (artifact, _) = artifact();
        let fetcher = known(&registry, "kim:secret");
        fetcher.push(&registry.reference(":1"), &artifact).await.unwrap();
        let fetched = fetcher.fetch(&Source::Oci(registry.reference(":1"))).await.unwrap();
        assert_eq!(fetched.bytes, WASM);
        let seen = registry.server.seen();
        let passwords = seen.iter().filter(|asked| {
            let is_basic = asked.header("authorization").is_some_and(|value| value.starts_with("Basic"));
            is_basic && asked.uri.path() != "/token"
        });
        assert_eq!(
            passwords.count() > 0,
            door == Door::Basic,
            "with tokens, the password goes to the realm alone"
        );
    }
}

#[tokio::test]
async fn whoever_is_not_known_is_told_what_to_do() {
    let registry = Registry::new(Door::Token).await;
    let reference = registry.reference(":1");
    let refused = fetcher().fetch(&Source::Oci(reference.clone())).await.unwrap_err();
    let FetchError::Login { advice, .. } = &refused else { panic!("{refused}") };
    assert!(advice.contains("docker login"), "{advice}");
    let wrong = known(&registry, "kim:wrong-password");
    let refused = wrong.push(&reference, &artifact().0).await.unwrap_err();
    let said = format!("{refused} {refused:?} {wrong:?}");
    assert!(said.contains("the password is wrong"), "{said}");
    assert!(!said.contains("wrong-password"), "{said}");
}

#[tokio::test]
async fn credentials_go_to_their_registry_alone() {
    let (mine, other) = (Registry::new(Door::Open).await, Registry::new(Door::Basic).await);
    let fetcher = known(&mine, "kim:secret");
    let refused = fetcher.fetch(&Source::Oci(other.reference(":1"))).await;
    assert!(matches!(refused, Err(FetchError::Login { .. })), "{refused:?}");
    assert!(other.server.seen().iter().all(|asked| asked.header("authorization").is_none()));
}

#[test]
fn credentials_are_read_as_docker_writes_them() {
    let all = r#"{"auths": {
        "https://index.docker.io/v1/": {"auth": "a2ltOnNlY3JldA=="},
        "r.example:5000": {"auth": "a2ltOnNlOmNyZXQ="},
        "plain.example": {"username": "kim", "password": "secret"},
        "helper.example": {}
    }, "HttpHeaders": {"X": "y"}}"#;
    let credentials = Credentials::parse(all.as_bytes()).unwrap();
    let shown = format!("{credentials:?}");
    for registry in ["index.docker.io", "r.example:5000", "plain.example"] {
        assert!(shown.contains(registry), "{shown}");
    }
    assert!(!shown.contains("secret") && !shown.contains("helper"), "{shown}");
    for bad in
        ["[]", "{\"auths\": {\"r\": {\"auth\": \"***\"}}}", "{\"auths\": {\"r\": {\"auth\": \"a2lt\"}}}"]
    {
        assert!(Credentials::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_login_in_a_file_of_docker_opens_and_a_damaged_file_is_named_without_its_words() {
    let (folder, registry) = (tempdir().unwrap(), Registry::new(Door::Token).await);
    let path = folder.path().join("config.json");
    assert_eq!(format!("{:?}", Credentials::load(Some(&path)).unwrap()), "Credentials for []");
    std::fs::write(
        &path,
        format!(r#"{{"auths": {{"{}": {{"auth": "a2ltOnNlY3JldA=="}}}}}}"#, registry.host()),
    )
    .unwrap();
    let credentials = Credentials::load(Some(&path)).unwrap();
    let fetcher = Fetcher::new(FetchConfig { credentials, ..FetchConfig::default() }).unwrap();
    fetcher.push(&registry.reference(":1"), &artifact().0).await.unwrap();
    std::fs::write(&path, r#"{"auths": {"r.example": {"auth": {"secret": 1}}}}"#).unwrap();
    let said = Credentials::load(Some(&path)).unwrap_err().to_string();
    assert!(said.contains("config.json") && !said.contains("secret"), "{said}");
}

#[tokio::test]
async fn a_blob_that_somebody_pushed_in_chunks_is_pulled() {
    let (fetcher, registry) = (fetcher(), Registry::new(Door::Open).await);
    let artifact = Artifact::pack(WASM, &claims("adder", "1.0.0", WASM), &[], NOW);
    let (client, host) = (reqwest::Client::new(), format!("http://{}", registry.host()));
    let begun = client.post(format!("{host}/v2/team/adder/blobs/uploads/")).send().await.unwrap();
    let mut there = begun.headers()["location"].to_str().unwrap().to_owned();
    for (at, chunk) in WASM.chunks(7).enumerate() {
        let range = format!("{}-{}", at * 7, at * 7 + chunk.len() - 1);
        let patch = client.patch(format!("{host}{there}")).header("content-range", range);
        let answer = patch.body(chunk.to_vec()).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        there = answer.headers()["location"].to_str().unwrap().to_owned();
    }
    let named = format!("{host}{there}&digest=sha256:{}", digest::of_bytes(WASM));
    assert_eq!(client.put(named).send().await.unwrap().status(), 201);
    assert!(registry.has(&format!("sha256:{}", digest::of_bytes(WASM))));
    fetcher.push(&registry.reference(":1"), &artifact).await.unwrap();
    let fetched = fetcher.fetch(&Source::Oci(registry.reference(":1"))).await.unwrap();
    assert_eq!(fetched.bytes, WASM);
}

#[tokio::test]
async fn what_is_not_there_and_a_digest_that_is_another_are_said() {
    let registry = Registry::new(Door::Open).await;
    let missing = fetcher().fetch(&Source::Oci(registry.reference(":9"))).await.unwrap_err();
    assert!(matches!(&missing, FetchError::Status { status: 404, .. }), "{missing}");
    let (artifact, _) = artifact();
    let other = registry.reference(&format!("@sha256:{}", "0".repeat(64)));
    let refused = fetcher().push(&other, &artifact).await;
    assert!(matches!(refused, Err(FetchError::Digest { .. })), "{refused:?}");
    assert_eq!(registry.server.seen().len(), 1, "nothing was pushed");
}

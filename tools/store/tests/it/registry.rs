//! A small registry that follows the OCI distribution specification: blobs in one piece or in chunks, manifests by tag
//! and digest, tokens for those who have a password.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    body::{Body, Bytes},
    http::{Method, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use playhouse_core::digest;
use playhouse_tools_store::{Artifact, Fetcher, MANIFEST_TYPE, Reference};

use crate::server::{Asked, Server, reply};

/// Who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Everybody everything.
    Open,
    /// User `kim` with password `secret`, by a token.
    Token,
    /// The same, with each request.
    Basic,
}

/// The token that opens.
const TOKEN: &str = "let-me-in";

#[derive(Default)]
struct Shelves {
    blobs: BTreeMap<String, Bytes>,
    manifests: BTreeMap<String, Bytes>,
    uploads: Vec<Vec<u8>>,
}

/// A running registry.
pub(crate) struct Registry {
    pub(crate) server: Server,
    shelves: Arc<Mutex<Shelves>>,
}

impl Registry {
    pub(crate) async fn new(door: Door) -> Self {
        Self::lying(door, |_| None).await
    }

    /// One that says what `lie` says, where it says anything.
    pub(crate) async fn lying(
        door: Door,
        lie: impl Fn(&Asked) -> Option<Response<Body>> + Send + Sync + 'static,
    ) -> Self {
        let shelves = Arc::<Mutex<Shelves>>::default();
        let kept = shelves.clone();
        let play = move |asked: &Asked| {
            lie(asked).unwrap_or_else(|| match guard(door, asked) {
                Some(answer) => answer,
                None => kept.lock().unwrap().answer(asked),
            })
        };
        Self { server: Server::new(play).await, shelves }
    }

    /// `team/adder` here, with this tag or digest behind it.
    pub(crate) fn reference(&self, pin: &str) -> Reference {
        Reference::parse(&format!("{}/team/adder{pin}", self.host())).unwrap()
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.server.port)
    }

    /// Puts an artifact on the shelves without any request.
    pub(crate) async fn with(self, artifact: &Artifact, fetcher: &Fetcher) -> Self {
        // Pushed to an honest one first: what is in an artifact is the crate's own affair.
        let honest = Registry::new(Door::Open).await;
        fetcher.push(&honest.reference(":1"), artifact).await.unwrap();
        *self.shelves.lock().unwrap() = std::mem::take(&mut honest.shelves.lock().unwrap());
        self
    }

    /// Blob by digest.
    pub(crate) fn has(&self, digest: &str) -> bool {
        self.shelves.lock().unwrap().blobs.contains_key(digest)
    }
}

/// What to answer to those who may not come in.
fn guard(door: Door, asked: &Asked) -> Option<Response<Body>> {
    let who = asked.header("authorization");
    let basic = format!("Basic {}", STANDARD.encode("kim:secret"));
    let host = asked.header("host").unwrap_or_default();
    if asked.uri.path() == "/token" {
        let query = asked.uri.query().unwrap_or_default();
        assert!(query.contains("scope=repository%3Ateam%2Fadder%3Apull"), "{query}");
        assert!(query.contains("service=test"), "{query}");
        let is_known = who == Some(&basic);
        let token = format!("{{\"token\":\"{TOKEN}\"}}");
        return Some(if is_known { reply(200, token) } else { reply(401, "who are you?") });
    }
    let (is_in, challenge) = match door {
        Door::Open => return None,
        Door::Token => (
            who == Some(&format!("Bearer {TOKEN}")),
            format!("Bearer realm=\"http://{host}/token\",service=\"test\",scope=\"whatever\""),
        ),
        Door::Basic => (who == Some(&basic), "Basic realm=\"test\"".to_owned()),
    };
    if is_in {
        return None;
    }
    let answer = Response::builder().status(401).header("www-authenticate", challenge);
    Some(answer.body(Body::from(error("UNAUTHORIZED"))).unwrap())
}

fn error(code: &str) -> String {
    format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"{code}\"}}]}}")
}

impl Shelves {
    fn answer(&mut self, asked: &Asked) -> Response<Body> {
        let path = asked.uri.path().to_owned();
        let Some(rest) = path.strip_prefix("/v2/") else { return reply(404, error("UNSUPPORTED")) };
        if let Some((repository, id)) = rest.split_once("/blobs/uploads/") {
            return self.upload(asked, repository, id);
        }
        if let Some((_, digest)) = rest.split_once("/blobs/") {
            let found = self.blobs.get(digest).cloned();
            return give(asked, found, "application/octet-stream", "BLOB_UNKNOWN");
        }
        match rest.split_once("/manifests/") {
            Some((repository, name)) if asked.method == Method::PUT => self.keep(asked, repository, name),
            Some((repository, name)) => {
                let found = self.manifests.get(&format!("{repository}/{name}")).cloned();
                give(asked, found, MANIFEST_TYPE, "MANIFEST_UNKNOWN")
            }
            None => reply(200, "{}"),
        }
    }

    /// POST begins, PATCH adds a chunk, PUT adds the last one and names the digest.
    fn upload(&mut self, asked: &Asked, repository: &str, id: &str) -> Response<Body> {
        let accepted = |status: u16, id: usize| {
            let there = format!("/v2/{repository}/blobs/uploads/{id}?state=kept");
            Response::builder().status(status).header("location", there).body(Body::empty()).unwrap()
        };
        if asked.method == Method::POST {
            self.uploads.push(Vec::new());
            return accepted(202, self.uploads.len() - 1);
        }
        let query = asked.uri.query().unwrap_or_default();
        let known = id.parse().ok().filter(|at| *at < self.uploads.len() && query.contains("state=kept"));
        let Some(at): Option<usize> = known else { return reply(404, error("BLOB_UPLOAD_UNKNOWN")) };
        let kept = self.uploads[at].len();
        if asked.method == Method::PATCH {
            let begins = format!("{kept}-");
            if !asked.header("content-range").is_none_or(|range| range.starts_with(&begins)) {
                return reply(416, error("BLOB_UPLOAD_INVALID"));
            }
            self.uploads[at].extend_from_slice(&asked.body);
            return accepted(202, at);
        }
        self.uploads[at].extend_from_slice(&asked.body);
        let bytes = std::mem::take(&mut self.uploads[at]);
        let found = format!("sha256:{}", digest::of_bytes(&bytes));
        let said = query.split('&').find_map(|pair| pair.strip_prefix("digest="));
        if said.map(|said| said.replace("%3A", ":")) != Some(found.clone()) {
            return reply(400, error("DIGEST_INVALID"));
        }
        self.blobs.insert(found.clone(), bytes.into());
        let there = format!("/v2/{repository}/blobs/{found}");
        Response::builder().status(201).header("location", there).body(Body::empty()).unwrap()
    }

    fn keep(&mut self, asked: &Asked, repository: &str, name: &str) -> Response<Body> {
        let found = format!("sha256:{}", digest::of_bytes(&asked.body));
        let manifest: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
        let layers = manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]);
        let is_whole = layers.into_iter().all(|layer| {
            let blob = self.blobs.get(layer["digest"].as_str().unwrap());
            blob.is_some_and(|blob| blob.len() as u64 == layer["size"].as_u64().unwrap())
        });
        if !is_whole || asked.header("content-type") != Some(MANIFEST_TYPE) {
            return reply(400, error("MANIFEST_BLOB_UNKNOWN"));
        }
        if name.starts_with("sha256:") && name != found {
            return reply(400, error("DIGEST_INVALID"));
        }
        for name in [name, &found] {
            self.manifests.insert(format!("{repository}/{name}"), asked.body.clone());
        }
        let answer = Response::builder().status(201).header("docker-content-digest", &found);
        answer.header("location", format!("/v2/{repository}/manifests/{found}")).body(Body::empty()).unwrap()
    }
}

fn give(asked: &Asked, found: Option<Bytes>, kind: &str, unknown: &str) -> Response<Body> {
    let Some(bytes) = found else { return reply(404, error(unknown)) };
    let digest = format!("sha256:{}", digest::of_bytes(&bytes));
    let answer = Response::builder().header("docker-content-digest", digest).header("content-type", kind);
    let answer = answer.header("content-length", bytes.len());
    let body = if asked.method == Method::HEAD { Body::empty() } else { Body::from(bytes) };
    answer.body(body).unwrap()
}

//! The requests of the OCI distribution specification that one artifact needs.

use base64::{Engine, engine::general_purpose::STANDARD};
use playhouse_core::digest;
use reqwest::{
    Method, StatusCode, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE},
};
use serde::Deserialize;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::{
    bounds::{ANSWER_BYTES_MAX, MANIFEST_BYTES_MAX},
    fetch::{FetchError, Got, status},
    oci::{Artifact, Credentials, Descriptor, MANIFEST_TYPE, Manifest, Pin, Reference, challenge::Challenge},
    signature::Signature,
    source::is_safe,
    web::{Answer, Ask, Web, shown},
};

/// Where registries say what they think the digest is.
const DIGEST_HEADER: &str = "docker-content-digest";

/// One repository of a registry, during one fetch or push.
#[derive(Debug)]
pub(crate) struct Registry<'a> {
    web: &'a Web,
    credentials: &'a Credentials,
    reference: &'a Reference,
    /// What convinced the registry last.
    authorization: Mutex<Option<HeaderValue>>,
}

/// What a token has to allow.
#[derive(Debug, Clone, Copy)]
enum Act {
    Pull,
    Push,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl<'a> Registry<'a> {
    pub(crate) fn new(web: &'a Web, credentials: &'a Credentials, reference: &'a Reference) -> Self {
        Self { web, credentials, reference, authorization: Mutex::default() }
    }

    /// The component and its signatures, each with the digest that leads to it.
    pub(crate) async fn pull(&self) -> Result<Got, FetchError> {
        let mut ask = Ask::get(self.url(&format!("manifests/{}", self.reference.name()))?);
        ask.headers.insert(ACCEPT, HeaderValue::from_static(MANIFEST_TYPE));
        let answer = self.expect(&ask, Act::Pull, MANIFEST_BYTES_MAX, StatusCode::OK).await?;
        let found = digest::of_bytes(&answer.body);
        let what = || format!("the manifest of {}", self.reference);
        if let Pin::Digest(expected) = self.reference.pin() {
            same(what, expected, &found)?;
        }
        if let Some(expected) = said_digest(&answer.headers) {
            same(what, &expected, &found)?;
        }
        let bad = |bad| FetchError::Manifest { reference: self.reference.to_string(), bad };
        let manifest = Manifest::parse(&answer.body).map_err(bad)?;
        let wasm = self.blob(&manifest.wasm).await?;
        let mut signatures = Vec::new();
        for descriptor in &manifest.signatures {
            let bytes = self.blob(descriptor).await?;
            let bad =
                |bad| FetchError::Signature { at: format!("{}, {}", self.reference, descriptor.digest), bad };
            signatures.push(Signature::parse(&bytes).map_err(bad)?);
        }
        Ok((wasm, signatures, self.reference.pinned(&found).to_string()))
    }

    async fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, FetchError> {
        let ask = Ask::get(self.url(&format!("blobs/{}", descriptor.digest))?);
        let answer = self.expect(&ask, Act::Pull, descriptor.size, StatusCode::OK).await?;
        let found = format!("sha256:{}", digest::of_bytes(&answer.body));
        same(|| format!("a layer of {}", self.reference), &descriptor.digest, &found)?;
        Ok(answer.body)
    }

    /// Blobs first, so that the manifest never points at nothing.
    pub(crate) async fn push(&self, artifact: &Artifact) -> Result<(), FetchError> {
        if let Pin::Digest(expected) = self.reference.pin() {
            same(|| self.reference.to_string(), expected, &artifact.digest())?;
        }
        for (descriptor, bytes) in &artifact.blobs {
            self.push_blob(descriptor, bytes).await?;
        }
        let ask = Ask {
            method: Method::PUT,
            url: self.url(&format!("manifests/{}", self.reference.name()))?,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(MANIFEST_TYPE))]),
            authorization: None,
            body: &artifact.manifest,
        };
        let answer = self.expect(&ask, Act::Push, ANSWER_BYTES_MAX, StatusCode::CREATED).await?;
        match said_digest(&answer.headers) {
            Some(found) => {
                same(|| format!("what `{}` stored", self.reference.registry()), &artifact.digest(), &found)
            }
            None => Ok(()),
        }
    }

    async fn push_blob(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), FetchError> {
        let ask = |method: Method, url: Url| Ask { method, ..Ask::get(url) };
        let head = ask(Method::HEAD, self.url(&format!("blobs/{}", descriptor.digest))?);
        if self.authorized(&head, Act::Push, ANSWER_BYTES_MAX).await?.status == StatusCode::OK {
            return Ok(());
        }
        let begin = ask(Method::POST, self.url("blobs/uploads/")?);
        let begun = self.expect(&begin, Act::Push, ANSWER_BYTES_MAX, StatusCode::ACCEPTED).await?;
        let mut there = self.location(&begun)?;
        there.query_pairs_mut().append_pair("digest", &descriptor.digest);
        let octets = HeaderValue::from_static("application/octet-stream");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, octets)]);
        let put = Ask { headers, body: bytes, ..ask(Method::PUT, there) };
        self.expect(&put, Act::Push, ANSWER_BYTES_MAX, StatusCode::CREATED).await.map(drop)
    }

    /// Where an upload goes on.
    fn location(&self, answer: &Answer) -> Result<Url, FetchError> {
        let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let there = location.and_then(|location| answer.url.join(location).ok());
        let there = there.ok_or_else(|| self.protocol("an upload begins without a readable `Location`"))?;
        let is_as_safe = is_safe(&there) && (answer.url.scheme() != "https" || there.scheme() == "https");
        if is_as_safe { Ok(there) } else { Err(self.protocol("it wants an upload without TLS")) }
    }

    /// Asks, and takes no other status.
    async fn expect(
        &self,
        ask: &Ask<'_>,
        act: Act,
        most: u64,
        expected: StatusCode,
    ) -> Result<Answer, FetchError> {
        let answer = self.authorized(ask, act, most).await?;
        match answer.status {
            found if found == expected => Ok(answer),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.login()),
            found if found.is_success() => {
                Err(self.protocol(&format!("{} answered {found} instead of {expected}", shown(&answer.url))))
            }
            found => Err(status(&answer.url, found, &answer.body)),
        }
    }

    /// Asks; if the registry wants to know who we are, says so and asks once more.
    async fn authorized(&self, ask: &Ask<'_>, act: Act, most: u64) -> Result<Answer, FetchError> {
        let is_home = self.url("")?.origin() == ask.url.origin();
        let known = self.authorization.lock().await.clone().filter(|_| is_home);
        let first = Ask { authorization: known, ..ask.clone() };
        let answer = self.web.ask(&first, most).await?;
        // Storage that a blob is sent on to may say what it likes: it names no realm for the registry's password.
        let is_asked_here = is_home && answer.url.origin() == ask.url.origin();
        if answer.status != StatusCode::UNAUTHORIZED || !is_asked_here {
            return Ok(answer);
        }
        let asked = answer.headers.get_all(WWW_AUTHENTICATE).iter();
        let challenge = asked.filter_map(|value| value.to_str().ok()).find_map(Challenge::parse);
        let challenge =
            challenge.ok_or_else(|| self.protocol("it answered 401 without a challenge that can be met"))?;
        let authorization = self.meet(&challenge, act).await?;
        *self.authorization.lock().await = Some(authorization.clone());
        self.web.ask(&Ask { authorization: Some(authorization), ..ask.clone() }, most).await
    }

    async fn meet(&self, challenge: &Challenge, act: Act) -> Result<HeaderValue, FetchError> {
        let basic = self.credentials.of(self.reference.registry()).map(|login| {
            let pair = Zeroizing::new(format!("{}:{}", login.user, login.password.as_str()));
            Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
        });
        let basic = basic.map(|basic| self.secret(&basic)).transpose()?;
        let Challenge::Bearer { realm, service } = challenge else {
            return basic.ok_or_else(|| self.login());
        };
        let mut url = Url::parse(realm).map_err(|_| self.protocol("its realm for tokens is no address"))?;
        let is_as_safe = is_safe(&url) && (self.url("")?.scheme() != "https" || url.scheme() == "https");
        if !is_as_safe {
            return Err(self.protocol("its realm for tokens is without TLS"));
        }
        let actions = match act {
            Act::Pull => "pull",
            Act::Push => "pull,push",
        };
        let scope = format!("repository:{}:{actions}", self.reference.repository());
        url.query_pairs_mut().append_pair("scope", &scope);
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let answer = self.web.ask(&Ask { authorization: basic, ..Ask::get(url) }, ANSWER_BYTES_MAX).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(self.login()),
            found => return Err(status(&answer.url, found, &[])),
        }
        let body = Zeroizing::new(answer.body);
        let token: Option<Token> = serde_json::from_slice(&body).ok();
        let token = token.and_then(|token| token.token.or(token.access_token)).map(Zeroizing::new);
        let token = token.ok_or_else(|| self.protocol("its realm answered without a token"))?;
        self.secret(&Zeroizing::new(format!("Bearer {}", token.as_str())))
    }

    /// A header that no log shows.
    fn secret(&self, text: &str) -> Result<HeaderValue, FetchError> {
        let value = HeaderValue::from_str(text);
        let mut value =
            value.map_err(|_| self.protocol("a token or password has letters that no header takes"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn url(&self, path: &str) -> Result<Url, FetchError> {
        let base = self.reference.base();
        let url =
            if path.is_empty() { base } else { format!("{base}{}/{path}", self.reference.repository()) };
        Url::parse(&url).map_err(|error| self.protocol(&format!("its name is no host ({error})")))
    }

    fn login(&self) -> FetchError {
        let registry = self.reference.registry();
        FetchError::Login { registry: registry.into(), advice: self.credentials.advice(registry) }
    }

    fn protocol(&self, why: &str) -> FetchError {
        FetchError::Protocol { registry: self.reference.registry().into(), why: why.into() }
    }
}

/// What the registry thinks the digest is. One of another algorithm says nothing here.
fn said_digest(headers: &HeaderMap) -> Option<String> {
    let said = headers.get(DIGEST_HEADER)?.to_str().ok()?;
    said.strip_prefix("sha256:").map(str::to_owned)
}

fn same(what: impl Fn() -> String, expected: &str, found: &str) -> Result<(), FetchError> {
    let differs = || FetchError::Digest { what: what(), expected: expected.into(), found: found.into() };
    (expected == found).then_some(()).ok_or_else(differs)
}

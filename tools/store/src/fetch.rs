//! Fetching: bytes and signatures from a source, bounded in size and time, with every digest checked.

use std::{path::Path, time::Duration};

use playhouse_core::digest;
use reqwest::{StatusCode, Url};
use tokio::time::timeout;

use crate::{
    bounds::{COMPONENT_BYTES_MAX, EXCHANGE_TIME_MAX, SIGNATURE_BYTES_MAX, SIGNATURES_MAX, SILENCE_MAX},
    disk::{self, FileError},
    oci::{Artifact, BadManifest, Credentials, Reference, Registry},
    signature::{BadSignature, Signature},
    source::Source,
    web::{Ask, Web, shown},
};

/// Bytes of a file of signatures.
const SIGNATURES_BYTES_MAX: u64 = SIGNATURE_BYTES_MAX * SIGNATURES_MAX as u64;

/// What fetching needs from outside.
#[derive(Debug, Clone)]
pub struct FetchConfig {
    /// Who vouches for servers.
    pub roots: Roots,
    /// `http://host:port` of a proxy; those of the environment are not used.
    pub proxy: Option<String>,
    /// Who we are to registries.
    pub credentials: Credentials,
    /// How long all requests of one fetch or push may take together.
    pub time: Duration,
    /// How long a server may say nothing.
    pub silence: Duration,
}

impl Default for FetchConfig {
    fn default() -> Self {
        Self {
            roots: Roots::System,
            proxy: None,
            credentials: Credentials::none(),
            time: EXCHANGE_TIME_MAX,
            silence: SILENCE_MAX,
        }
    }
}

/// Whose word counts for who a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// Those whom the machine trusts.
    System,
    /// These and no others: certificates in DER.
    Only(Vec<Vec<u8>>),
}

/// What a source gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The component, or whatever it is: nobody has looked at it.
    pub bytes: Vec<u8>,
    /// The signatures that lay beside it, unchecked.
    pub signatures: Vec<Signature>,
    /// The source as it was written: what to ask for an update.
    pub source: String,
    /// The source with the digest that was found: what to ask for the same bytes.
    pub pinned: String,
}

/// Why nothing was fetched or pushed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no such file.
    #[error("there is no file {0}; check the path")]
    NoFile(String),
    /// TLS or the proxy cannot be set up.
    #[error("cannot set up requests: {0}; check the root certificates of this machine and the proxy")]
    Setup(String),
    /// No connection, or it broke.
    #[error("{url}: {why}; check the address and the network, and try again")]
    Network {
        /// Without its query.
        url: String,
        /// What happened.
        why: String,
    },
    /// All of it took too long.
    #[error(
        "{source_of} took longer than {seconds} s; try again, or get the file another way and give its path"
    )]
    Late {
        /// What was fetched or pushed.
        source_of: String,
        /// The limit.
        seconds: u64,
    },
    /// More bytes than are taken.
    #[error("{url} has more than {most} bytes, and nothing was kept; ask its publisher for a smaller one")]
    TooLarge {
        /// Without its query.
        url: String,
        /// The limit.
        most: u64,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects {why}; ask its owner for an address that can be used")]
    Redirect {
        /// Without its query.
        url: String,
        /// Where to, or why not.
        why: String,
    },
    /// The server says no.
    #[error("{url} answered {status}{said}; check the address")]
    Status {
        /// Without its query.
        url: String,
        /// Its status.
        status: u16,
        /// Its words, cut short.
        said: String,
    },
    /// Other bytes than were promised.
    #[error(
        "{what} is not what it should be: its sha256 is {found}, not {expected}, and nothing was kept; ask its publisher which is right"
    )]
    Digest {
        /// Which piece.
        what: String,
        /// What was promised.
        expected: String,
        /// What came.
        found: String,
    },
    /// The signatures have another form.
    #[error("{at}: {bad}; where there is no signature, there must be no file either: a server answers 404")]
    Signature {
        /// Where they lay.
        at: String,
        /// What is wrong.
        bad: BadSignature,
    },
    /// The manifest has another form.
    #[error("{reference}: {bad}")]
    Manifest {
        /// Which.
        reference: String,
        /// What is wrong.
        bad: BadManifest,
    },
    /// The registry wants to know who we are, or does not let us.
    #[error("the registry `{registry}` does not allow this: {advice}")]
    Login {
        /// Which.
        registry: String,
        /// What to do.
        advice: String,
    },
    /// The registry does something that the specification does not know.
    #[error(
        "the registry `{registry}` does not follow the distribution specification: {why}; tell those who run it"
    )]
    Protocol {
        /// Which.
        registry: String,
        /// What it did.
        why: String,
    },
}

/// Fetches and pushes. Cheap to keep; nothing is remembered but connections.
#[derive(Debug)]
pub struct Fetcher {
    web: Web,
    credentials: Credentials,
    time: Duration,
}

impl Fetcher {
    /// One that has asked nobody yet.
    ///
    /// # Errors
    /// If TLS or the proxy cannot be set up.
    pub fn new(config: FetchConfig) -> Result<Self, FetchError> {
        let web = Web::new(&config.roots, config.proxy.as_deref(), config.silence)?;
        Ok(Self { web, credentials: config.credentials, time: config.time })
    }

    /// Fetches a component and the signatures beside it: `<file>.minisig`, or layers of the artifact.
    ///
    /// # Errors
    /// [`FetchError`]; nothing is left behind then.
    pub async fn fetch(&self, source: &Source) -> Result<Fetched, FetchError> {
        let fetched = async {
            match source {
                Source::Path(path) => from_path(path),
                Source::Web { url, sha256 } => self.get(url, sha256.as_deref()).await,
                Source::Oci(reference) => self.registry(reference).pull().await,
            }
        };
        let (bytes, signatures, pinned) = self.in_time(&source.to_string(), fetched).await?;
        Ok(Fetched { bytes, signatures, source: source.to_string(), pinned })
    }

    /// Pushes an artifact. Returns the reference with the digest by which nobody can change it.
    ///
    /// # Errors
    /// [`FetchError`]; blobs that were pushed before it stay in the registry, unnamed.
    pub async fn push(&self, reference: &Reference, artifact: &Artifact) -> Result<Reference, FetchError> {
        let registry = self.registry(reference);
        self.in_time(&reference.to_string(), registry.push(artifact)).await?;
        Ok(reference.pinned(&artifact.digest()))
    }

    fn registry<'a>(&'a self, reference: &'a Reference) -> Registry<'a> {
        Registry::new(&self.web, &self.credentials, reference)
    }

    async fn in_time<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<T, FetchError> {
        let late = |_| FetchError::Late { source_of: what.into(), seconds: self.time.as_secs() };
        timeout(self.time, Box::pin(work)).await.map_err(late)?
    }

    async fn get(&self, url: &Url, sha256: Option<&str>) -> Result<Got, FetchError> {
        let answer = self.web.ask(&Ask::get(url.clone()), COMPONENT_BYTES_MAX).await?;
        if !answer.status.is_success() {
            return Err(status(&answer.url, answer.status, &answer.body));
        }
        let found = digest::of_bytes(&answer.body);
        if let Some(expected) = sha256.filter(|expected| *expected != found) {
            return Err(FetchError::Digest { what: shown(url), expected: expected.into(), found });
        }
        let signatures = self.signatures_beside(url).await?;
        let pinned = Source::Web { url: url.clone(), sha256: Some(found) }.to_string();
        Ok((answer.body, signatures, pinned))
    }

    /// A server that has no such file says so; some say that we may not see it.
    async fn signatures_beside(&self, url: &Url) -> Result<Vec<Signature>, FetchError> {
        let mut beside = url.clone();
        beside.set_path(&format!("{}.minisig", url.path()));
        let answer = self.web.ask(&Ask::get(beside.clone()), SIGNATURES_BYTES_MAX).await?;
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN => Ok(Vec::new()),
            found if !found.is_success() => Err(status(&answer.url, found, &answer.body)),
            _ => {
                let bad = |bad| FetchError::Signature { at: shown(&beside), bad };
                Signature::parse_all(&answer.body).map_err(bad)
            }
        }
    }
}

/// Bytes, signatures, and the source with its digest.
pub(crate) type Got = (Vec<u8>, Vec<Signature>, String);

fn from_path(path: &Path) -> Result<Got, FetchError> {
    let shown = path.display().to_string();
    let bytes = disk::read(path, COMPONENT_BYTES_MAX)?.ok_or_else(|| FetchError::NoFile(shown.clone()))?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".minisig");
    let signatures = match disk::read(Path::new(&beside), SIGNATURES_BYTES_MAX)? {
        None => Vec::new(),
        Some(bytes) => Signature::parse_all(&bytes)
            .map_err(|bad| FetchError::Signature { at: format!("{shown}.minisig"), bad })?,
    };
    Ok((bytes, signatures, shown))
}

/// A status that is no success, and the server's words as far as they fit into a sentence.
pub(crate) fn status(url: &Url, status: StatusCode, body: &[u8]) -> FetchError {
    const SAID_MAX: usize = 200;
    let words = String::from_utf8_lossy(body);
    let words: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID_MAX).collect();
    let said = if words.trim().is_empty() { String::new() } else { format!(": {}", words.trim()) };
    FetchError::Status { url: shown(url), status: status.as_u16(), said }
}

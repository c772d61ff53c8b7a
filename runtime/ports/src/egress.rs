//! Requests of tools to the world outside, over HTTP.

use std::fmt;

use async_trait::async_trait;
use playhouse_core::egress::HttpGrant;

/// Sends requests on behalf of tools, each one checked before it leaves.
#[async_trait]
pub trait Egress: Send + Sync + 'static {
    /// Decides about `request` and about every redirect it meets, and sends what is allowed. Ends within
    /// `request.timeout_ms` and a little. Dropping the future gives the request up; whether the server saw it is
    /// then unknown.
    async fn fetch(&self, request: Outgoing) -> Result<Incoming, EgressError>;
}

/// What a tool wants to send, and what those who decide allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// In capitals.
    pub method: String,
    /// As the tool wrote it; nobody but the implementation reads it.
    pub url: String,
    /// As the tool wrote them. Those that belong to the host are refused.
    pub headers: Vec<(String, String)>,
    /// Empty: none.
    pub body: Vec<u8>,
    /// Everyone who has a say. The request must be allowed by each of them; with nobody, nothing is allowed.
    pub grants: Vec<Granted>,
    /// Requests that the same tool call has made already: the sum of what earlier answers reported.
    pub requests_before: u32,
    /// The whole exchange, redirects included, is ended after this long.
    pub timeout_ms: u64,
    /// Sent as `Idempotency-Key` with methods that change something. The effect id, and which request of the call
    /// this is: two different requests with one key would be taken for one.
    pub idempotency_key: Option<String>,
    /// Secrets to send along.
    pub attach: Vec<Attach>,
}

/// What one party allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// What sentences call it: "operator", "agent".
    pub by: String,
    /// What it allows.
    pub grant: HttpGrant,
}

/// A header that the tool never sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// Of the header. It takes the place of one that the tool set.
    pub header: String,
    /// Of the header, complete: `Bearer …` where the server wants that.
    pub value: Secret,
    /// `https://api.example.com`: sent to exactly this scheme, host and port, and not once a redirect has led
    /// elsewhere.
    pub origin: String,
}

/// A text that is not shown by accident: it has no `Display`, no `Serialize`, and a `Debug` that says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text; for the one who sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([hidden])")
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Of HTTP: 200, 404 …
    pub status: u16,
    /// In the order of the answer, names in lower case; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// As sent: a compressed body stays compressed.
    pub body: Vec<u8>,
    /// Whether the body was longer and cut off at the limit.
    pub truncated: bool,
    /// Where the answer came from, after redirects.
    pub url: String,
    /// How many requests were made for it: 1, and one for each redirect.
    pub requests: u32,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EgressError {
    /// What kind of failure.
    pub kind: EgressErrorKind,
    /// For the model and for people: what happened, and what to ask for. Holds no secret and no query.
    pub message: String,
    /// How many requests were begun all the same.
    pub requests: u32,
}

/// The classes of failure a tool can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EgressErrorKind {
    /// No rule allows it.
    NotGranted,
    /// The host is, or its name leads to, an address that is out of reach.
    PrivateAddress,
    /// Too many requests or redirects, or a body that is too long.
    Limit,
    /// The time was over.
    Timeout,
    /// The server did not prove who it is.
    Tls,
    /// The name is unknown, nobody answered, or the answer was no HTTP.
    Network,
    /// The request makes no sense: URL, method, header, or a grant that cannot be read.
    BadRequest,
}

impl EgressErrorKind {
    /// The name that tools know: `not-granted`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotGranted => "not-granted",
            Self::PrivateAddress => "private-address",
            Self::Limit => "limit",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Network => "network",
            Self::BadRequest => "bad-request",
        }
    }
}

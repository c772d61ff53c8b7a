//! What a tool may reach over HTTP, as an operator or an agent writes it down. Only the words; what they mean
//! for a request is decided by `playhouse-tools-policy`, which knows URLs and addresses.
//!
//! ```toml
//! [[rules]]
//! origin = "https://api.example.com"
//! methods = ["GET", "POST"]
//! paths = ["/repos"]
//!
//! [limits]
//! requests_per_call = 4
//! ```

use serde::{Deserialize, Serialize};

/// What one party allows. A request must be allowed by every party that has a say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpGrant {
    /// A request is allowed if one of them fits. None: nothing is allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<HttpRule>,
    /// Bounds on what is allowed; between parties the lowest holds.
    pub limits: HttpLimits,
}

/// Requests to one origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRule {
    /// `scheme://host` or `scheme://host:port`: scheme `http` or `https`, an exact host or `*.example.com` for
    /// every name below `example.com` (not itself), the scheme's own port if none is given.
    pub origin: String,
    /// In capitals. Without it reading is allowed: `GET` and `HEAD`.
    #[serde(default = "reading")]
    pub methods: Vec<String>,
    /// Prefixes, in whole segments: `/repos` fits `/repos` and `/repos/x`, not `/reposx`. Without it every
    /// path fits.
    #[serde(default = "every_path")]
    pub paths: Vec<String>,
    /// Whether addresses that are not on the public internet may be reached: this machine, private networks,
    /// link-local. Addresses of metadata services stay out of reach unless `origin` is such an address.
    #[serde(default)]
    pub private: bool,
}

fn reading() -> Vec<String> {
    vec!["GET".into(), "HEAD".into()]
}

fn every_path() -> Vec<String> {
    vec!["/".into()]
}

impl HttpRule {
    /// Reading every path of `origin` at its public addresses.
    pub fn reading(origin: impl Into<String>) -> Self {
        Self { origin: origin.into(), methods: reading(), paths: every_path(), private: false }
    }
}

/// Bounds on the requests of one tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpLimits {
    /// Requests of one call, each hop of a redirect counted. 8: a search and the pages it found.
    pub requests_per_call: u32,
    /// Bytes of one request's body. 256 KiB: a document, and not a database.
    pub request_bytes: u64,
    /// Bytes kept of one response's body; the rest is cut off. 1 MiB: more than a model can read, and 64 calls
    /// at once stay within 64 MiB.
    pub response_bytes: u64,
    /// Redirects followed in a row. 5: one each for scheme, `www`, language, sign-on and a spare; a loop ends soon.
    pub redirects: u32,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { requests_per_call: 8, request_bytes: 256 << 10, response_bytes: 1 << 20, redirects: 5 }
    }
}

impl HttpLimits {
    /// The lower of both, limit by limit.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            requests_per_call: self.requests_per_call.min(other.requests_per_call),
            request_bytes: self.request_bytes.min(other.request_bytes),
            response_bytes: self.response_bytes.min(other.response_bytes),
            redirects: self.redirects.min(other.redirects),
        }
    }
}

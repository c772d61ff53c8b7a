//! Where a component comes from: a path, an `https` address, or a registry. Read here, fetched elsewhere.

use std::path::PathBuf;

use reqwest::Url;

use crate::{
    claims::is_sha256,
    oci::{BadReference, Reference},
};

/// A source, as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    Path(PathBuf),
    /// `https://…`, or `http://` of this machine, perhaps with `#sha256=<hex>`.
    Web {
        /// Without the fragment.
        url: Url,
        /// What the bytes must be.
        sha256: Option<String>,
    },
    /// `oci://registry/repository:tag` or `…@sha256:<hex>`.
    Oci(Reference),
}

/// Why a text is no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSource {
    /// No address.
    #[error("`{text}` is not an address: {why}")]
    Address {
        /// As written, without user and password.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// `http` to somewhere else than this machine.
    #[error("`{0}` would be fetched in the open, where anybody on the way can change it; use `https`")]
    Plain(String),
    /// A password in the address ends up in logs and in the lock.
    #[error("the address at `{0}` holds a user or password; leave them out")]
    Secret(String),
    /// A fragment that is no digest.
    #[error("`#{0}` is not understood; write `#sha256=` and 64 digits of lower-case hex, or nothing")]
    Fragment(String),
    /// A scheme that nobody speaks here.
    #[error("`{0}:` is not understood; use a path, `https://` or `oci://`")]
    Scheme(String),
    /// No reference of a registry.
    #[error(transparent)]
    Reference(#[from] BadReference),
}

impl Source {
    /// Reads a source. Pure, and safe with any text. What has no `://` is a path.
    ///
    /// # Errors
    /// [`BadSource`] says what to write instead.
    pub fn parse(text: &str) -> Result<Self, BadSource> {
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(Self::Path(text.into())) };
        match scheme {
            "oci" => Ok(Self::Oci(Reference::parse(rest)?)),
            "http" | "https" => web(text),
            _ => Err(BadSource::Scheme(scheme.chars().filter(|c| !c.is_control()).take(32).collect())),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Web { url, sha256: None } => url.fmt(f),
            Self::Web { url, sha256: Some(sha256) } => write!(f, "{url}#sha256={sha256}"),
            Self::Oci(reference) => reference.fmt(f),
        }
    }
}

fn web(text: &str) -> Result<Source, BadSource> {
    let mut url = Url::parse(text).map_err(|error| {
        // What stands before an `@` may be a password.
        let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
        BadSource::Address { text: shown.to_owned(), why: error.to_string() }
    })?;
    let host = url.host_str().unwrap_or_default().to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadSource::Secret(host));
    }
    if !is_safe(&url) {
        return Err(BadSource::Plain(url.to_string()));
    }
    let sha256 = match url.fragment() {
        None => None,
        Some(fragment) => match fragment.strip_prefix("sha256=").filter(|hex| is_sha256(hex)) {
            Some(hex) => Some(hex.to_owned()),
            None => return Err(BadSource::Fragment(fragment.to_owned())),
        },
    };
    url.set_fragment(None);
    Ok(Source::Web { url, sha256 })
}

/// Whether nobody on the way can read or change what is fetched from there.
pub(crate) fn is_safe(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url.host_str().unwrap_or_default()),
        _ => false,
    }
}

/// Whether a host is this machine, as an address or by the one name that may not be anything else (RFC 6761).
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

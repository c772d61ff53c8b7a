//! Where a request goes: a URL that was read once.
//!
//! Guards are fooled where two readers disagree about one text. So the text is read here, by the rules that
//! browsers follow, then written anew from its parts, and only that goes on: to the decision, to the resolver and
//! onto the wire. What readers are known to disagree about is refused instead of repaired.

use std::fmt;

use url::Url;

use crate::{
    origin::{BadOrigin, Origin},
    path,
};

/// Longest URL, in bytes. Servers need not take more than 8,000 (RFC 9110, 4.1).
pub const URL_BYTES_MAX: usize = 8_000;

/// Why a text is no place to send a request to. Does not repeat the text: it may be long, or hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Longer than [`URL_BYTES_MAX`].
    #[error("the URL has {0} bytes; at most {URL_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// A line break, a tab, a zero: some readers drop them, others stop there.
    #[error("the URL holds the control character {0:?}; remove it, or encode it in the query")]
    Control(char),
    /// Some readers take it for a slash.
    #[error("the URL holds a backslash; write `/`, or `%5C` in the query")]
    Backslash,
    /// Another scheme, or none.
    #[error("the URL must begin with `http://` or `https://`")]
    NotHttp,
    /// `user:password@`.
    #[error(
        "the URL holds a user name or an `@` before the host; credentials are attached by the host, by name"
    )]
    Userinfo,
    /// No host can be read from it.
    #[error(transparent)]
    Origin(#[from] BadOrigin),
    /// The path climbs, once a server has decoded it.
    #[error("the path hides {0}; write the path that is meant")]
    Path(&'static str),
    /// It is no URL at all.
    #[error("the URL cannot be read: {0}")]
    Syntax(#[from] url::ParseError),
    /// Written anew, it would be read otherwise.
    #[error("the URL can be read in two ways; write it in its plain form")]
    Ambiguous,
}

/// A URL in its one normal form, without user name and fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target {
    url: Url,
    origin: Origin,
}

impl Target {
    /// Reads a URL. A fragment is dropped: it never leaves the client.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        check_text(text)?;
        let (scheme, rest) = text.split_once("://").ok_or(BadUrl::NotHttp)?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(BadUrl::NotHttp);
        }
        // Browsers skip further slashes; others see a URL without a host.
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err(BadOrigin::NoHost.into());
        }
        if authority.contains('@') {
            return Err(BadUrl::Userinfo);
        }
        if authority.starts_with('[') && authority.contains('%') {
            return Err(BadOrigin::Zone.into());
        }
        Self::rebuild(&Url::parse(text)?)
    }

    /// The place that `location` names in an answer from here.
    pub fn join(&self, location: &str) -> Result<Self, BadUrl> {
        check_text(location)?;
        Self::rebuild(&self.url.join(location)?)
    }

    /// Checks the parts and puts them together again.
    fn rebuild(url: &Url) -> Result<Self, BadUrl> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadUrl::Userinfo);
        }
        let origin = Origin::of(url)?;
        path::check(url.path()).map_err(BadUrl::Path)?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let text = format!("{origin}{}{query}", url.path());
        if text.len() > URL_BYTES_MAX {
            return Err(BadUrl::TooLong(text.len()));
        }
        let url = Url::parse(&text)?;
        let is_same = url.as_str() == text && Origin::of(&url)? == origin;
        if is_same { Ok(Self { url, origin }) } else { Err(BadUrl::Ambiguous) }
    }

    /// The whole of it, as it goes onto the wire.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// To whom.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What of theirs; begins with `/`.
    pub fn path(&self) -> &str {
        self.url.path()
    }
}

fn check_text(text: &str) -> Result<(), BadUrl> {
    if text.len() > URL_BYTES_MAX {
        return Err(BadUrl::TooLong(text.len()));
    }
    match text.chars().find(|c| c.is_control() || *c == '\\') {
        Some('\\') => Err(BadUrl::Backslash),
        Some(c) => Err(BadUrl::Control(c)),
        None => Ok(()),
    }
}

/// Without the query, which may hold what no log should.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

//! One rule of a grant, read and ready to be asked.

use std::fmt;

use playhouse_core::egress::HttpRule;
use url::Url;

use crate::{
    origin::Origin,
    path,
    target::{BadUrl, Target},
};

/// Methods that a rule can name. `CONNECT` and `TRACE` are for proxies and mirrors.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

/// Most paths of one rule. A longer list is asked at every hop, and nobody reads it.
pub const PATHS_MAX: usize = 64;

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// The origin is no URL.
    #[error("`origin`: {0}")]
    Origin(#[from] BadUrl),
    /// The origin says more than scheme, host and port.
    #[error(
        "`origin` is scheme, host and port, such as `https://api.example.com`; a path belongs into `paths`"
    )]
    MoreThanOrigin,
    /// A star where none can stand.
    #[error("`*` stands only for the first labels of a name with two more, as in `https://*.example.com`")]
    Star,
    /// No method, or one that is not in [`METHODS`].
    #[error(
        "`methods` must name at least one of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE, in capitals; not `{0}`"
    )]
    Method(String),
    /// A path that is no plain prefix.
    #[error(
        "`paths`: `{0}` is no prefix: write `/repos` for `/repos` and everything below it, `/` for every path"
    )]
    Path(String),
    /// No path, or more than [`PATHS_MAX`].
    #[error("`paths` must have 1 to {PATHS_MAX} entries; it has {0}")]
    Paths(usize),
}

/// A rule in its normal form.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) origin: Origin,
    /// Whether the names below the one of `origin` are meant, and not that one.
    pub(crate) is_wild: bool,
    pub(crate) methods: Vec<String>,
    /// Without a last slash; empty fits every path.
    pub(crate) paths: Vec<String>,
    pub(crate) private: bool,
}

impl Rule {
    pub(crate) fn read(rule: &HttpRule) -> Result<Self, BadRule> {
        let (origin, is_wild) = read_origin(&rule.origin)?;
        let unknown = rule.methods.iter().find(|method| !METHODS.contains(&method.as_str()));
        if unknown.is_some() || rule.methods.is_empty() {
            return Err(BadRule::Method(unknown.cloned().unwrap_or_default()));
        }
        if !(1..=PATHS_MAX).contains(&rule.paths.len()) {
            return Err(BadRule::Paths(rule.paths.len()));
        }
        let paths = rule.paths.iter().map(|path| read_path(path)).collect::<Result<_, _>>()?;
        Ok(Self { origin, is_wild, methods: rule.methods.clone(), paths, private: rule.private })
    }

    /// Whether requests to `origin` are what the rule is about.
    pub(crate) fn is_about(&self, origin: &Origin) -> bool {
        if !self.is_wild {
            return self.origin == *origin;
        }
        let below = |(name, parent): (&str, &str)| {
            name.strip_suffix(parent)
                .and_then(|front| front.strip_suffix('.'))
                .is_some_and(|front| !front.is_empty())
        };
        self.origin.has_door_of(origin) && origin.name().zip(self.origin.name()).is_some_and(below)
    }

    pub(crate) fn has_method(&self, method: &str) -> bool {
        self.methods.iter().any(|allowed| allowed == method)
    }

    pub(crate) fn has_path(&self, path: &str) -> bool {
        self.paths.iter().any(|prefix| path::is_below(path, prefix))
    }
}

/// The origin, and whether names below it are meant.
fn read_origin(text: &str) -> Result<(Origin, bool), BadRule> {
    let (text, is_wild) = match text.split_once("://*.") {
        Some((scheme, parent)) => (format!("{scheme}://{parent}"), true),
        None => (text.to_owned(), false),
    };
    if text.contains('*') {
        return Err(BadRule::Star);
    }
    let target = Target::parse(&text)?;
    let origin = target.origin().clone();
    if target.as_str() != format!("{origin}/") || text.contains('#') {
        return Err(BadRule::MoreThanOrigin);
    }
    // `*.com` would be half of the internet, `*.10.0.0.1` is nothing.
    let is_narrow = origin.name().is_some_and(|name| name.contains('.'));
    if is_wild && !is_narrow { Err(BadRule::Star) } else { Ok((origin, is_wild)) }
}

fn read_path(text: &str) -> Result<String, BadRule> {
    let bad = || BadRule::Path(text.to_owned());
    if !text.starts_with('/') || text.contains(['*', '?', '#', '\\']) || text.chars().any(char::is_control) {
        return Err(bad());
    }
    // Before it is read: reading would resolve a path that climbs, which in a rule is a slip.
    path::check(text).map_err(|_| bad())?;
    let url = Url::parse(&format!("http://host{text}")).map_err(|_| bad())?;
    Ok(url.path().trim_end_matches('/').to_owned())
}

/// `https://*.example.com, GET or POST, /repos`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.origin.to_string();
        let origin = if self.is_wild { origin.replacen("://", "://*.", 1) } else { origin };
        let paths: Vec<_> = self.paths.iter().map(|path| if path.is_empty() { "/" } else { path }).collect();
        write!(f, "{origin}, {}, {}", self.methods.join(" or "), paths.join(" or "))
    }
}

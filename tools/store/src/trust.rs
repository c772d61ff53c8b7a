//! The trust list: whose signature counts, for which tools, and from when until when.

use std::collections::BTreeSet;

use minisign::PublicKey;
use serde::Deserialize;
use toml::value::Datetime;

use crate::{
    bounds::TRUST_BYTES_MAX,
    keys::{key_id, public},
    time::seconds,
};

/// A `trust.toml`.
#[derive(Debug, Clone)]
pub struct Trust {
    required: bool,
    keys: Vec<TrustedKey>,
}

/// A key that is trusted with some tools.
#[derive(Debug, Clone)]
pub struct TrustedKey {
    /// What people call it.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Names of tools, with `*` for any letters.
    pub tools: Vec<String>,
    /// The first second at which it counts.
    pub since: Option<i64>,
    /// The first second at which it no longer counts.
    pub until: Option<i64>,
    pub(crate) key: PublicKey,
}

/// Why a trust list cannot be used. None of it is, for the rest might mean something else without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the trust list cannot be read: {0}")]
pub struct BadTrust(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Said on purpose: a list that forgot it must not let everything in.
    required: bool,
    #[serde(default)]
    key: Vec<WrittenKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    name: String,
    key: String,
    tools: Vec<String>,
    since: Option<Datetime>,
    until: Option<Datetime>,
}

impl Trust {
    /// Of nobody: every tool counts as unsigned, and is refused if `required`.
    pub fn nobody(required: bool) -> Self {
        Self { required, keys: Vec::new() }
    }

    /// Reads the bytes of a trust list. Pure, and safe with any bytes.
    ///
    /// # Errors
    /// [`BadTrust`] names the key and what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadTrust> {
        if bytes.len() as u64 > TRUST_BYTES_MAX {
            return Err(BadTrust(format!("it has more than {TRUST_BYTES_MAX} bytes")));
        }
        let text = str::from_utf8(bytes).map_err(|_| BadTrust("it is not UTF-8".into()))?;
        let written: Written =
            toml::from_str(text).map_err(|error| BadTrust(error.message().trim_end().replace('\n', ": ")))?;
        let keys = written.key.into_iter().map(TrustedKey::read).collect::<Result<Vec<_>, _>>()?;
        let mut seen = BTreeSet::new();
        if let Some(twice) = keys.iter().find(|key| !seen.insert(key.id.clone())) {
            let name = &twice.name;
            return Err(BadTrust(format!(
                "the key of `{name}` is listed twice; put all its tools into one entry"
            )));
        }
        Ok(Self { required: written.required, keys })
    }

    /// Whether tools without a good signature are refused.
    pub fn required(&self) -> bool {
        self.required
    }

    /// Everybody on the list.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// The key with this id.
    pub fn key(&self, id: &str) -> Option<&TrustedKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl TrustedKey {
    fn read(written: WrittenKey) -> Result<Self, BadTrust> {
        let name = written.name;
        let bad = |what: &str| BadTrust(format!("key `{name}`: {what}"));
        let key = public(&written.key).ok_or_else(|| {
            bad("`key` is not a public key; copy the second line of its `.pub` file, which begins with `RW`")
        })?;
        if written.tools.is_empty() {
            return Err(bad(
                "`tools` is empty; name the tools it may sign, or write `[\"*\"]` for all of them",
            ));
        }
        let is_pattern = |pattern: &String| {
            let plain =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '*');
            !pattern.is_empty() && pattern.chars().all(plain)
        };
        if let Some(pattern) = written.tools.iter().find(|pattern| !is_pattern(pattern)) {
            return Err(bad(&format!("`{pattern}` in `tools` is not of a-z, 0-9, _, - and *")));
        }
        let moment = |written: Option<Datetime>, field: &str| match written.as_ref().map(seconds) {
            Some(None) => Err(bad(&format!("`{field}` is no day; write 2027-01-31 or 2027-01-31T12:00:00Z"))),
            Some(known) => Ok(known),
            None => Ok(None),
        };
        let (since, until) = (moment(written.since, "since")?, moment(written.until, "until")?);
        if since.zip(until).is_some_and(|(since, until)| until <= since) {
            return Err(bad("`until` is not after `since`, so it would never count"));
        }
        let id = key_id(key.keynum());
        Ok(Self { id, tools: written.tools, since, until, key, name })
    }

    /// Whether it may sign a tool of this name.
    pub fn may_sign(&self, tool: &str) -> bool {
        self.tools.iter().any(|pattern| fits(pattern.as_bytes(), tool.as_bytes()))
    }
}

/// Whether `text` has the form of `pattern`, in which `*` is any letters. Takes time in the product of both lengths at
/// most: only the last star is tried again.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(letter) if *letter == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => match star {
                Some((of_star, begun)) => {
                    star = Some((of_star, begun + 1));
                    at = of_star + 1;
                    in_text = begun + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_is_any_letters() {
        for (pattern, text, expected) in [
            ("*", "calculator", true),
            ("acme-*", "acme-x", true),
            ("acme-*", "acme-", true),
            ("acme-*", "acme", false),
            ("acme-*", "xacme-x", false),
            ("*-beta", "a-b-beta", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXcXb", false),
            ("calculator", "calculator2", false),
            ("**", "", true),
            ("", "", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
        let long = "a".repeat(64);
        assert!(!fits("a*".repeat(32).as_bytes(), format!("b{long}").as_bytes()));
    }
}

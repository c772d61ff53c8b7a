//! What a component says and shows about itself: computed by whoever can run it, and handed to the store as data.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_core::tool::EffectClass;
use serde::{Deserialize, Serialize};

use crate::bounds::{NAME_BYTES_MAX, VERSION_BYTES_MAX, WANT_BYTES_MAX, WANTS_MAX};

/// Permission → ways of using it: `kv → {read}`, `http https://api.example.com → {GET, POST}`. The store compares
/// them as sets of words and knows nothing of their meaning, so a word that was not there before is always more.
pub type Wants = BTreeMap<String, BTreeSet<String>>;

/// What a component is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// 1 to [`NAME_BYTES_MAX`] of a-z, 0-9, `_` and `-`.
    pub name: String,
    /// Its version, usually `1.2.3`.
    pub version: String,
    /// SHA-256 of the component's bytes, in hex.
    pub sha256: String,
    /// SHA-256 of what it says about itself, in hex; the host refuses a component that says something else.
    pub describe_sha256: String,
    /// SHA-256 of what models and people read of that, in hex: description and schemas, without the version. With
    /// it, an update that says the same in a new version is told from one that says something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_sha256: Option<String>,
    /// What its effects count as.
    #[serde(default)]
    pub effect: EffectClass,
    /// The interfaces it imports: the upper bound of what it can do.
    #[serde(default)]
    pub imports: BTreeSet<String>,
    /// The permissions it asks for.
    #[serde(default)]
    pub wants: Wants,
}

/// Why claims are not acceptable, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadClaims(String);

impl Claims {
    /// Checks the form: what passes can be a file name, a line of a lock and a word of a signature.
    ///
    /// # Errors
    /// [`BadClaims`] names the field and what it should be.
    pub fn check(&self) -> Result<(), BadClaims> {
        is_name(&self.name).then_some(()).ok_or_else(|| {
            BadClaims(format!(
                "the tool's name {:?} is not 1 to {NAME_BYTES_MAX} of a-z, 0-9, _ and -",
                self.name
            ))
        })?;
        is_version(&self.version).then_some(()).ok_or_else(|| {
            BadClaims(format!(
                "the version {:?} of `{}` is not 1 to {VERSION_BYTES_MAX} of letters, digits, ., + and -, \
                 beginning with a letter or digit",
                self.version, self.name
            ))
        })?;
        let digests = [
            ("sha256", Some(&self.sha256)),
            ("describe_sha256", Some(&self.describe_sha256)),
            ("text_sha256", self.text_sha256.as_ref()),
        ];
        for (field, digest) in digests {
            if let Some(digest) = digest.filter(|digest| !is_sha256(digest)) {
                return Err(BadClaims(format!(
                    "`{field}` of `{}` is {digest:?}, not 64 digits of lower-case hex",
                    self.name
                )));
            }
        }
        self.check_wants()
    }

    fn check_wants(&self) -> Result<(), BadClaims> {
        if self.imports.len() > WANTS_MAX || self.wants.len() > WANTS_MAX {
            return Err(BadClaims(format!(
                "`{}` imports or wants more than {WANTS_MAX} things, which nobody could read",
                self.name
            )));
        }
        let words = self.wants.iter().flat_map(|(permission, ways)| ways.iter().chain([permission]));
        if let Some(word) = words.chain(&self.imports).find(|word| !is_word(word)) {
            return Err(BadClaims(format!(
                "`{}` imports or wants {word:?}, which is not 1 to {WANT_BYTES_MAX} printable characters",
                self.name
            )));
        }
        match self.wants.iter().find(|(_, ways)| ways.is_empty() || ways.len() > WANTS_MAX) {
            // Nothing could be read as everything.
            Some((permission, _)) => Err(BadClaims(format!(
                "`{}` wants `{permission}` without saying in which ways, or in more than {WANTS_MAX}",
                self.name
            ))),
            None => Ok(()),
        }
    }
}

/// Whether `text` can name a tool.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// Whether `text` can be a version, and so part of a file name: no separator, no leading dot.
pub(crate) fn is_version(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
    (1..=VERSION_BYTES_MAX).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(plain)
}

/// Whether `text` is a SHA-256 as everybody here writes it.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_word(text: &str) -> bool {
    (1..=WANT_BYTES_MAX).contains(&text.len()) && !text.chars().any(|c| c.is_control() || is_unseen(c))
}

/// Letters that are not seen, or that turn others around: with them, what somebody agrees to could read otherwise.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

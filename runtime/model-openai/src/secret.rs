//! A key that cannot be printed.

use std::fmt;

/// What replaces a key in a text.
const REDACTED: &str = "[redacted]";

/// How much of a key at the end of a text is a leak: a text that was cut may end within the key. Fewer
/// bytes are the common prefix of a provider's keys and would be found in innocent words.
const CUT_KEY_BYTES_MIN: usize = 8;

/// An API key. It has no `Display`, no `Serialize`, and a `Debug` that says nothing.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a key; blanks around it, such as the line break of a key file, are dropped.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into().trim().to_owned())
    }

    /// The key in the environment variable `name`, if it is set and not blank.
    pub fn from_env(name: &str) -> Option<Self> {
        let secret = Self::new(std::env::var(name).ok()?);
        (!secret.is_empty()).then_some(secret)
    }

    /// Whether there is no key in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key itself; only `client` and the redaction need it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// `text` without the key: some providers repeat a wrong key in their complaint.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.is_empty() {
            return text.to_owned();
        }
        let text = text.replace(&self.0, REDACTED);
        let cut = (CUT_KEY_BYTES_MIN..self.0.len()).rev().filter_map(|end| self.0.get(..end));
        match cut.into_iter().find_map(|key| text.strip_suffix(key)) {
            Some(text) => format!("{text}{REDACTED}"),
            None => text,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_and_removes_itself_from_text() {
        let secret = Secret::new(" sk-canary\n");
        assert_eq!(format!("{secret:?}"), "Secret([redacted])");
        assert_eq!(secret.redact("bad key sk-canary, sk-canary!"), "bad key [redacted], [redacted]!");
        assert_eq!(secret.redact("cut: sk-canar"), "cut: [redacted]");
        assert_eq!(secret.redact("the sk-"), "the sk-");
        assert_eq!(Secret::new("  ").redact("unchanged"), "unchanged");
    }
}

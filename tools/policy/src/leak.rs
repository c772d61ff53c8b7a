//! Finding secrets where none should be, also in other clothes: base64, hexadecimal, percent-encoded, backwards.
//!
//! This catches accidents and simple tricks. Whoever may compute and send can always hide a text better than a search can
//! look; that guests never see a secret is what protects it.

use std::fmt;

use aho_corasick::AhoCorasick;
use base64::{Engine as _, engine::general_purpose};

/// Bytes of the shortest secret that is looked for. Shorter ones would be found everywhere.
pub const SECRET_BYTES_MIN: usize = 8;
/// Stands where a secret was.
const HIDDEN: &str = "[secret]";

/// Secrets to look for.
#[derive(Clone)]
pub struct Leaks {
    patterns: Option<AhoCorasick>,
    /// Name of the secret of each pattern.
    names: Vec<String>,
}

impl Leaks {
    /// Looks for these `(name, value)`.
    ///
    /// # Errors
    /// The name of a secret that has fewer than [`SECRET_BYTES_MIN`] bytes.
    pub fn of<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, TooShort> {
        let (mut patterns, mut names) = (Vec::new(), Vec::new());
        for (name, value) in secrets {
            if value.len() < SECRET_BYTES_MIN {
                return Err(TooShort { name: name.to_owned() });
            }
            for form in forms(value.as_bytes()) {
                patterns.push(form);
                names.push(name.to_owned());
            }
        }
        let patterns = (!patterns.is_empty())
            .then(|| AhoCorasick::new(patterns).expect("a few patterns of a few hundred bytes each"));
        Ok(Self { patterns, names })
    }

    /// The name of a secret that is in `bytes`.
    pub fn find(&self, bytes: &[u8]) -> Option<&str> {
        let found = self.patterns.as_ref()?.find(bytes)?;
        Some(&self.names[found.pattern().as_usize()])
    }

    /// `text` with every secret in it replaced, and the name of one of them; `None` if there is none.
    pub fn hide(&self, text: &str) -> Option<(String, &str)> {
        let name = self.find(text.as_bytes())?;
        let hidden = self.patterns.as_ref()?.replace_all(text, &vec![HIDDEN; self.names.len()]);
        Some((hidden, name))
    }

    /// The same for bytes.
    pub fn hide_bytes(&self, bytes: &[u8]) -> Option<(Vec<u8>, &str)> {
        let name = self.find(bytes)?;
        let hidden = self.patterns.as_ref()?.replace_all_bytes(bytes, &vec![HIDDEN; self.names.len()]);
        Some((hidden, name))
    }
}

impl fmt::Debug for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaks").field("names", &self.names).finish_non_exhaustive()
    }
}

/// A secret too short to be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret `{name}` has fewer than {SECRET_BYTES_MIN} bytes, too few to notice when it leaks: use a longer one"
)]
pub struct TooShort {
    /// Which.
    pub name: String,
}

/// The clothes in which a secret may travel.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut reversed = secret.to_vec();
    reversed.reverse();
    let mut forms = vec![secret.to_vec(), reversed, hex.to_uppercase().into_bytes(), hex.into_bytes()];
    forms.extend(percent(secret));
    // Inside a longer text, base64 looks different at each of three offsets; what the neighbours decide is left out.
    for offset in 0..3 {
        let padded: Vec<u8> = std::iter::repeat_n(0, offset).chain(secret.iter().copied()).collect();
        for engine in [&general_purpose::STANDARD_NO_PAD, &general_purpose::URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded).into_bytes();
            let begin = (offset * 8).div_ceil(6);
            let end = padded.len() * 8 / 6;
            forms.push(text[begin..end].to_vec());
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// Percent-encoded: everything but letters and digits, and everything.
fn percent(secret: &[u8]) -> [Vec<u8>; 3] {
    let some = |upper: bool| {
        let one = |byte: &u8| match byte.is_ascii_alphanumeric() {
            true => char::from(*byte).to_string(),
            false if upper => format!("%{byte:02X}"),
            false => format!("%{byte:02x}"),
        };
        secret.iter().map(one).collect::<String>().into_bytes()
    };
    let all: String = secret.iter().map(|byte| format!("%{byte:02X}")).collect();
    [some(true), some(false), all.into_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "sk-live/4eC39H+q.~";

    fn leaks() -> Leaks {
        Leaks::of([("stripe", SECRET), ("other", "something else")]).unwrap()
    }

    #[test]
    fn a_secret_is_found_in_every_form_at_every_place() {
        for before in ["", "a", "ab", "abc", "{\"k\":\""] {
            for after in ["", "x", "\"}"] {
                let text = format!("{before}{SECRET}{after}");
                let reversed: String = text.chars().rev().collect();
                let hex: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
                let percent: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
                let encoded =
                    [&general_purpose::STANDARD, &general_purpose::URL_SAFE].map(|e| e.encode(&text));
                for form in [&text, &reversed, &hex, &hex.to_lowercase(), &percent, &encoded[0], &encoded[1]]
                {
                    assert_eq!(leaks().find(form.as_bytes()), Some("stripe"), "{form}");
                }
            }
        }
    }

    #[test]
    fn what_is_hidden_is_gone_and_the_rest_stays() {
        let leaks = leaks();
        let (hidden, name) = leaks.hide(&format!("before {SECRET} after {SECRET}")).unwrap();
        assert_eq!((hidden.as_str(), name), ("before [secret] after [secret]", "stripe"));
        let (hidden, _) = leaks.hide_bytes(&[b"\xff".as_slice(), SECRET.as_bytes()].concat()).unwrap();
        assert_eq!(hidden, b"\xff[secret]");
        assert_eq!(leaks.hide("nothing here"), None);
    }

    #[test]
    fn without_secrets_nothing_is_found_and_short_ones_are_refused() {
        assert_eq!(Leaks::of([]).unwrap().find(b"anything"), None);
        assert_eq!(Leaks::of([("pin", "1234")]).unwrap_err().name, "pin");
        assert!(!format!("{:?}", leaks()).contains("4eC39H"));
    }
}

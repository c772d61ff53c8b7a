//! Finding secrets where none should be, also in other clothes: base64, hexadecimal, percent-encoded, backwards, or as JSON
//! writes it.
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

    /// The name of a secret that is in `bytes`, also if single letters of it are written as `%73` or `\u0073`.
    pub fn find(&self, bytes: &[u8]) -> Option<&str> {
        let patterns = self.patterns.as_ref()?;
        let found = patterns.find(bytes).or_else(|| patterns.find(&undressed(bytes)?))?;
        Some(&self.names[found.pattern().as_usize()])
    }

    /// `text` with every secret in it replaced, and the name of one of them; `None` if there is none. Where one cannot be
    /// cut out, since its letters are written in different ways, nothing of the text is left.
    pub fn hide(&self, text: &str) -> Option<(String, &str)> {
        let name = self.find(text.as_bytes())?;
        let hidden = self.patterns.as_ref()?.replace_all(text, &vec![HIDDEN; self.names.len()]);
        let is_gone = self.find(hidden.as_bytes()).is_none();
        Some((if is_gone { hidden } else { HIDDEN.to_owned() }, name))
    }

    /// The same for bytes.
    pub fn hide_bytes(&self, bytes: &[u8]) -> Option<(Vec<u8>, &str)> {
        let name = self.find(bytes)?;
        let hidden = self.patterns.as_ref()?.replace_all_bytes(bytes, &vec![HIDDEN; self.names.len()]);
        let is_gone = self.find(&hidden).is_none();
        Some((if is_gone { hidden } else { HIDDEN.as_bytes().to_vec() }, name))
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
    forms.extend(json(secret));
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

/// As a JSON string, with slashes as they are and, as some write them, escaped.
fn json(secret: &[u8]) -> [Vec<u8>; 2] {
    let written = |escapes_slashes: bool| {
        let mut text = Vec::with_capacity(secret.len() * 2);
        for byte in secret {
            match byte {
                b'"' | b'\\' => text.extend([b'\\', *byte]),
                b'/' if escapes_slashes => text.extend(b"\\/"),
                b'\n' => text.extend(b"\\n"),
                b'\r' => text.extend(b"\\r"),
                b'\t' => text.extend(b"\\t"),
                byte => text.push(*byte),
            }
        }
        text
    };
    [written(false), written(true)]
}

/// `bytes` with `%73` and what JSON escapes replaced by what they stand for; `None` if there is nothing of the kind.
fn undressed(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'\\')) {
        return None;
    }
    let hex = |from: usize, digits: usize| {
        let text = std::str::from_utf8(bytes.get(from..from + digits)?).ok()?;
        u32::from_str_radix(text, 16).ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        let (letter, length) = match (byte, next) {
            (b'%', _) => (hex(at + 1, 2), 3),
            (b'\\', Some(b'u')) => (hex(at + 2, 4), 6),
            (b'\\', Some(b'n')) => (Some(0x0a), 2),
            (b'\\', Some(b'r')) => (Some(0x0d), 2),
            (b'\\', Some(b't')) => (Some(0x09), 2),
            (b'\\', Some(other @ (b'"' | b'\\' | b'/'))) => (Some(u32::from(*other)), 2),
            _ => (None, 1),
        };
        match (byte, letter) {
            // A byte, which may be a part of a letter.
            (b'%', Some(letter)) => out.push(letter.to_le_bytes()[0]),
            (_, Some(letter)) => {
                let letter = char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            (byte, None) => out.push(*byte),
        }
        at += if letter.is_some() { length } else { 1 };
    }
    Some(out)
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
    fn a_secret_is_found_as_json_writes_it_and_with_single_letters_escaped() {
        let key = "-----BEGIN\nkey \"1\"/2\\-----";
        let leaks = Leaks::of([("pem", key)]).unwrap();
        let json = r#"{"k": "-----BEGIN\nkey \"1\"/2\\-----"}"#;
        assert_eq!(leaks.hide(json), Some(("{\"k\": \"[secret]\"}".to_owned(), "pem")));
        assert_eq!(leaks.find(json.replace('/', "\\/").as_bytes()), Some("pem"));
        assert_eq!(leaks.find(json.replace('k', "\\u006b").as_bytes()), Some("pem"));
        assert_eq!(leaks.find(json.replace('B', "%42").as_bytes()), Some("pem"));
        let (hidden, _) = leaks.hide(&json.replace('k', "\\u006B")).unwrap();
        assert_eq!(hidden, "[secret]", "what cannot be cut out takes the rest with it");
        for harmless in ["100 %", "%zz %4", "\\", "\\u00", "\\ud800", "%e2%82"] {
            assert_eq!(leaks.find(harmless.as_bytes()), None, "{harmless}");
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

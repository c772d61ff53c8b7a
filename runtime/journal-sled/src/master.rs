//! The master key: the one secret an operator keeps, outside the data directory. It wraps the keys of the
//! tenants and seals nothing else.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::aead::LessSafeKey;
use zeroize::Zeroizing;

use crate::seal::{self, KEY_BYTES};

/// 32 secret bytes, wiped from memory when dropped, never shown.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

/// Why something is no master key. Says nothing of what was there.
#[derive(Debug, thiserror::Error)]
pub enum BadMasterKey {
    /// Neither of the two ways to write one.
    #[error(
        "the master key must be 32 bytes, written as 64 hex digits or as 44 characters of base64 \
         (make one with `openssl rand -hex 32`)"
    )]
    Form,
    /// The file cannot be read.
    #[error("the master key file {} cannot be read", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

impl MasterKey {
    /// The key that `text` writes down, in hex or base64. White space around it does not count.
    pub fn from_hex_or_base64(text: &str) -> Result<Self, BadMasterKey> {
        let text = text.trim().as_bytes();
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if text.len() == 2 * KEY_BYTES {
            for (byte, digits) in key.iter_mut().zip(text.as_chunks::<2>().0) {
                let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
                let value = high.zip(low).map(|(high, low)| high << 4 | low).ok_or(BadMasterKey::Form)?;
                *byte = u8::try_from(value).expect("two hex digits make a byte");
            }
            return Ok(Self(key));
        }
        // The decoder wants room for a whole group more than it will fill.
        let mut bytes = Zeroizing::new([0; KEY_BYTES + 4]);
        let length = STANDARD.decode_slice(text, bytes.as_mut()).map_err(|_| BadMasterKey::Form)?;
        if length != KEY_BYTES {
            return Err(BadMasterKey::Form);
        }
        key.copy_from_slice(&bytes[..KEY_BYTES]);
        Ok(Self(key))
    }

    /// The key in the file at `path`.
    pub fn from_file(path: &Path) -> Result<Self, BadMasterKey> {
        let failed = |source| BadMasterKey::File { path: path.to_owned(), source };
        Self::from_hex_or_base64(&Zeroizing::new(fs::read_to_string(path).map_err(failed)?))
    }

    pub(crate) fn cipher(&self) -> LessSafeKey {
        seal::cipher(&self.0)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn hex_and_base64_say_the_same_and_a_file_may_end_in_a_new_line() {
        let expected: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap());
        for text in [HEX, BASE64] {
            assert_eq!(*MasterKey::from_hex_or_base64(text).unwrap().0, expected);
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, format!("{BASE64}\n")).unwrap();
        assert_eq!(*MasterKey::from_file(&path).unwrap().0, expected);
    }

    #[test]
    fn what_is_no_key_is_refused_and_never_shown() {
        let (short, long) = (&HEX[2..], format!("{HEX}00"));
        let no_hex = HEX.replace("0a", "zz");
        for text in ["", "secret", short, &long, &no_hex, &BASE64[4..], &format!("AAAA{BASE64}")] {
            let error = MasterKey::from_hex_or_base64(text).unwrap_err();
            assert!(matches!(error, BadMasterKey::Form), "{text}");
            assert!(text.is_empty() || !format!("{error} {error:?}").contains(text));
        }
        assert_eq!(format!("{:?}", MasterKey::from_hex_or_base64(HEX).unwrap()), "MasterKey(hidden)");
        let error = MasterKey::from_file(Path::new("no/such/file")).unwrap_err();
        assert_eq!(error.to_string(), "the master key file no/such/file cannot be read");
    }
}

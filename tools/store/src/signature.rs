//! Detached signatures in the format of minisign, and what the signed line of them must say.
//!
//! The trusted comment is signed along with the bytes. Ours names tool, version and digest, so that a signature cannot
//! be carried over to another name or version of the same bytes:
//! `tool:calculator version:0.1.0 sha256:2c6d… timestamp:1795356000`.

use std::io::Cursor;

use base64::{Engine, engine::general_purpose::STANDARD};
use minisign::{PublicKey, SignatureBox};

use crate::{
    bounds::{SIGNATURE_BYTES_MAX, SIGNATURES_MAX},
    claims::Claims,
    keys::{SecretKey, key_id},
};

const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";
/// Two letters of the algorithm, eight bytes of the key's id, 64 of the signature.
const SIGNATURE_BYTES: usize = 74;
const GLOBAL_BYTES: usize = 64;
/// "ED": over the hash of the file, as every minisign since 2021 writes it.
const ALGORITHM: &[u8] = b"ED";

/// A signature, read but not checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    text: String,
    key_id: String,
    comment: String,
}

/// Why something is no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a signature of minisign: {0}; sign again with `playhouse tool sign` or `minisign -S`")]
pub struct BadSignature(&'static str);

/// Why no signature could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The claims are of other bytes.
    #[error(
        "`{tool}` was described from other bytes (sha256 {claimed}, not {found}); inspect the component again"
    )]
    OtherBytes {
        /// The tool.
        tool: String,
        /// What the claims say.
        claimed: String,
        /// What the bytes are.
        found: String,
    },
    /// The claims have no proper form.
    #[error(transparent)]
    Claims(#[from] crate::claims::BadClaims),
    /// The machine gave no randomness, or the key is damaged.
    #[error("the signature could not be made: {0}")]
    Failed(String),
}

impl Signature {
    /// Reads a `.minisig`. Pure, and safe with any bytes.
    ///
    /// # Errors
    /// [`BadSignature`] if it has another form.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadSignature> {
        if bytes.len() as u64 > SIGNATURE_BYTES_MAX {
            return Err(BadSignature("it is too long"));
        }
        let text = str::from_utf8(bytes).map_err(|_| BadSignature("it is not UTF-8"))?;
        let lines: Vec<&str> = text.lines().collect();
        let &[untrusted, signature, comment, global] = lines.as_slice() else {
            return Err(BadSignature("it does not have four lines"));
        };
        if !untrusted.starts_with(UNTRUSTED) {
            return Err(BadSignature("its first line is no comment"));
        }
        let decoded = |line: &str, length: usize| {
            let bytes = STANDARD.decode(line).ok().filter(|bytes| bytes.len() == length);
            bytes.ok_or(BadSignature("a line is not base64 of the right length"))
        };
        let signature = decoded(signature, SIGNATURE_BYTES)?;
        decoded(global, GLOBAL_BYTES)?;
        if !signature.starts_with(ALGORITHM) {
            return Err(BadSignature("its algorithm is not `ED`"));
        }
        let comment = comment.strip_prefix(TRUSTED).ok_or(BadSignature("it has no trusted comment"))?;
        // What was signed is the comment as written; minisign's own programs trim it before.
        if comment != comment.trim() {
            return Err(BadSignature("its trusted comment has blanks around it"));
        }
        Ok(Self { text: text.to_owned(), key_id: key_id(&signature[2..10]), comment: comment.to_owned() })
    }

    /// Reads signatures written one after the other, four lines each; empty lines between them are passed over.
    ///
    /// # Errors
    /// [`BadSignature`] if one of them has another form, or there are more than [`SIGNATURES_MAX`].
    pub fn parse_all(bytes: &[u8]) -> Result<Vec<Self>, BadSignature> {
        let text = str::from_utf8(bytes).map_err(|_| BadSignature("it is not UTF-8"))?;
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        if lines.len() > 4 * SIGNATURES_MAX {
            return Err(BadSignature("there are too many in one file"));
        }
        lines.chunks(4).map(|four| Self::parse((four.join("\n") + "\n").as_bytes())).collect()
    }

    /// Signs `bytes` as the tool that `claims` name. `now` is in seconds since 1970, for people who read it.
    ///
    /// # Errors
    /// If the claims are of other bytes, or the machine has no randomness.
    pub fn make(key: &SecretKey, bytes: &[u8], claims: &Claims, now: i64) -> Result<Self, SignError> {
        claims.check()?;
        let found = playhouse_core::digest::of_bytes(bytes);
        if found != claims.sha256 {
            let (tool, claimed) = (claims.name.clone(), claims.sha256.clone());
            return Err(SignError::OtherBytes { tool, claimed, found });
        }
        let comment = format!("{} timestamp:{now}", bound(claims));
        let untrusted = format!("signature of a Playhouse tool with key {}", key.id());
        let made = minisign::sign(None, key.inner(), Cursor::new(bytes), Some(&comment), Some(&untrusted));
        let text = made.map_err(|error| SignError::Failed(error.to_string()))?.into_string();
        Ok(Self { text, key_id: key.id(), comment })
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Id of the key that is said to have made it, as minisign prints it.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What it was made for, in words of the signer; true only if the signature is.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Whether `key` made it over these bytes, and over its comment.
    pub(crate) fn is_of(&self, key: &PublicKey, bytes: &[u8]) -> bool {
        let Ok(signature) = SignatureBox::from_string(&self.text) else { return false };
        minisign::verify(key, &signature, Cursor::new(bytes), true, false, false).is_ok()
    }

    /// Whether its comment names exactly this tool, version and digest.
    pub(crate) fn is_about(&self, claims: &Claims) -> bool {
        let expected = bound(claims);
        let bindings = |text: &str| {
            let words = text.split_ascii_whitespace().map(str::to_owned);
            let bound =
                |word: &String| ["tool:", "version:", "sha256:"].iter().any(|key| word.starts_with(key));
            let mut words: Vec<String> = words.filter(bound).collect();
            words.sort();
            words
        };
        bindings(&self.comment) == bindings(&expected)
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({} {:?})", self.key_id, self.comment)
    }
}

/// What a trusted comment has to say about a tool: also what to give to `minisign -S -t`.
pub fn bound(claims: &Claims) -> String {
    format!("tool:{} version:{} sha256:{}", claims.name, claims.version, claims.sha256)
}

//! Content hashes: what is pinned is pinned by digest, never by name.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 of `bytes`, in lower-case hex.
pub fn of_bytes(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of `value`'s JSON. Object keys are sorted by `serde_json`, so equal values have equal digests.
pub fn of_json(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).expect("plain data always has a JSON form");
    of_bytes(value.to_string().as_bytes())
}

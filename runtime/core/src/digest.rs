//! Content hashes: what is pinned is pinned by digest, never by name.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 of `bytes`, in lower-case hex.
pub fn of_bytes(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digest = Sha256::digest(bytes);
    digest.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

/// SHA-256 of `value`'s JSON. Object keys are sorted by `serde_json`, so equal values have equal digests.
pub fn of_json(value: &impl Serialize) -> String {
    of_value(&serde_json::to_value(value).expect("plain data always has a JSON form"))
}

/// The same as [`of_json`] for what is JSON already, without a copy of it.
pub fn of_value(value: &Value) -> String {
    of_bytes(&serde_json::to_vec(value).expect("JSON can be written as JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_as_sha256sum_prints_it() {
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(of_bytes(b""), of_nothing);
        assert_eq!(of_json(&serde_json::json!({ "b": 1, "a": [2.5] })), of_bytes(br#"{"a":[2.5],"b":1}"#));
    }

    #[test]
    fn json_has_one_digest_however_it_is_given() {
        #[derive(Serialize)]
        struct Unsorted {
            b: u8,
            a: u8,
        }
        let value = serde_json::json!({ "a": 1, "b": 2 });
        assert_eq!(of_json(&Unsorted { b: 2, a: 1 }), of_value(&value));
    }
}

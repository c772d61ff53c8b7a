//! Capability `random`: numbers nobody chose. They follow from the effect id, so a repeated call gets the same, and an id
//! made of them stays. Not for keys. Every tool may have it.

use crate::wire::random;

/// `count` bytes.
#[must_use]
pub fn bytes(count: u32) -> Vec<u8> {
    random::bytes(count)
}

/// Any number.
#[must_use]
pub fn number() -> u64 {
    let mut eight = [0; 8];
    for (to, from) in eight.iter_mut().zip(bytes(8)) {
        *to = from;
    }
    u64::from_le_bytes(eight)
}

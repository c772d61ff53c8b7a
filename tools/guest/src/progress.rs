//! Capability `progress`: a word to those who wait. Provisional: only the result of the call counts. Every tool may have it.

use crate::wire::progress;

/// How far the call is: `done` of `total` (0: unknown), and a word about it.
pub fn report(done: u64, total: u64, message: &str) {
    progress::report(done, total, message);
}

/// A part of the output, as text, before the rest is known.
pub fn partial(text: &str) {
    progress::partial(text);
}

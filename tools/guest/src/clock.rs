//! Capability `clock`: wall time. Every tool may have it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::wire::clock;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn now_ms() -> u64 {
    clock::now_ms()
}

/// The same as a [`SystemTime`]. (`SystemTime::now` does not work in a component.)
#[must_use]
pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(now_ms())
}

//! Capability `context`: about this call. Every tool may have it.

use std::time::Duration;

use crate::wire::context;

/// The same if the call is repeated after a crash, and different for every other call: the key under which to do something
/// once.
#[must_use]
pub fn effect_id() -> String {
    context::effect_id()
}

/// How long until the host ends the call.
#[must_use]
pub fn time_left() -> Duration {
    Duration::from_millis(context::time_left_ms())
}

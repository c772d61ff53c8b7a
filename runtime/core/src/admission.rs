//! Admission: how much work is let in. ractor's mailboxes have no bound, so the bounds are here, at the
//! edge, and every one has a name.

use serde::{Deserialize, Serialize};

/// Bounds of what the daemon takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// Tasks whose planner is alive. Each costs some 30 KB and its share of the models.
    pub live_tasks: usize,
    /// Tasks accepted and waiting, for room or for their session. Each costs a head in memory.
    pub queued_tasks: usize,
    /// Bytes of one input. A prompt beyond it would not fit any common context.
    pub input_bytes: usize,
    /// Tasks whose events are being followed at once. Each costs a channel; connections have a bound of their own.
    pub watchers: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { live_tasks: 1024, queued_tasks: 10_000, input_bytes: 1024 * 1024, watchers: 1024 }
    }
}

/// How long a rejected caller should wait before coming back, in milliseconds: a queue of ten thousand
/// tasks drains in seconds, not minutes.
pub const RETRY_AFTER_MS: u64 = 1000;

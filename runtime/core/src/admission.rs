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
    /// Clients following task events at once. Each holds a connection.
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

/// What to do with one more task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start its planner.
    Run,
    /// Keep it until there is room or its session is free.
    Queue,
    /// Turn it away before anything is written.
    Reject,
}

impl Bounds {
    /// Decides on one more task. `session_busy`: an earlier task of its session has not finished (J6).
    pub fn admit(&self, live: usize, queued: usize, session_busy: bool) -> Verdict {
        match (live < self.live_tasks, queued < self.queued_tasks) {
            // Those who wait go first.
            (true, _) if !session_busy && queued == 0 => Verdict::Run,
            (_, true) => Verdict::Queue,
            (_, false) => Verdict::Reject,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_runs_waits_or_is_turned_away_by_named_bounds() {
        let bounds = Bounds { live_tasks: 2, queued_tasks: 1, ..Bounds::default() };
        assert_eq!(bounds.admit(1, 0, false), Verdict::Run);
        assert_eq!(bounds.admit(1, 0, true), Verdict::Queue, "its session is busy");
        assert_eq!(bounds.admit(2, 0, false), Verdict::Queue);
        assert_eq!(bounds.admit(2, 1, false), Verdict::Reject);
        assert_eq!(bounds.admit(0, 1, true), Verdict::Reject);
    }
}

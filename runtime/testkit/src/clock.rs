//! A clock that goes as tokio's time does: where a test pauses that, this stands still, too.

use playhouse_ports::{Clock, SystemClock};
use tokio::time::Instant;

/// Starts at the machine's time. Make it inside a runtime.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    start: Instant,
    start_ms: u64,
}

impl TokioClock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { start: Instant::now(), start_ms: SystemClock.now_ms() }
    }
}

impl Clock for TokioClock {
    fn now_ms(&self) -> u64 {
        let passed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.start_ms.saturating_add(passed)
    }
}

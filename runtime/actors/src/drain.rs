//! Coming to rest: what is under way is finished, nothing new is begun.
//!
//! ```text
//!   backend, executor ──work()/busy()──▶ Busy ──dropped when the planner has committed the answer──▶ 0: settled
//!                                          ▲
//!   Runtime::drain ── on: work() gives nothing any more; planners keep their next question to themselves
//! ```
//!
//! A model call that runs is waited for, and so is every tool call that was decided: a `once` call that
//! never got its answer would end as `outcome_unknown`. What a model would be asked next is not asked: the
//! question is in the journal, and the next start asks it. So a task comes to rest after at most one model
//! call and the tool calls that follow from it, however long it would have gone on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::sync::Notify;

/// Whether the runtime is coming to rest, and what it still waits for. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drain(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    on: AtomicBool,
    busy: AtomicUsize,
    settled: Notify,
}

/// Something under way that must not be cut off. Over when dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Shared>);

impl Drain {
    /// Whether nothing new should be begun.
    pub(crate) fn is_on(&self) -> bool {
        self.0.on.load(SeqCst)
    }

    /// Begins something that must be finished even now, because it was already decided.
    pub(crate) fn busy(&self) -> Busy {
        self.0.busy.fetch_add(1, SeqCst);
        Busy(self.0.clone())
    }

    /// Begins something that can as well be begun after the next start; `None` while coming to rest.
    pub(crate) fn work(&self) -> Option<Busy> {
        // Counted first, looked second: `settle` does it the other way round, so that one of us sees the other.
        let busy = self.busy();
        (!self.is_on()).then_some(busy)
    }

    /// Begins nothing from now on, and waits at most `limit` until all that is under way is done. Answers
    /// how much is not.
    pub(crate) async fn settle(&self, limit: Duration) -> usize {
        self.0.on.store(true, SeqCst);
        let settled = async {
            loop {
                // Listen first, look second: what ends in between is heard.
                let settled = self.0.settled.notified();
                if self.0.busy.load(SeqCst) == 0 {
                    return;
                }
                settled.await;
            }
        };
        // Late or not, the count tells.
        let _ = tokio::time::timeout(limit, settled).await;
        self.0.busy.load(SeqCst)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0.busy.fetch_sub(1, SeqCst) == 1 {
            self.0.settled.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_is_waited_for_and_nothing_new_begins() {
        let drain = Drain::default();
        let (first, second) = (drain.work().unwrap(), drain.busy());
        let waiting = drain.settle(LONG);
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert!(drain.is_on() && drain.work().is_none());
        drop(first);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(second);
        assert_eq!(waiting.await, 0);
        assert_eq!(drain.settle(LONG).await, 0, "again is fine");
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_in_time_is_counted() {
        let drain = Drain::default();
        let _stuck = drain.busy();
        assert_eq!(drain.settle(Duration::from_secs(20)).await, 1);
    }
}

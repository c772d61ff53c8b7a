//! A task's events as a stream: what the journal holds, then what is added, each exactly once.
//!
//! What is durable is shown, in order. Notes bring records as they are written; wherever one does not fit the
//! position (a slow watcher, a reconnect, a restart) the journal is read from there on.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::stream::{self, StreamExt};
use playhouse_api::{ApiError, EventStream, TaskEvent};
use playhouse_core::{
    id::{Seq, TaskId},
    task::{Event, Record},
};
use tokio::{sync::broadcast::error::RecvError, time::timeout};

use crate::{
    ledger::{Ledger, Note, Watch},
    runtime::journal_error,
};

/// Records read at once.
const PAGE: usize = 256;
/// After so long a silence a watcher looks for itself: a note dies with the actor that owed it, when the
/// answer to its last append was lost.
const SILENCE: Duration = Duration::from_secs(10);

struct Follower {
    ledger: Arc<Ledger>,
    watch: Watch,
    task: TaskId,
    next: Seq,
    ready: VecDeque<Record>,
    deltas: bool,
    /// The journal held so many when the watch began; those behind them come as notes.
    known: Seq,
    /// The journal may hold more than was read.
    behind: bool,
    ended: bool,
}

/// Follows `task` from position `from`. `watch` was taken before the task was looked up and had `known` records,
/// so nothing falls between.
pub(crate) fn follow(
    ledger: Arc<Ledger>,
    watch: Watch,
    task: TaskId,
    (from, known): (Seq, Seq),
    deltas: bool,
) -> EventStream {
    let follower = Follower {
        ledger,
        watch,
        task,
        next: from,
        ready: VecDeque::new(),
        deltas,
        known,
        behind: from < known,
        ended: false,
    };
    stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((event, follower))
    })
    .boxed()
}

impl Follower {
    async fn next(&mut self) -> Option<Result<TaskEvent, ApiError>> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                self.ended = matches!(record.event, Event::Finished { .. });
                return Some(Ok(TaskEvent::Record(record)));
            }
            if self.ended {
                return None;
            }
            if self.behind {
                if let Err(error) = self.read().await {
                    self.ended = true;
                    return Some(Err(error));
                }
                continue;
            }
            match timeout(SILENCE, self.watch.notes.recv()).await {
                Ok(Ok(Note::Appended(records))) => self.take(&records),
                Ok(Ok(Note::Delta { step, text })) if self.deltas => {
                    return Some(Ok(TaskEvent::Delta { step, text }));
                }
                Ok(Ok(Note::Progress { effect_id, tool, progress })) if self.deltas => {
                    return Some(Ok(TaskEvent::Progress { effect_id, tool, progress }));
                }
                Ok(Ok(Note::Delta { .. } | Note::Progress { .. })) => {}
                Ok(Err(RecvError::Lagged(_))) | Err(_) => self.behind = true,
                Ok(Err(RecvError::Closed)) => return None,
            }
        }
    }

    /// Takes the records that come next; when they do not, the journal has those between.
    fn take(&mut self, records: &[Record]) {
        let first = records.first().map(|record| record.seq);
        let seen = records.last().is_some_and(|record| record.seq < self.next);
        if first == Some(self.next) {
            self.next += records.len() as Seq;
            self.ready.extend(records.iter().cloned());
        } else {
            self.behind = !seen;
        }
    }

    async fn read(&mut self) -> Result<(), ApiError> {
        // No more than was there: by now there may be many, and they have been told already.
        let known = usize::try_from(self.known.saturating_sub(self.next)).unwrap_or(PAGE);
        let max = if known == 0 { PAGE } else { known.min(PAGE) };
        let page = self.ledger.journal.read(&self.task, self.next, max).await.map_err(journal_error)?;
        self.next += page.len() as Seq;
        self.behind = page.len() == max && self.next != self.known;
        self.ready.extend(page);
        Ok(())
    }
}

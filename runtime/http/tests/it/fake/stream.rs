//! The fake's event streams: a cursor over the task's feed that waits for changes.

use std::sync::{Arc, Mutex};

use futures_util::stream;
use playhouse_api::{ApiError, EventStream, TaskEvent};
use playhouse_core::{
    id::{Seq, TaskId},
    task::{Event, Record},
};
use tokio::sync::watch;

use super::{Fake, State};

struct Cursor {
    state: Arc<Mutex<State>>,
    changes: watch::Receiver<u64>,
    id: TaskId,
    deltas: bool,
    /// Place in the feed.
    next: usize,
    ended: bool,
}

pub(super) fn follow(fake: &Fake, id: &TaskId, from: Seq, deltas: bool) -> EventStream {
    let is_before = |event: &TaskEvent| matches!(event, TaskEvent::Record(record) if record.seq < from);
    let next = fake.state().tasks[id].feed.iter().rposition(is_before).map_or(0, |last| last + 1);
    let (state, changes) = (fake.state.clone(), fake.changes.subscribe());
    let cursor = Cursor { state, changes, id: id.clone(), deltas, next, ended: false };
    Box::pin(stream::unfold(cursor, async |mut cursor| {
        while !cursor.ended {
            match cursor.look() {
                Some(item) => return Some((item, cursor)),
                None => cursor.changes.changed().await.ok()?,
            }
        }
        None
    }))
}

impl Cursor {
    /// What comes next, if it is there already.
    fn look(&mut self) -> Option<Result<TaskEvent, ApiError>> {
        self.changes.mark_unchanged();
        let mut state = self.state.lock().unwrap();
        loop {
            let event = state.tasks[&self.id].feed.get(self.next)?.clone();
            if let TaskEvent::Record(Record { seq, event, .. }) = &event {
                if state.fault.as_ref().is_some_and(|(at, _)| at == seq) {
                    return state.fault.take().map(|(_, error)| Err(error));
                }
                self.ended = matches!(event, Event::Finished { .. });
            }
            self.next += 1;
            if self.deltas || matches!(event, TaskEvent::Record(_)) {
                return Some(Ok(event));
            }
        }
    }
}

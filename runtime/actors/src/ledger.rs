//! The one door to the journal for tasks: append, then tell those who watch.
//!
//! ```text
//! planner ──append──▶ Ledger ──▶ Journal (durable)
//!                        └──note──▶ broadcast ──▶ watcher: reads the journal, so none is lost or doubled
//! ```
//!
//! A note carries the records just written, so that a watcher who keeps up need not read them back. One that
//! lags or joins late reads the journal and is whole again; only provisional text can be missed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use playhouse_core::{
    id::{EffectId, TaskId},
    task::Record,
    tool::ToolProgress,
};
use playhouse_ports::{
    Batch, Clock, Journal, JournalError,
    crash::{Point, around_async},
};
use tokio::sync::broadcast;

/// Notes a slow watcher may lag behind before it has to read the journal. Their places are taken when the
/// first watcher comes, for each task: 64 cost some 4 KB.
const NOTES_KEPT: usize = 64;

/// What watchers are told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Note {
    /// These records were just written. Empty: the watcher came too late for them and reads the journal.
    Appended(Arc<[Record]>),
    /// Provisional text.
    Delta {
        /// Which step.
        step: u32,
        /// More text.
        text: String,
    },
    /// What a tool call says before its end; provisional too.
    Progress {
        /// Which call.
        effect_id: EffectId,
        /// The tool.
        tool: String,
        /// What it says.
        progress: ToolProgress,
    },
}

/// Journal, clock and watchers.
pub(crate) struct Ledger {
    /// The journal itself, for reading.
    pub(crate) journal: Arc<dyn Journal>,
    /// The time that records carry.
    pub(crate) clock: Arc<dyn Clock>,
    watched: Mutex<HashMap<TaskId, broadcast::Sender<Note>>>,
    watchers_max: usize,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("watchers_max", &self.watchers_max).finish_non_exhaustive()
    }
}

impl Ledger {
    /// A ledger over `journal` that lets at most `watchers_max` tasks be watched at once.
    pub(crate) fn new(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>, watchers_max: usize) -> Self {
        Self { journal, clock, watched: Mutex::default(), watchers_max }
    }

    /// Makes `batch` durable, then tells those who watch its task.
    pub(crate) async fn append(&self, batch: Batch) -> Result<(), JournalError> {
        let (task, records) = (batch.head.task.clone(), batch.records.clone());
        around_async(Point::Append, self.journal.append(batch)).await?;
        self.tell(&task, || Note::Appended(records));
        Ok(())
    }

    /// Tells those who watch `task`; makes the note only if somebody does.
    pub(crate) fn tell(&self, task: &TaskId, note: impl FnOnce() -> Note) {
        if let Some(channel) = self.lock().get(task) {
            // An error only says that the last watcher is just leaving.
            let _ = channel.send(note());
        }
    }

    /// Starts watching `task`; `None` when too many tasks are watched.
    pub(crate) fn watch(self: &Arc<Self>, task: &TaskId) -> Option<Watch> {
        let mut watched = self.lock();
        if watched.len() >= self.watchers_max && !watched.contains_key(task) {
            return None;
        }
        let channel = watched.entry(task.clone()).or_insert_with(|| broadcast::channel(NOTES_KEPT).0);
        Some(Watch { notes: channel.subscribe(), task: task.clone(), ledger: self.clone() })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, broadcast::Sender<Note>>> {
        // The map is whole after every statement, so a panic elsewhere cannot have broken it.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One watcher of one task.
pub(crate) struct Watch {
    /// What is told.
    pub(crate) notes: broadcast::Receiver<Note>,
    task: TaskId,
    ledger: Arc<Ledger>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.ledger.lock();
        // This watcher still counts itself.
        if watched.get(&self.task).is_some_and(|channel| channel.receiver_count() <= 1) {
            watched.remove(&self.task);
        }
    }
}

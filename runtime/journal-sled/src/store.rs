//! What readers and the committer share: the index as it is now, and the open tasks.

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use playhouse_core::{
    id::{Seq, TaskId},
    task::{Head, Record, Status},
};
use playhouse_ports::JournalError;
use tokio::sync::watch;

use crate::{
    index::{Index, Order, Rows},
    keys,
    stats::Numbers,
    values,
    vault::Vault,
    view::{LiveTask, View},
};

/// What must outlive everything that works in the directory. Dropped in this order: the lock, then the news.
pub(crate) struct Held {
    pub(crate) _lock: Option<File>,
    pub(crate) _news: watch::Sender<()>,
}

/// Open tasks by name.
pub(crate) type LiveTasks = HashMap<TaskId, LiveTask>;

/// The index with what is newer than it. Everything here blocks.
pub(crate) struct Store {
    /// Replaced when a new generation begins; who reads keeps the old one until it is done.
    index: RwLock<Arc<dyn Index>>,
    /// Changed after the index and before anybody is answered.
    live: Mutex<LiveTasks>,
    pub(crate) numbers: Numbers,
    pub(crate) vault: Arc<Vault>,
    /// Behind the index, so that the files are closed when it goes.
    pub(crate) held: Arc<Held>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("numbers", &self.numbers).finish_non_exhaustive()
    }
}

/// Whether a start-up resumes a task in this state.
pub(crate) fn is_open(status: Status) -> bool {
    !status.is_final() && status != Status::Parked
}

impl Store {
    pub(crate) fn new(index: Arc<dyn Index>, live: LiveTasks, vault: Vault, held: Held) -> Self {
        let (index, live) = (RwLock::new(index), Mutex::new(live));
        Self { index, live, numbers: Numbers::default(), vault: Arc::new(vault), held: Arc::new(held) }
    }

    pub(crate) fn index(&self) -> Arc<dyn Index> {
        Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace_index(&self, index: Arc<dyn Index>) {
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, LiveTasks> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the index as it is now.
    pub(crate) fn view<T>(&self, read: impl FnOnce(View<'_>) -> T) -> T {
        read(View(&*self.index()))
    }

    pub(crate) fn head(&self, task: &TaskId) -> Result<Option<Head>, JournalError> {
        if let Some(live) = self.live().get(task) {
            return Ok(Some(live.head.clone()));
        }
        self.view(|view| view.head(task))
    }

    /// Heads of tasks below `before`, newest first.
    pub(crate) fn heads(&self, before: Option<&TaskId>, max: usize) -> Result<Vec<Head>, JournalError> {
        let index = self.index();
        let end = before.map_or_else(|| keys::after(keys::HEADS), keys::head);
        let mut heads = Vec::new();
        for row in Rows::of(&*index, keys::HEADS, &end, Order::Down).take(max) {
            let (key, bytes) = row?;
            let head = values::head_from(&keys::first_name(&key), &bytes)?;
            if !is_open(head.status) {
                heads.push(head);
                continue;
            }
            // Its position is newer than its row; or it ended just now, and then so is the row.
            let newer = self.head(&head.task)?;
            heads.push(newer.unwrap_or(head));
        }
        Ok(heads)
    }

    /// Heads of tasks that are neither over nor parked, oldest first.
    pub(crate) fn open_heads(&self) -> Vec<Head> {
        let mut heads: Vec<_> = self.live().values().map(|live| live.head.clone()).collect();
        heads.sort_by(|one, two| one.task.cmp(&two.task));
        heads
    }

    /// Records of `task` from `from`, at most `max`. A gap is an error, also at the end.
    pub(crate) fn records(&self, task: &TaskId, from: Seq, max: usize) -> Result<Vec<Record>, JournalError> {
        // Read before the records: what is appended meanwhile can only make more of them.
        let end = self.head(task)?.map_or(0, |head| head.next_seq);
        let records = self.view(|view| view.records(&self.vault, task, (from, end), max));
        // It may have been forgotten between the two.
        if records.is_err() && self.head(task)?.is_none() { Ok(Vec::new()) } else { records }
    }
}

//! The handle: what the rest of the program holds of a journal.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock, Weak},
};

use async_trait::async_trait;
use playhouse_core::{
    id::{Seq, TaskId},
    task::{Head, Record},
};
use playhouse_ports::{Batch, HeldLane, Journal, JournalError};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::spawn_blocking,
};

use crate::{
    OpenError, Options,
    committer::{self, Command, Committer, Ended},
    open::{self, Opened},
    stage::{Append, Change, EncodedTurn, SessionName},
    store::Store,
    values,
};

/// Commands that may wait. A task has at most one append under way, so this is four times the tasks a
/// daemon is built for, and at 256 to a commit some 16 commits of waiting.
const INBOX_MAX: usize = 4096;
/// Memory that waiting commands may hold, in KiB. A larger one is let in alone.
const INBOX_KIB_MAX: u32 = 32 << 10;

/// Reads at once, each on a blocking thread: sled answers most from memory, so more would only add threads.
const READS_MAX: usize = 8;

/// A journal in a directory. Clones share it; the last to go closes it.
#[derive(Debug, Clone)]
pub struct SledJournal {
    inbox: mpsc::Sender<Command>,
    room: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    /// The committer owns the store; reads borrow it, so that its end closes the files.
    store: Weak<Store>,
    ended: Ended,
}

/// What operators look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Commands that wait for a commit.
    pub waiting: usize,
    /// Size on disk.
    pub disk_bytes: u64,
    /// Values that sled spilled into files it never syncs. Anything but 0 is a bug.
    pub blobs: usize,
}

impl SledJournal {
    /// Opens the journal in the data directory `dir`, making both if need be, and starts its committer.
    pub async fn open(dir: impl Into<PathBuf>, options: Options) -> Result<(Self, Committer), OpenError> {
        let dir = dir.into();
        let Opened { store, tasks, closed } = open::open(dir.clone(), options).await?;
        let store = Arc::new(store);
        let (inbox, waiting) = mpsc::channel(INBOX_MAX);
        let room = Arc::new(Semaphore::new(INBOX_KIB_MAX as usize));
        let ended: Ended = Arc::new(OnceLock::new());
        let reads = Arc::new(Semaphore::new(READS_MAX));
        let journal = Self { inbox, room, reads, store: Arc::downgrade(&store), ended: Arc::clone(&ended) };
        let committer = committer::start(store, tasks, closed, waiting, ended)
            .map_err(|error| OpenError::Other { dir, what: error.to_string() })?;
        Ok((journal, committer))
    }

    /// Makes everything durable that was handed in before, then ends the committer. What comes later is
    /// refused. Await the [`Committer`] to know when the directory is free.
    pub async fn close(&self) {
        let (done, answer) = oneshot::channel();
        let Ok(room) = Arc::clone(&self.room).acquire_owned().await else { return };
        if self.inbox.send(Command { change: Change::Close, done, room }).await.is_ok() {
            let _ = answer.await;
        }
    }

    /// How the journal is doing.
    pub async fn stats(&self) -> Result<Stats, JournalError> {
        let waiting = INBOX_MAX - self.inbox.capacity();
        let look =
            move |store: &Store| Ok(Stats { waiting, disk_bytes: store.disk_bytes(), blobs: store.blobs() });
        self.read_with(look).await
    }

    /// Hands `change` to the committer and waits until it is durable.
    pub(crate) async fn commit(&self, change: Change) -> Result<usize, JournalError> {
        let kib = u32::try_from(change.bytes() >> 10).unwrap_or(u32::MAX).clamp(1, INBOX_KIB_MAX);
        let busy = || JournalError::Busy(INBOX_MAX - self.inbox.capacity());
        let room = Arc::clone(&self.room).try_acquire_many_owned(kib).map_err(|_| busy())?;
        let (done, answer) = oneshot::channel();
        self.inbox.try_send(Command { change, done, room }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => busy(),
            mpsc::error::TrySendError::Closed(_) => self.refusal(),
        })?;
        answer.await.unwrap_or_else(|_| Err(self.refusal()))
    }

    /// Runs `read` where it may block.
    pub(crate) async fn read_with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let _turn = self.reads.acquire().await.expect("the semaphore is never closed");
        let store = self.store.upgrade().ok_or_else(|| self.refusal())?;
        let panicked = |error| Err(JournalError::Damaged(format!("the engine failed to read: {error}")));
        spawn_blocking(move || read(&store)).await.unwrap_or_else(panicked)
    }

    /// Why nothing is done any more.
    fn refusal(&self) -> JournalError {
        let unknown = || JournalError::Unavailable("it ended while it worked on this".to_owned());
        self.ended.get().map_or_else(unknown, |end| end.refusal())
    }
}

/// Checks that `batch` is what it claims to be, and encodes it.
fn encode(batch: Batch) -> Result<Append, JournalError> {
    let Batch { head, records, turn, key, .. } = batch;
    let from = records.first().map_or(head.next_seq, |record| record.seq);
    let in_order = (from..).zip(&records).all(|(seq, record)| record.seq == seq);
    assert!(in_order, "the records of a batch are consecutive");
    assert_eq!(head.next_seq, from + records.len() as Seq, "the head is one past the last record");

    let head_bytes = values::head_to(&head)?;
    let to_bytes = |record| values::record_to(&head.task, record);
    let records = records.iter().map(to_bytes).collect::<Result<_, _>>()?;
    let to_key = |submission| Ok((values::submission_to(&submission, &head.task)?, submission));
    let key = key.map(to_key).transpose()?.map(|(bytes, submission)| (submission, bytes));
    let to_turn = |(id, turn): (_, playhouse_core::session::Turn)| {
        let bytes = values::turn_to(&head.tenant, &id, &turn)?;
        let session = SessionName { tenant: head.tenant.clone(), id };
        Ok(EncodedTurn { session, task: turn.task, at_ms: turn.at_ms, bytes })
    };
    let turn = turn.map(to_turn).transpose()?;
    Ok(Append { head, head_bytes, from, records, turn, key })
}

#[async_trait]
impl Journal for SledJournal {
    async fn append(&self, batch: Batch) -> Result<(), JournalError> {
        self.commit(Change::Append(Box::new(encode(batch)?))).await.map(drop)
    }

    async fn read(&self, task: &TaskId, from: Seq, max: usize) -> Result<Vec<Record>, JournalError> {
        let task = task.clone();
        self.read_with(move |store| store.records(&task, from, max)).await
    }

    async fn head(&self, task: &TaskId) -> Result<Option<Head>, JournalError> {
        let task = task.clone();
        self.read_with(move |store| store.head(&task)).await
    }

    async fn heads(&self, before: Option<&TaskId>, max: usize) -> Result<Vec<Head>, JournalError> {
        let before = before.cloned();
        self.read_with(move |store| store.heads(before.as_ref(), max)).await
    }

    async fn open(&self) -> Result<Vec<Head>, JournalError> {
        self.read_with(Store::open_heads).await
    }

    async fn due(&self, until_ms: u64, max: usize) -> Result<Vec<(u64, TaskId)>, JournalError> {
        let parked = self.read_with(|store| store.heads(None, usize::MAX)).await?;
        let due = |head: Head| Some((head.due_ms.filter(|due| *due <= until_ms)?, head.task));
        let mut due: Vec<_> = parked.into_iter().filter_map(due).collect();
        due.sort();
        due.truncate(max);
        Ok(due)
    }

    async fn lanes(&self) -> Result<Vec<HeldLane>, JournalError> {
        let heads = self.read_with(|store| store.heads(None, usize::MAX)).await?;
        let parked = heads.into_iter().filter(|head| head.waiting.is_some());
        Ok(parked.filter_map(|head| Some((head.task, (head.tenant, head.session?)))).collect())
    }

    async fn wakes(&self) -> Result<Vec<TaskId>, JournalError> {
        Ok(Vec::new())
    }

    async fn forget(&self, _: &TaskId) -> Result<bool, JournalError> {
        Ok(false)
    }

    async fn submission(&self, key: &str) -> Result<Option<(TaskId, String)>, JournalError> {
        let key = key.to_owned();
        let Some(used) = self.read_with(move |store| store.used(&key)).await? else { return Ok(None) };
        // It was found, but perhaps an instant before it is durable; a client is about to rely on it.
        self.commit(Change::Barrier).await?;
        Ok(Some((used.task, used.digest)))
    }
}

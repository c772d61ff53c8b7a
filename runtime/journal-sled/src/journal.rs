//! The handle: what the rest of the program holds of a journal.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock, Weak},
};

use async_trait::async_trait;
use playhouse_core::{
    id::{Seq, TaskId, Tenant},
    task::{Head, Record},
};
use playhouse_ports::{Batch, HeldLane, Journal, JournalError};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    task::spawn_blocking,
};

use crate::{
    OpenError, Options, Stats,
    committer::{self, Command, Committer, Ended},
    disk::Disk,
    draft::{AppendDraft, Before},
    engine::Engine,
    open::{self, Opened},
    stage::Change,
    store::Store,
    sums::Hash,
    values::is_damage,
    vault::Vault,
    view::LiveTask,
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
    /// Closed when nothing works in the directory any more.
    closed: watch::Receiver<()>,
    /// Whether reads run where they are asked for.
    is_inline: bool,
}

impl SledJournal {
    /// Opens the journal in the data directory `dir`, making both if need be, and starts its committer.
    /// Heals what can be healed; what cannot is refused and named.
    pub async fn open(dir: impl Into<PathBuf>, options: Options) -> Result<(Self, Committer), OpenError> {
        let dir = dir.into();
        let Opened { engine, closed } = open::open(dir.clone(), options).await?;
        let (journal, waiting) = Self::over(&engine, closed.clone(), false);
        let committer = committer::start(engine, closed, waiting, Arc::clone(&journal.ended))
            .map_err(|error| OpenError::Other { dir, what: error.to_string() })?;
        Ok((journal, committer))
    }

    /// The same code on `disk`, with its rows in memory only, for a simulation: no threads, no lock on the
    /// directory, and reads where they are asked for. The future is the committer; it must be polled.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        dir: impl Into<PathBuf>,
        options: Options,
    ) -> Result<(Self, impl Future<Output = Result<(), JournalError>> + Send + 'static), OpenError> {
        let Opened { engine, closed } = open::open_on(disk, dir.into(), options)?;
        let (journal, waiting) = Self::over(&engine, closed, true);
        let ended = Arc::clone(&journal.ended);
        Ok((journal, committer::live(engine, waiting, ended)))
    }

    fn over(
        engine: &Engine,
        closed: watch::Receiver<()>,
        is_inline: bool,
    ) -> (Self, mpsc::Receiver<Command>) {
        let (inbox, waiting) = mpsc::channel(INBOX_MAX);
        let journal = Self {
            inbox,
            room: Arc::new(Semaphore::new(INBOX_KIB_MAX as usize)),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            store: Arc::downgrade(&engine.store),
            ended: Arc::new(OnceLock::new()),
            closed,
            is_inline,
        };
        (journal, waiting)
    }

    /// Makes everything durable that was handed in before, then ends the committer, and waits until the
    /// directory is free. What comes later is refused.
    pub async fn close(&self) {
        let (done, answer) = oneshot::channel();
        let Ok(room) = Arc::clone(&self.room).acquire_owned().await else { return };
        if self.inbox.send(Command { change: Change::Close, done, room }).await.is_ok() {
            let _ = answer.await;
            committer::freed(self.closed.clone()).await;
        }
    }

    /// How the journal is doing.
    pub async fn stats(&self) -> Result<Stats, JournalError> {
        let waiting = INBOX_MAX - self.inbox.capacity();
        self.read_with(move |store| Ok(store.numbers.stats(waiting, store.index().spilled()))).await
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
        match answer.await {
            Err(_) => Err(self.refusal()),
            Ok(Err(error)) if is_damage(&error) => {
                self.inbox.closed().await;
                Err(self.refusal())
            }
            Ok(answer) => answer,
        }
    }

    /// Runs `read` where it may block.
    pub(crate) async fn read_with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let _turn = self.reads.acquire().await.expect("the semaphore is never closed");
        let store = self.store.upgrade().ok_or_else(|| self.refusal())?;
        let found = if self.is_inline {
            let found = read(&store);
            drop(store);
            found
        } else {
            let panicked = |error| Err(JournalError::Damaged(format!("the engine failed to read: {error}")));
            spawn_blocking(move || read(&store)).await.unwrap_or_else(panicked)
        };
        match found {
            Err(error) if is_damage(&error) => Err(self.suspect(error).await),
            found => found,
        }
    }

    /// Closes `draft` into the vault: here if that needs no disk, else where it may block.
    pub(crate) async fn enclose<D: Send + 'static, T: Send + 'static>(
        &self,
        draft: D,
        is_quick: impl Fn(&D, &Vault) -> bool,
        close: impl FnOnce(D, &Vault) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let vault = Arc::clone(&self.store.upgrade().ok_or_else(|| self.refusal())?.vault);
        if is_quick(&draft, &vault) {
            return close(draft, &vault);
        }
        self.read_with(move |store| close(draft, &store.vault)).await
    }

    /// `task`, if it is open: that is in memory and needs no thread that may block.
    fn live(&self, task: &TaskId) -> Result<Option<LiveTask>, JournalError> {
        let store = self.store.upgrade().ok_or_else(|| self.refusal())?;
        let live = store.live().get(task).cloned();
        Ok(live)
    }

    /// What is before position `from` of `task`. A task has one writer, so this is still true when its append
    /// is committed; if there are two, the second is fenced.
    async fn before(&self, task: &TaskId, from: Seq) -> Result<Before, JournalError> {
        if let Some(LiveTask { head, hash }) = self.live(task)? {
            return Ok(Before { hash, stored: Some(head) });
        }
        if from == 0 {
            return Ok(Before { hash: Hash::default(), stored: None });
        }
        let task = task.clone();
        let live = self.read_with(move |store| store.view(|view| view.live(&task))).await?;
        Ok(Before { hash: live.map_or(Hash::default(), |live| live.hash), stored: None })
    }

    /// Destroys the keys of `tenant`, durably: whatever was sealed for it reads as
    /// [`JournalError::Erased`] from now on. `false` if nothing was sealed for it.
    pub async fn erase(&self, tenant: &Tenant) -> Result<bool, JournalError> {
        let tenant = tenant.clone();
        self.read_with(move |store| store.vault.destroy(&tenant)).await
    }

    /// A reader found damage: ends the committer, so that whoever owns it opens the journal again, which heals
    /// it. Returns what the reader is told, which is to wait.
    async fn suspect(&self, error: JournalError) -> JournalError {
        // Not refused when many wait: nothing is more urgent.
        let (done, answer) = oneshot::channel();
        let Ok(room) = Arc::clone(&self.room).acquire_owned().await else { return error };
        let change = Change::Suspect { what: error.to_string() };
        if self.inbox.send(Command { change, done, room }).await.is_ok() {
            let _ = answer.await;
        }
        // It closes its inbox last.
        self.inbox.closed().await;
        self.refusal()
    }

    /// Why nothing is done any more.
    fn refusal(&self) -> JournalError {
        let unknown = || JournalError::Unavailable("it ended while it worked on this".to_owned());
        self.ended.get().map_or_else(unknown, |end| end.refusal())
    }
}

#[async_trait]
impl Journal for SledJournal {
    async fn append(&self, batch: Batch) -> Result<(), JournalError> {
        let from = batch.records.first().map_or(batch.head.next_seq, |record| record.seq);
        let before = self.before(&batch.head.task, from).await?;
        let draft = AppendDraft::of(batch, from, before)?;
        let append = self.enclose(draft, AppendDraft::is_quick, AppendDraft::close).await?;
        self.commit(Change::Append(Box::new(append))).await.map(drop)
    }

    async fn read(&self, task: &TaskId, from: Seq, max: usize) -> Result<Vec<Record>, JournalError> {
        let task = task.clone();
        self.read_with(move |store| store.records(&task, from, max)).await
    }

    async fn head(&self, task: &TaskId) -> Result<Option<Head>, JournalError> {
        if let Some(live) = self.live(task)? {
            return Ok(Some(live.head));
        }
        let task = task.clone();
        self.read_with(move |store| store.head(&task)).await
    }

    async fn heads(&self, before: Option<&TaskId>, max: usize) -> Result<Vec<Head>, JournalError> {
        let before = before.cloned();
        self.read_with(move |store| store.heads(before.as_ref(), max)).await
    }

    async fn open(&self) -> Result<Vec<Head>, JournalError> {
        self.read_with(|store| Ok(store.open_heads())).await
    }

    async fn due(&self, until_ms: u64, max: usize) -> Result<Vec<(u64, TaskId)>, JournalError> {
        self.read_with(move |store| store.view(|view| view.due(until_ms, max))).await
    }

    async fn lanes(&self) -> Result<Vec<HeldLane>, JournalError> {
        self.read_with(|store| store.view(|view| view.lanes())).await
    }

    async fn wakes(&self) -> Result<Vec<TaskId>, JournalError> {
        let wakes = self.read_with(|store| store.view(|view| view.wakes())).await?;
        let mut tasks: Vec<_> = wakes.into_iter().map(|(task, _)| task).collect();
        tasks.dedup();
        Ok(tasks)
    }

    async fn forget(&self, task: &TaskId) -> Result<bool, JournalError> {
        Ok(self.commit(Change::Forget { task: task.clone() }).await? > 0)
    }

    async fn submission(&self, key: &str) -> Result<Option<(TaskId, String)>, JournalError> {
        let key = key.to_owned();
        let used = self.read_with(move |store| store.view(|view| view.used(&key))).await?;
        Ok(used.map(|used| (used.task, used.digest)))
    }
}

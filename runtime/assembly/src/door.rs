//! The journal's door: one address for a journal that may be closed and opened again.
//!
//! After an I/O error the committer stops and what it held must be read anew from the disk. The door keeps
//! trying to open it; meanwhile every request is refused with the reason, and planners wait (nothing has
//! been acted on that is not durable).

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use playhouse_actors::Run;
use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    message::Message,
    session::{Session, SessionMeta},
    task::{Head, Record},
};
use playhouse_journal_sled::{Committer, OpenError, Options, SledJournal};
use playhouse_ports::{Batch, Context, HeldLane, Journal, JournalError};

/// Between two attempts to open the journal again: space or a disk may come back at any moment.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

/// A journal that is opened again when it fails.
#[derive(Debug)]
pub(crate) struct Door {
    dir: PathBuf,
    options: Options,
    /// The journal, or why there is none now.
    journal: RwLock<Result<SledJournal, JournalError>>,
    /// The life of the open journal; taken by whoever runs it.
    committer: Mutex<Option<Committer>>,
    /// Whether something became durable since [`Door::beats`] was asked.
    progressed: AtomicBool,
}

impl Door {
    /// Opens the journal in `dir`.
    pub(crate) async fn open(dir: PathBuf, options: Options) -> Result<Arc<Self>, OpenError> {
        let (journal, committer) = SledJournal::open(&dir, options.clone()).await?;
        let (journal, committer) = (RwLock::new(Ok(journal)), Mutex::new(Some(committer)));
        Ok(Arc::new(Self { dir, options, journal, committer, progressed: AtomicBool::new(true) }))
    }

    /// Keeps the journal open. Ends only when it was closed on purpose.
    pub(crate) fn runner(self: Arc<Self>) -> Run {
        Arc::new(move || {
            let door = self.clone();
            Box::pin(async move {
                loop {
                    let committer = door.committer.lock().unwrap_or_else(PoisonError::into_inner).take();
                    match committer {
                        None => door.reopen().await,
                        Some(committer) => match committer.await {
                            Ok(()) => return "the journal was closed".into(),
                            // Opening it again heals it or says what is lost: whoever asks may wait for that.
                            Err(JournalError::Damaged(what)) => {
                                let why = format!("it is opened again to be repaired: {what}");
                                door.set(Err(JournalError::Unavailable(why)));
                            }
                            Err(error) => door.set(Err(error)),
                        },
                    }
                }
            })
        })
    }

    async fn reopen(&self) {
        tokio::time::sleep(REOPEN_EVERY).await;
        match SledJournal::open(&self.dir, self.options.clone()).await {
            Ok((journal, committer)) => {
                tracing::info!("the journal is open again");
                *self.committer.lock().unwrap_or_else(PoisonError::into_inner) = Some(committer);
                self.set(Ok(journal));
            }
            Err(error) => {
                tracing::warn!(%error, "the journal cannot be opened yet");
                if let OpenError::Damaged { what, .. } = error {
                    self.set(Err(JournalError::Damaged(what)));
                }
            }
        }
    }

    /// Writes out what was taken in, and closes.
    pub(crate) async fn close(&self) {
        if let Ok(journal) = self.journal() {
            journal.close().await;
        }
    }

    /// Whether the journal makes progress, or could.
    pub(crate) async fn beats(&self) -> bool {
        if self.progressed.swap(false, Relaxed) {
            return true;
        }
        // Touching what is not there goes through the committer like everything else, and changes nothing.
        let nobody = Tenant::new("playhouse:pulse").expect("letters and a colon make a name");
        let nothing = SessionId::new("pulse").expect("letters make a name");
        matches!(self.touch(&nobody, &nothing, 0).await, Ok(()) | Err(JournalError::Full(_)))
    }

    /// What is wrong, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        self.journal().err().map(|error| error.to_string())
    }

    fn set(&self, journal: Result<SledJournal, JournalError>) {
        *self.journal.write().unwrap_or_else(PoisonError::into_inner) = journal;
    }

    fn journal(&self) -> Result<SledJournal, JournalError> {
        self.journal.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Journal for Door {
    async fn append(&self, batch: Batch) -> Result<(), JournalError> {
        self.journal()?.append(batch).await?;
        self.progressed.store(true, Relaxed);
        Ok(())
    }

    async fn read(&self, task: &TaskId, from: Seq, max: usize) -> Result<Vec<Record>, JournalError> {
        self.journal()?.read(task, from, max).await
    }

    async fn head(&self, task: &TaskId) -> Result<Option<Head>, JournalError> {
        self.journal()?.head(task).await
    }

    async fn heads(&self, before: Option<&TaskId>, max: usize) -> Result<Vec<Head>, JournalError> {
        self.journal()?.heads(before, max).await
    }

    async fn open(&self) -> Result<Vec<Head>, JournalError> {
        Journal::open(&self.journal()?).await
    }

    async fn due(&self, until_ms: u64, max: usize) -> Result<Vec<(u64, TaskId)>, JournalError> {
        self.journal()?.due(until_ms, max).await
    }

    async fn lanes(&self) -> Result<Vec<HeldLane>, JournalError> {
        self.journal()?.lanes().await
    }

    async fn wakes(&self) -> Result<Vec<TaskId>, JournalError> {
        self.journal()?.wakes().await
    }

    async fn forget(&self, task: &TaskId) -> Result<bool, JournalError> {
        self.journal()?.forget(task).await
    }

    async fn submission(&self, key: &str) -> Result<Option<(TaskId, String)>, JournalError> {
        self.journal()?.submission(key).await
    }
}

#[async_trait]
impl Context for Door {
    async fn session(&self, tenant: &Tenant, id: &SessionId) -> Result<Option<Session>, JournalError> {
        self.journal()?.session(tenant, id).await
    }

    async fn sessions(&self) -> Result<Vec<SessionMeta>, JournalError> {
        self.journal()?.sessions().await
    }

    async fn touch(&self, tenant: &Tenant, id: &SessionId, now_ms: u64) -> Result<(), JournalError> {
        self.journal()?.touch(tenant, id, now_ms).await
    }

    async fn pin(
        &self,
        tenant: &Tenant,
        id: &SessionId,
        pinned: Vec<Message>,
        now_ms: u64,
    ) -> Result<(), JournalError> {
        self.journal()?.pin(tenant, id, pinned, now_ms).await
    }

    async fn drop_topic(&self, tenant: &Tenant, id: &SessionId, topic: &str) -> Result<usize, JournalError> {
        self.journal()?.drop_topic(tenant, id, topic).await
    }

    async fn delete(&self, tenant: &Tenant, id: &SessionId) -> Result<bool, JournalError> {
        self.journal()?.delete(tenant, id).await
    }
}

//! The journal: the append-only log of every task, and the compact head of each.

use std::sync::Arc;

use async_trait::async_trait;
use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    session::Turn,
    task::{Head, Record},
};

/// What goes into one commit, all of it or none.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The task after these records. `head.next_seq` is one past the last of them.
    pub head: Head,
    /// Consecutive records. The first one's `seq` is the position the writer expects to be next; if it is
    /// not, somebody else has written and the append is refused. Shared: whoever waits to try again and
    /// whoever watches the task hold the same ones.
    pub records: Arc<[Record]>,
    /// The finished task's turn, for its session.
    pub turn: Option<(SessionId, Turn)>,
    /// For a submission that came with an idempotency key.
    pub key: Option<Submission>,
    /// A task that must look again because of this commit: the parent of a child that has just ended. The
    /// note stays until a commit of the parent has [`heard`](Self::heard) of this child, so a crash cannot
    /// lose it. Without effect on a task that does not exist or is over.
    pub wake: Option<TaskId>,
    /// Children that these records ask for. Each leaves the same note: a crash may come before it is made.
    pub asked: Vec<TaskId>,
    /// Children whose end these records tell: their notes are done with.
    pub heard: Vec<TaskId>,
}

impl Batch {
    /// A batch of records and nothing else.
    pub fn of(head: Head, records: impl Into<Arc<[Record]>>) -> Self {
        Self {
            head,
            records: records.into(),
            turn: None,
            key: None,
            wake: None,
            asked: Vec::new(),
            heard: Vec::new(),
        }
    }
}

/// A parked task that belongs to a session: the session's next task must wait for it (J6).
pub type HeldLane = (TaskId, (Tenant, SessionId));

/// An idempotency key and what it was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The caller's key, already scoped to its tenant.
    pub key: String,
    /// SHA-256 of the submitted content, so that a reused key with other content is noticed.
    pub digest: String,
}

/// Why the journal refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Another writer was faster. The writer must read again, or stop.
    #[error("the journal of task {task} is at {actual}, not at {expected}: another planner writes it")]
    Fenced {
        /// The task.
        task: TaskId,
        /// What the batch began with.
        expected: Seq,
        /// What would have been next.
        actual: Seq,
    },
    /// The idempotency key was used before, for this task, with this digest.
    #[error("the idempotency key was already used for task {task}")]
    KeyUsed {
        /// The earlier task.
        task: TaskId,
        /// Digest of the earlier content.
        digest: String,
    },
    /// The disk is full. Nothing acknowledged is lost; free space and try again.
    #[error("the disk is full: {0}")]
    Full(String),
    /// A record cannot be read back: what and where.
    #[error("the journal is damaged: {0}")]
    Damaged(String),
    /// It was sealed with a key that has been destroyed, and can never be read again. Final, and no damage.
    #[error("it was erased: {0}")]
    Erased(String),
    /// A newer version wrote it, in words that this one does not know: it is whole, and to be left alone until that
    /// version is started again.
    #[error("a newer version of Playhouse wrote it: {0}")]
    Newer(String),
    /// Too many appends wait; come back later.
    #[error("the journal's inbox is full ({0} batches); try again in a moment")]
    Busy(usize),
    /// The journal is closed, or failed and has not been re-opened.
    #[error("the journal is not available: {0}")]
    Unavailable(String),
}

/// A journal. Safe for concurrent use; appends of one task must come from one writer.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Makes `batch` durable. When this returns `Ok`, a power cut cannot undo it.
    async fn append(&self, batch: Batch) -> Result<(), JournalError>;

    /// Records of `task` from position `from`, in order, at most `max`.
    async fn read(&self, task: &TaskId, from: Seq, max: usize) -> Result<Vec<Record>, JournalError>;

    /// The head of `task`, if it exists.
    async fn head(&self, task: &TaskId) -> Result<Option<Head>, JournalError>;

    /// Heads, newest task first, older than `before`, at most `max`.
    async fn heads(&self, before: Option<&TaskId>, max: usize) -> Result<Vec<Head>, JournalError>;

    /// Heads of all tasks that are neither over nor parked, oldest first: what a start-up resumes.
    async fn open(&self) -> Result<Vec<Head>, JournalError>;

    /// Parked tasks whose `due_ms` is at most `until_ms`, earliest first, at most `max`; with their times.
    /// `until_ms` of [`u64::MAX`] and `max` of 1 find the next due time.
    async fn due(&self, until_ms: u64, max: usize) -> Result<Vec<(u64, TaskId)>, JournalError>;

    /// Parked tasks that hold a session: those that belong to one and have begun.
    async fn lanes(&self) -> Result<Vec<HeldLane>, JournalError>;

    /// Tasks with a note of [`Batch::wake`] or [`Batch::asked`] that they have not heard of: a start-up looks
    /// what became of those children.
    async fn wakes(&self) -> Result<Vec<TaskId>, JournalError>;

    /// Removes a finished task for good: its records, its head, its idempotency key. `false` if there is
    /// no such task or it is not over.
    async fn forget(&self, task: &TaskId) -> Result<bool, JournalError>;

    /// What `key` was used for: the task and the digest.
    async fn submission(&self, key: &str) -> Result<Option<(TaskId, String)>, JournalError>;
}

//! The engine and the one way to make something durable with it.

use std::{
    fmt,
    fs::File,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    session::{Session, SessionMeta},
    task::{Head, Record},
};
use playhouse_ports::JournalError;
use tokio::sync::oneshot;

use crate::{
    error::{disk, engine},
    keys::{self, Key},
    mark::{self, Mark},
    pieces::Joined,
    values::{self, Used, damaged},
};

/// An open sled. Everything here blocks. Fields are dropped in this order: the engine, then the lock, then
/// the news that both are gone.
pub(crate) struct Store {
    db: sled::Db,
    /// Our own descriptor of sled's log file; see [`Store::commit`].
    log: File,
    path: PathBuf,
    mark: Mark,
    /// Commits so far; only the committer changes it.
    commits: AtomicU64,
    _held: File,
    _news: oneshot::Sender<()>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    pub(crate) fn new(
        db: sled::Db,
        log: File,
        path: PathBuf,
        mark: Mark,
        held: File,
        news: oneshot::Sender<()>,
    ) -> Self {
        Self { db, log, path, mark, commits: AtomicU64::new(0), _held: held, _news: news }
    }

    /// Reads how many commits there are, and refuses if `marked` says that there were more.
    pub(crate) fn count_commits(&self, marked: u64) -> Result<(), JournalError> {
        let number = self.get(keys::COMMITS)?.map_or(Ok(0), |bytes| values::commits_from(&bytes))?;
        if number < marked {
            let lost = marked - number;
            let mark = self.path.join(mark::FILE);
            let what = format!(
                "the last {lost} of {marked} commits are missing (to go on without them, remove {})",
                mark.display()
            );
            return Err(JournalError::Damaged(what));
        }
        self.commits.store(number, Ordering::Relaxed);
        Ok(())
    }

    /// Makes `batch` durable, all of it or none. After an error nobody knows what the disk holds; the only
    /// cure is to open it again.
    pub(crate) fn commit(&self, mut batch: sled::Batch) -> Result<(), JournalError> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        batch.insert(keys::COMMITS, values::commits_to(number));
        self.db.apply_batch(batch).map_err(engine)?;
        // Writes the log and starts write-back, but does not wait for the disk…
        self.db.flush().map_err(engine)?;
        // …so we do.
        self.log.sync_data().map_err(disk)?;
        self.mark.set(number).map_err(disk)
    }

    /// How many values sled has spilled into files of their own, which it never syncs. Must be 0.
    pub(crate) fn blobs(&self) -> usize {
        std::fs::read_dir(self.path.join("blobs")).map_or(0, Iterator::count)
    }

    pub(crate) fn disk_bytes(&self) -> u64 {
        self.db.size_on_disk().unwrap_or(0)
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, JournalError> {
        self.db.get(key).map_err(engine)
    }

    pub(crate) fn keys(&self, prefix: &[u8]) -> impl Iterator<Item = Result<Key, JournalError>> {
        self.db.scan_prefix(prefix).keys().map(|key| Ok(key.map_err(engine)?.to_vec()))
    }

    pub(crate) fn head(&self, task: &TaskId) -> Result<Option<Head>, JournalError> {
        let bytes = self.get(&keys::head(task))?;
        bytes.map(|bytes| values::head_from(task.as_str(), &bytes)).transpose()
    }

    /// Heads of tasks below `before`, newest first.
    pub(crate) fn heads(&self, before: Option<&TaskId>, max: usize) -> Result<Vec<Head>, JournalError> {
        let end = before.map_or_else(|| after(keys::HEADS), keys::head);
        let rows = self.db.range(keys::HEADS.to_vec()..end).rev().take(max);
        let head = |row: sled::Result<(sled::IVec, sled::IVec)>| {
            let (key, bytes) = row.map_err(engine)?;
            values::head_from(&keys::first_name(&key), &bytes)
        };
        rows.map(head).collect()
    }

    /// Heads of tasks that are not over, oldest first. The index has one entry per open task, so this does
    /// not grow with the past.
    pub(crate) fn open_heads(&self) -> Result<Vec<Head>, JournalError> {
        let mut heads = Vec::new();
        for key in self.keys(keys::OPEN) {
            let task = keys::first_name(&key?);
            let missing = || damaged(&format!("the head of task {task}"), &"it is missing");
            let id =
                TaskId::new(task.clone()).map_err(|error| damaged(&"the index of open tasks", &error))?;
            let head = self.head(&id)?.ok_or_else(missing)?;
            // It may have ended since the index was read.
            if !head.status.is_final() {
                heads.push(head);
            }
        }
        Ok(heads)
    }

    /// Records of `task` from `from`, at most `max`. A gap is an error, also at the end.
    pub(crate) fn records(&self, task: &TaskId, from: Seq, max: usize) -> Result<Vec<Record>, JournalError> {
        // Read before the records: what is appended meanwhile can only make more of them.
        let end = self.head(task)?.map_or(0, |head| head.next_seq);
        if end <= from {
            return Ok(Vec::new());
        }
        let range = keys::record(task, from)..after(&keys::records(task));
        let mut records = Vec::new();
        for (seq, row) in (from..).zip(Joined::new(self.db.range(range)).take(max)) {
            let (key, bytes) = row?;
            if keys::seq_of(&key) != Some(seq) {
                return Err(damaged(&format!("record {seq} of task {task}"), &"it is missing"));
            }
            records.push(values::record_from(task, seq, &bytes)?);
        }
        let next = from.saturating_add(records.len() as Seq);
        if records.len() < max && next < end {
            return Err(damaged(&format!("record {next} of task {task}"), &"it is missing"));
        }
        Ok(records)
    }

    pub(crate) fn used(&self, key: &str) -> Result<Option<Used>, JournalError> {
        let bytes = self.get(&keys::submission(key))?;
        bytes.map(|bytes| values::submission_from(key, &bytes)).transpose()
    }

    pub(crate) fn session_meta(
        &self,
        tenant: &Tenant,
        id: &SessionId,
    ) -> Result<Option<SessionMeta>, JournalError> {
        let bytes = self.get(&keys::session(tenant, id))?;
        bytes.map(|bytes| values::session_from(&values::session(tenant, id), &bytes)).transpose()
    }

    pub(crate) fn session_metas(&self) -> Result<Vec<SessionMeta>, JournalError> {
        let meta = |row: sled::Result<(sled::IVec, sled::IVec)>| {
            let (key, bytes) = row.map_err(engine)?;
            values::session_from(&keys::all_names(&key), &bytes)
        };
        self.db.scan_prefix(keys::SESSIONS).map(meta).collect()
    }

    pub(crate) fn session(&self, tenant: &Tenant, id: &SessionId) -> Result<Option<Session>, JournalError> {
        let Some(meta) = self.session_meta(tenant, id)? else { return Ok(None) };
        let mut session = Session::new(id.clone(), tenant.clone(), meta.used_ms);
        if let Some(row) = self.joined(&keys::pinned(tenant, id)).next() {
            session.pinned = values::pinned_from(tenant, id, &row?.1)?;
        }
        let prefix = keys::turns(tenant, id);
        for row in self.joined(&prefix) {
            let (key, bytes) = row?;
            let task = keys::all_names(&key[prefix.len() - 1..]);
            session.turns.push(values::turn_from(tenant, id, &task, &bytes)?);
        }
        Ok(Some(session))
    }

    fn joined(&self, prefix: &[u8]) -> Joined {
        Joined::new(self.db.scan_prefix(prefix))
    }
}

/// The first key behind all that begin with `prefix`. Prefixes end in a letter or in `\0`, never in 255.
fn after(prefix: &[u8]) -> Key {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

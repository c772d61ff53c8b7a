//! A look at the oldest segment of the log before it goes: which of its rows still count.
//!
//! **Every live row is in the log**: that is what makes the index again when it is lost, and what cleaning keeps.
//! A row that a later commit replaced or removed is not needed; nor is a removal, once nothing before it exists. What
//! is left are rows that are what they were put as, and they are put again at the end of the log.
//!
//! Which these are the index says. It may have lost rows without a word, and then the log is the only copy: a row
//! that is not in the index any more must have been removed by somebody.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use playhouse_core::id::TaskId;
use playhouse_ports::JournalError;

use crate::{
    disk::Disk,
    error::disk,
    frame::{self, At},
    index::Index,
    keys::{self, Key},
    values::{self, damaged},
    view::View,
    whole,
};

/// Tries to see a task or a session that others change meanwhile as it is at one moment.
const TRIES: usize = 8;

/// A segment to look at.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) path: PathBuf,
    /// The commit before its first.
    pub(crate) base: At,
    pub(crate) index: Arc<dyn Index>,
    /// Set when nobody waits for it any more.
    pub(crate) stop: Arc<AtomicBool>,
}

/// What a look at a segment found.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its last commit.
    pub(crate) end: At,
    pub(crate) bytes: u64,
    /// The rows that were put in it and were still the same.
    pub(crate) rows: BTreeMap<Key, Vec<u8>>,
}

impl Segment {
    /// Reads it, and asks the index about every row. Rows that change while this runs may be seen either way.
    pub(crate) fn look(&self) -> Result<Seen, JournalError> {
        let bytes = self.disk.read(&self.path).map_err(disk)?;
        let (end, puts) = self.puts(&bytes)?;
        let mut rows = BTreeMap::new();
        for (key, value) in puts {
            if self.stop.load(Relaxed) {
                return Err(JournalError::Unavailable("the journal is closing".to_owned()));
            }
            match self.index.get(&key)? {
                Some(now) if now == value => drop(rows.insert(key, value)),
                // Replaced, unless this is what damage looks like.
                Some(now) => values::check(&(key, now))?,
                None => self.must_be_removed(&key)?,
            }
        }
        Ok(Seen { end, bytes: bytes.len() as u64, rows })
    }

    /// The last commit, and every row that the segment put and did not remove again.
    fn puts(&self, bytes: &[u8]) -> Result<(At, BTreeMap<Key, Vec<u8>>), JournalError> {
        let (mut pos, mut at, mut puts) = (0, self.base, BTreeMap::new());
        while pos < bytes.len() {
            let next = frame::decode(&bytes[pos..]).filter(|(frame, _)| frame.before == at);
            let Some((frame, used)) = next else {
                let what = format!("{} is damaged at byte {pos}", self.path.display());
                return Err(JournalError::Damaged(what));
            };
            (pos, at) = (pos + used, frame.at);
            for (key, value) in frame.edits {
                match value {
                    Some(value) => puts.insert(key, value),
                    None => puts.remove(&key),
                };
            }
        }
        Ok((at, puts))
    }

    /// The index has no row at `key`. Rows with sums were added up when the journal was opened; records, turns and
    /// pinned messages are missed by the task or the session that they belong to.
    fn must_be_removed(&self, key: &[u8]) -> Result<(), JournalError> {
        let owner_is_whole = || match key.first() {
            Some(b'r') => self.task_is_whole(key),
            Some(b'p' | b't') => self.session_is_whole(key),
            _ => Ok(()),
        };
        // Others write meanwhile; what is damaged is so every time.
        (1..TRIES).find_map(|_| owner_is_whole().ok()).map_or_else(owner_is_whole, Ok)
    }

    fn task_is_whole(&self, key: &[u8]) -> Result<(), JournalError> {
        let task = TaskId::new(keys::first_name(key)).map_err(|error| damaged(&"a record", &error))?;
        match self.index.get(&keys::head(&task))? {
            Some(head) => whole::task(View(&*self.index), &task, &head),
            None => Ok(()),
        }
    }

    fn session_is_whole(&self, key: &[u8]) -> Result<(), JournalError> {
        let of_session = keys::session_of(key);
        match self.index.get(&of_session)? {
            Some(meta) => {
                let meta = values::session_from(&keys::all_names(&of_session), &meta)?;
                whole::session(View(&*self.index), &meta)
            }
            None => Ok(()),
        }
    }
}

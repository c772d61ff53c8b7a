//! What a group of commands will change, before it is committed.
//!
//! Commands of one group see each other's changes here: the second turn of a session counts the first,
//! although neither is in the index yet.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_core::{
    id::{SessionId, TaskId, Tenant},
    session::SessionMeta,
    task::Head,
};
use playhouse_ports::JournalError;

use crate::{
    cas::Digest,
    index::Index,
    keys::{self, Key},
    pieces,
    scan::Scan,
    sums::{Sums, is_tracked},
    values::{self, Used},
    view::{LiveTask, View},
};

/// Changes over an index. `None` means removed.
pub(crate) struct Writes<'a> {
    index: &'a dyn Index,
    pub(crate) rows: BTreeMap<Key, Option<Vec<u8>>>,
    /// What the sums will be; of rows only once [`Writes::add_up`] has run.
    pub(crate) sums: Sums,
    /// Files that a row no longer names; another may.
    pub(crate) freed: Vec<Digest>,
    /// Tasks that changed: as they are now if they are open.
    pub(crate) tasks: Vec<(TaskId, Option<LiveTask>)>,
}

impl<'a> Writes<'a> {
    pub(crate) fn over(index: &'a dyn Index, sums: Sums) -> Self {
        Self { index, rows: BTreeMap::new(), sums, freed: Vec::new(), tasks: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Brings the sums up to date, also those of a `scan` that is under way.
    pub(crate) fn add_up(&mut self, scan: &mut Option<Scan>) -> Result<(), JournalError> {
        for (key, new) in &self.rows {
            // An append never replaces another, and there are many.
            let is_append = key.starts_with(b"r") && new.is_some();
            let old = if is_append { None } else { self.index.get(key)? };
            self.freed.extend(old.as_ref().and_then(|old| values::file_in(key, old)));
            self.sums.change(key, old.as_deref(), new.as_deref());
            if let Some(scan) = scan
                && is_tracked(key)
            {
                scan.note(key, old.as_deref(), new.as_deref());
            }
        }
        Ok(())
    }

    pub(crate) fn put(&mut self, key: Key, value: Vec<u8>) {
        self.rows.insert(key, Some(value));
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.rows.insert(key, None);
    }

    /// Stores `value` in pieces. Where an older value may be, its rows must be removed first: it may have
    /// had more pieces.
    pub(crate) fn put_pieces(&mut self, base: &[u8], value: Vec<u8>) {
        if value.len() <= pieces::PIECE_BYTES_MAX {
            return self.put(keys::piece(base, 0), value);
        }
        for (key, piece) in pieces::split(base, &value) {
            self.put(key, piece.to_vec());
        }
    }

    /// Keys that begin with `prefix`, pending changes included.
    pub(crate) fn keys(&self, prefix: &[u8]) -> Result<BTreeSet<Key>, JournalError> {
        let mut keys: BTreeSet<Key> = View(self.index).keys(prefix).collect::<Result<_, _>>()?;
        let pending = self.rows.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        for (key, value) in pending {
            match value {
                Some(_) => keys.insert(key.clone()),
                None => keys.remove(key),
            };
        }
        Ok(keys)
    }

    /// The head of `task` as it is stored: exact, but for tasks that are open.
    pub(crate) fn head(&self, task: &TaskId) -> Result<Option<Head>, JournalError> {
        self.read(&keys::head(task), |bytes| values::head_from(task.as_str(), bytes))
    }

    /// The hash of the idempotency key that `task` came with.
    pub(crate) fn key_of(&self, task: &TaskId) -> Result<Option<Vec<u8>>, JournalError> {
        self.read(&keys::key_of(task), |bytes| Ok(bytes.to_vec()))
    }

    /// What the idempotency key was used for.
    pub(crate) fn used(&self, key: &str) -> Result<Option<Used>, JournalError> {
        self.read(&keys::submission(key), |bytes| values::submission_from(key, bytes))
    }

    pub(crate) fn session(
        &self,
        tenant: &Tenant,
        id: &SessionId,
    ) -> Result<Option<SessionMeta>, JournalError> {
        let name = values::session(tenant, id);
        self.read(&keys::session(tenant, id), |bytes| values::session_from(&name, bytes))
    }

    fn read<T>(
        &self,
        key: &[u8],
        decode: impl FnOnce(&[u8]) -> Result<T, JournalError>,
    ) -> Result<Option<T>, JournalError> {
        match self.rows.get(key) {
            Some(pending) => pending.as_deref().map(decode).transpose(),
            None => self.index.get(key)?.map(|bytes| decode(&bytes)).transpose(),
        }
    }
}

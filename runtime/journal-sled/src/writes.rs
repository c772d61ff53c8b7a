//! What a group of commands will change, before it is committed.
//!
//! Commands of one group see each other's changes here: the second turn of a session counts the first,
//! although neither is in the engine yet.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    session::SessionMeta,
};
use playhouse_ports::JournalError;

use crate::{
    keys::{self, Key},
    pieces,
    store::Store,
    values::{self, Used},
};

/// Changes over a store. `None` means removed.
pub(crate) struct Writes<'a> {
    store: &'a Store,
    rows: BTreeMap<Key, Option<Vec<u8>>>,
}

impl<'a> Writes<'a> {
    pub(crate) fn over(store: &'a Store) -> Self {
        Self { store, rows: BTreeMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn into_batch(self) -> sled::Batch {
        let mut batch = sled::Batch::default();
        for (key, value) in self.rows {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch
    }

    pub(crate) fn put(&mut self, key: Key, value: Vec<u8>) {
        self.rows.insert(key, Some(value));
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.rows.insert(key, None);
    }

    /// Stores `value` in pieces. Where an older value may be, its rows must be removed first: it may have
    /// had more pieces.
    pub(crate) fn put_pieces(&mut self, base: &[u8], value: &[u8]) {
        for (key, piece) in pieces::split(base, value) {
            self.put(key, piece.to_vec());
        }
    }

    /// Keys that begin with `prefix`, pending changes included.
    pub(crate) fn keys(&self, prefix: &[u8]) -> Result<BTreeSet<Key>, JournalError> {
        let mut keys: BTreeSet<Key> = self.store.keys(prefix).collect::<Result<_, _>>()?;
        let pending = self.rows.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        for (key, value) in pending {
            match value {
                Some(_) => keys.insert(key.clone()),
                None => keys.remove(key),
            };
        }
        Ok(keys)
    }

    /// The next position of `task`.
    pub(crate) fn next_seq(&self, task: &TaskId) -> Result<Seq, JournalError> {
        let head = self.read(&keys::head(task), |bytes| values::head_from(task.as_str(), bytes))?;
        Ok(head.map_or(0, |head| head.next_seq))
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
            None => self.store.get(key)?.map(|bytes| decode(&bytes)).transpose(),
        }
    }
}

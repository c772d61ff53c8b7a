//! Where the content of values is kept from eyes and from the log: sealed if there is a master key, and in a file
//! of its own if it is large.
//!
//! Records, turns and pinned messages go through here. What is around them (names, numbers, times) stays readable,
//! and is bound to the sealed content, so that neither can be exchanged.

use std::{
    borrow::Cow,
    collections::HashSet,
    fmt::Display,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use playhouse_core::id::Tenant;
use playhouse_ports::JournalError;

use crate::{
    cas::{Cas, Digest},
    disk::Disk,
    envelope::{Envelope, IN_FILE, SEALED},
    error,
    keyring::Keyring,
    master::MasterKey,
    values::{incurable, is_damage},
};

/// Larger content goes into a file of its own: writing it to the log, the index and every new generation would
/// cost more than the file's own syncs.
pub(crate) const FILE_BYTES_MIN: usize = 64 << 10;

/// Keys and files of large content.
#[derive(Debug)]
pub(crate) struct Vault {
    keyring: Keyring,
    files: Cas,
    /// Of what was sealed since the journal was opened; with the keyring's salt, no number comes twice.
    sealed: AtomicU64,
    /// Tenants whose key was asked for before, so that asking again does not touch the disk.
    known: Mutex<HashSet<Tenant>>,
    is_sealing: bool,
}

impl Vault {
    /// In the directory `journal`, which must exist.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        journal: &Path,
        master: Option<&MasterKey>,
    ) -> Result<Self, JournalError> {
        let keyring = Keyring::open(Arc::clone(disk), journal, master);
        let keyring = keyring.map_err(crate::keyring::KeyringError::into_journal)?;
        let files = Cas::open(Arc::clone(disk), &journal.join("blobs")).map_err(error::disk)?;
        let (sealed, known) = (AtomicU64::new(0), Mutex::default());
        Ok(Self { keyring, files, sealed, known, is_sealing: master.is_some() })
    }

    /// Whether [`Vault::close`] needs no disk for `bytes` of `tenant`.
    pub(crate) fn is_quick(&self, tenant: &Tenant, bytes: usize) -> bool {
        let is_known = || self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(tenant);
        bytes < FILE_BYTES_MIN && (!self.is_sealing || is_known())
    }

    /// The bytes to store for `envelope`, whose content belongs to `tenant`. May block on the disk.
    pub(crate) fn close(&self, tenant: &Tenant, mut envelope: Envelope<'_>) -> Result<Vec<u8>, JournalError> {
        let mut content = Cow::Borrowed(envelope.payload);
        let key = self.keyring.key_of(tenant).map_err(crate::keyring::KeyringError::into_journal)?;
        if key.is_some() {
            envelope.flags |= SEALED;
        }
        if FILE_BYTES_MIN <= content.len() {
            envelope.flags |= IN_FILE;
        }
        if let Some(key) = key {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone());
            let counter = self.sealed.fetch_add(1, Relaxed);
            content = Cow::Owned(key.seal(counter, &envelope.around(), content.into_owned()));
        }
        if envelope.flags & IN_FILE != 0 {
            let digest = self.files.put(&content).map_err(error::disk)?;
            content = Cow::Owned(digest.0.to_vec());
        }
        Ok(Envelope { payload: &content, ..envelope }.encode())
    }

    /// The content of `envelope`; `what` names it for people.
    pub(crate) fn content<'a>(
        &self,
        what: &impl Display,
        envelope: &Envelope<'a>,
    ) -> Result<Cow<'a, [u8]>, JournalError> {
        let mut content = Cow::Borrowed(envelope.payload);
        if let Some(digest) = file_of(envelope) {
            let read = self.files.get(&digest);
            // Log and index have no third copy: opening the journal again would not help.
            content = Cow::Owned(read.map_err(|error| match error {
                JournalError::Damaged(why) => incurable(what, &why),
                other => other,
            })?);
        }
        if envelope.flags & SEALED != 0 {
            let opened = self.keyring.unseal(&envelope.around(), &content);
            let broken = |error: crate::seal::SealError| match error.into_journal(what) {
                damage if is_damage(&damage) => incurable(what, &damage),
                other => other,
            };
            content = Cow::Owned(opened.map_err(broken)?);
        }
        Ok(content)
    }

    /// Bytes that the file `digest` and its copy take.
    pub(crate) fn bytes(&self, digest: &Digest) -> u64 {
        self.files.bytes(digest)
    }

    /// Removes the files that are not in `keep`, but for those on their way into the log.
    pub(crate) fn sweep(&self, keep: &HashSet<Digest>) {
        match self.files.sweep(keep) {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "large values that nothing names were removed"),
            Err(error) => tracing::warn!(%error, "large values that nothing names are still there"),
        }
    }

    /// Destroys the keys of `tenant`: what was sealed for it can never be read again.
    pub(crate) fn destroy(&self, tenant: &Tenant) -> Result<bool, JournalError> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
        self.keyring.destroy(tenant).map_err(crate::keyring::KeyringError::into_journal)
    }
}

/// The file that holds the content of `envelope`, if one does.
pub(crate) fn file_of(envelope: &Envelope<'_>) -> Option<Digest> {
    let is_in_file = envelope.flags & IN_FILE != 0;
    envelope.payload.try_into().ok().filter(|_| is_in_file).map(Digest)
}

//! The key ring: a data key for every tenant, wrapped by the master key, in two copies.
//!
//! ```text
//! master key (the operator's) ──wraps──▶ key of tenant a ──seals──▶ a's records
//!                              └─wraps──▶ key of tenant b ──seals──▶ b's records
//! ```
//!
//! Destroying a tenant's wrapped key erases everything that was sealed with it, wherever copies of that may
//! lie. The ring itself lies in `keys` and again in `keys.copy`: without it all sealed data would be lost, so
//! one damaged file must not be enough. Both are written in place, one after the other, each made durable
//! before the next is touched; whichever a crash tears, the other is whole.
//!
//! Overwriting in place is as much as a program can do. File systems that copy on write, and drives that move
//! what they rewrite, may keep the old bytes for a while; a change of the master key ([`Keyring::rewrap`])
//! makes those worthless.

mod file;
mod wrap;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use file::{CHECK_BYTES, Entry, Fault, Ring};
use playhouse_core::id::Tenant;
use playhouse_ports::{
    JournalError,
    crash::{Point, around},
};
use ring::aead::{LessSafeKey, NONCE_LEN};
use wrap::{check, opens, place, random, unwrap, wrap};
use zeroize::Zeroizing;

use crate::{
    disk::Disk,
    error,
    master::MasterKey,
    seal::{self, KeyId, SealError, TenantKey},
};

/// The two files, in the order in which they are written.
pub(crate) const FILES: [&str; 2] = ["keys", "keys.copy"];

/// Why the key ring cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There are sealed data and no key to open them.
    #[error("the journal in {} is sealed: give the master key it was written with", .0.display())]
    NoMaster(PathBuf),
    /// The master key is another one.
    #[error("the journal in {} was sealed with another master key than the one given", .0.display())]
    WrongMaster(PathBuf),
    /// Neither copy can be read.
    #[error("both copies of the key ring in {} are damaged ({what}): restore `keys` from a backup", .dir.display())]
    Damaged {
        /// The directory of both.
        dir: PathBuf,
        /// What is wrong with each.
        what: String,
    },
    /// The file system refuses.
    #[error("the key ring in {} cannot be written or read: {source}", .dir.display())]
    Disk {
        /// The directory.
        dir: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl KeyringError {
    /// The same in the words of the port.
    pub fn into_journal(self) -> JournalError {
        match self {
            Self::Disk { source, .. } => error::disk(source),
            Self::Damaged { .. } => JournalError::Damaged(self.to_string()),
            Self::NoMaster(_) | Self::WrongMaster(_) => JournalError::Unavailable(self.to_string()),
        }
    }
}

/// The keys of a journal. Every call may block on the disk.
pub struct Keyring {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// Where nonces start; new for every opening, see [`seal`].
    start: [u8; NONCE_LEN],
    keys: Mutex<Keys>,
}

struct Keys {
    /// `None` if nothing is sealed.
    master: Option<LessSafeKey>,
    ring: Ring,
    open: HashMap<KeyId, Arc<TenantKey>>,
    /// The key that new data of a tenant are sealed with.
    current: HashMap<Tenant, Arc<TenantKey>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Opens the ring in `dir`, which must exist; heals the copy that is damaged, missing or behind. With no
    /// `master` and no ring, nothing is sealed.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, master: Option<&MasterKey>) -> Result<Self, KeyringError> {
        let master = master.map(MasterKey::cipher);
        let found = read(&*disk, dir)?;
        let ring = choose(dir, &found, master.as_ref())?;
        let ring = ring.unwrap_or(Ring { generation: 0, check: [0; CHECK_BYTES], entries: Vec::new() });
        let keys = Keys { master, ring, open: HashMap::new(), current: HashMap::new() };
        let keyring = Self { disk, dir: dir.to_owned(), start: random(), keys: Mutex::new(keys) };
        keyring.heal(&found)?;
        keyring.unwrap_all()?;
        Ok(keyring)
    }

    /// The key for new data of `tenant`; `None` if nothing is sealed. The first call for a tenant makes the
    /// key, and returns when it is durable.
    pub fn key_of(&self, tenant: &Tenant) -> Result<Option<Arc<TenantKey>>, KeyringError> {
        let mut keys = self.lock();
        let Some(master) = &keys.master else { return Ok(None) };
        if let Some(key) = keys.current.get(tenant) {
            return Ok(Some(Arc::clone(key)));
        }
        let (id, bytes) = (KeyId(u64::from_be_bytes(random())), Zeroizing::new(random()));
        let wrapped = Some(wrap(master, &place(id, tenant), &bytes));
        let mut ring = keys.ring.clone();
        if ring.generation == 0 {
            ring.check = check(master);
        }
        ring.entries.push(Entry { id, tenant: tenant.clone(), wrapped });
        self.replace(&mut keys, ring)?;
        let key = Arc::new(TenantKey::new(id, &bytes, self.start));
        keys.adopt(tenant, &key);
        Ok(Some(key))
    }

    /// Opens what any key of this ring has sealed.
    pub fn unseal(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let id = seal::key_of(sealed)?;
        let key = {
            let keys = self.lock();
            let unknown = || match keys.ring.entries.iter().find(|entry| entry.id == id) {
                Some(entry) if entry.wrapped.is_none() => SealError::Erased(entry.tenant.clone()),
                _ if keys.master.is_none() => SealError::NoMaster,
                _ => SealError::UnknownKey(id),
            };
            Arc::clone(keys.open.get(&id).ok_or_else(unknown)?)
        };
        key.open(aad, sealed)
    }

    /// Destroys every key of `tenant`, in both copies and in memory: all that was sealed for it can never be
    /// read again. Durable when it returns; `false` if there was no key. Data that come later get a new one.
    /// A caller that holds on to a [`TenantKey`] keeps that one alive.
    pub fn destroy(&self, tenant: &Tenant) -> Result<bool, KeyringError> {
        let mut keys = self.lock();
        let mut ring = keys.ring.clone();
        let lives = |entry: &&mut Entry| entry.tenant == *tenant && entry.wrapped.is_some();
        let ids: Vec<_> = ring
            .entries
            .iter_mut()
            .filter(lives)
            .map(|entry| {
                entry.wrapped = None;
                entry.id
            })
            .collect();
        if ids.is_empty() {
            return Ok(false);
        }
        self.replace(&mut keys, ring)?;
        keys.current.remove(tenant);
        for id in ids {
            keys.open.remove(&id);
        }
        Ok(true)
    }

    /// Tenants with a key that is not destroyed, by name.
    pub fn tenants(&self) -> Vec<Tenant> {
        let keys = self.lock();
        let alive = keys.ring.entries.iter().filter(|entry| entry.wrapped.is_some());
        alive.map(|entry| entry.tenant.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Wraps every key with `master` from now on. Durable when it returns; the old master key opens nothing
    /// any more. The data stay as they are.
    pub fn rewrap(&self, master: &MasterKey) -> Result<(), KeyringError> {
        let mut keys = self.lock();
        let Some(old) = &keys.master else { return Err(KeyringError::NoMaster(self.dir.clone())) };
        let new = master.cipher();
        let mut ring = Ring { check: check(&new), ..keys.ring.clone() };
        for Entry { id, tenant, wrapped } in &mut ring.entries {
            let Some(wrapped) = wrapped else { continue };
            let place = place(*id, tenant);
            let key = unwrap(old, &place, wrapped).ok_or_else(|| self.broken(*id))?;
            *wrapped = wrap(&new, &place, &key);
        }
        self.replace(&mut keys, ring)?;
        keys.master = Some(new);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        // A panic leaves the keys as they were: they change in one step, after the disk has.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `ring` durable in both copies, then takes it for the right one. After an error the next change
    /// writes both anew.
    fn replace(&self, keys: &mut Keys, mut ring: Ring) -> Result<(), KeyringError> {
        // Counted even if it fails, so that no two contents ever have one number.
        keys.ring.generation += 1;
        ring.generation = keys.ring.generation;
        let bytes = ring.encode();
        for file in FILES {
            write(&*self.disk, &self.dir, file, &bytes).map_err(|source| self.failed(source))?;
        }
        keys.ring = ring;
        Ok(())
    }

    /// Brings both copies to what was chosen.
    fn heal(&self, found: &Copies) -> Result<(), KeyringError> {
        let ring = &self.lock().ring;
        if ring.generation == 0 {
            return Ok(());
        }
        for (file, copy) in FILES.into_iter().zip(found) {
            if !matches!(copy, Ok(Some(found)) if found == ring) {
                tracing::warn!(dir = %self.dir.display(), file, "this copy of the key ring is healed from the other");
                write(&*self.disk, &self.dir, file, &ring.encode()).map_err(|source| self.failed(source))?;
            }
        }
        Ok(())
    }

    fn unwrap_all(&self) -> Result<(), KeyringError> {
        let mut keys = self.lock();
        let Some(master) = &keys.master else { return Ok(()) };
        let mut opened = Vec::new();
        for Entry { id, tenant, wrapped } in &keys.ring.entries {
            let Some(wrapped) = wrapped else { continue };
            let bytes = unwrap(master, &place(*id, tenant), wrapped).ok_or_else(|| self.broken(*id))?;
            opened.push((tenant.clone(), Arc::new(TenantKey::new(*id, &bytes, self.start))));
        }
        for (tenant, key) in opened {
            keys.adopt(&tenant, &key);
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> KeyringError {
        KeyringError::Disk { dir: self.dir.clone(), source }
    }

    fn broken(&self, id: KeyId) -> KeyringError {
        let what = format!("key {id} is not what was wrapped");
        KeyringError::Damaged { dir: self.dir.clone(), what }
    }
}

impl Keys {
    fn adopt(&mut self, tenant: &Tenant, key: &Arc<TenantKey>) {
        self.open.insert(key.id(), Arc::clone(key));
        self.current.insert(tenant.clone(), Arc::clone(key));
    }
}

type Copies = [Result<Option<Ring>, Fault>; 2];

/// Both copies: `None` if there is no such file.
pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> Result<Copies, KeyringError> {
    let copy = |file| match disk.read(&dir.join(file)) {
        Ok(bytes) => Ok(Ring::decode(&bytes).map(Some)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Ok(None)),
        Err(source) => Err(KeyringError::Disk { dir: dir.to_owned(), source }),
    };
    Ok([copy(FILES[0])?, copy(FILES[1])?])
}

/// The newest whole copy that `master` opens. A newer one that it does not open is a change of the master key
/// that was never acknowledged.
fn choose(dir: &Path, copies: &Copies, master: Option<&LessSafeKey>) -> Result<Option<Ring>, KeyringError> {
    let mut whole: Vec<_> = copies.iter().filter_map(|copy| copy.as_ref().ok()?.as_ref()).collect();
    whole.sort_by_key(|ring| std::cmp::Reverse(ring.generation));
    if whole.is_empty() {
        return match copies {
            [Ok(None), Ok(None)] => Ok(None),
            _ => {
                let fault = |(file, copy): (&str, &Result<Option<Ring>, Fault>)| match copy {
                    Ok(_) => format!("`{file}`: it is missing"),
                    Err(fault) => format!("`{file}`: {fault}"),
                };
                let what = FILES.into_iter().zip(copies).map(fault).collect::<Vec<_>>().join("; ");
                Err(KeyringError::Damaged { dir: dir.to_owned(), what })
            }
        };
    }
    let Some(master) = master else { return Err(KeyringError::NoMaster(dir.to_owned())) };
    let right = whole.into_iter().find(|ring| opens(master, ring));
    right.cloned().map(Some).ok_or_else(|| KeyringError::WrongMaster(dir.to_owned()))
}

/// Writes one copy and makes it durable: in place, so that nothing is left of a destroyed key. A copy that is
/// not there yet appears whole, so that a torn first key, which nobody has used, looks like none.
fn write(disk: &dyn Disk, dir: &Path, file: &str, bytes: &[u8]) -> io::Result<()> {
    let path = dir.join(file);
    if disk.list(dir)?.iter().any(|name| name == file) {
        disk.write(&path, bytes)?;
        return around(Point::FileSync, || disk.sync_file(&path));
    }
    let new = dir.join(format!("{file}.new"));
    disk.write(&new, bytes)?;
    around(Point::FileSync, || disk.sync_file(&new))?;
    around(Point::FileRename, || disk.rename(&new, &path))?;
    around(Point::DirSync, || disk.sync_dir(dir))
}

#[cfg(test)]
mod tests;

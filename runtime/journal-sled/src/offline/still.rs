//! A data directory that is held still while it is looked at.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::look::LookOnly;
use crate::{
    OpenError, Options,
    disk::{Disk, RealDisk},
    index::{Packed, Refusal, SledIndex},
    lock::lock,
    place::{Current, Place},
    vault::Vault,
};

/// sled writes to what it opens, so it is given a copy in this directory below the journal's.
const COPY: &str = "looked-at";

/// A locked data directory. Nothing in it changes while this exists, but for a copy that goes with it.
#[derive(Debug)]
pub(super) struct Still {
    pub(super) place: Place,
    _held: File,
}

impl Still {
    /// Holds `dir`, in which there must be a journal.
    pub(super) fn open(dir: &Path, options: &Options) -> Result<Self, OpenError> {
        let place = Place { disk: Arc::new(LookOnly), ..super::place(dir, options.clone()) };
        if !place.journal().is_dir() {
            let what = "there is none; name the data directory of a playhouse".to_owned();
            return Err(OpenError::Other { dir: dir.to_owned(), what });
        }
        let held = lock(dir)?;
        Ok(Self { place, _held: held })
    }

    /// What opens the content of values, with the master key of the options.
    pub(super) fn vault(&self) -> Result<Vault, OpenError> {
        let (disk, master) = (&self.place.disk, self.place.options.master.as_deref());
        let vault = Vault::open(disk, &self.place.journal(), master);
        vault.map_err(|error| OpenError::journal(&self.place.dir, error))
    }

    /// The generation that counts, if one is named.
    pub(super) fn current(&self) -> Result<Option<Current>, OpenError> {
        self.place.current().map_err(|error| OpenError::disk(&self.place.dir, error))
    }

    /// Opens a copy of the index of generation `number`.
    pub(super) fn index(&self, number: u64) -> Result<Result<Packed<SledIndex>, String>, OpenError> {
        let (from, to) = (self.place.sled(number), self.copy());
        let failed = |error| OpenError::disk(&self.place.dir, error);
        RealDisk.remove(&to).map_err(failed)?;
        if !from.is_dir() {
            return Ok(Err("it is missing".to_owned()));
        }
        copy(&from, &to).map_err(failed)?;
        match SledIndex::open(&to, self.place.options.cache_bytes) {
            Ok(index) => Ok(Packed::over(index).map_err(|error| error.to_string())),
            Err(Refusal::Damaged(what)) => Ok(Err(what)),
            Err(Refusal::Io(error)) => Err(failed(error)),
            Err(Refusal::Busy) => Ok(Err("it is held by another part of this process".to_owned())),
        }
    }

    fn copy(&self) -> PathBuf {
        self.place.journal().join(COPY)
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        if let Err(error) = RealDisk.remove(&self.copy()) {
            tracing::warn!(%error, path = %self.copy().display(), "a copy of the index is left; remove it");
        }
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

//! A table that can be written: a folder with one file per key.
//!
//! Tools keep little and ask seldom, so there is nothing to cache, nothing to compact and nothing to repair: a key is there,
//! whole, or it is not. A person can look at it with `ls`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::folder::{FileError, Folder};

/// Bytes of the longest key: its name on disk has twice as many, and file systems end at 255.
pub const KEY_BYTES_MAX: usize = 120;
/// Bytes of the longest value: more than a model reads at once.
pub const VALUE_BYTES_MAX: usize = 64 << 10;
/// Most keys of a table: more are a database.
pub const KEYS_MAX: usize = 10_000;
/// Keys listed at once.
const LISTED_MAX: u32 = 1_000;

/// Why it did not work; for the model.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The key cannot be one.
    #[error("a key has 1 to {KEY_BYTES_MAX} bytes")]
    Key,
    /// The value is too long.
    #[error("a value has at most {VALUE_BYTES_MAX} bytes")]
    Value,
    /// Too many keys.
    #[error("the table has {KEYS_MAX} keys, and no more fit: remove some")]
    Keys,
    /// Too many bytes.
    #[error("the table's quota is used up: remove something")]
    Quota,
    /// The disk refused.
    #[error("the table cannot be used now: {0}")]
    Disk(String),
}

impl From<FileError> for StoreError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Limit => Self::Quota,
            other => Self::Disk(other.to_string()),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error.to_string())
    }
}

/// A table.
#[derive(Debug)]
pub struct Store {
    folder: Folder,
    /// The keys, once they have been read; held while one is added or removed.
    keys: Mutex<Option<BTreeSet<String>>>,
}

impl Store {
    /// The table in `path`, made if it is missing; its values have at most `quota_bytes` in all.
    ///
    /// # Errors
    /// If the folder cannot be made or opened.
    pub fn open(path: &Path, quota_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self { folder: Folder::open(path, quota_bytes)?, keys: Mutex::default() })
    }

    /// The value stored under `key`.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn get(&self, key: &str) -> Result<Option<String>, StoreError> {
        match self.folder.read(&file(key)?, 0, VALUE_BYTES_MAX as u32) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(FileError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores `value` under `key`; durable when it returns.
    ///
    /// # Errors
    /// [`StoreError`]; what was stored before is there still.
    pub fn put(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let file = file(key)?;
        if value.len() > VALUE_BYTES_MAX {
            return Err(StoreError::Value);
        }
        self.with_keys(|keys| {
            if keys.len() >= KEYS_MAX && !keys.contains(key) {
                return Err(StoreError::Keys);
            }
            self.folder.write(&file, value.as_bytes(), None)?;
            keys.insert(key.to_owned());
            Ok(())
        })
    }

    /// Removes `key`; whether it was there.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let file = file(key)?;
        self.with_keys(|keys| {
            keys.remove(key);
            match self.folder.remove(&file) {
                Ok(()) => Ok(true),
                Err(FileError::NotFound) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Keys that begin with `prefix`, after the key `after`, in order; at most `limit` and 1,000.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, StoreError> {
        let limit = limit.min(LISTED_MAX) as usize;
        self.with_keys(|keys| Ok(listed(keys.iter().map(String::as_str), prefix, after, limit)))
    }

    fn with_keys<T>(
        &self,
        work: impl FnOnce(&mut BTreeSet<String>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.is_none() {
            *keys = Some(self.read_keys()?);
        }
        work(keys.as_mut().expect("just read"))
    }

    fn read_keys(&self) -> Result<BTreeSet<String>, StoreError> {
        let (mut keys, mut after) = (BTreeSet::new(), None::<String>);
        loop {
            let page = self.folder.entries("", after.as_deref(), LISTED_MAX)?;
            let Some(last) = page.last() else { return Ok(keys) };
            after = Some(last.name.clone());
            // What is not ours is left alone.
            keys.extend(page.into_iter().filter_map(|info| key(&info.name)));
        }
    }
}

/// Of `keys`, in order, those that begin with `prefix` and come after `after`.
pub fn listed<'a>(
    keys: impl Iterator<Item = &'a str>,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Vec<String> {
    let wanted = keys.filter(|key| key.starts_with(prefix) && after.is_none_or(|after| *key > after));
    wanted.take(limit).map(str::to_owned).collect()
}

/// The name on disk: hexadecimal, so that every key has one and the order is the same.
fn file(key: &str) -> Result<String, StoreError> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(StoreError::Key);
    }
    Ok(key.bytes().map(|byte| format!("{byte:02x}")).collect())
}

fn key(file: &str) -> Option<String> {
    if file.is_empty() || !file.len().is_multiple_of(2) || !file.is_ascii() {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&file[at..at + 2], 16).ok();
    let bytes = (0..file.len()).step_by(2).map(byte).collect::<Option<Vec<u8>>>()?;
    String::from_utf8(bytes).ok().filter(|key| key.len() <= KEY_BYTES_MAX)
}

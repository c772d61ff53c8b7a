//! Large values in files of their own, named after their content.
//!
//! ```text
//! blobs/ab/cdef…        the value whose SHA-256 is abcdef…
//! blobs/ab/cdef….copy   the same again
//! ```
//!
//! Log and index hold only the digest of a large value, so it would exist but once where everything else
//! exists twice. The copy makes up for that: a flipped bit costs nothing but its repair. Equal values share
//! their files. A value is durable before the record that names it is written; a crash in between leaves
//! files that nothing names, which [`Cas::sweep`] removes.

use std::{
    collections::HashSet,
    fmt,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use playhouse_ports::{
    JournalError,
    crash::{Point, around},
};
use sha2::{Digest as _, Sha256};

use crate::disk::Disk;

/// What the second file of a value ends in.
const COPY: &str = ".copy";
/// What a file that is not whole yet has behind its name, before a number.
const NEW: &str = ".new-";

/// SHA-256 of a value: its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The name of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest is written as 64 lower-case hex digits")]
pub struct BadDigest;

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let digit = |digit: u8| char::from(digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase());
        let mut digest = [0; 32];
        if text.len() != 2 * digest.len() {
            return Err(BadDigest);
        }
        for (byte, [high, low]) in digest.iter_mut().zip(text.as_bytes().as_chunks().0) {
            let value = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low).ok_or(BadDigest)?;
            *byte = u8::try_from(value).expect("two hex digits make a byte");
        }
        Ok(Self(digest))
    }
}

/// How the two files of a value are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Both are what their name says.
    Whole,
    /// One is damaged or missing; the other heals it.
    Half,
    /// Both are damaged.
    Damaged,
    /// There is neither.
    Missing,
}

/// A store of large values in a directory. Every call blocks on the disk.
#[derive(Debug)]
pub struct Cas {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// What was put since the sweep before last began: the record that names it may still be on its way.
    young: Mutex<HashSet<Digest>>,
    /// Whether the folders are there, durably.
    has_folders: Mutex<bool>,
    /// Makes the names of new files differ.
    files: AtomicU64,
}

impl Cas {
    /// Opens the store in `dir`, making it if need be.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> io::Result<Self> {
        disk.create_dir_all(dir)?;
        if let Some(parent) = dir.parent() {
            around(Point::DirSync, || disk.sync_dir(parent))?;
        }
        let (young, has_folders, files) = Default::default();
        Ok(Self { disk, dir: dir.to_owned(), young, has_folders, files })
    }

    /// Keeps `bytes`. When it returns, they are durable under the name it gives; they stay at least until the
    /// second [`sweep`](Self::sweep) from now.
    pub fn put(&self, bytes: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(bytes);
        // First, so that a sweep that runs now spares what is found or written.
        lock(&self.young).insert(digest);
        self.make_folders()?;
        let [file, copy] = self.paths(digest);
        if !self.is_whole(digest, &file) {
            self.write(&file, bytes, true)?;
        }
        if !self.is_whole(digest, &copy) {
            // Not synced, which would double the time that the caller waits: what a power cut takes of the
            // copy, the file gives back when it is read.
            self.write(&copy, bytes, false)?;
        }
        // Also if both were there: whoever wrote them may not have come this far.
        around(Point::DirSync, || self.disk.sync_dir(&self.folder(digest)))?;
        Ok(digest)
    }

    /// The value named `digest`. If one of its files is damaged or missing, the other heals it.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>, JournalError> {
        let [file, copy] = self.paths(*digest);
        let bytes = match (self.read(*digest, &file), self.read(*digest, &copy)) {
            (Ok(bytes), Ok(_)) => return Ok(bytes),
            (Ok(bytes), Err(_)) | (Err(_), Ok(bytes)) => bytes,
            (Err(why), Err(copys)) => return Err(unreadable(*digest, &why, &copys)),
        };
        // Whoever asked gets the value, even if there is no room to heal it.
        match self.put(&bytes) {
            Ok(_) => {
                tracing::warn!(%digest, "one file of a large value was damaged; the other has healed it")
            }
            Err(error) => tracing::warn!(%digest, %error, "one file of a large value is damaged"),
        }
        Ok(bytes)
    }

    /// Bytes that both files of `digest` take.
    pub(crate) fn bytes(&self, digest: &Digest) -> u64 {
        self.paths(*digest).iter().map(|path| self.disk.len(path).unwrap_or(0)).sum()
    }

    /// How the files of `digest` are; changes nothing.
    pub fn check(&self, digest: &Digest) -> Health {
        let files = self.paths(*digest).map(|path| self.read(*digest, &path));
        match files {
            [Ok(_), Ok(_)] => Health::Whole,
            [Ok(_), Err(_)] | [Err(_), Ok(_)] => Health::Half,
            [Err(Why::Missing), Err(Why::Missing)] => Health::Missing,
            [Err(_), Err(_)] => Health::Damaged,
        }
    }

    /// Names of all values there are, whole or not.
    pub fn list(&self) -> io::Result<Vec<Digest>> {
        let mut found: Vec<_> = self.files()?.into_iter().map(|(digest, _)| digest).collect();
        found.dedup();
        Ok(found)
    }

    /// Removes every value that is not in `keep` and was not put lately; returns how many files that were.
    /// `keep` must hold all that is named by what is durable.
    pub fn sweep(&self, keep: &HashSet<Digest>) -> io::Result<usize> {
        let grown = lock(&self.young).clone();
        let mut removed = 0;
        for (digest, path) in self.files()? {
            // Held until the file is gone: who puts the same value now finds it missing, and writes it.
            let young = lock(&self.young);
            if !keep.contains(&digest) && !young.contains(&digest) {
                self.disk.remove(&path)?;
                removed += 1;
            }
        }
        lock(&self.young).retain(|digest| !grown.contains(digest));
        Ok(removed)
    }

    /// Every file and the value it belongs to, in order.
    fn files(&self) -> io::Result<Vec<(Digest, PathBuf)>> {
        let mut found = Vec::new();
        for folder in self.disk.list(&self.dir)? {
            for name in self.disk.list(&self.dir.join(&folder))? {
                let stem = name.split('.').next().unwrap_or_default();
                if let Ok(digest) = format!("{folder}{stem}").parse() {
                    found.push((digest, self.dir.join(&folder).join(name)));
                }
            }
        }
        Ok(found)
    }

    fn folder(&self, digest: Digest) -> PathBuf {
        self.dir.join(format!("{:02x}", digest.0[0]))
    }

    fn paths(&self, digest: Digest) -> [PathBuf; 2] {
        let name = digest.to_string().split_off(2);
        ["", COPY].map(|end| self.folder(digest).join(format!("{name}{end}")))
    }

    /// All of them, once: a folder made for one value would cost that one a sync more.
    fn make_folders(&self) -> io::Result<()> {
        let mut made = lock(&self.has_folders);
        if !*made {
            for folder in 0..=u8::MAX {
                self.disk.create_dir_all(&self.dir.join(format!("{folder:02x}")))?;
            }
            around(Point::DirSync, || self.disk.sync_dir(&self.dir))?;
            *made = true;
        }
        Ok(())
    }

    /// Makes the file at `path` appear whole.
    fn write(&self, path: &Path, bytes: &[u8], is_synced: bool) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("{NEW}{}", self.files.fetch_add(1, Ordering::Relaxed)));
        let new = PathBuf::from(name);
        self.disk.write(&new, bytes)?;
        if is_synced {
            around(Point::FileSync, || self.disk.sync_file(&new))?;
        }
        around(Point::FileRename, || self.disk.rename(&new, path))
    }

    fn is_whole(&self, digest: Digest, path: &Path) -> bool {
        self.read(digest, path).is_ok()
    }

    fn read(&self, digest: Digest, path: &Path) -> Result<Vec<u8>, Why> {
        match self.disk.read(path) {
            Ok(bytes) if Digest::of(&bytes) == digest => Ok(bytes),
            Ok(_) => Err(Why::Changed),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Why::Missing),
            Err(error) => Err(Why::Disk(error)),
        }
    }
}

/// Why a file does not hold its value.
#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("is missing")]
    Missing,
    #[error("is not what its name says")]
    Changed,
    #[error("cannot be read ({0})")]
    Disk(io::Error),
}

fn unreadable(digest: Digest, file: &Why, copy: &Why) -> JournalError {
    let name = digest.to_string();
    let (folder, rest) = name.split_at(2);
    JournalError::Damaged(format!("the large value `blobs/{folder}/{rest}` {file}, and its copy {copy}"))
}

/// Both change in one step, so what a panic leaves is fine.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

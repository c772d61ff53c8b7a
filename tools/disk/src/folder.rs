//! One folder that is granted.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::entries;
use crate::quota::{Change, Quota};

/// Bytes read at once.
pub const READ_BYTES_MAX: u32 = 1 << 20;
/// Entries listed at once.
pub const ENTRIES_MAX: u32 = 1_000;
/// Entries of one folder, or of a whole tree that is counted, that are looked at: a bound on the time it takes, and on how
/// many files and folders may lie in it after a change.
pub const WALK_MAX: usize = 100_000;
/// Bytes of the longest path.
const PATH_BYTES_MAX: usize = 1_024;
/// How files begin that are being written. They are not shown, and cannot be named.
pub(crate) const ASIDE: &str = ".playhouse-";

/// Why it did not work.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It leads out of the folder, or changing is not granted.
    #[error("it leads out of the folder, or is not granted")]
    Denied,
    /// There is no such file or folder.
    #[error("there is no such file or folder")]
    NotFound,
    /// A folder where a file is wanted, or the other way round, or neither.
    #[error("it is a folder where a file is wanted, a file where a folder is, or neither of them")]
    WrongKind,
    /// It is not the version that was expected.
    #[error("it was changed meanwhile")]
    Conflict,
    /// The quota is used up, or there is too much to look at.
    #[error("the folder's quota is used up, or it is too large")]
    Limit,
    /// The disk refused.
    #[error("the disk refused: {0}")]
    Io(io::Error),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::PermissionDenied => Self::Denied,
            ErrorKind::IsADirectory | ErrorKind::NotADirectory => Self::WrongKind,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::Limit,
            ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty => Self::Conflict,
            _ => Self::Io(error),
        }
    }
}

/// About one file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Last part of its path.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Bytes; 0 for a folder.
    pub size: u64,
    /// Milliseconds since 1970; 0 if unknown.
    pub modified_ms: u64,
    /// Changes whenever the content does, as finely as the file system keeps time.
    pub version: String,
}

impl Info {
    pub(crate) fn of(name: String, meta: &Metadata) -> Self {
        let size = if meta.is_dir() { 0 } else { meta.len() };
        let ms = meta.mtime().saturating_mul(1_000).saturating_add(meta.mtime_nsec() / 1_000_000);
        Self {
            name,
            is_folder: meta.is_dir(),
            size,
            modified_ms: u64::try_from(ms).unwrap_or(0),
            version: version(meta),
        }
    }
}

/// Inode, size and both times: a file that is replaced has another inode, one that is written into other times.
fn version(meta: &Metadata) -> String {
    let (ino, size) = (meta.ino(), meta.len());
    let (m, c) = ((meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec()));
    format!("{ino:x}-{size:x}-{:x}.{:x}-{:x}.{:x}", m.0, m.1, c.0, c.1)
}

/// A folder, opened.
#[derive(Debug)]
pub struct Folder {
    dir: Dir,
    /// Held while something is changed, so that what was checked still holds.
    quota: Mutex<Quota>,
}

impl Folder {
    /// Opens `path`, in which at most `quota_bytes` may lie after a change.
    ///
    /// # Errors
    /// If it is no folder, or cannot be opened.
    pub fn open(path: &Path, quota_bytes: u64) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self { dir, quota: Mutex::new(Quota::new(quota_bytes, WALK_MAX)) })
    }

    /// About `path`, which is relative; empty: the folder itself.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn stat(&self, path: &str) -> Result<Info, FileError> {
        let path = plain(path)?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let meta = match path.as_os_str().is_empty() {
            true => self.dir.dir_metadata(),
            false => self.dir.metadata(&path),
        };
        let meta = meta.map_err(escaped)?;
        if !meta.is_dir() && !meta.is_file() {
            return Err(FileError::WrongKind);
        }
        Ok(Info::of(name, &meta))
    }

    /// Bytes of all files in it and below. Links are not followed.
    ///
    /// # Errors
    /// [`FileError`]; `Limit` for more than [`WALK_MAX`] entries.
    pub fn bytes(&self) -> Result<u64, FileError> {
        Ok(entries::size(&self.dir)?.bytes)
    }

    /// What is in the folder `path`, by name, after the name `after`; at most `limit` and [`ENTRIES_MAX`]. What is
    /// neither file nor folder is left out, and so is what a link leads to outside.
    ///
    /// # Errors
    /// [`FileError`]; `Limit` for a folder of more than [`WALK_MAX`] entries.
    pub fn entries(&self, path: &str, after: Option<&str>, limit: u32) -> Result<Vec<Info>, FileError> {
        let path = plain(path)?;
        let dir = match path.as_os_str().is_empty() {
            true => self.dir.try_clone()?,
            false => self.dir.open_dir(&path).map_err(escaped)?,
        };
        entries::list(&dir, after, limit.min(ENTRIES_MAX))
    }

    /// Up to `max` bytes (and [`READ_BYTES_MAX`]) from `offset`. Fewer: the file ends there.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn read(&self, path: &str, offset: u64, max: u32) -> Result<Vec<u8>, FileError> {
        let mut file = self.file(&plain(path)?)?;
        file.seek(SeekFrom::Start(offset)).map_err(|_| FileError::Limit)?;
        let mut bytes = Vec::new();
        file.take(u64::from(max.min(READ_BYTES_MAX))).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Replaces the file with `content`, or makes it, with its folders. With `expected` only if its version is that; with
    /// an empty one only if there is no such file. Durable when it returns; the new version.
    ///
    /// # Errors
    /// [`FileError`]; nothing has changed then, but folders may have been made.
    pub fn write(&self, path: &str, content: &[u8], expected: Option<&str>) -> Result<String, FileError> {
        let path = plain(path)?;
        let name = path.file_name().ok_or(FileError::WrongKind)?.to_owned();
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.present(&path)?;
        match (expected, &old) {
            (None, _) => {}
            (Some(""), None) => {}
            (Some(expected), Some(meta)) if version(meta) == expected => {}
            _ => return Err(FileError::Conflict),
        }
        // A new file may need every folder that it lies in.
        let made = if old.is_some() { 0 } else { path.components().count() };
        let (old, new) = (old.map_or(0, |meta| meta.len()), content.len() as u64);
        let change = Change { old, new, made, gone: 0 };
        if !quota.allows(change, || entries::size(&self.dir))? {
            return Err(FileError::Limit);
        }
        if let Some(parent) = path.parent() {
            self.dir.create_dir_all(parent).map_err(escaped)?;
        }
        let dir = self.parent(&path)?;
        let aside = aside();
        let written = put(&dir, &aside, Path::new(&name), content);
        if written.is_err() {
            // What is left of it would only be in the way.
            let _ = dir.remove_file(&aside);
        }
        let version = written?;
        quota.changed(change);
        Ok(version)
    }

    /// Removes a file, or an empty folder; durable when it returns. A link is removed, not what it leads to.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn remove(&self, path: &str) -> Result<(), FileError> {
        let path = plain(path)?;
        if path.as_os_str().is_empty() {
            return Err(FileError::Denied);
        }
        let name = path.file_name().ok_or(FileError::WrongKind)?;
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = self.parent(&path)?;
        let meta = dir.symlink_metadata(name).map_err(escaped)?;
        if meta.is_dir() {
            dir.remove_dir(name).map_err(escaped)?;
        } else {
            dir.remove_file(name).map_err(escaped)?;
            quota.changed(Change { old: meta.len(), ..Change::default() });
        }
        quota.changed(Change { gone: 1, ..Change::default() });
        Ok(sync(&dir)?)
    }

    /// The file that is there now, if it is a plain one.
    fn present(&self, path: &Path) -> Result<Option<Metadata>, FileError> {
        match self.dir.metadata(path) {
            Ok(meta) if meta.is_file() => Ok(Some(meta)),
            Ok(_) => Err(FileError::WrongKind),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(escaped(error)),
        }
    }

    /// A plain file, opened for reading. Opening a pipe would wait for somebody to write into it, hence `NONBLOCK`.
    fn file(&self, path: &Path) -> Result<File, FileError> {
        if path.as_os_str().is_empty() {
            return Err(FileError::WrongKind);
        }
        let nonblock = OFlags::NONBLOCK.bits().cast_signed();
        let file = self
            .dir
            .open_with(path, OpenOptions::new().read(true).custom_flags(nonblock))
            .map_err(escaped)?;
        if !file.metadata()?.is_file() {
            return Err(FileError::WrongKind);
        }
        Ok(file)
    }

    /// The folder in which `path` lies. A name written there replaces a link instead of following it.
    fn parent(&self, path: &Path) -> Result<Dir, FileError> {
        match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            None => Ok(self.dir.try_clone()?),
            Some(parent) => self.dir.open_dir(parent).map_err(escaped),
        }
    }
}

/// Writes aside, syncs, renames, and syncs the folder: afterwards it is the old or the new file, whatever happens.
fn put(dir: &Dir, aside: &str, name: &Path, content: &[u8]) -> Result<String, FileError> {
    let mut file = dir.open_with(aside, OpenOptions::new().write(true).create_new(true))?;
    file.write_all(content)?;
    file.sync_all()?;
    dir.rename(aside, dir, name)?;
    // Renaming changes the second of its times.
    let version = version(&file.metadata()?);
    sync(dir)?;
    Ok(version)
}

/// Makes durable what `dir` holds. Its own descriptor is only a place, which cannot be synced.
fn sync(dir: &Dir) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::fsync(rustix::fs::openat(dir, ".", flags, Mode::empty())?)?)
}

fn aside() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{ASIDE}{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// `path` without anything that is no name.
fn plain(path: &str) -> Result<PathBuf, FileError> {
    if path.len() > PATH_BYTES_MAX || path.contains('\0') || path.starts_with('/') {
        return Err(FileError::Denied);
    }
    let mut plain = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) if name.to_string_lossy().starts_with(ASIDE) => {
                return Err(FileError::Denied);
            }
            Component::Normal(name) => plain.push(name),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(FileError::Denied);
            }
        }
    }
    Ok(plain)
}

/// An error of a path: what leads out is refused by the kernel, in one of several ways; so are links that go round in
/// circles, and sockets.
fn escaped(error: io::Error) -> FileError {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    match code {
        Some(Errno::XDEV | Errno::LOOP | Errno::NXIO) => FileError::Denied,
        _ => error.into(),
    }
}

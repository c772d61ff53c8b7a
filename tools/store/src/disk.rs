//! Files that are whole or not there: written aside, synced, renamed, and the folder synced.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What the name of a file begins with while it is being written. One that a crash left is swept by the next change.
pub(crate) const ASIDE: &str = ".new-";

/// A point between two steps of a change, where a crash finds the store. Tests stop there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The store is held, and nothing is done.
    Held,
    /// Bytes are in a file aside, not synced.
    Written(What),
    /// The file aside is synced.
    Synced(What),
    /// The file has its name.
    Renamed(What),
    /// Its name is synced.
    Settled(What),
    /// A file is gone that the lock no longer names.
    Swept,
}

/// Which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The component.
    Component,
    /// Its signatures.
    Signature,
    /// The lock.
    Lock,
}

/// Called at each [`Point`].
pub(crate) type Hook = Box<dyn Fn(Point) + Send + Sync>;

/// A failure of the file system.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}", path.display())]
pub struct FileError {
    /// `read`, `write` …
    pub doing: &'static str,
    /// Which file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

pub(crate) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError { doing, path, source }
}

/// All of a file, if it is there.
pub(crate) fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, FileError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed("open", path))?,
    };
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(failed("read", path))?;
    if bytes.len() as u64 > most {
        let long = io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes"));
        return Err(failed("read", path)(long));
    }
    Ok(Some(bytes))
}

/// Writes a file of mode 0644 so that at any moment there is all of the old one or all of the new one.
pub(crate) fn write(
    folder: &Path,
    name: &str,
    bytes: &[u8],
    what: What,
    at: &dyn Fn(Point),
) -> Result<(), FileError> {
    let (aside, path) = (folder.join(format!("{ASIDE}{name}")), folder.join(name));
    // Whoever holds the store is alone, so what lies there is left from a crash.
    remove(&aside)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(&aside).map_err(failed("create", &aside))?;
    // Whatever the mask of this process: the runtime may be another user.
    file.set_permissions(Permissions::from_mode(0o644)).map_err(failed("open for all", &aside))?;
    file.write_all(bytes).map_err(failed("write", &aside))?;
    at(Point::Written(what));
    file.sync_all().map_err(failed("sync", &aside))?;
    at(Point::Synced(what));
    fs::rename(&aside, &path).map_err(failed("replace", &path))?;
    at(Point::Renamed(what));
    sync_folder(folder)?;
    at(Point::Settled(what));
    Ok(())
}

/// Removes a file; one that is not there is removed already.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(failed("remove", path)),
    }
}

pub(crate) fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync", folder))
}

/// Makes a folder and those above it, so that they are there after a power cut too.
pub(crate) fn make_folder(folder: &Path) -> Result<(), FileError> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|path| !path.exists()).collect();
    fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
    for made in missing {
        // The parent of a plain name is the current folder.
        let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

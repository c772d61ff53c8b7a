//! One change of a store at a time, whichever process makes it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::disk::{FileError, failed};

/// The file that is locked. It stays: removing it would let two processes lock two files of one name.
pub(crate) const NAME: &str = ".tools.lock.held";

/// How often it is tried again: the system has no lock that is waited for so long and no longer.
const RETRY: Duration = Duration::from_millis(20);
/// Bytes of the longest note.
const NOTE_BYTES_MAX: u64 = 256;

/// The store, held. The system lets go of it when this is dropped or the process dies.
#[derive(Debug)]
pub(crate) struct Held {
    _file: File,
}

/// Why it is not held.
#[derive(Debug)]
pub(crate) enum NotHeld {
    File(FileError),
    /// Somebody else kept it all the time: what they say about themselves.
    Busy(String),
}

/// Holds the store in `folder` for `doing`, waiting at most so long.
pub(crate) fn hold(folder: &Path, doing: &str, wait: Duration) -> Result<Held, NotHeld> {
    let path: PathBuf = folder.join(NAME);
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(failed("open", &path)).map_err(NotHeld::File)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(NotHeld::File(failed("lock", &path)(error))),
            Err(TryLockError::WouldBlock) if wait <= begun.elapsed() => {
                return Err(NotHeld::Busy(note(&mut file)));
            }
            Err(TryLockError::WouldBlock) => thread::park_timeout(RETRY),
        }
    }
    // For whoever waits. The lock holds without it, so a full disk is no reason to stop here.
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| {
        file.write_all(format!("process {}, which wants to {doing}", std::process::id()).as_bytes())
    });
    Ok(Held { _file: file })
}

fn note(file: &mut File) -> String {
    let mut note = String::new();
    let read = file.rewind().and_then(|()| file.take(NOTE_BYTES_MAX).read_to_string(&mut note));
    let note: String = note.chars().filter(|c| !c.is_control()).collect();
    if read.is_err() || note.is_empty() { "another process".into() } else { note }
}

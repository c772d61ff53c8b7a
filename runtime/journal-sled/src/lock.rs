//! One process per data directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use crate::OpenError;

const FILE: &str = "lock";

/// Takes the lock of `dir`; it is held until the file is dropped, and by no crashed process.
pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    let failed = |error| OpenError::disk(dir, error);
    let mut options = OpenOptions::new();
    // Not truncated: until we hold the lock, the number in it is somebody else's.
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(dir.join(FILE)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::InUse { dir: dir.to_owned(), pid: pid(&mut file) });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let note = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    note(&mut file).map_err(failed)?;
    Ok(file)
}

/// Who holds the lock, as far as they said.
fn pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

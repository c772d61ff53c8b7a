//! Capabilities `files` (reading) and `files-write`: folders that are granted to this tool.
//!
//! A path begins with the name under which a folder is granted, `docs/a/b.txt`. A tool that calls [`write`], [`replace`],
//! [`create`] or [`remove`] imports `files-write`; any other function here imports `files`.

use crate::wire::{files as reading, files_write as writing};
use crate::{Error, Kind, Result};

pub use crate::bindings::playhouse::tool::files::Info;

/// Bytes of the largest file that [`read_all`] and [`read_to_string`] read: an instance has 64 MiB for everything.
pub const FILE_BYTES_MAX: u64 = 16 << 20;
/// Bytes of one [`read`], at most.
pub const READ_BYTES_MAX: u32 = 1 << 20;
/// Entries of one page of [`entries`], at most.
pub const PAGE_ENTRIES_MAX: u32 = 1_000;

/// Names under which folders are granted.
#[must_use]
pub fn roots() -> Vec<String> {
    reading::roots()
}

/// About one file or folder.
///
/// # Errors
/// [`NotFound`](Kind::NotFound), or why it cannot be looked at.
pub fn stat(path: &str) -> Result<Info> {
    reading::stat(path).map_err(|why| unread(path, why))
}

/// What is in a folder, by name, after the name `after`; at most `limit`, and at most [`PAGE_ENTRIES_MAX`].
///
/// # Errors
/// [`NotFound`](Kind::NotFound), or why it cannot be listed.
pub fn entries(path: &str, after: Option<&str>, limit: u32) -> Result<Vec<Info>> {
    reading::entries(path, after, limit).map_err(|why| unread(path, why))
}

/// Up to `max` bytes from `offset`; at most [`READ_BYTES_MAX`]. Fewer than asked for: the file ends there.
///
/// # Errors
/// [`NotFound`](Kind::NotFound), or why it cannot be read.
pub fn read(path: &str, offset: u64, max: u32) -> Result<Vec<u8>> {
    reading::read(path, offset, max).map_err(|why| unread(path, why))
}

/// The whole file.
///
/// # Errors
/// As [`read`]; [`Failed`](Kind::Failed), if it has more than [`FILE_BYTES_MAX`] bytes.
pub fn read_all(path: &str) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let part = read(path, all.len() as u64, READ_BYTES_MAX)?;
        all.extend_from_slice(&part);
        if part.len() < READ_BYTES_MAX as usize {
            return Ok(all);
        }
        if all.len() as u64 > FILE_BYTES_MAX {
            return Err(Error::failed(format!(
                "`{path}` has more than {FILE_BYTES_MAX} bytes: read a part of it"
            )));
        }
    }
}

/// The whole file as text.
///
/// # Errors
/// As [`read_all`]; [`InvalidInput`](Kind::InvalidInput), if it is not UTF-8.
pub fn read_to_string(path: &str) -> Result<String> {
    String::from_utf8(read_all(path)?)
        .map_err(|wrong| Error::invalid_input(format!("`{path}` is not text: {}", wrong.utf8_error())))
}

/// Replaces the whole file, or makes it, with its folders; durable when it returns. Returns the new version.
///
/// # Errors
/// Why it cannot be written.
pub fn write(path: &str, content: impl AsRef<[u8]>) -> Result<String> {
    write_if(path, content.as_ref(), None)
}

/// [`write`], only if the file still has this [`version`](Info::version).
///
/// # Errors
/// [`Conflict`](Kind::Conflict), if it was changed meanwhile; or why it cannot be written.
pub fn replace(path: &str, content: impl AsRef<[u8]>, version: &str) -> Result<String> {
    write_if(path, content.as_ref(), Some(version))
}

/// [`write`], only if there is no such file.
///
/// # Errors
/// [`Conflict`](Kind::Conflict), if there is one; or why it cannot be written.
pub fn create(path: &str, content: impl AsRef<[u8]>) -> Result<String> {
    write_if(path, content.as_ref(), Some(""))
}

fn write_if(path: &str, content: &[u8], version: Option<&str>) -> Result<String> {
    writing::write(path, content, version).map_err(|why| refused(path, as_read(why)))
}

/// Removes a file, or an empty folder.
///
/// # Errors
/// [`NotFound`](Kind::NotFound), or why it cannot be removed.
pub fn remove(path: &str) -> Result<()> {
    writing::remove(path).map_err(|why| refused(path, as_read(why)))
}

/// The two interfaces have the same errors, each its own: see the contract.
fn as_read(error: writing::Error) -> reading::Error {
    match error {
        writing::Error::Denied => reading::Error::Denied,
        writing::Error::NotFound => reading::Error::NotFound,
        writing::Error::WrongKind => reading::Error::WrongKind,
        writing::Error::Conflict => reading::Error::Conflict,
        writing::Error::Limit => reading::Error::Limit,
        writing::Error::Io => reading::Error::Io,
    }
}

/// [`refused`], and where something could be read: the names are no secret, for [`roots`] tells them.
fn unread(path: &str, error: reading::Error) -> Error {
    let denied = refused(path, error);
    if error != reading::Error::Denied {
        return denied;
    }
    let roots: Vec<_> = roots().into_iter().map(|root| format!("`{root}/`")).collect();
    let there =
        if roots.is_empty() { "none is".to_owned() } else { format!("granted: {}", roots.join(", ")) };
    Error::denied(format!("{}; {there}", denied.message))
}

fn refused(path: &str, error: reading::Error) -> Error {
    let (kind, message) = match error {
        reading::Error::Denied => (Kind::Denied, "is not in a folder that is granted for this"),
        reading::Error::NotFound => (Kind::NotFound, "does not exist"),
        reading::Error::WrongKind => {
            (Kind::InvalidInput, "is a folder where a file is wanted, or the other way round")
        }
        reading::Error::Conflict => {
            (Kind::Conflict, "was changed meanwhile, or exists already: read it again first")
        }
        reading::Error::Limit => (Kind::Failed, "is beyond a quota or the limits of one call"),
        reading::Error::Io => (Kind::Unavailable, "cannot be reached: the disk refused"),
    };
    Error::new(kind, format!("`{path}` {message}"))
}

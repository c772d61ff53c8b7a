//! Errors: for people who start a daemon ([`OpenError`]), and from the engine's words to the port's.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use playhouse_ports::JournalError;

/// Why a journal could not be opened: what happened, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("another playhouse ({}) uses {}: stop it, or choose another data directory", pid_text(.pid), .dir.display())]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The other process, if it left its number.
        pid: Option<u32>,
    },
    /// The path is something else.
    #[error("{} is not a directory: choose another data directory", .0.display())]
    NotADirectory(PathBuf),
    /// The file system refuses.
    #[error("cannot write to {}: give this user write access, or choose another data directory", .dir.display())]
    Unwritable {
        /// The data directory.
        dir: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// No room left.
    #[error("the disk of {} is full: free some space and start again; nothing acknowledged is lost", .dir.display())]
    Full {
        /// The data directory.
        dir: PathBuf,
    },
    /// What is on the disk cannot be read.
    #[error("the journal in {} is damaged: {what}. Keep a copy of the directory, then restore a backup or start with an empty one", .dir.display())]
    Damaged {
        /// The data directory.
        dir: PathBuf,
        /// What and where.
        what: String,
    },
    /// Anything else.
    #[error("the journal in {} cannot be opened: {what}", .dir.display())]
    Other {
        /// The data directory.
        dir: PathBuf,
        /// What the engine said.
        what: String,
    },
}

fn pid_text(pid: &Option<u32>) -> String {
    pid.map_or_else(|| "of unknown process number".to_owned(), |pid| format!("pid {pid}"))
}

impl OpenError {
    /// What the file system said about `dir`.
    pub(crate) fn disk(dir: &Path, source: io::Error) -> Self {
        let dir = dir.to_owned();
        match source.kind() {
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => Self::NotADirectory(dir),
            _ if is_full(&source) => Self::Full { dir },
            _ => Self::Unwritable { dir, source },
        }
    }

    /// What the start-up scan found in `dir`.
    pub(crate) fn journal(dir: &Path, error: JournalError) -> Self {
        let dir = dir.to_owned();
        match error {
            JournalError::Damaged(what) => Self::Damaged { dir, what },
            JournalError::Full(_) => Self::Full { dir },
            other => Self::Other { dir, what: other.to_string() },
        }
    }
}

/// Whether `error` means that there is no room: the device, a quota or a limit on file size.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// An error of the file system, for writers.
pub(crate) fn disk(error: io::Error) -> JournalError {
    if is_full(&error) {
        JournalError::Full(error.to_string())
    } else {
        JournalError::Unavailable(format!("the disk failed: {error}"))
    }
}

/// An error of the engine, for writers and readers.
pub(crate) fn engine(error: sled::Error) -> JournalError {
    match error {
        sled::Error::Io(error) => disk(error),
        error @ sled::Error::Corruption { .. } => JournalError::Damaged(error.to_string()),
        error => JournalError::Unavailable(error.to_string()),
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

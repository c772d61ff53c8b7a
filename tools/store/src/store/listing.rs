//! What is in the folder: the tools of the lock, and files that no entry names.

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
};

use playhouse_core::digest;

use crate::{
    bounds::COMPONENT_BYTES_MAX,
    claims::is_sha256,
    disk::{self, ASIDE, failed},
    error::StoreError,
    lock::{Entry, Lock},
    store::LOCK_NAME,
};

/// A tool of the lock, and whether its file fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What the lock says.
    pub entry: Entry,
    /// Where its component should be.
    pub file: PathBuf,
    /// What is there.
    pub state: State,
}

/// What was found in place of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The component.
    Whole,
    /// Nothing.
    Missing,
    /// Other bytes, with this SHA-256.
    Differs(String),
    /// Something that cannot be read, and why.
    Unreadable(String),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("is whole"),
            Self::Missing => f.write_str("is missing"),
            Self::Differs(sha256) => write!(f, "has other bytes than were installed (sha256 {sha256})"),
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
        }
    }
}

/// All that is in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The tools of the lock.
    pub tools: Vec<Listed>,
    /// Files of the store's form that no entry names: left by a crash, or by hand.
    pub strays: Vec<PathBuf>,
}

/// Files that only this store can have written, and that no entry names.
pub(super) fn strays(folder: &Path, lock: &Lock) -> Result<Vec<PathBuf>, StoreError> {
    let named: BTreeSet<String> =
        lock.entries().iter().flat_map(|entry| [entry.file(), signature_file(&entry.file())]).collect();
    let mut strays = Vec::new();
    for found in fs::read_dir(folder).map_err(failed("read", folder))? {
        let found = found.map_err(failed("read", folder))?;
        let Ok(name) = found.file_name().into_string() else { continue };
        let is_aside = name.strip_prefix(ASIDE).is_some_and(|of| of == LOCK_NAME || digits(of).is_some());
        if is_aside || !named.contains(&name) && is_ours(&found.path(), &name) {
            strays.push(found.path());
        }
    }
    strays.sort();
    Ok(strays)
}

pub(super) fn signature_file(component: &str) -> String {
    format!("{component}.minisig")
}

/// What is in place of the component with this digest.
pub(super) fn state(file: &Path, sha256: &str) -> State {
    match disk::read(file, COMPONENT_BYTES_MAX) {
        Err(error) => State::Unreadable(error.source.to_string()),
        Ok(None) => State::Missing,
        Ok(Some(bytes)) => match digest::of_bytes(&bytes) {
            found if found == sha256 => State::Whole,
            found => State::Differs(found),
        },
    }
}

/// The digits of the digest in a name of the store's form.
fn digits(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".minisig").unwrap_or(name).strip_suffix(".wasm")?;
    let (rest, digits) = stem.rsplit_once('-')?;
    let is_hex = digits.len() == 12 && is_sha256(&digits.repeat(6)[..64]);
    (is_hex && rest.contains('-')).then_some(digits)
}

/// Whether the store wrote this: its name has the form, and for a component says what the bytes are. A file that
/// somebody put there, or changed, is theirs.
fn is_ours(path: &Path, name: &str) -> bool {
    let Some(digits) = digits(name) else { return false };
    let is_signature = name.ends_with(".minisig");
    is_signature
        || disk::read(path, COMPONENT_BYTES_MAX)
            .is_ok_and(|bytes| bytes.is_some_and(|bytes| digest::of_bytes(&bytes).starts_with(digits)))
}

//! Listing and measuring folders.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::rc::Rc;

use cap_std::fs::Dir;

use crate::folder::{ASIDE, FileError, Info, WALK_MAX};
use crate::quota::Tally;

/// The first `limit` entries of `dir` after the name `after`, in the order of their names. Only as many are held as are
/// wanted, however many there are.
pub(crate) fn list(dir: &Dir, after: Option<&str>, limit: u32) -> Result<Vec<Info>, FileError> {
    let mut first = BTreeMap::new();
    for (seen, entry) in dir.entries()?.enumerate() {
        if seen >= WALK_MAX {
            return Err(FileError::Limit);
        }
        let entry = entry?;
        // A name that is no text cannot be asked for either.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with(ASIDE) || after.is_some_and(|after| name.as_str() <= after) {
            continue;
        }
        first.insert(name, entry);
        if first.len() > limit as usize {
            first.pop_last();
        }
    }
    // Links are followed as far as they stay inside; what is gone or leads out is left out.
    let info = |name: String| dir.metadata(&name).ok().map(|meta| (name, meta));
    let found = first.into_keys().filter_map(info);
    let wanted = found.filter(|(_, meta)| meta.is_dir() || meta.is_file());
    Ok(wanted.map(|(name, meta)| Info::of(name, &meta)).collect())
}

/// All files and folders below `dir`. Links are not followed. One folder is open at a time, however many there are: whoever
/// makes them could use up the descriptors of this process otherwise.
pub(crate) fn size(dir: &Dir) -> io::Result<Tally> {
    let here: Rc<Path> = Path::new(".").into();
    let (mut waiting, mut sum) = (vec![(here, OsString::from("."))], Tally::default());
    while let Some((above, name)) = waiting.pop() {
        let path: Rc<Path> = above.join(name).into();
        let folder = match dir.open_dir(&path) {
            // Somebody was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            folder => folder?,
        };
        for entry in folder.entries()? {
            sum.entries += 1;
            if sum.entries > WALK_MAX {
                return Err(io::Error::from(io::ErrorKind::QuotaExceeded));
            }
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                waiting.push((Rc::clone(&path), entry.file_name()));
            } else if kind.is_file() {
                match entry.metadata() {
                    // Gone meanwhile, and its bytes with it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    meta => sum.bytes = sum.bytes.saturating_add(meta?.len()),
                }
            }
        }
    }
    Ok(sum)
}

//! Going through folders.

use playhouse_tool::{Error, files as disk};

use crate::Output;
use crate::glob::Glob;

/// Paths of one list.
const LIST_MAX: usize = 500;
/// Files and folders that one call looks at.
const VISITS_MAX: usize = 2_000;
/// Folders inside each other.
const DEPTH_MAX: usize = 32;

/// What is in a folder, or what matches the glob below it.
pub(crate) fn list(path: &str, glob: Option<&str>) -> Result<Output, Error> {
    let (mut paths, mut more) = match glob {
        None => {
            if !disk::stat(path)?.is_folder {
                return Err(Error::invalid_input(format!("`{path}` is a file: read it, or list its folder")));
            }
            let entries = entries(path)?;
            let name =
                |info: disk::Info| format!("{path}/{}{}", info.name, if info.is_folder { "/" } else { "" });
            (entries.into_iter().map(name).collect::<Vec<_>>(), None)
        }
        Some(glob) => {
            let glob = Glob::parse(glob)?;
            let walk = below(path)?;
            (walk.files.into_iter().filter(|file| glob.matches(path, file)).collect(), walk.more)
        }
    };
    if paths.len() > LIST_MAX {
        more =
            Some(format!("{} more: list a folder below, or give a narrower `glob`", paths.len() - LIST_MAX));
        paths.truncate(LIST_MAX);
    }
    Ok(Output { paths: Some(paths), more, ..Output::default() })
}

/// Files below a folder, in order.
pub(crate) struct Walk {
    pub(crate) files: Vec<String>,
    /// What was not looked at, if anything.
    pub(crate) more: Option<String>,
}

/// All files below `path` (below all granted folders if it is empty), or `path` itself if it is one.
pub(crate) fn below(path: &str) -> Result<Walk, Error> {
    let mut files = Vec::new();
    let mut open: Vec<(String, usize)> = Vec::new();
    if path.is_empty() {
        open.extend(disk::roots().into_iter().rev().map(|root| (root, 0)));
    } else if disk::stat(path)?.is_folder {
        open.push((path.to_owned(), 0));
    } else {
        files.push(path.to_owned());
    }
    let mut visits = 0;
    while let Some((folder, depth)) = open.pop() {
        let mut folders = Vec::new();
        for info in entries(&folder)? {
            visits += 1;
            if visits > VISITS_MAX {
                let more =
                    format!("only the first {VISITS_MAX} files were looked at: give a `path` further down");
                return Ok(Walk { files, more: Some(more) });
            }
            let path = format!("{folder}/{}", info.name);
            if !info.is_folder {
                files.push(path);
            } else if depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            }
        }
        open.extend(folders.into_iter().rev());
    }
    Ok(Walk { files, more: None })
}

/// Everything in a folder, page by page; a folder of more than [`VISITS_MAX`] only as far.
fn entries(folder: &str) -> Result<Vec<disk::Info>, Error> {
    let mut all: Vec<disk::Info> = Vec::new();
    loop {
        let after = all.last().map(|info| info.name.clone());
        let page = disk::entries(folder, after.as_deref(), disk::PAGE_ENTRIES_MAX)?;
        let is_last = page.len() < disk::PAGE_ENTRIES_MAX as usize;
        all.extend(page);
        if is_last || all.len() > VISITS_MAX {
            return Ok(all);
        }
    }
}

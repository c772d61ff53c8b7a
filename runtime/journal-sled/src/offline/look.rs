//! A disk that is only looked at.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use crate::disk::{Appender, Disk, RealDisk};

/// The machine's own disk, on which every change is taken for done and left out: what heals itself while it is
/// read (a large value, the key ring) must not do so under somebody who wants to see how things are.
#[derive(Debug, Clone, Copy)]
pub(super) struct LookOnly;

impl Disk for LookOnly {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        RealDisk.read(path)
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        RealDisk.len(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(dir)
    }

    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Appender>> {
        let what = format!("{} is only looked at", path.display());
        Err(io::Error::new(ErrorKind::ReadOnlyFilesystem, what))
    }

    fn write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync_file(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, _: &Path, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn free(&self, dir: &Path) -> io::Result<u64> {
        RealDisk.free(dir)
    }

    fn reserve(&self, _: &Path, _: u64) -> io::Result<()> {
        Ok(())
    }
}

//! The disk as one life of the process reaches it: with errors, and for nothing once that life is over.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use playhouse_journal_sled::{Appender, Disk};

use super::{Node, SimDisk, missing};
use crate::world::Process;

/// The disk of one life.
#[derive(Clone)]
pub(crate) struct ProcessDisk {
    disk: SimDisk,
    process: Process,
}

/// A file that grows at its end.
#[derive(Debug)]
struct SimAppender {
    file: usize,
    disk: ProcessDisk,
}

impl std::fmt::Debug for ProcessDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ProcessDisk").field(&self.process.number()).finish()
    }
}

impl ProcessDisk {
    /// The world's disk, as `process` reaches it.
    pub(crate) fn new(process: &Process) -> Self {
        Self { disk: process.world.disk.clone(), process: process.clone() }
    }

    /// Refuses the dead, and now and then the living.
    fn reach(&self, what: &str, path: &Path) -> io::Result<()> {
        if !self.process.is_alive() {
            return Err(io::Error::other("the process is dead"));
        }
        self.process.note(format_args!("disk {what} {}", path.display()));
        self.fails("EIO", io::Error::other("input/output error"))
    }

    fn fails(&self, name: &str, error: io::Error) -> io::Result<()> {
        if self.process.fails(self.process.world.plan.rates.disk_error) {
            self.process.note(format_args!("disk {name}"));
            return Err(error);
        }
        Ok(())
    }

    /// Whether there is room; if not, how much of `len` bytes still fits.
    fn room(&self, len: usize) -> Result<(), usize> {
        match self.fails("ENOSPC", io::Error::from(ErrorKind::StorageFull)) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.process.world.chance(|rng| rng.usize(..=len))),
        }
    }

    fn sync(&self, file: usize) -> io::Result<()> {
        let synced = self.reach("sync", Path::new(""));
        let state = &mut *self.disk.lock();
        match &synced {
            Ok(()) if state.sync_lies => {}
            Ok(()) => state.files[file].sync(),
            Err(_) if self.process.is_alive() => state.files[file].give_up(),
            Err(_) => {}
        }
        synced
    }
}

impl Disk for ProcessDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.reach("read", path)?;
        self.disk.lock().file(path).map(|file| file.bytes.clone())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.reach("list", dir)?;
        let state = self.disk.lock();
        if state.names.get(dir) != Some(&Node::Dir) {
            return Err(missing(dir));
        }
        let here = state.names.keys().filter(|name| name.parent() == Some(dir));
        Ok(here.filter_map(|name| Some(name.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.reach("create_dir_all", dir)?;
        self.disk.lock().create_dir_all(dir);
        Ok(())
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Appender>> {
        self.reach("open", path)?;
        let file = self.disk.lock().file_or_new(path)?;
        Ok(Box::new(SimAppender { file, disk: self.clone() }))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.reach("write", path)?;
        let fits = self.room(bytes.len());
        let mut state = self.disk.lock();
        let file = state.file_or_new(path)?;
        state.files[file].replace(&bytes[..fits.err().unwrap_or(bytes.len())]);
        fits.map_err(|_| ErrorKind::StorageFull.into())
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let node = self.disk.lock().names.get(path).copied();
        let Some(Node::File(file)) = node else { return Err(missing(path)) };
        self.sync(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.reach("rename", to)?;
        self.disk.lock().rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.reach("sync_dir", dir)?;
        self.disk.lock().sync_dir(dir);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.reach("remove", path)?;
        self.disk.lock().remove(path);
        Ok(())
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.reach("truncate", path)?;
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.disk.lock().file(path)?.set_len(len);
        Ok(())
    }

    fn reserve(&self, path: &Path, len: u64) -> io::Result<()> {
        self.reach("reserve", path)?;
        let len = usize::try_from(len).map_err(io::Error::other)?;
        let mut state = self.disk.lock();
        let file = state.file_or_new(path)?;
        if state.files[file].bytes.len() < len {
            state.files[file].set_len(len);
        }
        Ok(())
    }
}

impl Appender for SimAppender {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.reach("append", Path::new(""))?;
        let fits = self.disk.room(bytes.len());
        let mut state = self.disk.disk.lock();
        state.files[self.file].append(&bytes[..fits.err().unwrap_or(bytes.len())]);
        fits.map_err(|_| ErrorKind::StorageFull.into())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.sync(self.file)
    }

    fn len(&self) -> u64 {
        self.disk.disk.lock().files[self.file].bytes.len() as u64
    }
}

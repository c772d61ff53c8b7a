//! Space kept for the day the disk is full, so that running tasks can park or finish.
//!
//! When a write finds no room, the space is given back, once, and a note says so. Until there is twice as much
//! room again, no new task is taken in.

use std::{io, path::PathBuf, sync::Arc};

use crate::disk::Disk;

const FILE: &str = "ballast";
const SPENT: &str = "ballast.spent";

/// A file that takes up space until it is needed.
#[derive(Debug)]
pub(crate) struct Ballast {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    bytes: u64,
}

impl Ballast {
    /// `bytes` in the directory `dir`; none for 0.
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, bytes: u64) -> Self {
        Self { disk, dir, bytes }
    }

    /// Whether the space was needed and has not come back.
    pub(crate) fn is_spent(&self) -> bool {
        0 < self.bytes && self.disk.len(&self.dir.join(SPENT)).is_ok()
    }

    /// Takes up the space, if it is not yet. `false` if there is not enough.
    pub(crate) fn keep(&self) -> bool {
        let path = self.dir.join(FILE);
        if self.bytes == 0 || self.disk.len(&path).is_ok_and(|len| len == self.bytes) {
            return true;
        }
        // Twice as much, or the first write after this would find the disk full again.
        let has_room = self.disk.free(&self.dir).is_ok_and(|free| self.bytes.saturating_mul(2) <= free);
        let kept = if has_room {
            self.disk.reserve(&path, self.bytes)
        } else {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        if let Err(error) = kept.and_then(|()| self.disk.remove(&self.dir.join(SPENT))) {
            tracing::warn!(%error, bytes = self.bytes, "no space is kept in reserve");
            // What was got of it is worth more to others.
            let _ = self.disk.remove(&path);
            return false;
        }
        true
    }

    /// Gives the space to whoever needs it.
    pub(crate) fn spend(&self) {
        if self.bytes == 0 {
            return;
        }
        let freed = self.disk.remove(&self.dir.join(FILE));
        if let Err(error) = freed.and_then(|()| self.disk.write(&self.dir.join(SPENT), b"")) {
            tracing::warn!(%error, "the space kept in reserve cannot be given back");
        }
    }
}

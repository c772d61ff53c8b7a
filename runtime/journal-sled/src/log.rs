//! The log: every commit, in order, in segments. It is the truth; the index follows it.
//!
//! A commit is durable once its frame is written and synced. The same bytes also go, unsynced, to a second
//! file (`copy`) that holds what was committed since the index was last made durable: until then they would
//! be in the log alone, and a damaged byte near its end would be a loss.

mod read;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use playhouse_ports::crash::{Point, around};

pub(crate) use read::{Walk, cleaned, first_frame, segments, walk};

use crate::{
    disk::{Appender, Disk},
    frame::{self, At},
    index::EditRef,
    sums::Sums,
};

/// A segment is closed once it has this many bytes, unless the options say otherwise: small enough to be read at
/// once.
pub(crate) const SEGMENT_BYTES: u64 = 16 << 20;
/// Beside the segments.
const COPY: &str = "copy";

pub(crate) fn segment_name(number: u32) -> String {
    format!("{number:08}.log")
}

/// A log open for writing.
#[derive(Debug)]
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// The oldest segment, and the one that is written.
    first: u32,
    number: u32,
    file: Box<dyn Appender>,
    /// `None` once it failed; it is a second copy only.
    copy: Option<Box<dyn Appender>>,
    /// Bytes in closed segments.
    closed: u64,
    at: At,
    buffer: Vec<u8>,
    /// A segment is closed once it has so many bytes.
    segment_bytes: u64,
}

impl Log {
    /// Opens the log in `dir`, of segments `first` to `number`, whose last frame is `at`; `closed` bytes are in those
    /// before the last.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        (first, number): (u32, u32),
        closed: u64,
        at: At,
    ) -> io::Result<Self> {
        let file = disk.open_append(&dir.join(segment_name(number)))?;
        let copy = disk.open_append(&dir.join(COPY)).ok();
        let dir = dir.to_owned();
        let segment_bytes = SEGMENT_BYTES;
        Ok(Self { disk, dir, first, number, file, copy, closed, at, buffer: Vec::new(), segment_bytes })
    }

    /// Begins a log in the new directory `dir`; its first commit follows `base`.
    pub(crate) fn create(disk: Arc<dyn Disk>, dir: &Path, base: At) -> io::Result<Self> {
        disk.create_dir_all(dir)?;
        Self::open(disk, dir, (1, 1), 0, base)
    }

    /// The same with segments of another size.
    pub(crate) fn with_segments(self, segment_bytes: u64) -> Self {
        Self { segment_bytes, ..self }
    }

    /// Where it ends.
    pub(crate) fn at(&self) -> At {
        self.at
    }

    /// Bytes in all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.closed + self.file.len()
    }

    /// Bytes in segments that are not written any more.
    pub(crate) fn closed_bytes(&self) -> u64 {
        self.closed
    }

    /// The file of the closed segment that has `skip` older ones before it, if there is one.
    pub(crate) fn closed_segment(&self, skip: u32) -> Option<PathBuf> {
        let number = self.first + skip;
        (number < self.number).then(|| self.dir.join(segment_name(number)))
    }

    /// The oldest segment, of `bytes`, is gone.
    pub(crate) fn forget_oldest(&mut self, bytes: u64) {
        self.first += 1;
        self.closed -= bytes;
    }

    /// Appends the next commit. It is not durable before [`Log::sync`]; after an error nobody knows.
    pub(crate) fn append<'a>(
        &mut self,
        edits: impl Iterator<Item = EditRef<'a>>,
        sums: Sums,
    ) -> io::Result<At> {
        if self.segment_bytes <= self.file.len() {
            around(Point::LogRoll, || self.roll())?;
        }
        let at = frame::encode(&mut self.buffer, self.at, edits, sums);
        around(Point::LogAppend, || self.file.write_all(&self.buffer))?;
        if let Some(copy) = &mut self.copy
            && let Err(error) = copy.write_all(&self.buffer)
        {
            tracing::warn!(%error, "the second copy of recent commits cannot be written");
            self.copy = None;
        }
        self.at = at;
        Ok(at)
    }

    /// Makes all commits durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        around(Point::LogSync, || self.file.sync())
    }

    fn roll(&mut self) -> io::Result<()> {
        around(Point::LogSync, || self.file.sync())?;
        let next = self.disk.open_append(&self.dir.join(segment_name(self.number + 1)))?;
        around(Point::DirSync, || self.disk.sync_dir(&self.dir))?;
        self.closed += self.file.len();
        self.number += 1;
        self.file = next;
        Ok(())
    }

    /// The index holds everything durably: the second copy begins anew.
    pub(crate) fn forget_copy(&mut self) {
        let path = self.dir.join(COPY);
        self.copy = None;
        let reopened = self.disk.remove(&path).and_then(|()| self.disk.open_append(&path));
        match reopened {
            Ok(copy) => self.copy = Some(copy),
            Err(error) => tracing::warn!(%error, "recent commits have no second copy for now"),
        }
    }
}

#[cfg(test)]
mod tests;

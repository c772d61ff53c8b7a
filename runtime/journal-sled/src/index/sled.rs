//! The index on sled `=0.34.7`, fenced in.
//!
//! sled's `flush()` does not fsync, so [`Index::flush`] calls `fdatasync` on sled's file itself. Pages above a
//! quarter of a segment spill into files that sled never syncs: segments are 4 MiB, values at most 32 KiB.

use std::{
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use playhouse_ports::JournalError;

use super::{EditRef, Index, Order, Row};
use crate::error::{disk, engine, panic_text};

/// sled spills pages above a quarter of a segment into files it never syncs; at this size none gets there. Larger
/// ones take more disk: sled always has several that are nearly empty.
const SEGMENT_BYTES: usize = 4 << 20;
/// What segments had in indexes that were made earlier. It cannot be changed in one that exists.
const SEGMENT_BYTES_BEFORE: usize = 8 << 20;
/// sled writes what it buffers, and collects garbage, at this pace: one segment each time. Under churn of 10 MB/s it
/// then takes 1.8 times what lives; collected every 50 ms, 2.3 times, and every 500 ms, ten times and more, for it falls
/// ever further behind. Not durability: that is the log's.
const FLUSH_EVERY_MS: u64 = 25;

/// How long an attempt to open that has failed may hold its lock: its threads end within some milliseconds.
const LET_GO_TRIES: u32 = 100;
const LET_GO_WAIT: Duration = Duration::from_millis(10);

/// An open sled.
#[derive(Debug)]
pub(crate) struct SledIndex {
    db: sled::Db,
    /// Our own descriptor of sled's file.
    file: File,
    path: PathBuf,
}

/// What came of opening: this sled panics on some damage.
type Opened = thread::Result<sled::Result<sled::Db>>;

/// Why sled did not open.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Somebody of this process is about to let go of it.
    Busy,
    /// The file system refuses.
    Io(io::Error),
    /// It cannot read what is there.
    Damaged(String),
}

impl SledIndex {
    /// Opens or makes the sled in `path`. This sled panics on some damage; that is damage too.
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Result<Self, Refusal> {
        let config = sled::Config::new()
            .path(path)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(cache_bytes);
        let open = |segments| catch_unwind(AssertUnwindSafe(|| config.clone().segment_size(segments).open()));
        let opened = match open(SEGMENT_BYTES) {
            Ok(Err(sled::Error::Unsupported(_))) => once_free(|| open(SEGMENT_BYTES_BEFORE)),
            opened => opened,
        };
        let db = match opened {
            Ok(Ok(db)) => db,
            Ok(Err(sled::Error::Io(error))) if is_leftover(&error) => return Err(Refusal::Busy),
            Ok(Err(sled::Error::Io(error))) if is_of_the_disk(&error) => return Err(Refusal::Io(error)),
            Ok(Err(error)) => return Err(Refusal::Damaged(error.to_string())),
            Err(panic) => return Err(Refusal::Damaged(panic_text(&*panic).to_owned())),
        };
        let file = File::open(path.join("db")).map_err(Refusal::Io)?;
        Ok(Self { db, file, path: path.to_owned() })
    }

    /// Makes durable what sled created without syncing: its settings, and its names.
    pub(crate) fn settle(&self) -> io::Result<()> {
        // crash: the index can always be made again from the log.
        File::open(self.path.join("conf"))?.sync_all()?;
        self.file.sync_all()?;
        File::open(&self.path)?.sync_all() // crash: the same.
    }
}

/// Opens again while the attempt before has not let go of its lock, which it does a moment after it has failed.
#[expect(clippy::disallowed_methods, reason = "threads of sled that nobody can wait for hold the lock")]
fn once_free(open: impl Fn() -> Opened) -> Opened {
    let mut opened = open();
    for _ in 0..LET_GO_TRIES {
        match &opened {
            Ok(Err(sled::Error::Io(error))) if is_leftover(error) => thread::sleep(LET_GO_WAIT),
            _ => break,
        }
        opened = open();
    }
    opened
}

fn is_leftover(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Other && error.to_string().contains("could not acquire lock")
}

/// Whether a new index in another directory would fail as well.
fn is_of_the_disk(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), FileTooLarge | PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

/// Runs what may panic in a damaged sled.
fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, JournalError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(engine),
        Err(panic) => Err(JournalError::Damaged(format!("the index panicked: {}", panic_text(&*panic)))),
    }
}

impl Index for SledIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, JournalError> {
        guarded(|| self.db.get(key)).map(|value| value.map(|value| value.to_vec()))
    }

    fn some(&self, from: &[u8], to: &[u8], order: Order, max: usize) -> Result<Vec<Row>, JournalError> {
        let own = |(key, value): (sled::IVec, sled::IVec)| (key.to_vec(), value.to_vec());
        guarded(|| {
            let rows = self.db.range(from..to).map(|row| row.map(own));
            match order {
                Order::Up => rows.take(max).collect(),
                Order::Down => rows.rev().take(max).collect(),
            }
        })
    }

    fn apply(&self, edits: &mut dyn Iterator<Item = EditRef<'_>>) -> Result<(), JournalError> {
        let mut batch = sled::Batch::default();
        for (key, value) in edits {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        guarded(|| self.db.apply_batch(batch))
    }

    fn flush(&self) -> Result<(), JournalError> {
        // Writes the buffers and starts write-back, but does not wait for the disk…
        guarded(|| self.db.flush())?;
        // …so we do.
        // crash: whoever flushes an index stands at `index-sync`.
        self.file.sync_data().map_err(disk)
    }

    fn disk_bytes(&self) -> u64 {
        self.db.size_on_disk().unwrap_or(0)
    }

    fn spilled(&self) -> usize {
        std::fs::read_dir(self.path.join("blobs")).map_or(0, Iterator::count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_with_segments_of_the_size_they_had_before_still_opens() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("sled");
        let before =
            sled::Config::new().path(&path).segment_size(SEGMENT_BYTES_BEFORE).open().expect("sled opens");
        before.insert(b"k", b"v").expect("sled takes a row");
        before.flush().expect("sled flushes");
        drop(before);
        let index = SledIndex::open(&path, 1 << 20).expect("it opens as it is");
        assert_eq!(index.get(b"k").expect("a row"), Some(b"v".to_vec()));
    }
}

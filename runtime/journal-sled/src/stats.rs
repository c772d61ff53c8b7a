//! Numbers about a journal at work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// What operators look at, and a watchdog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Commands that wait for a commit.
    pub waiting: usize,
    /// Bytes on disk: log and index.
    pub disk_bytes: u64,
    /// Bytes of all keys and values there are.
    pub live_bytes: u64,
    /// Which generation of files this is; a new one begins when too much of the old is waste.
    pub generation: u64,
    /// Segments of the log that were cleaned by this process: what still counted in them was written again.
    pub cleaned: u64,
    /// Number of the last commit.
    pub commits: u64,
    /// Commands in the commits of this process; divided by `groups`, how many share one sync.
    pub commands: u64,
    /// Commits of this process.
    pub groups: u64,
    /// When the last sync of the log succeeded, in milliseconds since 1970; 0 before the first. While
    /// `waiting` is not 0, it must go up.
    pub synced_ms: u64,
    /// How long that sync took, in microseconds.
    pub sync_us: u64,
    /// Whether the disk was full and the reserve is spent: new tasks are refused, running ones go on.
    pub is_full: bool,
    /// Values that sled spilled into files it never syncs. Anything but 0 is a bug.
    pub blobs: usize,
}

/// The same, as the committer keeps it.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) disk_bytes: AtomicU64,
    pub(crate) live_bytes: AtomicU64,
    pub(crate) generation: AtomicU64,
    pub(crate) cleaned: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) commands: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) synced_ms: AtomicU64,
    pub(crate) sync_us: AtomicU64,
    pub(crate) is_full: AtomicBool,
}

impl Numbers {
    pub(crate) fn stats(&self, waiting: usize, blobs: usize) -> Stats {
        Stats {
            waiting,
            disk_bytes: self.disk_bytes.load(Relaxed),
            live_bytes: self.live_bytes.load(Relaxed),
            generation: self.generation.load(Relaxed),
            cleaned: self.cleaned.load(Relaxed),
            commits: self.commits.load(Relaxed),
            commands: self.commands.load(Relaxed),
            groups: self.groups.load(Relaxed),
            synced_ms: self.synced_ms.load(Relaxed),
            sync_us: self.sync_us.load(Relaxed),
            is_full: self.is_full.load(Relaxed),
            blobs,
        }
    }
}

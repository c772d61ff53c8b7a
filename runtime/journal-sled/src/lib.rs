//! Journal and Context on sled `=0.34.7`, fenced in.
//!
//! ```text
//!  append ──┐ encoded   ┌──────────── committer thread ─────────────┐
//!  pin    ──┼──inbox───▶│ group → stage → apply_batch → flush       │──▶ answers
//!  touch  ──┘ (bounded) │                 → fdatasync(<db>/db)      │
//!                       └──────────────────┬────────────────────────┘
//!  read, heads, sessions ◀── spawn_blocking ┘ owns the engine
//! ```
//!
//! What the fence keeps out:
//! - **`flush()` of this sled does not fsync.** It writes and starts write-back, no more. The committer
//!   therefore calls `fdatasync` on the log file itself, through a descriptor of its own, before it answers.
//! - **Big pages spill into files that sled never syncs.** Segments are 8 MiB and no value is larger than
//!   32 KiB (larger ones are stored in pieces), so a leaf of 17 values stays far below the 2 MiB where
//!   spilling starts. [`Stats::blobs`] must stay 0.
//! - **A failed fsync must not be retried:** the kernel has dropped the pages and the second call lies. The
//!   first error ends the committer; whoever owns it opens the journal again, which reads what really is
//!   on the disk.
//! - **Nobody else checks integrity for us.** Every value is an envelope with a checksum over all of it, and
//!   is refused ([`JournalError::Damaged`](playhouse_ports::JournalError)) if it is not what its key says.
//! - **Damage near the end of the log is taken for a torn write**, and what follows is forgotten. Commits are
//!   numbered, and the number noted outside the engine, so that a start notices (`mark`).
//!
//! A read may see a commit an instant before it is durable. The one read that a promise to a client hangs
//! on, `submission`, waits for durability.
//!
//! Nothing here repairs, mirrors or compacts yet.

mod committer;
mod context;
mod disk;
mod envelope;
mod error;
mod index;
mod journal;
mod keys;
mod lock;
mod mark;
mod open;
mod pieces;
mod stage;
mod store;
mod values;
mod writes;

pub use committer::Committer;
pub use disk::{Appender, Disk, RealDisk};
pub use error::OpenError;
pub use index::{Index, MemoryIndex};
pub use journal::{SledJournal, Stats};
pub use open::Options;

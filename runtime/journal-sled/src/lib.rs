//! Journal and Context: a log that is the truth, and sled `=0.34.7` as its index.
//!
//! ```text
//!  append ──┐ encoded   ┌──────────────────── committer ─────────────────────┐
//!  pin    ──┼──inbox───▶│ group → stage → one frame → log, fdatasync          │──▶ answers
//!  touch  ──┘ (bounded) │                    └──────▶ index (in memory)       │
//!                       │  now and then: index durable · scan · new generation │
//!                       └──────────────────┬──────────────────────────────────┘
//!  read, heads, sessions ◀─────────────────┘ index, and open tasks in memory
//! ```
//!
//! - **A commit is one frame in the log**, chained to the one before by SHA-256, and answered once it is synced.
//!   The index follows; what it had not made durable is replayed from the log when the journal is opened.
//! - **Either heals the other** ([`recover`]). An index that does not open, does not add up or lacks a record is
//!   made again from the log. A damaged log is replaced by a new one made from the index. Only what neither
//!   holds makes the journal refuse to open, and it says what is lost.
//! - **Nobody else checks integrity for us.** Every value is an envelope with a checksum; the records of a task
//!   are a chain of hashes; the rows that start-up relies on must add up ([`sums`]). A reader that finds damage
//!   ends the committer, and opening the journal again heals it.
//! - **A failed fsync must not be retried:** the kernel has dropped the pages and the second call lies. The
//!   first error ends the committer; whoever owns it opens the journal again, which reads what really is
//!   on the disk.
//! - **Space comes back** ([`due`]): the log is cleaned segment by segment, oldest first; what still counts is written
//!   again at its end. An index that is mostly past is made anew, with a new log ([`generation`]).

mod ballast;
mod cas;
mod committer;
mod context;
mod disk;
mod draft;
mod due;
mod engine;
mod envelope;
mod error;
mod frame;
mod generation;
mod index;
mod journal;
mod keyring;
mod keys;
mod lock;
mod log;
mod mark;
mod master;
mod migrate;
pub mod offline;
mod open;
mod pieces;
mod place;
mod recover;
mod scan;
mod scrub;
mod seal;
mod segment;
mod stage;
mod stats;
mod store;
mod sums;
mod values;
mod vault;
mod view;
mod whole;
mod writes;

pub use cas::{BadDigest, Cas, Digest, Health};
pub use committer::Committer;
pub use disk::{Appender, Disk, RealDisk};
pub use error::OpenError;
pub use journal::SledJournal;
pub use keyring::{Keyring, KeyringError};
pub use master::{BadMasterKey, MasterKey};
pub use open::Options;
pub use seal::{KeyId, SealError, TenantKey};
pub use stats::Stats;

//! Rows by key: what the log amounts to, ready to be asked. It can always be made again from the log.

mod memory;
mod sled;

use std::fmt;

use playhouse_ports::JournalError;

pub use memory::MemoryIndex;
pub(crate) use sled::{Refusal, SledIndex};

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A change of one row; `None` removes it.
pub type Edit = (Vec<u8>, Option<Vec<u8>>);

/// Rows as they come, or what went wrong with one.
pub type Rows<'a> = Box<dyn DoubleEndedIterator<Item = Result<Row, JournalError>> + Send + 'a>;

/// Ordered rows. Every call blocks; reads may run beside one writer.
pub trait Index: fmt::Debug + Send + Sync + 'static {
    /// The value at `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, JournalError>;

    /// Rows from `from` up to, but not with, `to`, in order of keys. Rows that change meanwhile may be seen
    /// either way.
    fn range(&self, from: &[u8], to: &[u8]) -> Rows<'_>;

    /// Makes `edits`, all of them or none. Not durable before [`Index::flush`].
    fn apply(&self, edits: Vec<Edit>) -> Result<(), JournalError>;

    /// Makes everything applied so far durable.
    fn flush(&self) -> Result<(), JournalError>;

    /// Bytes on disk.
    fn disk_bytes(&self) -> u64;

    /// Values that were spilled into files that are never synced. Anything but 0 is a bug.
    fn spilled(&self) -> usize {
        0
    }
}

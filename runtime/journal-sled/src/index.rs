//! Rows by key: what the log amounts to, ready to be asked. It can always be made again from the log.

mod memory;
mod packed;
mod recent;
mod sled;

use std::{fmt, vec};

use playhouse_ports::JournalError;

pub(crate) use memory::MemoryIndex;
pub(crate) use packed::Packed;
pub(crate) use recent::Recent;
pub(crate) use sled::{Refusal, SledIndex};

use crate::keys::Key;

/// A key and its value.
pub(crate) type Row = (Key, Vec<u8>);

/// A change of one row; `None` removes it.
pub(crate) type Edit = (Key, Option<Vec<u8>>);

/// The same, borrowed.
pub(crate) type EditRef<'a> = (&'a [u8], Option<&'a [u8]>);

/// `edits`, borrowed.
pub(crate) fn borrowed<'a>(edits: impl IntoIterator<Item = &'a Edit>) -> impl Iterator<Item = EditRef<'a>> {
    edits.into_iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
}

/// Which way a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Up,
    Down,
}

/// Ordered rows. Every call blocks; reads may run beside one writer.
pub(crate) trait Index: fmt::Debug + Send + Sync + 'static {
    /// The value at `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, JournalError>;

    /// The first `max` rows, in `order`, of those from `from` up to, but not with, `to`; none only if there
    /// are none. [`Rows`] goes on from there.
    fn some(&self, from: &[u8], to: &[u8], order: Order, max: usize) -> Result<Vec<Row>, JournalError>;

    /// Makes `edits`, all of them or none. Not durable before [`Index::flush`].
    fn apply(&self, edits: &mut dyn Iterator<Item = EditRef<'_>>) -> Result<(), JournalError>;

    /// Does some of the work that [`Index::apply`] put off, if it did, while nobody waits.
    fn catch_up(&self) -> Result<(), JournalError> {
        Ok(())
    }

    /// Makes everything applied so far durable.
    fn flush(&self) -> Result<(), JournalError>;

    /// Bytes on disk.
    fn disk_bytes(&self) -> u64;

    /// Values that were spilled into files that are never synced. Anything but 0 is a bug.
    fn spilled(&self) -> usize {
        0
    }
}

/// Rows read at once by who wants many of them; the first time few, since most want one.
const SOME_FIRST: usize = 4;
const SOME_MAX: usize = 64;

/// All rows of a range. Rows that change meanwhile may be seen either way.
pub(crate) struct Rows<'a> {
    index: &'a dyn Index,
    from: Key,
    to: Key,
    order: Order,
    /// What was read and not taken yet, and how much to read next.
    read: vec::IntoIter<Row>,
    next: usize,
}

impl<'a> Rows<'a> {
    /// Rows from `from` up to, but not with, `to`, in `order`.
    pub(crate) fn of(index: &'a dyn Index, from: &[u8], to: &[u8], order: Order) -> Self {
        let (from, to) = (from.to_vec(), to.to_vec());
        Self { index, from, to, order, read: Vec::new().into_iter(), next: SOME_FIRST }
    }

    fn read_on(&mut self) -> Result<(), JournalError> {
        if self.to <= self.from {
            return Ok(());
        }
        let rows = self.index.some(&self.from, &self.to, self.order, self.next)?;
        self.next = (2 * self.next).min(SOME_MAX);
        match (rows.last(), self.order) {
            (None, _) => self.from.clone_from(&self.to),
            (Some((last, _)), Order::Down) => self.to.clone_from(last),
            (Some((last, _)), Order::Up) => {
                self.from.clone_from(last);
                // The first key behind it.
                self.from.push(0);
            }
        }
        self.read = rows.into_iter();
        Ok(())
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.read.len() == 0
            && let Err(error) = self.read_on()
        {
            return Some(Err(error));
        }
        self.read.next().map(Ok)
    }
}

#[cfg(test)]
mod tests;

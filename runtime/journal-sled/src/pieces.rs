//! Large values in small pieces.
//!
//! sled keeps up to 17 values in a page and writes pages above 2 MiB (at our segment size) into files that
//! it never syncs. Pieces of 32 KiB keep every page below 600 KiB.

use std::iter::Peekable;

use playhouse_ports::JournalError;

use crate::{
    error::engine,
    keys::{self, Key},
    values::damaged,
};

/// Largest value handed to sled, in bytes.
pub(crate) const PIECE_BYTES_MAX: usize = 32 << 10;

/// The rows to store for `value` at `base`: at least one.
pub(crate) fn split<'a>(base: &'a [u8], value: &'a [u8]) -> impl Iterator<Item = (Key, &'a [u8])> {
    let pieces = value.chunks(PIECE_BYTES_MAX);
    (0..).zip(pieces).map(|(n, piece)| (keys::piece(base, n), piece))
}

/// Values that are stored in pieces, whole again, under their key without piece number.
pub(crate) struct Joined(Peekable<sled::Iter>);

impl Joined {
    pub(crate) fn new(rows: sled::Iter) -> Self {
        Self(rows.peekable())
    }

    /// The next piece, if it belongs to `base` (or to anything).
    fn piece(&mut self, base: Option<&[u8]>) -> Option<Result<(Key, u32, sled::IVec), JournalError>> {
        let follows = |row: &sled::Result<(sled::IVec, sled::IVec)>| match (row, base) {
            (Ok((key, _)), Some(base)) => keys::split_piece(key).is_some_and(|(own, _)| own == base),
            _ => true,
        };
        let row = self.0.next_if(follows)?.map_err(engine);
        Some(row.and_then(|(key, bytes)| match keys::split_piece(&key) {
            Some((base, n)) => Ok((base.to_vec(), n, bytes)),
            None => Err(damaged(&format!("an entry of {}", keys::first_name(&key)), &"its key is short")),
        }))
    }
}

impl Iterator for Joined {
    type Item = Result<(Key, Vec<u8>), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut whole: Option<(Key, Vec<u8>)> = None;
        let mut expected = 0;
        loop {
            let base = whole.as_ref().map(|(base, _)| base.as_slice());
            let (base, n, bytes) = match self.piece(base) {
                None => return whole.map(Ok),
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(piece)) => piece,
            };
            if n != expected {
                let what = format!("an entry of {}", keys::first_name(&base));
                return Some(Err(damaged(&what, &format!("its piece {expected} is missing"))));
            }
            expected += 1;
            whole.get_or_insert_with(|| (base, Vec::new())).1.extend_from_slice(&bytes);
        }
    }
}

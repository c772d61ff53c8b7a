//! Large values in small pieces.
//!
//! sled keeps up to 17 values in a page and writes pages above 2 MiB (at our segment size) into files that
//! it never syncs. Pieces of 32 KiB keep every page below 600 KiB.

use std::iter::Peekable;

use playhouse_ports::JournalError;

use crate::{
    index::{Row, Rows},
    keys::{self, Key},
    values::damaged,
};

/// Largest value handed to sled, in bytes.
pub(crate) const PIECE_BYTES_MAX: usize = 32 << 10;

/// The rows to store for `value` at `base`: at least one, since no value is empty.
pub(crate) fn split<'a>(base: &'a [u8], value: &'a [u8]) -> impl Iterator<Item = (Key, &'a [u8])> {
    let pieces = value.chunks(PIECE_BYTES_MAX);
    (0..).zip(pieces).map(|(n, piece)| (keys::piece(base, n), piece))
}

/// The key of the value, which piece of it this is, and its bytes.
type Piece = (Key, u32, Vec<u8>);

/// Values that are stored in pieces, whole again, under their key without piece number.
pub(crate) struct Joined<'a>(Peekable<Rows<'a>>);

impl<'a> Joined<'a> {
    pub(crate) fn new(rows: Rows<'a>) -> Self {
        Self(rows.peekable())
    }

    /// The next piece, if it belongs to `base` (or to anything).
    fn piece(&mut self, base: Option<&[u8]>) -> Option<Result<Piece, JournalError>> {
        let follows = |row: &Result<Row, JournalError>| match (row, base) {
            (Ok((key, _)), Some(base)) => keys::split_piece(key).is_some_and(|(own, _)| own == base),
            _ => true,
        };
        let row = self.0.next_if(follows)?;
        Some(row.and_then(|(key, bytes)| match keys::split_piece(&key) {
            Some((base, n)) => Ok((base.to_vec(), n, bytes)),
            None => Err(damaged(&format!("an entry of {}", keys::first_name(&key)), &"its key is short")),
        }))
    }
}

impl Iterator for Joined<'_> {
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
            match &mut whole {
                // The usual case, one piece, is not copied.
                None => whole = Some((base, bytes)),
                Some((_, value)) => value.extend_from_slice(&bytes),
            }
        }
    }
}

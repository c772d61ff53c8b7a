//! What must add up: sums over rows that do not depend on their order, kept up to date by every commit.
//!
//! Start-up relies on a few kinds of rows (heads, open, due, lanes, wakes, keys, sessions): one that
//! silently went missing would be a task that silently never runs. Their sum is in every frame of the log and
//! beside the commit's number in the index, so a scan tells whether any is missing, changed or too many.
//! For open tasks, whose heads are not written with every append, a second sum covers where their records
//! end. Other records need none: a head says how many there are, so a gap shows when they are read.

use sha2::{Digest, Sha256};

/// SHA-256.
pub(crate) type Hash = [u8; 32];

/// Bytes of [`Sums`] on disk.
pub(crate) const SUMS_BYTES: usize = 56;

/// The kinds of rows that start-up relies on, by the first byte of their keys; see [`keys`](crate::keys).
pub(crate) const TRACKED: &[u8] = b"dhkloqsw";

/// Sums over an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    /// How many tracked rows there are.
    pub(crate) rows: u64,
    /// The sum of their prints.
    pub(crate) rows_sum: u128,
    /// How many tasks are open.
    pub(crate) open: u64,
    /// The sum of the prints of their last records.
    pub(crate) open_sum: u128,
    /// Bytes of all keys and values.
    pub(crate) bytes: u64,
}

impl Sums {
    /// The row at `key` changes from `old` to `new`.
    pub(crate) fn change(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
        let size = |value: &[u8]| (key.len() + value.len()) as u64;
        self.bytes = self.bytes.wrapping_sub(old.map_or(0, size)).wrapping_add(new.map_or(0, size));
        if is_tracked(key) {
            self.rows = self.rows.wrapping_sub(u64::from(old.is_some())) + u64::from(new.is_some());
            self.rows_sum = self.rows_sum.wrapping_add(change_of(key, old, new));
        }
    }

    /// An open task's last record changes from the one with hash `old` to that with hash `new`.
    pub(crate) fn change_open(&mut self, old: Option<&Hash>, new: Option<&Hash>) {
        self.open = self.open.wrapping_sub(u64::from(old.is_some())) + u64::from(new.is_some());
        let (old, new) = (old.map_or(0, print_of), new.map_or(0, print_of));
        self.open_sum = self.open_sum.wrapping_sub(old).wrapping_add(new);
    }

    pub(crate) fn to_bytes(self) -> [u8; SUMS_BYTES] {
        let mut bytes = [0; SUMS_BYTES];
        bytes[..8].copy_from_slice(&self.rows.to_be_bytes());
        bytes[8..24].copy_from_slice(&self.rows_sum.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.open.to_be_bytes());
        bytes[32..48].copy_from_slice(&self.open_sum.to_be_bytes());
        bytes[48..].copy_from_slice(&self.bytes.to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; SUMS_BYTES]) -> Self {
        let number = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let sum = |at: usize| u128::from_be_bytes(bytes[at..at + 16].try_into().expect("16 bytes"));
        Self { rows: number(0), rows_sum: sum(8), open: number(24), open_sum: sum(32), bytes: number(48) }
    }
}

/// Whether rows like this are among those summed up.
pub(crate) fn is_tracked(key: &[u8]) -> bool {
    key.first().is_some_and(|tag| TRACKED.contains(tag))
}

/// What the sum of prints changes by when the row at `key` changes.
pub(crate) fn change_of(key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) -> u128 {
    let print = |value: &[u8]| print(key, value);
    new.map_or(0, print).wrapping_sub(old.map_or(0, print))
}

/// 128 bits that no other row has.
pub(crate) fn print(key: &[u8], value: &[u8]) -> u128 {
    let length = (key.len() as u32).to_be_bytes();
    print_of(&Sha256::new().chain_update(length).chain_update(key).chain_update(value).finalize().into())
}

fn print_of(hash: &Hash) -> u128 {
    u128::from_be_bytes(hash[..16].try_into().expect("16 of 32 bytes"))
}

pub(crate) fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_order_and_come_back_from_bytes() {
        let (mut one, mut two) = (Sums::default(), Sums::default());
        one.change(b"ha", None, Some(b"1"));
        one.change(b"hb", None, Some(b"2"));
        one.change(b"ra", None, Some(b"untracked"));
        one.change_open(None, Some(&[7; 32]));
        two.change(b"hb", None, Some(b"x"));
        two.change_open(None, Some(&[9; 32]));
        two.change(b"ra", None, Some(b"untracked"));
        two.change(b"hb", Some(b"x"), Some(b"2"));
        two.change(b"ha", None, Some(b"1"));
        two.change_open(Some(&[9; 32]), Some(&[7; 32]));
        assert_eq!(one, two);
        assert_eq!((one.rows, one.open, one.bytes), (2, 1, 3 + 3 + 11));
        assert_eq!(Sums::from_bytes(&one.to_bytes()), one);
        two.change(b"ha", Some(b"1"), None);
        assert_ne!(one, two);
    }
}

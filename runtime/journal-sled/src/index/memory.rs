//! An index in memory: gone with the process, and made again from the log.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Included},
    sync::{PoisonError, RwLock},
};

use playhouse_ports::JournalError;

use super::{Edit, Index, Row, Rows};

/// Rows in a map.
#[derive(Debug, Default)]
pub struct MemoryIndex {
    rows: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

/// Looks up one row at a time, so that no lock is held between two.
struct Walk<'a> {
    index: &'a MemoryIndex,
    from: std::ops::Bound<Vec<u8>>,
    to: Vec<u8>,
}

impl Walk<'_> {
    fn step(&mut self, is_back: bool) -> Option<Row> {
        if let Included(from) | Excluded(from) = &self.from
            && *from >= self.to
        {
            return None;
        }
        let rows = self.index.rows.read().unwrap_or_else(PoisonError::into_inner);
        let mut range = rows.range((self.from.clone(), Excluded(self.to.clone())));
        let (key, value) = if is_back { range.next_back() } else { range.next() }?;
        let row = (key.clone(), value.clone());
        if is_back {
            self.to = row.0.clone();
        } else {
            self.from = Excluded(row.0.clone());
        }
        Some(row)
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Row, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(false).map(Ok)
    }
}

impl DoubleEndedIterator for Walk<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(true).map(Ok)
    }
}

impl Index for MemoryIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.rows.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Rows<'_> {
        Box::new(Walk { index: self, from: Included(from.to_vec()), to: to.to_vec() })
    }

    fn apply(&self, edits: Vec<Edit>) -> Result<(), JournalError> {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in edits {
            match value {
                Some(value) => rows.insert(key, value),
                None => rows.remove(&key),
            };
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), JournalError> {
        Ok(())
    }

    fn disk_bytes(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_walked_from_both_ends_and_ends_where_they_meet() {
        let index = MemoryIndex::default();
        let put = |n: u8| (vec![n], Some(vec![n]));
        index.apply((0..6).map(put).collect()).unwrap();
        let mut rows = index.range(&[1], &[5]).map(|row| row.unwrap().0[0]);
        assert_eq!(
            (rows.next(), rows.next_back(), rows.next(), rows.next_back()),
            (Some(1), Some(4), Some(2), Some(3))
        );
        assert_eq!((rows.next(), rows.next_back()), (None, None));
        assert_eq!(index.range(&[5], &[1]).count(), 0);
    }
}

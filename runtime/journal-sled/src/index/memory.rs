//! An index in memory: gone with the process, and made again from the log.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use playhouse_ports::JournalError;

use super::{EditRef, Index, Order, Row};
use crate::keys::Key;

/// Rows in a map.
#[derive(Debug, Default)]
pub(crate) struct MemoryIndex {
    rows: RwLock<BTreeMap<Key, Vec<u8>>>,
}

impl Index for MemoryIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.rows.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn some(&self, from: &[u8], to: &[u8], order: Order, max: usize) -> Result<Vec<Row>, JournalError> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let range = rows.range(from.to_vec()..to.to_vec()).map(|(key, value)| (key.clone(), value.clone()));
        Ok(match order {
            Order::Up => range.take(max).collect(),
            Order::Down => range.rev().take(max).collect(),
        })
    }

    fn apply(&self, edits: &mut dyn Iterator<Item = EditRef<'_>>) -> Result<(), JournalError> {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in edits {
            match value {
                Some(value) => rows.insert(key.to_vec(), value.to_vec()),
                None => rows.remove(key),
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

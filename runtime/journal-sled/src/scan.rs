//! A scan of the rows that start-up relies on, in slices between commits.
//!
//! It adds up what it passes. A commit that changes a row behind the scan changes the scan's sum too, so at the
//! end the two sums must agree however much was written meanwhile.

use std::time::Duration;

use playhouse_ports::JournalError;
use tokio::time::Instant;

use crate::{
    index::Index,
    keys::{Key, after},
    sums::{self, Sums, TRACKED},
    values::damaged,
    view::View,
};

/// Rows between two looks at the clock.
const STRIDE: usize = 256;

/// A scan under way.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The kind it is at, an index of [`TRACKED`].
    kind: usize,
    /// The first key it has not passed.
    cursor: Key,
    rows: u64,
    sum: u128,
}

impl Scan {
    pub(crate) fn begin() -> Self {
        Self { kind: 0, cursor: TRACKED[..1].to_vec(), rows: 0, sum: 0 }
    }

    /// The row at `key` changes. What is ahead will be met as it then is.
    pub(crate) fn note(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
        if key < self.cursor.as_slice() {
            self.rows = self.rows.wrapping_sub(u64::from(old.is_some())) + u64::from(new.is_some());
            self.sum = self.sum.wrapping_add(sums::change_of(key, old, new));
        }
    }

    /// Goes on for `time`. `true` once it is through and all adds up to `expected`.
    pub(crate) fn go_on(
        &mut self,
        index: &dyn Index,
        expected: &Sums,
        time: Duration,
    ) -> Result<bool, JournalError> {
        let start = Instant::now();
        while let Some(kind) = TRACKED.get(self.kind) {
            let mut passed = 0;
            for row in View(index).range(&self.cursor, &after(&[*kind])).take(STRIDE) {
                let (mut key, value) = row?;
                (self.rows, self.sum) = (self.rows + 1, self.sum.wrapping_add(sums::print(&key, &value)));
                passed += 1;
                key.push(0);
                self.cursor = key;
            }
            if passed < STRIDE {
                self.kind += 1;
                self.cursor = TRACKED.get(self.kind).map_or_else(|| vec![u8::MAX], |next| vec![*next]);
            }
            if time <= start.elapsed() && self.kind < TRACKED.len() {
                return Ok(false);
            }
        }
        if (self.rows, self.sum) != (expected.rows, expected.rows_sum) {
            let why = format!("{} entries do not add up to the {} there were", self.rows, expected.rows);
            return Err(damaged(&"the index", &why));
        }
        Ok(true)
    }
}

//! Recent changes of an index, in memory, in front of the rows they belong to.
//!
//! ```text
//!  commit ──apply──▶ waiting ──when enough──▶ leaving ──catch_up, a little after each commit──▶ below
//!  readers ◀── the newest of the three that has the key ─────────────────────────────────────────┘
//! ```
//!
//! The log makes a commit durable, so the index below may be fed late and in bulk, when nobody waits for it. That
//! is far cheaper: the head of a task that is written five times, and a note that comes and goes, reach it once
//! or never.
//!
//! What is below is therefore a mixture: all of some commit, and some of later ones. The number of that commit is
//! the last to arrive, and a start replays what follows it; since commits are whole rows, the mixture then is
//! the same as if it had been fed in order.

use std::{
    cmp::Ordering::{Greater, Less},
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use itertools::Itertools;
use playhouse_ports::JournalError;

use super::{EditRef, Index, Order, Row, Rows};
use crate::keys::Key;

/// Rows that may wait, and as many may be leaving. A crash has so many to replay at least, and memory to hold
/// them; the more there are, the more of them are out of date before they leave.
pub(super) const ROWS_MAX: usize = 4096;
/// Bytes that may wait, for the same reasons.
pub(super) const BYTES_MAX: usize = 2 << 20;
/// Rows handed over at once: some 0.5 ms. The index below keeps what it replaces until a batch is over.
pub(super) const SLICE: usize = 1024;

/// Changed rows; `None` was removed.
type Changes = BTreeMap<Key, Option<Vec<u8>>>;

/// An index in which changes wait before they go to the one below.
#[derive(Debug)]
pub(crate) struct Recent<I> {
    below: I,
    rows_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Changes,
    /// Of all keys and values that came in since these began to wait.
    bytes: usize,
    /// Older than those that wait.
    leaving: Changes,
    /// Changes that came in and have not made as many leave yet.
    came: usize,
}

impl<I: Index> Recent<I> {
    pub(crate) fn over(below: I) -> Self {
        Self { below, rows_max: ROWS_MAX, state: Mutex::default() }
    }

    /// The same, where fewer rows wait.
    #[cfg(test)]
    pub(super) fn few_over(below: I, rows_max: usize) -> Self {
        Self { rows_max, ..Self::over(below) }
    }

    /// How many rows wait and how many are leaving.
    #[cfg(test)]
    pub(super) fn held(&self) -> [usize; 2] {
        let state = self.state();
        [state.waiting.len(), state.leaving.len()]
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over some of what is leaving. The last keys go first, because what a start relies on to know how
    /// far this got has the first key of all.
    fn hand_over(&self, state: &mut State) -> Result<(), JournalError> {
        let keys = || state.leaving.keys();
        let Some(first) = keys().nth_back(SLICE - 1).or_else(|| keys().next()).cloned() else {
            return Ok(());
        };
        let mut slice = state.leaving.split_off(&first);
        let mut edits = slice.iter().rev().map(|(key, value)| (key.as_slice(), value.as_deref()));
        let taken = self.below.apply(&mut edits);
        if taken.is_err() {
            state.leaving.append(&mut slice);
        }
        taken
    }

    /// Makes room for what waits to leave.
    fn depart(&self, state: &mut State) -> Result<(), JournalError> {
        while !state.leaving.is_empty() {
            self.hand_over(state)?;
        }
        state.leaving = std::mem::take(&mut state.waiting);
        (state.bytes, state.came) = (0, 0);
        Ok(())
    }
}

impl<I: Index> Index for Recent<I> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, JournalError> {
        let state = self.state();
        let changed = state.waiting.get(key).or_else(|| state.leaving.get(key));
        changed.map_or_else(|| self.below.get(key), |value| Ok(value.clone()))
    }

    fn some(&self, from: &[u8], to: &[u8], order: Order, max: usize) -> Result<Vec<Row>, JournalError> {
        // Held until all is read: a row is handed over before or after, never in between.
        let state = self.state();
        let waiting = in_order(&state.waiting, from, to, order);
        let leaving = in_order(&state.leaving, from, to, order);
        let below = Rows::of(&self.below, from, to, order).map_ok(|(key, value)| (key, Some(value)));
        let all = merge(order, merge(order, waiting, leaving), below);
        all.filter_map_ok(|(key, value)| Some((key, value?))).take(max).collect()
    }

    fn apply(&self, edits: &mut dyn Iterator<Item = EditRef<'_>>) -> Result<(), JournalError> {
        let mut state = self.state();
        for (key, value) in edits {
            state.bytes += key.len() + value.map_or(0, <[u8]>::len);
            state.came += 1;
            state.waiting.insert(key.to_vec(), value.map(<[u8]>::to_vec));
        }
        if self.rows_max <= state.waiting.len() || BYTES_MAX <= state.bytes {
            self.depart(&mut state)?;
        }
        Ok(())
    }

    fn catch_up(&self) -> Result<(), JournalError> {
        let mut state = self.state();
        // Twice as many as came in, so that all have left before as many wait again. Large rows are bounded by
        // their bytes, and leave when these are too many.
        while SLICE / 2 <= state.came {
            state.came -= SLICE / 2;
            self.hand_over(&mut state)?;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), JournalError> {
        let mut state = self.state();
        self.depart(&mut state)?;
        self.depart(&mut state)?;
        drop(state);
        self.below.flush()
    }

    fn disk_bytes(&self) -> u64 {
        self.below.disk_bytes()
    }

    fn spilled(&self) -> usize {
        self.below.spilled()
    }
}

/// A change and its key.
type Change = (Key, Option<Vec<u8>>);

fn in_order<'a>(
    changes: &'a Changes,
    from: &[u8],
    to: &[u8],
    order: Order,
) -> Box<dyn Iterator<Item = Result<Change, JournalError>> + 'a> {
    let range = changes.range(from.to_vec()..to.to_vec());
    let range = range.map(|(key, value)| Ok((key.clone(), value.clone())));
    match order {
        Order::Up => Box::new(range),
        Order::Down => Box::new(range.rev()),
    }
}

/// Both by key, in `order`; of two changes of one key, the newer.
fn merge(
    order: Order,
    newer: impl Iterator<Item = Result<Change, JournalError>>,
    older: impl Iterator<Item = Result<Change, JournalError>>,
) -> impl Iterator<Item = Result<Change, JournalError>> {
    let nearer = move |newer: &Result<Change, _>, older: &Result<Change, _>| match (newer, older, order) {
        (Err(_), ..) => Less,
        (_, Err(_), _) => Greater,
        (Ok((newer, _)), Ok((older, _)), Order::Up) => newer.cmp(older),
        (Ok((newer, _)), Ok((older, _)), Order::Down) => older.cmp(newer),
    };
    newer.merge_join_by(older, nearer).map(|one| one.reduce(|newer, _| newer))
}

//! Appends of one task, several to a row.
//!
//! ```text
//! above   r task \0 seq piece → append,  r task \0 seq piece → append,  …
//! below   R task \0 seq piece (of the first) → (seq piece, length, append), …     up to 32 KiB
//! ```
//!
//! Nine of ten rows are appends, each is small, and those of a task are read together. What sled costs, it costs
//! by the row: so appends of a task that come at once are kept as one. A pack holds appends of one task, and
//! packs of a task do not overlap. All other rows pass through.

use std::collections::BTreeMap;

use playhouse_ports::JournalError;

use super::{Edit, EditRef, Index, Order, Row, Rows, borrowed};
use crate::{
    keys::{self, Key, after, behind},
    pieces::PIECE_BYTES_MAX,
    values::damaged,
};

/// What sets an append's key apart from others of its task: position and piece.
const PLACE_BYTES: usize = 8 + keys::PIECE_BYTES;
/// Before the bytes of an append in a pack: its place, and their length.
const ENTRY_BYTES: usize = PLACE_BYTES + 4;

/// An index that keeps appends in packs.
#[derive(Debug)]
pub(crate) struct Packed<I>(I);

impl<I: Index> Packed<I> {
    /// Packs over `below`; an error if that has a row for each append, as the format before had. Such an index is
    /// made again from the log, rather than taken for one without records.
    pub(crate) fn over(below: I) -> Result<Self, JournalError> {
        let old = below.some(keys::RECORDS, &after(keys::RECORDS), Order::Up, 1)?;
        if old.is_empty() { Ok(Self(below)) } else { Err(damaged(&"the index", &"it is of an older format")) }
    }

    /// What it is over.
    #[cfg(test)]
    pub(super) fn below(&self) -> &I {
        &self.0
    }

    /// The last pack that begins at `key` or before: the one that may hold it, or one of an earlier task.
    fn holder(&self, key: &[u8]) -> Result<Option<Row>, JournalError> {
        Ok(self.0.some(&[keys::PACKS], &behind(&pack_key(key)), Order::Down, 1)?.pop())
    }

    /// Packs of one task with anything between the appends at `first` and `last`.
    fn overlapping(&self, first: &[u8], last: &[u8]) -> Result<Vec<Row>, JournalError> {
        let mut packs = Vec::new();
        if let Some(holder) = self.holder(first)?
            && first <= last_of(&holder)?.as_slice()
        {
            packs.push(holder);
        }
        let rest = Rows::of(&self.0, &behind(&pack_key(first)), &behind(&pack_key(last)), Order::Up);
        for pack in rest {
            packs.push(pack?);
        }
        Ok(packs)
    }

    /// What becomes of the packs of a task when `edits` are made, which are all of that task.
    fn repack(&self, edits: &BTreeMap<&[u8], Option<&[u8]>>) -> Result<Vec<Edit>, JournalError> {
        let (Some((first, _)), Some((last, _))) = (edits.first_key_value(), edits.last_key_value()) else {
            return Ok(Vec::new());
        };
        let old = self.overlapping(first, last)?;
        let mut appends = BTreeMap::new();
        for pack in &old {
            appends.extend(unpack(pack, |_| true)?);
        }
        for (key, value) in edits {
            match value {
                Some(value) => appends.insert(key.to_vec(), value.to_vec()),
                None => appends.remove(*key),
            };
        }
        let mut changes: BTreeMap<Key, Option<Vec<u8>>> =
            old.into_iter().map(|(key, _)| (key, None)).collect();
        changes.extend(pack(&appends).into_iter().map(|(key, value)| (key, Some(value))));
        Ok(changes.into_iter().collect())
    }

    /// The first `max` appends, in `order`, of those from `from` to before `to`.
    fn appends(&self, from: &[u8], to: &[u8], order: Order, max: usize) -> Result<Vec<Row>, JournalError> {
        let holder = self.holder(from)?;
        let rest = Rows::of(&self.0, &behind(&pack_key(from)), &pack_key(to), order);
        let packs: Box<dyn Iterator<Item = _>> = match order {
            Order::Up => Box::new(holder.into_iter().map(Ok).chain(rest)),
            Order::Down => Box::new(rest.chain(holder.into_iter().map(Ok))),
        };
        let mut rows = Vec::new();
        for pack in packs {
            let mut appends = unpack(&pack?, |key| from <= key && key < to)?;
            if order == Order::Down {
                appends.reverse();
            }
            rows.extend(appends);
            if max <= rows.len() {
                break;
            }
        }
        rows.truncate(max);
        Ok(rows)
    }
}

impl<I: Index> Index for Packed<I> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, JournalError> {
        if !is_append(key) {
            return self.0.get(key);
        }
        Ok(self.appends(key, &behind(key), Order::Up, 1)?.pop().map(|(_, value)| value))
    }

    fn some(&self, from: &[u8], to: &[u8], order: Order, max: usize) -> Result<Vec<Row>, JournalError> {
        let records_end = after(keys::RECORDS);
        let mut parts =
            [(keys::LOWEST, keys::RECORDS), (keys::RECORDS, &records_end), (&records_end, keys::END)];
        if order == Order::Down {
            parts.reverse();
        }
        let mut rows = Vec::new();
        for (first, end) in parts {
            let (from, to, left) = (from.max(first), to.min(end), max - rows.len());
            if to <= from || left == 0 {
                continue;
            }
            rows.extend(match first {
                keys::RECORDS => self.appends(from, to, order, left)?,
                _ => self.0.some(from, to, order, left)?,
            });
        }
        Ok(rows)
    }

    fn apply(&self, edits: &mut dyn Iterator<Item = EditRef<'_>>) -> Result<(), JournalError> {
        let mut through = Vec::new();
        let mut tasks: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (key, value) in edits {
            if is_append(key) {
                tasks.entry(task_of(key)).or_default().insert(key, value);
            } else {
                through.push((key, value));
            }
        }
        let mut packs = Vec::new();
        for edits in tasks.values() {
            packs.extend(self.repack(edits)?);
        }
        self.0.apply(&mut through.into_iter().chain(borrowed(&packs)))
    }

    fn flush(&self) -> Result<(), JournalError> {
        self.0.flush()
    }

    fn disk_bytes(&self) -> u64 {
        self.0.disk_bytes()
    }

    fn spilled(&self) -> usize {
        self.0.spilled()
    }
}

fn is_append(key: &[u8]) -> bool {
    key.starts_with(keys::RECORDS) && PLACE_BYTES < key.len()
}

/// The part of an append's key, or of a pack's, that all of its task have.
fn task_of(key: &[u8]) -> &[u8] {
    &key[..key.len() - PLACE_BYTES]
}

/// The key of a pack that begins with the append at `key`. Also for keys that only bound a range of appends, up
/// to the first one behind them all.
fn pack_key(key: &[u8]) -> Key {
    let kind = key[0] - keys::RECORDS[0] + keys::PACKS;
    [&[kind], &key[1..]].concat()
}

/// The appends of a task, in order, in as few packs as their size allows.
fn pack(appends: &BTreeMap<Key, Vec<u8>>) -> Vec<Row> {
    let mut packs: Vec<Row> = Vec::new();
    for (key, value) in appends {
        let bytes = ENTRY_BYTES + value.len();
        if packs.last().is_none_or(|(_, pack)| PIECE_BYTES_MAX < pack.len() + bytes) {
            packs.push((pack_key(key), Vec::new()));
        }
        let (_, pack) = packs.last_mut().expect("one was just made if there was none");
        let length = u32::try_from(value.len()).expect("values are stored in pieces");
        pack.extend_from_slice(&key[key.len() - PLACE_BYTES..]);
        pack.extend_from_slice(&length.to_be_bytes());
        pack.extend_from_slice(value);
    }
    packs
}

/// Keys and values in a pack, in order; the values still in place.
fn entries<'a>((key, mut pack): (&[u8], &'a [u8])) -> Option<Vec<(Key, &'a [u8])>> {
    let task = key.get(1..key.len().checked_sub(PLACE_BYTES)?)?;
    let mut entries = Vec::new();
    while !pack.is_empty() {
        let (place, rest) = pack.split_first_chunk::<PLACE_BYTES>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        entries.push(([keys::RECORDS, task, place].concat(), value));
        pack = rest;
    }
    Some(entries)
}

fn read((key, pack): &Row) -> Result<Vec<(Key, &[u8])>, JournalError> {
    let broken = || damaged(&format!("a pack of records of {}", keys::first_name(key)), &"it is cut off");
    entries((key, pack)).filter(|entries| !entries.is_empty()).ok_or_else(broken)
}

/// The appends in a pack whose keys are wanted.
fn unpack(pack: &Row, is_wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<Row>, JournalError> {
    let wanted = read(pack)?.into_iter().filter(|(key, _)| is_wanted(key));
    Ok(wanted.map(|(key, value)| (key, value.to_vec())).collect())
}

/// The key of the last append in a pack.
fn last_of(pack: &Row) -> Result<Key, JournalError> {
    Ok(read(pack)?.pop().map(|(key, _)| key).unwrap_or_default())
}

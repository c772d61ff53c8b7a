//! Where things are: the layout of the one tree.
//!
//! ```text
//! r task \0 seq piece               the records of one append, at the position of the first, in pieces; in sled,
//!                                   several of a task to a row, under `R`: see `index/packed.rs`
//! h task \0                         the head of a task, as it was when it last changed but for its position
//! o task \0                         present while the task is neither over nor parked: what start-up reads
//! d due task \0                     present while the task is parked until then
//! l task \0                         while the task is parked: the session it holds
//! w task \0 child \0                the end of a child that the task has not heard of
//! c                                 the last commit, and the sums after it; not in the log
//! k sha256(key)                     what an idempotency key was used for
//! q task \0                         the hash of the task's idempotency key
//! s tenant \0 session \0            a session without its content
//! p tenant \0 session \0 piece      its pinned messages
//! t tenant \0 session \0 task \0 piece   its turns
//! ```
//!
//! One tree, because sled's batches are atomic within a tree at no cost, while a transaction over several
//! re-runs on conflict. Names cannot hold `\0`, so no key is a prefix of another's scan and byte order is
//! the order of names. Numbers are big-endian for the same reason.

use playhouse_core::{
    digest,
    id::{Seq, SessionId, TaskId, Tenant},
};

/// Key bytes.
pub(crate) type Key = Vec<u8>;

/// Length of the piece number that ends the key of every value stored in pieces.
pub(crate) const PIECE_BYTES: usize = 4;

pub(crate) const COMMITS: &[u8] = b"c";
pub(crate) const OPEN: &[u8] = b"o";
pub(crate) const DUE: &[u8] = b"d";
pub(crate) const LANES: &[u8] = b"l";
pub(crate) const WAKES: &[u8] = b"w";
pub(crate) const SUBMISSIONS: &[u8] = b"k";
/// Every key of a row sorts from here, too.
pub(crate) const LOWEST: &[u8] = COMMITS;
pub(crate) const RECORDS: &[u8] = b"r";
/// In place of [`RECORDS`] in the key of a pack of them; see [`Packed`](crate::index::Packed). Below all others.
pub(crate) const PACKS: u8 = b'R';
/// Every key of a row that is in the log sorts from here…
pub(crate) const FIRST: &[u8] = b"d";
/// …to before here.
pub(crate) const END: &[u8] = b"x";
pub(crate) const HEADS: &[u8] = b"h";
pub(crate) const SESSIONS: &[u8] = b"s";

fn named(tag: u8, names: &[&str]) -> Key {
    let mut key = vec![tag];
    for name in names {
        key.extend_from_slice(name.as_bytes());
        key.push(0);
    }
    key
}

pub(crate) fn records(task: &TaskId) -> Key {
    named(b'r', &[task.as_str()])
}

pub(crate) fn record(task: &TaskId, seq: Seq) -> Key {
    let mut key = records(task);
    key.extend_from_slice(&seq.to_be_bytes());
    key
}

pub(crate) fn head(task: &TaskId) -> Key {
    named(b'h', &[task.as_str()])
}

pub(crate) fn open(task: &TaskId) -> Key {
    named(b'o', &[task.as_str()])
}

/// Hashed, since a caller's key may be long and hold anything.
pub(crate) fn submission(key: &str) -> Key {
    submission_of(digest::of_bytes(key.as_bytes()).as_bytes())
}

/// The same by the hash.
pub(crate) fn submission_of(hash: &[u8]) -> Key {
    [SUBMISSIONS, hash].concat()
}

pub(crate) fn key_of(task: &TaskId) -> Key {
    named(b'q', &[task.as_str()])
}

/// Sorts by time.
pub(crate) fn due(due_ms: u64, task: &TaskId) -> Key {
    let mut key = DUE.to_vec();
    key.extend_from_slice(&due_ms.to_be_bytes());
    key.extend_from_slice(task.as_str().as_bytes());
    key.push(0);
    key
}

/// The time and the task's name in a key of [`due`].
pub(crate) fn due_of(key: &[u8]) -> Option<(u64, String)> {
    let (due_ms, task) = key.get(1..)?.split_first_chunk::<8>()?;
    let task = str::from_utf8(task.strip_suffix(&[0])?).ok()?;
    Some((u64::from_be_bytes(*due_ms), task.to_owned()))
}

pub(crate) fn lane(task: &TaskId) -> Key {
    named(b'l', &[task.as_str()])
}

pub(crate) fn wake(task: &TaskId, child: &TaskId) -> Key {
    named(b'w', &[task.as_str(), child.as_str()])
}

/// The first key behind all that begin with `prefix`. Prefixes end in a letter or in `\0`, never in 255.
pub(crate) fn after(prefix: &[u8]) -> Key {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

/// The first key behind `key`.
pub(crate) fn behind(key: &[u8]) -> Key {
    [key, &[0]].concat()
}

pub(crate) fn session(tenant: &Tenant, id: &SessionId) -> Key {
    named(b's', &[tenant.as_str(), id.as_str()])
}

pub(crate) fn pinned(tenant: &Tenant, id: &SessionId) -> Key {
    named(b'p', &[tenant.as_str(), id.as_str()])
}

pub(crate) fn turns(tenant: &Tenant, id: &SessionId) -> Key {
    named(b't', &[tenant.as_str(), id.as_str()])
}

/// The key of the session that a pinned message or a turn is of.
pub(crate) fn session_of(key: &[u8]) -> Key {
    let names = key.get(1..).unwrap_or_default().split_inclusive(|byte| *byte == 0).take(2);
    [b"s", names.collect::<Vec<_>>().concat().as_slice()].concat()
}

pub(crate) fn turn(tenant: &Tenant, id: &SessionId, task: &TaskId) -> Key {
    named(b't', &[tenant.as_str(), id.as_str(), task.as_str()])
}

/// The key of piece `n` of the value at `base`.
pub(crate) fn piece(base: &[u8], n: u32) -> Key {
    [base, &n.to_be_bytes()].concat()
}

/// Undoes [`piece`]; `None` for a key too short to have a piece number.
pub(crate) fn split_piece(key: &[u8]) -> Option<(&[u8], u32)> {
    let (base, n) = key.split_last_chunk::<PIECE_BYTES>()?;
    Some((base, u32::from_be_bytes(*n)))
}

/// The position in the key (without piece number) of a record.
pub(crate) fn seq_of(record: &[u8]) -> Option<Seq> {
    record.split_last_chunk::<8>().map(|(_, seq)| Seq::from_be_bytes(*seq))
}

/// The first name in a key.
pub(crate) fn first_name(key: &[u8]) -> String {
    let name = key.get(1..).unwrap_or_default().split(|byte| *byte == 0).next();
    String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
}

/// All names in a key, with `/` between them.
pub(crate) fn all_names(key: &[u8]) -> String {
    let names = key.get(1..).unwrap_or_default();
    let names = names.strip_suffix(&[0]).unwrap_or(names);
    String::from_utf8_lossy(names).replace('\0', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_names_do() {
        let names = ["a", "a-1", "a.b", "aa", "b"].map(|name| TaskId::new(name).unwrap());
        let keys = names.each_ref().map(head);
        assert!(names.is_sorted() && keys.is_sorted());
        assert!(record(&names[0], 255) < record(&names[0], 256));
    }

    #[test]
    fn a_scan_of_one_task_never_meets_another() {
        let [a, ab] = ["a", "ab"].map(|name| TaskId::new(name).unwrap());
        assert!(!record(&ab, 0).starts_with(&records(&a)));
    }

    #[test]
    fn a_record_key_comes_apart_again() {
        let key = piece(&record(&TaskId::new("t").unwrap(), 7), 3);
        let (base, n) = split_piece(&key).unwrap();
        assert_eq!((seq_of(base), n, first_name(base).as_str()), (Some(7), 3, "t"));
    }
}

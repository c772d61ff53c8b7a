//! What each command changes: the rules of the journal.
//!
//! A refused command must leave no trace in its group. Each function therefore reads and refuses first, and
//! writes last.

use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    session::SessionMeta,
    task::Head,
};
use playhouse_ports::{JournalError, Submission};

use crate::{
    keys::{self, Key},
    open::OpenTasks,
    values,
    writes::Writes,
};

/// A session's full name.
#[derive(Debug)]
pub(crate) struct SessionName {
    pub(crate) tenant: Tenant,
    pub(crate) id: SessionId,
}

/// A [`playhouse_ports::Batch`], encoded where it came from so that the committer only moves bytes.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) head: Head,
    pub(crate) head_bytes: Vec<u8>,
    /// Position of the first record.
    pub(crate) from: Seq,
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) turn: Option<EncodedTurn>,
    pub(crate) key: Option<(Submission, Vec<u8>)>,
}

/// A turn on its way into a session.
#[derive(Debug)]
pub(crate) struct EncodedTurn {
    pub(crate) session: SessionName,
    pub(crate) task: TaskId,
    pub(crate) at_ms: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Something to be made durable.
#[derive(Debug)]
pub(crate) enum Change {
    Append(Box<Append>),
    Touch {
        session: SessionName,
        now_ms: u64,
    },
    Pin {
        session: SessionName,
        bytes: Vec<u8>,
        now_ms: u64,
    },
    RemoveTurns {
        session: SessionName,
        tasks: Vec<TaskId>,
    },
    Delete {
        session: SessionName,
    },
    /// Changes nothing; answered when everything before it is durable.
    Barrier,
    /// Like `Barrier`, and the last one.
    Close,
}

impl Change {
    /// How many records it brings, for the bound of a group.
    pub(crate) fn records(&self) -> usize {
        match self {
            Self::Append(append) => append.records.len(),
            _ => 1,
        }
    }

    /// Roughly how much memory it holds.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Append(append) => {
                let turn = append.turn.as_ref().map_or(0, |turn| turn.bytes.len());
                append.head_bytes.len() + append.records.iter().map(Vec::len).sum::<usize>() + turn
            }
            Self::Pin { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }

    /// Adds the change to `writes`, or refuses it. Returns how many things were there to change.
    pub(crate) fn stage(self, writes: &mut Writes<'_>, tasks: &mut OpenTasks) -> Result<usize, JournalError> {
        match self {
            Self::Append(append) => stage_append(*append, writes, tasks),
            Self::Touch { session, now_ms } => touch(&session, now_ms, writes),
            Self::Pin { session, bytes, now_ms } => pin(&session, &bytes, now_ms, writes),
            Self::RemoveTurns { session, tasks } => remove_turns(&session, &tasks, writes),
            Self::Delete { session } => delete(&session, writes),
            Self::Barrier | Self::Close => Ok(0),
        }
    }
}

fn stage_append(
    append: Append,
    writes: &mut Writes<'_>,
    tasks: &mut OpenTasks,
) -> Result<usize, JournalError> {
    let Append { head, head_bytes, from, records, turn, key } = append;
    if let Some((submission, _)) = &key
        && let Some(used) = writes.used(&submission.key)?
    {
        return Err(JournalError::KeyUsed { task: used.task, digest: used.digest });
    }
    let known = tasks.get(&head.task).copied();
    let actual = known.map_or_else(|| writes.next_seq(&head.task), Ok)?;
    if from != actual {
        return Err(JournalError::Fenced { task: head.task, expected: from, actual });
    }
    if let Some(turn) = turn {
        put_turn(turn, writes)?;
    }

    // Nothing below refuses.
    let count = records.len();
    for (seq, bytes) in (from..).zip(records) {
        writes.put_pieces(&keys::record(&head.task, seq), &bytes);
    }
    if let Some((submission, bytes)) = key {
        writes.put(keys::submission(&submission.key), bytes);
    }
    writes.put(keys::head(&head.task), head_bytes);
    if head.status.is_final() {
        writes.remove(keys::open(&head.task));
        tasks.remove(&head.task);
    } else {
        if known.is_none() {
            writes.put(keys::open(&head.task), Vec::new());
        }
        tasks.insert(head.task, head.next_seq);
    }
    Ok(count)
}

/// The session as it is, or a new one; used at `now_ms`. A late note never makes it look older.
fn used(session: &SessionName, now_ms: u64, writes: &Writes<'_>) -> Result<SessionMeta, JournalError> {
    let SessionName { tenant, id } = session;
    let new = || SessionMeta { id: id.clone(), tenant: tenant.clone(), used_ms: now_ms, turns: 0 };
    let meta = writes.session(tenant, id)?.unwrap_or_else(new);
    Ok(SessionMeta { used_ms: meta.used_ms.max(now_ms), ..meta })
}

fn put_meta(meta: &SessionMeta, writes: &mut Writes<'_>) -> Result<(), JournalError> {
    writes.put(keys::session(&meta.tenant, &meta.id), values::session_to(meta)?);
    Ok(())
}

/// Replaces whatever is stored in pieces at `base`.
fn replace(base: &[u8], old: impl IntoIterator<Item = Key>, value: &[u8], writes: &mut Writes<'_>) {
    old.into_iter().for_each(|key| writes.remove(key));
    writes.put_pieces(base, value);
}

fn put_turn(turn: EncodedTurn, writes: &mut Writes<'_>) -> Result<(), JournalError> {
    let EncodedTurn { session, task, at_ms, bytes } = turn;
    let base = keys::turn(&session.tenant, &session.id, &task);
    let old = writes.keys(&base)?;
    let mut meta = used(&session, at_ms, writes)?;
    meta.turns += u64::from(old.is_empty());
    put_meta(&meta, writes)?;
    replace(&base, old, &bytes, writes);
    Ok(())
}

fn touch(session: &SessionName, now_ms: u64, writes: &mut Writes<'_>) -> Result<usize, JournalError> {
    if writes.session(&session.tenant, &session.id)?.is_none() {
        return Ok(0);
    }
    put_meta(&used(session, now_ms, writes)?, writes)?;
    Ok(1)
}

fn pin(
    session: &SessionName,
    bytes: &[u8],
    now_ms: u64,
    writes: &mut Writes<'_>,
) -> Result<usize, JournalError> {
    let base = keys::pinned(&session.tenant, &session.id);
    let old = writes.keys(&base)?;
    put_meta(&used(session, now_ms, writes)?, writes)?;
    replace(&base, old, bytes, writes);
    Ok(1)
}

fn remove_turns(
    session: &SessionName,
    tasks: &[TaskId],
    writes: &mut Writes<'_>,
) -> Result<usize, JournalError> {
    let SessionName { tenant, id } = session;
    let Some(mut meta) = writes.session(tenant, id)? else { return Ok(0) };
    let mut rows = Vec::new();
    for task in tasks {
        let turn = writes.keys(&keys::turn(tenant, id, task))?;
        // It may have left since it was chosen.
        if !turn.is_empty() {
            rows.push(turn);
        }
    }
    meta.turns = meta.turns.saturating_sub(rows.len() as u64);
    put_meta(&meta, writes)?;
    let count = rows.len();
    rows.into_iter().flatten().for_each(|key| writes.remove(key));
    Ok(count)
}

fn delete(session: &SessionName, writes: &mut Writes<'_>) -> Result<usize, JournalError> {
    let SessionName { tenant, id } = session;
    if writes.session(tenant, id)?.is_none() {
        return Ok(0);
    }
    let pinned = writes.keys(&keys::pinned(tenant, id))?;
    let turns = writes.keys(&keys::turns(tenant, id))?;
    pinned.into_iter().chain(turns).for_each(|key| writes.remove(key));
    writes.remove(keys::session(tenant, id));
    Ok(1)
}

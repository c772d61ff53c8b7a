//! What each command changes: the rules of the journal.
//!
//! A refused command must leave no trace in its group. Each function therefore reads and refuses first, and
//! writes last.

use std::collections::{HashMap, HashSet};

use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    session::SessionMeta,
    task::{Head, Status},
};
use playhouse_ports::{JournalError, Submission};

use crate::{
    keys::{self, Key},
    store::is_open,
    sums::Hash,
    values,
    view::LiveTask,
    writes::Writes,
};

/// What the committer remembers of tasks, so that an append reads nothing.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    /// Where every open task stands, and the hash of its last append.
    pub(crate) open: HashMap<TaskId, (Seq, Hash)>,
    /// Tasks and the children whose end they have not heard of.
    pub(crate) wakes: HashMap<TaskId, HashSet<TaskId>>,
    /// Why no new task may begin, if that is so.
    pub(crate) no_new: Option<JournalError>,
}

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
    /// `None` if nothing changed that the stored head must say.
    pub(crate) head_bytes: Option<Vec<u8>>,
    /// Position of the first record.
    pub(crate) from: Seq,
    pub(crate) count: usize,
    /// The records, in one envelope; empty if there are none.
    pub(crate) records: Vec<u8>,
    /// The hash of the task's last append, this one if it has records.
    pub(crate) hash: Hash,
    pub(crate) turn: Option<EncodedTurn>,
    pub(crate) key: Option<(Submission, Vec<u8>)>,
    pub(crate) wake: Option<TaskId>,
    pub(crate) asked: Vec<TaskId>,
    pub(crate) heard: Vec<TaskId>,
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
    Forget {
        task: TaskId,
    },
    /// A reader found damage: the journal must be opened again, which heals it.
    Suspect {
        what: String,
    },
    /// Changes nothing; answered when everything before it is durable, and the last one.
    Close,
}

impl Change {
    /// How many records it brings, for the bound of a group.
    pub(crate) fn records(&self) -> usize {
        match self {
            Self::Append(append) => append.count,
            _ => 1,
        }
    }

    /// Roughly how much memory it holds.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Append(append) => {
                let turn = append.turn.as_ref().map_or(0, |turn| turn.bytes.len());
                append.head_bytes.as_ref().map_or(0, Vec::len) + append.records.len() + turn
            }
            Self::Pin { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }

    /// Adds the change to `writes`, or refuses it. Returns how many things were there to change.
    pub(crate) fn stage(self, writes: &mut Writes<'_>, tasks: &mut Tasks) -> Result<usize, JournalError> {
        match self {
            Self::Append(append) => stage_append(*append, writes, tasks),
            Self::Touch { session, now_ms } => touch(&session, now_ms, writes),
            Self::Pin { session, bytes, now_ms } => pin(&session, bytes, now_ms, writes),
            Self::RemoveTurns { session, tasks } => remove_turns(&session, &tasks, writes),
            Self::Delete { session } => delete(&session, writes),
            Self::Forget { task } => forget(&task, writes, tasks),
            Self::Suspect { what } => Err(JournalError::Damaged(what)),
            Self::Close => Ok(0),
        }
    }
}

fn stage_append(append: Append, writes: &mut Writes<'_>, tasks: &mut Tasks) -> Result<usize, JournalError> {
    let Append { head, head_bytes, from, count, records, hash, turn, key, wake, asked, heard } = append;
    if let Some((submission, _)) = &key
        && let Some(used) = writes.used(&submission.key)?
    {
        return Err(JournalError::KeyUsed { task: used.task, digest: used.digest });
    }
    let known = tasks.open.get(&head.task).copied();
    let past = if known.is_none() { writes.head(&head.task)? } else { None };
    let actual = known.map_or_else(|| past.as_ref().map_or(0, |past| past.next_seq), |(next, _)| next);
    if from != actual {
        return Err(JournalError::Fenced { task: head.task, expected: from, actual });
    }
    if let Some(full) = tasks.no_new.as_ref().filter(|_| known.is_none() && past.is_none()) {
        return Err(full.clone());
    }
    let woken = wake.map(|task| is_there(task, writes, tasks)).transpose()?.flatten();
    if let Some(turn) = turn {
        put_turn(turn, writes)?;
    }

    // Nothing below refuses.
    if !records.is_empty() {
        writes.put_pieces(&keys::record(&head.task, from), records);
    }
    if let Some((submission, bytes)) = key {
        let hash = values::of_key(&submission.key);
        writes.put(keys::submission_of(hash.as_bytes()), bytes);
        writes.put(keys::key_of(&head.task), hash.into_bytes());
    }
    if let Some(bytes) = head_bytes {
        writes.put(keys::head(&head.task), bytes);
    }
    let notes = asked.into_iter().map(|child| (head.task.clone(), child));
    for (task, child) in notes.chain(woken.map(|task| (task, head.task.clone()))) {
        writes.put(keys::wake(&task, &child), Vec::new());
        tasks.wakes.entry(task).or_default().insert(child);
    }
    // After the notes, so that the last word of a task that is over is that nobody waits.
    hear(&head, &heard, writes, tasks);
    park(past.as_ref(), &head, writes);
    let is_open = is_open(head.status);
    match (known, is_open) {
        (None, true) => writes.put(keys::open(&head.task), Vec::new()),
        (Some(_), false) => writes.remove(keys::open(&head.task)),
        (Some(_), true) | (None, false) => {}
    }
    writes.sums.change_open(known.as_ref().map(|(_, hash)| hash), is_open.then_some(&hash));
    if is_open {
        tasks.open.insert(head.task.clone(), (head.next_seq, hash));
    } else {
        tasks.open.remove(&head.task);
    }
    writes.tasks.push((head.task.clone(), is_open.then_some(LiveTask { head, hash })));
    Ok(count)
}

/// `task`, if it exists and is not over.
fn is_there(task: TaskId, writes: &Writes<'_>, tasks: &Tasks) -> Result<Option<TaskId>, JournalError> {
    let is_open = tasks.open.contains_key(&task);
    let is_there = is_open || writes.head(&task)?.is_some_and(|head| !head.status.is_final());
    Ok(is_there.then_some(task))
}

/// Forgets the notes of the children that a task has heard of; of all of them once it is over.
fn hear(head: &Head, heard: &[TaskId], writes: &mut Writes<'_>, tasks: &mut Tasks) {
    let Some(children) = tasks.wakes.get_mut(&head.task) else { return };
    let is_done = |child: &TaskId| head.status.is_final() || heard.contains(child);
    children
        .extract_if(|child| is_done(child))
        .for_each(|child| writes.remove(keys::wake(&head.task, &child)));
    if children.is_empty() {
        tasks.wakes.remove(&head.task);
    }
}

/// Notes when a task that waits is due, and which session it holds; forgets both when it goes on.
fn park(past: Option<&Head>, head: &Head, writes: &mut Writes<'_>) {
    let is_parked = |head: &&Head| head.status == Status::Parked;
    if let Some(past) = past.filter(is_parked) {
        past.due_ms.into_iter().for_each(|due_ms| writes.remove(keys::due(due_ms, &past.task)));
        past.session.iter().for_each(|_| writes.remove(keys::lane(&past.task)));
    }
    if let Some(head) = Some(head).filter(is_parked) {
        parked_rows(head).for_each(|(key, value)| writes.put(key, value));
    }
}

/// The rows that a parked task has besides its head.
pub(crate) fn parked_rows(head: &Head) -> impl Iterator<Item = (Key, Vec<u8>)> + '_ {
    let due = head.due_ms.map(|due_ms| (keys::due(due_ms, &head.task), Vec::new()));
    let lane = head
        .session
        .as_ref()
        .filter(|_| !head.unbegun)
        .map(|session| values::session(&head.tenant, session).into_bytes());
    due.into_iter().chain(lane.map(|name| (keys::lane(&head.task), name)))
}

/// Removes all of a task that is over.
fn forget(task: &TaskId, writes: &mut Writes<'_>, tasks: &mut Tasks) -> Result<usize, JournalError> {
    let head = if tasks.open.contains_key(task) { None } else { writes.head(task)? };
    if !head.is_some_and(|head| head.status.is_final()) {
        return Ok(0);
    }
    let records = writes.keys(&keys::records(task))?;
    let key = writes.key_of(task)?;
    records.into_iter().for_each(|key| writes.remove(key));
    writes.remove(keys::head(task));
    if let Some(hash) = key {
        writes.remove(keys::submission_of(&hash));
        writes.remove(keys::key_of(task));
    }
    Ok(1)
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
fn replace(base: &[u8], old: impl IntoIterator<Item = Key>, value: Vec<u8>, writes: &mut Writes<'_>) {
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
    replace(&base, old, bytes, writes);
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
    bytes: Vec<u8>,
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

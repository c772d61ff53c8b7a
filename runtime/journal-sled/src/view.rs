//! What the rows of an index mean.

use std::ops::ControlFlow;

use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    session::{Session, SessionMeta},
    task::{Head, Record},
};
use playhouse_ports::{HeldLane, JournalError};

use crate::{
    index::{Index, Order, Row, Rows},
    keys::{self, Key, after},
    pieces::Joined,
    sums::Hash,
    values::{self, Bundle, Used, damaged},
    vault::Vault,
};

/// A task that is neither over nor parked, as its last append left it.
#[derive(Debug, Clone)]
pub(crate) struct LiveTask {
    pub(crate) head: Head,
    /// Hash of that append; zero if there is none.
    pub(crate) hash: Hash,
}

/// An index that is read. Everything here blocks.
#[derive(Clone, Copy)]
pub(crate) struct View<'a>(pub(crate) &'a dyn Index);

impl<'a> View<'a> {
    /// Rows from `from` up to, but not with, `to`.
    pub(crate) fn range(self, from: &[u8], to: &[u8]) -> Rows<'a> {
        Rows::of(self.0, from, to, Order::Up)
    }

    /// Rows whose keys begin with `prefix`.
    pub(crate) fn rows(self, prefix: &[u8]) -> Rows<'a> {
        self.range(prefix, &after(prefix))
    }

    /// The last row from `from` up to, but not with, `to`.
    pub(crate) fn last(self, from: &[u8], to: &[u8]) -> Result<Option<Row>, JournalError> {
        Ok(self.0.some(from, to, Order::Down, 1)?.pop())
    }

    /// The head as it is stored: exact, but for tasks that are open.
    pub(crate) fn head(self, task: &TaskId) -> Result<Option<Head>, JournalError> {
        let bytes = self.0.get(&keys::head(task))?;
        bytes.map(|bytes| values::head_from(task.as_str(), &bytes)).transpose()
    }

    /// The envelope of the last append of `task`.
    fn last_bundle(self, task: &TaskId) -> Result<Option<Bundle>, JournalError> {
        let prefix = keys::records(task);
        let Some((key, bytes)) = self.last(&prefix, &after(&prefix))? else { return Ok(None) };
        let short = || damaged(&format!("the last record of task {task}"), &"its key is short");
        let (base, piece) = keys::split_piece(&key).ok_or_else(short)?;
        let first = keys::seq_of(base).ok_or_else(short)?;
        let bytes = if piece == 0 {
            bytes
        } else {
            let whole = Joined::new(self.range(base, &after(&prefix))).next();
            whole.transpose()?.ok_or_else(short)?.1
        };
        values::bundle_from(task.as_str(), first, &bytes).map(Some)
    }

    /// `task` as its last append left it.
    pub(crate) fn live(self, task: &TaskId) -> Result<Option<LiveTask>, JournalError> {
        let Some(mut head) = self.head(task)? else { return Ok(None) };
        let bundle = self.last_bundle(task)?;
        let next = bundle.as_ref().map_or(0, |bundle| bundle.next);
        if next < head.next_seq {
            return Err(damaged(&format!("record {next} of task {task}"), &"it is missing"));
        }
        let Some(bundle) = bundle else { return Ok(Some(LiveTask { head, hash: Hash::default() })) };
        if head.next_seq < bundle.next {
            (head.next_seq, head.epoch, head.updated_ms) = (bundle.next, bundle.epoch, bundle.at_ms);
        }
        Ok(Some(LiveTask { head, hash: bundle.hash }))
    }

    /// All open tasks. There is one row for each, so this does not grow with the past.
    pub(crate) fn open_tasks(self) -> Result<Vec<LiveTask>, JournalError> {
        let mut tasks = Vec::new();
        for row in self.rows(keys::OPEN) {
            let id = task_id(&keys::first_name(&row?.0), "the index of open tasks")?;
            let missing = || damaged(&format!("the head of task {id}"), &"it is missing");
            tasks.push(self.live(&id)?.ok_or_else(missing)?);
        }
        Ok(tasks)
    }

    /// The appends of `task` that hold positions from `from` to before `end`, until `each` has enough. A gap is
    /// an error, also at the end.
    pub(crate) fn bundles(
        self,
        task: &TaskId,
        (from, end): (Seq, Seq),
        mut each: impl FnMut(Seq, &[u8]) -> Result<ControlFlow<()>, JournalError>,
    ) -> Result<(), JournalError> {
        let missing = |seq: Seq| damaged(&format!("record {seq} of task {task}"), &"it is missing");
        if end <= from {
            return Ok(());
        }
        let prefix = keys::records(task);
        // The append that holds `from` may begin before it.
        let beyond = keys::piece(&keys::record(task, from), u32::MAX);
        let holder = self.last(&prefix, &beyond)?.ok_or_else(|| missing(from))?.0;
        let base = keys::split_piece(&holder).ok_or_else(|| missing(from))?.0;
        let mut expected = keys::seq_of(base).ok_or_else(|| missing(from))?;
        let mut chain = None;
        for row in Joined::new(self.range(base, &after(&prefix))) {
            let (key, bytes) = row?;
            let first = keys::seq_of(&key).filter(|first| *first == expected);
            let first = first.ok_or_else(|| missing(expected.max(from)))?;
            let Bundle { next, before, hash, .. } = values::bundle_from(task.as_str(), first, &bytes)?;
            if chain.is_some() && before.is_some() && before != chain {
                return Err(damaged(&format!("record {first} of task {task}"), &"it follows another past"));
            }
            (expected, chain) = (next, Some(hash));
            if from < expected && each(first, &bytes)?.is_break() || end <= expected {
                return Ok(());
            }
        }
        Err(missing(expected.max(from)))
    }

    /// Records of `task` from `from` to before `end`, at most `max`.
    pub(crate) fn records(
        self,
        vault: &Vault,
        task: &TaskId,
        (from, end): (Seq, Seq),
        max: usize,
    ) -> Result<Vec<Record>, JournalError> {
        let mut records = Vec::new();
        if max == 0 {
            return Ok(records);
        }
        self.bundles(task, (from, end), |first, bytes| {
            let all = values::records_from(vault, task.as_str(), first, bytes)?;
            records.extend(all.into_iter().filter(|record| from <= record.seq && record.seq < end));
            Ok(if max <= records.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        records.truncate(max);
        Ok(records)
    }

    pub(crate) fn due(self, until_ms: u64, max: usize) -> Result<Vec<(u64, TaskId)>, JournalError> {
        let mut due = Vec::new();
        for row in self.rows(keys::DUE).take(max) {
            let what = "the index of due times";
            let (key, _) = row?;
            let (at, task) = keys::due_of(&key).ok_or_else(|| damaged(&what, &"its key is short"))?;
            if until_ms < at {
                break;
            }
            due.push((at, task_id(&task, what)?));
        }
        Ok(due)
    }

    pub(crate) fn lanes(self) -> Result<Vec<HeldLane>, JournalError> {
        let mut lanes = Vec::new();
        for row in self.rows(keys::LANES) {
            let what = "the index of held sessions";
            let (key, value) = row?;
            let name = String::from_utf8(value).map_err(|error| damaged(&what, &error))?;
            let (tenant, session) = name.split_once('/').ok_or_else(|| damaged(&what, &"it names none"))?;
            let tenant = Tenant::new(tenant).map_err(|error| damaged(&what, &error))?;
            let session = SessionId::new(session).map_err(|error| damaged(&what, &error))?;
            lanes.push((task_id(&keys::first_name(&key), what)?, (tenant, session)));
        }
        Ok(lanes)
    }

    /// Tasks and the children whose end they have not heard of.
    pub(crate) fn wakes(self) -> Result<Vec<(TaskId, TaskId)>, JournalError> {
        let mut wakes = Vec::new();
        for row in self.rows(keys::WAKES) {
            let what = "the index of wakes";
            let names = keys::all_names(&row?.0);
            let (task, child) = names.split_once('/').ok_or_else(|| damaged(&what, &"a name is missing"))?;
            wakes.push((task_id(task, what)?, task_id(child, what)?));
        }
        Ok(wakes)
    }

    pub(crate) fn used(self, key: &str) -> Result<Option<Used>, JournalError> {
        let bytes = self.0.get(&keys::submission(key))?;
        bytes.map(|bytes| values::submission_from(key, &bytes)).transpose()
    }

    pub(crate) fn session_meta(
        self,
        tenant: &Tenant,
        id: &SessionId,
    ) -> Result<Option<SessionMeta>, JournalError> {
        let bytes = self.0.get(&keys::session(tenant, id))?;
        bytes.map(|bytes| values::session_from(&values::session(tenant, id), &bytes)).transpose()
    }

    pub(crate) fn session_metas(self) -> Result<Vec<SessionMeta>, JournalError> {
        let meta = |row: Result<Row, JournalError>| {
            let (key, bytes) = row?;
            values::session_from(&keys::all_names(&key), &bytes)
        };
        self.rows(keys::SESSIONS).map(meta).collect()
    }

    pub(crate) fn session(
        self,
        vault: &Vault,
        tenant: &Tenant,
        id: &SessionId,
    ) -> Result<Option<Session>, JournalError> {
        let Some(meta) = self.session_meta(tenant, id)? else { return Ok(None) };
        let mut session = Session::new(id.clone(), tenant.clone(), meta.used_ms);
        if let Some(row) = self.joined(&keys::pinned(tenant, id)).next() {
            session.pinned = values::pinned_from(vault, tenant, id, &row?.1)?;
        }
        let prefix = keys::turns(tenant, id);
        for row in self.joined(&prefix) {
            let (key, bytes) = row?;
            let task = keys::all_names(&key[prefix.len() - 1..]);
            session.turns.push(values::turn_from(vault, tenant, id, &task, &bytes)?);
        }
        Ok(Some(session))
    }

    /// Values whose keys begin with `prefix`, put together from their pieces.
    pub(crate) fn joined(self, prefix: &[u8]) -> Joined<'a> {
        Joined::new(self.range(prefix, &after(prefix)))
    }

    /// Keys that begin with `prefix`.
    pub(crate) fn keys(self, prefix: &[u8]) -> impl Iterator<Item = Result<Key, JournalError>> + 'a {
        self.rows(prefix).map(|row| Ok(row?.0))
    }
}

fn task_id(name: &str, what: &str) -> Result<TaskId, JournalError> {
    TaskId::new(name).map_err(|error| damaged(&what, &error))
}

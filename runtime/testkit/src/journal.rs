//! A journal in memory, with faults on demand.
//!
//! It keeps the promises of a real one (fencing, keys, all-or-nothing batches) and breaks its word only
//! where a test asked for it: [`failing_at`](MemoryJournal::failing_at) refuses one append,
//! [`failing_from`](MemoryJournal::failing_from) refuses all from one on, as an engine after an I/O error
//! does, and [`losing_ack_at`](MemoryJournal::losing_ack_at) makes a batch durable but reports a failure,
//! as a crash between the disk and the answer does.
//!
//! Clones share one content, so a test keeps a handle while the runtime holds another; a "restart" is a
//! new runtime over a clone, after [`heal`](MemoryJournal::heal).

mod context;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    session::Session,
    task::{Head, Record, Status},
};
use playhouse_ports::{Batch, HeldLane, Journal, JournalError, Submission};
use tokio::sync::watch;

/// Journal and Context in memory. Cloning gives another handle to the same content.
#[derive(Debug, Clone)]
pub struct MemoryJournal {
    state: Arc<Mutex<State>>,
    /// `true` while appends wait at the door; see [`MemoryJournal::hold`].
    held: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    heads: BTreeMap<TaskId, Head>,
    records: BTreeMap<TaskId, Vec<Record>>,
    keys: BTreeMap<String, (TaskId, String)>,
    sessions: BTreeMap<(Tenant, SessionId), Session>,
    /// Parent and child.
    wakes: BTreeSet<(TaskId, TaskId)>,
    /// Every batch that became durable, in order.
    appended: Vec<Batch>,
    /// Calls of `append` so far, refused ones included.
    attempts: usize,
    fault: Option<Fault>,
}

/// Appends are counted from 1.
#[derive(Debug)]
enum Fault {
    Once { at: usize, error: JournalError },
    From { at: usize, error: JournalError },
    LostAck { at: usize },
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self { state: Arc::default(), held: watch::Sender::new(false) }
    }
}

impl MemoryJournal {
    /// An empty journal that works.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty journal whose `n`-th append (from 1) is refused with `error`; all others work.
    pub fn failing_at(n: usize, error: JournalError) -> Self {
        Self::with_fault(Fault::Once { at: n, error })
    }

    /// An empty journal that refuses the `n`-th append (from 1) and all later ones with `error`, until
    /// [`heal`](Self::heal).
    pub fn failing_from(n: usize, error: JournalError) -> Self {
        Self::with_fault(Fault::From { at: n, error })
    }

    /// An empty journal whose `n`-th append (from 1) becomes durable but is answered `Unavailable`.
    pub fn losing_ack_at(n: usize) -> Self {
        Self::with_fault(Fault::LostAck { at: n })
    }

    fn with_fault(fault: Fault) -> Self {
        let journal = Self::new();
        journal.lock().fault = Some(fault);
        journal
    }

    /// Ends every fault, as re-opening a journal on a repaired disk would.
    pub fn heal(&self) {
        self.lock().fault = None;
    }

    /// From now on appends wait: neither durable nor answered until [`release`](Self::release). Shows that
    /// nothing acts before its batch is durable (J1).
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Lets waiting and later appends through.
    pub fn release(&self) {
        self.held.send_replace(false);
    }

    /// Every batch that became durable, in order.
    pub fn appended(&self) -> Vec<Batch> {
        self.lock().appended.clone()
    }

    /// How many batches became durable.
    pub fn count(&self) -> usize {
        self.lock().appended.len()
    }

    /// How many appends were tried, refused ones included.
    pub fn attempts(&self) -> usize {
        self.lock().attempts
    }

    /// All records of `task`, without awaiting anything.
    pub fn records(&self, task: &TaskId) -> Vec<Record> {
        self.lock().records.get(task).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the journal")
    }
}

impl State {
    fn parked(&self) -> impl Iterator<Item = &Head> {
        self.heads.values().filter(|head| head.status == Status::Parked)
    }

    fn append(&mut self, batch: Batch) -> Result<(), JournalError> {
        self.attempts += 1;
        let attempt = self.attempts;
        match &self.fault {
            Some(Fault::Once { at, error }) if attempt == *at => Err(error.clone()),
            Some(Fault::From { at, error }) if *at <= attempt => Err(error.clone()),
            Some(Fault::LostAck { at }) if attempt == *at => {
                self.commit(batch)?;
                Err(JournalError::Unavailable("the acknowledgement was lost".to_owned()))
            }
            _ => self.commit(batch),
        }
    }

    fn commit(&mut self, batch: Batch) -> Result<(), JournalError> {
        self.check(&batch)?;
        let Batch { head, records, turn, key, wake, asked, heard } = batch.clone();
        self.wakes.extend(asked.into_iter().map(|child| (head.task.clone(), child)));
        self.wakes.retain(|(parent, child)| *parent != head.task || !heard.contains(child));
        if head.status.is_final() {
            self.wakes.retain(|(parent, _)| *parent != head.task);
        }
        let is_open = |task: &TaskId| self.heads.get(task).is_some_and(|head| !head.status.is_final());
        if let Some(parent) = wake.filter(is_open) {
            self.wakes.insert((parent, head.task.clone()));
        }
        self.records.entry(head.task.clone()).or_default().extend(records.iter().cloned());
        if let Some(Submission { key, digest }) = key {
            self.keys.insert(key, (head.task.clone(), digest));
        }
        if let Some((session, turn)) = turn {
            self.put_turn(&head.tenant, &session, turn);
        }
        self.heads.insert(head.task.clone(), head);
        self.appended.push(batch);
        Ok(())
    }

    /// Refuses a batch of a writer that is behind, and one that claims a used key.
    fn check(&self, batch: &Batch) -> Result<(), JournalError> {
        let Batch { head, records, key, .. } = batch;
        let expected = records.first().map_or(head.next_seq, |record| record.seq);
        let in_order = records.iter().zip(expected..).all(|(record, seq)| record.seq == seq);
        assert!(in_order, "the records of a batch are consecutive");
        assert_eq!(head.next_seq, expected + records.len() as Seq, "the head is one past the last record");

        if let Some((task, digest)) = key.as_ref().and_then(|used| self.keys.get(&used.key)) {
            return Err(JournalError::KeyUsed { task: task.clone(), digest: digest.clone() });
        }
        let actual = self.heads.get(&head.task).map_or(0, |head| head.next_seq);
        if actual != expected {
            return Err(JournalError::Fenced { task: head.task.clone(), expected, actual });
        }
        Ok(())
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, batch: Batch) -> Result<(), JournalError> {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        self.lock().append(batch)
    }

    async fn read(&self, task: &TaskId, from: Seq, max: usize) -> Result<Vec<Record>, JournalError> {
        let state = self.lock();
        let records = state.records.get(task).into_iter().flatten();
        Ok(records.filter(|record| from <= record.seq).take(max).cloned().collect())
    }

    async fn head(&self, task: &TaskId) -> Result<Option<Head>, JournalError> {
        Ok(self.lock().heads.get(task).cloned())
    }

    async fn heads(&self, before: Option<&TaskId>, max: usize) -> Result<Vec<Head>, JournalError> {
        let state = self.lock();
        let older = |head: &&Head| before.is_none_or(|before| head.task < *before);
        Ok(state.heads.values().rev().filter(older).take(max).cloned().collect())
    }

    async fn open(&self) -> Result<Vec<Head>, JournalError> {
        let at_work = |head: &&Head| !head.status.is_final() && head.status != Status::Parked;
        Ok(self.lock().heads.values().filter(at_work).cloned().collect())
    }

    async fn due(&self, until_ms: u64, max: usize) -> Result<Vec<(u64, TaskId)>, JournalError> {
        let state = self.lock();
        let due = |head: &Head| Some((head.due_ms.filter(|due| *due <= until_ms)?, head.task.clone()));
        let mut due: Vec<_> = state.parked().filter_map(due).collect();
        due.sort();
        due.truncate(max);
        Ok(due)
    }

    async fn lanes(&self) -> Result<Vec<HeldLane>, JournalError> {
        let begun = |head: &&Head| !head.unbegun;
        let lane = |head: &Head| Some((head.task.clone(), (head.tenant.clone(), head.session.clone()?)));
        Ok(self.lock().parked().filter(begun).filter_map(lane).collect())
    }

    async fn wakes(&self) -> Result<Vec<TaskId>, JournalError> {
        let parents: BTreeSet<_> = self.lock().wakes.iter().map(|(parent, _)| parent.clone()).collect();
        Ok(parents.into_iter().collect())
    }

    async fn forget(&self, task: &TaskId) -> Result<bool, JournalError> {
        let mut state = self.lock();
        if !state.heads.get(task).is_some_and(|head| head.status.is_final()) {
            return Ok(false);
        }
        state.heads.remove(task);
        state.records.remove(task);
        state.keys.retain(|_, (used_for, _)| used_for != task);
        Ok(true)
    }

    async fn submission(&self, key: &str) -> Result<Option<(TaskId, String)>, JournalError> {
        Ok(self.lock().keys.get(key).cloned())
    }
}

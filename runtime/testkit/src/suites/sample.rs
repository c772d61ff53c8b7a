//! Batches to try a journal with.

use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    labels::Labels,
    message::Message,
    session::Turn,
    task::{Event, Head, Outcome, Record, Status, Waiting},
};
use playhouse_ports::{Batch, Submission};

/// The one writer of a task: makes its batches in order.
#[derive(Debug, Clone)]
pub struct Script {
    /// The task after the last batch made.
    pub head: Head,
}

impl Script {
    /// A writer of the new task `name`.
    ///
    /// # Panics
    ///
    /// If `name` is no name.
    pub fn new(name: &str) -> Self {
        let task = TaskId::new(name).expect("a task name");
        let head = Head {
            task,
            tenant: Tenant::local(),
            session: None,
            agent: "tester".to_owned(),
            status: Status::Running,
            next_seq: 0,
            epoch: 1,
            submitted_ms: 1_000,
            updated_ms: 1_000,
            parent: None,
            waiting: None,
            due_ms: None,
            unbegun: false,
        };
        Self { head }
    }

    /// The same for `tenant`.
    pub fn of(mut self, tenant: &Tenant) -> Self {
        self.head.tenant = tenant.clone();
        self
    }

    /// The task.
    pub fn task(&self) -> &TaskId {
        &self.head.task
    }

    /// The next batch: one record for each of `texts`.
    pub fn say<const N: usize>(&mut self, texts: [&str; N]) -> Batch {
        let event = |text: &str| Event::RepairAsked { problem: text.to_owned() };
        self.record(texts.map(event))
    }

    /// The next batch: one record for each of `events`.
    pub fn record(&mut self, events: impl IntoIterator<Item = Event>) -> Batch {
        let Head { tenant, epoch, next_seq, .. } = self.head.clone();
        let record = |(seq, event)| Record {
            seq,
            epoch,
            at_ms: 1_000 + seq,
            tenant: tenant.clone(),
            labels: Labels::of(["user"]),
            event,
        };
        let records: Vec<_> = (next_seq..).zip(events).map(record).collect();
        self.head.next_seq += records.len() as Seq;
        self.head.updated_ms = 1_000 + self.head.next_seq;
        Batch::of(self.head.clone(), records)
    }

    /// A batch after which the task is parked, until `due_ms` at the latest.
    pub fn park(&mut self, due_ms: Option<u64>) -> Batch {
        (self.head.status, self.head.waiting) = (Status::Parked, Some(Waiting::Timer));
        self.head.due_ms = due_ms;
        self.say(["parked"])
    }

    /// A batch after which the task runs again.
    pub fn wake(&mut self) -> Batch {
        (self.head.status, self.head.waiting, self.head.due_ms) = (Status::Running, None, None);
        self.say(["woken"])
    }

    /// The last batch.
    pub fn end(&mut self) -> Batch {
        (self.head.status, self.head.waiting, self.head.due_ms) = (Status::Done, None, None);
        self.record([Event::Finished { outcome: Outcome::Done { output: "fine".to_owned() } }])
    }

    /// The last batch, with a turn for `session` that says `text` and ended at `at_ms`.
    pub fn end_in(&mut self, session: &SessionId, text: &str, at_ms: u64) -> Batch {
        Batch { turn: Some((session.clone(), self.turn(text, at_ms))), ..self.end() }
    }

    /// A turn of this task.
    pub fn turn(&self, text: &str, at_ms: u64) -> Turn {
        Turn {
            task: self.task().clone(),
            topic: None,
            at_ms,
            messages: vec![Message::user(text)],
            labels: Labels::default(),
        }
    }
}

/// A submission with an idempotency key.
pub(crate) fn key(key: &str, digest: &str) -> Option<Submission> {
    Some(Submission { key: key.to_owned(), digest: digest.to_owned() })
}

/// What the records of [`Script::say`] say.
pub(crate) fn texts(records: &[Record]) -> Vec<&str> {
    records.iter().map(text).collect()
}

fn text(record: &Record) -> &str {
    match &record.event {
        Event::RepairAsked { problem } => problem,
        _ => "",
    }
}

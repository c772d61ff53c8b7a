//! A runtime without a runtime: it remembers what it was given, and tasks do what the test tells them to.

mod api;
mod control;
mod stream;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use playhouse_api::{ApiError, Caller, ForkRequest, Health, Question, Submission, TaskEvent, Verdict};
use playhouse_core::{
    id::{Seq, SessionId, TaskId},
    model::Usage,
    session::Session,
    task::{Event, Head, Outcome, Record, Signal, Status, TaskView, WaitView},
};
use serde_json::{Map, Value};
use tokio::sync::watch;

/// Bytes of input the fake takes; the real bound is the daemon's.
pub(crate) const INPUT_BYTES_MAX: usize = 1024 * 1024;

/// `RuntimeApi` in memory.
pub(crate) struct Fake {
    /// Shared with the streams, which outlive the call that made them.
    state: Arc<Mutex<State>>,
    /// Counts changes, so that streams know when to look again.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    tasks: BTreeMap<TaskId, Entry>,
    keys: BTreeMap<String, (Submission, TaskId)>,
    sessions: BTreeMap<SessionId, Session>,
    callers: Vec<Caller>,
    heard: Vec<Heard>,
    questions: Vec<Question>,
    refusal: Option<ApiError>,
    fault: Option<(Seq, ApiError)>,
    problems: Vec<String>,
}

/// What was said to a task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Pause(String),
    Decide(Verdict),
    Signal(Signal),
    Answer(u64, Option<Map<String, Value>>),
    Fork(ForkRequest),
}

struct Entry {
    view: TaskView,
    submission: Submission,
    feed: Vec<TaskEvent>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self { state: Arc::default(), changes: watch::Sender::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next call is refused with `error`.
    pub(crate) fn refuse_next(&self, error: ApiError) {
        self.state().refusal = Some(error);
    }

    /// A call asks people this.
    pub(crate) fn ask(&self, question: Question) {
        self.state().questions.push(question);
    }

    /// The next event stream that reaches event `seq` breaks with `error` instead.
    pub(crate) fn break_stream_at(&self, seq: Seq, error: ApiError) {
        self.state().fault = Some((seq, error));
    }

    /// The daemon is not ready because of `problem`.
    pub(crate) fn not_ready(&self, problem: &str) {
        self.state().problems.push(problem.to_owned());
    }

    pub(crate) fn put_session(&self, session: Session) {
        self.state().sessions.insert(session.id.clone(), session);
    }

    /// Who called, in order.
    pub(crate) fn callers(&self) -> Vec<Caller> {
        self.state().callers.clone()
    }

    /// What was submitted as task `id`.
    pub(crate) fn submission(&self, id: &str) -> Submission {
        self.state().tasks[&task_id(id)].submission.clone()
    }

    /// What was said to tasks, in order.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.state().heard.clone()
    }

    /// Task `id` is parked: this call waits.
    pub(crate) fn park(&self, id: &str, wait: WaitView) {
        let mut state = self.state();
        let view = &mut state.tasks.get_mut(&task_id(id)).unwrap().view;
        view.head.status = Status::Parked;
        view.head.waiting = Some(wait.wait.kind());
        view.head.due_ms = wait.wait.due_ms();
        view.waits.push(wait);
    }

    /// Task `id` was made by task `parent`.
    pub(crate) fn adopt(&self, id: &str, parent: &str) {
        self.state().tasks.get_mut(&task_id(id)).unwrap().view.head.parent = Some(task_id(parent));
    }

    /// How many tasks there are.
    pub(crate) fn tasks_len(&self) -> usize {
        self.state().tasks.len()
    }

    /// Waits until there is a task.
    pub(crate) async fn submitted(&self) {
        let mut changes = self.changes.subscribe();
        while self.tasks_len() == 0 {
            changes.changed().await.unwrap();
        }
    }

    /// Journals `event` for task `id`.
    pub(crate) fn happen(&self, id: &str, event: Event) {
        let mut state = self.state();
        let entry = state.tasks.get_mut(&task_id(id)).unwrap();
        let head = &mut entry.view.head;
        let seq = head.next_seq;
        head.next_seq += 1;
        head.updated_ms += 1;
        let (at_ms, tenant) = (head.updated_ms, head.tenant.clone());
        if let Event::Finished { outcome } = &event {
            head.status = match outcome {
                Outcome::Done { .. } => Status::Done,
                Outcome::Failed { .. } => Status::Failed,
                Outcome::Cancelled { .. } => Status::Cancelled,
                Outcome::Quarantined { .. } => Status::Quarantined,
            };
            match outcome {
                Outcome::Done { output } => entry.view.output = Some(output.clone()),
                Outcome::Failed { error } => entry.view.error = Some(error.clone()),
                Outcome::Cancelled { reason } | Outcome::Quarantined { reason } => {
                    entry.view.reason = Some(reason.clone());
                }
            }
        }
        let labels = entry.submission.labels.clone();
        entry.feed.push(TaskEvent::Record(Record { seq, epoch: 1, at_ms, tenant, labels, event }));
        drop(state);
        self.changes.send_modify(|count| *count += 1);
    }

    /// The model of task `id` says a bit more.
    pub(crate) fn delta(&self, id: &str, text: &str) {
        let delta = TaskEvent::Delta { step: 1, text: text.to_owned() };
        self.state().tasks.get_mut(&task_id(id)).unwrap().feed.push(delta);
        self.changes.send_modify(|count| *count += 1);
    }

    /// Task `id` ends with `output`.
    pub(crate) fn finish(&self, id: &str, output: &str) {
        self.happen(id, Event::Finished { outcome: Outcome::Done { output: output.to_owned() } });
    }

    fn health_now(&self) -> Health {
        let state = self.state();
        let problems = state.problems.clone();
        Health { ready: problems.is_empty(), problems, live_tasks: state.tasks.len(), queued_tasks: 0 }
    }
}

pub(crate) fn task_id(id: &str) -> TaskId {
    TaskId::new(id).unwrap()
}

/// A new task.
fn entry(id: TaskId, caller: &Caller, submission: Submission) -> Entry {
    let head = Head {
        task: id,
        tenant: caller.tenant.clone(),
        session: submission.session.clone(),
        agent: submission.agent.clone(),
        status: Status::Queued,
        next_seq: 0,
        epoch: 1,
        submitted_ms: 1000,
        updated_ms: 1000,
        parent: None,
        waiting: None,
        due_ms: None,
        unbegun: false,
    };
    let input = submission.input.clone();
    let usage = Usage::default();
    let view = TaskView {
        head,
        input,
        output: None,
        error: None,
        reason: None,
        usage,
        cost_microusd: 0,
        fuel: 0,
        steps: 0,
        waits: Vec::new(),
        children: Vec::new(),
        forked: None,
    };
    Entry { view, submission, feed: Vec::new() }
}

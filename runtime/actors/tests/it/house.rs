//! A running tree for tests, and words to talk to it.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::StreamExt;
use playhouse_actors::{Backend, Catalog, Parts, Problems, Run, Runtime, Tree};
use playhouse_api::{ApiError, Caller, RuntimeApi, Submission, TaskEvent};
use playhouse_core::{
    admission::Bounds,
    agent::{AgentDef, LimitsOverride},
    id::{SessionId, TaskId},
    session::Retention,
    task::{Event, TaskView},
};
use playhouse_ports::{ChatModel, Journal, ToolBox};
use playhouse_supervise::{Root, shutdown};
use playhouse_testkit::{FnTools, MemoryJournal, ScriptedModel, TokioClock, agent};

/// A tree and what it was made of.
pub(crate) struct House {
    pub(crate) runtime: Runtime,
    pub(crate) journal: MemoryJournal,
    pub(crate) root: Root,
}

/// What a house is built from; every field has a plain default.
pub(crate) struct Plan {
    pub(crate) model: ScriptedModel,
    pub(crate) tools: FnTools,
    pub(crate) journal: MemoryJournal,
    pub(crate) bounds: Bounds,
    pub(crate) retention: Retention,
    pub(crate) agent: AgentDef,
    /// Agents that `agent` may give work to.
    pub(crate) others: Vec<AgentDef>,
    /// Calls of the model at once.
    pub(crate) permits: usize,
    /// What the tree gets instead of `model`, `tools` and `journal`, when that is something around them.
    pub(crate) around: Around,
}

/// See [`Plan::around`].
#[derive(Default)]
pub(crate) struct Around {
    pub(crate) model: Option<Arc<dyn ChatModel>>,
    pub(crate) tools: Option<Arc<dyn ToolBox>>,
    pub(crate) journal: Option<Arc<dyn Journal>>,
    pub(crate) worker: Option<Run>,
}

impl Plan {
    pub(crate) fn new(model: &ScriptedModel) -> Self {
        Self {
            model: model.clone(),
            tools: FnTools::echo(),
            journal: MemoryJournal::new(),
            bounds: Bounds::default(),
            retention: Retention::default(),
            agent: agent("assistant", ["echo"]),
            others: Vec::new(),
            permits: 64,
            around: Around::default(),
        }
    }

    /// The same over a journal that is there already.
    pub(crate) fn on(mut self, journal: MemoryJournal) -> Self {
        self.journal = journal;
        self
    }

    pub(crate) async fn build(self) -> House {
        let Around { model, tools, journal, worker } = self.around;
        let model = model.unwrap_or_else(|| Arc::new(self.model));
        let tools = tools.unwrap_or_else(|| Arc::new(self.tools));
        let models = BTreeMap::from([("scripted".to_owned(), model.clone())]);
        let catalog = Catalog::new(self.others.into_iter().chain([self.agent]), tools, models)
            .expect("the test's agent is sound");
        let parts = Parts {
            journal: journal.unwrap_or_else(|| Arc::new(self.journal.clone())),
            committer: None,
            context: Arc::new(self.journal.clone()),
            clock: Arc::new(TokioClock::start()),
            catalog,
            backends: BTreeMap::from([(
                "scripted".to_owned(),
                Backend { model, permits: self.permits, worker },
            )]),
            connections: BTreeMap::new(),
            bounds: self.bounds,
            retention: self.retention,
            problems: Problems(Arc::new(Vec::new)),
        };
        let tree = Tree::new(parts);
        let runtime = tree.runtime.clone();
        let root = tree.start().await.expect("the tree starts");
        House { runtime, journal: self.journal, root }
    }
}

impl House {
    /// Stops the tree, as a crash would for all the journal knows.
    pub(crate) async fn stop(self) -> MemoryJournal {
        shutdown(&self.root.supervisor, std::time::Duration::from_secs(10)).await.expect("the tree stops");
        self.journal
    }

    pub(crate) async fn submit(&self, input: &str) -> Result<TaskId, ApiError> {
        self.submit_to(input, None).await
    }

    pub(crate) async fn submit_to(&self, input: &str, session: Option<&str>) -> Result<TaskId, ApiError> {
        let session = session.map(|name| SessionId::new(name).unwrap());
        let submission =
            Submission { agent: "assistant".into(), input: input.into(), session, ..Submission::default() };
        Ok(self.runtime.submit(&Caller::local(), submission).await?.task.head.task)
    }

    /// The same for a task that has so many milliseconds.
    pub(crate) async fn submit_for(&self, input: &str, session: Option<&str>, time_ms: u64) -> TaskId {
        let session = session.map(|name| SessionId::new(name).unwrap());
        let limits = LimitsOverride { time_ms: Some(time_ms), ..LimitsOverride::default() };
        let (agent, input) = ("assistant".into(), input.into());
        let submission = Submission { agent, input, session, limits, ..Submission::default() };
        self.runtime.submit(&Caller::local(), submission).await.unwrap().task.head.task
    }

    /// Follows the task to its end.
    pub(crate) async fn finish(&self, task: &TaskId) -> TaskView {
        self.events(task, 0).await;
        self.runtime.task(&Caller::local(), task).await.unwrap()
    }

    /// Every journaled event from `from` to the end, as it comes.
    pub(crate) async fn events(&self, task: &TaskId, from: u64) -> Vec<Event> {
        let events = self.runtime.events(&Caller::local(), task, from, false).await.unwrap();
        let record = |event: Result<TaskEvent, ApiError>| async move {
            match event.unwrap() {
                TaskEvent::Record(record) => Some(record.event),
                TaskEvent::Delta { .. } | TaskEvent::Progress { .. } => None,
            }
        };
        events.filter_map(record).collect().await
    }

    /// Waits until the journal of `task` holds an event that `wanted` accepts.
    pub(crate) async fn until(&self, task: &TaskId, wanted: impl Fn(&Event) -> bool) {
        let mut events = self.runtime.events(&Caller::local(), task, 0, false).await.unwrap();
        while let Some(event) = events.next().await {
            if matches!(event.unwrap(), TaskEvent::Record(record) if wanted(&record.event)) {
                return;
            }
        }
        panic!("the task ended without the event");
    }

    /// Waits until the task is parked and its planner has gone.
    pub(crate) async fn parked(&self, task: &TaskId) -> TaskView {
        self.until(task, |event| matches!(event, Event::Parked { .. })).await;
        while self.runtime.health().await.live_tasks > 0 {
            tokio::task::yield_now().await;
        }
        self.runtime.task(&Caller::local(), task).await.unwrap()
    }

    pub(crate) async fn journal_len(&self, task: &TaskId) -> u64 {
        self.journal.head(task).await.unwrap().unwrap().next_seq
    }
}

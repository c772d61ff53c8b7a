//! [`RuntimeApi`] over the actors: checks what comes in, asks the right actor, reads the journal.

mod control;
mod list;
mod submit;
mod tree;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use playhouse_api::{
    AgentView, ApiError, ApiErrorKind, Caller, EventStream, Export, ForkRequest, Health, Question,
    RuntimeApi, Submission, Submitted, TaskList, TaskQuery, TreeNode, Verdict,
};
use playhouse_core::{
    admission::{Bounds, RETRY_AFTER_MS},
    id::{Seq, SessionId, TaskId},
    model::ModelInfo,
    session::Session,
    task::{Head, Input, Signal, Task, TaskView},
    tool::ToolSpec,
};
use playhouse_ports::JournalError;
use playhouse_supervise::{Root, Slot, SupervisorMsg};
use serde_json::{Map, Value};

use crate::{
    catalog::Catalog,
    events::follow,
    memory::MemoryMsg,
    planner::read_all,
    services::{NoAnswer, Services, ask},
    tasks::TasksMsg,
};
use submit::Ids;

/// The runtime, as faces and embedding programs see it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Runtime {
    services: Arc<Services>,
    bounds: Bounds,
    ids: Arc<Ids>,
    /// Says what is wrong with models and other parts; empty when all is well.
    problems: Problems,
    /// The top of the tree; empty until it is started.
    root: Slot<SupervisorMsg>,
}

/// Asks the parts how they are.
#[derive(Clone)]
pub struct Problems(pub Arc<dyn Fn() -> Vec<String> + Send + Sync>);

impl std::fmt::Debug for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Problems")
    }
}

impl Runtime {
    pub(crate) fn new(services: Arc<Services>, bounds: Bounds, problems: Problems) -> Self {
        Self { services, bounds, ids: Arc::default(), problems, root: Slot::new("root") }
    }

    /// The tree below `root` is up.
    pub(crate) fn grown(&self, root: &Root) {
        self.root.fill(root.supervisor.clone());
    }

    /// Comes to rest, before a stop: takes no new task, lets running model calls and decided tool calls end
    /// and their results become durable, and begins nothing new. Answers how many were still under way
    /// after `limit`; these are repeated, asked about or given up at the next start, by their class. Reading,
    /// following and cancelling go on as before.
    pub async fn drain(&self, limit: Duration) -> usize {
        self.services.drain.settle(limit).await
    }

    /// The same with ids whose random bits come from `random`.
    pub(crate) fn with_random(self, random: Arc<dyn Fn() -> u128 + Send + Sync>) -> Self {
        Self { ids: Arc::new(Ids::of(random)), ..self }
    }

    /// Folds the journal of one of the caller's tasks.
    async fn restore(&self, caller: &Caller, id: &TaskId) -> Result<(Task, u64), ApiError> {
        self.head(caller, id).await?;
        let journal = &*self.services.ledger.journal;
        let records = read_all(journal, id).await.map_err(journal_error)?;
        let updated_ms = records.last().map_or(0, |record| record.at_ms);
        let task = Task::restore(records.into_iter().map(|record| record.event))
            .map_err(|error| ApiError::new(ApiErrorKind::Internal, error.to_string()))?;
        Ok((task, updated_ms))
    }

    async fn head(&self, caller: &Caller, id: &TaskId) -> Result<Head, ApiError> {
        let head = self.services.ledger.journal.head(id).await.map_err(journal_error)?;
        // Somebody else's task does not exist for this caller.
        head.filter(|head| head.tenant == caller.tenant).ok_or_else(|| not_found("task", id.as_str()))
    }
}

#[async_trait]
impl RuntimeApi for Runtime {
    async fn submit(&self, caller: &Caller, submission: Submission) -> Result<Submitted, ApiError> {
        self.accept(caller, submission).await
    }

    async fn task(&self, caller: &Caller, id: &TaskId) -> Result<TaskView, ApiError> {
        let (task, updated_ms) = self.restore(caller, id).await?;
        Ok(task.view(updated_ms))
    }

    async fn tasks(&self, caller: &Caller, query: TaskQuery) -> Result<TaskList, ApiError> {
        self.list(caller, query).await
    }

    async fn events(
        &self,
        caller: &Caller,
        id: &TaskId,
        from: Seq,
        deltas: bool,
    ) -> Result<EventStream, ApiError> {
        // Watch first, look second: what happens in between is noted.
        let watch = self.services.ledger.watch(id).ok_or_else(|| {
            let message =
                format!("{} tasks are already being watched; try again later", self.bounds.watchers);
            ApiError::new(ApiErrorKind::TooBusy, message).retry_after(RETRY_AFTER_MS)
        })?;
        let head = self.head(caller, id).await?;
        if from > head.next_seq {
            let message = format!("task {id} has {} events; there is none after {from}", head.next_seq);
            return Err(ApiError::new(ApiErrorKind::BadRequest, message));
        }
        if head.status.is_final() && from == head.next_seq {
            return Ok(Box::pin(futures_util::stream::empty()));
        }
        let positions = (from, head.next_seq);
        Ok(follow(self.services.ledger.clone(), watch, id.clone(), positions, deltas))
    }

    async fn cancel(&self, caller: &Caller, id: &TaskId, reason: String) -> Result<TaskView, ApiError> {
        if !self.head(caller, id).await?.status.is_final() {
            let cancel = |reply| TasksMsg::Cancel(id.clone(), reason, reply);
            ask("the dispatcher", &self.services.tasks, cancel).await.map_err(no_answer)?;
        }
        self.task(caller, id).await
    }

    async fn pause(&self, caller: &Caller, id: &TaskId, reason: String) -> Result<TaskView, ApiError> {
        self.deliver(caller, id, Input::Pause { reason }).await
    }

    async fn resume(&self, caller: &Caller, id: &TaskId) -> Result<TaskView, ApiError> {
        self.deliver(caller, id, Input::Unpause).await
    }

    async fn decide(&self, caller: &Caller, id: &TaskId, verdict: Verdict) -> Result<TaskView, ApiError> {
        self.take_decision(caller, id, verdict).await
    }

    async fn signal(&self, caller: &Caller, id: &TaskId, signal: Signal) -> Result<TaskView, ApiError> {
        self.take_signal(caller, id, signal).await
    }

    async fn questions(&self, caller: &Caller, id: &TaskId) -> Result<Vec<Question>, ApiError> {
        self.head(caller, id).await?;
        Ok(self.services.questions.of(id))
    }

    async fn answer(
        &self,
        caller: &Caller,
        id: &TaskId,
        number: u64,
        answer: Option<Map<String, Value>>,
    ) -> Result<(), ApiError> {
        self.head(caller, id).await?;
        self.services.questions.answer(id, number, answer)
    }

    async fn fork(&self, caller: &Caller, id: &TaskId, request: ForkRequest) -> Result<TaskView, ApiError> {
        self.make_fork(caller, id, request).await
    }

    async fn export(&self, caller: &Caller, id: &TaskId) -> Result<Export, ApiError> {
        self.write_export(caller, id).await
    }

    async fn forget(&self, caller: &Caller, id: &TaskId) -> Result<(), ApiError> {
        self.forget_task(caller, id).await
    }

    async fn session(&self, caller: &Caller, id: &SessionId) -> Result<Session, ApiError> {
        let read = |reply| MemoryMsg::Session(caller.tenant.clone(), id.clone(), reply);
        let session = ask("memory", &self.services.memory, read).await.map_err(no_answer)?;
        session.map_err(journal_error)?.ok_or_else(|| not_found("session", id.as_str()))
    }

    async fn delete_session(&self, caller: &Caller, id: &SessionId) -> Result<(), ApiError> {
        let delete = |reply| MemoryMsg::Delete(caller.tenant.clone(), id.clone(), reply);
        let deleted = ask("memory", &self.services.memory, delete).await.map_err(no_answer)?;
        let existed = deleted.map_err(journal_error)?;
        if existed { Ok(()) } else { Err(not_found("session", id.as_str())) }
    }

    async fn drop_topic(&self, caller: &Caller, id: &SessionId, topic: &str) -> Result<usize, ApiError> {
        let drop = |reply| MemoryMsg::DropTopic(caller.tenant.clone(), id.clone(), topic.to_owned(), reply);
        ask("memory", &self.services.memory, drop).await.map_err(no_answer)?.map_err(journal_error)
    }

    async fn agents(&self, _: &Caller) -> Result<Vec<AgentView>, ApiError> {
        let view = |agent: &Arc<playhouse_core::agent::AgentDef>| AgentView {
            name: agent.name.clone(),
            description: agent.description.clone(),
            model: agent.model.clone(),
            tools: agent.tools.keys().cloned().collect(),
            digest: Catalog::digest(agent),
        };
        Ok(self.services.catalog.agents().map(view).collect())
    }

    async fn tools(&self, _: &Caller) -> Result<Vec<ToolSpec>, ApiError> {
        Ok(self.services.catalog.tools.specs().iter().map(|spec| (**spec).clone()).collect())
    }

    async fn models(&self, _: &Caller) -> Result<Vec<ModelInfo>, ApiError> {
        Ok(self.services.catalog.model_infos())
    }

    async fn tree(&self, caller: &Caller) -> Result<TreeNode, ApiError> {
        self.look(caller).await
    }

    async fn health(&self) -> Health {
        let mut problems = (self.problems.0)();
        if self.services.drain.is_on() {
            problems.push("the daemon is stopping".into());
        }
        let count = ask("the dispatcher", &self.services.tasks, TasksMsg::Count).await;
        let (live_tasks, queued_tasks) = count.unwrap_or_else(|error| {
            problems.push(error.to_string());
            (0, 0)
        });
        Health { ready: problems.is_empty(), problems, live_tasks, queued_tasks }
    }
}

fn not_found(what: &str, name: &str) -> ApiError {
    ApiError::new(ApiErrorKind::NotFound, format!("there is no {what} `{name}`"))
}

pub(crate) fn no_answer(error: NoAnswer) -> ApiError {
    ApiError::new(ApiErrorKind::Unavailable, error.to_string()).retry_after(RETRY_AFTER_MS)
}

pub(crate) fn journal_error(error: JournalError) -> ApiError {
    let kind = match &error {
        JournalError::Full(_) => ApiErrorKind::StorageFull,
        JournalError::Busy(_) => ApiErrorKind::TooBusy,
        JournalError::Unavailable(_) => ApiErrorKind::Unavailable,
        JournalError::Erased(_) => ApiErrorKind::NotFound,
        JournalError::Damaged(_) | JournalError::Newer(_) | JournalError::Fenced { .. } => {
            ApiErrorKind::Internal
        }
        JournalError::KeyUsed { .. } => ApiErrorKind::Conflict,
    };
    let retry_after_ms =
        matches!(kind, ApiErrorKind::TooBusy | ApiErrorKind::Unavailable).then_some(RETRY_AFTER_MS);
    ApiError { kind, message: error.to_string(), retry_after_ms }
}

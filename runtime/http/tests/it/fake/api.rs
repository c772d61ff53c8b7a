//! `RuntimeApi` for the fake.

use async_trait::async_trait;
use playhouse_api::{
    AgentView, ApiError, ApiErrorKind, Caller, EventStream, Export, ForkRequest, Health, NodeKind,
    NodeStatus, Question, RuntimeApi, Submission, Submitted, TaskList, TaskQuery, TreeNode, Verdict,
};
use playhouse_core::{
    id::{Seq, SessionId, TaskId},
    model::ModelInfo,
    session::Session,
    task::{Event, Outcome, Signal, TaskView},
    tool::{Annotations, EffectClass, ToolSpec},
};
use serde_json::{Map, Value, json};

use super::{Fake, INPUT_BYTES_MAX, entry, stream, task_id};

pub(super) fn refused<T>(kind: ApiErrorKind, message: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::new(kind, message))
}

impl Fake {
    /// Notes the caller; fails when the test asked for that.
    fn enter(&self, caller: &Caller) -> Result<(), ApiError> {
        let mut state = self.state();
        state.callers.push(caller.clone());
        state.refusal.take().map_or(Ok(()), Err)
    }

    pub(super) fn accept(&self, caller: &Caller, submission: Submission) -> TaskView {
        let mut state = self.state();
        let id = task_id(&format!("t{}", state.tasks.len() + 1));
        if let Some(key) = submission.idempotency_key.clone() {
            state.keys.insert(key, (submission.clone(), id.clone()));
        }
        let entry = entry(id.clone(), caller, submission);
        let view = entry.view.clone();
        state.tasks.insert(id, entry);
        drop(state);
        self.changes.send_modify(|count| *count += 1);
        view
    }
}

#[async_trait]
impl RuntimeApi for Fake {
    async fn submit(&self, caller: &Caller, submission: Submission) -> Result<Submitted, ApiError> {
        self.enter(caller)?;
        match submission.agent.as_str() {
            "helper" => {}
            "clumsy" => panic!("secret internals"),
            other => return refused(ApiErrorKind::NotFound, format!("no agent is called `{other}`")),
        }
        if submission.input.is_empty() {
            return refused(ApiErrorKind::BadRequest, "`input` is empty");
        }
        if submission.input.len() > INPUT_BYTES_MAX {
            return refused(ApiErrorKind::TooLarge, "`input` is too large");
        }
        let known = submission.idempotency_key.as_ref().and_then(|key| self.state().keys.get(key).cloned());
        match known {
            Some((earlier, id)) if earlier == submission => {
                Ok(Submitted { task: self.state().tasks[&id].view.clone(), replayed: true })
            }
            Some(_) => refused(ApiErrorKind::Conflict, "this key was used with another body"),
            None => Ok(Submitted { task: self.accept(caller, submission), replayed: false }),
        }
    }

    async fn task(&self, caller: &Caller, id: &TaskId) -> Result<TaskView, ApiError> {
        self.enter(caller)?;
        match self.state().tasks.get(id) {
            Some(entry) if entry.view.head.tenant == caller.tenant => Ok(entry.view.clone()),
            _ => refused(ApiErrorKind::NotFound, format!("no task is called `{id}`")),
        }
    }

    async fn tasks(&self, caller: &Caller, query: TaskQuery) -> Result<TaskList, ApiError> {
        self.enter(caller)?;
        let state = self.state();
        let wanted = |head: &&playhouse_core::task::Head| {
            query.before.as_ref().is_none_or(|before| head.task < *before)
                && query.status.is_none_or(|status| head.status == status)
                && query.session.as_ref().is_none_or(|session| head.session.as_ref() == Some(session))
                && query.parent.as_ref().is_none_or(|parent| head.parent.as_ref() == Some(parent))
                && query.waiting.is_none_or(|waiting| head.waiting == Some(waiting))
        };
        let mut all = state.tasks.values().rev().map(|entry| &entry.view.head).filter(wanted);
        let tasks: Vec<_> = all.by_ref().take(query.limit).cloned().collect();
        let next = all.next().and(tasks.last()).map(|head| head.task.clone());
        Ok(TaskList { tasks, next })
    }

    async fn events(
        &self,
        caller: &Caller,
        id: &TaskId,
        from: Seq,
        deltas: bool,
    ) -> Result<EventStream, ApiError> {
        self.enter(caller)?;
        Ok(stream::follow(self, id, from, deltas))
    }

    async fn cancel(&self, caller: &Caller, id: &TaskId, reason: String) -> Result<TaskView, ApiError> {
        let view = self.task(caller, id).await?;
        if view.head.status.is_final() {
            return Ok(view);
        }
        self.happen(id.as_str(), Event::CancelRequested { reason: reason.clone() });
        self.happen(id.as_str(), Event::Finished { outcome: Outcome::Cancelled { reason } });
        self.task(caller, id).await
    }

    async fn pause(&self, caller: &Caller, id: &TaskId, reason: String) -> Result<TaskView, ApiError> {
        self.task(caller, id).await?;
        self.hold_still(id, reason)
    }

    async fn resume(&self, caller: &Caller, id: &TaskId) -> Result<TaskView, ApiError> {
        self.task(caller, id).await?;
        self.go_on(id)
    }

    async fn decide(&self, caller: &Caller, id: &TaskId, verdict: Verdict) -> Result<TaskView, ApiError> {
        self.task(caller, id).await?;
        self.settle(id, verdict)
    }

    async fn signal(&self, caller: &Caller, id: &TaskId, signal: Signal) -> Result<TaskView, ApiError> {
        self.task(caller, id).await?;
        self.hear(id, signal)
    }

    async fn questions(&self, caller: &Caller, id: &TaskId) -> Result<Vec<Question>, ApiError> {
        self.task(caller, id).await?;
        Ok(self.state().questions.clone())
    }

    async fn answer(
        &self,
        caller: &Caller,
        id: &TaskId,
        number: u64,
        answer: Option<Map<String, Value>>,
    ) -> Result<(), ApiError> {
        self.task(caller, id).await?;
        self.reply(number, answer)
    }

    async fn fork(&self, caller: &Caller, id: &TaskId, request: ForkRequest) -> Result<TaskView, ApiError> {
        self.task(caller, id).await?;
        Ok(self.branch(caller, id, request))
    }

    async fn export(&self, caller: &Caller, id: &TaskId) -> Result<Export, ApiError> {
        self.task(caller, id).await?;
        Ok(self.write_out(id))
    }

    async fn forget(&self, caller: &Caller, id: &TaskId) -> Result<(), ApiError> {
        self.task(caller, id).await?;
        self.throw_away(id)
    }

    async fn session(&self, caller: &Caller, id: &SessionId) -> Result<Session, ApiError> {
        self.enter(caller)?;
        match self.state().sessions.get(id) {
            Some(session) => Ok(session.clone()),
            None => refused(ApiErrorKind::NotFound, format!("no session is called `{id}`")),
        }
    }

    async fn delete_session(&self, caller: &Caller, id: &SessionId) -> Result<(), ApiError> {
        self.session(caller, id).await?;
        self.state().sessions.remove(id);
        Ok(())
    }

    async fn drop_topic(&self, caller: &Caller, id: &SessionId, topic: &str) -> Result<usize, ApiError> {
        self.session(caller, id).await?;
        Ok(self.state().sessions.get_mut(id).unwrap().drop_topic(topic))
    }

    async fn agents(&self, caller: &Caller) -> Result<Vec<AgentView>, ApiError> {
        self.enter(caller)?;
        Ok(vec![AgentView {
            name: "helper".into(),
            description: "helps".into(),
            model: "nano".into(),
            tools: vec!["lookup".into()],
            digest: "a0".into(),
        }])
    }

    async fn tools(&self, caller: &Caller) -> Result<Vec<ToolSpec>, ApiError> {
        self.enter(caller)?;
        Ok(vec![ToolSpec {
            name: "lookup".into(),
            version: "1.0.0".into(),
            description: "looks things up".into(),
            input_schema: json!({"type": "object"}),
            output_schema: json!({"type": "string"}),
            effect: EffectClass::Pure,
            annotations: Annotations::promised(EffectClass::Pure),
            digest: "b1".into(),
        }])
    }

    async fn models(&self, caller: &Caller) -> Result<Vec<ModelInfo>, ApiError> {
        self.enter(caller)?;
        Ok(vec![ModelInfo {
            name: "nano".into(),
            version: "sha256:c2".into(),
            provider: "llama_cpp".into(),
            context_tokens: 4096,
            bytes_per_token: 1,
        }])
    }

    async fn tree(&self, caller: &Caller) -> Result<TreeNode, ApiError> {
        self.enter(caller)?;
        let tools = TreeNode {
            id: "tools".into(),
            kind: NodeKind::Actor,
            status: NodeStatus::Running,
            restarts: 2,
            last_exit: Some("a bug".into()),
            up_ms: Some(12),
            queue_depth: Some(3),
            state: Some("3 running, 5 waiting".into()),
            last_message: Some("Call".into()),
            children: Vec::new(),
            hidden: 0,
        };
        Ok(TreeNode {
            id: "root".into(),
            kind: NodeKind::RestForOne,
            restarts: 0,
            last_exit: None,
            up_ms: Some(7000),
            queue_depth: None,
            state: None,
            last_message: None,
            children: vec![tools.clone()],
            hidden: 4,
            ..tools
        })
    }

    async fn health(&self) -> Health {
        self.health_now()
    }
}

//! The other actors, as a planner reaches them.
//!
//! An actor that is restarted is a new actor; the [`Slot`]s here always hold the newest one. A message to an
//! actor that is just being restarted is dropped, and with it its promise, which reports the crash.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use playhouse_core::{
    id::{SessionId, TaskId},
    task::{ChildOrder, TaskSpec},
    window::Window,
};
use playhouse_ports::JournalError;
use playhouse_supervise::{Slot, call, tell};
use ractor::{ActorRef, Message, RpcReplyPort};

use crate::{
    catalog::Catalog,
    drain::Drain,
    ledger::Ledger,
    llm_backend::LlmBackendMsg,
    memory::MemoryMsg,
    planner::{PlannerMsg, patiently},
    questions::Questions,
    tasks::TasksMsg,
    timers::TimersMsg,
    tool_executor::ToolExecutorMsg,
};

/// Longest wait for an actor's answer to a question that needs no model and no tool. A disk that is slower
/// than this is broken.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Everything a planner may use.
#[derive(Debug)]
pub(crate) struct Services {
    /// The door to the journal.
    pub(crate) ledger: Arc<Ledger>,
    /// Agents, tools, models.
    pub(crate) catalog: Arc<Catalog>,
    /// Remembers sessions.
    pub(crate) memory: Slot<MemoryMsg>,
    /// Runs tools.
    pub(crate) tools: Slot<ToolExecutorMsg>,
    /// By alias.
    pub(crate) models: BTreeMap<String, Slot<LlmBackendMsg>>,
    /// Starts and ends planners.
    pub(crate) tasks: Slot<TasksMsg>,
    /// Wakes what is due.
    pub(crate) timers: Slot<TimersMsg>,
    /// What calls ask people.
    pub(crate) questions: Questions,
    /// Whether the runtime is coming to rest.
    pub(crate) drain: Drain,
}

/// An actor that did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is being restarted or did not answer in time; try again in a moment")]
pub(crate) struct NoAnswer(pub(crate) &'static str);

/// Asks an actor and waits at most [`CALL_TIMEOUT`].
pub(crate) async fn ask<M: Message, T: Send + 'static>(
    name: &'static str,
    slot: &Slot<M>,
    message: impl FnOnce(RpcReplyPort<T>) -> M,
) -> Result<T, NoAnswer> {
    let actor = slot.get().map_err(|_| NoAnswer(name))?;
    call(&actor, message, CALL_TIMEOUT).await.ok_or(NoAnswer(name))
}

impl Services {
    /// What of `session` fits the prompt of a task: its model's context less the reply, the instructions and
    /// the input.
    pub(crate) async fn recall(&self, spec: &TaskSpec, session: &SessionId) -> Result<Window, JournalError> {
        let agent = &spec.pinned.agent;
        let Some(model) = self.catalog.models.get(&agent.model) else {
            // The configuration no longer has it; the model call will say so.
            return Ok(Window::default());
        };
        let info = model.info();
        let per_token = info.bytes_per_token.max(1) as usize;
        let fixed = (agent.instructions.len() + spec.input.len()).div_ceil(per_token);
        let budget = info
            .context_tokens
            .saturating_sub(agent.sampling.max_tokens)
            .saturating_sub(u32::try_from(fixed).unwrap_or(u32::MAX));
        let recall = || async {
            let window = ask("memory", &self.memory, |reply| MemoryMsg::Recall {
                tenant: spec.tenant.clone(),
                session: session.clone(),
                policy: agent.window,
                budget_tokens: budget,
                bytes_per_token: info.bytes_per_token,
                reply,
            });
            // An actor that is being restarted is as good as a journal that is.
            window.await.map_err(|error| JournalError::Unavailable(error.to_string()))?
        };
        patiently(&spec.id, recall).await
    }

    pub(crate) fn cast_model(&self, alias: &str, message: LlmBackendMsg) {
        cast(self.models.get(alias), message);
    }

    pub(crate) fn cast_tools(&self, message: ToolExecutorMsg) {
        cast(Some(&self.tools), message);
    }

    pub(crate) fn planner_is_up(&self, task: &TaskId, planner: &ActorRef<PlannerMsg>) {
        cast(Some(&self.tasks), TasksMsg::Up(task.clone(), planner.clone()));
    }

    pub(crate) fn cast_timers(&self, message: TimersMsg) {
        cast(Some(&self.timers), message);
    }

    /// What a task that another ordered runs on; the error says why it cannot be made.
    pub(crate) fn child_spec(&self, order: &ChildOrder) -> Result<TaskSpec, String> {
        let Some(agent) = self.catalog.agent(&order.agent) else {
            return Err(format!("there is no agent `{}` any more", order.agent));
        };
        let tenant = order.tenant.clone();
        Ok(TaskSpec {
            id: order.task.clone(),
            tenant,
            session: None,
            topic: None,
            input: order.input.clone(),
            pinned: self.catalog.pin(agent, &order.limits),
            labels: order.labels.clone(),
            submitted_ms: self.ledger.clock.now_ms(),
            until_ms: order.until_ms,
            lineage: order.lineage.clone(),
        })
    }

    pub(crate) fn cast_tasks(&self, message: TasksMsg) {
        cast(Some(&self.tasks), message);
    }
}

/// Sends, or drops the message and with it the promise inside.
fn cast<M: Message>(slot: Option<&Slot<M>>, message: M) {
    if let Some(actor) = slot.and_then(|slot| slot.get().ok()) {
        let _ = tell(&actor, message);
    }
}

//! What others see of a task.

use serde::{Deserialize, Serialize};

use super::{Outcome, Phase, Task, TaskError, WaitView, slot::Slot};
use crate::{
    id::{Seq, SessionId, TaskId, Tenant},
    model::Usage,
};

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted; waits for its session or for room.
    Queued,
    /// A model or a tool is at work.
    Running,
    /// Waits for something outside.
    Parked,
    /// Ended with an answer.
    Done,
    /// Ended without one.
    Failed,
    /// Ended by request.
    Cancelled,
    /// Set aside after repeated crashes.
    Quarantined,
}

impl Status {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running | Self::Parked)
    }
}

/// What a parked task waits for. With several, the first in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// Somebody paused it.
    Paused,
    /// A person's decision.
    Approval,
    /// A message from outside.
    Signal,
    /// Tasks of its own.
    Children,
    /// A point in time.
    Timer,
}

/// The compact form of a task, updated in the same commit as its journal: what lists and start-up read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The task.
    pub task: TaskId,
    /// Whose it is.
    pub tenant: Tenant,
    /// Its conversation.
    pub session: Option<SessionId>,
    /// Its agent.
    pub agent: String,
    /// Where it stands.
    pub status: Status,
    /// Position of the next event.
    pub next_seq: Seq,
    /// How often its planner was started.
    pub epoch: u32,
    /// Milliseconds since 1970.
    pub submitted_ms: u64,
    /// Milliseconds since 1970.
    pub updated_ms: u64,
    /// The task that made this one, if a task did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
    /// What it waits for; present exactly when it is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// When a parked task must go on even if nothing happens, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<u64>,
    /// Whether its turn in its session has not come yet: also parked, it keeps nobody waiting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unbegun: bool,
}

impl Head {
    /// Whether this task can be forgotten: it is over, and so is the task that made it (`parent`, if that is still
    /// there), which would otherwise miss its answer and make it again.
    pub fn may_go(&self, parent: Option<&Self>) -> bool {
        self.status.is_final() && parent.is_none_or(|parent| parent.status.is_final())
    }
}

/// The full form: what `GET /v1/tasks/{id}` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    /// The compact form.
    #[serde(flatten)]
    pub head: Head,
    /// What the caller said.
    pub input: String,
    /// The answer of a task that is done.
    pub output: Option<String>,
    /// Why it failed; for a cancelled or quarantined task, the reason is in `reason`.
    pub error: Option<TaskError>,
    /// The reason of a cancellation, a quarantine or a pause.
    pub reason: Option<String>,
    /// Tokens so far.
    pub usage: Usage,
    /// Price so far, its children's included, in millionths of a US dollar; 0 where no price is configured.
    #[serde(default)]
    pub cost_microusd: u64,
    /// What its sandboxed tools have computed, its children's included, in units of fuel.
    #[serde(default)]
    pub fuel: u64,
    /// Completed steps: model replies and tool results.
    pub steps: u32,
    /// The calls that wait, and what for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitView>,
    /// Tasks it has made that are not over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<TaskId>,
    /// The task whose history it shares, and the step from which on it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked: Option<(TaskId, u32)>,
}

impl Task {
    /// Where the task stands.
    pub fn status(&self) -> Status {
        match &self.phase {
            _ if self.waiting().is_some() => Status::Parked,
            Phase::Queued | Phase::Ready { .. } => Status::Queued,
            Phase::Thinking { .. } | Phase::Acting { .. } | Phase::Undoing { .. } => Status::Running,
            Phase::Finished(Outcome::Done { .. }) => Status::Done,
            Phase::Finished(Outcome::Failed { .. }) => Status::Failed,
            Phase::Finished(Outcome::Cancelled { .. }) => Status::Cancelled,
            Phase::Finished(Outcome::Quarantined { .. }) => Status::Quarantined,
        }
    }

    /// The compact form at `now_ms`.
    pub fn head(&self, now_ms: u64) -> Head {
        Head {
            task: self.spec.id.clone(),
            tenant: self.spec.tenant.clone(),
            session: self.spec.session.clone(),
            agent: self.spec.pinned.agent.name.clone(),
            status: self.status(),
            next_seq: self.next_seq,
            epoch: self.epoch,
            submitted_ms: self.spec.submitted_ms,
            updated_ms: now_ms,
            parent: self.spec.lineage.parent.clone(),
            waiting: self.waiting(),
            due_ms: self.waiting().and_then(|_| self.due_ms()),
            unbegun: matches!(self.phase, Phase::Queued),
        }
    }

    /// The full form; `updated_ms` is the time of the last record.
    pub fn view(&self, updated_ms: u64) -> TaskView {
        let (mut output, mut error, mut reason) = (None, None, None);
        match self.outcome() {
            Some(Outcome::Done { output: text }) => output = Some(text.clone()),
            Some(Outcome::Failed { error: why }) => error = Some(why.clone()),
            Some(Outcome::Cancelled { reason: why } | Outcome::Quarantined { reason: why }) => {
                reason = Some(why.clone());
            }
            None => reason = self.paused.clone(),
        }
        let wait = |slot: &Slot| Some(WaitView::of(slot.intent.as_ref()?, slot.wait()?));
        TaskView {
            head: self.head(updated_ms),
            input: self.spec.input.clone(),
            output,
            error,
            reason,
            usage: self.spent.usage,
            cost_microusd: self.spent.cost_microusd,
            fuel: self.spent.fuel,
            steps: self.model_calls + self.tool_calls,
            waits: self.slots().iter().filter_map(wait).collect(),
            children: self.running_children().cloned().collect(),
            forked: self.spec.lineage.forked.clone(),
        }
    }
}

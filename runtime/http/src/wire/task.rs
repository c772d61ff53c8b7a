//! Tasks, in full and in lists.

use playhouse_core::{model, task};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Waiting, WaitingCall, mirror};

mirror! {
    /// Where a task stands.
    Status from task::Status, "snake_case" {
        /// Accepted; waits for its session or for room.
        Queued,
        /// A model or a tool is at work.
        Running,
        /// Waits for something outside; `waiting` says what.
        Parked,
        /// Ended with an answer.
        Done,
        /// Ended without one; `error` says why.
        Failed,
        /// Ended by request; `reason` says why.
        Cancelled,
        /// Set aside after repeated crashes; `reason` holds the last.
        Quarantined,
    }
}

mirror! {
    /// What kind of failure ended a task.
    TaskErrorKind from task::TaskErrorKind, "snake_case" {
        /// The allowed number of model calls was used up.
        StepBudget,
        /// The allowed time passed.
        TimeBudget,
        /// The model could not be asked.
        Model,
        /// The prompt does not fit the model's context.
        ContextOverflow,
        /// The model kept answering what cannot be used.
        BadModelOutput,
        /// The answer was cut by the model's token limit.
        Truncated,
        /// The allowed tokens were used up.
        TokenBudget,
        /// The allowed money was used up.
        CostBudget,
        /// What tools may compute was used up.
        FuelBudget,
        /// The task that the conversation was handed to gave no answer.
        HandOff,
        /// A task that it wanted could not be made.
        NotMade,
    }
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskError {
    /// What kind of failure.
    pub kind: TaskErrorKind,
    /// What happened and what to do next.
    pub message: String,
}

/// Tokens so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Tokens of the prompts.
    pub input_tokens: u64,
    /// Of those, tokens that were not evaluated again.
    pub cached_tokens: u64,
    /// Tokens of the replies.
    pub output_tokens: u64,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// The agent that works on it.
    pub agent: String,
    /// Its conversation, if any.
    pub session: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// What was asked.
    pub input: String,
    /// The answer, when `done`.
    pub output: Option<String>,
    /// Why there is none, when `failed`.
    pub error: Option<TaskError>,
    /// The reason, when `cancelled`, `quarantined` or paused.
    pub reason: Option<String>,
    /// What it waits for, when `parked`; with several, the first of `paused`, `approval`, `signal`, `children`,
    /// `timer`.
    pub waiting: Option<Waiting>,
    /// The calls that wait, and what for.
    pub waits: Vec<WaitingCall>,
    /// When a parked task goes on even if nothing happens, in milliseconds since 1970.
    pub due_ms: Option<u64>,
    /// The task that made it, if a task did.
    pub parent: Option<String>,
    /// Tasks it has made that are not over.
    pub children: Vec<String>,
    /// The task whose history it shares.
    pub forked: Option<ForkedFrom>,
    /// Tokens so far, those of tasks it made included.
    pub usage: Usage,
    /// Price so far in millionths of a US dollar, that of tasks it made included; 0 where no price is known.
    pub cost_microusd: u64,
    /// What its sandboxed tools have computed so far, in units of fuel, those of tasks it made included.
    pub fuel: u64,
    /// Completed steps: model replies and tool results.
    pub steps: u32,
    /// How often its planner was started; more than 0 after a crash or a restart of the daemon.
    pub epoch: u32,
    /// Number of journaled events; their ids are 0 to this minus 1.
    pub events: u64,
    /// When it was accepted, in milliseconds since 1970.
    pub submitted_ms: u64,
    /// When it last changed, in milliseconds since 1970.
    pub updated_ms: u64,
}

/// Where a fork comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForkedFrom {
    /// The task whose history it shares.
    pub task: String,
    /// The step that was asked anew; everything before it is shared.
    pub step: u32,
}

/// A task as listed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskSummary {
    /// Its id.
    pub id: String,
    /// The agent that works on it.
    pub agent: String,
    /// Its conversation, if any.
    pub session: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// What it waits for, when `parked`.
    pub waiting: Option<Waiting>,
    /// When a parked task goes on even if nothing happens, in milliseconds since 1970.
    pub due_ms: Option<u64>,
    /// The task that made it, if a task did.
    pub parent: Option<String>,
    /// When it was accepted, in milliseconds since 1970.
    pub submitted_ms: u64,
    /// When it last changed, in milliseconds since 1970.
    pub updated_ms: u64,
}

/// One page of tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskList {
    /// Newest first. May be fewer than asked for, even none, and yet not the last page: one request looks at some
    /// 6,000 tasks at most.
    pub tasks: Vec<TaskSummary>,
    /// Pass as `before` for the next page; null on the last.
    pub next: Option<String>,
}

impl From<task::TaskView> for Task {
    fn from(view: task::TaskView) -> Self {
        let task::TaskView {
            head,
            input,
            output,
            error,
            reason,
            usage,
            cost_microusd,
            fuel,
            steps,
            waits,
            children,
            forked,
        } = view;
        Self {
            id: head.task.into(),
            agent: head.agent,
            session: head.session.map(String::from),
            status: head.status.into(),
            input,
            output,
            error: error.map(TaskError::from),
            reason,
            waiting: head.waiting.map(Waiting::from),
            waits: waits.into_iter().map(WaitingCall::from).collect(),
            due_ms: head.due_ms,
            parent: head.parent.map(String::from),
            children: children.into_iter().map(String::from).collect(),
            forked: forked.map(|(task, step)| ForkedFrom { task: task.into(), step }),
            usage: usage.into(),
            cost_microusd,
            fuel,
            steps,
            epoch: head.epoch,
            events: head.next_seq,
            submitted_ms: head.submitted_ms,
            updated_ms: head.updated_ms,
        }
    }
}

impl From<task::Head> for TaskSummary {
    fn from(head: task::Head) -> Self {
        Self {
            id: head.task.into(),
            agent: head.agent,
            session: head.session.map(String::from),
            status: head.status.into(),
            waiting: head.waiting.map(Waiting::from),
            due_ms: head.due_ms,
            parent: head.parent.map(String::from),
            submitted_ms: head.submitted_ms,
            updated_ms: head.updated_ms,
        }
    }
}

impl From<task::TaskError> for TaskError {
    fn from(task::TaskError { kind, message }: task::TaskError) -> Self {
        Self { kind: kind.into(), message }
    }
}

impl From<model::Usage> for Usage {
    fn from(model::Usage { input_tokens, cached_tokens, output_tokens }: model::Usage) -> Self {
        Self { input_tokens, cached_tokens, output_tokens }
    }
}

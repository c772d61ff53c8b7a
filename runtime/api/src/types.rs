//! Requests and answers.

use playhouse_core::{
    agent::LimitsOverride,
    id::{EffectId, SessionId, TaskId, Tenant},
    labels::Labels,
    task::{Decision, Head, Record, Status, TaskView, Waiting},
    tool::ToolProgress,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most tasks one page of a list holds.
pub const LIST_MAX: usize = 200;

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose data it may see.
    pub tenant: Tenant,
}

/// A task to be done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// Name of the agent.
    pub agent: String,
    /// What is wanted.
    pub input: String,
    /// Conversation this continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What the turn is about, for dropping the topic later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Tighter limits than the agent's own.
    #[serde(default)]
    pub limits: LimitsOverride,
    /// Carried to every record of the task.
    #[serde(default)]
    pub labels: Labels,
    /// The end of the task's time whatever it does, also while it waits; in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// The same key with the same content is the same task. From the `Idempotency-Key` header.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// An accepted task.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// The task.
    pub task: TaskView,
    /// Whether an earlier submission with the same key made it.
    pub replayed: bool,
}

/// Which tasks to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskQuery {
    /// Only tasks older than this one: the `next` of the page before, which need not name a task.
    pub before: Option<TaskId>,
    /// Page size, 1 to [`LIST_MAX`].
    pub limit: usize,
    /// Only tasks that stand here.
    pub status: Option<Status>,
    /// Only tasks of this conversation.
    pub session: Option<SessionId>,
    /// Only tasks that this one made.
    pub parent: Option<TaskId>,
    /// Only tasks that wait for this.
    pub waiting: Option<Waiting>,
}

/// A person's word about a call that waits for one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which call.
    pub effect_id: EffectId,
    /// SHA-256 of the arguments the person saw, from [`TaskView::waits`]; a decision about others is refused.
    pub args_digest: Option<String>,
    /// What was decided.
    pub decision: Decision,
    /// Who decided, for the journal.
    pub by: String,
}

/// A form that a running call shows to people, and that nobody has answered yet. It is not journaled: it goes with the
/// call, and a call that is made again asks again.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Names it among those of its task; never used twice, also not by another run of the daemon.
    pub number: u64,
    /// Which call asks.
    pub effect_id: EffectId,
    /// The tool that is called.
    pub tool: String,
    /// What is asked: a stranger's words.
    pub message: String,
    /// JSON Schema of the answer, which is an object.
    pub schema: Value,
    /// Since when it is open, in milliseconds since 1970.
    pub asked_ms: u64,
}

/// How a fork differs from the task it is made of. What is not given stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForkRequest {
    /// The step that is asked anew, from 1 (the default). Everything before it is shared.
    pub at: Option<u32>,
    /// Other words of the user: instead of the first ones at step 1, else added before the step.
    pub input: Option<String>,
    /// Another agent, as it is now.
    pub agent: Option<String>,
    /// Another model.
    pub model: Option<String>,
}

/// A task in a file: complete enough to be replayed anywhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// [`Export::FORMAT`].
    pub format: String,
    /// The task.
    pub task: TaskId,
    /// When it was written, in milliseconds since 1970.
    pub exported_ms: u64,
    /// Its whole journal.
    pub records: Vec<Record>,
}

impl Export {
    /// Names the format and its version.
    pub const FORMAT: &str = "playhouse-task/1";
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskList {
    /// Newest first. May be fewer than asked for, even none, and yet not the last page: one request looks at so
    /// many tasks at most.
    pub tasks: Vec<Head>,
    /// Pass as `before` for the next page; absent on the last.
    pub next: Option<TaskId>,
}

/// What a watcher of a task sees.
#[expect(
    clippy::large_enum_variant,
    reason = "records are the rule, deltas the exception, and neither is stored"
)]
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEvent {
    /// A journaled event; its `seq` is the SSE id.
    Record(Record),
    /// Provisional text of the model's current reply; not journaled, has no id.
    Delta {
        /// Which step.
        step: u32,
        /// More text.
        text: String,
    },
    /// What a tool call says before its end; not journaled, has no id.
    Progress {
        /// Which call.
        effect_id: EffectId,
        /// The tool.
        tool: String,
        /// What it says.
        progress: ToolProgress,
    },
}

/// An agent as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Alias of its model.
    pub model: String,
    /// Its tools.
    pub tools: Vec<String>,
    /// SHA-256 of the definition, in hex.
    pub digest: String,
}

/// Whether the daemon can take work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Every part is ready.
    pub ready: bool,
    /// What is not, in words; empty when ready.
    pub problems: Vec<String>,
    /// Tasks with a live planner.
    pub live_tasks: usize,
    /// Tasks accepted and waiting.
    pub queued_tasks: usize,
}

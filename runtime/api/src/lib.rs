//! What the daemon offers, whatever the wire: one trait, its requests, its answers and its errors. HTTP, gRPC
//! and MCP are thin layers over this; the CLI and the SDK use it directly.

mod error;
mod tree;
mod types;

use std::pin::Pin;

use async_trait::async_trait;
use futures_util::Stream;
use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    model::ModelInfo,
    session::Session,
    task::{Signal, TaskView},
    tool::ToolSpec,
};

use serde_json::{Map, Value};

pub use error::{ApiError, ApiErrorKind};
pub use tree::{NodeKind, NodeStatus, TreeNode};
pub use types::{
    AgentView, Caller, Export, ForkRequest, Health, LIST_MAX, Question, Submission, Submitted, TaskEvent,
    TaskList, TaskQuery, Verdict,
};

/// Events of one task, as they come; ends after the last event of the task.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<TaskEvent, ApiError>> + Send>>;

/// The runtime as its users see it.
#[async_trait]
pub trait RuntimeApi: Send + Sync + 'static {
    /// Accepts a task. When this returns, the task is durable.
    async fn submit(&self, caller: &Caller, submission: Submission) -> Result<Submitted, ApiError>;

    /// One task.
    async fn task(&self, caller: &Caller, id: &TaskId) -> Result<TaskView, ApiError>;

    /// Tasks, newest first.
    async fn tasks(&self, caller: &Caller, query: TaskQuery) -> Result<TaskList, ApiError>;

    /// Journaled events from position `from` on, then live ones, in order, none lost and none twice.
    /// Provisional text of a model comes between them when `deltas` is set.
    async fn events(
        &self,
        caller: &Caller,
        id: &TaskId,
        from: Seq,
        deltas: bool,
    ) -> Result<EventStream, ApiError>;

    /// Asks a task to end; returns it as it then is. Cancelling a finished task changes nothing.
    async fn cancel(&self, caller: &Caller, id: &TaskId, reason: String) -> Result<TaskView, ApiError>;

    /// Holds a task still: what runs ends, nothing more begins. Durable when this returns.
    async fn pause(&self, caller: &Caller, id: &TaskId, reason: String) -> Result<TaskView, ApiError>;

    /// Lets a paused task go on.
    async fn resume(&self, caller: &Caller, id: &TaskId) -> Result<TaskView, ApiError>;

    /// Decides about a call that waits for a person. Durable when this returns.
    async fn decide(&self, caller: &Caller, id: &TaskId, verdict: Verdict) -> Result<TaskView, ApiError>;

    /// Sends a task a message. The same `signal.id` is the same message, however often it is sent. Durable
    /// when this returns.
    async fn signal(&self, caller: &Caller, id: &TaskId, signal: Signal) -> Result<TaskView, ApiError>;

    /// What the running calls of a task ask people, oldest first.
    async fn questions(&self, caller: &Caller, id: &TaskId) -> Result<Vec<Question>, ApiError>;

    /// Answers one of them: with what the form asks for, or with nothing, which declines it. An answer that does not
    /// fit the form is refused, and the question stays open.
    async fn answer(
        &self,
        caller: &Caller,
        id: &TaskId,
        number: u64,
        answer: Option<Map<String, Value>>,
    ) -> Result<(), ApiError>;

    /// Makes a task that shares the history of another.
    async fn fork(&self, caller: &Caller, id: &TaskId, request: ForkRequest) -> Result<TaskView, ApiError>;

    /// A task with its whole journal.
    async fn export(&self, caller: &Caller, id: &TaskId) -> Result<Export, ApiError>;

    /// Removes a finished task for good.
    async fn forget(&self, caller: &Caller, id: &TaskId) -> Result<(), ApiError>;

    /// A session with its history.
    async fn session(&self, caller: &Caller, id: &SessionId) -> Result<Session, ApiError>;

    /// Removes a session.
    async fn delete_session(&self, caller: &Caller, id: &SessionId) -> Result<(), ApiError>;

    /// Removes a session's turns about `topic`; returns how many left.
    async fn drop_topic(&self, caller: &Caller, id: &SessionId, topic: &str) -> Result<usize, ApiError>;

    /// The agents, by name.
    async fn agents(&self, caller: &Caller) -> Result<Vec<AgentView>, ApiError>;

    /// The tools, by name.
    async fn tools(&self, caller: &Caller) -> Result<Vec<ToolSpec>, ApiError>;

    /// The models, by name.
    async fn models(&self, caller: &Caller) -> Result<Vec<ModelInfo>, ApiError>;

    /// The supervision tree as it is now. Of the actors that carry tasks it lists those of the caller's tenant.
    async fn tree(&self, caller: &Caller) -> Result<TreeNode, ApiError>;

    /// Whether the daemon can take work, and what is wrong if not.
    async fn health(&self) -> Health;
}

impl Caller {
    /// Whoever can reach loopback, when there are no keys.
    pub fn local() -> Self {
        Self { tenant: Tenant::local() }
    }
}

//! Events of a task: the data of `GET /v1/tasks/{id}/events`.

mod convert;
mod kinds;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Effect, Message, TaskError, ToolCall, Usage};
pub use kinds::{Finish, ModelError, ModelErrorKind, ToolError, ToolErrorKind};

/// One journaled event. `seq` is the SSE id, `type` the SSE event name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// Position in the task's journal, from 0, without gaps.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The planner's start that wrote it; grows by one with each crash or restart.
    pub epoch: u32,
    /// Where the content came from, e.g. `user`, `model:nano`, `tool:lookup`.
    pub labels: Vec<String>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Provisional text of the model's current reply, sent as SSE event `delta` without an id when asked for.
/// The `model_replied` event that follows holds the whole text and counts; a retry starts the text anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delta {
    /// Which step.
    pub step: u32,
    /// More text.
    pub text: String,
}

/// What happened. Clients ignore types they do not know: later versions add some.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The task was accepted.
    Submitted {
        /// The agent.
        agent: String,
        /// The conversation, if any.
        session: Option<String>,
        /// What it is about, when the caller said so.
        topic: Option<String>,
        /// What was asked.
        input: String,
        /// Alias of the model.
        model: String,
        /// What exactly the alias meant then.
        model_version: String,
        /// SHA-256 over agent, tools and model as fixed for this task, in hex.
        pinned_digest: String,
    },
    /// Its turn in the session came.
    Started {
        /// What goes into the prompt of the session's past.
        history: Vec<Message>,
        /// Turns left out.
        dropped_turns: usize,
    },
    /// The planner was started again after a crash or a restart.
    Resumed {},
    /// The model is about to be asked.
    ModelAsked {
        /// From 1; one step is one reply.
        step: u32,
        /// From 1 within the step.
        attempt: u32,
    },
    /// The model replied.
    ModelReplied {
        /// Which step.
        step: u32,
        /// What it said.
        content: String,
        /// What it wants done.
        tool_calls: Vec<ToolCall>,
        /// Tokens of this reply.
        usage: Usage,
        /// Why it stopped.
        finish: Finish,
        /// Exact model that answered.
        model: String,
    },
    /// The model gave no reply; it may be asked again.
    ModelFailed {
        /// Which step.
        step: u32,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: ModelError,
    },
    /// The reply could not be used; the model is asked again.
    RepairAsked {
        /// What the model is told.
        problem: String,
    },
    /// A tool is about to be called.
    ToolAsked {
        /// Names this call for ever.
        effect_id: String,
        /// The model's call.
        call_id: String,
        /// The tool.
        tool: String,
        /// The arguments.
        arguments: Value,
        /// What happens after a crash.
        effect: Effect,
    },
    /// The model asked for something that is never called.
    ToolRefused {
        /// The model's call.
        call_id: String,
        /// The tool's name as the model wrote it.
        tool: String,
        /// What the model is told.
        error: ToolError,
    },
    /// A tool gave its output.
    ToolDone {
        /// Which call.
        effect_id: String,
        /// The output.
        output: Value,
    },
    /// A tool failed; the model is told.
    ToolFailed {
        /// Which call.
        effect_id: String,
        /// Why.
        error: ToolError,
    },
    /// Nobody knows whether this call happened, and it is not tried again.
    OutcomeUnknown {
        /// Which call.
        effect_id: String,
    },
    /// Somebody asked for the task to end.
    CancelRequested {
        /// In the caller's words.
        reason: String,
    },
    /// The task is over: always the last event.
    Finished(Outcome),
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// With an answer.
    Done {
        /// The answer.
        output: String,
    },
    /// Without one.
    Failed {
        /// Why.
        error: TaskError,
    },
    /// By request.
    Cancelled {
        /// In the caller's words.
        reason: String,
    },
    /// Its planner crashed too often.
    Quarantined {
        /// The last crash.
        reason: String,
    },
}

impl Event {
    /// Its `type`, which is also the SSE event name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "submitted",
            Self::Started { .. } => "started",
            Self::Resumed {} => "resumed",
            Self::ModelAsked { .. } => "model_asked",
            Self::ModelReplied { .. } => "model_replied",
            Self::ModelFailed { .. } => "model_failed",
            Self::RepairAsked { .. } => "repair_asked",
            Self::ToolAsked { .. } => "tool_asked",
            Self::ToolRefused { .. } => "tool_refused",
            Self::ToolDone { .. } => "tool_done",
            Self::ToolFailed { .. } => "tool_failed",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
            Self::CancelRequested { .. } => "cancel_requested",
            Self::Finished(_) => "finished",
        }
    }
}

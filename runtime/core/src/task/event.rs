//! What happened to a task: the alphabet of its journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TaskSpec;
use crate::{
    id::{EffectId, Seq, Tenant},
    labels::Labels,
    message::Message,
    model::{ModelError, Reply},
    tool::{EffectClass, Grant, ToolError},
};

/// Something that happened, as journaled. Records of every released version stay readable: variants and
/// fields are added with defaults, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The task was accepted.
    Submitted(Box<TaskSpec>),
    /// Its turn in the session came.
    Started {
        /// The session's past as the window let it through.
        history: Vec<Message>,
        /// Turns the window left out.
        dropped_turns: usize,
        /// Where that past came from (J9).
        #[serde(default)]
        labels: Labels,
    },
    /// The planner was started again over this journal.
    Resumed {
        /// Count of its starts.
        epoch: u32,
    },
    /// Intent: the model is about to be asked.
    ModelAsked {
        /// Counted from 1; one step is one reply of the model.
        step: u32,
        /// Counted from 1 within the step.
        attempt: u32,
    },
    /// The model replied.
    ModelReplied {
        /// Which step.
        step: u32,
        /// What it said.
        reply: Reply,
    },
    /// The model gave no reply.
    ModelFailed {
        /// Which step.
        step: u32,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: ModelError,
    },
    /// The reply could not be used; the model is told so and asked again.
    RepairAsked {
        /// What was wrong, in words for the model.
        problem: String,
    },
    /// Intent: a tool is about to be called.
    ToolAsked(Intent),
    /// The model asked for something that is never dispatched: an unknown tool, arguments that are not
    /// JSON, too many calls at once.
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
        effect_id: EffectId,
        /// The output.
        output: Value,
    },
    /// A tool failed.
    ToolFailed {
        /// Which call.
        effect_id: EffectId,
        /// Why.
        error: ToolError,
    },
    /// Nobody knows whether this effect happened, and it must not be tried again (J3).
    OutcomeUnknown {
        /// Which call.
        effect_id: EffectId,
    },
    /// Somebody asked for the task to end.
    CancelRequested {
        /// In the caller's words.
        reason: String,
    },
    /// The task is over; the last event of every journal.
    Finished {
        /// How.
        outcome: Outcome,
    },
}

/// A tool call that has been decided on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Names this effect for ever.
    pub effect_id: EffectId,
    /// The model's call.
    pub call_id: String,
    /// The tool.
    pub tool: String,
    /// As the model wrote them.
    pub arguments: Value,
    /// SHA-256 of the arguments: an effect id reused with other arguments is a bug, not a retry.
    pub args_digest: String,
    /// What happens after a crash.
    pub class: EffectClass,
    /// What the tool may touch.
    #[serde(default)]
    pub grant: Grant,
    /// The planner's start that decided this.
    pub epoch: u32,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Its planner crashed too often; a person should look.
    Quarantined {
        /// The last crash.
        reason: String,
    },
}

/// Why a task failed, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct TaskError {
    /// What kind of failure.
    pub kind: TaskErrorKind,
    /// What happened and what to do next.
    pub message: String,
}

/// The kinds of failure that end a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskErrorKind {
    /// `limits.steps` model calls were used up.
    StepBudget,
    /// `limits.time_ms` passed.
    TimeBudget,
    /// The model could not be asked.
    Model,
    /// The prompt does not fit the model's context.
    ContextOverflow,
    /// The model kept answering what cannot be used.
    BadModelOutput,
    /// The answer was cut by `max_tokens`.
    Truncated,
}

/// One event with its place in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Position in the task's journal, from 0.
    pub seq: Seq,
    /// The planner's start that wrote it.
    pub epoch: u32,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Whose it is.
    pub tenant: Tenant,
    /// Where its content came from (J9).
    pub labels: Labels,
    /// What happened.
    pub event: Event,
}

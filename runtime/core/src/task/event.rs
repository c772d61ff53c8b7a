//! What happened to a task: the alphabet of its journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Share, Signal, Spent, TaskSpec, Wait};
use crate::{
    id::{EffectId, Seq, TaskId, Tenant},
    labels::Labels,
    lenient::Repair,
    message::Message,
    model::{ModelError, Reply, Usage},
    policy::UndoRule,
    tool::{EffectClass, Grant, Receipt, ToolError},
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
    /// A call in the sandbox took this much. What became of the call follows in the same commit.
    Metered {
        /// Which call.
        effect_id: EffectId,
        /// What it took.
        receipt: Receipt,
    },
    /// A tool asked the task's model for something: its tokens are the task's. What became of the call follows in
    /// the same commit.
    Consulted {
        /// Which call.
        effect_id: EffectId,
        /// Exact model that answered, as the backend names it.
        model: String,
        /// Tokens of all questions and answers.
        usage: Usage,
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
    /// A call failed and is made again.
    ToolRetried {
        /// Which call.
        effect_id: EffectId,
        /// The try that is about to be made, from 2.
        attempt: u32,
        /// Why the one before failed.
        error: ToolError,
        /// The wait before it, in milliseconds.
        after_ms: u64,
    },
    /// Nobody saw the end of a `checkable` call. Intent: its tool is about to be asked whether it happened.
    CheckAsked {
        /// Which call.
        effect_id: EffectId,
        /// Why its end was not seen.
        error: ToolError,
    },
    /// Instead of running, a call waits.
    WaitBegun {
        /// The call. It is not made unless an approval makes it.
        intent: Intent,
        /// What for.
        wait: Wait,
    },
    /// A person is asked what became of a call whose outcome is unknown.
    VerdictAsked {
        /// Which call.
        effect_id: EffectId,
        /// How long, in milliseconds since 1970.
        expires_ms: u64,
    },
    /// A person agreed to a call; [`Event::ToolAsked`] follows.
    Approved {
        /// Which call.
        effect_id: EffectId,
        /// Who.
        by: String,
        /// The arguments, where they are not the model's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arguments: Option<Value>,
    },
    /// A person did not agree to a call, or nobody decided in time; its result follows.
    Denied {
        /// Which call.
        effect_id: EffectId,
        /// Who; nobody if the time ran out.
        by: Option<String>,
        /// For the model.
        reason: String,
    },
    /// A person said what became of a call; its result, or another [`Event::ToolAsked`], follows.
    Ruled {
        /// Which call.
        effect_id: EffectId,
        /// Who.
        by: String,
    },
    /// A message came from outside. It stays until a call takes it.
    SignalReceived {
        /// The message.
        signal: Signal,
    },
    /// A waiting call takes a message; its result follows.
    SignalTaken {
        /// Which message.
        id: String,
        /// Which call.
        effect_id: EffectId,
    },
    /// Intent: a task is about to be made by this one.
    ChildAsked {
        /// Its name.
        child: TaskId,
        /// The call that wants it.
        effect_id: EffectId,
        /// Which agent gets the work.
        agent: String,
        /// What it is told.
        input: String,
        /// Whether it takes the conversation over.
        #[serde(default)]
        hand_off: bool,
        /// What it may use.
        #[serde(default)]
        share: Share,
    },
    /// A task that this one made is over.
    ChildEnded {
        /// Which.
        child: TaskId,
        /// How.
        outcome: Outcome,
        /// What it used.
        spent: Spent,
    },
    /// Everything that is open waits: no actor is needed until something happens, or it is time.
    Parked {
        /// Milliseconds since 1970.
        at_ms: u64,
        /// When it goes on by itself, in milliseconds since 1970.
        due_ms: Option<u64>,
    },
    /// The task goes on.
    Woken {
        /// Milliseconds since 1970.
        at_ms: u64,
    },
    /// Somebody wants the task to hold still.
    Paused {
        /// In the caller's words.
        reason: String,
    },
    /// It may go on.
    Unpaused,
    /// The time was up.
    DeadlinePassed,
    /// The planner crashed too often.
    CrashedTooOften {
        /// The last crash.
        reason: String,
    },
    /// The task is ending without an answer; what its calls did is taken back first, newest first.
    Undoing {
        /// How it will end.
        outcome: Outcome,
    },
    /// The history up to here is that of another task. What follows is this one's own.
    Forked {
        /// The step that is asked anew.
        step: u32,
        /// More words of the user, before that step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<String>,
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
    /// As the model wrote them, but for `repairs`; an undo's are as its rule makes them.
    pub arguments: Value,
    /// What was put right in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Repair>,
    /// SHA-256 of the arguments: an effect id reused with other arguments is a bug, not a retry.
    pub args_digest: String,
    /// What happens after a crash.
    pub class: EffectClass,
    /// What the tool may touch.
    #[serde(default)]
    pub grant: Grant,
    /// The planner's start that decided this.
    pub epoch: u32,
    /// How it is taken back, should the task end without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoRule>,
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
    /// `limits.tokens` were used up.
    TokenBudget,
    /// `limits.cost_microusd` was used up.
    CostBudget,
    /// `limits.fuel` was used up.
    FuelBudget,
    /// The task that the conversation was handed to gave no answer.
    HandOff,
    /// A child could not be made.
    NotMade,
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

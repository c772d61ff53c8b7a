//! Events of a task: the data of `GET /v1/tasks/{id}/events`.

mod convert;
mod kinds;
mod name;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Effect, Message, TaskError, ToolCall, Usage, Wait};
pub use kinds::{Finish, Mend, ModelError, ModelErrorKind, Repair, ToolError, ToolErrorKind};

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

/// What a tool call says before its end, sent as SSE event `progress` without an id when deltas are asked for. It may come
/// twice; the event that says what became of the call counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// Which call.
    pub effect_id: String,
    /// The tool.
    pub tool: String,
    /// Done so far; absent with `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// Of so many; absent when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What is being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// A part of the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
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
        /// What was put right in them before the call.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        repairs: Vec<Repair>,
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
    /// A call in the sandbox took this much; what became of the call follows.
    Metered {
        /// Which call.
        effect_id: String,
        /// SHA-256 of the component that ran, in hex.
        component: String,
        /// SHA-256 of the arguments as the component read them, in hex.
        input: String,
        /// SHA-256 of what it returned, in hex; absent if it was ended before.
        #[serde(skip_serializing_if = "Option::is_none")]
        output: Option<String>,
        /// What it computed, in units of fuel: the same for the same call on every machine.
        fuel: u64,
        /// SHA-256 of all that the host answered it, in hex; absent if it asked for nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heard: Option<String>,
        /// Calls into the host through interfaces that reach out of the call.
        reached_calls: u64,
        /// Bytes given and got through them.
        reached_bytes: u64,
    },
    /// A tool asked the task's model; what became of the call follows.
    Consulted {
        /// Which call.
        effect_id: String,
        /// Exact model that answered.
        model: String,
        /// Tokens of all questions and answers.
        usage: Usage,
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
    /// A call failed and is made again.
    ToolRetried {
        /// Which call.
        effect_id: String,
        /// The try that is about to be made, from 2.
        attempt: u32,
        /// Why the one before failed.
        error: ToolError,
        /// The wait before it, in milliseconds.
        after_ms: u64,
    },
    /// Nobody saw the end of a call; its tool is asked whether it happened.
    CheckAsked {
        /// Which call.
        effect_id: String,
        /// Why its end was not seen.
        error: ToolError,
    },
    /// Instead of running, a call waits. An approved one is asked for afterwards.
    WaitBegun {
        /// Names this call for ever.
        effect_id: String,
        /// The model's call.
        call_id: String,
        /// The tool.
        tool: String,
        /// The arguments.
        arguments: Value,
        /// What it waits for.
        wait: Wait,
    },
    /// A person is asked what became of a call whose outcome is unknown.
    VerdictAsked {
        /// Which call.
        effect_id: String,
        /// How long, in milliseconds since 1970.
        expires_ms: u64,
    },
    /// A person agreed to a call.
    Approved {
        /// Which call.
        effect_id: String,
        /// Who.
        by: String,
        /// The arguments, where they are not the model's own.
        arguments: Option<Value>,
    },
    /// A person did not agree to a call, or nobody decided in time.
    Denied {
        /// Which call.
        effect_id: String,
        /// Who; null if the time ran out.
        by: Option<String>,
        /// What the model is told.
        reason: String,
    },
    /// A person said what became of a call whose outcome was unknown.
    Ruled {
        /// Which call.
        effect_id: String,
        /// Who.
        by: String,
    },
    /// A message came from outside; it stays until a call takes it.
    SignalReceived {
        /// The sender's name for it.
        id: String,
        /// What kind of message.
        name: String,
        /// What it says.
        payload: Value,
    },
    /// A waiting call takes a message.
    SignalTaken {
        /// Which message.
        id: String,
        /// Which call.
        effect_id: String,
    },
    /// Another task is about to be made by this one.
    ChildAsked {
        /// Its id.
        child: String,
        /// The call that wants it.
        effect_id: String,
        /// Which agent gets the work.
        agent: String,
        /// What it is told.
        input: String,
        /// Whether it takes the conversation over.
        hand_off: bool,
    },
    /// A task that this one made is over.
    ChildEnded {
        /// Its id.
        child: String,
        /// How it ended.
        outcome: Outcome,
        /// Tokens it used.
        usage: Usage,
        /// What it cost, in millionths of a US dollar.
        cost_microusd: u64,
        /// What its sandboxed tools computed, in units of fuel.
        fuel: u64,
    },
    /// Everything that is open waits for something outside.
    Parked {
        /// When it goes on by itself, in milliseconds since 1970.
        due_ms: Option<u64>,
    },
    /// The task goes on.
    Woken {},
    /// Somebody wants the task to hold still.
    Paused {
        /// In the caller's words.
        reason: String,
    },
    /// It may go on.
    Unpaused {},
    /// The task's time was up.
    DeadlinePassed {},
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
    /// The history up to here is another task's; what follows is this one's own.
    Forked {
        /// The step that is asked anew.
        step: u32,
        /// More words of the user, before that step.
        input: Option<String>,
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
